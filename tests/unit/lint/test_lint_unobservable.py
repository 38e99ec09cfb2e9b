"""Rules about what cannot be observed: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Change, Documents, assert_breaks, assert_harmless, i386
from sightings import I386_6_1, evidence, image, sighting

FILE = "catalog/unobservable.yaml"
ABI = "catalog/abis/i386.yaml"


def reasons(documents: Documents) -> list[dict[str, Any]]:
    """The reasons of a catalogue of which only i386 was looked at, in 6.1."""
    documents["catalog/evidence/i386.yaml"] = evidence("i386", (sighting(), image()))
    documents[FILE]["unobservable"] = [
        {"abis": ["arm", "x86-64"], "reason": "No kernel is left."},
        {"unreached": True, "reason": "No kernel of these releases is left."},
    ]
    listed: list[dict[str, Any]] = documents[FILE]["unobservable"]
    return listed


def an_export_that_nobody_saw(documents: Documents) -> None:
    reasons(documents).pop()


def an_export_of_another_type(documents: Documents) -> None:
    reasons(documents)
    weak = i386(documents)["exports"][1] | {"binding": "WEAK", "when": "CONFIG_WEAK_NAMES", "since": "6.1"}
    weak["version"] = "LINUX_2.7"
    i386(documents)["exports"].append(weak)


def a_reason_for_an_abi_that_is_none(documents: Documents) -> None:
    reasons(documents)[0]["abis"].append("i368")


def a_reason_for_nothing(documents: Documents) -> None:
    reasons(documents).append({"abis": ["i386"], "names": ["__vdso_futex"], "reason": "It was never built."})


def a_reason_for_what_was_seen(documents: Documents) -> None:
    reasons(documents).append({"names": ["__vdso_getcpu"], "abis": ["i386"], "reason": "It is too new."})


def a_reason_for_releases_of_an_abi_that_nobody_looked_at(documents: Documents) -> None:
    reasons(documents)[0]["abis"].remove("arm")


def a_reason_for_a_host_that_was_seen(documents: Documents) -> None:
    native = {"abis": ["i386"], "facts": ["hosts"], "names": ["x86"], "reason": "No such machine is left."}
    reasons(documents).append(native)


BROKEN = [
    Broken("unobserved-exports", an_export_that_nobody_saw, ABI, "exports/__vdso_time", (FILE, "record evidence")),
    Broken(
        "unobserved-exports",
        a_reason_for_releases_of_an_abi_that_nobody_looked_at,
        "catalog/abis/arm.yaml",
        "exports/__vdso_clock_gettime",
        ("no kernel was seen",),
    ),
    Broken("unobserved-exports", an_export_of_another_type, ABI, "exports/__vdso_getcpu", ("no kernel was seen",)),
    Broken(
        "needless-reasons",
        a_reason_for_an_abi_that_is_none,
        FILE,
        "unobservable/item 1",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken("needless-reasons", a_reason_for_nothing, FILE, "unobservable/item 3", ("is for no fact",)),
    Broken(
        "needless-reasons",
        a_reason_for_what_was_seen,
        FILE,
        "unobservable/item 3",
        ("__vdso_getcpu (exports of i386), which was observed",),
    ),
    Broken(
        "needless-reasons",
        a_reason_for_a_host_that_was_seen,
        FILE,
        "unobservable/item 3",
        ("x86, 32-bit, native (hosts of i386), which was observed",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def what_was_seen_and_reasons_for_the_rest(documents: Documents) -> None:
    reasons(documents)


def an_export_seen_in_another_release(documents: Documents) -> None:
    reasons(documents).pop()
    early = (*(one for one in I386_6_1 if "getcpu" not in one), "__vdso_time@@LINUX_2.6 FUNC GLOBAL")
    documents["catalog/evidence/i386.yaml"] = evidence(
        "i386", (sighting("5.3.9"), image(*early)), (sighting(), image())
    )


def a_reason_for_one_of_two_entries(documents: Documents) -> None:
    reasons(documents)
    i386(documents)["exports"].append(i386(documents)["exports"][3] | {"since": "6.0", "version": "LINUX_2.5"})
    del i386(documents)["exports"][-1]["until"]
    seen = image(*I386_6_1, "__vdso_time@@LINUX_2.5 FUNC GLOBAL")
    documents["catalog/evidence/i386.yaml"] = evidence("i386", (sighting(), seen))


def a_reason_by_the_first_release(documents: Documents) -> None:
    by_release = {"abis": ["i386"], "facts": ["exports"], "names": ["__vdso_time"], "since": "3.15"}
    reasons(documents)[1] = by_release | {"reason": "No older kernel is left."}


@pytest.mark.parametrize(
    "change",
    [
        what_was_seen_and_reasons_for_the_rest,
        an_export_seen_in_another_release,
        a_reason_for_one_of_two_entries,
        a_reason_by_the_first_release,
    ],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
