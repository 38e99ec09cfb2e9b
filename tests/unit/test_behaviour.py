"""The rules about cases: each verdict of each kind of case, its subject and its reason."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from small_catalog import small_catalog

from vdsocat.capture import Case
from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.defects import Defect, defects_from_document
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.exports import KernelRelease
from vdsocat.judging import behaviour
from vdsocat.judging.finding import Finding, Verdict

CLOCK = "__vdso_clock_gettime"
PASS, FAIL, UNKNOWN, ABSENT = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.EXPECTED_ABSENT


def judge(name: str, kernel: str | None, vdso: str, symbol: str = CLOCK) -> Finding:
    (finding,) = behaviour.judge_cases((Case(symbol, name, kernel, vdso),))
    return finding


@pytest.mark.parametrize(
    ("name", "kernel", "vdso", "rule", "verdict"),
    [
        ("clock/2", "1.000000005..1.000000009", "1.000000007", "CALL-CLOCK", PASS),
        ("clock/2", "1.000000005..1.000000009", "1.000000005", "CALL-CLOCK", PASS),
        ("clock/2", "1.000000005..1.000000009", "1.000000004", "CALL-CLOCK", FAIL),
        ("clock/2", "1.000000005..1.000000009", "1.000000010", "CALL-CLOCK", FAIL),
        ("clock/2", "9.999999999..10.000000001", "10.000000000", "CALL-CLOCK", PASS),
        ("clock/2", "1.000000005..1.000000009", "errno:22", "CALL-CLOCK", FAIL),
        ("clock/2", "1.000000005..1.000000009", "returned:22", "CALL-CLOCK", FAIL),
        ("clock/33", "errno:22", "errno:22", "CALL-CLOCK", PASS),
        ("clock/33", "errno:22", "5.000000000", "CALL-CLOCK", FAIL),
        ("clock/33", "errno:22", "errno:38", "CALL-CLOCK", FAIL),
        ("clock/33", "errno:22", "returned:22", "CALL-CLOCK", FAIL),
        ("resolution/1", "0.000000001", "0.000000001", "CALL-RESOLUTION", PASS),
        ("resolution/1", "0.000000001", "0.004000000", "CALL-RESOLUTION", FAIL),
        ("resolution/16", "errno:22", "0.000000001", "CALL-RESOLUTION", FAIL),
        ("null/1", "0", "0", "CALL-NULL", PASS),
        ("null/1", "0", "signal:11", "CALL-NULL", FAIL),
        ("null", "17..18", "18", "CALL-NULL", PASS),
        ("timezone/0", "-60,1", "-60,1", "CALL-TIMEZONE", PASS),
        ("timezone/0", "-60,1", "0,0", "CALL-TIMEZONE", FAIL),
        ("timezone/0", "lacking:system-call", "lacking:system-call", "CALL-TIMEZONE", ABSENT),
        ("bad-pointer/1", "errno:14", "signal:11", "CALL-BAD-POINTER", PASS),
        ("bad-pointer/1", "errno:14", "errno:14", "CALL-BAD-POINTER", PASS),
        ("bad-pointer/1", "errno:14", "0", "CALL-BAD-POINTER", FAIL),
        ("bad-pointer/1", "errno:14", "signal:4", "CALL-BAD-POINTER", FAIL),
        ("bad-pointer/1", "errno:14", "hang", "CALL-BAD-POINTER", FAIL),
        ("bad-pointer/1", "0", "0", "CALL-BAD-POINTER", UNKNOWN),
        ("never-back/1", "0", "0", "CALL-ORDER", PASS),
        ("never-back/1", "0", "3", "CALL-ORDER", FAIL),
        ("beside-kernel/1", "0", "errno:22", "CALL-ORDER", FAIL),
        ("beside-clock/0", "0", "1", "CALL-ORDER", FAIL),
        ("coarse-behind/1", "0", "1", "CALL-ORDER", FAIL),
        ("migrating/1", "lacking:second-cpu", "lacking:second-cpu", "CALL-ORDER", ABSENT),
        ("pinned/1", "3,1", "3,1", "CALL-CPU", PASS),
        ("pinned/1", "3,1", "1,3", "CALL-CPU", FAIL),
        ("pinned/1", "lacking:affinity", "lacking:affinity", "CALL-CPU", ABSENT),
        ("clock/2", None, "hang", "CALL-CLOCK", FAIL),
        ("clock/2", None, "signal:11", "CALL-CLOCK", FAIL),
        ("clock/2", None, "died", "CALL-CLOCK", UNKNOWN),
        ("clock/2", None, "5", "CALL-CLOCK", UNKNOWN),
        ("brand-new/2", "1", "1", "CALL-CASE", UNKNOWN),
    ],
)
def test_a_case_is_judged_by_its_kind(name: str, kernel: str | None, vdso: str, rule: str, verdict: Verdict) -> None:
    finding = judge(name, kernel, vdso)
    assert (finding.rule, finding.verdict) == (rule, verdict)
    assert finding.reason


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("clock/2", "__vdso_clock_gettime(CLOCK_PROCESS_CPUTIME_ID)"),
        ("clock/-797", "__vdso_clock_gettime(-797)"),
        ("never-back/1", "__vdso_clock_gettime(CLOCK_MONOTONIC) never-back"),
        ("null/1", "__vdso_clock_gettime null/1"),
        ("bad-pointer", "__vdso_clock_gettime bad-pointer"),
    ],
)
def test_a_case_names_its_function_and_clock(name: str, subject: str) -> None:
    assert judge(name, "0", "0").subject == subject


def test_a_failure_shows_both_answers() -> None:
    finding = judge("clock/33", "errno:22", "5.000000000")
    assert finding.sentence() == (
        "CALL-CLOCK __vdso_clock_gettime(33): it does not say what the system call says "
        "(expected errno:22, seen 5.000000000)"
    )


@pytest.mark.parametrize(
    ("name", "kernel", "vdso", "words"),
    [
        ("clock/2", None, "signal:11", "the call died of SIGSEGV"),
        ("clock/2", None, "hang", "the call did not come back"),
        ("clock/33", "errno:22", "errno:22", "refused like the system call (Invalid argument)"),
        ("never-back/1", "0", "3", "3 readings were before the one before them"),
        ("migrating/1", "lacking:second-cpu", "lacking:second-cpu", "not tried: the machine has one CPU"),
        ("pinned/0", "lacking:rainbow", "lacking:rainbow", "not tried: rainbow"),
        ("bad-pointer/1", "errno:14", "signal:11", "SIGSEGV"),
    ],
)
def test_the_reason_says_what_happened(name: str, kernel: str | None, vdso: str, words: str) -> None:
    assert words in judge(name, kernel, vdso).reason


def test_no_cases_are_no_findings() -> None:
    assert list(behaviour.judge_cases(())) == []


@pytest.mark.parametrize("judge", sorted(set(behaviour._JUDGES.values()), key=lambda one: one.__name__))
def test_every_rule_has_its_page(judge: Callable[[Case], Finding]) -> None:
    page = inspect.getdoc(judge) or ""
    assert re.match("[A-Z]+-[A-Z-]+: ", page)
    for word in ("Why:", "Source:", "Reproduce:"):
        assert f"\n{word}" in page


DEFECT = Defect(
    "wrong-clock", ("clock_gettime",), ("clock/16",), Interval(Bound.parse("6.0"), when=Condition("CONFIG_A")), "Oh."
)
RIGHT, WRONG = ("errno:22", "errno:22"), ("errno:22", "5.000000000")


@pytest.mark.parametrize(
    ("answers", "name", "release", "config", "verdict", "words"),
    [
        (
            WRONG,
            "clock/16",
            "6.1",
            {"CONFIG_A": "y"},
            Verdict.KNOWN_DEFECT,
            "known defect wrong-clock (docs/findings.md): Oh.",
        ),
        (WRONG, "clock/16", "6.1", None, Verdict.KNOWN_DEFECT, "known defect"),
        (WRONG, "clock/16", "6.1", {}, FAIL, "it does not say"),
        (WRONG, "clock/16", "5.9", {"CONFIG_A": "y"}, FAIL, "it does not say"),
        (WRONG, "clock/17", "6.1", {"CONFIG_A": "y"}, FAIL, "it does not say"),
        (RIGHT, "clock/16", "6.1", {"CONFIG_A": "y"}, Verdict.REVIEW, "although the catalogue says"),
        (RIGHT, "clock/16", "6.1", None, PASS, "refused like"),
        (RIGHT, "clock/16", "6.1", {}, PASS, "refused like"),
    ],
)
def test_a_known_defect_is_no_failure_on_the_kernels_that_have_it(
    answers: tuple[str, str], name: str, release: str, config: dict[str, str] | None, verdict: Verdict, words: str
) -> None:
    facts = KernelFacts("native", config)
    known = behaviour.KnownDefects((DEFECT,), small_catalog().abi("i386"), KernelRelease.parse(release), facts)
    (finding,) = behaviour.judge_cases((Case(CLOCK, name, *answers),), known)
    assert finding.verdict is verdict
    assert words in finding.reason


def test_a_known_defect_of_one_abi_explains_nothing_on_another() -> None:
    case = Case(CLOCK, "clock/16", *WRONG)
    for abi, verdict in (("i386", Verdict.KNOWN_DEFECT), ("x86-64", FAIL)):
        facts = KernelFacts("native", {"CONFIG_A": "y"})
        defects = (replace(DEFECT, abis=(abi,)),)
        known = behaviour.KnownDefects(defects, small_catalog().abi("i386"), KernelRelease.parse("6.1"), facts)
        (finding,) = behaviour.judge_cases((case,), known)
        assert finding.verdict is verdict


PAGE_DEFECT = Defect(
    "torn-page", (), ("the page",), Interval(Bound.parse("6.0")), "Oh.", rule="MAP-CARRIED", abis=("i386",)
)


@pytest.mark.parametrize(
    ("changes", "release", "verdict"),
    [
        ({}, "6.1", Verdict.KNOWN_DEFECT),
        ({"verdict": FAIL}, "6.1", Verdict.KNOWN_DEFECT),
        ({}, "5.9", Verdict.REVIEW),
        ({"subject": "the image"}, "6.1", Verdict.REVIEW),
        ({"rule": "MAP-NAME"}, "6.1", Verdict.REVIEW),
    ],
)
def test_a_known_defect_explains_what_its_rule_finds(changes: dict[str, Any], release: str, verdict: Verdict) -> None:
    found = replace(Finding("MAP-CARRIED", Verdict.REVIEW, "the page", "it is torn"), **changes)
    abi = small_catalog().abi("i386")
    known = behaviour.KnownDefects((PAGE_DEFECT,), abi, KernelRelease.parse(release), KernelFacts("native"))
    (finding,) = known.explain([found])
    assert finding.verdict is verdict
    elsewhere = replace(known, abi=small_catalog().abi("x86-64"))
    assert list(elsewhere.explain([found])) == [found]


def test_defects_are_read_from_the_document() -> None:
    raw = {
        "defect": "wrong-clock",
        "functions": ["clock_gettime"],
        "cases": ["clock/16"],
        "since": "6.0",
        "when": "CONFIG_A",
        "summary": "Oh.",
        "source": [],
    }
    assert defects_from_document({"defects": [raw]}) == (DEFECT,)
    assert defects_from_document({}) == ()
    page = {"defect": "torn-page", "rule": "MAP-CARRIED", "abis": ["i386"], "cases": ["the page"], "since": "6.0"}
    assert defects_from_document({"defects": [page | {"summary": "Oh.", "source": []}]}) == (PAGE_DEFECT,)
