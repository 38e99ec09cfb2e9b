"""vdsocat errata: which documents, in which form, with which exit status."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from outcomes import Command
from small_documents import raw_document, row, section

from vdsocat.documents import schema_problems

CLOCK = row("__vdso_clock_gettime", since="3.16")
LATER = {"editions": ["1.1"], "page_date": "2022-12-31", "source": [{"tag": "small-1.1", "path": "man7/small.7"}]}
# A page of 2014 (Linux 3.15) on i386 and arm with one wrong release, that was printed again in 2022 (Linux 6.1).
SMALL = raw_document(
    [
        section("i386", CLOCK, row("__vdso_time"), row("__kernel_sigreturn", "LINUX_2.5")),
        section("x86-64", row("__vdso_clock_gettime"), row("clock_gettime"), row("__vdso_getcpu")),
        section("arm"),
    ],
    "2014-12-31",
    also_printed_in=[LATER],
)
FAULTLESS = raw_document(
    date="2022-12-31",
    document="true-1",
    edition="1",
    general=[{"about": "versions", "states": "symbols-are-versioned", "text": "All have versions."}],
)


@pytest.fixture
def documents(catalog_root: Path) -> Path:
    """The small catalogue with two documents."""
    (catalog_root / "documents").mkdir()
    for raw in (SMALL, FAULTLESS):
        path = catalog_root / "documents" / f"{raw['document']}.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return catalog_root


def read_json(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    assert list(schema_problems(document, "errata")) == []
    documents: list[dict[str, Any]] = document["documents"]
    return documents


@pytest.mark.usefixtures("documents")
def test_the_newest_edition_of_each_document_is_the_default(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "--format", "json")
    assert outcome.status == 1
    assert [one["document"] for one in read_json(outcome.out)] == ["small.7-1.1", "true-1"]
    outcome = vdsocat("errata", "--all", "--format", "json")
    assert [one["document"] for one in read_json(outcome.out)] == ["small.7-1.0", "small.7-1.1", "true-1"]
    outcome = vdsocat("errata", "small.7-1.0", "small.7", "small.7-1.1", "--format", "json")
    assert [one["document"] for one in read_json(outcome.out)] == ["small.7-1.0", "small.7-1.1"]
    outcome = vdsocat("errata", "small.7", "--all", "--format", "json")
    assert [one["document"] for one in read_json(outcome.out)] == ["small.7-1.0", "small.7-1.1"]


@pytest.mark.usefixtures("documents")
def test_a_document_without_errata_is_status_0(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "true")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "true-1 (2022-12-31), held against Linux 6.1, the newest of that day: 0 wrong, 0",
        "  missing",
    ]


@pytest.mark.usefixtures("documents")
def test_outdated_ones_alone_are_status_0(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "small.7-1.0", "--abi", "arm", "--format", "json")
    assert outcome.status == 0
    (one,) = read_json(outcome.out)
    assert [(erratum["kind"], erratum["subject"]) for erratum in one["errata"]] == [
        ("outdated", "__vdso_clock_gettime")
    ]


@pytest.mark.usefixtures("documents")
def test_the_table_says_what_is_printed_what_is_right_and_where_from(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "small.7-1.0", "--abi", "i386")
    assert outcome.status == 1
    assert outcome.out.splitlines()[:9] == [
        "small.7-1.0 (2014-12-31), held against Linux 3.15, the newest of that day: 1",
        "  wrong, 0 missing",
        "",
        "  i386 functions",
        "    DOC-SINCE wrong: __vdso_clock_gettime (i386)",
        "      printed: exported since Linux 3.16",
        "      right:   exported since Linux 3.15",
        "      source:  7a59ed415f5b arch/x86/vdso/vdso32/vclock_gettime.c",
        "",
    ]
    assert "Since then, up to Linux 6.1: 3 outdated" in outcome.out.splitlines()
    assert all(len(line) <= 80 for line in outcome.out.splitlines())


@pytest.mark.usefixtures("documents")
def test_rows_are_the_same_in_csv_and_markdown(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "small.7-1.0", "--abi", "i386", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [(one["rule"], one["kind"], one["subject"]) for one in rows] == [
        ("DOC-SINCE", "wrong", "__vdso_clock_gettime"),
        ("DOC-UNTIL", "outdated", "__vdso_time"),
        ("DOC-MISSING", "outdated", "__vdso_getcpu"),
        ("DOC-MISSING", "outdated", "__vdso_getrandom"),
    ]
    outcome = vdsocat("errata", "small.7-1.0", "--abi", "i386", "--format", "markdown")
    lines = outcome.out.splitlines()
    assert lines[0] == "| document | section | abi | rule | kind | subject | printed | right | source |"
    assert len(lines) == 2 + len(rows)


@pytest.mark.usefixtures("documents")
def test_the_release_bounds_what_is_outdated(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "small.7-1.0", "--abi", "i386", "--kernel", "5.3", "--format", "json")
    (one,) = read_json(outcome.out)
    assert one["kernel_now"] == "5.3"
    assert [erratum["subject"] for erratum in one["errata"]] == ["__vdso_clock_gettime", "__vdso_getrandom"]


@pytest.mark.usefixtures("documents")
def test_the_summary_is_a_line_per_document(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "--summary", "--all")
    assert outcome.status == 1
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["DOCUMENT", "DATE", "KERNEL", "WRONG", "MISSING", "OUTDATED", "UNCHECKED"],
        ["small.7-1.0", "2014-12-31", "3.15", "2", "0", "4", "0"],
        ["small.7-1.1", "2022-12-31", "6.1", "2", "3", "0", "0"],
        ["true-1", "2022-12-31", "6.1", "0", "0", "0", "0"],
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smal.7"], ["no document 'smal.7'", "did you mean 'small.7'"]),
        (["--abi", "i368"], ["There is no ABI 'i368'", "'i386'?"]),
        (["--kernel", "next"], ["'next' is no kernel release"]),
        (["--kernel", "6.2"], ["no release after 6.1", "cannot speak of 6.2"]),
        (["--format", "man", "true"], ["one document with sections on ABIs"]),
        (["--format", "man", "small.7-1.0", "small.7"], ["one document with sections on ABIs"]),
        (["--format", "man", "--abi", "i386"], ["leave --all, --abi and --summary out"]),
    ],
)
@pytest.mark.usefixtures("documents")
def test_bad_input_is_status_2_and_one_sentence(vdsocat: Command, arguments: list[str], words: list[str]) -> None:
    assert vdsocat("errata", *arguments).refused_in_one_sentence(*words)


def test_a_catalogue_without_documents_says_so(vdsocat: Command) -> None:
    assert vdsocat("errata").refused_in_one_sentence("no documents")


def test_a_document_that_does_not_conform_is_named(vdsocat: Command, documents: Path) -> None:
    path = documents / "documents" / "bad-1.yaml"
    path.write_text(yaml.safe_dump(FAULTLESS | {"document": "bad-1", "edtion": "1"}), encoding="utf-8")
    assert vdsocat("errata").refused_in_one_sentence("bad-1.yaml", "'edtion'", "did you mean 'edition'")


@pytest.mark.usefixtures("documents")
def test_the_corrected_page_is_printed_as_roff(vdsocat: Command) -> None:
    outcome = vdsocat("errata", "--format", "man", "small.7", "--kernel", "5.3")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "'\\\" t"
    start = lines.index(".SS i386 functions")
    assert lines[start : start + 10] == [
        ".SS i386 functions",
        "The table below lists the symbols exported by the vDSO.",
        ".P",
        ".TS",
        "lB lB",
        "l  l .",
        "symbol\tversion",
        "_",
        '.\\" i386: 7a59ed415f5b arch/x86/vdso/vdso32/vclock_gettime.c',
        "\\%__vdso_clock_gettime\tLINUX_2.6 (exported since Linux 3.15)",
    ]
