"""The rules beside the comparison of exports: the ABI runs, the image is there and sound, calls agree."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence

from vdsocat.capture import AbiCapture, Call, Case
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.evidence import ImageFacts
from vdsocat.catalog.intervals import Decision, State, decide_any
from vdsocat.catalog.model import Abi, Area, HashStyles, VdsoInterval
from vdsocat.elf.image import ImageError, VdsoImage
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Finding, Verdict

_COMMON_ERRNOS = 34

# The verdict on something that is not there, by what the catalogue says of it.
OF_WHAT_IS_ABSENT = {
    State.ABSENT: Verdict.EXPECTED_ABSENT,
    State.UNKNOWN: Verdict.UNKNOWN,
    State.PRESENT: Verdict.FAIL,
}

# include/uapi/linux/time.h
CLOCKS = {
    0: "CLOCK_REALTIME",
    1: "CLOCK_MONOTONIC",
    2: "CLOCK_PROCESS_CPUTIME_ID",
    3: "CLOCK_THREAD_CPUTIME_ID",
    4: "CLOCK_MONOTONIC_RAW",
    5: "CLOCK_REALTIME_COARSE",
    6: "CLOCK_MONOTONIC_COARSE",
    7: "CLOCK_BOOTTIME",
    8: "CLOCK_REALTIME_ALARM",
    9: "CLOCK_BOOTTIME_ALARM",
    11: "CLOCK_TAI",
    16: "CLOCK_AUX",
}

# What the probe calls; every other function is judged by its symbol alone.
CALLED_FUNCTIONS = ("clock_gettime", "clock_gettime64", "gettimeofday", "getcpu", "time")


def judge_abi_runs(seen: AbiCapture, abi: Abi, decision: Decision) -> Iterator[Finding]:
    """ABI-RUNS: a program of the ABI starts where the catalogue says that this kernel runs the ABI.

    Why: a compat ABI that was configured away, or taken out of a release, takes its vDSO with it; without this verdict
    its absence would look like one more row that nobody had asked for. A probe that dies halfway is found here, too.
    Source: elf_check_arch() and compat_elf_check_arch() in arch/*/include/asm/elf.h (v7.3); the catalogue's `hosts`.
    Reproduce: start any program of the ABI; a kernel that does not run it says ENOEXEC, "Exec format error"
    """
    match seen.outcome:
        case "exec-failed":
            verdict = OF_WHAT_IS_ABSENT[decision.state]
            error = errno_name(seen.detail)
            yield Finding(
                "ABI-RUNS", verdict, abi.name, f"the kernel does not start its programs ({error}); {decision.reason}"
            )
        case "complete":
            if decision.state is State.ABSENT:
                yield Finding(
                    "ABI-RUNS",
                    Verdict.REVIEW,
                    abi.name,
                    f"it runs although the catalogue says otherwise: {decision.reason}",
                )
            else:
                yield Finding("ABI-RUNS", Verdict.PASS, abi.name, decision.reason)
        case "static":  # that its programs start, only a boot shows
            if seen.also_fits:
                others = " or ".join(seen.also_fits)
                yield Finding(
                    "ABI-RUNS",
                    Verdict.UNKNOWN,
                    abi.name,
                    f"the image may as well be that of {others}: nothing tells them apart",
                )
            if decision.state is State.ABSENT:
                carried = seen.image is not None
                yield Finding(
                    "ABI-RUNS",
                    Verdict.REVIEW if carried else Verdict.EXPECTED_ABSENT,
                    abi.name,
                    (
                        f"the kernel carries an image for it although the catalogue says otherwise: {decision.reason}"
                        if carried
                        else f"the kernel does not run it; {decision.reason}"
                    ),
                )
        case outcome:
            detail = {"signal": signal_name(seen.detail), "exit": f"status {seen.detail}"}.get(outcome, "")
            yield Finding("ABI-RUNS", Verdict.FAIL, abi.name, f"its probe did not finish: {outcome} {detail}".rstrip())


def judge_vdso_present(
    seen: AbiCapture, vdso: tuple[VdsoInterval, ...], release: KernelRelease, facts: KernelFacts
) -> Finding:
    """VDSO-PRESENT: an ELF image is mapped, or carried by the kernel, where the catalogue says so, and only there.

    Why: without it all programs run, slower, and none complains; CRIU could not restore where there was none (criu pull
    request 922). The kernel's own selftests skip everything: "AT_SYSINFO_EHDR is not present!" (vdso_test_abi.c, v7.3).
    Source: arch_setup_additional_pages() of each arch (v7.3); the catalogue's `vdso` entries name commits.
    Reproduce: `LD_SHOW_AUXV=1 true`, or `grep vdso /proc/self/maps`
    """
    place = "" if seen.address is None else f" at {seen.address:#x}"
    image = None if seen.image is None else f"{len(seen.image)} bytes{place}"
    return judge_presence(image, "carried" if seen.is_static else "mapped", vdso, release, facts)


def judge_presence(
    image: str | None, how: str, vdso: tuple[VdsoInterval, ...], release: KernelRelease, facts: KernelFacts
) -> Finding:
    """What VDSO-PRESENT says of an image that is spelled as `image`, None for none; `how` is carried or mapped."""
    if not vdso:
        decision = Decision(State.ABSENT, "this ABI never had an ELF vDSO")
    else:
        decision = decide_any(tuple(one.interval for one in vdso), release, facts)
    if image is None:
        verdict = OF_WHAT_IS_ABSENT[decision.state]
        return Finding("VDSO-PRESENT", verdict, "vDSO", f"none is {how}; {decision.reason}")
    verdict = Verdict.REVIEW if decision.state is State.ABSENT else Verdict.PASS
    return Finding("VDSO-PRESENT", verdict, "vDSO", decision.reason, seen=image)


def judge_unreadable(error: ImageError) -> Finding:
    """ELF-READABLE: the bytes that were mapped can be read as an ELF image: header, segments, symbols, versions.

    Why: CRIU gave up on ppc64le from 5.11 on, because what it took for the vDSO began without the ELF magic (criu issue
    1417). It is the first thing that any consumer asks.
    Source: gABI, "ELF Header" and "Dynamic Section"; the GNU versioning of binutils.
    Reproduce: `readelf -aW IMAGE`
    """
    return Finding("ELF-READABLE", Verdict.FAIL, "vDSO", str(error))


def judge_identity(image: VdsoImage, abi: Abi, endianness: str) -> Finding:
    """ELF-IDENTITY: machine, class and byte order of the image are the ABI's.

    Why: a kernel builds several images, and which one a process gets is decided at exec; x32 is class 32 for EM_X86_64,
    and a process that got the image of its neighbour jumps into code of another convention.
    Source: gABI, "ELF Header"; ELF_CLASS and ELF_ARCH in arch/*/include/asm/elf.h (v7.3).
    Reproduce: `readelf -h IMAGE`
    """
    expected = (abi.elf.machine, abi.elf.elf_class, endianness)
    seen = (image.machine, image.elf_class, image.endianness)
    return Finding(
        "ELF-IDENTITY",
        Verdict.PASS if seen == expected else Verdict.FAIL,
        "ELF header",
        "machine, class and byte order" + ("" if seen == expected else " are not the ABI's"),
        expected="{} {}-bit {}".format(*expected),
        seen="{} {}-bit {}".format(*seen),
    )


def judge_soname(
    image: VdsoImage | ImageFacts, vdso: tuple[VdsoInterval, ...], release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """ELF-SONAME: the soname is the one that the catalogue records for this release, where it records one.

    Why: ldd prints it, and tools tell the vDSO from a missing library by it: Dyninst did not know linux-vdso64.so.1
    (dyninst issue 406), staticx not linux-gate.so.1 (staticx issue 99).
    Source: -soname in the ldflags of the vdso Makefiles (v7.3); the catalogue's `vdso` entries name commits.
    Reproduce: `readelf -dW IMAGE`
    """
    expected = [
        one.soname for one in vdso if one.soname and one.interval.decide(release, facts).state is not State.ABSENT
    ]
    if expected:
        same = image.soname in expected
        yield Finding(
            "ELF-SONAME",
            Verdict.PASS if same else Verdict.FAIL,
            "soname",
            "as catalogued" if same else "it has another soname",
            expected=" or ".join(dict.fromkeys(expected)),
            seen=image.soname,
        )


def judge_hash_styles(
    image: VdsoImage | ImageFacts, catalogued: tuple[HashStyles, ...], release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """ELF-HASH-STYLE: the symbol hash tables are those that the catalogue records for this release, where it does.

    Why: a table that is lost takes the fast path from every program that looks symbols up through it. When arm64 lost
    DT_HASH (48f6430505c0), CRIU did not start (criu 8a06ca27), and musl found nothing.
    Source: --hash-style in the ldflags of the vdso Makefiles (v7.3); some leave it to the linker. The catalogue's
    `hash` entries name commits.
    Reproduce: `readelf -dW IMAGE`, the tags HASH and GNU_HASH
    """
    states = [(one, one.interval.decide(release, facts).state) for one in catalogued]
    expected = [one.styles for one, state in states if state is not State.ABSENT]
    if not expected:
        return
    if set(image.hash_styles) in map(set, expected):
        verdict, reason = Verdict.PASS, "as catalogued"
    elif any(state is State.PRESENT for _, state in states):
        verdict, reason = Verdict.FAIL, "it has other symbol hash tables"
    else:
        verdict, reason = (
            Verdict.UNKNOWN,
            "it has other symbol hash tables than those that the catalogue deems possible",
        )
    yield Finding(
        "ELF-HASH-STYLE",
        verdict,
        "hash tables",
        reason,
        expected=" or ".join(dict.fromkeys(map(_spell_styles, expected))),
        seen=_spell_styles(image.hash_styles),
    )


def judge_areas(
    areas: Sequence[Area], seen: AbiCapture, release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """AREA-PRESENT: a page at a fixed address is there where the catalogue says so; one finding for all its stretches.

    Why: programs call into these pages without asking, and die of it where CONFIG_KUSER_HELPERS (arm) or
    CONFIG_X86_VSYSCALL_EMULATION is off; the texts of both options warn of it.
    Source: Documentation/arch/arm/kernel_user_helpers.rst and arch/x86/entry/vsyscall/vsyscall_64.c (v7.3); the
    catalogue's `areas` name commits.
    Reproduce: `grep -E 'vectors|vsyscall' /proc/self/maps`
    """
    stretches: dict[str, list[Area]] = {}
    for area in areas:
        stretches.setdefault(area.name, []).append(area)
    for group in stretches.values():
        yield _judge_area(group[-1], decide_any(tuple(area.interval for area in group), release, facts), seen)


def _judge_area(area: Area, decision: Decision, seen: AbiCapture) -> Finding:
    """The probe looks at arm's kuser page; others show in /proc/self/maps, or by calls of their entries, if at all."""
    if area.name == "kuser" and seen.kuser is not None:
        present, said = seen.kuser.present, f"helper version {seen.kuser.version}"
    elif area.mapping is not None and seen.mappings:
        present, said = any(line.endswith(area.mapping) for line in _other_mappings(seen)), area.mapping
    elif calls := _calls_into(area, seen):
        answered = [case for case in calls if not case.vdso.startswith(("signal:", "hang", "died"))]
        present, said = bool(answered), f"{len(answered)} of {len(calls)} calls of its entries came back"
    elif decision.state is State.ABSENT:
        reason = f"{decision.reason}; nothing looks for it"
        return Finding("AREA-PRESENT", Verdict.EXPECTED_ABSENT, area.name, reason)
    else:
        return Finding("AREA-PRESENT", Verdict.UNKNOWN, area.name, "the probe does not look at this area")
    if present:
        verdict = Verdict.REVIEW if decision.state is State.ABSENT else Verdict.PASS
        return Finding("AREA-PRESENT", verdict, area.name, decision.reason, seen=said)
    verdict = OF_WHAT_IS_ABSENT[decision.state]
    return Finding("AREA-PRESENT", verdict, area.name, f"the page is not mapped; {decision.reason}")


