"""Linting as a whole: files that schemas reject, exemptions, lines, and that no rule is without a test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from broken import Broken, Documents, changed, clean_documents, export, i386, lint_changed, write_files
from sightings import evidence, image, sighting

from vdsocat.lint.problem import LintInput, rule_name
from vdsocat.lint.rules import RULES
from vdsocat.lint.run import Violation, lint, lint_input

ABI = "catalog/abis/i386.yaml"
EXEMPTIONS = "catalog/exemptions.yaml"


def lint_written(root: Path, documents: Documents) -> tuple[Violation, ...]:
    return lint(*write_files(root, documents)).violations


def test_every_rule_is_broken_by_a_test() -> None:
    tested: set[str] = set()
    for path in Path(__file__).parent.glob("test_lint_*.py"):
        module = sys.modules.get(path.stem) or importlib.import_module(path.stem)
        broken: list[Broken] = getattr(module, "BROKEN", [])
        tested |= {one.rule for one in broken}
        tested |= {rule_name(rule) for rule in getattr(module, "RULES_ABOUT_TEXT", [])}
    assert {rule_name(rule) for rule in RULES} - tested == set()


def test_every_rule_has_a_name_and_a_sentence() -> None:
    names = [rule_name(rule) for rule in RULES]
    assert len(set(names)) == len(names)
    assert [
        name for name, rule in zip(names, RULES, strict=True) if not (rule.__doc__ or "").strip().endswith(".")
    ] == []


def test_clean_files_have_no_violations(tmp_path: Path) -> None:
    assert lint_written(tmp_path, clean_documents()) == ()


def test_schema_violations_come_alone_and_from_all_files(tmp_path: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["sicne"] = "6.0"
    documents["catalog/releases.yaml"]["releases"][0]["release"] = 2.6
    export(documents, "__vdso_time").update(since="6.1", until="5.3")
    first, second = lint_written(tmp_path, documents)
    assert (first.rule, first.file, first.place) == ("schema", ABI, "exports/__vdso_getcpu")
    assert "did you mean 'since'?" in first.text
    assert (second.file, second.place) == ("catalog/releases.yaml", "releases/item 1/release")
    assert "2.6 is a number" in second.text


def test_an_unknown_key_of_a_machine_gets_a_did_you_mean(tmp_path: Path) -> None:
    documents = clean_documents()
    documents["qemu-images/machines/i386.yaml"]["dead_line"] = 3
    (violation,) = lint_written(tmp_path, documents)
    assert violation.file == "qemu-images/machines/i386.yaml"
    assert "did you mean 'deadline'?" in violation.text


def test_a_version_node_in_a_release_field_is_told_apart(tmp_path: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["since"] = "LINUX_2.6.15"
    (violation,) = lint_written(tmp_path, documents)
    assert "'LINUX_2.6.15' is a version node" in violation.text


@pytest.mark.parametrize(
    ("content", "words"), [(b"a: [\n", "is no valid YAML"), (b"a: \xff\n", "is not UTF-8"), (b"a: 1\na: 2\n", "twice")]
)
def test_a_file_that_is_no_yaml_is_one_violation_that_names_it_once(tmp_path: Path, content: bytes, words: str) -> None:
    roots = write_files(tmp_path, clean_documents())
    (roots[0] / "abis" / "broken.yaml").write_bytes(content)
    (violation,) = lint(*roots).violations
    assert violation.file == "catalog/abis/broken.yaml"
    assert words in violation.text
    assert str(tmp_path) not in str(violation)


def test_a_condition_that_is_none_is_a_violation(tmp_path: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["when"] = "CONFIG_A or"
    (violation,) = lint_written(tmp_path, documents)
    assert "abis/i386.yaml" in str(violation)
    assert "'CONFIG_A or' is no condition" in violation.text


def test_evidence_of_a_release_that_is_none_is_a_violation() -> None:
    documents = clean_documents()
    documents["catalog/evidence/i386.yaml"] = evidence("i386", (sighting(), image()))
    documents["catalog/evidence/i386.yaml"]["images"][0]["seen"][0]["release"] = "6.1.x"
    (violation,) = lint_input(LintInput(documents, {})).violations
    assert (violation.rule, violation.file) == ("schema", "catalog/evidence/i386.yaml")
    assert "'6.1.x' is no kernel release" in violation.text


def test_a_directory_without_the_main_files_is_a_violation(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (violation,) = lint(tmp_path / "catalog", tmp_path / "qemu-images").violations
    assert "architectures.yaml" in violation.text


def test_a_violation_names_the_line_of_its_place(tmp_path: Path) -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["since"] = "5.17"
    (violation,) = lint_written(tmp_path, documents)
    lines = (tmp_path / ABI).read_text(encoding="utf-8").splitlines()
    assert violation.line is not None
    assert "5.17" in lines[violation.line - 1]
    assert str(violation).startswith(f"{ABI}:{violation.line}: undated-releases: exports/__vdso_getcpu/since: nobody")


def an_undated_release(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = "5.17"


def exempting(**wrong: Any) -> dict[str, Any]:
    exemption = {"rule": "undated-releases", "file": ABI, "place": "exports/__vdso_getcpu/since", "reason": "Known."}
    return {"exemptions": [{key: value for key, value in (exemption | wrong).items() if value is not None}]}


def test_an_exemption_allows_one_problem_and_is_counted() -> None:
    def change(documents: Documents) -> None:
        an_undated_release(documents)
        documents[EXEMPTIONS] = exempting()

    result = lint_changed(change)
    assert result.violations == ()
    ((violation, reason),) = result.exempted
    assert (violation.rule, violation.file, reason) == ("undated-releases", ABI, "Known.")


def test_an_exemption_without_a_place_allows_what_is_wrong_with_the_whole_file() -> None:
    def change(documents: Documents) -> None:
        documents["catalog/releases.yaml"]["releases"].append({"release": "6.3", "unknown": "made up", "source": []})
        documents[EXEMPTIONS] = exempting(rule="missing-releases", file="catalog/releases.yaml", place=None)

    result = lint_changed(change)
    assert result.violations == ()
    assert len(result.exempted) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rule": "undated-release"}, "there is no rule 'undated-release'; did you mean 'undated-releases'"),
        ({"file": "catalog/abis/i368.yaml"}, f"there is no file 'catalog/abis/i368.yaml'; did you mean '{ABI}'"),
        ({"place": "exports/__vdso_time/since"}, "undated-releases finds nothing wrong with"),
        ({"place": None}, "undated-releases finds nothing wrong with"),
    ],
)
def test_an_exemption_that_allows_nothing_is_a_violation(wrong: dict[str, Any], words: str) -> None:
    documents = changed(an_undated_release) | {EXEMPTIONS: exempting(**wrong)}
    allowed, needless = lint_input(LintInput(documents, {})).violations
    assert allowed.rule == "undated-releases"
    assert (needless.rule, needless.file, needless.place) == ("needless-exemptions", EXEMPTIONS, "exemptions/item 1")
    assert words in needless.text


def test_an_exemption_of_a_problem_that_is_gone_is_a_violation() -> None:
    (violation,) = lint_input(LintInput(clean_documents() | {EXEMPTIONS: exempting()}, {})).violations
    assert "delete the exemption" in violation.text


def test_schemas_cannot_be_exempted(tmp_path: Path) -> None:
    documents = clean_documents() | {EXEMPTIONS: exempting(rule="schema", place="exports/__vdso_getcpu")}
    i386(documents)["exports"][1]["sicne"] = "6.0"
    (violation,) = lint_written(tmp_path, documents)
    assert violation.rule == "schema"
