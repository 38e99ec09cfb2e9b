"""Waivers: which findings and changes they match, how they end, and what is wrong with a file of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from small_catalog import small_catalog
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.errors import InputError
from vdsocat.judging.changes import Kind
from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.pages import rule_pages
from vdsocat.judging.regression import compare_judgements
from vdsocat.judging.result import CheckResult
from vdsocat.judging.waivers import Use, Waiver, WaiverBook, read_waivers

CATALOG = small_catalog()
TODAY = date(2026, 5, 31)
GOOD = judge_capture(i386_capture(i386_image(I386_SYMBOLS)), CATALOG)
BAD = judge_capture(i386_capture(i386_image((CLOCK, SIGRETURN))), CATALOG)
STATIC = judge_capture(i386_capture(i386_image(), outcome="static", auxv=(), mappings=(), address=None), CATALOG)
MISSING = Waiver(1, "nobody needs it", rule="SYM-MISSING", abi="i386", symbol="__vdso_getcpu")


def verdicts(result: CheckResult) -> set[Verdict]:
    assert result.judgement is not None
    return {one.verdict for one in result.judgement.findings() if one.rule == "SYM-MISSING"}


def book_of(waiver: Waiver, result: CheckResult | None = None) -> tuple[CheckResult, Use]:
    book = WaiverBook((waiver,), TODAY)
    waived = book.apply(result or CheckResult("kernel", BAD))
    ((use),) = [one.use for one in book.uses()]
    return waived, use


def test_what_is_waived_is_no_fail_and_keeps_its_reason() -> None:
    waived, use = book_of(MISSING)
    assert waived.judgement is not None
    (finding,) = [one for one in waived.judgement.findings() if one.rule == "SYM-MISSING"]
    assert (finding.verdict, finding.waiver) == (Verdict.WAIVED, "nobody needs it")
    assert "waived: nobody needs it" in finding.sentence()
    assert (use, waived.exit_status(), CheckResult("kernel", BAD).exit_status()) == (Use.USED, 0, 1)


def test_a_change_is_waived_as_the_finding_is() -> None:
    result = CheckResult("kernel", BAD, regression=compare_judgements([GOOD], [BAD]))
    assert result.exit_status() == 1
    waived, _ = book_of(MISSING, result)
    assert waived.regression is not None
    assert [(one.kind, one.waiver) for one in waived.regression.changes] == [(Kind.WAIVED, "nobody needs it")]
    assert waived.exit_status() == 0


@pytest.mark.parametrize(
    "matchers",
    [
        {"rule": "SYM-MISSING"}, {"abi": "i386"}, {"symbol": "__vdso_getcpu"}, {"symbol": "*getcpu"},
        {"symbol": "__vdso_getcp?"}, {"subject": "__vdso_getcpu@@LINUX_2.6"}, {"kernel": "ker*"},
        {"rule": "SYM-MISSING", "mode": "native"},
    ],
    ids=str,
)  # fmt: skip
def test_a_waiver_matches_by_all_that_it_says(matchers: dict[str, str]) -> None:
    waived, use = book_of(Waiver(1, "why", **matchers))  # type: ignore[arg-type]
    assert (verdicts(waived), use) == ({Verdict.WAIVED}, Use.USED)


@pytest.mark.parametrize(
    ("matchers", "use"),
    [
        ({"rule": "SYM-TYPE"}, Use.STALE),
        ({"symbol": "__vdso_getcp"}, Use.STALE),
        ({"subject": "__vdso_getcpu"}, Use.STALE),
        ({"symbol": "[_]*"}, Use.STALE),
        ({"abi": "arm"}, Use.NOT_ASKED),
        ({"kernel": "other"}, Use.NOT_ASKED),
        ({"abi": "i386", "mode": "compat"}, Use.NOT_ASKED),
    ],
    ids=str,
)
def test_what_matches_nothing_is_stale_if_it_was_asked(matchers: dict[str, str], use: Use) -> None:
    waived, found = book_of(Waiver(1, "why", **matchers))  # type: ignore[arg-type]
    assert (verdicts(waived), found) == ({Verdict.FAIL}, use)


def test_nothing_is_stale_while_a_kernel_was_not_judged() -> None:
    book = WaiverBook((replace(MISSING, rule="SYM-TYPE"),), TODAY)
    book.apply(CheckResult("kernel", BAD))
    book.apply(CheckResult("other", error="It did not boot.", error_status=3))
    assert [one.use for one in book.uses()] == [Use.NOT_ASKED]


def test_what_only_a_boot_shows_is_not_asked_of_an_image_in_a_file() -> None:
    result = CheckResult("kernel", STATIC)
    assert book_of(Waiver(1, "why", rule="CALL-VALUE"), result)[1] is Use.NOT_ASKED
    assert book_of(MISSING, result)[1] is Use.STALE


@pytest.mark.parametrize(
    ("day", "verdict", "use"),
    [("2026-05-31", Verdict.WAIVED, Use.USED), ("2026-05-30", Verdict.FAIL, Use.EXPIRED)],
)
def test_a_waiver_counts_through_its_last_day(day: str, verdict: Verdict, use: Use) -> None:
    waived, found = book_of(replace(MISSING, expires=date.fromisoformat(day)))
    assert (verdicts(waived), found) == ({verdict}, use)


@pytest.mark.parametrize(
    ("release", "verdict", "use"), [("6.2", Verdict.WAIVED, Use.USED), ("6.1", Verdict.FAIL, Use.EXPIRED)]
)
def test_a_waiver_counts_for_releases_before_its_end(release: str, verdict: Verdict, use: Use, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(f'waivers:\n  - {{rule: SYM-MISSING, until: "{release}", reason: why}}\n')
    (waiver,) = read_waivers(path, CATALOG, rule_pages())
    waived, found = book_of(waiver)
    assert (verdicts(waived), found) == ({verdict}, use)


def test_complaints_name_the_waiver() -> None:
    stale = WaiverBook((replace(MISSING, rule="SYM-TYPE"), replace(MISSING, number=2, expires=date(2026, 1, 1))), TODAY)
    stale.apply(CheckResult("kernel", BAD))
    assert [one.complaint() for one in stale.uses()] == [
        "waiver 1 (SYM-TYPE, i386, __vdso_getcpu) matches nothing: take it out.",
        "waiver 2 (SYM-MISSING, i386, __vdso_getcpu) counts until 2026-01-01 only: it has expired.",
    ]


def read(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return read_waivers(path, CATALOG, rule_pages())


def test_a_file_of_waivers_is_read(tmp_path: Path) -> None:
    waivers = read(
        tmp_path,
        "waivers:\n"
        "  - {rule: SYM-MISSING, abi: i386, symbol: __vdso_getcpu, reason: nobody needs it}\n"
        "  - {abi: armhf, expires: 2026-12-31, reason: later}\n",
    )
    path = str(tmp_path / "waivers.yaml")
    assert waivers == (
        replace(MISSING, file=path),
        Waiver(2, "later", path, abi="arm", expires=date(2026, 12, 31)),
    )
    assert read(tmp_path, "waivers: []\n") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file"),
        ("- {rule: SYM-MISSING, reason: r}", "the file"),
        ("waivers: [{rule: SYM-MISSING, symbl: x, reason: r}]", "unknown key 'symbl'; did you mean 'symbol'?"),
        ("waivers: [{rule: SYM-MISSING}]", "the key 'reason' is missing."),
        ("waivers: [{rule: SYM-MISSING, reason: ' '}]", "reason"),
        ("waivers: [{rule: SYM-MISING, reason: r}]", "there is no rule 'SYM-MISING'; did you mean 'SYM-MISSING'"),
        ("waivers: [{abi: i368, reason: r}]", "There is no ABI 'i368'"),
        ("waivers: [{mode: native, reason: r}]", "it would match everything"),
        ("waivers: [{reason: r}]", "it would match everything"),
        ("waivers: [{rule: SYM-MISSING, mode: both, reason: r}]", "'both' is none of native, compat."),
        ("waivers: [{rule: SYM-MISSING, expires: 2026-13-01, reason: r}]", "item 1"),
        ("waivers: [{rule: SYM-MISSING, expires: soon, reason: r}]", "soon"),
        ("waivers: [{rule: SYM-MISSING, until: 6.1, reason: r}]", "write releases as quoted strings"),
        ("waivers: [{rule: SYM-MISSING, rule: SYM-TYPE, reason: r}]", "the key 'rule' is given twice"),
        ("waivers: [", "is no valid YAML"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_name_and_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    sentence = refused.value.sentence()
    assert said in sentence
    assert sentence.startswith(f"{tmp_path / 'waivers.yaml'}: ")
    assert "\n" not in sentence
