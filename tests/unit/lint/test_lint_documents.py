"""Rules about documents: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Documents, assert_breaks, assert_harmless

FILE = "catalog/documents/page.7-2.0.yaml"


def page(documents: Documents, edition: str = "2.0", later: list[str] | None = None, **claim: Any) -> Any:
    """An edition of a page with one row, and the later editions that print the same."""
    source = [{"url": "https://pages.example/", "tag": f"page-{edition}", "path": "page.7"}]
    documents[f"catalog/documents/page.7-{edition}.yaml"] = document = {
        "document": f"page.7-{edition}",
        "title": "page(7)",
        "publisher": "A project",
        "edition": edition,
        "page_date": "2026-11-24",
        "source": source,
        "sections": [
            {"heading": "i386 functions", "abis": ["i386"], "claims": [{"symbol": "__vdso_getcpu", **claim}]},
        ],
    }
    if later:
        document["also_printed_in"] = [{"editions": later, "page_date": "2026-11-25", "source": source}]
    return document


def a_section_on_an_unknown_abi(documents: Documents) -> None:
    page(documents)["sections"][0]["abis"] = ["i368"]


def a_soname_of_an_unknown_abi(documents: Documents) -> None:
    page(documents)["sonames"] = [{"printed": "ARM", "abis": ["amr"], "soname": "linux-vdso.so.1"}]


def a_claim_about_an_undefined_function(documents: Documents) -> None:
    page(documents, function="getcpuu")


def an_edition_of_two_files(documents: Documents) -> None:
    page(documents, "1.0", later=["2.0"])
    page(documents)


def an_edition_that_is_its_own_later_one(documents: Documents) -> None:
    page(documents, later=["2.0"])


BROKEN = [
    Broken(
        "document-abis",
        a_section_on_an_unknown_abi,
        FILE,
        "sections/item 1/abis",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken("document-abis", a_soname_of_an_unknown_abi, FILE, "sonames/item 1/abis", ("there is no ABI 'amr'",)),
    Broken(
        "document-functions",
        a_claim_about_an_undefined_function,
        FILE,
        "sections/item 1/claims/__vdso_getcpu",
        ("'getcpuu'", "did you mean 'getcpu'?"),
    ),
    Broken(
        "repeated-editions",
        an_edition_of_two_files,
        FILE,
        "edition",
        ("edition 2.0 of page.7 is in catalog/documents/page.7-1.0.yaml already",),
    ),
    Broken(
        "repeated-editions",
        an_edition_that_is_its_own_later_one,
        FILE,
        "also_printed_in/item 1/editions",
        ("edition 2.0",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def test_a_page_on_what_there_is_is_harmless() -> None:
    assert_harmless(lambda documents: page(documents, function="getcpu", later=["2.1", "2.2"]))
