"""What a case of the probe came to: whether a function said what it had to agree with, and the finding of that."""

from __future__ import annotations

from typing import NamedTuple

from vdsocat.capture import Case
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.rules import CLOCKS, errno_name, signal_name

_LACKING = {
    "second-cpu": "the machine has one CPU, or lets the process run on one only",
    "affinity": "the process's affinity cannot be read or set",
    "system-call": "the ABI has no such system call to compare with",
    "clock": "the clock to compare with cannot be read",
    "timer": "the kernel has no interval timer",
    "entropy": "the kernel has no random numbers yet",
    "parameters": "it does not tell what memory it needs",
    "state": "there is no memory of the kind that it asks for",
    "memory": "there is no memory for code",
    "proc": "/proc/self/exe cannot be read",
}


class Outcome(NamedTuple):
    """What a case came to, before a rule gives it its name."""

    verdict: Verdict
    reason: str


def compare(case: Case) -> Outcome:
    """Whether the function said what it must agree with: the same, or a value within the range."""
    if case.kernel is not None and case.kernel.startswith("lacking:"):
        what = case.kernel.removeprefix("lacking:")
        return Outcome(Verdict.EXPECTED_ABSENT, f"not tried: {_LACKING.get(what, what)}")
    if case.vdso == "hang":
        return Outcome(Verdict.FAIL, "the call did not come back")
    if case.vdso == "died":
        return Outcome(Verdict.UNKNOWN, "the process that tried it ended without an answer, or could not be started")
    if case.vdso.startswith("signal:"):
        return Outcome(Verdict.FAIL, f"the call died of {signal_name(int(case.vdso.removeprefix('signal:')))}")
    if case.kernel is None:
        return Outcome(Verdict.UNKNOWN, "the probe did not say what the system call says")
    if not _agree(case.kernel, case.vdso):
        return Outcome(Verdict.FAIL, "it does not say what the system call says")
    if case.vdso.startswith("errno:"):
        return Outcome(Verdict.PASS, f"refused like the system call ({errno_name(int(case.vdso[6:]))})")
    return Outcome(Verdict.PASS, "agrees with the system call")


def _agree(kernel: str, vdso: str) -> bool:
    low, separator, high = kernel.partition("..")
    if not separator:
        return kernel == vdso
    try:
        return _number(low) <= _number(vdso) <= _number(high)
    except ValueError:  # an errno, in place of a value
        return False


def _number(text: str) -> tuple[int, int]:
    """A whole number, or seconds with nine digits of their fraction, as something to compare."""
    whole, _, fraction = text.partition(".")
    return int(whole), int(fraction or 0)


def case_finding(rule: str, case: Case, outcome: Outcome) -> Finding:
    """The finding of a rule on a case, with what the case had to agree with and what it said."""
    kind, _, argument = case.name.partition("/")
    if rule in ("CALL-CLOCK", "CALL-RESOLUTION", "CALL-ORDER") and argument:
        subject = f"{case.symbol}({CLOCKS.get(int(argument), argument)})"
        subject += "" if rule != "CALL-ORDER" else f" {kind}"
    else:
        subject = f"{case.symbol} {case.name}"
    if outcome.verdict is Verdict.EXPECTED_ABSENT:
        return Finding(rule, outcome.verdict, subject, outcome.reason)
    return Finding(rule, outcome.verdict, subject, outcome.reason, expected=case.kernel, seen=case.vdso)
