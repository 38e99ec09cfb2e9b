"""The catalogue as objects: names, aliases, patterns, and what building it from documents keeps."""

from __future__ import annotations

import pytest
from small_catalog import small_catalog

from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.model import Source, did_you_mean, provider_from_document
from vdsocat.errors import InputError
from vdsocat.exports import Binding, KernelRelease, SymbolType

CATALOG = small_catalog()

PROVIDER = {
    "provider": "emulator",
    "name": "An emulator",
    "abis": [
        {
            "abi": "i386",
            "since": "8.2",
            "soname": "linux-gate.so.1",
            "source": [{"url": "https://example.org/"}],
            "exports": [
                {"symbol": "__vdso_time", "function": "time", "version": "LINUX_2.6"},
                {"symbol": "__vdso_getcpu", "function": "getcpu", "version": "LINUX_2.6", "since": "9.0"},
            ],
        }
    ],
    "none": [{"abis": ["arm", "x86-64"], "reason": "nobody wrote one."}],
}


@pytest.mark.parametrize("name", ["i386", "ia32", "IA32", "I686"])
def test_an_abi_is_found_by_name_and_alias_in_any_case(name: str) -> None:
    assert CATALOG.abi(name).name == "i386"


def test_an_unknown_abi_gets_a_did_you_mean() -> None:
    with pytest.raises(InputError, match=r"There is no ABI 'x86-46' in the catalogue; did you mean .*'x86-64'.*\?$"):
        CATALOG.abi("x86-46")


def test_an_unknown_abi_that_resembles_none_gets_a_full_stop() -> None:
    with pytest.raises(InputError, match=r"There is no ABI 'zzzzz' in the catalogue\.$"):
        CATALOG.abi("zzzzz")


def test_a_generic_name_a_symbol_and_an_area_entry_match_themselves_only() -> None:
    assert CATALOG.matching_names("getcpu") == {"getcpu"}
    assert CATALOG.matching_names("__vdso_getcpu") == {"__vdso_getcpu"}
    assert CATALOG.matching_names("__kuser_get_tls") == {"__kuser_get_tls"}


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*getcpu", {"getcpu", "__vdso_getcpu"}),
        ("__vdso_t?me", {"__vdso_time"}),
        ("__vdso_[gt]*", {"__vdso_getcpu", "__vdso_getrandom", "__vdso_time"}),
    ],
)
def test_a_glob_matches_functions_and_symbols(glob: str, names: set[str]) -> None:
    assert CATALOG.matching_names(glob) == names


def test_a_pattern_without_a_match_gets_a_did_you_mean() -> None:
    with pytest.raises(InputError, match=r"knows no function or symbol 'getcpuu'; did you mean .*'getcpu'"):
        CATALOG.matching_names("getcpuu")
    with pytest.raises(InputError, match=r"knows no function or symbol '\*nothing\*'"):
        CATALOG.matching_names("*nothing*")


def test_did_you_mean_ends_a_sentence_either_way() -> None:
    assert did_you_mean("getcp", ["getcpu", "time"]) == "; did you mean 'getcpu'?"
    assert did_you_mean("getcp", ["getcpu", "getcpus"]) == "; did you mean 'getcpu' or 'getcpus'?"
    assert did_you_mean("getcp", ["unlike"]) == "."
    assert did_you_mean("getcp", []) == "."


def test_defaults_of_an_export_are_a_global_function() -> None:
    entry = CATALOG.abi("i386").exports[0]
    assert (entry.export.type, entry.export.binding) == (SymbolType.FUNC, Binding.GLOBAL)
    assert entry.export.versioned_name == "__vdso_clock_gettime@@LINUX_2.6"


def test_type_binding_alias_note_and_source_are_kept() -> None:
    i386 = {entry.export.name: entry for entry in CATALOG.abi("i386").exports}
    weak = CATALOG.abi("x86-64").exports[1]
    assert i386["__kernel_sigreturn"].export.type is SymbolType.NOTYPE
    assert (weak.export.binding, weak.alias_of) == (Binding.WEAK, "__vdso_clock_gettime")
    assert i386["__vdso_getcpu"].note == "It came late."
    assert str(i386["__vdso_clock_gettime"].sources[0]) == "7a59ed415f5b arch/x86/vdso/vdso32/vclock_gettime.c"


def test_a_pair_becomes_a_bound_that_is_not_settled_between() -> None:
    assert CATALOG.abi("x86-64").exports[2].interval.since == Bound(KernelRelease((5, 3)), KernelRelease((5, 1)))


def test_areas_keep_address_mapping_and_offsets() -> None:
    (area,) = CATALOG.abi("arm").areas
    assert (area.name, area.kind, area.address, area.mapping) == ("kuser", "fixed-page", 0xFFFF0000, "[vectors]")
    assert [(entry.symbol, entry.offset) for entry in area.entries] == [("__kuser_get_tls", 0xFE0)]


def test_modes_come_native_first() -> None:
    assert CATALOG.abi("i386").modes() == ("native", "compat")
    assert CATALOG.abi("x86-64").modes() == ("native",)


def test_abis_are_sorted_by_name() -> None:
    assert [abi.name for abi in CATALOG.sorted_abis()] == ["arm", "i386", "x86-64"]


def test_functions_say_whether_a_program_may_call_them() -> None:
    assert CATALOG.functions["getcpu"].manual == "getcpu(2)"
    assert not CATALOG.functions["sigreturn"].callable


def test_a_source_is_spelt_by_what_it_has() -> None:
    assert str(Source(tag="v6.1", path="a.c")) == "v6.1 a.c"
    assert str(Source(url="https://example.org/", note="x")) == "https://example.org/"
    assert str(Source(kernel="linux-image 6.1")) == "linux-image 6.1"


def test_a_provider_has_exports_of_its_own_releases_and_reasons_for_having_none() -> None:
    provider = provider_from_document(PROVIDER)
    (offered,) = provider.offered("i386")
    assert [str(entry.interval.since) for entry in offered.exports] == ["8.2", "9.0"]
    assert offered.soname == "linux-gate.so.1"
    assert provider.offered("arm") == ()
    assert provider.without == {"arm": "nobody wrote one.", "x86-64": "nobody wrote one."}


def test_releases_have_a_date_or_none() -> None:
    assert CATALOG.releases["6.1"] == "2022-12-11"
    assert CATALOG.releases["6.0"] is None
