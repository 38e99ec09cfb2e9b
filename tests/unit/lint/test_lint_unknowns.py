"""Rules about unknowns: one change for each way to break them, and what is none."""

from __future__ import annotations

import pytest
from broken import Broken, Change, Documents, assert_breaks, assert_harmless, i386

ABI = "catalog/abis/i386.yaml"


def unknown(documents: Documents, about: str) -> None:
    i386(documents)["unknowns"] = [{"about": about, "reason": "Nobody looked."}]


def a_symbol_that_is_none(documents: Documents) -> None:
    unknown(documents, "first release of __vdso_getcpuu")


def a_function_of_another_abi(documents: Documents) -> None:
    unknown(documents, "first release of getcpu and kuser_get_tls")


def a_version_that_is_none(documents: Documents) -> None:
    unknown(documents, "symbols under LINUX_2.6.39")


BROKEN = [
    Broken(
        "unknowns-about-nothing",
        a_symbol_that_is_none,
        ABI,
        "unknowns/item 1",
        ("'__vdso_getcpuu'", "did you mean '__vdso_getcpu'"),
    ),
    Broken("unknowns-about-nothing", a_function_of_another_abi, ABI, "unknowns/item 1", ("'kuser_get_tls'",)),
    Broken("unknowns-about-nothing", a_version_that_is_none, ABI, "unknowns/item 1", ("'LINUX_2.6.39'",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def names_that_are_there(documents: Documents) -> None:
    unknown(documents, "first release of clock_gettime, __vdso_getcpu and LINUX_2.5; CONFIG_IA32_EMULATION")


def no_names_at_all(documents: Documents) -> None:
    unknown(documents, "images before 5.10, and vdso32=0 on the command line")


@pytest.mark.parametrize("change", [names_that_are_there, no_names_at_all], ids=lambda change: change.__name__)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
