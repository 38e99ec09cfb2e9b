"""Rules about what functions do beyond their plain call: each judges one case that the probe tried (`case` frames).

A new case is a row of a table in the probe, and, if it is of a new kind, a function here and its row in `_JUDGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from vdsocat.capture import Case
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.defects import Defect
from vdsocat.catalog.intervals import State
from vdsocat.catalog.model import Abi
from vdsocat.exports import KernelRelease
from vdsocat.judging.agreement import Outcome, case_finding, compare
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.special_cases import SPECIAL_JUDGES

_SIGSEGV = 11  # on every architecture (include/uapi/asm-generic/signal.h, arch/*/include/uapi/asm/signal.h)
_EFAULT = "errno:14"


@dataclass(frozen=True, slots=True)
class KnownDefects:
    """The defects that the catalogue knows, and what decides whether a kernel has them."""

    defects: tuple[Defect, ...]
    abi: Abi
    release: KernelRelease
    facts: KernelFacts

    def of(self, case: Case) -> tuple[Defect, State] | None:
        """The defect that this kernel has, or may have, in a case."""
        function = next((one.function for one in self.abi.exports if one.export.name == case.symbol), None)
        for defect in self.defects:
            if defect.abis and self.abi.name not in defect.abis:
                continue
            if function in defect.functions and case.name in defect.cases and (found := self._state_of(defect)):
                return found
        return None

    def explain(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings of a rule that judges no cases, those that a defect explains as such."""
        for finding in findings:
            fitting = (
                one
                for one in self.defects
                if one.rule == finding.rule and self.abi.name in one.abis and finding.subject in one.cases
            )
            yield _explain(finding, next(filter(None, map(self._state_of, fitting)), None))

    def _state_of(self, defect: Defect) -> tuple[Defect, State] | None:
        state = defect.interval.decide(self.release, self.facts).state
        return None if state is State.ABSENT else (defect, state)


def judge_cases(cases: tuple[Case, ...], known: KnownDefects | None = None) -> Iterator[Finding]:
    """One finding for each case; a kind of case that no rule knows is `unknown`.

    What a known defect explains is no failure; one that ought to be there, and is not, is for review.
    """
    for case in cases:
        kind = case.name.partition("/")[0]
        if kind.startswith(_JUDGED_ELSEWHERE):
            continue
        judge = _JUDGES.get(kind)
        if judge is None:
            yield judge_unknown_case(case)
        else:
            yield _explain(judge(case), known.of(case) if known else None)


def _explain(finding: Finding, found: tuple[Defect, State] | None) -> Finding:
    if found is None:
        return finding
    defect, state = found
    where = f"known defect {defect.name} (docs/findings.md)"
    if finding.verdict in (Verdict.FAIL, Verdict.REVIEW):
        reason = f"{finding.reason}; {where}: {defect.summary}"
        return replace(finding, verdict=Verdict.KNOWN_DEFECT, reason=reason, defect=defect.name)
    if finding.verdict is Verdict.PASS and state is State.PRESENT:
        reason = f"{finding.reason}, although the catalogue says that this kernel has the {where}"
        return replace(finding, verdict=Verdict.REVIEW, reason=reason)
    return finding


def judge_unknown_case(case: Case) -> Finding:
    """CALL-CASE: a kind of case that the probe tried and no rule is about is `unknown`, not passed over.

    Why: a capture of a newer probe, judged by older rules, would otherwise look as if all had been well.
    Source: the kinds in the tables of the probe, beside `_JUDGES` in validator/vdsocat/judging/behaviour.py.
    Reproduce: `vdsocat report CAPTURE` with a capture of a newer vdsocat
    """
    return case_finding("CALL-CASE", case, Outcome(Verdict.UNKNOWN, "no rule is about this case"))


def judge_clock(case: Case) -> Finding:
    """CALL-CLOCK: clocks that the vDSO does not read, CPU clocks, alarms, devices and invalid ids, are the kernel's.

    Why: a vDSO that answers for a clock id that it does not know gives a wrong time in place of EINVAL; a shift by the
    id without a check makes clock 33 a copy of clock 1.
    Source: vdso_clockid_valid() and clock_gettime_fallback() in lib/vdso/gettimeofday.c (v7.3); ids of processes,
    threads and devices in include/linux/posix-timers.h.
    Reproduce: `clock_gettime(33, &ts)` with the function of the vDSO and with `syscall(SYS_clock_gettime, 33, &ts)`
    """
    return case_finding("CALL-CLOCK", case, compare(case))


