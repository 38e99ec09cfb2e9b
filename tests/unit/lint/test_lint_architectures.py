"""Rules about architectures and machines: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import SOURCE, Broken, Change, Documents, arm, assert_breaks, assert_harmless, i386

FILE = "catalog/architectures.yaml"
MACHINE = "qemu-images/machines/i386.yaml"


def architecture(documents: Documents, name: str) -> Any:
    return next(one for one in documents[FILE]["architectures"] if one["architecture"] == name)


def an_unlisted_architecture(documents: Documents) -> None:
    i386(documents)["hosts"].append(i386(documents)["hosts"][0] | {"kernel": "x68", "since": "5.1"})


def an_architecture_with_an_abi_and_without(documents: Documents) -> None:
    architecture(documents, "x86")["none"] = "It has none."
    host = dict(arm(documents)["hosts"][0])
    documents["catalog/abis/x86-64.yaml"]["hosts"].append(host)


def an_architecture_without_an_abi_or_a_reason(documents: Documents) -> None:
    del architecture(documents, "alpha")["none"]


def a_host_older_than_its_architecture(documents: Documents) -> None:
    architecture(documents, "arm64")["since"] = "4.1"


def a_host_that_outlives_its_architecture(documents: Documents) -> None:
    architecture(documents, "arm64")["until"] = "6.1"


def a_host_still_there_when_its_architecture_is_gone(documents: Documents) -> None:
    architecture(documents, "arm64")["until"] = "5.3"
    arm(documents)["hosts"][1]["until"] = ["5.3", "6.1"]


def a_machine_with_an_unknown_abi(documents: Documents) -> None:
    documents[MACHINE]["abis"] = ["i368"]


def a_machine_whose_kernel_does_not_run_the_abi(documents: Documents) -> None:
    documents[MACHINE]["abis"] = ["i386", "x86-64"]


def an_architecture_that_is_gone_before_the_vdso_and_does_not_say_so(documents: Documents) -> None:
    an_architecture_that_is_gone_before_the_vdso(documents)
    del architecture(documents, "alpha")["none"]


BROKEN = [
    Broken(
        "unexplained-architectures",
        an_architecture_that_is_gone_before_the_vdso_and_does_not_say_so,
        FILE,
        "architectures/alpha",
        ("hosts no ABI that has one",),
    ),
    Broken(
        "unlisted-architectures",
        an_unlisted_architecture,
        "catalog/abis/i386.yaml",
        "hosts/item 3",
        ("no architecture 'x68'", "did you mean 'x86'?"),
    ),
    Broken(
        "unexplained-architectures",
        an_architecture_with_an_abi_and_without,
        FILE,
        "architectures/x86",
        ("says that there is none, but hosts i386",),
    ),
    Broken(
        "unexplained-architectures",
        an_architecture_without_an_abi_or_a_reason,
        FILE,
        "architectures/alpha",
        ("hosts no ABI that has one, and does not say why",),
    ),
    Broken(
        "hosts-outside-architectures",
        a_host_older_than_its_architecture,
        "catalog/abis/arm.yaml",
        "hosts/item 2",
        ("since 3.15", "since 4.1"),
    ),
    Broken(
        "hosts-outside-architectures",
        a_host_that_outlives_its_architecture,
        "catalog/abis/arm.yaml",
        "hosts/item 2",
        ("from 3.15 until 6.1",),
    ),
    Broken(
        "hosts-outside-architectures",
        a_host_still_there_when_its_architecture_is_gone,
        "catalog/abis/arm.yaml",
        "hosts/item 2",
        ("until 5.3…6.1",),
    ),
    Broken(
        "machine-abis",
        a_machine_with_an_unknown_abi,
        MACHINE,
        "abis/item 1",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken(
        "machine-abis",
        a_machine_whose_kernel_does_not_run_the_abi,
        MACHINE,
        "abis/item 2",
        ("x86-64 has no host entry for x86, 32-bit",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def an_architecture_and_a_host_that_end_together(documents: Documents) -> None:
    architecture(documents, "arm64")["until"] = "6.1"
    arm(documents)["hosts"][1]["until"] = "6.1"


def an_architecture_that_is_gone_before_the_vdso(documents: Documents) -> None:
    architecture(documents, "alpha")["until"] = "2.6.23"
    host = {"kernel": "alpha", "bits": 64, "mode": "native", "since": "2.6.0", "until": "2.6.23", "source": SOURCE}
    documents["catalog/abis/x86-64.yaml"]["hosts"].insert(0, host)


def a_host_that_ends_in_one_of_two_releases(documents: Documents) -> None:
    architecture(documents, "arm64")["until"] = "6.0"
    arm(documents)["hosts"][1]["until"] = ["5.3", "6.1"]


def an_architecture_whose_abi_has_its_image_elsewhere(documents: Documents) -> None:
    architecture(documents, "arm64")["none"] = "Its kernels give 32-bit programs none."


@pytest.mark.parametrize(
    "change",
    [
        an_architecture_whose_abi_has_its_image_elsewhere,
        an_architecture_and_a_host_that_end_together,
        an_architecture_that_is_gone_before_the_vdso,
        a_host_that_ends_in_one_of_two_releases,
    ],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
