"""Reports: the matrix, the JSON document and the Markdown report, also of texts that try to break out of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from elf_builder import Symbol
from hypothesis import given, settings
from hypothesis import strategies as st
from small_catalog import small_catalog
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import AbiCapture, Call, Capture, KuserPage
from vdsocat.documents import schema_problems
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult
from vdsocat.report.document import report_document
from vdsocat.report.markdown import render_markdown
from vdsocat.report.table import abi_label, draw_defects, draw_header, draw_rows, draw_summary, explain

CATALOG = small_catalog()
DATE = "2026-01-02T03:04:05+00:00"
CALLS = (
    Call("__vdso_clock_gettime", 1, 100, 0, 150, 200),
    Call("__vdso_getcpu", None, 0, 0, 0, 0),
)


def result_of(capture: Capture, source: str = "test-kernel") -> CheckResult:
    return CheckResult(source, judge_capture(capture, CATALOG))


GOOD = result_of(i386_capture(i386_image(), calls=CALLS))
BAD = result_of(i386_capture(i386_image((CLOCK, SIGRETURN)), calls=CALLS[:1]), "worse-kernel")
ARM = result_of(
    Capture(
        replace(i386_capture(None).provenance, kernel_arch="arm"),
        (AbiCapture("arm", "big", "complete", uname={"release": "6.1.0"}, kuser=KuserPage(True, 5)),),
        "CONFIG_KUSER_HELPERS=y\n",
    )
)
PANICKED = CheckResult(
    "third-kernel", error="The kernel panicked: Kernel panic - not syncing: no | init.", error_status=3
)
MISSING = CheckResult("/no/such/file", error="/no/such/file does not exist", error_status=2)
ALL = (GOOD, BAD, ARM, PANICKED, MISSING)


def markdown(*results: CheckResult) -> str:
    return render_markdown(report_document(results, DATE))


def check_tables(text: str) -> list[list[str]]:
    """Assert that every table row has as many cells as its header; returns all rows as cells."""
    rows, width = [], 0
    for line in text.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        assert line.rstrip().endswith("|"), line
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.rstrip())[1:-1]]
        width = width or len(cells)
        assert len(cells) == width, line
        rows.append(cells)
    return rows


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "results", [(), (GOOD,), (BAD,), (ARM,), (PANICKED,), ALL], ids=lambda results: str(len(results))
)
def test_the_document_conforms_to_its_schema(results: tuple[CheckResult, ...]) -> None:
    document = json.loads(json.dumps(report_document(results, DATE)))
    assert list(schema_problems(document, "report")) == []


def test_the_document_has_provenance_verdicts_counts_and_exports() -> None:
    document = report_document([BAD], DATE)
    (kernel,) = document["kernels"]
    (abi,) = kernel["abis"]
    assert document["exit_status"] == 1
    assert kernel["provenance"]["command"] == ["qemu-system-i386", "-M", "pc"]
    assert kernel["provenance"]["probes"] == {"i386-le": "0" * 64}
    assert (abi["verdict"], abi["counts"]["fail"]) == ("fail", 1)
    assert {one["symbol"] for one in abi["vdso"]["exports"]} == {"__vdso_clock_gettime", "__kernel_sigreturn"}
    assert abi["vdso"]["soname"] == "linux-gate.so.1"
    assert len(abi["vdso"]["sha256"]) == 64
    assert sum(abi["counts"].values()) == len(abi["findings"])


def test_a_source_that_was_not_judged_keeps_its_error() -> None:
    document = report_document([PANICKED, MISSING], DATE)
    assert [kernel["error"] for kernel in document["kernels"]] == [PANICKED.error, MISSING.error]
    assert document["exit_status"] == 2


def test_strictness_shows_in_the_status() -> None:
    new = result_of(i386_capture(i386_image((*I386_SYMBOLS, Symbol("__vdso_brand_new", "LINUX_2.6")))))
    assert report_document([new], DATE)["exit_status"] == 0
    assert report_document([new], DATE, strict=True)["exit_status"] == 1


# --- Markdown --------------------------------------------------------------------------------------------------------


def test_every_row_has_as_many_cells_as_its_header() -> None:
    rows = check_tables(markdown(*ALL))
    assert ["i386-le" in cell for row in rows for cell in row].count(True) == 3
    assert any("no \\| init." in cell for row in rows for cell in row)


def test_the_report_has_full_provenance() -> None:
    capture = i386_capture(i386_image())
    provenance = replace(
        capture.provenance,
        kernel_package="linux-image-686",
        kernel_package_version="6.1.176-1",
        kernel_package_sha256="1" * 64,
        kernel_suite="bookworm",
        kernel_sha256="2" * 64,
        config_sha256="3" * 64,
        machine="i386",
        qemu_version="7.2.22",
    )
    text = markdown(result_of(replace(capture, provenance=provenance)))
    wanted = ["linux-image-686 6.1.176-1 (bookworm)", "1" * 64, "2" * 64, "3" * 64, "7.2.22", "0" * 64]
    wanted += ["qemu-system-i386 -M pc", "2026-01-02T03:04:05+00:00", "build-id", "SHA-256"]
    for text_wanted in wanted:
        assert text_wanted in text


def test_the_command_is_one_that_a_shell_takes() -> None:
    capture = i386_capture(i386_image())
    command = ("qemu-system-i386", "-append", "console=ttyS0 panic=-1")
    text = markdown(result_of(replace(capture, provenance=replace(capture.provenance, command=command))))
    assert "`qemu-system-i386 -append 'console=ttyS0 panic=-1'`" in text


def test_every_symbol_and_finding_is_in_the_report() -> None:
    text = markdown(BAD)
    for finding in BAD.judgement.findings() if BAD.judgement else ():
        assert f"| {finding.verdict} | {finding.rule} | {finding.subject} |" in text
    assert "| `__vdso_clock_gettime` | LINUX_2.6 | FUNC | GLOBAL |" in text


def test_the_kuser_page_is_in_the_report() -> None:
    assert "Kuser helper page: helper version 5." in markdown(ARM)


def test_unnamed_symbols_are_called_so() -> None:
    blanked = result_of(i386_capture(i386_image((CLOCK, GETCPU, replace(SIGRETURN, blanked=True)))))
    assert "| `(unnamed)` | LINUX_2.5 | NOTYPE | GLOBAL |" in markdown(blanked)


HOSTILE = st.text(alphabet="a|\n `#*<>[]", min_size=1, max_size=10)


@settings(max_examples=15, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_of_a_capture_breaks_a_table(source: str, symbol: str, other: str) -> None:
    capture = i386_capture(i386_image((*I386_SYMBOLS, Symbol(symbol, "LINUX_2.6")), soname=other))
    provenance = replace(
        capture.provenance, source=source, machine=other, command=(other, source), probes={other: symbol}, date=other,
        kernel_package=other, kernel_package_version=source, kernel_suite=symbol, qemu_version=other,
    )  # fmt: skip
    result = result_of(replace(capture, provenance=provenance), source)
    clean = result_of(
        replace(capture, provenance=replace(provenance, **dict.fromkeys(("source", "machine", "date"), "x"))), "x"
    )
    assert len(check_tables(markdown(result))) == len(check_tables(markdown(clean)))


# --- the matrix ------------------------------------------------------------------------------------------------------


def matrix_lines(result: CheckResult) -> list[str]:
    return [line for line in draw_rows(result) if not line.startswith("    ")]


@pytest.mark.parametrize("result", ALL, ids=lambda result: result.source)
def test_matrix_lines_fit_80_columns_and_line_up_with_the_header(result: CheckResult) -> None:
    header = draw_header()
    for line in matrix_lines(result):
        assert len(line) <= 80
        for name in ("RELEASE", "ABI", "SEEN", "VERDICT"):
            assert line.ljust(80)[header.index(name) - 1] == " "
    assert len(header) <= 80


def test_a_row_says_kernel_release_abi_what_was_seen_and_the_verdict() -> None:
    (line,) = matrix_lines(GOOD)
    assert line.split() == ["test-kernel", "6.1.0", "i386", "3", "exports,", "2", "calls", "pass"]
    assert matrix_lines(ARM)[0].split() == ["test-kernel", "6.1.0", "arm/be", "no", "vDSO,", "kuser", "expected-absent"]


def test_calls_that_were_not_made_are_not_counted_as_seen() -> None:
    (line,) = matrix_lines(result_of(i386_capture(i386_image())))
    assert "3 exports, 0 calls" in line


def test_findings_that_need_a_reader_follow_their_row_and_passes_do_not() -> None:
    text = "\n".join(draw_rows(BAD))
    assert "fail: SYM-MISSING __vdso_getcpu@@LINUX_2.6" in text
    assert "SYM-PRESENT" not in text
    assert "__vdso_time" not in text


@pytest.mark.parametrize(("result", "words"), [(PANICKED, "run not completed"), (MISSING, "not usable")])
def test_a_source_without_a_judgement_is_a_row_with_its_reason(result: CheckResult, words: str) -> None:
    lines = list(draw_rows(result))
    assert words in lines[0]
    assert " ".join(" ".join(lines[1:]).split()) == result.error


def test_a_long_source_and_a_long_verdict_still_fit() -> None:
    long = replace(GOOD, source="/a/very/long/path/to/some/kernel/image/vmlinuz-6.1.0-50-686-pae")
    (line,) = matrix_lines(long)
    assert len(line) <= 80
    assert "…" in line
    absent = result_of(
        replace(
            i386_capture(None),
            abis=(replace(i386_capture(None).abis[0], abi="x86-64", outcome="exec-failed", detail=8, machine=None),),
        )
    )
    (line,) = matrix_lines(absent)
    assert line.endswith("expected-absent")
    assert "not run" in line


def test_paint_touches_only_the_verdict() -> None:
    def paint(text: str, verdict: Verdict) -> str:
        return f"<{text}:{verdict}>"

    assert next(draw_rows(BAD, paint)).endswith("<fail:fail>")


def test_details_wrap_without_losing_a_word() -> None:
    finding = Finding("RULE", Verdict.FAIL, "subject", " ".join(f"word{number}" for number in range(60)))
    lines = list(explain([finding]))
    assert all(line.startswith("    ") for line in lines)
    assert " ".join(" ".join(lines).split()) == f"fail: {finding.sentence()}"


def test_the_summary_counts_every_verdict() -> None:
    text = draw_summary(ALL, 12.3)
    assert ", 3 rows: " in text
    assert "1 fail" in text
    assert "2 sources not judged" in text
    assert text.endswith("12 s")
    assert "nothing judged" in draw_summary([PANICKED])


@pytest.mark.parametrize(
    ("abi", "endianness", "label"),
    [
        ("mips-o32", "big", "mips-o32/be"),
        ("sh", "big", "sh/be"),
        ("sh", "little", "sh"),
        ("mips-o32", "little", "mips-o32"),
        ("s390x", "big", "s390x"),
        ("ppc64", "big", "ppc64/be"),
        ("ppc64", "little", "ppc64"),
        ("ppc32", "big", "ppc32"),
        ("ppc32", "little", "ppc32/le"),
    ],
)
def test_an_unusual_byte_order_is_said(abi: str, endianness: str, label: str) -> None:
    judged: Any = GOOD.judgement.abis[0] if GOOD.judgement else None
    assert abi_label(replace(judged, abi=abi, endianness=endianness)) == label


def test_a_known_defect_is_told_once_with_all_who_have_it() -> None:
    def with_defect(source: str) -> CheckResult:
        result = result_of(i386_capture(i386_image()), source)
        assert result.judgement is not None
        (judged,) = result.judgement.abis
        found = Finding(
            "CALL-CLOCK", Verdict.KNOWN_DEFECT, "f(1)", "wrong; known defect late-clock", defect="late-clock"
        )
        judged = replace(judged, findings=(Finding("ABI-RUNS", Verdict.PASS, "i386", "r"), found, found))
        return replace(result, judgement=replace(result.judgement, abis=(judged,)))

    results = [with_defect("one"), with_defect("other"), result_of(i386_capture(i386_image()))]
    assert " ".join(" ".join(draw_defects(results)).split()) == (
        "known defect late-clock, see docs/findings.md: one (i386); other (i386)"
    )
    assert "known-defect" in matrix_lines(results[0])[0]
    assert len(matrix_lines(results[0])) == 1, "the defect is told below the matrix, not in each row"
    assert results[0].exit_status(strict=True) == 0
    document = report_document(results, "2026-01-01T00:00:00+00:00", False)
    assert list(schema_problems(document, "report")) == []
    assert document["kernels"][0]["abis"][0]["findings"][-1]["defect"] == "late-clock"
