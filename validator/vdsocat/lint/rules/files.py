"""Rules about the files themselves: where they stand, and what they say twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from vdsocat.lint.problem import LintInput, Problem

# The key whose value is the file's name, by the directory of the file.
_NAMING_KEYS = {
    "abis": "abi",
    "consumers": "consumer",
    "documents": "document",
    "evidence": "abi",
    "machines": "machine",
    "providers": "provider",
}

# The list in which a key stands for one thing only, by the file.
_LISTS_WITHOUT_REPEATS = {
    "catalog/architectures.yaml": ("architectures", "architecture"),
    "catalog/functions.yaml": ("functions", "function"),
    "catalog/releases.yaml": ("releases", "release"),
}


def misplaced_files(given: LintInput) -> Iterator[Problem]:
    """A file is named after the ABI, provider, document, consumer or machine in it, so that a name finds its file."""
    for name, document in given.documents.items():
        path = PurePosixPath(name)
        key = _NAMING_KEYS.get(path.parent.name, "")
        if key in document and document[key] != path.stem:
            yield Problem(name, (key,), f"{key} is {document[key]!r} in a file named {path.stem!r}.")


def repeated_entries(given: LintInput) -> Iterator[Problem]:
    """A function is defined once, a release dated once, an architecture described once: the last would win unseen."""
    for name, (entries, key) in _LISTS_WITHOUT_REPEATS.items():
        seen = set()
        for number, entry in enumerate(given.documents[name][entries]):
            if entry[key] in seen:
                yield Problem(name, (entries, number), f"the {key} {entry[key]!r} is there twice.")
            seen.add(entry[key])


RULES = (misplaced_files, repeated_entries)
