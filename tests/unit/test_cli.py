"""The command line: queries, lists, wrong names, and one sentence for every error."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from fake_qemu import make_fake_qemu
from outcomes import Command
from small_catalog import small_documents, write_catalog
from small_images import I386_SYMBOLS

from vdsocat.cli import VERBS
from vdsocat.cli.group import cli
from vdsocat.cli.settings import Settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["query", "getcpuu"], ["'getcpuu'", "did you mean", "'getcpu'"]),
        (["query", "__vdso_getcp"], ["did you mean", "'__vdso_getcpu'"]),
        (["query", "getcpu", "--abi", "i368"], ["There is no ABI 'i368'", "did you mean", "'i386'?"]),
        (["query", "getcpu", "--kernel", "next"], ["'next' is no kernel release"]),
        (["query", "getcpu", "--date", "2020-02-30"], ["'2020-02-30' is no date"]),
        (["query"], ["Give a function"]),
        (["show", "i368"], ["There is no ABI 'i368'", "did you mean", "'i386'?"]),
        (["show", "i386", "getcpuu"], ["i386 has no symbol or function 'getcpuu'", "'getcpu'"]),
        (["chekc", "x"], ["There is no command 'chekc'", "did you mean 'check'?"]),
        (["check", "debian:bookworm"], ["debian:SUITE/ARCH"]),
        (["check", "amd64-boookworm"], ["'amd64-boookworm' is no kernel"]),
        (["check", "set:smal"], ["'smal'", "There are"]),
        (["check", "built:ppc31"], ["'ppc31'", "did you mean 'ppc32'"]),
        (["check", "--tree", "/"], ["/: is no source tree of Linux"]),
        (["kernels", "build", "--tree", "/", "ppc32"], ["/: is no source tree of Linux"]),
        (["check", "--dry-run", "host"], ["host", "is not booted"]),
        (["check", "--qemu", "/nowhere/at/all", "host"], ["--qemu /nowhere/at/all", "is no directory"]),
        (["report", "/nowhere/capture.json"], ["/nowhere/capture.json", "cannot be read"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_name_is_status_2_and_one_sentence(vdsocat: Command, arguments: list[str], words: list[str]) -> None:
    assert vdsocat(*arguments).refused_in_one_sentence(*words)


@pytest.mark.parametrize("verb", ["check", "extract"])
def test_a_pipe_that_nobody_writes_into_is_refused_at_once(vdsocat: Command, tmp_path: Path, verb: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert vdsocat(verb, tmp_path / "pipe").refused_in_one_sentence("pipe is no regular file")


def test_an_unknown_abi_of_qemu_user_is_status_2(vdsocat: Command) -> None:
    outcome = vdsocat("check", "--format", "json", "qemu-user:i368")
    assert outcome.status == 2
    assert "did you mean" in outcome.err and "'i386'?" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "--jobs", "0", "host"],
        ["check", "--deadline", "nan", "host"],
        ["check", "--cost-threshold", "inf", "host"],
        ["query", "getcpu", "--format", "xml"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_status_2_without_a_traceback(vdsocat: Command, arguments: list[str]) -> None:
    outcome = vdsocat(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert "Error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_a_catalogue_that_does_not_conform_is_status_2_and_names_the_place(
    vdsocat: Command, catalog_root: Path
) -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["exports"][1]["sicne"] = "6.0"
    write_catalog(catalog_root, documents)
    assert vdsocat("query", "getcpu").refused_in_one_sentence("i386.yaml", "__vdso_getcpu", "did you mean 'since'?")


def test_a_function_is_answered_for_every_abi_as_a_table(vdsocat: Command) -> None:
    outcome = vdsocat("query", "getcpu")
    assert (outcome.status, outcome.err) == (0, "1 other ABI without it: --lacking tells which, and why.\n")
    header, *rows = outcome.out.splitlines()
    assert header.split()[:3] == ["ABI", "SYMBOL", "VERSION"]
    assert [row.split()[0] for row in rows] == ["i386", "x86-64"]
    assert all(len(line) <= 80 for line in outcome.out.splitlines())


@pytest.mark.parametrize("pattern", ["getcpu", "__vdso_getcpu", "*_getcpu", "get*"])
def test_generic_name_symbol_and_glob_find_the_symbol(vdsocat: Command, pattern: str) -> None:
    rows = json.loads(vdsocat("query", pattern, "--format", "json").out)["rows"]
    assert {row["abi"] for row in rows if row["symbol"] == "__vdso_getcpu"} == {"i386", "x86-64"}


def test_json_of_a_query_has_its_schema_and_dates(vdsocat: Command) -> None:
    document = json.loads(vdsocat("query", "time", "--abi", "ia32", "--format", "json").out)
    assert document["schema"] == "vdsocat-query/1"
    assert document["rows"][0]["since_date"] == "2014-06-08"


def test_csv_and_markdown_have_the_rows_of_json(vdsocat: Command) -> None:
    rows = json.loads(vdsocat("query", "getcpu", "--format", "json").out)["rows"]
    read = list(csv.DictReader(io.StringIO(vdsocat("query", "getcpu", "--format", "csv").out)))
    assert [row["since"] for row in read] == [row["since"] or "" for row in rows]
    lines = vdsocat("query", "getcpu", "--format", "markdown").out.splitlines()
    assert len(lines) == 2 + len(rows)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown"])
@pytest.mark.parametrize("release", [[], ["--kernel", "5.4"], ["--kernel", "6.1.0-50-amd64"]])
def test_every_format_answers_with_and_without_a_release(vdsocat: Command, format_: str, release: list[str]) -> None:
    outcome = vdsocat("query", "getcpu", *release, "--format", format_)
    assert outcome.status == 0
    assert "without it" in outcome.err if format_ == "table" else outcome.err == ""
    assert "x86-64" in outcome.out


@pytest.mark.parametrize("times", [1, 2])
def test_the_answer_from_the_kept_index_is_that_of_the_first_time(vdsocat: Command, times: int) -> None:
    outcomes = [vdsocat("query", "*", "--format", "json") for _ in range(times + 1)]
    assert len({outcome.out for outcome in outcomes}) == 1


def test_who_lacks_it_is_told_with_the_reason(vdsocat: Command) -> None:
    rows = json.loads(vdsocat("query", "getcpu", "--lacking", "--format", "json").out)["rows"]
    assert {row["arch"]: row["reason"] for row in rows} == {
        "arm, arm64": "never exported by this ABI",
        "alpha": "It never had one.",
    }


def test_a_release_decides(vdsocat: Command) -> None:
    def states(release: str) -> dict[str, str]:
        rows = json.loads(vdsocat("query", "getcpu", "--kernel", release, "--format", "json").out)["rows"]
        return {row["abi"]: row["state"] for row in rows}

    assert states("5.19") == {"x86-64": "present"}
    assert states("6.0") == {"i386": "present", "x86-64": "present"}


def test_an_abi_is_shown_whole_or_by_symbol(vdsocat: Command) -> None:
    whole = vdsocat("show", "ia32")
    assert whole.status == 0
    assert whole.out.startswith("i386: 32-bit x86")
    for symbol in I386_SYMBOLS:
        assert symbol.name in whole.out
    one = vdsocat("show", "i386", "__vdso_getcpu").out
    assert "__vdso_getcpu@@LINUX_2.6" in one
    assert "It came late." in one
    assert "__vdso_time" not in one


def test_an_entry_of_a_fixed_page_is_shown_with_its_offset(vdsocat: Command) -> None:
    assert "__kuser_get_tls at kuser+0xfe0" in vdsocat("show", "arm", "kuser_get_tls").out
    assert "0xffff0000" in vdsocat("show", "arm").out


@pytest.mark.parametrize("format_", ["json", "csv", "markdown"])
def test_show_has_every_format(vdsocat: Command, format_: str) -> None:
    outcome = vdsocat("show", "i386", "--format", format_)
    assert outcome.status == 0
    assert "__vdso_getcpu" in outcome.out


def test_kernels_are_listed_with_a_schema(vdsocat: Command) -> None:
    document = json.loads(vdsocat("kernels", "list", "--format", "json").out)
    assert document["schema"] == "vdsocat-kernels/1"
    assert all(row["cached"] is None for row in document["rows"])


def test_fetching_offline_what_is_not_cached_is_one_sentence(vdsocat: Command) -> None:
    outcome = vdsocat("kernels", "fetch", "--offline", "debian:bookworm/amd64")
    assert outcome.status == 3
    assert "Traceback" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_doctor_without_any_qemu_is_status_3_and_names_packages(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = vdsocat("doctor", "--qemu", tmp_path / "empty", "--format", "json")
    assert outcome.status == 3
    missing = {row["tool"]: row["needed_for"] for row in json.loads(outcome.out)["rows"] if not row["found"]}
    assert "qemu-system-ppc" in missing["qemu-system-ppc64"]


def test_doctor_with_one_qemu_is_status_0_and_gives_its_version(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu")
    outcome = vdsocat("doctor", "--qemu", qemu.directory, "--format", "json")
    assert outcome.status == 0
    found = {row["tool"]: row["found"] for row in json.loads(outcome.out)["rows"]}
    assert found["qemu-system-i386"] == "7.2.22"
    assert found["qemu-system-arm"] is None


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, those of groups too."""
    yield ()
    for verb in VERBS:
        yield (verb,)
        command = cli.get_command(click.Context(cli), verb)
        if isinstance(command, click.Group):
            yield from ((verb, name) for name in command.list_commands(click.Context(command)))


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_that_fits_80_columns(
    vdsocat: Command, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = vdsocat(*words, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: {' '.join(('vdsocat', *words))} ")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines[1:] if line.endswith("...")] == [], "what it is for is cut short"
    assert not re.search(r"--\w+ (TEXT|FLOAT|INTEGER)", outcome.out), "an option does not say what it takes"


@pytest.mark.parametrize(
    ("environment", "colour"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_no_color_and_a_dumb_terminal_turn_colour_off(environment: dict[str, str], colour: bool) -> None:
    assert Settings.from_environment(None, None, environment).colour is colour


def test_the_cache_is_where_the_user_s_caches_are(tmp_path: Path) -> None:
    def cache_of(option: Path | None, environment: dict[str, str]) -> Path:
        return Settings.from_environment(None, option, environment).cache

    assert cache_of(None, {"HOME": "/home/a"}) == Path("/home/a/.cache/vdsocat")
    assert cache_of(None, {"HOME": "/home/a", "XDG_CACHE_HOME": "/c"}) == Path("/c/vdsocat")
    assert cache_of(tmp_path, {"XDG_CACHE_HOME": "/c"}) == tmp_path
