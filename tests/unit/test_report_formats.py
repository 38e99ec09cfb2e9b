"""The formats of continuous integration: what each says of a report, and that no text of a kernel breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from elf_builder import Symbol
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from outcomes import Command
from small_catalog import small_catalog
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import capture_to_json
from vdsocat.documents import schema_problems
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.regression import compare_judgements
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.judging.waivers import Waiver, WaiverBook
from vdsocat.printable import printable
from vdsocat.report.cases import Result, groups_of
from vdsocat.report.comment import LARGEST, MARK
from vdsocat.report.document import report_document
from vdsocat.report.formats import DOCUMENT_FORMATS
from vdsocat.report.formats import render_document as rendered

CATALOG = small_catalog()
DATE = "2026-11-25T01:02:03+00:00"
NEW = Symbol("__vdso_brand_new", "LINUX_2.6")
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))
GITHUB_LINE = re.compile(r"::(error|warning|notice) ((?:file=[^,:\n]*,)?title=[^,:\n]*)::([^\r\n]*)")
HOSTILE = (
    "ok 1 it\nnot ok 2 #Subtest: x # SKIP ::error file=a,title=b::c\r\n%0A]]>&<script>alert('1')</script>\x1b[31m\x00"
    "|`</code></details>@maintainer #1 \ud800\ufffe KTAP version 1 reboot: System halted"
)


def result_of(symbols: Sequence[Symbol] = I386_SYMBOLS, source: str = "kernel") -> CheckResult:
    return CheckResult(source, judge_capture(i386_capture(i386_image(symbols)), CATALOG))


GOOD = result_of()
LACKING = result_of((CLOCK, SIGRETURN))
NOT_JUDGED = CheckResult("other", error="The kernel did not boot.", error_status=3)


def render_document(document: dict[str, Any], format_: str) -> str:
    """The report as text, whatever it is written as."""
    text = rendered(document, format_)
    return text if isinstance(text, str) else text.decode("utf-8")


def document_of(*results: CheckResult, strict: bool = False, book: WaiverBook | None = None) -> dict[str, Any]:
    held = [book.apply(result) for result in results] if book else list(results)
    uses = tuple(book.uses()) if book else ()
    status = overall_status(held, strict)
    if status == 0 and any(used.complaint() for used in uses):
        status = 2
    return report_document(held, DATE, strict, uses, status)


def against(old: CheckResult, new: CheckResult) -> CheckResult:
    assert old.judgement is not None
    assert new.judgement is not None
    return replace(new, regression=compare_judgements([old.judgement], [new.judgement]))


def with_finding(finding: Finding, source: str = "kernel") -> CheckResult:
    assert GOOD.judgement is not None
    (row,) = GOOD.judgement.abis
    judgement = replace(GOOD.judgement, abis=(replace(row, findings=(finding,)),))
    return CheckResult(source, judgement)


def waived() -> dict[str, Any]:
    waivers = (
        Waiver(1, "nobody needs it", "w.yaml", rule="SYM-MISSING"),
        Waiver(2, "why", "w.yaml", rule="SYM-TYPE", expires=date(2020, 1, 1)),
    )
    return document_of(LACKING, book=WaiverBook(waivers, date(2026, 1, 1)))


DOCUMENTS = {
    "good": document_of(GOOD),
    "lacking": document_of(LACKING),
    "both": document_of(GOOD, LACKING, NOT_JUDGED),
    "nothing": document_of(NOT_JUDGED),
    "new": document_of(result_of((*I386_SYMBOLS, NEW))),
    "strict": document_of(result_of((*I386_SYMBOLS, NEW)), strict=True),
    "same": document_of(against(LACKING, LACKING)),
    "lost": document_of(against(GOOD, LACKING)),
    "lost, strict": document_of(against(LACKING, GOOD), strict=True),
    "waived": waived(),
    "waived only": document_of(LACKING, book=WaiverBook((Waiver(1, "r", "w.yaml", rule="SYM-MISSING"),))),
    "hostile": document_of(with_finding(Finding("SYM-NEW", Verdict.FAIL, HOSTILE, HOSTILE, HOSTILE, HOSTILE), HOSTILE)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_case_is_bad_exactly_where_the_status_is_not_0(name: str) -> None:
    document = DOCUMENTS[name]
    assert list(schema_problems(json.loads(json.dumps(document)), "report")) == []
    assert any(group.is_bad for group in groups_of(document)) == (document["exit_status"] != 0)


def cases_of(name: str) -> dict[str, tuple[Result, str]]:
    return {
        case.name: (case.result, case.text)
        for group in groups_of(DOCUMENTS[name])
        for s in group.suites
        for case in s.cases
    }


def test_each_verdict_is_a_result_of_its_own() -> None:
    assert cases_of("lacking")["SYM-MISSING __vdso_getcpu@@LINUX_2.6"][0] is Result.FAILED
    assert cases_of("lacking")["SYM-PRESENT __vdso_clock_gettime@@LINUX_2.6"] == (Result.OK, "")
    assert cases_of("new")["SYM-NEW __vdso_brand_new@@LINUX_2.6"][0] is Result.OK
    assert cases_of("strict")["SYM-NEW __vdso_brand_new@@LINUX_2.6"][0] is Result.FAILED
    assert cases_of("nothing")["judged"] == (Result.ERROR, "The kernel did not boot.")
    assert cases_of("lost")["i386 SYM-MISSING __vdso_getcpu"] == (Result.FAILED, "is gone")
    result, text = cases_of("same")["SYM-MISSING __vdso_getcpu@@LINUX_2.6"]
    assert (result, text.endswith("; the comparison with test-kernel decides")) == (Result.EXPECTED, True)
    assert cases_of("same")["no change"] == (Result.OK, "")
    result, text = cases_of("waived")["SYM-MISSING __vdso_getcpu@@LINUX_2.6"]
    assert (result, text.endswith("waived: nobody needs it)")) == (Result.EXPECTED, True)
    assert cases_of("waived")["waiver 1 (SYM-MISSING)"][0] is Result.OK
    assert cases_of("waived")["waiver 2 (SYM-TYPE)"][0] is Result.ERROR


def test_names_occur_once_in_a_suite() -> None:
    finding = Finding("CALL-VALUE", Verdict.PASS, "it", "agrees")
    result = with_finding(finding)
    assert result.judgement is not None
    (row,) = result.judgement.abis
    twice = replace(result, judgement=replace(result.judgement, abis=(replace(row, findings=(finding, finding)),)))
    ((suite,),) = (group.suites for group in groups_of(document_of(twice)))
    assert [case.name for case in suite.cases] == ["CALL-VALUE it", "CALL-VALUE it (2)"]


def test_ktap_counts_and_numbers_its_cases() -> None:
    lines = render_document(DOCUMENTS["both"], "ktap").splitlines()
    assert lines[:4] == ["KTAP version 1", "1..3", "    KTAP version 1", "    # Subtest: kernel"]
    assert [line for line in lines if not line.startswith(" ")][2:] == [
        "ok 1 kernel",
        "not ok 2 kernel",
        "not ok 3 other",
    ]
    assert "        not ok 1 judged # ERROR not judged: The kernel did not boot." in lines
    said = "        # fail: it must be there (since 6.0) (expected __vdso_getcpu@@LINUX_2.6 FUNC GLOBAL)"
    assert said in lines
    assert re.fullmatch(r"        not ok \d+ SYM-MISSING __vdso_getcpu@@LINUX_2.6", lines[lines.index(said) + 1])
    for depth in (4, 8):
        inner = [
            line[depth:] for line in lines if line.startswith(" " * depth) and not line.startswith(" " * (depth + 1))
        ]
        assert len([line for line in inner if line.startswith("1..")]) == len(
            [one for one in inner if one == "KTAP version 1"]
        )


def test_ktap_has_directives_for_what_is_accepted() -> None:
    text = render_document(DOCUMENTS["waived"], "ktap")
    assert re.search(r"^ +ok \d+ SYM-MISSING \S+ # XFAIL waived: .* waived: nobody needs it\)$", text, re.MULTILINE)
    assert re.search(r"^ +not ok 2 waiver 2 \(SYM-TYPE\) # ERROR expired: ", text, re.MULTILINE)
    unknown = document_of(with_finding(Finding("CALL-MADE", Verdict.UNKNOWN, "f", "it was not called")))
    assert " # SKIP unknown: it was not called" in render_document(unknown, "ktap")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_junit_conforms_to_its_schema_and_counts(name: str) -> None:
    root = etree.fromstring(render_document(DOCUMENTS[name], "junit").encode())
    assert SCHEMA.validate(root), SCHEMA.error_log
    bad = sum(case.is_bad for group in groups_of(DOCUMENTS[name]) for suite in group.suites for case in suite.cases)
    assert (
        int(root.get("failures")) + int(root.get("errors"))
        == bad
        == len(root.findall(".//failure") + root.findall(".//error"))
    )
    assert int(root.get("tests")) == len(root.findall(".//testcase"))


def test_junit_says_what_is_wrong_and_of_which_kernel() -> None:
    root = etree.fromstring(render_document(DOCUMENTS["lacking"], "junit").encode())
    (failure,) = root.findall(".//failure")
    assert failure.getparent().get("name") == "SYM-MISSING __vdso_getcpu@@LINUX_2.6"
    assert failure.getparent().get("classname") == "kernel.i386 little-endian native"
    assert failure.get("type") == "fail"
    assert failure.get("message").startswith("it must be there (since 6.0)")
    assert root.find(".//property[@name='release']").get("value") == "6.1.0-50-686"


def test_github_has_an_error_for_each_failure_and_a_warning_for_each_review() -> None:
    lines = render_document(DOCUMENTS["lost"], "github").splitlines()
    assert lines == [
        "::error title=vdsocat%3A kernel against test-kernel::incompatible: i386 SYM-MISSING __vdso_getcpu: is gone"
    ]
    (line,) = render_document(DOCUMENTS["new"], "github").splitlines()
    assert line.startswith("::warning title=vdsocat%3A kernel i386 little-endian native::review: SYM-NEW ")
    assert render_document(DOCUMENTS["good"], "github") == ""
    levels = [line.split(" ")[0] for line in render_document(DOCUMENTS["waived"], "github").splitlines()]
    assert levels == ["::error", "::notice"]


def test_github_names_files_of_the_repository() -> None:
    waivers = render_document(DOCUMENTS["waived"], "github").splitlines()[0]
    assert waivers.startswith("::error file=w.yaml,title=vdsocat%3A waivers waivers::expired: waiver 2")
    built = document_of(replace(LACKING, source="./build/arm64/"))
    assert render_document(built, "github").startswith("::error file=build/arm64,title=")
    for source in ("/abs/build", "debian:trixie/arm64", "host", "../other/O"):
        assert "file=" not in render_document(document_of(replace(LACKING, source=source)), "github")


def test_github_shows_ten_of_a_level_and_counts_the_rest() -> None:
    ten = render_document(document_of(*[LACKING] * 10), "github").splitlines()
    assert len(ten) == 10
    more = render_document(document_of(*[LACKING] * 12), "github").splitlines()
    assert len(more) == 10
    assert more[-1] == "::error title=vdsocat::3 more are not shown here: GitHub takes 10 of a step."


def test_the_comment_is_short_with_what_failed_on_top() -> None:
    text = render_document(DOCUMENTS["both"], "comment")
    assert text.startswith(f"{MARK}\n### vdsocat: the vDSO does not conform\n")
    assert "**Failures: 2**" in text
    assert text.index("Failures") < text.index("<details>") if "<details>" in text else True
    assert "the vDSO lost something since the baseline" in render_document(DOCUMENTS["lost"], "comment")
    assert "<details><summary>For review: 1</summary>" in render_document(DOCUMENTS["new"], "comment")
    assert "Failures" not in render_document(DOCUMENTS["good"], "comment")


@pytest.mark.parametrize("count", [50, 3000])
def test_the_comment_fits_and_counts_what_it_leaves_out(count: int) -> None:
    findings = tuple(
        Finding("SYM-MISSING", verdict, f"__vdso_{number}", HOSTILE * 3)
        for verdict in (Verdict.FAIL, Verdict.REVIEW, Verdict.UNKNOWN, Verdict.WAIVED)
        for number in range(count)
    )
    result = with_finding(findings[0])
    assert result.judgement is not None
    (row,) = result.judgement.abis
    full = replace(result, judgement=replace(result.judgement, abis=(replace(row, findings=findings),)))
    text = render_document(document_of(*[full] * 3), "comment")
    assert len(text.encode()) <= LARGEST
    assert f"**Failures: {3 * count}**" in text
    assert f"For review: {3 * count}" in text
    left = int(re.search(r"(\d+) more are left out", text)[1])  # type: ignore[index]
    assert left == 3 * count - text.count("| fail: <code>")
    assert text.count("<details>") == text.count("</details>")


def check_lines(text: str) -> None:
    """No control character and no broken Unicode but line ends that the format put there."""
    assert text == "\n".join(printable(line) for line in text.split("\n"))


@pytest.mark.parametrize("format_", ["comment", "ktap", "junit", "github"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_written_is_visible_characters_in_lines(name: str, format_: str) -> None:
    check_lines(render_document(DOCUMENTS[name], format_))


def hostile_document(text: str) -> dict[str, Any]:
    """A document in which every text that comes from outside is this one."""
    finding = Finding("SYM-NEW", Verdict.FAIL, text, text, text, text)
    result = with_finding(finding, text)
    other = replace(against(GOOD, result), source=text)
    return document_of(result, other, CheckResult(text, error=text, error_status=3))


TEXTS = st.one_of(st.text(max_size=60), st.text("ok nt#1\n\r:,%&<>|`@_*[]()\\/.-x", max_size=60), st.just(HOSTILE))


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_no_text_of_a_kernel_breaks_a_format(text: str) -> None:
    document = hostile_document(text)
    assert json.loads(render_document(document, "json")) == document
    root = etree.fromstring(render_document(document, "junit").encode())
    assert SCHEMA.validate(root), SCHEMA.error_log
    calm = hostile_document("calm")
    assert len(root.findall(".//testcase")) == sum(len(s.cases) for g in groups_of(calm) for s in g.suites)
    lines = render_document(document, "github").splitlines()
    assert all(GITHUB_LINE.fullmatch(line) for line in lines)
    assert len(lines) == len(render_document(calm, "github").splitlines())
    ktap = render_document(document, "ktap").splitlines()
    shape = re.compile(
        r" *(KTAP version 1|1\.\.\d+|# (Subtest|fail|incompatible|review): [^#]*"
        r"|(not )?ok \d+ [^#]*( # (ERROR|XFAIL) [^#]*)?)"
    )
    assert all(shape.fullmatch(line) for line in ktap)
    assert [line.split(":")[0].split("ok")[0] for line in ktap].count("    KTAP version 1") == 3
    comment = render_document(document, "comment")
    bare = re.sub(r"<code>[^<>`@|\n]*</code>", "", comment)
    assert bare == re.sub(r"<code>[^<>`@|\n]*</code>", "", render_document(calm, "comment")) or not text.strip()
    check_lines(comment)


def test_every_format_is_had_from_check_and_report(vdsocat: Command, tmp_path: Path) -> None:
    capture = tmp_path / "capture.json"
    capture.write_text(json.dumps(capture_to_json(i386_capture(i386_image((CLOCK, SIGRETURN))))))
    for format_ in DOCUMENT_FORMATS:
        for verb in ("check", "report"):
            outcome = vdsocat(verb, capture, "--format", format_)
            assert outcome.status == 1
            assert "__vdso_getcpu" in outcome.out.replace("&#95;", "_")
            assert outcome.err == ""


def test_report_holds_captures_to_a_baseline_and_to_waivers(vdsocat: Command, tmp_path: Path) -> None:
    for name, symbols in (("old", I386_SYMBOLS), ("new", (CLOCK, SIGRETURN))):
        (tmp_path / name).mkdir()
        text = json.dumps(capture_to_json(i386_capture(i386_image(symbols))))
        (tmp_path / name / "kernel.json").write_text(text)
    old, new = tmp_path / "old", tmp_path / "new"
    outcome = vdsocat("report", new, "--baseline", old, "--format", "github")
    assert (outcome.status, outcome.out.count("::error ")) == (1, 1)
    assert vdsocat("report", new, "--baseline", new, "--format", "table").status == 0
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("waivers: [{symbol: __vdso_getcpu, reason: nobody needs it}]")
    waived = vdsocat("report", new, "--baseline", old, "--waivers", waivers, "--format", "table")
    assert waived.status == 0
    assert "waivers: 1 used" in waived.out
    (old / "kernel.json").write_text("{")
    assert vdsocat("report", new, "--baseline", old).refused_in_one_sentence("The baseline cannot be used", "no JSON")
