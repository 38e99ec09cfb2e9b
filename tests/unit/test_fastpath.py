"""FAST-PATH: each way that calls can take against what the catalogue says that they read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_catalog import small_catalog

from vdsocat.capture import AbiCapture, TakenPath
from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.fast_paths import ClockSources, FastPath, FastPaths, fast_paths_from_document
from vdsocat.judging.fastpath import judge_paths
from vdsocat.judging.finding import Finding, Verdict

SYMBOL = "__vdso_clock_gettime"
GENERIC = Condition("CONFIG_GENERIC")
KNOWN = FastPaths(
    {
        "clock_gettime": (
            FastPath("counter", (1,), when=GENERIC),
            FastPath("memory", (6,), when=GENERIC),
            FastPath("kernel", (2,)),
        ),
        "getrandom": (FastPath("state"),),
        "getcpu": (FastPath("kernel", abis=("arm",)), FastPath("memory", abis=("i386",))),
    },
    (ClockSources(("i386",), ("tsc",), ("kvm-clock",)),),
)
ON, OFF, DARK = {"CONFIG_GENERIC": "y"}, {}, None


def judge(
    ways: dict[str, str],
    clocksource: str | None = "tsc",
    config: dict[str, str] | None = ON,
    symbol: str = SYMBOL,
    unknown: int | None = None,
) -> list[Finding]:
    path = TakenPath(symbol, ways, unknown)
    seen = AbiCapture("i386", "little", "complete", paths=(path,), clocksource=clocksource)
    abi = small_catalog().abi("i386")
    return list(judge_paths(seen, abi, KNOWN, KernelFacts("native", config)))


@pytest.mark.parametrize(
    ("clock", "way", "clocksource", "config", "verdict", "words"),
    [
        ("1", "vdso", "tsc", ON, Verdict.PASS, "no call entered the kernel"),
        ("1", "fallback", "tsc", ON, Verdict.FAIL, "although the clock source is tsc, which the vDSO reads"),
        ("1", "mixed", "tsc", ON, Verdict.FAIL, "some calls entered the kernel, others did not"),
        ("1", "fallback", "hpet", ON, Verdict.EXPECTED_ABSENT, "rightly: the clock source is hpet, which"),
        ("1", "vdso", "hpet", ON, Verdict.REVIEW, "although the clock source is hpet, which the vDSO cannot read"),
        ("1", "mixed", "hpet", ON, Verdict.REVIEW, "some calls entered the kernel, others did not, although"),
        ("1", "vdso", "kvm-clock", ON, Verdict.PASS, ""),
        ("1", "fallback", "kvm-clock", ON, Verdict.UNKNOWN, "on some machines only"),
        ("1", "fallback", None, ON, Verdict.UNKNOWN, "the kernel does not tell its clock source"),
        ("1", "vdso", None, ON, Verdict.PASS, ""),
        ("1", "mixed", "tsc>hpet", ON, Verdict.UNKNOWN, "the clock source changed meanwhile (tsc>hpet)"),
        ("1", "fallback", "tsc", OFF, Verdict.UNKNOWN, "CONFIG_GENERIC=n"),
        ("1", "fallback", "tsc", DARK, Verdict.UNKNOWN, "CONFIG_GENERIC"),
        ("1", "vdso", "tsc", DARK, Verdict.PASS, ""),
        ("6", "vdso", "hpet", ON, Verdict.PASS, ""),
        ("6", "fallback", "hpet", ON, Verdict.FAIL, "although what it answers can be read without it"),
        ("2", "fallback", "tsc", ON, Verdict.EXPECTED_ABSENT, "the vDSO has nothing to read it from"),
        ("2", "fallback", "tsc", DARK, Verdict.EXPECTED_ABSENT, ""),
        ("2", "vdso", "tsc", ON, Verdict.REVIEW, "no call entered the kernel, although"),
        ("9", "fallback", "tsc", ON, Verdict.UNKNOWN, "the catalogue does not say"),
        ("1", "hang", "tsc", ON, Verdict.FAIL, "did not come back"),
        ("1", "died", "tsc", ON, Verdict.FAIL, "died"),
    ],
)
def test_a_way_is_judged_by_what_the_call_reads(
    clock: str, way: str, clocksource: str | None, config: dict[str, str] | None, verdict: Verdict, words: str
) -> None:
    (finding,) = judge({clock: way}, clocksource, config)
    assert (finding.rule, finding.verdict, finding.seen) == ("FAST-PATH", verdict, way)
    assert words in finding.reason


def test_what_is_read_can_differ_by_abi_and_needs_no_clock() -> None:
    (finding,) = judge({"-": "fallback"}, symbol="__vdso_getcpu")
    assert (finding.verdict, finding.subject) == (Verdict.FAIL, "__vdso_getcpu")
    assert KNOWN.of("getcpu", "arm", None) == FastPath("kernel", abis=("arm",))
    assert KNOWN.of("getcpu", "i386", 1) is None


@pytest.mark.parametrize(
    ("way", "verdict", "words"),
    [
        ("vdso", Verdict.PASS, "no call entered the kernel"),
        ("fallback", Verdict.FAIL, "although the state that it makes its bytes from had been filled"),
        ("mixed", Verdict.FAIL, "had been filled"),
        ("lacking", Verdict.UNKNOWN, "no random numbers yet"),
    ],
)
def test_getrandom_is_judged_by_calls_with_a_filled_state(way: str, verdict: Verdict, words: str) -> None:
    (finding,) = judge({"-": way}, symbol="__vdso_getrandom")
    assert (finding.verdict, finding.seen) == (verdict, way)
    assert words in finding.reason


def test_clocks_are_named_in_the_order_in_which_they_were_tried() -> None:
    assert [one.subject for one in judge({"6": "vdso", "1": "vdso"})] == [
        "__vdso_clock_gettime(CLOCK_MONOTONIC_COARSE)",
        "__vdso_clock_gettime(CLOCK_MONOTONIC)",
    ]


def test_without_a_filter_it_is_unknown_with_the_reason() -> None:
    (finding,) = judge({}, unknown=22)
    assert (finding.rule, finding.verdict, finding.subject) == ("FAST-PATH", Verdict.UNKNOWN, SYMBOL)
    assert "neither can a seccomp filter be installed (Invalid argument)" in finding.reason
    assert "an emulator" in finding.reason


def test_a_symbol_that_the_catalogue_has_not_is_unknown() -> None:
    (finding,) = judge({"-": "fallback"}, symbol="__vdso_brand_new")
    assert finding.verdict is Verdict.UNKNOWN


def test_no_paths_are_no_findings() -> None:
    seen = AbiCapture("i386", "little", "complete")
    assert list(judge_paths(seen, small_catalog().abi("i386"), KNOWN, KernelFacts("native"))) == []


@pytest.mark.parametrize(
    ("abi", "name", "readable"),
    [("i386", "tsc", True), ("i386", "kvm-clock", None), ("i386", "hpet", False), ("arm", "tsc", None)],
)
def test_clock_sources_are_readable_always_sometimes_or_never(abi: str, name: str, readable: bool | None) -> None:
    assert KNOWN.readable(abi, name) is readable


def test_fast_paths_are_read_from_the_document() -> None:
    source = [{"tag": "v6.1", "path": "lib"}]
    document = {
        "functions": [
            {"function": "now", "fast": [{"clocks": [1], "reads": "counter", "when": "CONFIG_A", "source": source}]},
            {"function": "slow"},
        ],
        "clocksources": [{"abis": ["i386"], "readable": ["tsc"], "source": source}],
    }
    assert fast_paths_from_document(document) == FastPaths(
        {"now": (FastPath("counter", (1,), when=Condition("CONFIG_A")),)}, (ClockSources(("i386",), ("tsc",)),)
    )
    assert fast_paths_from_document({"functions": []}) == replace(FastPaths(), functions={})
