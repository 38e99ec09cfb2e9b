"""Errata: each rule on small documents and the small catalogue, with what is right and where that is from."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from small_catalog import small_catalog, small_documents
from small_documents import document, row, section

from vdsocat.audits.errata import DocumentErrata, find_errata, newest_release, release_current_on
from vdsocat.audits.erratum import Erratum, Kind, agrees, spell_bound
from vdsocat.catalog.document import Document
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.model import Catalog
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease

NEWEST = KernelRelease.parse("6.1")
# All that i386 of the small catalogue exports in 6.1, as a page without an error would print it.
I386 = (
    row("__vdso_clock_gettime", since="3.15"),
    row("__vdso_getcpu", since="6.0"),
    row("__kernel_sigreturn", "LINUX_2.5"),
    row("__vdso_getrandom", when="CONFIG_VDSO_GETRANDOM"),
)
X86_64 = (row("__vdso_clock_gettime"), row("__vdso_getcpu"))
UNPREFIXED = {"prefix": "__vdso_", "text": "All of these symbols are there without the prefix."}


def found(
    page: Document, catalog: Catalog | None = None, kernel: str = "6.1", abis: frozenset[str] | None = None
) -> DocumentErrata:
    return find_errata(page, catalog or small_catalog(), KernelRelease.parse(kernel), abis)


def on(abi: str, *rows: dict[str, Any], date: str = "2022-12-31", **more: Any) -> list[Erratum]:
    """The errata of a section on one ABI, but for the sections that the page lacks."""
    errata = found(document([section(abi, *rows, **more)], date)).errata
    return [one for one in errata if one.rule != "DOC-SECTION"]


def told(errata: list[Erratum]) -> list[tuple[str, str, str, str | None, str]]:
    return [(one.rule, str(one.kind), one.subject, one.printed, one.right) for one in errata]


def changed(symbol: str, /, **change: Any) -> list[dict[str, Any]]:
    """The page without an error, with one row changed."""
    assert any(one["symbol"] == symbol for one in I386)
    return [one | change if one["symbol"] == symbol else one for one in I386]


def small_catalog_with(path: str, key: str, value: Any) -> Catalog:
    documents = small_documents()
    documents[path][key] = value
    return assemble_catalog(documents)


def test_a_page_without_errors_has_no_errata() -> None:
    assert on("i386", *I386) == []


def test_a_wrong_prefix_is_found_by_the_rest_of_the_name() -> None:
    (one,) = on("i386", *changed("__vdso_clock_gettime", symbol="__kernel_clock_gettime"))
    assert told([one]) == [
        ("DOC-PREFIX", "wrong", "__kernel_clock_gettime", "__kernel_clock_gettime", "__vdso_clock_gettime")
    ]
    assert (one.section, one.abis) == ("i386 functions", ("i386",))
    assert [str(source) for source in one.sources] == ["7a59ed415f5b arch/x86/vdso/vdso32/vclock_gettime.c"]


def test_the_right_name_is_that_of_the_symbol_and_not_of_an_alias() -> None:
    documents = small_documents()
    documents["abis/x86-64.yaml"]["exports"].reverse()
    page = document([section("x86-64", row("__kernel_clock_gettime"))])
    errata = found(page, assemble_catalog(documents)).errata
    assert [one.right for one in errata if one.rule == "DOC-PREFIX"] == ["__vdso_clock_gettime"]


def test_the_first_release_is_that_of_the_version_that_is_printed() -> None:
    documents = small_documents()
    (old,) = [one for one in documents["abis/i386.yaml"]["exports"] if one["symbol"] == "__kernel_sigreturn"]
    documents["abis/i386.yaml"]["exports"] += [old | {"since": "4.1", "version": "LINUX_4"}]
    old["until"] = "4.1"

    def errata(**change: str) -> list[tuple[str, str]]:
        page = document([section("i386", *changed("__kernel_sigreturn", **change))])
        return [(one.rule, one.right) for one in found(page, assemble_catalog(documents)).errata if one.section]

    assert errata(version="LINUX_4", since="4.1") == []
    assert errata(version="LINUX_4", since="2.6.0") == [("DOC-SINCE", "exported since Linux 4.1")]
    assert errata() == [("DOC-VERSION", "LINUX_4")]


def test_a_wrong_version_is_found_beside_a_wrong_prefix() -> None:
    errata = on("i386", *changed("__vdso_getcpu", symbol="__kernel_getcpu", version="LINUX_6.0"))
    assert [one[0] for one in told(errata)] == ["DOC-PREFIX", "DOC-VERSION"]
    assert told(errata)[1][3:] == ("LINUX_6.0", "LINUX_2.6")


def test_a_wrong_first_release_is_found() -> None:
    assert told(on("i386", *changed("__vdso_clock_gettime", since="3.16"))) == [
        ("DOC-SINCE", "wrong", "__vdso_clock_gettime", "exported since Linux 3.16", "exported since Linux 3.15")
    ]


@pytest.mark.parametrize(("since", "right"), [("5.1", False), ("5.2", True), ("5.3", True), ("5.4", False)])
def test_a_release_between_those_of_a_pair_cannot_be_refuted(since: str, right: bool) -> None:
    rows = [row("__vdso_clock_gettime"), row("__vdso_getcpu", since=since)]
    rules = [one.rule for one in on("x86-64", *rows) if one.rule != "DOC-MISSING"]
    assert rules == ([] if right else ["DOC-SINCE"])


def test_a_stable_release_that_took_a_change_over_is_as_right_as_the_mainline_release() -> None:
    bound = Bound.parse({"release": "6.13", "backports": ["6.12.2"]})
    accepted = [agrees(bound, KernelRelease.parse(text)) for text in ("6.13", "6.12.2", "6.12", "6.14")]
    assert accepted == [True, True, False, False]
    assert spell_bound(bound) == "Linux 6.13 (stable: 6.12.2)"
    assert spell_bound(Bound.parse(["5.9", "5.11"])) == "Linux 5.11 or earlier, after 5.9"


def test_a_symbol_that_is_claimed_too_early_is_told_with_its_release() -> None:
    early = on("i386", *changed("__vdso_getcpu", since="3.15"), date="2014-12-31")
    assert [(one.subject, one.right) for one in early if one.rule == "DOC-SINCE"] == [
        ("__vdso_getcpu", "exported since Linux 6.0"),
        ("__vdso_getrandom", "exported since Linux 5.1"),
    ]
    rows = [row("__vdso_clock_gettime"), row("__vdso_getcpu"), I386[2], row("__vdso_time")]
    errata = [one for one in on("i386", *rows, date="2014-12-31") if one.kind is not Kind.OUTDATED]
    assert told(errata) == [
        ("DOC-SINCE", "wrong", "__vdso_getcpu", "no release", "exported since Linux 6.0"),
    ]


def test_a_symbol_that_is_gone_is_an_error_only_after_it_went() -> None:
    rows = [*I386, row("__vdso_time", since="3.15")]
    assert told(on("i386", *rows)) == [("DOC-UNTIL", "wrong", "__vdso_time", "exported", "removed in Linux 6.0")]
    early = [one for one in on("i386", *rows[:1], rows[2], rows[4], date="2014-12-31") if one.rule == "DOC-UNTIL"]
    assert told(early) == [("DOC-UNTIL", "outdated", "__vdso_time", "exported", "removed in Linux 6.0")]


def test_a_last_release_that_is_printed_is_compared() -> None:
    def until(text: str) -> list[Erratum]:
        return on("i386", *I386, row("__vdso_time", since="3.15", until=text))

    assert until("6.0") == []
    assert told(until("5.3")) == [("DOC-UNTIL", "wrong", "__vdso_time", "removed in Linux 5.3", "removed in Linux 6.0")]
    assert told(on("i386", *changed("__vdso_clock_gettime", until="5.1"))) == [
        ("DOC-UNTIL", "wrong", "__vdso_clock_gettime", "removed in Linux 5.1", "still exported")
    ]


def test_a_condition_that_is_not_so_is_wrong_and_one_that_is_left_out_is_missing() -> None:
    assert told(on("i386", *changed("__vdso_getcpu", when="compat"))) == [
        ("DOC-CONDITION", "wrong", "__vdso_getcpu", "only compat", "always")
    ]
    assert told(on("i386", *changed("__vdso_getcpu", when="CONFIG_SMP"))) == [
        ("DOC-CONDITION", "wrong", "__vdso_getcpu", "only CONFIG_SMP", "always")
    ]
    silent = [{key: value for key, value in one.items() if key != "when"} for one in I386]
    assert told(on("i386", *silent)) == [
        ("DOC-CONDITION", "missing", "__vdso_getrandom", "no condition", "only if CONFIG_VDSO_GETRANDOM")
    ]


def test_a_condition_on_how_the_abi_is_run_is_decided() -> None:
    documents = small_documents()
    (getcpu,) = [one for one in documents["abis/i386.yaml"]["exports"] if one["symbol"] == "__vdso_getcpu"]
    getcpu["when"] = "compat"
    page = document([section("i386", *I386), section("arm"), section("x86-64", *X86_64)])
    rules = [one for one in found(page, assemble_catalog(documents)).errata if one.abis == ("i386",)]
    assert told(rules) == [("DOC-CONDITION", "missing", "__vdso_getcpu", "no condition", "only if compat")]


def test_a_symbol_that_never_was_is_extra() -> None:
    (one,) = on("i386", *I386, row("__vdso_sendmail"))
    assert told([one]) == [("DOC-EXTRA", "wrong", "__vdso_sendmail", "__vdso_sendmail LINUX_2.6", "never exported")]
    assert [str(source) for source in one.sources] == ["v6.1 arch/x86/entry/vdso/vdso32/vdso32.lds.S"]


def test_a_symbol_that_is_not_printed_is_missing_or_came_later() -> None:
    assert told(on("i386", *I386[:1], *I386[2:])) == [
        ("DOC-MISSING", "missing", "__vdso_getcpu", None, "__vdso_getcpu LINUX_2.6, since Linux 6.0")
    ]
    errata = on("i386", *I386[:1], I386[2], date="2019-12-31")
    assert [(one.subject, one.kind) for one in errata] == [
        ("__vdso_time", Kind.MISSING),
        ("__vdso_getrandom", Kind.MISSING),
        ("__vdso_getcpu", Kind.OUTDATED),
    ]
    assert errata[1].right == "__vdso_getrandom LINUX_2.6, since Linux 5.1, only if CONFIG_VDSO_GETRANDOM"


def test_what_came_later_is_looked_up_to_the_release_that_is_asked_for() -> None:
    page = document([section("i386", *I386[:1], *I386[2:], row("__vdso_time")), section("arm")], "2019-12-31")
    later = found(page, kernel="6.1", abis=frozenset({"i386"})).errata
    assert [(one.rule, one.subject) for one in later] == [
        ("DOC-UNTIL", "__vdso_time"),
        ("DOC-MISSING", "__vdso_getcpu"),
    ]
    assert found(page, kernel="5.3", abis=frozenset({"i386"})).errata == ()


def test_a_sentence_stands_for_the_names_without_prefix() -> None:
    assert told(on("x86-64", *X86_64, also_without_prefix=UNPREFIXED)) == [
        ("DOC-EXTRA", "wrong", "getcpu", UNPREFIXED["text"], "__vdso_getcpu is not exported without its prefix")
    ]
    (one,) = on("x86-64", *X86_64)
    assert told([one])[0][:3] == ("DOC-MISSING", "missing", "clock_gettime")
    both = on("x86-64", row("__vdso_getcpu"), also_without_prefix=UNPREFIXED)
    assert [one.subject for one in both if one.rule == "DOC-MISSING"] == ["__vdso_clock_gettime"]


def entries(*rows: tuple[int | None, str], kind: str = "fixed-page") -> dict[str, Any]:
    listed = [{"symbol": symbol, "printed": "x", **({"offset": offset} if offset else {})} for offset, symbol in rows]
    return {"kind": kind, "entries": listed}


def test_entry_points_are_held_against_their_own_page() -> None:
    arm = (row("__vdso_clock_gettime", when="machine:arch-timer-usable"),)
    assert on("arm", *arm) == []  # without a table of entry points none is missing
    assert on("arm", *arm, area=entries((0xFE0, "__kuser_get_tls"))) == []
    assert told(on("arm", *arm, area=entries((0xFC0, "__kuser_get_tls")))) == [
        ("DOC-OFFSET", "wrong", "__kuser_get_tls", "0xfc0", "0xfe0")
    ]
    errata = on("arm", *arm, area=entries((0xF80, "__kuser_exit")))
    assert told(errata) == [
        ("DOC-EXTRA", "wrong", "__kuser_exit", "0f80 __kuser_exit", "no entry point"),
        ("DOC-MISSING", "missing", "__kuser_get_tls", None, "__kuser_get_tls at 0xfe0, since Linux 2.6.0"),
    ]
    assert [str(source) for source in errata[0].sources] == ["v6.1 arch/arm/kernel/entry-armv.S"]


def test_sonames_are_compared_and_missing_ones_named() -> None:
    sonames = [
        {"printed": "i386", "abis": ["i386"], "soname": "linux-vdso.so.1"},
        {"printed": "arm", "abis": ["arm"], "soname": "linux-vdso.so.1"},
    ]
    errata = [one for one in found(document(sonames=sonames)).errata if one.rule == "DOC-SONAME"]
    assert told(errata) == [
        ("DOC-SONAME", "wrong", "soname", "i386 linux-vdso.so.1", "linux-gate.so.1"),
        ("DOC-SONAME", "missing", "soname", None, "linux-vdso.so.1"),
    ]
    assert [one.abis for one in errata] == [("i386",), ("x86-64",)]


def test_an_abi_without_a_section_is_missing_and_one_that_came_later_outdated() -> None:
    errata = found(document([section("i386", *I386)], "2014-12-31")).errata
    sections = [one for one in errata if one.rule == "DOC-SECTION"]
    assert [(one.abis, one.kind) for one in sections] == [(("arm",), Kind.MISSING), (("x86-64",), Kind.MISSING)]
    assert sections[0].right == "1 symbols: __kuser_get_tls"
    errata = found(document([section("i386", *I386)], "2003-12-31")).errata
    assert [(one.abis, one.kind) for one in errata if one.rule == "DOC-SECTION"] == [
        (("arm",), Kind.MISSING),
        (("x86-64",), Kind.OUTDATED),
    ]
    assert [one.rule for one in found(document()).errata] == []  # a document without sections lacks none


def without_x86_64_since(until: str) -> Catalog:
    documents = small_documents()
    documents["abis/x86-64.yaml"]["hosts"][0]["until"] = until
    documents["abis/x86-64.yaml"]["vdso"][0]["until"] = until
    for entry in documents["abis/x86-64.yaml"]["exports"]:
        entry["until"] = until
    return assemble_catalog(documents)


@pytest.mark.parametrize(
    ("printed", "kind", "right"),
    [(None, "missing", "removed in Linux 6.0"), ("6.0", None, None), ("5.3", "wrong", "removed in Linux 6.0")],
)
def test_a_port_that_is_gone_is_told_once(printed: str | None, kind: str | None, right: str | None) -> None:
    removed = {"port_removed": {"release": printed, "text": "(gone)"}} if printed else {}
    page = document([section("x86-64", *X86_64, **removed)])
    errata = found(page, without_x86_64_since("6.0"), abis=frozenset({"x86-64"})).errata
    assert [(one.rule, str(one.kind), one.right) for one in errata] == ([("DOC-PORT", kind, right)] if kind else [])


def test_a_port_that_is_still_there_was_not_removed() -> None:
    removed = {"port_removed": {"release": "5.3", "text": "(gone)"}}
    (one,) = [one for one in on("x86-64", *X86_64, **removed) if one.rule == "DOC-PORT"]
    assert told([one]) == [("DOC-PORT", "wrong", "port", "removed in Linux 5.3", "kernels still run it")]


def test_a_removal_between_the_releases_of_a_pair_cannot_be_refuted() -> None:
    removed = {"port_removed": {"release": "5.2", "text": "(gone)"}}
    documents = small_documents()
    documents["abis/x86-64.yaml"]["hosts"][0]["until"] = ["5.1", "6.0"]
    page = document([section("x86-64", *X86_64, **removed)], "2019-12-31")  # Linux 5.3
    errata = found(page, assemble_catalog(documents), abis=frozenset({"x86-64"})).errata
    assert not [one for one in errata if one.rule == "DOC-PORT"]


def general(states: str) -> dict[str, Any]:
    return {"general": [{"about": "a sentence", "states": states, "text": "It is so."}]}


def test_a_sentence_on_native_and_compat_is_held_against_every_abi() -> None:
    documents = small_documents()
    (getcpu,) = [one for one in documents["abis/i386.yaml"]["exports"] if one["symbol"] == "__vdso_getcpu"]
    getcpu["when"] = "compat and CONFIG_SMP"
    page = document(**general("same-natively-and-as-compat"))
    (one,) = found(page, assemble_catalog(documents)).errata
    assert (one.rule, one.abis, one.printed) == ("DOC-GENERAL", ("i386",), "It is so.")
    assert one.right == "exported only where kernels run the ABI as compat: __vdso_getcpu"
    assert found(page).errata == ()


def test_a_sentence_on_calling_is_held_against_the_conventions() -> None:
    conventions = [
        {"errors": "negative-errno", "text": "As C.", "source": [{"tag": "v6.1"}]},
        {"functions": ["getcpu"], "errors": "in-registers", "text": "In r3.", "source": [{"tag": "v6.0"}]},
    ]
    catalog = small_catalog_with("abis/i386.yaml", "conventions", conventions)
    (one,) = found(document(**general("c-calling-convention")), catalog).errata
    assert (one.right, [str(source) for source in one.sources]) == ("getcpu: In r3.", ["v6.0"])


def test_a_sentence_on_the_auxiliary_vector_is_held_against_what_is_recorded() -> None:
    page = document(**general("found-by-at-sysinfo-ehdr"))
    for tag, rules in (("AT_SYSINFO", ["DOC-GENERAL"]), ("AT_SYSINFO_EHDR", [])):
        auxv = [{"tag": tag, "since": "2.6.0", "source": [{"tag": "v6.1"}]}]
        assert [one.rule for one in found(page, small_catalog_with("abis/i386.yaml", "auxv", auxv)).errata] == rules
    assert found(page).errata == ()


def test_a_sentence_on_stability_is_contradicted_by_symbols_that_went_only() -> None:
    page = document(**general("symbol-sets-are-stable"))
    (one,) = found(page).errata
    assert (one.abis, one.right) == (("i386",), "removed: __vdso_time in Linux 6.0")
    (early,) = found(document(date="2019-12-31", **general("symbol-sets-are-stable"))).errata
    assert early.kind is Kind.OUTDATED


@pytest.mark.parametrize(("release", "right"), [("3.0", False), ("2.6.0", True)])
def test_a_sentence_on_the_first_vdso_is_held_against_the_oldest_image(release: str, right: bool) -> None:
    sentence = {"about": "version", "states": "vdso-since", "release": release, "text": f"Since {release}."}
    errata = found(document(general=[sentence])).errata
    assert [(one.rule, one.abis, one.right) for one in errata] == (
        [] if right else [("DOC-GENERAL", ("i386",), "i386 has had one since Linux 2.6.0")]
    )


def test_a_sentence_on_versions_holds_where_all_symbols_have_one() -> None:
    assert found(document(**general("symbols-are-versioned"))).errata == ()


def test_what_no_rule_can_check_is_listed() -> None:
    page = document(
        [section("i386", *I386, remarks=[{"about": "a remark", "text": "Odd."}])],
        general=[{"about": "address", "text": "It is random."}],
    )
    assert found(page).unchecked == ((None, "address", "It is random."), ("i386 functions", "a remark", "Odd."))


def test_abis_of_one_section_share_an_erratum_where_it_is_the_same() -> None:
    both = {"heading": "x86 functions", "abis": ["i386", "x86-64"], "claims": [row("__kernel_clock_gettime")]}
    errata = [one for one in found(document([both])).errata if one.rule == "DOC-PREFIX"]
    assert [one.abis for one in errata] == [("i386", "x86-64")]
    assert len(errata[0].sources) == 2
    (one,) = [one for one in found(document([both]), abis=frozenset({"x86-64"})).errata if one.rule == "DOC-PREFIX"]
    assert one.abis == ("x86-64",)


def test_counts_and_agreement_leave_outdated_ones_out() -> None:
    result = found(document([section("i386", *I386[:1], I386[2]), section("arm")], "2014-12-31"))
    assert not any(one.kind is Kind.WRONG for one in result.errata)
    only = found(document(date="2019-12-31", **general("symbol-sets-are-stable")))
    assert (only.count(Kind.OUTDATED), only.count(Kind.WRONG), only.disagrees) == (1, 0, False)
    assert found(document(**general("symbol-sets-are-stable"))).disagrees


def test_the_release_of_a_day_is_the_newest_dated_one() -> None:
    catalog = small_catalog()
    days = {"2015-06-20": "3.15", "2015-06-21": "4.1", "2022-11-01": "5.3", "2030-01-01": "6.1"}
    assert {day: str(release_current_on(catalog, datetime.date.fromisoformat(day))) for day in days} == days
    assert newest_release(catalog) == NEWEST
    with pytest.raises(InputError, match="no kernel release of 2003-01-01 or before"):
        release_current_on(catalog, datetime.date(2003, 1, 1))


def test_a_section_on_an_unknown_abi_is_bad_input() -> None:
    with pytest.raises(InputError, match="no ABI 'i387'"):
        found(document([section("i387")]))
