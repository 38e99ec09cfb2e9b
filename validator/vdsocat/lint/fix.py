"""The fixer: rewrites the catalogue's files in their canonical form."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vdsocat.documents import parse_yaml, read_schema, read_text, schema_errors, schema_for
from vdsocat.errors import InputError
from vdsocat.lint.canonical import canonical_text, says_the_same
from vdsocat.lint.problem import EVIDENCE
from vdsocat.lint.run import lint_files


def fix(catalog_root: Path) -> Iterator[Path]:
    """Rewrite the files that are not in canonical form, each whole or not at all; yields those that were rewritten.

    Files that their schema rejects and evidence, which only programs write, are left as they are. InputError when a
    file cannot be written.
    """
    for name, path in lint_files(catalog_root).items():
        if name.startswith(EVIDENCE):
            continue
        try:
            text = read_text(path)
            if any(schema_errors(parse_yaml(text, path), schema_for(path))):
                continue
            canonical = canonical_text(text, read_schema(schema_for(path)))
        except InputError:
            continue  # linting says what is wrong with it
        if canonical != text:
            if not says_the_same(text, canonical) or text.count("#") != canonical.count("#"):
                raise InputError(f"{path}: has no canonical form that says the same; it was left as it is.")
            _replace(path, canonical)
            yield path


def _replace(path: Path, text: str) -> None:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            partial.chmod(path.stat().st_mode & 0o777)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None
