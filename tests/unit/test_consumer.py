"""Consumers: their files, which rows hold for which of their releases, and what the command line calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_consumers import lookup, raw_consumer, relied, small_consumer, write_consumer

from vdsocat.catalog.consumer import (
    ConsumerBound,
    Fallback,
    PropertyKind,
    Stretch,
    consumer_from_document,
    load_consumers,
    release_key,
    select_consumers,
)
from vdsocat.errors import InputError

ONE = consumer_from_document(
    raw_consumer(
        lookup(until="1.2"),
        lookup("__vdso_clock_gettime64", since="1.2"),
        properties=(relied("hash", "sysv", until="1.10"), relied("hash", "sysv", "gnu", since="1.10")),
    )
)


def test_releases_are_ordered_by_their_numbers() -> None:
    assert release_key("2.9") < release_key("2.41")
    assert release_key("1.2.6") > release_key("1.2")
    assert release_key("20250930") < release_key("20260529")


def test_between_the_releases_of_a_pair_nothing_is_known() -> None:
    bound = ConsumerBound.parse(["1.15", "1.19"])
    assert [bound.passed(release) for release in ("1.9", "1.15", "1.17", "1.19", "1.20")] == [
        False,
        False,
        None,
        True,
        True,
    ]
    assert str(bound) == "1.15…1.19"
    assert ConsumerBound.parse("1.2").passed("1.1") is False


def test_a_stretch_may_be_open_at_both_ends() -> None:
    assert Stretch().covers("0.1")
    assert Stretch().covers(None)
    assert str(Stretch()) == ""
    old = Stretch(since=ConsumerBound.parse("1.0"), until=ConsumerBound.parse("1.2"))
    assert [old.covers(release) for release in ("0.9", "1.0", "1.1", "1.2", None)] == [False, True, True, False, False]
    assert str(old) == "since 1.0 until 1.2"


def test_the_newest_state_has_the_rows_that_did_not_end() -> None:
    newest = ONE.at(None)
    assert [one.names for one in newest.lookups] == [("__vdso_clock_gettime64",)]
    assert [one.needs for one in newest.properties] == [("sysv", "gnu")]
    assert newest.release == "1.10"


def test_a_release_has_the_rows_of_its_day() -> None:
    (older,) = select_consumers({"tinylibc": ONE}, ["tinylibc@1.1"])
    assert [one.names for one in older.lookups] == [("__vdso_clock_gettime",)]
    assert [one.needs for one in older.properties] == [("sysv",)]
    assert older.release == "1.1"


def test_a_row_of_symbols_is_a_lookup_each_and_a_row_of_tried_names_is_one() -> None:
    consumer = small_consumer(
        lookup(None, symbols=["__vdso_time", "__vdso_getcpu"], abis=["i386", "arm"], purpose="test"),
        lookup(None, None, tried=["__kernel_time", "__vdso_time"], purpose="time"),
    )
    assert [(one.abi, str(one), one.purpose) for one in consumer.lookups] == [
        ("i386", "__vdso_time@LINUX_2.6", "test __vdso_time"),
        ("i386", "__vdso_getcpu@LINUX_2.6", "test __vdso_getcpu"),
        ("arm", "__vdso_time@LINUX_2.6", "test __vdso_time"),
        ("arm", "__vdso_getcpu@LINUX_2.6", "test __vdso_getcpu"),
        ("i386", "__kernel_time or __vdso_time", "time"),
    ]


def test_a_property_may_hold_for_some_abis_and_symbols_alone() -> None:
    consumer = small_consumer(
        lookup(),
        lookup("__vdso_getcpu", abis=["i386", "arm"]),
        properties=(relied("symbol-type", "FUNC", abis=["arm"]), relied("verdef", symbols=["__vdso_getcpu"])),
    )
    by_abi, by_symbol = consumer.properties
    assert [by_abi.concerns(one) for one in consumer.lookups] == [False, False, True]
    assert [by_symbol.concerns(one) for one in consumer.lookups] == [False, True, True]
    assert (by_symbol.kind, by_symbol.needs, by_symbol.fallback) == (PropertyKind.VERDEF, (), Fallback.SYSCALL)


def test_files_are_read_by_name(catalog_root: Path) -> None:
    write_consumer(catalog_root, raw_consumer())
    write_consumer(catalog_root, raw_consumer(name="otherlibc"))
    consumers = load_consumers(catalog_root)
    assert sorted(consumers) == ["otherlibc", "tinylibc"]
    assert str(consumers["tinylibc"].lookups[0].sources[0]) == "0123456789ab src/vdso.c"
    assert [one.name for one in select_consumers(consumers, [])] == ["otherlibc", "tinylibc"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (lookup(fallback="prayer"), "'prayer' is none of syscall"),
        (lookup(version="2.6"), "lookups"),
        (lookup(symbols=["a", "b"]), "lookups"),
        (lookup(None), "lookups"),
        (lookup(until=1.2), "write releases as quoted strings"),
        (lookup(purpos="x"), "did you mean 'purpose'?"),
    ],
)
def test_what_a_row_may_not_say(catalog_root: Path, row: dict[str, object], words: str) -> None:
    path = write_consumer(catalog_root, raw_consumer(row))
    with pytest.raises(InputError, match=str(path)) as refusal:
        load_consumers(catalog_root)
    assert words in str(refusal.value)


@pytest.mark.parametrize("row", [relied("hash"), relied("verdef", "yes"), relied("colour", "blue")])
def test_a_property_says_what_it_needs_where_its_kind_leaves_that_open(
    catalog_root: Path, row: dict[str, object]
) -> None:
    write_consumer(catalog_root, raw_consumer(properties=(row,)))
    with pytest.raises(InputError, match="properties"):
        load_consumers(catalog_root)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("tinylib", "did you mean 'tinylibc'?"),
        ("tinylibc@new", "'new' is no release of tinylibc"),
        ("tinylibc@", "no release"),
    ],
)
def test_a_wrong_name_or_release_is_told(word: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        select_consumers({"tinylibc": ONE}, [word])
    assert sentence in str(refusal.value)
