"""vdsocat lint on the command line: what it prints where, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from broken import clean_documents, export, i386, write_files
from outcomes import Command
from sightings import evidence, image, sighting

from vdsocat.documents import data_directory as catalog_directory
from vdsocat.documents import schema_problems
from vdsocat.lint.problem import rule_name
from vdsocat.lint.rules import RULES


@pytest.fixture
def roots(tmp_path: Path, catalog_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that holds clean files; the command line looks there for the machines too."""
    monkeypatch.setattr("vdsocat.cli.lint.data_directory", lambda kind: tmp_path / kind)
    assert write_files(tmp_path, clean_documents())[0] == catalog_root
    return tmp_path


@pytest.mark.usefixtures("roots")
def test_a_clean_catalogue_is_status_0_and_counts_on_stderr(vdsocat: Command) -> None:
    outcome = vdsocat("lint")
    assert (outcome.status, outcome.out) == (0, "")
    assert "9 files" in outcome.err
    assert "0 problems" in outcome.err


def test_each_problem_is_a_line_of_stdout(vdsocat: Command, roots: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["since"] = "5.17"
    i386(documents)["exports"][2]["function"] = "sigretrun"
    write_files(roots, documents)
    outcome = vdsocat("lint")
    assert outcome.status == 1
    assert len(outcome.out.splitlines()) == 3
    assert "nobody dated release 5.17" in outcome.out
    assert "did you mean 'sigreturn'?" in outcome.out
    assert "3 problems" in outcome.err


def test_exempted_problems_are_counted_and_printed_with_their_reason(vdsocat: Command, roots: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["since"] = "5.17"
    place = {"file": "catalog/abis/i386.yaml", "place": "exports/__vdso_getcpu/since"}
    documents["catalog/exemptions.yaml"] = {
        "exemptions": [{"rule": "undated-releases", **place, "reason": "Its date was lost."}]
    }
    write_files(roots, documents)
    outcome = vdsocat("lint")
    assert (outcome.status, outcome.out) == (0, "")
    assert "0 problems, 1 exempted" in outcome.err
    assert "nobody dated release 5.17" in outcome.err
    assert "Its date was lost." in outcome.err


@pytest.mark.parametrize("format_", ["json", "csv", "markdown"])
def test_problems_are_printed_in_every_format(vdsocat: Command, roots: Path, format_: str) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["since"] = "5.17"
    write_files(roots, documents)
    outcome = vdsocat("lint", "--format", format_)
    assert outcome.status == 1
    assert "undated-releases" in outcome.out
    if format_ == "json":
        document = json.loads(outcome.out)
        assert document["schema"] == "vdsocat-lint/1"
        row = document["rows"][0]
        assert (row["file"], row["place"]) == ("catalog/abis/i386.yaml", "exports/__vdso_getcpu/since")
        assert int(row["line"]) > 1


def test_the_rules_are_listed_with_what_they_check(vdsocat: Command) -> None:
    outcome = vdsocat("lint", "--rules", "--format", "json")
    rows = json.loads(outcome.out)["rows"]
    assert outcome.status == 0
    assert [row["rule"] for row in rows] == [rule_name(rule) for rule in RULES]
    assert all(row["checks"].endswith((".", "?")) for row in rows)


def test_fix_rewrites_the_files_and_lints_them(vdsocat: Command, roots: Path) -> None:
    write_files(roots, clean_documents(), canonical=False)
    assert vdsocat("lint").out.count("run vdsocat lint --fix") == 8
    outcome = vdsocat("lint", "--fix")
    assert (outcome.status, outcome.out) == (0, "")
    assert f"rewritten: {roots}/catalog/abis/i386.yaml" in outcome.err
    assert "0 problems" in outcome.err
    assert "rewritten" not in vdsocat("lint", "--fix").err


@pytest.mark.usefixtures("roots")
def test_coverage_is_a_table_with_what_cannot_be_observed(vdsocat: Command) -> None:
    outcome = vdsocat("lint", "--coverage")
    assert outcome.status == 0
    assert outcome.out.splitlines()[0].split() == [
        *("ABI", "FACTS", "SOURCED", "OBSERVED", "UNOBSERVABLE", "UNOBSERVED", "BOUNDS", "PROVEN")
    ]
    assert "facts with a source:              19 of 19 (100.0 %)" in outcome.out
    assert "facts observed on a real kernel:  0 of 19 (0.0 %)" in outcome.out
    assert "  exports:                        0 of 9 (0.0 %)" in outcome.out
    assert "19 facts of arm, i386, x86-64: No such kernel was ever built." in " ".join(outcome.out.split())
    assert "0 problems" in outcome.err


@pytest.mark.parametrize("format_", ["json", "csv", "markdown"])
def test_coverage_has_every_format(vdsocat: Command, roots: Path, format_: str) -> None:
    documents = clean_documents()
    documents["catalog/evidence/i386.yaml"] = evidence("i386", (sighting(), image()))
    documents["catalog/unobservable.yaml"]["unobservable"][0]["abis"] = ["arm", "x86-64"]
    write_files(roots, documents)
    outcome = vdsocat("lint", "--coverage", "--format", format_)
    assert outcome.status == 1
    assert "unobserved-exports" in outcome.err
    if format_ == "json":
        document = json.loads(outcome.out)
        assert list(schema_problems(document, "coverage")) == []
        assert document["schema"] == "vdsocat-coverage/1"
        assert (document["total"]["facts"], document["total"]["observed"]) == (19, 6)
        assert {one["name"] for one in document["unobserved"]} == {"x86, 64-bit, compat", "__vdso_time"}
    else:
        assert "x86-64" in outcome.out


def test_coverage_of_files_that_their_schemas_reject_is_not_counted(vdsocat: Command, roots: Path) -> None:
    documents = clean_documents()
    i386(documents)["sonames"] = []
    write_files(roots, documents)
    outcome = vdsocat("lint", "--coverage")
    assert (outcome.status, outcome.out) == (1, "")
    assert "'sonames'" in outcome.err


def test_a_catalogue_that_is_not_there_is_bad_input(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("--catalog", tmp_path / "none", "lint")
    assert (outcome.status, outcome.out) == (2, "")
    assert "there is no such directory" in outcome.err


def test_the_readme_prints_the_figures_of_the_catalogue(vdsocat: Command) -> None:
    root = catalog_directory("catalog").parent
    outcome = vdsocat("--catalog", root / "catalog", "lint", "--coverage")
    figures = outcome.out[outcome.out.index("facts with a source") :].partition("\n\n")[0]
    assert f"```\n{figures}\n```\n" in (root / "README.md").read_text(encoding="utf-8")
