"""Queries: one row per entry over time, or the state at one release."""

from __future__ import annotations

import pytest
from small_catalog import small_catalog

from vdsocat.catalog.query import entries_of, rows_at_release, rows_over_time
from vdsocat.exports import KernelRelease

CATALOG = small_catalog()


def at(release: str, name: str, *abis: str) -> list[tuple[str | None, ...]]:
    """(abi, mode, symbol, state) rows."""
    wanted = [CATALOG.abi(abi) for abi in abis] or CATALOG.sorted_abis()
    rows = rows_at_release(CATALOG.matching_names(name), wanted, KernelRelease.parse(release))
    return [(row["abi"], row["mode"], row["symbol"], row["state"]) for row in rows]


def reason(release: str, name: str, abi: str, mode: str) -> str:
    rows = rows_at_release(CATALOG.matching_names(name), [CATALOG.abi(abi)], KernelRelease.parse(release))
    (row,) = [row for row in rows if row["mode"] in (mode, "both")]
    return row["reason"] or ""


def test_a_generic_name_answers_for_every_abi() -> None:
    rows = list(rows_over_time(CATALOG, CATALOG.matching_names("getcpu"), CATALOG.sorted_abis()))
    assert [(row["abi"], row["symbol"], row["since"]) for row in rows] == [
        ("arm", None, None),
        ("i386", "__vdso_getcpu", "6.0"),
        ("x86-64", "__vdso_getcpu", "5.1…5.3"),
    ]


def test_a_row_has_version_bounds_dates_and_condition() -> None:
    (row,) = rows_over_time(CATALOG, CATALOG.matching_names("__vdso_time"), [CATALOG.abi("i386")])
    assert row == {
        "abi": "i386",
        "symbol": "__vdso_time",
        "function": "time",
        "version": "LINUX_2.6",
        "since": "3.15",
        "since_date": "2014-06-08",
        "until": "6.0",
        "condition": None,
    }
    (row,) = rows_over_time(CATALOG, CATALOG.matching_names("getrandom"), [CATALOG.abi("i386")])
    assert row["condition"] == "CONFIG_VDSO_GETRANDOM"


def test_an_alias_says_of_what() -> None:
    rows = rows_over_time(CATALOG, frozenset({"clock_gettime"}), [CATALOG.abi("x86-64")])
    (row,) = [row for row in rows if row["symbol"] == "clock_gettime"]
    assert row["condition"] == "alias of __vdso_clock_gettime"


def test_an_entry_of_a_fixed_page_has_its_offset_for_a_version() -> None:
    (entry,) = entries_of(CATALOG.abi("arm"), frozenset({"kuser_get_tls"}))
    assert (entry.symbol, entry.where) == ("__kuser_get_tls", "kuser+0xfe0")


@pytest.mark.parametrize(
    ("release", "state"), [("5.19", "absent"), ("6.0", "present"), ("6.1.170", "present"), ("2.6.39", "absent")]
)
def test_the_state_follows_the_interval(release: str, state: str) -> None:
    assert at(release, "getcpu", "i386")[0][3] == state


def test_between_the_releases_of_a_pair_the_state_is_unknown() -> None:
    assert at("5.2", "getcpu", "x86-64") == [("x86-64", "native", "__vdso_getcpu", "unknown")]
    assert "not settled" in reason("5.2", "getcpu", "x86-64", "native")


def test_modes_that_agree_share_a_row_and_others_do_not() -> None:
    # CONFIG_IA32_EMULATION is not known of a release, so compat is not decided to be absent.
    assert at("6.1", "getcpu", "i386") == [("i386", "both", "__vdso_getcpu", "present")]
    assert at("3.14", "kuser_get_tls", "arm") == [
        ("arm", "native", "__kuser_get_tls", "conditional"),
        ("arm", "compat", None, "absent"),
    ]


def test_the_condition_of_a_fixed_page_is_one_of_its_entries() -> None:
    assert "CONFIG_KUSER_HELPERS" in reason("6.1", "kuser_get_tls", "arm", "native")


def test_a_release_that_does_not_run_the_abi_says_so() -> None:
    assert reason("3.14", "clock_gettime", "arm", "compat").startswith("Linux 3.14 does not run this ABI")


def test_a_symbol_is_not_there_without_its_image() -> None:
    assert at("4.0", "clock_gettime", "arm") == [("arm", "both", "__vdso_clock_gettime", "absent")]


def test_the_condition_of_the_image_is_one_of_the_symbol() -> None:
    assert at("6.1", "clock_gettime", "arm") == [
        ("arm", "native", "__vdso_clock_gettime", "conditional"),
        ("arm", "compat", "__vdso_clock_gettime", "conditional"),
    ]
    assert "CONFIG_VDSO" in reason("6.1", "clock_gettime", "arm", "native")
    assert "machine:arch-timer-usable" in reason("6.1", "clock_gettime", "arm", "native")
    assert "CONFIG_VDSO" not in reason("6.1", "clock_gettime", "arm", "compat")


def test_an_abi_that_never_had_it_says_never() -> None:
    assert at("6.1", "getrandom", "x86-64") == [("x86-64", "native", None, "absent")]
    assert reason("6.1", "getrandom", "x86-64", "native") == "never exported by this ABI"


def test_a_condition_that_no_release_decides_is_said() -> None:
    assert at("6.1", "getrandom", "i386") == [("i386", "both", "__vdso_getrandom", "conditional")]
    assert "CONFIG_VDSO_GETRANDOM" in reason("6.1", "getrandom", "i386", "native")
