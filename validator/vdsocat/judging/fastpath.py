"""The rule about the fast path: whether calls that need not enter the kernel stay out of it."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.capture import AbiCapture, TakenPath
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.fast_paths import FastPath, FastPaths
from vdsocat.catalog.model import Abi
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.rules import CLOCKS, errno_name

_RULE = "FAST-PATH"
_SPELLED = {
    "vdso": "no call entered the kernel",
    "mixed": "some calls entered the kernel, others did not",
    "fallback": "every call entered the kernel",
}


def judge_paths(seen: AbiCapture, abi: Abi, known: FastPaths, facts: KernelFacts) -> Iterator[Finding]:
    """FAST-PATH: calls that the vDSO can answer itself do not enter the kernel; the others rightly do.

    Why: a vDSO that falls back gives right answers, and takes ten times as long for each: nothing fails, and every
    program that reads clocks gets slow. The kernel's selftests do not look.
    Source: lib/vdso/gettimeofday.c and the getcpu of each arch; a clock source that user space cannot read
    (VDSO_CLOCKMODE_NONE, include/vdso/clocksource.h) leaves the kernel as the only way. lib/vdso/getrandom.c: once its
    state is filled, getrandom is called without the kernel. The catalogue's `fast` entries.
    Reproduce: `strace -e clock_gettime` a program that calls the function; a call of the fast path does not show
    """
    functions = {entry.export.name: entry.function for entry in abi.exports}
    for path in seen.paths:
        if not path.ways:
            yield Finding(_RULE, Verdict.UNKNOWN, path.symbol, _no_filter(path))
        for argument, way in path.ways.items():
            clock = None if argument == "-" else int(argument)
            entry = known.of(functions.get(path.symbol, ""), abi.name, clock)
            verdict, reason = _judge_way(way, entry, _counter(seen, abi, known), facts)
            subject = path.symbol if clock is None else f"{path.symbol}({CLOCKS.get(clock, clock)})"
            yield Finding(_RULE, verdict, subject, reason, seen=way)


def _no_filter(path: TakenPath) -> str:
    return (
        f"neither can a seccomp filter be installed ({errno_name(path.unknown)}) nor the process be traced; "
        "it takes a kernel rather than an emulator of one"
    )


def _counter(seen: AbiCapture, abi: Abi, known: FastPaths) -> tuple[bool | None, str]:
    """Whether the vDSO can read the current clock source, and the sentence that says so."""
    name = seen.clocksource
    if name is None:
        return None, "the kernel does not tell its clock source"
    if ">" in name:
        return None, f"the clock source changed meanwhile ({name})"
    readable = known.readable(abi.name, name)
    said = {True: "the vDSO reads", False: "the vDSO cannot read", None: "the vDSO reads on some machines only"}
    return readable, f"the clock source is {name}, which {said[readable]}"


def _judge_way(
    way: str, entry: FastPath | None, counter: tuple[bool | None, str], facts: KernelFacts
) -> tuple[Verdict, str]:
    if way == "lacking":
        return Verdict.UNKNOWN, "the kernel has no random numbers yet, or the function no state that can be made"
    if way in ("hang", "died"):
        return Verdict.FAIL, "the call did not come back" if way == "hang" else "the call died"
    if entry is None:
        return Verdict.UNKNOWN, "the catalogue does not say whether this function enters the kernel"
    holds = True if entry.when is None else entry.when.decide(facts)
    fast, why = _is_fast(entry, counter)
    if fast is False and holds is not False and way != "fallback":
        return Verdict.REVIEW, f"{_SPELLED[way]}, although {why}"
    if way == "vdso":
        return Verdict.PASS, _SPELLED[way]
    if fast is False:
        return Verdict.EXPECTED_ABSENT, f"every call entered the kernel, and rightly: {why}"
    if fast is None:
        return Verdict.UNKNOWN, f"{_SPELLED[way]}; {why}"
    if not holds:
        assert entry.when is not None
        return (
            Verdict.UNKNOWN,
            f"{_SPELLED[way]}; what it reads is known under {entry.when} ({entry.when.deciding(facts)})",
        )
    return Verdict.FAIL, f"{_SPELLED[way]}, although {why}"


def _is_fast(entry: FastPath, counter: tuple[bool | None, str]) -> tuple[bool | None, str]:
    match entry.reads:
        case "memory":
            return True, "what it answers can be read without it"
        case "state":
            return True, "the state that it makes its bytes from had been filled"
        case "kernel":
            return False, "the vDSO has nothing to read it from"
    return counter
