"""Rules about aliases: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Change, Documents, assert_breaks, assert_harmless

ABI = "catalog/abis/x86-64.yaml"


def alias(documents: Documents) -> Any:
    """clock_gettime, the alias of __vdso_clock_gettime."""
    return documents[ABI]["exports"][1]


def an_alias_of_nothing(documents: Documents) -> None:
    alias(documents)["alias_of"] = "__vdso_clock_gettimee"


def an_alias_of_an_alias(documents: Documents) -> None:
    again = alias(documents) | {"symbol": "clock_get_time", "alias_of": "clock_gettime"}
    documents[ABI]["exports"].insert(2, again)


def an_older_alias(documents: Documents) -> None:
    documents[ABI]["exports"][0]["since"] = "5.1"


def an_alias_under_a_condition_of_its_own(documents: Documents) -> None:
    alias(documents)["when"] = "CONFIG_PLAIN_NAMES"


def an_alias_with_another_version(documents: Documents) -> None:
    alias(documents)["version"] = "LINUX_2.6.39"


def an_alias_that_does_something_else(documents: Documents) -> None:
    alias(documents)["function"] = "time"


BROKEN = [
    Broken(
        "dangling-aliases",
        an_alias_of_nothing,
        ABI,
        "exports/clock_gettime",
        ("no export", "did you mean '__vdso_clock_gettime'"),
    ),
    Broken("dangling-aliases", an_alias_of_an_alias, ABI, "exports/clock_get_time", ("which is an alias too",)),
    Broken("mismatched-aliases", an_older_alias, ABI, "exports/clock_gettime", ("no entry of __vdso_clock_gettime",)),
    Broken("mismatched-aliases", an_alias_under_a_condition_of_its_own, ABI, "exports/clock_gettime", ("condition",)),
    Broken("mismatched-aliases", an_alias_with_another_version, ABI, "exports/clock_gettime", ("version",)),
    Broken("mismatched-aliases", an_alias_that_does_something_else, ABI, "exports/clock_gettime", ("function",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def both_change_their_version(documents: Documents) -> None:
    exports = documents[ABI]["exports"]
    for entry in exports[:2]:
        exports.append(entry | {"since": "5.1", "version": "LINUX_5.1"})
        entry["until"] = "5.1"


@pytest.mark.parametrize("change", [both_change_their_version], ids=lambda change: change.__name__)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
