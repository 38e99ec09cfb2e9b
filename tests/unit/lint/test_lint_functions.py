"""Rules about functions and conventions: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import SOURCE, Broken, Change, Documents, arm, assert_breaks, assert_harmless, export, i386

ABI = "catalog/abis/i386.yaml"


def function(documents: Documents, name: str) -> Any:
    return next(one for one in documents["catalog/functions.yaml"]["functions"] if one["function"] == name)


def convention(errors: str, *functions: str) -> dict[str, Any]:
    names = {"functions": list(functions)} if functions else {}
    return names | {"errors": errors, "text": "As the kernel has it.", "source": SOURCE}


def an_undefined_function(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["function"] = "getcpuu"


def an_undefined_function_of_a_page(documents: Documents) -> None:
    page = arm(documents)["areas"][0]
    page["entries"].append(page["entries"][0] | {"symbol": "__kuser_get_tsl", "function": "kuser_get_tsl"})


def an_unused_function(documents: Documents) -> None:
    idle = {"function": "idle", "summary": "Nothing.", "callable": True, "source": SOURCE}
    documents["catalog/functions.yaml"]["functions"].append(idle)


def a_callable_landing_pad(documents: Documents) -> None:
    function(documents, "sigreturn").update(syscall="sigreturn", callable=True)


def a_convention_for_a_function_of_another_abi(documents: Documents) -> None:
    i386(documents)["conventions"] = [convention("none", "kuser_get_tls")]


def an_error_of_a_landing_pad(documents: Documents) -> None:
    i386(documents)["conventions"] = [convention("negative-errno", "time", "sigreturn")]


def two_conventions_of_a_function(documents: Documents) -> None:
    i386(documents)["conventions"] = [convention("negative-errno", "time", "getcpu"), convention("none", "time")]


def two_conventions_for_all_the_others(documents: Documents) -> None:
    i386(documents)["conventions"] = [convention("negative-errno"), convention("none")]


def clock_sources(documents: Documents, *rows: list[str]) -> None:
    documents["catalog/functions.yaml"]["clocksources"] = [
        {"abis": abis, "readable": ["tsc"], "source": [{"tag": "v6.1", "path": f"arch/{abis[0]}"}]} for abis in rows
    ]


def clock_sources_of_an_unknown_abi(documents: Documents) -> None:
    clock_sources(documents, ["i368"])


def clock_sources_listed_twice(documents: Documents) -> None:
    clock_sources(documents, ["i386"], ["x86-64", "i386"])


def a_defect(documents: Documents, *functions: str) -> None:
    row = {"defect": "wrong-cpu", "functions": list(functions), "cases": ["cpu/0"], "since": "6.0"}
    documents["catalog/functions.yaml"]["defects"] = [row | {"summary": "It is off by one.", "source": SOURCE}]


def a_defect_of_an_undefined_function(documents: Documents) -> None:
    a_defect(documents, "getcpu", "getcpuu")


def a_defect_of_an_unknown_abi(documents: Documents) -> None:
    a_defect(documents, "getcpu")
    row = documents["catalog/functions.yaml"]["defects"][0]
    del row["functions"]
    row |= {"rule": "MAP-CARRIED", "abis": ["i368"]}


BROKEN = [
    Broken(
        "clocksources-of-nothing",
        clock_sources_of_an_unknown_abi,
        "catalog/functions.yaml",
        "clocksources/item 1",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken(
        "clocksources-of-nothing",
        clock_sources_listed_twice,
        "catalog/functions.yaml",
        "clocksources/item 2",
        ("of i386 are listed already",),
    ),
    Broken(
        "defects-of-nothing",
        a_defect_of_an_undefined_function,
        "catalog/functions.yaml",
        "defects/item 1",
        ("'getcpuu'", "did you mean 'getcpu'?"),
    ),
    Broken(
        "defects-of-nothing",
        a_defect_of_an_unknown_abi,
        "catalog/functions.yaml",
        "defects/item 1",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken(
        "undefined-functions",
        an_undefined_function,
        ABI,
        "exports/__vdso_getcpu",
        ("'getcpuu'", "did you mean 'getcpu'?"),
    ),
    Broken(
        "undefined-functions",
        an_undefined_function_of_a_page,
        "catalog/abis/arm.yaml",
        "areas/kuser/entries/__kuser_get_tsl",
        ("did you mean 'kuser_get_tls'?",),
    ),
    Broken(
        "unused-functions", an_unused_function, "catalog/functions.yaml", "functions/idle", ("no ABI has", "'idle'")
    ),
    Broken(
        "callable-landing-pads",
        a_callable_landing_pad,
        "catalog/functions.yaml",
        "functions/sigreturn",
        ("landing pad", "callable must be false"),
    ),
    Broken(
        "conventions-of-nothing",
        a_convention_for_a_function_of_another_abi,
        ABI,
        "conventions/item 1",
        ("the ABI has no function 'kuser_get_tls'",),
    ),
    Broken(
        "conventions-of-nothing",
        an_error_of_a_landing_pad,
        ABI,
        "conventions/item 1",
        ("sigreturn is not callable",),
    ),
    Broken("repeated-conventions", two_conventions_of_a_function, ABI, "conventions/item 2", ("for time already",)),
    Broken(
        "repeated-conventions",
        two_conventions_for_all_the_others,
        ABI,
        "conventions/item 2",
        ("for all other functions already",),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def a_landing_pad_without_errors(documents: Documents) -> None:
    function(documents, "sigreturn")["syscall"] = "sigreturn"
    i386(documents)["conventions"] = [convention("none", "sigreturn"), convention("negative-errno")]


def a_function_that_only_a_provider_has(documents: Documents) -> None:
    an_unused_function(documents)
    entry = {"symbol": "__vdso_idle", "function": "idle", "version": "LINUX_2.6"}
    abi = {"abi": "i386", "since": "1.0", "exports": [entry], "source": SOURCE}
    documents["catalog/providers/emulator.yaml"] = {"provider": "emulator", "name": "An emulator", "abis": [abi]}


def a_defect_and_clock_sources_of_what_there_is(documents: Documents) -> None:
    a_defect(documents, "getcpu")
    clock_sources(documents, ["i386", "x86-64"], ["arm"])


@pytest.mark.parametrize(
    "change",
    [a_defect_and_clock_sources_of_what_there_is, a_landing_pad_without_errors, a_function_that_only_a_provider_has],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
