"""The corrected tables of a manual page: rows, conditions, sections, and what roff needs."""

from __future__ import annotations

from typing import Any

import pytest
from small_catalog import small_catalog, small_documents
from small_documents import document, row, section

from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.exports import KernelRelease
from vdsocat.report.manual_page import Page, PageSection, Table, corrected_page, render_page

I386 = section("i386", row("__kernel_sigreturn", "LINUX_2.5"), row("__kernel_getcpu"))


def page_of(*sections: dict[str, Any], release: str = "6.1", catalog: Catalog | None = None, **more: Any) -> Page:
    return corrected_page(document(list(sections), **more), catalog or small_catalog(), KernelRelease.parse(release))


def section_of(page: Page, heading: str) -> PageSection:
    (found,) = [one for one in page.sections if one.heading == heading]
    return found


def cells(table: Table) -> list[tuple[str, ...]]:
    return [one.cells for one in table.rows]


def test_rows_keep_the_order_of_the_page_and_then_that_of_the_catalogue() -> None:
    (table,) = section_of(page_of(I386), "i386 functions").tables
    assert cells(table) == [
        ("__kernel_sigreturn", "LINUX_2.5"),
        ("__vdso_getcpu", "LINUX_2.6 (exported since Linux 6.0)"),
        ("__vdso_clock_gettime", "LINUX_2.6 (exported since Linux 3.15)"),
        ("__vdso_time", "LINUX_2.6 (exported since Linux 3.15, removed in Linux 6.0)"),
        ("__vdso_getrandom", "LINUX_2.6 (exported since Linux 5.1)"),
    ]
    assert [one.comment is None for one in table.rows] == [True, False, False, False, False]


def test_a_table_as_of_a_release_has_nothing_later() -> None:
    (table,) = section_of(page_of(I386, release="3.15"), "i386 functions").tables
    assert cells(table) == [
        ("__kernel_sigreturn", "LINUX_2.5"),
        ("__vdso_clock_gettime", "LINUX_2.6 (exported since Linux 3.15)"),
        ("__vdso_time", "LINUX_2.6 (exported since Linux 3.15)"),
    ]


def test_conditions_of_the_release_stand_below_the_table() -> None:
    (table,) = section_of(page_of(I386), "i386 functions").tables
    assert [(note.text, note.symbols) for note in table.notes] == [
        ("Exported only with CONFIG_VDSO_GETRANDOM:", ("__vdso_getrandom",))
    ]
    (table,) = section_of(page_of(section("arm", row("__vdso_clock_gettime"))), "arm functions").tables
    assert table.notes[0].text == "Exported only on machines with arch-timer-usable:"


def test_a_pair_is_told_as_what_is_settled() -> None:
    (table,) = section_of(page_of(section("x86-64", row("__vdso_getcpu"))), "x86-64 functions").tables
    assert cells(table)[0] == ("__vdso_getcpu", "LINUX_2.6 (exported since Linux 5.3 or earlier)")


def test_the_sentence_on_names_without_prefix_names_its_exceptions() -> None:
    sentence = {"prefix": "__vdso_", "text": "All of these symbols are there without the prefix."}
    both = section("x86-64", row("__vdso_clock_gettime"), row("__vdso_getcpu"), also_without_prefix=sentence)
    (table,) = section_of(page_of(both), "x86-64 functions").tables
    assert [one[0] for one in cells(table)] == ["__vdso_clock_gettime", "__vdso_getcpu"]
    assert table.also == "All of these symbols except __vdso_getcpu are there without the prefix."


def test_abis_of_a_section_share_a_table_only_if_it_is_the_same() -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["exports"] = documents["abis/i386.yaml"]["exports"][:1]
    documents["abis/x86-64.yaml"]["exports"] = [dict(documents["abis/i386.yaml"]["exports"][0])]
    both = {"heading": "x86 functions", "abis": ["i386", "x86-64"], "claims": [row("__vdso_clock_gettime")]}
    (one,) = section_of(page_of(both, catalog=assemble_catalog(documents)), "x86 functions").tables
    assert one.sentence == "The table below lists the symbols exported by the vDSO."
    first, second = section_of(page_of(both), "x86 functions").tables
    assert first.sentence.endswith("vDSO (i386).")
    assert second.sentence.endswith("vDSO (x86-64).")