def judge_resolution(case: Case) -> Finding:
    """CALL-RESOLUTION: the resolution of every clock, and the errno for an id that is none, are the system call's.

    Why: programs choose timers by it, and tell by EINVAL that a clock does not exist.
    Source: __cvdso_clock_getres_common() in lib/vdso/gettimeofday.c beside sys_clock_getres in
    kernel/time/posix-timers.c (v7.3).
    Reproduce: `clock_getres(16, &ts)` with the function of the vDSO and with `syscall(SYS_clock_getres, 16, &ts)`
    """
    return case_finding("CALL-RESOLUTION", case, compare(case))


def judge_null(case: Case) -> Finding:
    """CALL-NULL: a pointer that may be null can be, and the other answers are given.

    Why: `time(NULL)`, `clock_getres(id, NULL)` and `getcpu(&cpu, NULL, NULL)` are how most programs call them.
    Source: the tests for NULL in lib/vdso/gettimeofday.c, and each arch's getcpu (v7.3).
    Reproduce: call the function of the vDSO with the null pointer that the subject names
    """
    return case_finding("CALL-NULL", case, compare(case))


def judge_timezone(case: Case) -> Finding:
    """CALL-TIMEZONE: gettimeofday tells the kernel's time zone, with the time and alone.

    Why: it is kept in the vDSO's data beside the clocks, and a layout that moved shows here first.
    Source: __cvdso_gettimeofday_data() in lib/vdso/gettimeofday.c (v7.3).
    Reproduce: `gettimeofday(NULL, &tz)` with the function of the vDSO and with `syscall(SYS_gettimeofday, NULL, &tz)`
    """
    return case_finding("CALL-TIMEZONE", case, compare(case))


def judge_bad_pointer(case: Case) -> Finding:
    """CALL-BAD-POINTER: a pointer to nowhere is a fault, EFAULT from the kernel or SIGSEGV in the vDSO, never success.

    Why: vdso(7) and the kernel leave it open which of the two; a function that returns 0 wrote its answer elsewhere.
    Source: the functions store through the pointer without a check (lib/vdso/gettimeofday.c, v7.3), the system calls
    with put_user() and copy_to_user().
    Reproduce: call the function of the vDSO with the pointer 0x10
    """
    if case.kernel not in (None, _EFAULT):
        return case_finding("CALL-BAD-POINTER", case, Outcome(Verdict.UNKNOWN, "the system call does not refuse it"))
    if case.vdso == f"signal:{_SIGSEGV}":
        outcome = Outcome(Verdict.PASS, "the function faults on it (SIGSEGV), as its store does")
    else:
        outcome = compare(case)
    return case_finding("CALL-BAD-POINTER", case, outcome)


def judge_order(case: Case) -> Finding:
    """CALL-ORDER: readings in a row never step back: of one clock, of vDSO and kernel, of functions, of CPUs.

    Why: a monotonic clock that steps back makes timeouts negative; the kernel's answer and the vDSO's can differ by
    less than a comparison of single calls shows.
    Source: the sequence counter of include/vdso/helpers.h; coarse clocks are the time of the last tick
    (lib/vdso/gettimeofday.c, do_coarse), v7.3.
    Reproduce: tools/testing/selftests/timers/inconsistency-check.c of the kernel
    """
    outcome = compare(case)
    if outcome.verdict is Verdict.PASS:
        outcome = Outcome(Verdict.PASS, "no reading was before the one before it")
    elif case.vdso.isdigit():
        outcome = Outcome(Verdict.FAIL, f"{case.vdso} readings were before the one before them")
    return case_finding("CALL-ORDER", case, outcome)


def judge_cpu(case: Case) -> Finding:
    """CALL-CPU: getcpu tells the CPU that the process is pinned to, and the node that the system call tells.

    Why: allocators and rseq's fallback keep one arena for each CPU, and take the answer for an index.
    Source: getcpu of each arch (arch/x86/entry/vdso/common/vgetcpu.c and others) beside sys_getcpu in kernel/sys.c
    (v7.3).
    Reproduce: `taskset -c 1` a program that calls the function of the vDSO
    """
    return case_finding("CALL-CPU", case, compare(case))


_JUDGES: dict[str, Callable[[Case], Finding]] = {
    "clock": judge_clock,
    "resolution": judge_resolution,
    "null": judge_null,
    "timezone": judge_timezone,
    "bad-pointer": judge_bad_pointer,
    "never-back": judge_order,
    "beside-kernel": judge_order,
    "beside-clock": judge_order,
    "coarse-behind": judge_order,
    "migrating": judge_order,
    "pinned": judge_cpu,
    **SPECIAL_JUDGES,
}
# Kinds whose rules ask for more than the case (places.py).
_JUDGED_ELSEWHERE = ("landing", "vsyscall", "gateway")
