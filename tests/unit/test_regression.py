"""What became of a kernel since a baseline: incompatible, for review, or neutral, matched by ABI and mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from elf_builder import NOTYPE, Symbol
from small_catalog import small_catalog
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import AbiCapture, Capture, Case, Provenance
from vdsocat.costs import Cost, Costs
from vdsocat.errors import InputError
from vdsocat.judging.changes import Kind, symbol_of
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import AbiJudgement, Judgement, judge_capture
from vdsocat.judging.regression import baseline_of, compare_judgements

CATALOG = small_catalog()
UNKNOWN = Symbol("__vdso_unheard_of", "LINUX_2.6")
WEAK = replace(GETCPU, binding=2)

Told = tuple[str, str, str, str]


def judged(
    symbols: Sequence[Symbol] | None = I386_SYMBOLS, *, soname: str = "linux-gate.so.1", **more: object
) -> Judgement:
    image = None if symbols is None else i386_image(symbols, soname)
    return judge_capture(i386_capture(image, **more), CATALOG)  # type: ignore[arg-type]


def told(old: Judgement, new: Judgement) -> list[Told]:
    return [(one.kind, one.rule, one.subject, one.change) for one in compare_judgements([old], [new]).changes]


def test_a_kernel_does_not_differ_from_itself() -> None:
    assert told(judged(), judged()) == []


@pytest.mark.parametrize(
    ("symbols", "change"),
    [
        ((CLOCK, SIGRETURN), ("incompatible", "SYM-MISSING", "__vdso_getcpu", "is gone")),
        (
            (CLOCK, replace(GETCPU, version="LINUX_9.9"), SIGRETURN),
            ("incompatible", "SYM-VERSION", "__vdso_getcpu", "version LINUX_9.9, was LINUX_2.6"),
        ),
        (
            (CLOCK, replace(GETCPU, type=NOTYPE), SIGRETURN),
            ("incompatible", "SYM-TYPE", "__vdso_getcpu", "type NOTYPE, was FUNC"),
        ),
        (
            (*I386_SYMBOLS, replace(GETCPU, version="LINUX_9.9")),
            ("review", "SYM-VERSION", "__vdso_getcpu", "version LINUX_2.6 or LINUX_9.9, was LINUX_2.6"),
        ),
        ((CLOCK, WEAK, SIGRETURN), ("review", "SYM-BINDING", "__vdso_getcpu", "binding WEAK, was GLOBAL")),
        ((*I386_SYMBOLS, UNKNOWN), ("review", "SYM-NEW", "__vdso_unheard_of", "appears as LINUX_2.6")),
    ],
    ids=["gone", "version", "type", "one version more", "binding", "new"],
)
def test_each_difference_of_exports_is_one_change_of_its_kind(symbols: tuple[Symbol, ...], change: Told) -> None:
    assert told(judged(), judged(symbols)) == [change]


def test_a_symbol_that_the_catalogue_does_not_know_is_missed_all_the_same() -> None:
    assert told(judged((*I386_SYMBOLS, UNKNOWN)), judged()) == [
        ("incompatible", "SYM-MISSING", "__vdso_unheard_of", "is gone")
    ]


def test_the_same_fail_of_both_is_no_change() -> None:
    lacking = judged((CLOCK, SIGRETURN))
    assert lacking.failed
    assert told(lacking, judged((CLOCK, SIGRETURN))) == []


def test_the_soname_is_incompatible_once() -> None:
    changes = told(judged(), judged(soname="linux-other.so.1"))
    assert changes == [("incompatible", "ELF-SONAME", "vDSO", "soname linux-other.so.1, was linux-gate.so.1")]


def test_a_vdso_that_is_gone_is_told_with_its_symbols_and_no_more() -> None:
    changes = told(judged(), judged(None, auxv=(), mappings=()))
    assert ("incompatible", "VDSO-PRESENT", "vDSO", "is gone") in changes
    assert {rule for _, rule, _, _ in changes} <= {"VDSO-PRESENT", "SYM-MISSING", "ELF-HASH-STYLE", "AUXV-TAG"}


def test_an_abi_that_does_not_run_any_more_is_one_change() -> None:
    ((kind, rule, subject, change),) = told(judged(), judged(None, outcome="exec-failed", detail=8))
    assert (kind, rule, subject) == ("incompatible", "ABI-RUNS", "i386")
    assert change.startswith("does not run any more: the kernel does not start its programs (")


def test_an_abi_that_runs_now_is_for_review() -> None:
    assert told(judged(None, outcome="exec-failed", detail=8), judged()) == [("review", "ABI-RUNS", "i386", "runs now")]


def test_behaviour_that_fails_now_is_incompatible_and_what_passes_again_is_neutral() -> None:
    agrees, differs = (Case("__vdso_getcpu", "null/1", "0", answer) for answer in ("0", "errno:14"))
    good, bad = judged(cases=(agrees,)), judged(cases=(differs,))
    ((kind, rule, subject, change),) = told(good, bad)
    assert (kind, rule, subject) == ("incompatible", "CALL-NULL", "__vdso_getcpu null/1")
    assert change.startswith("fail, was pass: ")
    assert [one[:3] for one in told(bad, good)] == [("neutral", "CALL-NULL", "__vdso_getcpu null/1")]


def test_calls_of_a_symbol_that_is_gone_are_not_told_beside_it() -> None:
    case = Case("__vdso_getcpu", "null/1", "0", "0")
    assert told(judged(cases=(case,)), judged((CLOCK, SIGRETURN))) == [
        ("incompatible", "SYM-MISSING", "__vdso_getcpu", "is gone")
    ]
    assert [one[:3] for one in told(judged(cases=(case,)), judged())] == [
        ("review", "CALL-NULL", "__vdso_getcpu null/1")
    ]


def test_behaviour_is_not_compared_with_an_image_in_a_file_and_that_is_said() -> None:
    case = Case("__vdso_getcpu", "null/1", "0", "errno:14")
    static = judged(outcome="static", auxv=(), mappings=(), address=None)
    regression = compare_judgements([static], [judged(cases=(case,))])
    assert regression.changes == ()
    assert regression.notes == ("i386: only one of the two was booted, so that behaviour is not compared.",)
    gone = compare_judgements([static], [judged((CLOCK, SIGRETURN))])
    assert [one.subject for one in gone.changes] == ["__vdso_getcpu"]


def with_rows(**verdicts: Verdict) -> Judgement:
    """A judgement of one rule each (with _ for -) with this verdict."""
    findings = tuple(Finding(rule.replace("_", "-"), verdict, "it", "why") for rule, verdict in verdicts.items())
    capture = Capture(
        Provenance("test", "2026-01-02T03:04:05+00:00", "linux"), (AbiCapture("i386", "little", "complete"),)
    )
    return Judgement(capture, "6.1", (AbiJudgement("i386", "little", "native", findings, None),))


@pytest.mark.parametrize(
    ("rule", "before", "after", "kind"),
    [
        ("CALL_VALUE", Verdict.UNKNOWN, Verdict.FAIL, Kind.INCOMPATIBLE),
        ("CALL_VALUE", Verdict.KNOWN_DEFECT, Verdict.FAIL, Kind.INCOMPATIBLE),
        ("CALL_VALUE", Verdict.PASS, Verdict.UNKNOWN, Kind.REVIEW),
        ("CALL_VALUE", Verdict.PASS, Verdict.KNOWN_DEFECT, Kind.REVIEW),
        ("CALL_VALUE", Verdict.PASS, Verdict.EXPECTED_ABSENT, Kind.REVIEW),
        ("CALL_VALUE", Verdict.UNKNOWN, Verdict.PASS, Kind.NEUTRAL),
        ("CALL_VALUE", Verdict.FAIL, Verdict.PASS, Kind.NEUTRAL),
        ("CALL_VALUE", Verdict.FAIL, Verdict.FAIL, None),
        ("AREA_PRESENT", Verdict.PASS, Verdict.EXPECTED_ABSENT, Kind.INCOMPATIBLE),
        ("FAST_PATH", Verdict.PASS, Verdict.EXPECTED_ABSENT, Kind.INCOMPATIBLE),
        ("AUXV_TAG", Verdict.EXPECTED_ABSENT, Verdict.PASS, Kind.REVIEW),
        ("MAP_NAME", Verdict.EXPECTED_ABSENT, Verdict.REVIEW, Kind.REVIEW),
    ],
)
def test_another_verdict_is_of_a_kind(rule: str, before: Verdict, after: Verdict, kind: Kind | None) -> None:
    changes = compare_judgements([with_rows(**{rule: before})], [with_rows(**{rule: after})]).changes
    assert [one.kind for one in changes] == ([] if kind is None else [kind])


def test_a_fail_that_the_baseline_says_nothing_of_is_incompatible_and_a_pass_nothing() -> None:
    assert [one.kind for one in compare_judgements([with_rows()], [with_rows(CALL_VALUE=Verdict.FAIL)]).changes] == [
        Kind.INCOMPATIBLE
    ]
    assert compare_judgements([with_rows()], [with_rows(CALL_VALUE=Verdict.PASS)]).changes == ()


@pytest.mark.parametrize(
    ("vdso", "syscall", "kind"),
    [(130, 400, Kind.INCOMPATIBLE), (70, 400, Kind.NEUTRAL), (100, 500, Kind.REVIEW), (105, 400, None)],
)
def test_a_vdso_call_that_got_dearer_is_incompatible(vdso: int, syscall: int, kind: Kind | None) -> None:
    old = judged(costs=Costs((Cost("__vdso_getcpu", None, 100, 400),)))
    new = judged(costs=Costs((Cost("__vdso_getcpu", None, vdso, syscall),)))
    assert [one.kind for one in compare_judgements([old], [new]).changes] == ([] if kind is None else [kind])


def of_kernel(source: str, arch: str, bits: int, *rows: tuple[str, str]) -> Judgement:
    provenance = Provenance(source, "2026-01-02T03:04:05+00:00", "linux", kernel_arch=arch, kernel_bits=bits)
    captures = tuple(AbiCapture(abi, "little", "complete") for abi, _ in rows)
    judgements = tuple(AbiJudgement(abi, "little", mode, (), None) for abi, mode in rows)
    return Judgement(Capture(provenance, captures), "6.1", judgements)


AMD64 = of_kernel("amd64", "x86", 64, ("x86-64", "native"), ("i386", "compat"))
NEWER = of_kernel("newer", "x86", 64, ("x86-64", "native"), ("i386", "compat"))
I386 = of_kernel("i386", "x86", 32, ("i386", "native"))
ARM = of_kernel("arm", "arm", 32, ("arm", "native"))
LONE = of_kernel("vdso.so", "", 0, ("i386", "unknown"))


def test_the_baseline_is_the_kernel_of_the_same_name_or_else_of_the_same_architecture() -> None:
    assert baseline_of(NEWER, [I386, AMD64, ARM]) is AMD64
    assert baseline_of(AMD64, [AMD64, NEWER]) is AMD64
    assert baseline_of(LONE, [ARM, I386]) is I386


def test_no_baseline_and_several_are_one_sentence_each() -> None:
    with pytest.raises(InputError, match="arm: the baseline has no kernel that runs the same ABIs in the same mode"):
        baseline_of(ARM, [AMD64, I386])
    other = of_kernel("other", "x86", 64, ("x86-64", "native"))
    with pytest.raises(InputError, match=r"other: several kernels of the baseline fit it \(amd64, newer\)"):
        baseline_of(other, [AMD64, NEWER])


def test_modes_are_matched_and_that_of_a_lone_image_fits_any() -> None:
    assert told(I386, LONE) == []
    assert [one[:2] for one in told(AMD64, I386)] == [
        ("incompatible", "ABI-RUNS"), ("incompatible", "ABI-RUNS"), ("review", "ABI-RUNS"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "symbol"),
    [("__vdso_time@@LINUX_2.6", "__vdso_time"), ("f(CLOCK_TAI)", "f"), ("f null/1", "f"), ("[vdso]", "[vdso]")],
)
def test_a_subject_begins_with_its_symbol(subject: str, symbol: str) -> None:
    assert symbol_of(subject) == symbol


def test_what_only_an_older_probe_tried_is_not_missed() -> None:
    case = Case("__vdso_getcpu", "null/1", "0", "0")
    old = judged(cases=(case,))
    provenance = replace(old.capture.provenance, probes={"i386-le": "1" * 64})
    old = replace(old, capture=replace(old.capture, provenance=provenance))
    regression = compare_judgements([old], [judged()])
    assert regression.changes == ()
    assert "different probes" in regression.notes[0]
    assert [one.subject for one in compare_judgements([old], [judged((CLOCK, SIGRETURN))]).changes] == ["__vdso_getcpu"]
