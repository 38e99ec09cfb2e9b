"""The project's YAML files: schema-checked when they changed, and read in a prepared form when they did not."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vdsocat.errors import InputError, did_you_mean
from vdsocat.installation import data_path

_PREPARED_FORMAT = 1

# The keys and list positions that lead from a document's root to a place in it.
Place = tuple[str | int, ...]


def data_directory(kind: str) -> Path:
    """The directory `catalog`, `schemas` or `qemu-images`: inside an installed package, or of a checkout.

    InputError when neither has it.
    """
    return Path(data_path(kind))


def read_documents(root: Path, patterns: Sequence[str], cache: Path | None = None) -> dict[str, Any]:
    """The documents under `root` that the patterns name, by their path below it; each has passed its schema.

    They come from their prepared form in `cache` if that is current. InputError names the file and the place of
    whatever does not conform, and a file that is missing although a pattern names it outright.
    """
    files = [
        path for pattern in patterns for path in (sorted(root.glob(pattern)) if "*" in pattern else [root / pattern])
    ]
    # What is read, and where, is part of the name: installations, or readers, that share a cache keep their own.
    asked = f"{root.absolute()} {' '.join(patterns)}"
    place = f"{root.name}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    prepared = cache / f"{place}-{_fingerprint(files)}.json" if cache else None
    documents = _read_prepared(prepared) if prepared else None
    if documents is None or documents.keys() != {path.relative_to(root).as_posix() for path in files}:
        documents = {path.relative_to(root).as_posix(): read_checked(path) for path in files}
        if prepared:
            _write_prepared(prepared, documents, place)
    return documents


def read_checked(path: Path) -> Any:
    """The content of a YAML file after its schema has accepted it; InputError with the first problem otherwise."""
    document = read_yaml(path)
    for problem in schema_problems(document, schema_for(path)):
        raise InputError(f"{path}: {problem}")
    return document


def read_users_file(path: Path, schema_name: str) -> Any:
    """The content of a YAML file that a user wrote for a command, after the schema of that name has accepted it.

    InputError names the file, the line and what is wrong there.
    """
    from vdsocat.document_lines import line_of

    text = read_text(path)
    document = parse_yaml(text, path)
    for error in _errors(document, schema_name):
        culprit = _unknown_keys(error)[:1] if error.validator == "additionalProperties" else ()
        line = line_of((*error.absolute_path, *culprit), text)
        raise InputError(f"{path}{f' line {line}' if line else ''}: {_spell_schema_error(error)}")
    return document


def schema_for(path: Path) -> str:
    """The name of the schema that a catalogue or machine file must conform to, from where it stands."""
    by_directory = {
        "abis": "abi",
        "providers": "provider",
        "consumers": "consumer",
        "documents": "document",
        "evidence": "evidence",
        "machines": "machine",
    }
    return by_directory.get(path.parent.name, path.stem)


def read_yaml(path: Path) -> Any:
    """Parse a YAML file; InputError for a missing file, a syntax error or a key given twice.

    Dates stay strings, so that a document is the same whether read from YAML or from JSON.
    """
    return parse_yaml(read_text(path), path)


def read_text(path: Path) -> str:
    """The text of a file, line ends as they are; InputError when it cannot be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text.") from None


def parse_yaml(text: str, path: Path | str) -> Any:
    """What YAML text says, as `read_yaml` does; `path` is named in errors only."""
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}: is no valid YAML{where} ({getattr(error, 'problem', error)}).") from None


def schema_problems(document: Any, schema_name: str) -> Iterator[str]:
    """What is wrong with a document by the schema of that name, one sentence each, with the place of it."""
    for place, text in schema_errors(document, schema_name):
        yield f"{spell_place(document, place) or 'the file'}: {text}"


def schema_errors(document: Any, schema_name: str) -> Iterator[tuple[Place, str]]:
    """The place of each thing that the schema of that name rejects, and what is wrong there."""
    for error in _errors(document, schema_name):
        yield tuple(error.absolute_path), _spell_schema_error(error)


def _errors(document: Any, schema_name: str) -> list[Any]:
    """What jsonschema has to say, in the order of the places."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(read_schema(schema_name))
    return sorted(validator.iter_errors(document), key=lambda one: [str(part) for part in one.absolute_path])


def _unknown_keys(error: Any) -> list[str]:
    return sorted(str(key) for key in error.instance if key not in error.schema.get("properties", {}))


def read_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of this name; InputError when there is none."""
    path = data_directory("schemas") / f"{name}.schema.json"
    if not path.is_file():
        raise InputError(f"There is no schema for a file of the kind {name!r}; it stands in the wrong place.")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def spell_place(document: Any, place: Place) -> str:
    """A place as people find it: a list item by its own name where it has one, else by its number from 1."""
    steps = []
    here = document
    for step in place:
        here = here[step]
        steps.append(_own_name(here) or f"item {step + 1}" if isinstance(step, int) else step)
    return "/".join(steps)


def _own_name(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    keys = ("symbol", "function", "release", "area", "abi", "architecture", "mapping", "tag")
    names = (name for name in map(item.get, keys) if isinstance(name, str))
    # A tag is the name of an entry of the auxiliary vector; that of a source tree is shared by many.
    return next((name for name in names if name != item.get("tag") or name.startswith("AT_")), None)


def _spell_schema_error(error: Any) -> str:
    if error.validator == "additionalProperties":
        unknown = _unknown_keys(error)[0]
        return f"unknown key {unknown!r}{did_you_mean(unknown, error.schema.get('properties', {}))}"
    if error.validator == "required":
        # One error for each missing key, which only its message names.
        return f"the key {error.message.removesuffix(' is a required property')} is missing."
    for bound in error.instance if isinstance(error.instance, list) else [error.instance]:
        if _of_release(error) and str(bound).startswith("LINUX_"):
            return f'{bound!r} is a version node; a release, such as "5.11", is wanted.'
        if error.validator in ("oneOf", "type") and isinstance(bound, float | int):
            return f'{bound!r} is a number; write releases as quoted strings, such as "5.10".'
    if error.validator == "enum":
        allowed = ", ".join(map(str, error.validator_value))
        return f"{error.instance!r} is none of {allowed}."
    return f"{error.message}."


def _of_release(error: Any) -> bool:
    """Whether the error is about a field that holds a release."""
    return any(step in ("since", "until", "release") for step in list(error.absolute_path)[-2:])


def _loader() -> type:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[valid-type, misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML wants a class attribute)
            first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
            for first, entries in base.yaml_implicit_resolvers.items()
        }

    def mapping_without_duplicates(loader: Any, node: Any) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be one word or number", key_node.start_mark
                )
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} is given twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return dict(loader.construct_pairs(node, deep=True))

    Loader.add_constructor("tag:yaml.org,2002:map", mapping_without_duplicates)
    return Loader


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256(f"prepared form {_PREPARED_FORMAT}".encode())
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
        digest.update(f"{path} {status.st_mtime_ns} {status.st_size}\n".encode())
    return digest.hexdigest()[:24]


def _read_prepared(path: Path) -> dict[str, Any] | None:
    try:
        documents: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return documents if isinstance(documents, dict) else None


def _write_prepared(path: Path, documents: Mapping[str, Any], place: str) -> None:
    """Keep the prepared form for the next start; a cache that cannot be written costs time, nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(documents, file, separators=(",", ":"))
        Path(temporary).replace(path)
    except OSError:
        return
    for stale in path.parent.glob(f"{place}-*.json"):
        if stale != path:
            stale.unlink(missing_ok=True)
