"""Reading the catalogue's files: schemas, messages that name the place, the prepared form."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from small_catalog import small_documents, write_catalog

from vdsocat.catalog.files import assemble_catalog, load_catalog
from vdsocat.documents import data_directory, read_checked, read_yaml, schema_for, schema_problems
from vdsocat.errors import InputError


def problems_of(change: str, value: Any, document: str = "abis/i386.yaml") -> list[str]:
    """The schema's problems when the first export (or the named place) of a document is changed."""
    documents = small_documents()
    target: Any = documents[document]
    *steps, last = change.split("/")
    for step in steps:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    return list(schema_problems(documents[document], schema_for(Path(document))))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", list(small_documents()))
def test_the_small_catalogue_conforms(path: str) -> None:
    assert list(schema_problems(small_documents()[path], schema_for(Path(path)))) == []


@pytest.mark.parametrize(
    ("change", "value", "words"),
    [
        ("exports/0/verison", "LINUX_2.6", ["exports/__vdso_clock_gettime", "'verison'", "did you mean 'version'?"]),
        ("hosts/0/kernl", "x86", ["hosts/item 1", "'kernl'", "did you mean 'kernel'?"]),
        ("alias", [], ["the file", "'alias'", "did you mean 'aliases'"]),
        ("exports/0/since", "LINUX_2.6.15", ["__vdso_clock_gettime/since", "'LINUX_2.6.15' is a version node"]),
        ("exports/0/until", "LINUX_2.6.15", ["__vdso_clock_gettime/until", "is a version node"]),
        ("exports/0/since", ["LINUX_2.6.15", "5.1"], ["__vdso_clock_gettime/since", "is a version node"]),
        ("exports/0/since", 5.1, ["__vdso_clock_gettime/since", "5.1 is a number", "quoted"]),
        ("exports/0/since", 5, ["5 is a number", "quoted"]),
        ("exports/0/since", ["5.9", 5.11], ["__vdso_clock_gettime/since", "5.11 is a number", "quoted"]),
        ("exports/0/version", "2.6.15", ["__vdso_clock_gettime/version", "'2.6.15'"]),
        ("exports/0/type", "FUN", ["__vdso_clock_gettime/type", "'FUN' is none of FUNC, NOTYPE, OBJECT"]),
        ("exports/0/source", [], ["__vdso_clock_gettime/source"]),
        ("exports/0/source", [{"tag": "6.1"}], ["__vdso_clock_gettime/source/item 1/tag"]),
        ("elf/class", 63, ["elf/class", "63 is none of 32, 64"]),
        ("exports/0/1", "x", ["unknown key '1'"]),
    ],
)
def test_a_problem_names_its_place_and_what_to_do(change: str, value: Any, words: list[str]) -> None:
    (problem,) = problems_of(change, value)
    for word in words:
        assert word in problem
    assert problem.endswith((".", "?"))


def test_a_missing_key_is_named() -> None:
    document = small_documents()["abis/i386.yaml"]
    del document["exports"][1]["function"]
    assert list(schema_problems(document, "abi")) == ["exports/__vdso_getcpu: the key 'function' is missing."]


def test_every_missing_key_is_named_once() -> None:
    document = small_documents()["abis/i386.yaml"]
    del document["exports"][1]["function"], document["exports"][1]["version"]
    assert sorted(schema_problems(document, "abi")) == [
        "exports/__vdso_getcpu: the key 'function' is missing.",
        "exports/__vdso_getcpu: the key 'version' is missing.",
    ]


def test_an_unquoted_release_in_releases_is_a_number() -> None:
    (problem,) = problems_of("releases/0/release", 5.1, "releases.yaml")
    assert "5.1 is a number" in problem


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_file_that_holds_something_else_is_one_problem(document: Any) -> None:
    (problem,) = schema_problems(document, "abi")
    assert problem.startswith("the file: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\nb: 2\n", ["is no valid YAML", "line"]),
        ("a: 1\na: 2\n", ["line 2", "the key 'a' is given twice"]),
        ("x:\n  a: 1\n  a: 2\n", ["line 3", "the key 'a' is given twice"]),
        ("a: !!python/object:os.system {}\n", ["is no valid YAML"]),
        ("? [a, b]\n: 1\n", ["is no valid YAML"]),
        ("? {a: b}\n: 1\n", ["is no valid YAML"]),
        ("a: \x01\n", ["is no valid YAML"]),
    ],
)
def test_yaml_that_is_none_gives_the_file_and_the_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path / "bad.yaml", text)
    with pytest.raises(InputError) as refusal:
        read_yaml(path)
    for word in [str(path), *words]:
        assert word in str(refusal.value)


