"""Rules about names: one change for each way to break them."""

from __future__ import annotations

import pytest
from broken import Broken, Documents, assert_breaks, i386


def an_alias_that_is_taken(documents: Documents) -> None:
    i386(documents)["aliases"].append("AMD64")


def an_elf_machine_that_is_none(documents: Documents) -> None:
    i386(documents)["elf"]["machine"] = "EM_I386"


BROKEN = [
    Broken(
        "ambiguous-abi-names",
        an_alias_that_is_taken,
        "catalog/abis/x86-64.yaml",
        "aliases",
        ("'amd64'", "already stands for i386"),
    ),
    Broken(
        "unknown-elf-machines",
        an_elf_machine_that_is_none,
        "catalog/abis/i386.yaml",
        "elf/machine",
        ("EM_I386 is no ELF machine", "did you mean 'EM_386'"),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)
