"""The errors of vdso(7) that are known from elsewhere are found by the real catalogue, each with its source.

What is expected here is known from elsewhere than the catalogue: from the corrections that the page's maintainers made
(riscv in 6.03, parisc in 5.00), from the comments of Go (mips), from the linker script of ppc32, which has one node.
"""

from __future__ import annotations

from functools import cache

import pytest

from vdsocat.audits.errata import DocumentErrata, find_errata, newest_release
from vdsocat.audits.erratum import Erratum, Kind
from vdsocat.catalog.document import Documents, load_documents
from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.documents import data_directory
from vdsocat.report.manual_page import corrected_page, render_page


@cache
def catalog() -> Catalog:
    return load_catalog(data_directory("catalog"))


@cache
def documents() -> Documents:
    return load_documents(data_directory("catalog"))


@cache
def errata_of(name: str) -> DocumentErrata:
    return find_errata(documents().named(name), catalog(), newest_release(catalog()))


def found(edition: str, rule: str, abi: str, subject: str) -> Erratum:
    """The one erratum of vdso(7) on this symbol of this ABI."""
    (one,) = [
        one
        for one in errata_of(f"vdso.7-{edition}").errata
        if (one.rule, one.subject) == (rule, subject) and abi in one.abis
    ]
    return one


@pytest.mark.parametrize("edition", ["5.02", "5.13", "6.02"])
@pytest.mark.parametrize("name", ["rt_sigreturn", "gettimeofday", "clock_gettime", "getcpu", "flush_icache"])
def test_the_prefix_of_riscv_is_wrong_until_6_02(edition: str, name: str) -> None:
    one = found(edition, "DOC-PREFIX", "riscv64", f"__kernel_{name}")
    assert (one.kind, one.right) == (Kind.WRONG, f"__vdso_{name}")


def test_the_prefix_of_riscv_is_right_in_6_03() -> None:
    assert not [one for one in errata_of("vdso.7-6.03").errata if one.rule == "DOC-PREFIX" and "riscv64" in one.abis]


@pytest.mark.parametrize("edition", ["4.06", "5.13", "6.20"])
@pytest.mark.parametrize("abi", ["mips-o32", "mips-n64"])
def test_the_prefix_of_mips_is_wrong_in_every_edition(edition: str, abi: str) -> None:
    for name in ("gettimeofday", "clock_gettime"):
        assert found(edition, "DOC-PREFIX", abi, f"__kernel_{name}").right == f"__vdso_{name}"


@pytest.mark.parametrize("edition", ["5.13", "6.20"])
def test_a_version_of_ppc32_is_wrong(edition: str) -> None:
    one = found(edition, "DOC-VERSION", "ppc32", "__kernel_clock_gettime64")
    assert (one.kind, one.printed, one.right) == (Kind.WRONG, "LINUX_5.11", "LINUX_2.6.15")


@pytest.mark.parametrize(
    ("abi", "symbol"),
    [
        ("x86-64", "__vdso_getrandom"),
        ("x86-64", "__vdso_clock_getres"),
        ("aarch64", "__kernel_getrandom"),
        ("riscv64", "__vdso_riscv_hwprobe"),
        ("i386", "__vdso_clock_gettime64"),
        ("ppc64", "__kernel_getrandom"),
    ],
)
def test_symbols_that_the_newest_edition_lacks_are_missing(abi: str, symbol: str) -> None:
    assert found("6.20", "DOC-MISSING", abi, symbol).kind is Kind.MISSING


def test_a_symbol_that_came_after_the_page_is_outdated_only() -> None:
    assert found("5.13", "DOC-MISSING", "x86-64", "__vdso_getrandom").kind is Kind.OUTDATED
    assert found("5.13", "DOC-MISSING", "riscv64", "__vdso_riscv_hwprobe").kind is Kind.OUTDATED


def test_symbols_that_ppc_removed_are_still_printed() -> None:
    for abi in ("ppc32", "ppc64"):
        one = found("5.13", "DOC-UNTIL", abi, "__kernel_sync_dicache_p5")
        assert (one.kind, one.right) == (Kind.WRONG, "removed in Linux 5.11")


def test_labels_that_are_no_entry_points_were_printed_of_parisc() -> None:
    assert found("3.56", "DOC-EXTRA", "parisc", "lws_compare_and_swap").kind is Kind.WRONG
    assert not [one for one in errata_of("vdso.7-5.00").errata if one.rule == "DOC-EXTRA" and "parisc" in one.abis]


def test_the_kernels_own_document_promised_what_powerpc_did_not_keep() -> None:
    removed = [one for one in errata_of("abi-stable-vdso").errata if one.subject == "stability"]
    (one,) = [one for one in removed if one.abis == ("ppc32",)]
    assert "__kernel_datapage_offset in Linux 5.11" in one.right


@pytest.mark.parametrize("name", [document.name for document in documents().newest()] + ["vdso.7-5.13"])
def test_every_erratum_names_its_sources(name: str) -> None:
    errata = errata_of(name).errata
    assert errata
    for one in errata:
        assert any(source.commit or source.tag or source.kernel or source.url for source in one.sources), one


def test_every_edition_can_be_held_against_the_catalogue() -> None:
    names = [document.name for document in documents()]
    assert len(names) == len(set(names))
    for name in names:
        assert errata_of(name).at <= newest_release(catalog())


def test_the_corrected_page_has_every_section_and_balanced_tables() -> None:
    page = documents().named("vdso.7")
    lines = render_page(corrected_page(page, catalog(), newest_release(catalog()))).splitlines()
    headings = [line for line in lines if line.startswith(".SS ")]
    assert len(headings) > len(page.sections)
    assert lines.count(".TS") == lines.count(".TE") > len(page.sections)
    assert "\\%__vdso_riscv_hwprobe\tLINUX_4.15 (exported since Linux 6.4)" in lines