def _calls_into(area: Area, seen: AbiCapture) -> list[Case]:
    """The cases that called an entry of a page which is no function of an image."""
    entries = {entry.symbol for entry in area.entries}
    return [case for case in seen.cases if case.symbol in entries]


def _other_mappings(seen: AbiCapture) -> Iterator[str]:
    """The lines of /proc/self/maps but the image's own: MIPS called its page of trampolines [vdso], too, before 4.4."""
    for line in seen.mappings:
        if seen.image is None or int(line.partition("-")[0], 16) != seen.address:
            yield line


def judge_call(call: Call) -> Finding:
    """The finding on one call: what it returned if that is wrong or all that is known, otherwise its value."""
    subject = call.symbol if call.clock is None else f"{call.symbol}({CLOCKS.get(call.clock, call.clock)})"
    return judge_return(call, subject) or judge_value(call, subject)


def judge_return(call: Call, subject: str) -> Finding | None:
    """CALL-RETURN: the function came back, with 0, or refused with the errno of the system call.

    Why: a wrong sign makes an error a success. Functions return -errno, but powerpc's return a positive errno with the
    bit CR0.SO set, so that every caller needs its own stub (VDSO_CALL in tools/testing/selftests/vDSO/vdso_call.h).
    Source: Documentation/ABI/stable/vdso (v7.3); lib/vdso/gettimeofday.c; arch/powerpc/include/asm/vdso/gettimeofday.h.
    Reproduce: call the function with the arguments that the subject names, beside the system call
    """
    if call.failure == "crash":
        return Finding("CALL-RETURN", Verdict.FAIL, subject, f"the call died of {signal_name(call.signal)}")
    if call.failure == "hang":
        return Finding("CALL-RETURN", Verdict.FAIL, subject, "the call did not come back")
    returned = call.returned or 0
    if call.syscall_errno is not None:
        error = errno_name(call.syscall_errno)
        if -returned == call.syscall_errno:
            return Finding("CALL-RETURN", Verdict.PASS, subject, f"refused like the system call ({error})")
        return Finding("CALL-RETURN", Verdict.UNKNOWN, subject, f"the system call to compare with fails ({error})")
    if returned < 0:
        reason = f"the call failed ({errno_name(-returned)}), the system call did not"
        return Finding("CALL-RETURN", Verdict.FAIL, subject, reason)
    if returned > 0 and not call.symbol.endswith("_time"):
        reason = f"the call returned {returned}, which is neither 0 nor a negative errno"
        return Finding("CALL-RETURN", Verdict.FAIL, subject, reason)
    return None


