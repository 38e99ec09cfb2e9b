"""Rules about code of the kernel's at a known place: what handlers return to, x86's page of old, a gateway page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vdsocat.capture import AbiCapture, Case
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.intervals import State, decide_any
from vdsocat.catalog.model import Abi, Area
from vdsocat.elf.image import VdsoImage
from vdsocat.exports import KernelRelease
from vdsocat.judging.agreement import Outcome, case_finding, compare
from vdsocat.judging.behaviour import KnownDefects
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.placement import parse_mappings

_SIGSEGV = "signal:11"
_VSYSCALL = "[vsyscall]"
_NO_SUCH_CALL = "errno:251"  # ENOSYS of PA-RISC (arch/parisc/include/uapi/asm/errno.h)


def judge_signal_returns(
    seen: AbiCapture, abi: Abi, image: VdsoImage | None, known: KnownDefects | None
) -> Iterator[Finding]:
    """SIGNAL-RETURN: a handler returns to the landing pad, and what the signal interrupted goes on unharmed.

    A timer interrupts arithmetic twice, with the handler and without SA_RESTORER: the return address is the exported
    landing pad (else in the pages that the catalogue names, in the image, or on the stack where the kernel writes the
    code), the results stay right, and the second signal shows that the mask was restored. `known` is None of emulators.
    Why: unwinders and debuggers know a signal frame by the address or by the code at it; a trampoline that moved makes
    every backtrace end in the handler, and pthread cancellation with it.
    Source: setup_return(), setup_frame() or setup_rt_frame() of arch/*/kernel/signal*.c (v7.3).
    Reproduce: `__builtin_return_address(0)` in a handler installed by `syscall(SYS_rt_sigaction, …)`
    """
    for case in seen.cases:
        if case.name.startswith("landing"):
            siginfo = case.name.endswith("/1")
            yield case_finding("SIGNAL-RETURN", case, _judge_landing(case, siginfo, seen, abi, image, known))


def _judge_landing(
    case: Case, siginfo: bool, seen: AbiCapture, abi: Abi, image: VdsoImage | None, known: KnownDefects | None
) -> Outcome:
    if seen.image is None and case.vdso.startswith("signal:"):
        # VDSO-PRESENT judges that there is none. i386 then writes the code to the stack, which is not executable
        # (frame->retcode in arch/x86/kernel/signal_32.c, v7.3).
        return Outcome(Verdict.EXPECTED_ABSENT, "there is no vDSO to return to, and a handler that returns faults")
    if case.kernel is None or not case.kernel.startswith("0x"):
        return compare(case)
    if case.vdso != "0":
        lost = Outcome(Verdict.FAIL, f"{case.vdso} results of what was interrupted were wrong: registers were lost")
        return lost if case.vdso.isdigit() else compare(case)
    address = int(case.kernel, 16)
    pads = _exported_pads(abi, image, siginfo)
    if pads:
        name = next((name for name, value in pads.items() if (seen.address or 0) + value == address), None)
        if name is not None:
            return Outcome(Verdict.PASS, f"it returned to {name}, and what was interrupted went on")
        return Outcome(Verdict.FAIL, f"it did not return to {' or '.join(pads)}, which the image exports")
    return _judge_unnamed_place(address, seen, abi, known)


def _exported_pads(abi: Abi, image: VdsoImage | None, siginfo: bool) -> dict[str, int]:
    """Landing pads that the image exports, by name; 64-bit ABIs have one for both kinds of handlers."""
    exported = {export.name: export.value for export in image.exports} if image is not None else {}
    for function in ("rt_sigreturn",) if siginfo else ("sigreturn", "rt_sigreturn"):
        names = [one.export.name for one in abi.exports if one.function == function and one.export.name in exported]
        if names:
            return {name: exported[name] for name in names}
    return {}


def _judge_unnamed_place(address: int, seen: AbiCapture, abi: Abi, known: KnownDefects | None) -> Outcome:
    mapping = next((one for one in parse_mappings(seen) if one.start <= address < one.end), None)
    name = mapping.name if mapping is not None else ""
    if seen.image is not None and 0 <= address - (seen.address or 0) < len(seen.image):
        return Outcome(Verdict.PASS, "it returned into the image, which names no landing pad")
    if name == "[stack]":
        return Outcome(Verdict.PASS, "it returned to the stack, where the kernel had written the code")
    if name in _trampoline_pages(abi, known):
        return Outcome(Verdict.PASS, f"it returned to {name}")
    return Outcome(
        Verdict.REVIEW, f"it returned to {name or 'an address without a mapping'}, which nobody has described"
    )


def _trampoline_pages(abi: Abi, known: KnownDefects | None) -> set[str]:
    """Names of mappings that hold trampolines on this kernel."""
    return {
        one.name
        for one in abi.mappings
        if one.holds == "trampolines"
        and (known is None or one.interval.decide(known.release, known.facts).state is not State.ABSENT)
    }


def judge_vsyscall(seen: AbiCapture) -> Iterator[Finding]:
    """CALL-VSYSCALL: where the page at 0xffffffffff600000 is mapped, its three functions answer; where not, they fault.

    Why: static binaries of distributions of old call nothing else, and a process that dies of it says no more than
    SIGSEGV.
    Source: emulate_vsyscall() in arch/x86/entry/vsyscall/vsyscall_64.c (v7.3).
    Reproduce: `((long (*)(long *))0xffffffffff600400)(NULL)`, with vsyscall=xonly and vsyscall=none
    """
    mapped = any(mapping.name == _VSYSCALL for mapping in parse_mappings(seen))
    for case in seen.cases:
        if not case.name.startswith("vsyscall"):
            continue
        outcome = compare(case)
        if not mapped and case.vdso == _SIGSEGV:
            outcome = Outcome(Verdict.EXPECTED_ABSENT, "the page is not mapped, and a call faults")
        elif not mapped:
            outcome = Outcome(Verdict.REVIEW, "no line of /proc/self/maps has the page, but a call came back")
        yield case_finding("CALL-VSYSCALL", case, outcome)


def judge_gateway(
    seen: AbiCapture, areas: Sequence[Area], release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """GATEWAY-ENTRY: each entry of PA-RISC's gateway page does at its offset what it is for.

    The system call entry tells a child its process id and refuses what is no call; the light-weight system calls
    compare and swap, exchange and store 1 to 8 bytes and no more, and refuse bad pointers and numbers;
    set_thread_pointer writes control register 27. What came later, or an emulator does not claim, may be ENOSYS.
    Why: PA-RISC has no compare-and-swap of its own, so every lock of a libc goes through 0xb0, every thread through
    0xe0, every system call through 0x100; a table that lost a row, or code that moved, shows nowhere else.
    Source: arch/parisc/kernel/syscall.S (v7.3), with the calling convention in its comments.
    Reproduce: `ble 0xb0(%sr2, %r0)` with 0 in %r20, an address in %r26, the old value in %r25, the new one in %r24
    """
    for case in seen.cases:
        if not case.name.startswith("gateway"):
            continue
        outcome = compare(case)
        if outcome.verdict is Verdict.PASS:
            outcome = Outcome(Verdict.PASS, "it does what it is for")
        elif outcome.verdict is Verdict.FAIL and case.vdso == _NO_SUCH_CALL:
            entries = [entry.interval for area in areas for entry in area.entries if entry.symbol == case.symbol]
            decision = decide_any(tuple(entries), release, facts) if entries else None
            if decision is None:
                outcome = Outcome(Verdict.EXPECTED_ABSENT, "refused with ENOSYS; nobody says that it is there")
            elif decision.state is State.ABSENT:
                outcome = Outcome(Verdict.EXPECTED_ABSENT, f"refused with ENOSYS; {decision.reason}")
            else:
                outcome = Outcome(Verdict.FAIL, f"refused with ENOSYS, as if there were none; {decision.reason}")
        elif outcome.verdict is Verdict.FAIL and case.vdso != "hang" and not case.vdso.startswith("signal:"):
            outcome = Outcome(Verdict.FAIL, "it does not do what it is for")
        yield case_finding("GATEWAY-ENTRY", case, outcome)
