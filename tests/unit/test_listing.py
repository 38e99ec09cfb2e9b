"""The four formats of a list."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsocat.report.listing import FORMATS, render_listing

COLUMNS = ("abi", "symbol", "note")
ROWS: list[dict[str, str | None]] = [
    {"abi": "i386", "symbol": "__vdso_time", "note": "short", "more": "only in JSON"},
    {"abi": "x86-64", "symbol": None, "note": None, "more": None},
]
WORDS = st.text(alphabet='ab |,"\n\\é', max_size=12)


def cells(line: str) -> list[str]:
    """The cells of a Markdown table row, by GitHub's rule that only an escaped | is text."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_a_table_has_a_header_and_aligned_columns() -> None:
    assert render_listing(ROWS, COLUMNS, "test", "table").splitlines() == [
        "ABI     SYMBOL       NOTE",
        "i386    __vdso_time  short",
        "x86-64",
    ]


def test_a_column_without_any_value_is_left_out_of_a_table() -> None:
    rows = [{"abi": "i386", "symbol": None, "note": "x"}]
    assert render_listing(rows, COLUMNS, "test", "table").splitlines()[0] == "ABI   NOTE"


def test_a_last_cell_that_does_not_fit_goes_below_and_loses_no_word() -> None:
    note = " ".join(f"word{number}" for number in range(40))
    lines = render_listing([{"abi": "i386", "symbol": "x", "note": note}], COLUMNS, "test", "table", 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) > 3
    assert " ".join(lines[1:]).split() == ["i386", "x", *note.split()]


def test_no_rows_still_have_a_header() -> None:
    assert render_listing([], COLUMNS, "test", "table") == "ABI  SYMBOL  NOTE"
    assert render_listing([], COLUMNS, "test", "csv") == "abi,symbol,note"


def test_json_has_a_schema_with_a_version_and_every_key() -> None:
    document = json.loads(render_listing(ROWS, COLUMNS, "test", "json"))
    assert document == {"schema": "vdsocat-test/1", "rows": ROWS}


@given(st.lists(st.fixed_dictionaries({"a": WORDS, "b": WORDS | st.none()}), max_size=4))
def test_csv_gives_back_what_was_put_in(rows: list[dict[str, str | None]]) -> None:
    text = render_listing(rows, ("a", "b"), "test", "csv")
    expected = [["a", "b"], *([row["a"] or "", row["b"] or ""] for row in rows)]
    assert list(csv.reader(io.StringIO(text + "\n"))) == expected


@given(st.lists(st.fixed_dictionaries({"a": WORDS, "b": WORDS | st.none()}), max_size=4))
def test_every_markdown_row_has_as_many_cells_as_its_header(rows: list[dict[str, str | None]]) -> None:
    lines = render_listing(rows, ("a", "b"), "test", "markdown").splitlines()
    assert len(lines) == 2 + len(rows)
    assert [len(cells(line)) for line in lines] == [2] * len(lines)


@pytest.mark.parametrize("format_", FORMATS)
def test_no_format_ends_with_a_newline(format_: str) -> None:
    assert not render_listing(ROWS, COLUMNS, "test", format_).endswith("\n")
