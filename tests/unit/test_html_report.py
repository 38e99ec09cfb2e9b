"""The HTML report: valid, whole without network and script, deaf to hostile captures, and of the same facts as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elf_builder import Symbol
from html_pages import Page, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import Command
from small_catalog import small_catalog, small_documents, write_catalog
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import AbiCapture, Call, Capture, KuserPage, capture_to_json
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.costs import Cost, Costs
from vdsocat.documents import schema_problems
from vdsocat.judging.changes import Change, Kind
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.regression import Regression
from vdsocat.judging.result import CheckResult
from vdsocat.judging.waivers import Use, UsedWaiver, Waiver
from vdsocat.lint.run import read_coverage
from vdsocat.report.background import Background
from vdsocat.report.document import report_document
from vdsocat.report.html import render_html
from vdsocat.report.markdown import render_markdown

CATALOG = small_catalog()
DATE = "2026-01-02T03:04:05+00:00"
CALLS = (Call("__vdso_clock_gettime", 1, 100, 0, 150, 200), Call("__vdso_getcpu", None, 0, 0, 0, 0))
COSTS = Costs((Cost("__vdso_clock_gettime", 1, 56, 400), Cost("__vdso_getcpu", reason="the call ended in a crash")))


def result_of(capture: Capture, source: str = "test-kernel", catalog: Catalog = CATALOG) -> CheckResult:
    return CheckResult(source, judge_capture(capture, catalog))


GOOD = result_of(i386_capture(i386_image(), calls=CALLS, costs=COSTS))
BAD = result_of(i386_capture(i386_image((CLOCK, SIGRETURN)), calls=CALLS[:1]), "worse-kernel")
NEW = result_of(
    i386_capture(i386_image((*I386_SYMBOLS, Symbol("__vdso_brand_new", "LINUX_2.6"))), calls=CALLS), "newer-kernel"
)
ARM = result_of(
    Capture(
        replace(i386_capture(None).provenance, kernel_arch="arm"),
        (AbiCapture("arm", "big", "complete", uname={"release": "6.1.0"}, kuser=KuserPage(True, 5)),),
        "CONFIG_KUSER_HELPERS=y\n",
    ),
    "arm-kernel",
)
BROKEN = result_of(i386_capture(b"\x7fELF and no more"), "broken-kernel")
PANICKED = CheckResult("third-kernel", error="The kernel panicked: not syncing.", error_status=3)
ALL = (GOOD, BAD, NEW, ARM, BROKEN, PANICKED)


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Background:
    """The small catalogue with its coverage."""
    directory = tmp_path_factory.mktemp("files")
    (directory / "machines").mkdir()
    return Background(CATALOG, read_coverage(write_catalog(directory / "catalog"), directory / "machines"))


def document_of(results: tuple[CheckResult, ...], background: Background | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(report_document(results, DATE, background=background)))
    assert list(schema_problems(document, "report")) == []
    return document


def page_of(*results: CheckResult, background: Background | None = None) -> Page:
    return Page(render_html(document_of(results, background or Background(CATALOG))))


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("results", [(), (GOOD,), (BAD,), (ARM,), (BROKEN,), (PANICKED,), ALL], ids=len)
@pytest.mark.parametrize("whole", [True, False])
def test_the_page_is_valid_and_holds_to_the_rules(
    results: tuple[CheckResult, ...], whole: bool, background: Background
) -> None:
    Page(render_html(document_of(results, background if whole else None))).hold_to_the_rules()


def test_the_policy_lets_only_the_pages_own_style_and_script_run() -> None:
    page = page_of(GOOD)
    (policy,) = (one.get("content", "") for one in page.all("meta") if one.get("http-equiv"))
    directives = {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (one,) = page.all(tag)
        digest = base64.b64encode(hashlib.sha256((one.text or "").encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    assert directives["default-src"] == "'none'"
    assert page.source.index("Content-Security-Policy") < page.source.index("<style>")


def test_it_begins_with_the_result_and_what_was_checked_when_and_with_what(background: Background) -> None:
    header = text_of(page_of(*ALL, background=background).all("header")[0])
    assert "✗ Not every kernel conforms" in header
    assert "Checked 5 kernels, 5 ABIs of them" in header
    assert "Not judged 1" in header
    assert "Captured 2026-01-02 03:04:05 UTC" in header
    assert "Judged 2026-01-02 03:04:05 UTC with vdsocat" in header
    assert "exit status 1" in header
    assert re.search(r"a catalogue of \d+ facts", header)
    assert "✓ Every kernel conforms" in text_of(page_of(GOOD).all("header")[0])
    assert "Nothing was judged" in text_of(page_of().all("header")[0])


def test_the_matrix_tells_each_verdict_in_words_too() -> None:
    page = page_of(GOOD, BAD)
    (matrix,) = page.all("table", class_="matrix")
    header, good, bad = page.rows(matrix)
    assert header[3:] == ["the ABI itself", "clock_gettime", "getcpu", "time", "getrandom", "sigreturn"]
    assert good[:3] == ["i386 test-kernel", "6.1.0-50-686", "✓ pass"]
    assert good[4:] == ["✓pass", "✓pass", "—expected-absent", "—expected-absent", "✓pass"]
    assert bad[5] == "✗fail: getcpu of i386 on worse-kernel"


def test_a_failing_cell_leads_to_its_findings_and_these_to_the_rule() -> None:
    page = page_of(GOOD, BAD)
    (link,) = page.all("td", class_="fail")[0].iter("a")
    found = page.element(link.get("href", "")[1:])
    (fold,) = (one for one in page.all("details") if found in one)
    assert text_of(fold[0]).startswith("✗ fail getcpu")
    assert "SYM-MISSING" in text_of(found)
    (rule, *_) = [one for one in found.iter("a") if text_of(one) == "SYM-MISSING"]
    told = text_of(page.element(rule.get("href", "")[1:]))
    assert "Why" in told
    assert "rustix" in told


def test_what_fails_is_told_once_with_all_that_have_it() -> None:
    page = page_of(BAD, replace(BAD, source="as-bad-a-kernel"), NEW)
    findings = page.all("details", class_="finding")
    assert [text_of(one[0]).split()[1] for one in findings] == ["fail", "review"]
    assert "in 2 places" in text_of(findings[0][0])
    told = text_of(findings[0])
    assert "i386 on worse-kernel (6.1.0-50-686), i386 on as-bad-a-kernel (6.1.0-50-686)" in told
    assert "Expected __vdso_getcpu@@LINUX_2.6 FUNC GLOBAL" in told
    assert "Seen not stated" in told
    assert "a symbol that the catalogue expects of this release and configuration is not there" in told


def test_without_a_script_everything_can_be_reached_and_the_tools_are_not_offered() -> None:
    page = page_of(GOOD)
    assert page.element("tools").get("hidden") is not None
    assert all("script" not in one.get("class", "") for one in page.all("details"))


def test_what_matters_is_unfolded_on_paper() -> None:
    page = page_of(GOOD, BAD)
    groups = {text_of(one[0]): one for one in page.all("details", class_="function")}
    assert {"paper" in one.get("class", "").split() for summary, one in groups.items() if "fail" in summary} == {True}
    assert all("paper" in one.get("class", "").split() for one in page.all("details", class_="finding"))
    assert "details.paper:not([open])::details-content" in page.source


# --- the same facts as JSON and Markdown -----------------------------------------------------------------------------


def facts_of(document: dict[str, Any]) -> list[str]:
    """The texts of a document that a reader must find in every form, without those that say how it was made."""
    facts: list[str] = []
    for kernel in document["kernels"]:
        facts += [kernel["source"], kernel["release"] or "", kernel["error"] or ""]
        for abi in kernel["abis"]:
            facts += [f"{one[key]}" for one in abi["findings"] for key in ("rule", "subject", "reason", "verdict")]
            facts += [one[key] for one in abi["findings"] for key in ("expected", "seen") if one[key]]
            if abi["vdso"]:
                facts += [abi["vdso"]["sha256"], abi["vdso"]["build_id"], *(
                    one["symbol"] for one in abi["vdso"]["exports"]
                )]  # fmt: skip
        facts += list((kernel["provenance"] or {"probes": {}})["probes"].values())
    catalogue = document["catalogue"]
    facts += [one[key] for one in catalogue["rules"] for key in ("rule", "checks", "details", "why", "reproduce")]
    facts += [str(one[key]) for one in catalogue["defects"] for key in ("defect", "summary", "releases")]
    facts += [
        str(text)
        for one in catalogue["timelines"]
        for export in one["exports"]
        for stretch in export["stretches"]
        for text in (export["symbol"], export["function"], stretch["version"], stretch["condition"] or "")
    ]
    facts += [str(one["facts"]) for one in catalogue["coverage"]["abis"]]
    facts += [one["kind"] for one in catalogue["coverage"]["kinds"]]
    return facts


def plain(text: str) -> str:
    """Without what is markup in Markdown, and what stands for it in HTML."""
    return " ".join(re.sub(r"[\\`*]", "", text).split())


def test_html_and_markdown_carry_every_fact_of_the_json_report(background: Background) -> None:
    document = document_of(ALL, background)
    page, markdown = plain(Page(render_html(document)).text()), plain(render_markdown(document))
    facts = [plain(fact) for fact in facts_of(document)]
    assert len(facts) > 300
    for fact in facts:
        assert fact in page, fact
        assert fact in markdown, fact


def test_every_finding_is_a_row_of_its_function() -> None:
    page = page_of(BAD)
    groups = [page.rows(table)[1:] for table in page.all("table", class_="findings")]
    assert [rows[0][0] for rows in groups if any("fail" in row[0] for row in rows)] == ["✗ fail"], (
        "the gravest is first"
    )
    rows = [row for group in groups for row in group]
    (kernel,) = document_of((BAD,))["kernels"]
    findings = [one for abi in kernel["abis"] for one in abi["findings"]]
    assert sorted(row[1:4] for row in rows) == sorted([one["rule"], one["reason"], one["subject"]] for one in findings)


def test_findings_are_sorted_by_the_function_that_they_are_about(background: Background) -> None:
    (kernel,) = document_of((BAD,), background)["kernels"]
    (abi,) = kernel["abis"]
    by_subject = {one["subject"]: one["function"] for one in abi["findings"]}
    assert by_subject["__vdso_getcpu@@LINUX_2.6"] == "getcpu"
    assert by_subject["__vdso_clock_gettime(CLOCK_MONOTONIC)"] == "clock_gettime"
    assert by_subject["soname"] is None
    counted = sum(count for one in abi["functions"] for count in one["counts"].values())
    assert counted == len(abi["findings"])
    assert {one["function"]: one["verdict"] for one in abi["functions"]}["getcpu"] == "fail"


def test_an_emulators_symbols_have_their_functions_too() -> None:
    documents = small_documents()
    documents["providers/emulator.yaml"] = {
        "provider": "emulator",
        "name": "An emulator",
        "abis": [
            {
                "abi": "i386",
                "soname": "x.so",
                "source": [{"tag": "v1", "path": "x"}],
                "exports": [{"symbol": "__emulated_time", "function": "time", "version": "V1"}],
            }
        ],
    }
    assert Background(assemble_catalog(documents)).function_of("i386", "__emulated_time@@V1") == "time"


# --- absent facts are told as such -----------------------------------------------------------------------------------


def test_what_is_not_there_is_told(background: Background) -> None:
    page = page_of(BAD).text()
    assert "No capture holds costs: vdsocat check --cost counts them." in page
    assert "Coverage of the catalogue Unknown: not counted for this report" in page
    assert "Package not from a package" in page
    assert "Kernel SHA-256 not known" in page
    assert "QEMU none" in page
    assert "No known defect was met." in page
    assert "with vdsocat of a version not known" in page
    empty = page_of().text()
    assert "No kernel was judged, so there is no matrix." in empty
    assert "No ABI was judged." in empty
    assert "Nothing fails, nothing is to be reviewed, and nothing is unknown." in page_of(GOOD).text()


@pytest.mark.parametrize(
    ("result", "words"),
    [(BROKEN, "There is a vDSO, but it cannot be read as an ELF image."), (ARM, "There is no vDSO.")],
)
def test_a_row_without_an_image_says_why(result: CheckResult, words: str) -> None:
    assert words in page_of(result).text()
    assert words in render_markdown(document_of((result,)))


def test_an_abi_whose_probe_never_ran_says_so() -> None:
    capture = i386_capture(None)
    silent = replace(capture.abis[0], outcome="exec-failed", detail=8, machine=None)
    words = "No program of this ABI was run, so that no vDSO was seen."
    assert words in page_of(result_of(replace(capture, abis=(silent,)))).text()


def test_a_source_that_was_not_judged_is_told_with_its_reason() -> None:
    page = page_of(PANICKED)
    assert "✗ not judged third-kernel The kernel panicked: not syncing." in page.text()
    assert "A run could not be completed" in page.text()


def test_costs_are_a_table_with_the_reason_for_what_is_not_known() -> None:
    page = page_of(GOOD)
    (table,) = page.all("table", class_="costs")
    assert page.rows(table)[2:] == [
        ["__vdso_clock_gettime", "CLOCK_MONOTONIC", "56", "400", "7.1", ""],
        ["__vdso_getcpu", "", "unknown", "unknown", "-", "the call ended in a crash"],
    ]
    unknown = i386_capture(i386_image(), costs=Costs(unknown="No QEMU."))
    assert "unknown: No QEMU." in page_of(result_of(unknown)).text()


def test_a_known_defect_is_told_with_all_who_have_it() -> None:
    documents = small_documents()
    documents["functions.yaml"]["defects"] = [
        {
            "defect": "late-clock",
            "functions": ["clock_gettime"],
            "cases": ["clock/1"],
            "since": "6.0",
            "when": "CONFIG_X86_32",
            "summary": "The clock is late.",
            "source": [{"tag": "v6.1", "path": "x"}],
        }
    ]
    catalog = assemble_catalog(documents)
    assert GOOD.judgement is not None
    found = Finding("CALL-CLOCK", Verdict.KNOWN_DEFECT, "__vdso_clock_gettime(1)", "it is late", defect="late-clock")
    judged = replace(GOOD.judgement.abis[0], findings=(found,))
    results = [replace(GOOD, source=name, judgement=replace(GOOD.judgement, abis=(judged,))) for name in ("one", "two")]
    document = document_of(tuple(results), Background(catalog))
    assert document["catalogue"]["defects"] == [
        {
            "defect": "late-clock",
            "summary": "The clock is late.",
            "functions": ["clock_gettime"],
            "releases": "since 6.0",
            "condition": "CONFIG_X86_32",
            "met": [{"source": "one", "abis": ["i386"]}, {"source": "two", "abis": ["i386"]}],
        }
    ]
    told = (
        "late-clock The clock is late. Functions clock_gettime Releases since 6.0, if CONFIG_X86_32 Met on one (i386)"
    )
    page = Page(render_html(document))
    assert told in page.text()
    assert page.all("td", class_="known-defect")
    assert "| late-clock | The clock is late. | clock_gettime | since 6.0 | CONFIG_X86_32 | one (i386); two" in (
        render_markdown(document)
    )


def test_what_is_waived_and_what_changed_since_a_baseline_is_told() -> None:
    assert BAD.judgement is not None
    waived = tuple(
        replace(one, verdict=Verdict.WAIVED, waiver="Nobody calls it.") if one.verdict is Verdict.FAIL else one
        for one in BAD.judgement.abis[0].findings
    )
    judged = replace(BAD.judgement.abis[0], findings=waived)
    change = Change(Kind.INCOMPATIBLE, "i386", "native", "SYM-MISSING", "__vdso_getcpu", "is gone", None)
    accepted = replace(change, kind=Kind.WAIVED, subject="__vdso_time", waiver="Nobody calls it.")
    result = replace(
        BAD,
        judgement=replace(BAD.judgement, abis=(judged,)),
        regression=Regression("yesterday's <kernel>", (change, accepted), ("the x32 row",)),
    )
    used = UsedWaiver(Waiver(1, "Nobody calls it.", rule="SYM-MISSING"), Use.STALE, 0)
    document = report_document((result,), DATE, waivers=(used,), background=Background(CATALOG))
    assert list(schema_problems(json.loads(json.dumps(document)), "report")) == []
    page = Page(render_html(document))
    page.hold_to_the_rules()
    (changes,) = page.all("table", class_="changes")
    assert page.rows(changes)[1:] == [
        ["incompatible", "i386", "native", "SYM-MISSING", "__vdso_getcpu", "is gone", ""],
        ["waived", "i386", "native", "SYM-MISSING", "__vdso_time", "is gone", "Nobody calls it."],
    ]
    markdown = plain(render_markdown(document))
    for text in (page.text(), markdown):
        assert "worse-kernel against yesterday's" in text
        assert "Not compared: the x32 row" in text
        assert "matches nothing: take it out." in text
    assert "waived" in text_of(page.all("td", class_="waived")[0])
    groups = [text_of(one) for one in page.all("details", class_="function") if "getcpu" in text_of(one[0])]
    assert "Nobody calls it." in groups[0]


# --- hostile captures ------------------------------------------------------------------------------------------------

MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script></style><!-- \'" onfocus="alert(3)&lt;{{7*7}}'
UNSEEN = "\u202egpj\u2066\u200f\x00\x1b[31m\x07\r\n\u2028\ud800"
HOSTILE = st.text(
    st.sampled_from([*"a<>&\"'`{}|-/!\n#", "\u202e", "\u2067", "\x00", "\x1b", "\ud800", "ע"]), max_size=12
)


def hostile_result(text: str, name: str | None = None) -> CheckResult:
    """A capture that has the text wherever a kernel, or who made the capture, can put it."""
    symbol = name if name is not None else "__vdso_brand_new"
    image = i386_image((*I386_SYMBOLS, Symbol(symbol, "LINUX_2.6")), soname=name or "linux-gate.so.1")
    calls = (*CALLS, Call(text, None, 0, 0, 0, 0))
    mappings = (f"b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]{text}",)
    capture = i386_capture(image, calls=calls, mappings=mappings, costs=Costs((Cost(text, 1, 2, 3, text),), text))
    provenance = replace(
        capture.provenance, source=text, date=text, machine=text, command=(text, "-append", text), probes={text: text},
        kernel_package=text, kernel_package_version=text, kernel_package_sha256=text, kernel_suite=text,
        kernel_sha256=text, config_sha256=text, qemu_version=text, vdsocat=text,
    )  # fmt: skip
    return result_of(replace(capture, provenance=provenance), text)


def shape(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes."""
    return [(str(one.tag), tuple(sorted(one.keys()))) for one in page.root.iter()]


