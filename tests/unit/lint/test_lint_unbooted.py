"""Rules about what was not booted: one change for each way to break them, and what is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from broken import Broken, Documents, assert_breaks, assert_harmless
from sightings import evidence, image, sighting

FILE = "catalog/unbooted.yaml"
OF_FACTS = ("unobserved-exports", "needless-reasons")
BOOTED = replace(sighting(), how="mapped", auxv=(), mappings=())


def entries(documents: Documents) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = documents[FILE]["unbooted"]
    return listed


def see(documents: Documents, mode: str = "native") -> None:
    """A kernel with i386 is booted, which everything that can be seen of it is."""
    documents["catalog/evidence/i386.yaml"] = evidence("i386", (replace(BOOTED, mode=mode), image()))
    documents["catalog/unobservable.yaml"]["unobservable"] = [
        {"abis": ["arm", "x86-64"], "reason": "No kernel is left."},
        {"unreached": True, "reason": "No kernel of these releases is left."},
    ]


def a_system_that_nobody_speaks_of(documents: Documents) -> None:
    entries(documents)[0]["abis"].remove("arm")
    entries(documents).append({"abis": ["arm"], "mode": "compat", "reason": "No.", "date": "2026-11-25"})
    entries(documents).append(
        {"abis": ["arm"], "mode": "native", "endianness": "little", "reason": "No.", "date": "2026-11-25"}
    )


def a_reason_for_what_was_booted(documents: Documents) -> None:
    see(documents)


def a_reason_for_an_abi_that_is_none(documents: Documents) -> None:
    entries(documents).append({"abis": ["i368"], "reason": "No.", "date": "2026-11-25"})


def a_reason_for_a_byte_order_that_is_none(documents: Documents) -> None:
    entries(documents).append({"abis": ["i386"], "endianness": "big", "reason": "No.", "date": "2026-11-25"})


BROKEN = [
    Broken(
        "unexplained-systems",
        a_system_that_nobody_speaks_of,
        "catalog/abis/arm.yaml",
        "hosts",
        ("arm, big-endian, native on arm", FILE),
    ),
    Broken(
        "needless-reasons-against-booting",
        a_reason_for_what_was_booted,
        FILE,
        "unbooted/item 1",
        ("i386, little-endian, native on x86, which was booted",),
    ),
    Broken(
        "needless-reasons-against-booting",
        a_reason_for_an_abi_that_is_none,
        FILE,
        "unbooted/item 2",
        ("there is no ABI 'i368'", "i386"),
    ),
    Broken(
        "needless-reasons-against-booting",
        a_reason_for_a_byte_order_that_is_none,
        FILE,
        "unbooted/item 2",
        ("i386 is not run so",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_rule_is_broken_by_the_smallest_change(broken: Broken) -> None:
    assert_breaks(broken, besides=OF_FACTS)


def what_was_booted_in_one_mode_and_a_reason_for_the_other(documents: Documents) -> None:
    see(documents)
    entries(documents)[0]["abis"].remove("i386")
    entries(documents).append({"abis": ["i386"], "mode": "compat", "reason": "No.", "date": "2026-11-25"})


def test_what_resembles_a_problem_but_is_none() -> None:
    assert_harmless(
        what_was_booted_in_one_mode_and_a_reason_for_the_other, besides=("unobserved-exports", "needless-reasons")
    )
