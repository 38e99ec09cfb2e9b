"""Rules about providers: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Documents, assert_breaks, assert_harmless

FILE = "catalog/providers/emulator.yaml"
SOURCE = [{"binary": "emulator 1.0"}]


def offer(documents: Documents, abi: str, function: str, **more: Any) -> None:
    entry = {"symbol": f"__vdso_{function}", "function": function, "version": "LINUX_2.6"}
    abis = [{"abi": abi, "since": "1.0", "exports": [entry], "source": SOURCE}]
    documents[FILE] = {"provider": "emulator", "name": "An emulator", "abis": abis, **more}


def an_unknown_abi(documents: Documents) -> None:
    offer(documents, "i368", "time")


def an_unknown_abi_without(documents: Documents) -> None:
    offer(documents, "i386", "time", none=[{"abis": ["amr"], "reason": "Nobody asked.", "source": SOURCE}])


def an_abi_with_and_without(documents: Documents) -> None:
    offer(documents, "i386", "time", none=[{"abis": ["i386"], "reason": "Nobody asked.", "source": SOURCE}])


def an_undefined_function(documents: Documents) -> None:
    offer(documents, "i386", "timee")


BROKEN = [
    Broken("provider-abis", an_unknown_abi, FILE, "", ("there is no ABI 'i368'", "did you mean 'i386'?")),
    Broken("provider-abis", an_unknown_abi_without, FILE, "", ("there is no ABI 'amr'", "did you mean 'arm'?")),
    Broken("provider-abis", an_abi_with_and_without, FILE, "", ("i386 stands under abis and under none",)),
    Broken(
        "provider-functions",
        an_undefined_function,
        FILE,
        "abis/i386/exports/__vdso_timee",
        ("'timee'", "did you mean 'time'?"),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def test_a_provider_of_known_abis_and_functions_is_harmless() -> None:
    assert_harmless(lambda documents: offer(documents, "i386", "time"))
