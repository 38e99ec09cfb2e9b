"""Lint: every rule on the smallest change of a clean catalogue that breaks exactly it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_catalog import small_documents, write_catalog

from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.lint import RULES, LintInput, Problem, lint
from vdsocat.catalog.model import provider_from_document

MACHINE: dict[str, Any] = {
    "machine": "i386",
    "kernel": {"arch": "x86", "bits": 32, "endianness": "little"},
    "abis": ["i386"],
    "qemu": "qemu-system-i386",
    "args": ["-M", "pc"],
    "memory": 256,
    "console": "ttyS0",
    "deadline": 60,
}
Documents = dict[str, Any]


def lint_documents(root: Path, documents: Documents, machine: dict[str, Any] = MACHINE) -> list[Problem]:
    write_catalog(root / "catalog", documents)
    machines = root / "qemu-images" / "machines"
    machines.mkdir(parents=True)
    (machines / f"{machine['machine']}.yaml").write_text(yaml.safe_dump(machine), encoding="utf-8")
    return lint(root / "catalog", root / "qemu-images")


def i386(documents: Documents) -> Any:
    return documents["abis/i386.yaml"]


def export(documents: Documents, symbol: str) -> Any:
    return next(one for one in i386(documents)["exports"] if one["symbol"] == symbol)


def an_alias_that_is_taken(documents: Documents) -> None:
    i386(documents)["aliases"].append("AMD64")


def an_undated_release(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = "5.17"


def an_undated_release_in_a_pair(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = ["5.17", "6.0"]


def an_undated_release_of_an_area(documents: Documents) -> None:
    documents["abis/arm.yaml"]["areas"][0]["entries"][0]["since"] = "2.6.12"


def since_after_until(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="6.1", until="5.3")


def since_at_until(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="5.3", until="5.3")


def a_pair_out_of_order(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = ["6.0", "5.3"]


def overlapping_entries(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "5.3", "until": "6.1"})


def overlapping_with_a_condition(documents: Documents) -> None:
    again = export(documents, "__vdso_getrandom") | {"since": "6.0"}
    i386(documents)["exports"].append(again)


def an_undefined_function(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["function"] = "getcpuu"
    documents["abis/x86-64.yaml"]["exports"][2]["function"] = "getcpu"


def an_unused_function(documents: Documents) -> None:
    documents["functions.yaml"]["functions"].append({"function": "idle", "summary": "Nothing.", "callable": True})


def a_dangling_alias(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["alias_of"] = "__vdso_getcpuu"


def an_export_older_than_the_image(documents: Documents) -> None:
    i386(documents)["vdso"][0]["since"] = "2.6.23"


def exports_without_an_image(documents: Documents) -> None:
    i386(documents)["vdso"] = []


def an_elf_machine_that_is_none(documents: Documents) -> None:
    i386(documents)["elf"]["machine"] = "EM_I386"


def a_function_defined_twice(documents: Documents) -> None:
    documents["functions.yaml"]["functions"].append(documents["functions.yaml"]["functions"][0])


def a_release_listed_twice(documents: Documents) -> None:
    documents["releases.yaml"]["releases"].append(documents["releases.yaml"]["releases"][0])


def a_misplaced_file(documents: Documents) -> None:
    documents["abis/i486.yaml"] = documents.pop("abis/i386.yaml")


BROKEN: list[tuple[Callable[[Documents], None], str, list[str]]] = [
    (an_alias_that_is_taken, "catalog/abis/x86-64.yaml", ["'amd64'", "already stands for i386"]),
    (a_function_defined_twice, "catalog/functions.yaml", ["is there twice"]),
    (a_release_listed_twice, "catalog/releases.yaml", ["is there twice"]),
    (an_undated_release, "catalog/abis/i386.yaml", ["__vdso_getcpu", "nobody dated release 5.17"]),
    (an_undated_release_in_a_pair, "catalog/abis/i386.yaml", ["__vdso_getcpu", "nobody dated release 5.17"]),
    (an_undated_release_of_an_area, "catalog/abis/arm.yaml", ["__kuser_get_tls", "nobody dated release 2.6.12"]),
    (since_after_until, "catalog/abis/i386.yaml", ["__vdso_time", "since 6.1 is not before until 5.3"]),
    (since_at_until, "catalog/abis/i386.yaml", ["__vdso_time", "since 5.3 is not before until 5.3"]),
    (a_pair_out_of_order, "catalog/abis/i386.yaml", ["__vdso_getcpu", "the pair 6.0…5.3 is not in order"]),
    (overlapping_entries, "catalog/abis/i386.yaml", ["__vdso_time", "two entries overlap"]),
    (overlapping_with_a_condition, "catalog/abis/i386.yaml", ["__vdso_getrandom", "two entries overlap"]),
    (an_undefined_function, "catalog/abis/i386.yaml", ["__vdso_getcpu", "'getcpuu'", "did you mean 'getcpu'?"]),
    (an_unused_function, "catalog/functions.yaml", ["no ABI has the function 'idle'"]),
    (a_dangling_alias, "catalog/abis/i386.yaml", ["__vdso_getcpu", "did you mean '__vdso_getcpu'"]),
    (an_export_older_than_the_image, "catalog/abis/i386.yaml", ["__kernel_sigreturn", "older than the vDSO"]),
    (exports_without_an_image, "catalog/abis/i386.yaml", ["no vdso entry"]),
    (an_elf_machine_that_is_none, "catalog/abis/i386.yaml", ["EM_I386 is no ELF machine", "did you mean 'EM_386'"]),
    (a_misplaced_file, "catalog/abis/i486.yaml", ["abi is 'i386' in a file named 'i486'"]),
]


def test_a_clean_catalogue_has_no_problems(tmp_path: Path) -> None:
    assert lint_documents(tmp_path, small_documents()) == []


@pytest.mark.parametrize(("change", "file", "words"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_change_breaks_exactly_one_rule(
    tmp_path: Path, change: Callable[[Documents], None], file: str, words: list[str]
) -> None:
    documents = small_documents()
    change(documents)
    problems = lint_documents(tmp_path, documents)
    assert [problem.file for problem in problems] == [file], problems
    for word in words:
        assert word in problems[0].text
    assert str(problems[0]).startswith(f"{file}: ")


def a_comeback(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "6.1", "until": None})
    del i386(documents)["exports"][-1]["until"]


def meeting_at_a_bound(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "6.0", "until": "6.1"})


def one_release_under_two_conditions(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["when"] = "native"
    i386(documents)["exports"].append(export(documents, "__vdso_getcpu") | {"when": "compat"})


def two_versions_at_once(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_getcpu") | {"version": "LINUX_4.15"})


def a_stable_release_of_a_dated_one(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = "6.0.7"


@pytest.mark.parametrize(
    "change",
    [a_comeback, meeting_at_a_bound, one_release_under_two_conditions, two_versions_at_once,
     a_stable_release_of_a_dated_one],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_what_resembles_a_problem_but_is_none(tmp_path: Path, change: Callable[[Documents], None]) -> None:
    documents = small_documents()
    change(documents)
    assert lint_documents(tmp_path, documents) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"abis": ["i368"]}, ["there is no ABI 'i368'", "did you mean 'i386'?"]),
        ({"abis": ["i386", "x86-64"]}, ["x86-64 has no host entry for x86, 32-bit"]),
    ],
)
def test_a_machine_runs_abis_that_the_catalogue_hosts_there(
    tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    (problem,) = lint_documents(tmp_path, small_documents(), MACHINE | change)
    assert problem.file == "qemu-images/machines/i386.yaml"
    for word in words:
        assert word in problem.text


def test_an_unknown_key_of_a_machine_gets_a_did_you_mean(tmp_path: Path) -> None:
    (problem,) = lint_documents(tmp_path, small_documents(), MACHINE | {"dead_line": 3})
    assert problem.file == "qemu-images/machines/i386.yaml"
    assert "did you mean 'deadline'?" in problem.text


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (
            {"abis": [], "none": [{"abis": ["i368"], "reason": "x"}]},
            ["there is no ABI 'i368'", "did you mean 'i386'?"],
        ),
        (
            {
                "abis": [
                    {
                        "abi": "i386",
                        "since": "1.0",
                        "source": [{"note": "x"}],
                        "exports": [{"symbol": "__vdso_timee", "function": "timee", "version": "LINUX_2.6"}],
                    }
                ]
            },
            ["__vdso_timee", "nobody defines the function 'timee'"],
        ),
    ],
)
def test_a_provider_speaks_of_known_abis_and_functions(provider: dict[str, Any], words: list[str]) -> None:
    catalog = assemble_catalog(small_documents())
    catalog.providers["emulator"] = provider_from_document({"provider": "emulator", "name": "An emulator", **provider})  # type: ignore[index]
    (problem,) = [problem for rule in RULES for problem in rule(LintInput(catalog, {}))]
    assert problem.file == "catalog/providers/emulator.yaml"
    for word in words:
        assert word in problem.text


def test_schema_problems_come_alone_and_from_all_files(tmp_path: Path) -> None:
    documents = small_documents()
    export(documents, "__vdso_getcpu")["sicne"] = "6.0"
    documents["releases.yaml"]["releases"][0]["release"] = 2.6
    since_after_until(documents)
    problems = lint_documents(tmp_path, documents)
    assert [problem.file for problem in problems] == ["catalog/abis/i386.yaml", "catalog/releases.yaml"]
    assert "did you mean 'since'?" in problems[0].text
    assert "2.6 is a number" in problems[1].text


def test_a_version_string_in_a_release_field_is_told_apart(tmp_path: Path) -> None:
    documents = small_documents()
    export(documents, "__vdso_getcpu")["since"] = "LINUX_2.6.15"
    (problem,) = lint_documents(tmp_path, documents)
    assert "'LINUX_2.6.15' is a version node" in problem.text


def test_a_file_that_is_no_yaml_is_one_problem_that_names_it_once(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "catalog")
    (root / "abis" / "broken.yaml").write_text("a: [\n", encoding="utf-8")
    (problem,) = lint(root, tmp_path / "qemu-images")
    assert problem.file == "catalog/abis/broken.yaml"
    assert "is no valid YAML" in problem.text


def test_a_condition_that_is_none_is_a_problem(tmp_path: Path) -> None:
    documents = small_documents()
    export(documents, "__vdso_getcpu")["when"] = "CONFIG_A or"
    (problem,) = lint_documents(tmp_path, documents)
    assert "abis/i386.yaml" in str(problem)
    assert "'CONFIG_A or' is no condition" in problem.text


def test_a_directory_without_the_main_files_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (problem,) = lint(tmp_path / "catalog", tmp_path / "qemu-images")
    assert "architectures.yaml" in problem.text


def test_every_rule_is_broken_by_some_test() -> None:
    tested = {"provider_abis", "machine_abis"}
    for change, _, _ in BROKEN:
        documents = small_documents()
        change(documents)
        given = LintInput(assemble_catalog(documents), {})
        tested |= {rule.__name__ for rule in RULES if list(rule(given))}
    assert tested == {rule.__name__ for rule in RULES}
