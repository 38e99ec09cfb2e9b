"""Questions to the catalogue: words to a question, the index, and the answers from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_catalog import small_catalog, small_documents, write_catalog

from vdsocat.asking.answer import ROW_FIELDS, Answer, answer_from_index, asked_release
from vdsocat.asking.index import index_of, load_index
from vdsocat.asking.index_file import index_path, read_index
from vdsocat.asking.question import OPTIONS, Question, question_from_words
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.evidence import Evidence, ImageFacts, Observation, Sighting
from vdsocat.catalog.query import entries_of, states_of
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease

CATALOG = small_catalog()
NOTHING_SEEN = Evidence(Path("/nowhere"))
INDEX = index_of(CATALOG, NOTHING_SEEN)


def ask(*words: str) -> Answer:
    question = question_from_words(list(words))
    assert question is not None
    question.require_sense()
    return answer_from_index(question, INDEX)


def at(release: str, name: str, *abis: str) -> list[tuple[str | None, ...]]:
    """(abi, mode, symbol, state) rows."""
    rows = ask(name, "--kernel", release, *(f"--abi={abi}" for abi in abis)).rows
    return [(row["abi"], row["mode"], row["symbol"], row["state"]) for row in rows]


def reason(release: str, name: str, abi: str, mode: str, *more: str) -> str:
    (row,) = ask(name, "--kernel", release, "--abi", abi, "--mode", mode, *more).rows
    return row["reason"] or ""


def why_lacking(release: str, name: str, abi: str, mode: str) -> str:
    return reason(release, name, abi, mode, "--lacking")


def test_words_make_a_question() -> None:
    question = question_from_words(["getcpu", "--abi", "arm", "--abi=i386", "--lacking", "--format", "csv", "--", "-x"])
    assert question is not None
    assert question.patterns == ("getcpu", "-x")
    assert (question.abi, question.lacking, question.format_) == (("arm", "i386"), True, "csv")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["-h"], ["x", "--format", "xml"], ["x", "--abi"], ["--lacking=yes"], ["--abi="], ["--nonsense"]],
)
def test_what_click_must_explain_is_no_question(words: list[str]) -> None:
    assert question_from_words(words) is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--lacking"],
        ["x", "--kernel", "5.4", "--date", "2020-01-01"],
        ["x", "--provider", "gvisor", "--lacking"],
        ["x", "--provider", "gvisor", "--kernel", "5.4"],
        ["x", "--format", "header", "--kernel", "5.4"],
        ["x", "--format", "list", "--mode", "native"],
    ],
)
def test_parts_that_do_not_go_together_are_refused(words: list[str]) -> None:
    question = question_from_words(words)
    assert question is not None
    with pytest.raises(InputError):
        question.require_sense()


def test_every_option_has_its_field() -> None:
    assert {option.field for option in OPTIONS} == vars(Question(())).keys() - {"patterns"}


def test_a_generic_name_answers_for_every_abi_that_has_it() -> None:
    answer = ask("getcpu")
    assert [(row["abi"], row["symbol"], row["since"]) for row in answer.rows] == [
        ("i386", "__vdso_getcpu", "6.0"),
        ("x86-64", "__vdso_getcpu", "5.1…5.3"),
    ]
    assert answer.remark == "1 other ABI without it: --lacking tells which, and why."


def test_a_row_has_version_bounds_dates_and_condition() -> None:
    (row,) = ask("__vdso_time", "--abi", "i386").rows
    assert row == {
        "abi": "i386",
        "symbol": "__vdso_time",
        "function": "time",
        "version": "LINUX_2.6",
        "type": "FUNC",
        "binding": "GLOBAL",
        "since": "3.15",
        "since_date": "2014-06-08",
        "until": "6.0",
        "until_date": None,
        "condition": None,
        "observed": None,
    }
    (row,) = ask("getrandom", "--abi", "i386").rows
    assert row["condition"] == "CONFIG_VDSO_GETRANDOM"


def test_an_alias_says_of_what() -> None:
    (row,) = [row for row in ask("clock_gettime", "--abi=x86-64").rows if row["symbol"] == "clock_gettime"]
    assert row["condition"] == "alias of __vdso_clock_gettime"


def test_an_entry_of_a_fixed_page_has_its_offset_for_a_version() -> None:
    (entry,) = entries_of(CATALOG.abi("arm"), frozenset({"kuser_get_tls"}))
    assert (entry.symbol, entry.where) == ("__kuser_get_tls", "kuser+0xfe0")


def test_a_version_node_and_a_kernel_architecture_select() -> None:
    assert {row["symbol"] for row in ask("--node", "LINUX_2.5").rows} == {"__kernel_sigreturn"}
    assert {row["abi"] for row in ask("clock_gettime", "--arch=x86", "--node=LINUX_2.6").rows} == {"i386", "x86-64"}


def test_an_architecture_without_any_says_why() -> None:
    answer = ask("--arch", "alpha")
    assert (answer.rows, answer.remark) == ([], "alpha has no vDSO: It never had one.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["getcpuu"], "did you mean 'getcpu'"),
        (["*xyz*"], r"no function or symbol '\*xyz\*'"),
        (["--node", "LINUX_2.8"], "no version node 'LINUX_2.8'; did you mean 'LINUX_2.6'"),
        (["--arch", "x87"], "no kernel architecture 'x87'; did you mean 'x86'"),
        (["--abi", "i368"], "no ABI 'i368'; did you mean"),
        (["--provider", "gvizor"], "no provider 'gvizor'"),
        (["getcpu", "--kernel", "next"], "'next' is no kernel release"),
        (["getcpu", "--date", "2020-5-31"], "'2020-5-31' is no date"),
        (["getcpu", "--date", "1999-01-01"], "is known is 2.6.0, of 2003-12-17"),
    ],
)
def test_a_wrong_name_is_refused_with_a_hint(words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask(*words)


@pytest.mark.parametrize(
    ("release", "state"), [("5.19", []), ("6.0", ["present"]), ("6.1.170", ["present"]), ("2.6.39", [])]
)
def test_the_state_follows_the_interval(release: str, state: list[str]) -> None:
    assert [row[3] for row in at(release, "getcpu", "i386")] == state


def test_between_the_releases_of_a_pair_the_state_is_unknown() -> None:
    assert at("5.2", "getcpu", "x86-64") == [("x86-64", "native", "__vdso_getcpu", "unknown")]
    assert "not settled" in reason("5.2", "getcpu", "x86-64", "native")


def test_modes_that_agree_share_a_row_and_others_do_not() -> None:
    # CONFIG_IA32_EMULATION is not known of a release, so compat is not decided to be absent.
    assert at("6.1", "getcpu", "i386") == [("i386", "both", "__vdso_getcpu", "present")]
    assert at("3.14", "kuser_get_tls", "arm") == [("arm", "native", "__kuser_get_tls", "conditional")]
    assert why_lacking("3.14", "kuser_get_tls", "arm", "compat") == "this ABI is run as compat only since 3.15"


def test_the_condition_of_a_fixed_page_is_one_of_its_entries() -> None:
    assert "CONFIG_KUSER_HELPERS" in reason("6.1", "kuser_get_tls", "arm", "native")


def test_a_symbol_is_not_there_without_its_image() -> None:
    assert at("4.0", "clock_gettime", "arm") == []
    assert why_lacking("4.0", "clock_gettime", "arm", "native") == "not before 4.1"


def test_the_condition_of_the_image_is_one_of_the_symbol() -> None:
    assert at("6.1", "clock_gettime", "arm") == [
        ("arm", "native", "__vdso_clock_gettime", "conditional"),
        ("arm", "compat", "__vdso_clock_gettime", "conditional"),
    ]
    assert "CONFIG_VDSO" in reason("6.1", "clock_gettime", "arm", "native")
    assert "machine:arch-timer-usable" in reason("6.1", "clock_gettime", "arm", "native")
    assert "CONFIG_VDSO" not in reason("6.1", "clock_gettime", "arm", "compat")


def test_an_abi_that_never_had_it_says_never() -> None:
    assert at("6.1", "getrandom", "x86-64") == []
    assert why_lacking("6.1", "getrandom", "x86-64", "native") == "never exported by this ABI"


def test_one_that_is_gone_is_lacking_at_the_newest_release() -> None:
    rows = ask("time", "--lacking", "--abi", "i386").rows
    assert [(row["arch"], row["abi"], row["mode"], row["reason"]) for row in rows] == [
        ("x86", "i386", "both", "gone since 6.0")
    ]


def test_architectures_without_a_vdso_are_lacking_too() -> None:
    assert ("alpha", None, "It never had one.") in [
        (row["arch"], row["abi"], row["reason"]) for row in ask("getcpu", "--lacking").rows
    ]


def test_a_condition_that_no_release_decides_is_said() -> None:
    assert at("6.1", "getrandom", "i386") == [("i386", "both", "__vdso_getrandom", "conditional")]
    assert "CONFIG_VDSO_GETRANDOM" in reason("6.1", "getrandom", "i386", "native")


@pytest.mark.parametrize(
    ("day", "numbers"), [("2003-12-17", (2, 6, 0)), ("2014-06-07", (2, 6, 23)), ("2030-01-01", (6, 1))]
)
def test_a_day_means_the_newest_release_of_then(day: str, numbers: tuple[int, ...]) -> None:
    question = Question(("x",))
    question.date = day
    assert asked_release(question, INDEX["releases"]) == numbers


RELEASES = st.tuples(st.integers(2, 6), st.integers(0, 20), st.integers(0, 120)).map(KernelRelease)


@given(RELEASES, st.sampled_from([(abi, mode) for abi in CATALOG.sorted_abis() for mode in abi.modes()]))
def test_the_index_says_what_the_catalogue_says(release: KernelRelease, run: tuple[Any, str]) -> None:
    abi, mode = run
    said = {one for one in states_of(abi, release, KernelFacts(mode, parameters={})) if one[3] != "absent"}
    rows = ask("*", "--kernel", str(release), "--abi", abi.name, "--mode", mode).rows
    assert {(row["symbol"], row["version"], row["state"], row["reason"]) for row in rows} == {
        (one[0], *one[2:]) for one in said
    }


def test_backports_count_in_the_index() -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["exports"][1]["since"] = {"release": "6.1", "backports": ["5.10.4"]}
    from vdsocat.catalog.files import assemble_catalog

    index = index_of(assemble_catalog(documents), NOTHING_SEEN)
    for release, there in (("5.10.3", False), ("5.10.4", True), ("5.10.99", True), ("5.11", False), ("6.1", True)):
        question = question_from_words(["getcpu", "--abi", "i386", "--kernel", release])
        assert question is not None
        assert bool(answer_from_index(question, index).rows) is there, release


def test_an_index_is_kept_and_read_until_the_catalogue_changes(tmp_path: Path) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    assert read_index(str(root), str(cache)) is None
    made = load_index(root, cache)
    kept = read_index(str(root), str(cache))
    assert kept is not None and kept["rows"] == made["rows"] == INDEX["rows"]
    (root / "abis" / "new.yaml").write_text("x", encoding="utf-8")
    assert read_index(str(root), str(cache)) is None


def test_a_change_within_a_file_makes_the_index_stale(tmp_path: Path) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    load_index(root, cache)
    os.utime(root / "functions.yaml", ns=(1, 1))
    assert read_index(str(root), str(cache)) is None


@pytest.mark.parametrize("damage", ["", "x", "cut", "flip"])
def test_a_damaged_index_is_made_again(tmp_path: Path, damage: str) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    load_index(root, cache)
    path = Path(index_path(str(root), str(cache)))
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-9], "flip": whole[:-9] + b"?" + whole[-8:]}.get(damage, damage.encode()))
    assert read_index(str(root), str(cache)) is None
    assert load_index(root, cache)["rows"] == INDEX["rows"]


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "catalog")
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert load_index(root, blocked / "cache")["rows"] == INDEX["rows"]


def sighting(release: str) -> Sighting:
    return Sighting("linux-image", f"{release}-1", "i386", release, "native", "static", "2026-01-01", "0" * 64)


def test_a_row_says_in_which_release_it_was_last_observed(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "catalog")
    facts = ImageFacts("little", "linux-gate.so.1", ("sysv",), 0, ("__vdso_time@@LINUX_2.6 FUNC GLOBAL",))
    seen = [Observation(sighting(release), facts) for release in ("5.10.3", "5.10.20", "6.1.4")]
    Evidence(root).record({"i386": seen})
    rows = {row[1]: dict(zip(ROW_FIELDS, row, strict=True)) for row in load_index(root, tmp_path / "cache")["rows"]}
    # 6.1.4 is after the catalogue's end of the entry, so it is no observation of that entry.
    assert rows["__vdso_time"]["observed"] == "5.10.20"
    assert rows["__vdso_getcpu"]["observed"] is None
