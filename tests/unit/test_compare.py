"""The comparison of what is expected with what an image shows, and the findings that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import CatalogExport
from vdsocat.exports import Binding, Export, ExportSet, KernelRelease, SymbolType
from vdsocat.judging.compare import compare_exports, resolve_expected
from vdsocat.judging.finding import Finding, Verdict, count_verdicts, gravest

AT = KernelRelease((6, 1))
FACTS = KernelFacts("native", {})
GETCPU = Export("__vdso_getcpu", "LINUX_2.6")
TIME = Export("__vdso_time", "LINUX_2.6")


def entry(export: Export, since: str = "5.1", until: str | None = None, when: str | None = None) -> CatalogExport:
    interval = Interval(Bound.parse(since), Bound.parse(until) if until else None, Condition(when) if when else None)
    return CatalogExport(export, "function", interval, ())


def compare(entries: Sequence[CatalogExport], *seen: Export) -> list[Finding]:
    return list(compare_exports(resolve_expected(entries, AT, FACTS), ExportSet("i386", "the image", seen)))


def names(findings: Sequence[Finding]) -> list[tuple[str, Verdict, str]]:
    return [(finding.rule, finding.verdict, finding.subject) for finding in findings]


def test_what_is_expected_and_there_passes() -> None:
    assert names(compare([entry(GETCPU)], GETCPU)) == [("SYM-PRESENT", Verdict.PASS, "__vdso_getcpu@@LINUX_2.6")]


def test_a_missing_symbol_fails_and_says_why_it_must_be_there() -> None:
    (finding,) = compare([entry(GETCPU)])
    assert names([finding]) == [("SYM-MISSING", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6")]
    assert "since 5.1" in finding.reason
    assert (finding.expected, finding.seen) == ("__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL", None)


@pytest.mark.parametrize(
    ("change", "rule", "verdict"),
    [
        ({"version": "LINUX_9.9"}, "SYM-VERSION", Verdict.FAIL),
        ({"version": None}, "SYM-VERSION", Verdict.FAIL),
        ({"type": SymbolType.NOTYPE}, "SYM-TYPE", Verdict.FAIL),
        ({"binding": Binding.WEAK}, "SYM-BINDING", Verdict.REVIEW),
    ],
)
def test_another_version_type_or_binding_gives_one_finding_with_both_forms(
    change: dict[str, object], rule: str, verdict: Verdict
) -> None:
    other = replace(GETCPU, **change)  # type: ignore[arg-type]
    (finding,) = compare([entry(GETCPU)], other)
    assert names([finding]) == [(rule, verdict, "__vdso_getcpu@@LINUX_2.6")]
    assert finding.expected != finding.seen
    assert finding.seen is not None and finding.seen.startswith(other.versioned_name)


def test_one_symbol_more_is_to_review_and_named_with_its_version() -> None:
    findings = compare([entry(GETCPU)], GETCPU, TIME)
    assert names(findings)[1:] == [("SYM-NEW", Verdict.REVIEW, "__vdso_time@@LINUX_2.6")]
    assert "the image" in findings[1].reason


def test_a_known_name_under_a_second_version_is_a_symbol_more() -> None:
    second = replace(GETCPU, version="LINUX_9.9")
    assert names(compare([entry(GETCPU)], GETCPU, second)) == [
        ("SYM-PRESENT", Verdict.PASS, "__vdso_getcpu@@LINUX_2.6"),
        ("SYM-NEW", Verdict.REVIEW, "__vdso_getcpu@@LINUX_9.9"),
    ]


def test_two_versions_that_are_both_catalogued_pass_both() -> None:
    second = replace(GETCPU, version="LINUX_9.9")
    findings = compare([entry(GETCPU), entry(second)], second, GETCPU)
    assert [finding.verdict for finding in findings] == [Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize(
    ("since", "until", "when", "verdict", "reason"),
    [
        ("6.5", None, None, Verdict.EXPECTED_ABSENT, "not before 6.5"),
        ("5.1", "6.0", None, Verdict.EXPECTED_ABSENT, "gone since 6.0"),
        ("5.1", None, "CONFIG_A", Verdict.EXPECTED_ABSENT, "needs CONFIG_A (CONFIG_A=n)"),
        ("5.1", None, "boot:x", Verdict.UNKNOWN, "depends on boot:x"),
    ],
)
def test_an_absence_always_has_its_reason(
    since: str, until: str | None, when: str | None, verdict: Verdict, reason: str
) -> None:
    (finding,) = compare([entry(GETCPU, since, until, when)])
    assert names([finding]) == [("SYM-ABSENT", verdict, "__vdso_getcpu")]
    assert reason in finding.reason


def test_what_the_catalogue_says_is_gone_but_is_there_is_to_review() -> None:
    (finding,) = compare([entry(GETCPU, until="6.0")], GETCPU)
    assert names([finding]) == [("SYM-UNEXPECTED", Verdict.REVIEW, "__vdso_getcpu@@LINUX_2.6")]
    assert "gone since 6.0" in finding.reason


def test_an_undecidable_condition_lets_the_symbol_be_there_but_not_in_another_form() -> None:
    perhaps = [entry(GETCPU, when="boot:x")]
    assert [finding.verdict for finding in compare(perhaps, GETCPU)] == [Verdict.PASS]
    assert names(compare(perhaps, replace(GETCPU, version="LINUX_9.9")))[0][0] == "SYM-VERSION"


def test_a_comeback_is_one_record() -> None:
    again = [entry(GETCPU, "5.1", "5.4"), entry(GETCPU, "6.0")]
    assert names(compare(again, GETCPU)) == [("SYM-PRESENT", Verdict.PASS, "__vdso_getcpu@@LINUX_2.6")]
    assert names(compare(again)) == [("SYM-MISSING", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6")]


def test_blanked_names_explain_a_missing_symbol_and_are_no_new_symbols() -> None:
    (finding,) = compare([entry(GETCPU)], replace(GETCPU, name=""))
    assert finding.rule == "SYM-MISSING"
    assert "blanks names at boot" in finding.reason


EXPORTS = st.builds(
    Export,
    name=st.sampled_from(("a", "b", "c", "d")),
    version=st.sampled_from(("LINUX_2.6", "LINUX_4.15", None)),
    type=st.sampled_from((SymbolType.FUNC, SymbolType.NOTYPE)),
    binding=st.sampled_from((Binding.GLOBAL, Binding.WEAK)),
)
SETS = st.lists(EXPORTS, max_size=4, unique_by=lambda export: export.name)


@given(SETS, SETS)
def test_nothing_is_lost_and_only_equal_sets_pass(expected: list[Export], seen: list[Export]) -> None:
    findings = compare([entry(export) for export in expected], *seen)
    subjects = {finding.subject.partition("@@")[0] for finding in findings}
    assert subjects == {export.name for export in expected} | {export.name for export in seen}
    assert all(finding.verdict is Verdict.PASS for finding in findings) == (set(expected) == set(seen))


def test_the_gravest_verdict_stands_for_all() -> None:
    def finding(verdict: Verdict) -> Finding:
        return Finding("R", verdict, "s", "r")

    assert gravest([]) is Verdict.UNKNOWN
    assert gravest([finding(Verdict.EXPECTED_ABSENT), finding(Verdict.PASS)]) is Verdict.PASS
    assert gravest([finding(Verdict.EXPECTED_ABSENT)]) is Verdict.EXPECTED_ABSENT
    assert gravest([finding(Verdict.PASS), finding(Verdict.UNKNOWN), finding(Verdict.REVIEW)]) is Verdict.REVIEW
    assert gravest(map(finding, Verdict)) is Verdict.FAIL
    assert count_verdicts([finding(Verdict.PASS)] * 2) == {Verdict.PASS: 2}


def test_a_finding_is_one_sentence() -> None:
    plain = Finding("SYM-NEW", Verdict.REVIEW, "foo", "it is new")
    assert plain.sentence() == "SYM-NEW foo: it is new"
    assert "a" in replace(plain, expected="a").sentence().partition("it is new")[2]
    assert replace(plain, expected="a", seen="b").sentence() == "SYM-NEW foo: it is new (expected a, seen b)"
