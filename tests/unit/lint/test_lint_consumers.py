"""Rules about consumers: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Documents, assert_breaks, assert_harmless

FILE = "catalog/consumers/libc.yaml"
SOURCE = [{"commit": "0123456789ab", "path": "vdso.c"}]


def consumer(documents: Documents, abi: str = "i386", symbol: str = "__vdso_getcpu", times: int = 1) -> Any:
    """A consumer that looks `__vdso_getcpu` up, and has a property for `symbol` in `abi`."""
    lookup = {
        "symbol": "__vdso_getcpu",
        "version": "LINUX_2.6",
        "abis": ["i386"],
        "purpose": "getcpu",
        "fallback": "syscall",
        "source": SOURCE,
    }
    relied = {
        "property": "symbol-type",
        "needs": ["FUNC"],
        "abis": [abi],
        "symbols": [symbol],
        "consequence": "It is passed over.",
        "fallback": "syscall",
        "source": SOURCE,
    }
    documents[FILE] = {
        "consumer": "libc",
        "name": "A libc",
        "repository": "https://libc.example/",
        "read": {"release": "1.0", "commit": "0123456789ab", "date": "2026-11-24"},
        "properties": [relied],
        "lookups": [lookup] * times,
    }
    return documents[FILE]


def a_property_of_an_unknown_abi(documents: Documents) -> None:
    consumer(documents, abi="i368")


def a_lookup_in_an_unknown_abi(documents: Documents) -> None:
    consumer(documents)["lookups"][0]["abis"] = ["amr"]


def a_property_of_a_symbol_that_nobody_looks_up(documents: Documents) -> None:
    consumer(documents, symbol="__vdso_getcpuu")


def a_lookup_listed_twice(documents: Documents) -> None:
    consumer(documents, times=2)


BROKEN = [
    Broken(
        "consumer-abis",
        a_property_of_an_unknown_abi,
        FILE,
        "properties/item 1",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken(
        "consumer-abis",
        a_lookup_in_an_unknown_abi,
        FILE,
        "lookups/__vdso_getcpu",
        ("there is no ABI 'amr'", "did you mean 'arm'?"),
    ),
    Broken(
        "properties-of-no-lookup",
        a_property_of_a_symbol_that_nobody_looks_up,
        FILE,
        "properties/item 1",
        ("no lookup is for '__vdso_getcpuu'", "did you mean '__vdso_getcpu'?"),
    ),
    Broken("repeated-lookups", a_lookup_listed_twice, FILE, "lookups/__vdso_getcpu", ("is there twice",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def test_a_consumer_of_what_there_is_is_harmless() -> None:
    assert_harmless(lambda documents: consumer(documents))
