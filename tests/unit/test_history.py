"""The catalogue as a history, and the differences of releases and of kernels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from elf_builder import NOTYPE, Symbol
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Command
from small_catalog import small_catalog, small_documents, write_catalog
from small_images import CLOCK, GETCPU, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import capture_to_json
from vdsocat.catalog.conditions import Condition
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.history import Told, changes_between, events_of, spell_change
from vdsocat.exports import KernelRelease

CATALOG = small_catalog()


def told(version: str = "LINUX_2.6", condition: str | None = None) -> Told:
    return Told({"version": version, "type": "FUNC"}, Condition(condition) if condition else None)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ([], [told()], "appears as LINUX_2.6"),
        ([], [told(condition="CONFIG_A")], "appears as LINUX_2.6 if CONFIG_A"),
        ([told()], [], "is gone"),
        ([told(condition="compat")], [], "is gone if compat"),
        ([told("LINUX_2.6.12")], [told("LINUX_2.6.15")], "version LINUX_2.6.15, was LINUX_2.6.12"),
        ([told()], [told(condition="CONFIG_A")], "if CONFIG_A, was always"),
        ([told(condition="native"), told(condition="compat")], [told()], ""),
        ([told()], [told()], ""),
        ([], [], ""),
    ],
)
def test_a_change_in_words(old: list[Told], new: list[Told], change: str) -> None:
    assert spell_change(old, new) == change


def test_events_are_in_order_and_have_sources() -> None:
    events = events_of(CATALOG)
    assert [event.bound.after for event in events] == sorted(event.bound.after for event in events)
    assert all(event.sources for event in events)
    (came, went) = [event for event in events if (event.abi, event.subject) == ("i386", "__vdso_time")]
    assert (str(came.bound), came.change) == ("3.15", "appears as LINUX_2.6")
    assert (str(went.bound), went.change) == ("6.0", "is gone")


def test_stretches_that_meet_are_one_event() -> None:
    documents = small_documents()
    exports = documents["abis/i386.yaml"]["exports"]
    exports.append(exports[3] | {"since": "6.0", "until": "6.1", "type": "NOTYPE", "when": "CONFIG_A"})
    events = [event for event in events_of(assemble_catalog(documents)) if event.subject == "__vdso_time"]
    assert [(str(event.bound), event.change) for event in events] == [
        ("3.15", "appears as LINUX_2.6"),
        ("6.0", "type NOTYPE, was FUNC; if CONFIG_A, was always"),
        ("6.1", "is gone if CONFIG_A"),
    ]


def test_what_came_and_went_between_is_no_difference() -> None:
    changes = {
        (one.abi, one.subject): one.change
        for one in changes_between(CATALOG, KernelRelease((3, 10)), KernelRelease((6, 1)))
    }
    assert ("i386", "__vdso_time") not in changes
    assert changes["i386", "__vdso_getcpu"] == "appears as LINUX_2.6"
    assert changes["arm", "run as compat"] == "appears as arm64 64-bit if CONFIG_COMPAT"


RELEASES = st.tuples(st.integers(2, 6), st.integers(0, 20)).map(KernelRelease)


@given(RELEASES)
def test_a_release_does_not_differ_from_itself(release: KernelRelease) -> None:
    assert list(changes_between(CATALOG, release, release)) == []


@pytest.mark.parametrize("what", ["getcpu", "__vdso_getcpu", "*getcpu"])
def test_the_history_of_a_symbol(vdsocat: Command, what: str) -> None:
    rows = json.loads(vdsocat("history", what, "--format", "json").out)["rows"]
    assert [(row["release"], row["abi"], row["change"]) for row in rows] == [
        ("5.1…5.3", "x86-64", "appears as LINUX_2.6"),
        ("6.0", "i386", "appears as LINUX_2.6"),
    ]
    assert rows[1]["source"] == "v6.1 arch/x86/entry/vdso/vdso32/vdso32.lds.S"


def test_the_history_of_an_abi_and_of_a_release(vdsocat: Command) -> None:
    arm = json.loads(vdsocat("history", "armhf", "--format", "json").out)["rows"]
    assert {row["subject"] for row in arm} == {
        "run natively", "run as compat", "vDSO", "kuser", "__kuser_get_tls", "__vdso_clock_gettime",
    }  # fmt: skip
    release = json.loads(vdsocat("history", "4.1", "--format", "json").out)["rows"]
    assert {(row["abi"], row["subject"], row["date"]) for row in release} == {
        ("arm", "vDSO", "2015-06-21"),
        ("arm", "__vdso_clock_gettime", "2015-06-21"),
    }


def test_a_release_in_which_nothing_changed_says_so(vdsocat: Command) -> None:
    assert vdsocat("history", "6.1").out == "Nothing is recorded of 6.1.\n"
    assert vdsocat("history", "getcpu", "--abi", "arm").out == "Nothing is recorded of getcpu for arm.\n"


@pytest.mark.parametrize(
    ("what", "said"),
    [("getcpuu", "did you mean 'getcpu'"), ("6.7", "no release '6.7'"), ("6.x", "is no kernel release")],
)
def test_history_of_nothing_known_is_refused(vdsocat: Command, what: str, said: str) -> None:
    assert vdsocat("history", what).refused_in_one_sentence(said)


def test_releases_of_which_the_second_lacks_something_are_status_1(vdsocat: Command) -> None:
    outcome = vdsocat("diff", "5.1", "6.0", "--abi", "i386", "--format", "csv")
    assert outcome.status == 1
    assert outcome.out.splitlines()[1:] == [
        "incompatible,i386,SYM-MISSING,__vdso_time,is gone",
        "review,i386,SYM-NEW,__vdso_getcpu,appears as LINUX_2.6",
    ]
    same = vdsocat("diff", "6.0", "6.1")
    assert (same.status, same.out) == (0, "")


def test_what_is_new_is_for_review_and_strictness_makes_it_status_1(vdsocat: Command) -> None:
    outcome = vdsocat("diff", "3.10", "4.1", "--abi", "arm", "--format", "json")
    assert {row["kind"] for row in json.loads(outcome.out)["rows"]} == {"review"}
    assert outcome.status == 0
    assert vdsocat("diff", "3.10", "4.1", "--abi", "arm", "--strict").status == 1


def capture(path: Path, *symbols: Symbol, **more: object) -> Path:
    path.write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols, **more)))), encoding="utf-8")
    return path


def test_kernels_that_are_incompatible_are_status_1(vdsocat: Command, tmp_path: Path) -> None:
    old = capture(tmp_path / "old.json", CLOCK, GETCPU, SIGRETURN)
    new = capture(
        tmp_path / "new.json", Symbol("__vdso_clock_gettime", "LINUX_9.9"),
        Symbol("__vdso_getcpu", "LINUX_2.6", type=NOTYPE), Symbol("__vdso_time", "LINUX_2.6"), soname="linux-vdso.so.1",
    )  # fmt: skip
    outcome = vdsocat("diff", old, new, "--format", "csv")
    assert outcome.status == 1
    assert set(outcome.out.splitlines()[1:]) == {
        'incompatible,i386,ELF-SONAME,vDSO,"soname linux-vdso.so.1, was linux-gate.so.1"',
        'incompatible,i386,SYM-VERSION,__vdso_clock_gettime,"version LINUX_9.9, was LINUX_2.6"',
        'incompatible,i386,SYM-TYPE,__vdso_getcpu,"type NOTYPE, was FUNC"',
        "incompatible,i386,SYM-MISSING,__kernel_sigreturn,is gone",
        "review,i386,SYM-NEW,__vdso_time,appears as LINUX_2.6",
    }
    assert vdsocat("diff", old, old).status == 0


def test_a_release_and_a_kernel_are_not_compared(vdsocat: Command, tmp_path: Path) -> None:
    kernel = capture(tmp_path / "kernel.json", CLOCK)
    assert vdsocat("diff", "6.1", kernel).refused_in_one_sentence("6.1 is a release", f"vdsocat check {kernel}")
    assert vdsocat("diff", kernel, "/nowhere/vmlinuz").refused_in_one_sentence("/nowhere/vmlinuz")


def test_a_catalogue_that_is_damaged_is_refused(vdsocat: Command, catalog_root: Path) -> None:
    documents = small_documents()
    del documents["abis/i386.yaml"]["elf"]
    write_catalog(catalog_root, documents)
    assert vdsocat("history", "getcpu").refused_in_one_sentence("'elf' is missing")