def test_what_the_page_has_no_section_on_follows() -> None:
    page = page_of(I386)
    assert [one.heading for one in page.sections] == ["i386 functions", "arm functions", "x86-64 functions"]
    symbols, points = section_of(page, "arm functions").tables
    assert cells(symbols) == [("__vdso_clock_gettime", "LINUX_2.6 (exported since Linux 4.1)")]
    assert (points.columns, cells(points)) == (("offset", "function"), [("0fe0", "__kuser_get_tls")])


def test_a_port_that_is_gone_is_in_its_heading() -> None:
    documents = small_documents()
    documents["abis/x86-64.yaml"]["hosts"][0]["until"] = "6.0"
    one = section("x86-64", row("__vdso_getcpu"))
    page = page_of(one, catalog=assemble_catalog(documents))
    assert page.sections[0].heading == "x86-64 functions (port removed in Linux 6.0)"
    page = page_of(one, catalog=assemble_catalog(documents), release="5.3")
    assert page.sections[0].heading == "x86-64 functions"


def test_what_went_before_the_port_is_told() -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["hosts"] = [one | {"until": "6.1"} for one in documents["abis/i386.yaml"]["hosts"]]
    for entry in documents["abis/i386.yaml"]["exports"]:
        entry.setdefault("until", "6.1")
    page = page_of(section("i386", row("__vdso_time")), catalog=assemble_catalog(documents))
    (table,) = section_of(page, "i386 functions (port removed in Linux 6.1)").tables
    assert cells(table)[:2] == [
        ("__vdso_time", "LINUX_2.6 (exported since Linux 3.15, removed in Linux 6.0)"),
        ("__vdso_clock_gettime", "LINUX_2.6 (exported since Linux 3.15)"),
    ]


def test_sonames_keep_the_names_of_the_page() -> None:
    sonames = [{"printed": "x86/64", "abis": ["x86-64"], "soname": "wrong.so"}]
    page = page_of(I386, sonames=sonames)
    assert [one.cells for one in page.sonames] == [
        ("x86/64", "linux-vdso.so.1"),
        ("arm", "linux-vdso.so.1"),
        ("i386", "linux-gate.so.1"),
    ]
    documents = small_documents()
    old = documents["abis/i386.yaml"]["vdso"][0]
    documents["abis/i386.yaml"]["vdso"] = [
        old | {"until": "6.0"},
        old | {"since": "6.0", "soname": "linux-vdso.so.2"},
    ]
    page = page_of(I386, catalog=assemble_catalog(documents))
    assert ("i386", "linux-vdso.so.2 (linux-gate.so.1 before Linux 6.0)") in [one.cells for one in page.sonames]


def test_the_roff_has_a_cell_per_column_and_escapes_what_roff_would_read() -> None:
    text = render_page(page_of(I386, section("x86-64", heading="x86-64 \\ functions")))
    assert ".SS x86-64 \\e functions" in text.splitlines()
    lines = text.splitlines()
    assert lines.count(".TS") == lines.count(".TE") == 5
    assert "Exported only with \\%CONFIG_VDSO_GETRANDOM:\n.IR \\%__vdso_getrandom ." in text


@pytest.mark.parametrize("part", ["T{", "T}"])
def test_a_wide_table_breaks_its_cells(part: str) -> None:
    text = render_page(page_of(I386))
    start = text.index(".SS i386 functions")
    assert part in text[start : text.index(".TE", start)]
    assert "l  lx ." in text[start:]
    arm = text[text.index(".SS arm functions") :]
    assert part not in arm[: arm.index(".TE")]
