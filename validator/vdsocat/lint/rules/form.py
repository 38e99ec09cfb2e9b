"""Rules about how a file is written; `vdsocat lint --fix` restores the form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from vdsocat.catalog.evidence import spell_evidence
from vdsocat.documents import read_schema, schema_for
from vdsocat.errors import InputError
from vdsocat.lint.canonical import canonical_text
from vdsocat.lint.problem import CATALOG, EVIDENCE, LintInput, Problem


def noncanonical_files(given: LintInput) -> Iterator[Problem]:
    """Keys and entries stand in their order and are laid out in one way, so that a diff shows facts only."""
    for name, text in given.texts.items():
        if not name.startswith(CATALOG) or name.startswith(EVIDENCE):
            continue
        try:
            canonical = canonical_text(text, read_schema(schema_for(Path(name))))
        except InputError as error:
            yield Problem(name, (), error.sentence())
            continue
        if canonical != text:
            line = _first_difference(text, canonical)
            yield Problem(name, (), f"line {line} is not in canonical form; run vdsocat lint --fix.")


def edited_evidence(given: LintInput) -> Iterator[Problem]:
    """Evidence is what programs saw: a file of it is just as they write it, which nobody's edit is by chance."""
    for name, evidence in given.evidence.items():
        if name in given.texts and given.texts[name] != spell_evidence(evidence):
            yield Problem(name, (), "is not as vdsocat writes it; record the evidence again instead of editing it.")


RULES = (noncanonical_files, edited_evidence)


def _first_difference(text: str, other: str) -> int:
    pairs = zip_longest(text.split("\n"), other.split("\n"))
    return next(number for number, (one, two) in enumerate(pairs, start=1) if one != two)