@pytest.mark.parametrize("text", [MARKUP, UNSEEN, MARKUP + UNSEEN, "x" * 5000])
def test_no_text_of_a_capture_becomes_markup_or_is_invisible(text: str) -> None:
    named = text.startswith("<")
    page = page_of(hostile_result(text, MARKUP[:60] if named else None))
    page.hold_to_the_rules()
    assert shape(page) == shape(page_of(hostile_result("harmless", "__vdso_brand_new" if named else None)))
    unseen = {one for one in page.source if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert unseen == set()
    page.source.encode()


def test_what_cannot_be_seen_is_spelt_out() -> None:
    text = page_of(hostile_result(UNSEEN)).text()
    assert r"\u202egpj\u2066\u200f\x00\x1b[31m\x07\x0d\x0a\u2028\ud800" in text


@settings(max_examples=15, deadline=None)
@given(HOSTILE, HOSTILE)
def test_no_text_at_all_changes_the_page(text: str, other: str) -> None:
    page = page_of(hostile_result(f"x{text}"), replace(PANICKED, source=other, error=other))
    page.hold_to_the_rules()
    assert shape(page) == shape(page_of(hostile_result("x"), replace(PANICKED, source="o", error="o")))


@pytest.mark.parametrize("text", [MARKUP, UNSEEN, "`` ` | ` \\"])
def test_no_text_of_a_capture_becomes_markup_in_the_markdown_report(text: str) -> None:
    markdown = render_markdown(document_of((hostile_result(text),), Background(CATALOG)))
    markdown.encode()
    assert not re.search(r"(?<!\\)<(img|script)", re.sub(r"(`+)[^`](.*?[^`])?\1", "", markdown))
    assert not {one for one in markdown if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


# --- the command -----------------------------------------------------------------------------------------------------


def write(path: Path, result: CheckResult) -> Path:
    assert result.judgement is not None
    path.write_text(json.dumps(capture_to_json(result.judgement.capture)))
    return path


def test_report_makes_one_page_of_captures_and_directories(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    write(tmp_path / "kept" / "good.json", GOOD)
    outcome = vdsocat("report", "--format", "html", write(tmp_path / "bad.json", BAD), tmp_path / "kept")
    assert outcome.status == 1
    assert outcome.err == ""
    page = Page(outcome.out)
    page.hold_to_the_rules()
    assert len(page.all("article", class_="judged")) == 2
    assert "facts: " in text_of(page.all("header")[0]), "the coverage of the catalogue was counted"


def test_a_catalogue_that_cannot_be_counted_is_no_reason_for_no_report(
    vdsocat: Command, catalog_root: Path, tmp_path: Path
) -> None:
    (catalog_root / "unobservable.yaml").write_text("nonsense: true\n")
    outcome = vdsocat("report", "--format", "html", write(tmp_path / "good.json", GOOD))
    assert outcome.status == 0
    assert "Unknown: the catalogue cannot be counted: catalog/unobservable.yaml" in Page(outcome.out).text()


def test_a_file_that_is_no_capture_is_refused_in_one_sentence(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert vdsocat("report", "--format", "html", tmp_path / "x.json").refused_in_one_sentence("x.json", "no capture")
    assert vdsocat("report", "--format", "html", tmp_path / "nil").refused_in_one_sentence("nil", "cannot be read")
