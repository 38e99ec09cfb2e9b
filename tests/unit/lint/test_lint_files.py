"""Rules about files: one change for each way to break them."""

from __future__ import annotations

import pytest
from broken import Broken, Documents, assert_breaks, assert_harmless


def a_misplaced_abi(documents: Documents) -> None:
    documents["catalog/abis/i486.yaml"] = documents.pop("catalog/abis/i386.yaml")


def a_misplaced_machine(documents: Documents) -> None:
    documents["qemu-images/machines/pc.yaml"] = documents.pop("qemu-images/machines/i386.yaml")


def a_function_defined_twice(documents: Documents) -> None:
    functions = documents["catalog/functions.yaml"]["functions"]
    functions.append(functions[0])


def a_release_listed_twice(documents: Documents) -> None:
    releases = documents["catalog/releases.yaml"]["releases"]
    releases.append(releases[-1])


def an_architecture_listed_twice(documents: Documents) -> None:
    architectures = documents["catalog/architectures.yaml"]["architectures"]
    architectures.append(architectures[0])


BROKEN = [
    Broken(
        "misplaced-files",
        a_misplaced_abi,
        "catalog/abis/i486.yaml",
        "abi",
        ("abi is 'i386' in a file named 'i486'",),
    ),
    Broken("misplaced-files", a_misplaced_machine, "qemu-images/machines/pc.yaml", "machine", ("machine is 'i386'",)),
    Broken(
        "repeated-entries",
        a_function_defined_twice,
        "catalog/functions.yaml",
        "functions/clock_gettime",
        ("the function 'clock_gettime' is there twice",),
    ),
    Broken("repeated-entries", a_release_listed_twice, "catalog/releases.yaml", "releases/6.1", ("is there twice",)),
    Broken(
        "repeated-entries",
        an_architecture_listed_twice,
        "catalog/architectures.yaml",
        "architectures/x86",
        ("is there twice",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def test_the_clean_catalogue_breaks_none() -> None:
    assert_harmless(lambda documents: None)