def judge_value(call: Call, subject: str) -> Finding:
    """CALL-VALUE: the function says what the system call says, called just before it and just after it.

    Why: on a Raspberry Pi with Linux 5.6 __vdso_clock_gettime64 gave erratic times, and the system call right ones
    (raspberrypi/linux issue 3579); musl still works around it.
    Source: the system call is the reference: Documentation/ABI/stable/vdso (v7.3), "alternatives to real syscalls".
    Reproduce: tools/testing/selftests/vDSO/vdso_test_correctness.c of the kernel does the same
    """
    if call.before is None or call.value is None or call.after is None:
        return Finding("CALL-VALUE", Verdict.UNKNOWN, subject, "the probe reported no value")
    agrees = call.before <= call.value <= call.after or (
        call.symbol.endswith("getcpu") and call.value in (call.before, call.after)
    )
    return Finding(
        "CALL-VALUE",
        Verdict.PASS if agrees else Verdict.FAIL,
        subject,
        "agrees with the system call around it" if agrees else "is not between the system calls around it",
        expected=f"{call.before}…{call.after}",
        seen=str(call.value),
    )


def judge_calls_made(image: VdsoImage, abi: Abi, seen: AbiCapture) -> Iterator[Finding]:
    """CALL-MADE: every exported function that the probe knows how to call was called; `unknown` where it was not.

    Why: a function that nobody called would otherwise count as one that is well.
    Source: the functions in validator/probe/calls.c and cases.c beside the exports of the image.
    Reproduce: `vdsocat check SOURCE --format json`, the findings on the symbol
    """
    called = {call.symbol for call in seen.calls} | {case.symbol for case in seen.cases}
    functions = {entry.export.name: entry.function for entry in abi.exports if entry.alias_of is None}
    for export in image.exports:
        if functions.get(export.name) in CALLED_FUNCTIONS and export.name not in called:
            yield Finding("CALL-MADE", Verdict.UNKNOWN, export.name, "the probe did not call it")


def _spell_styles(styles: tuple[str, ...]) -> str:
    return "+".join(sorted(styles, reverse=True)) or "none"


def errno_name(number: int | None) -> str:
    """What an errno of the guest means; beyond the first 34 (asm-generic/errno-base.h) architectures differ."""
    if number is None or not 0 < number <= _COMMON_ERRNOS:
        return f"errno {number}"
    return os.strerror(number)


def signal_name(number: int | None) -> str:
    """What a signal of the guest means; the others have different numbers on different architectures."""
    common = (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV)
    return next((one.name for one in common if one == number), f"signal {number}")