def test_keys_that_are_no_strings_are_unknown_keys(tmp_path: Path) -> None:
    document = read_yaml(write(tmp_path / "a.yaml", "on: 1\n6.1: 2\nabi: x\n"))
    problems = list(schema_problems(document, "abi"))
    assert any("unknown key" in problem for problem in problems)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.yaml: is not UTF-8"):
        read_yaml(tmp_path / "binary.yaml")


def test_dates_stay_strings(tmp_path: Path) -> None:
    assert read_yaml(write(tmp_path / "a.yaml", "date: 2006-01-03\n")) == {"date": "2006-01-03"}


def test_a_checked_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "abis").mkdir()
    path = write(tmp_path / "abis" / "i386.yaml", "abi: i386\n")
    with pytest.raises(InputError, match=r"i386\.yaml: the file: the key 'name' is missing\."):
        read_checked(path)


def test_a_kind_of_file_without_a_schema_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nonsense"):
        read_checked(write(tmp_path / "nonsense.yaml", "a: 1\n"))


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("abis/arm.yaml", "abi"),
        ("providers/gvisor.yaml", "provider"),
        ("machines/arm.yaml", "machine"),
        ("functions.yaml", "functions"),
        ("kernels.yaml", "kernels"),
    ],
)
def test_where_a_file_stands_decides_its_schema(path: str, schema: str) -> None:
    assert schema_for(Path("catalog", path)) == schema


@pytest.mark.parametrize("kind", ["catalog", "schemas", "qemu-images"])
def test_the_data_directories_are_there(kind: str) -> None:
    assert any(data_directory(kind).iterdir())


def test_a_data_directory_that_is_missing_says_so() -> None:
    with pytest.raises(InputError, match="nothing-of-ours/ is missing"):
        data_directory("nothing-of-ours")


def test_every_schema_is_a_schema() -> None:
    import jsonschema

    for path in data_directory("schemas").glob("*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_a_catalogue_is_the_same_from_files_and_from_its_prepared_form(tmp_path: Path) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    fresh = load_catalog(root, cache)
    assert len(list(cache.glob("catalog-*.json"))) == 1
    assert load_catalog(root, cache) == fresh == load_catalog(root) == assemble_catalog(small_documents())


def test_the_prepared_form_saves_reading_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    load_catalog(root, cache)
    monkeypatch.setattr("vdsocat.documents.read_yaml", lambda path: pytest.fail(f"{path} was read again"))
    assert "i386" in load_catalog(root, cache).abis


def test_a_changed_file_is_read_again_and_the_stale_form_goes(tmp_path: Path) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    load_catalog(root, cache)
    documents = small_documents()
    documents["abis/i386.yaml"]["name"] = "something else"
    write_catalog(root, documents)
    os.utime(root / "abis" / "i386.yaml", (1, 1))
    assert load_catalog(root, cache).abis["i386"].title == "something else"
    assert len(list(cache.glob("catalog-*.json"))) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'"text"', b"{}"])
def test_a_damaged_prepared_form_is_made_again(tmp_path: Path, damage: bytes) -> None:
    root, cache = write_catalog(tmp_path / "catalog"), tmp_path / "cache"
    load_catalog(root, cache)
    (prepared,) = cache.glob("catalog-*.json")
    prepared.write_bytes(damage)
    assert "i386" in load_catalog(root, cache).abis


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "catalog")
    blocked = write(tmp_path / "file", "")
    assert "i386" in load_catalog(root, blocked / "cache").abis


def test_a_directory_that_is_no_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"architectures\.yaml: cannot be read"):
        load_catalog(tmp_path)
    with pytest.raises(InputError, match=r"architectures\.yaml"):
        assemble_catalog({"abis/i386.yaml": small_documents()["abis/i386.yaml"]})


@pytest.mark.parametrize("when", ["CONFIG_A and", "VDSO"])
def test_a_condition_that_is_none_names_the_file(when: str) -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["exports"][0]["when"] = when
    with pytest.raises(InputError, match=r"abis/i386\.yaml: "):
        assemble_catalog(documents)
