"""Rules about code of the kernel's at a known place: what signal handlers return to, and x86's page of old."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.capture import AbiCapture, Case
from vdsocat.catalog.intervals import State
from vdsocat.catalog.model import Abi
from vdsocat.elf.image import VdsoImage
from vdsocat.judging.agreement import Outcome, case_finding, compare
from vdsocat.judging.behaviour import KnownDefects
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.placement import parse_mappings

_SIGSEGV = "signal:11"
_VSYSCALL = "[vsyscall]"


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
