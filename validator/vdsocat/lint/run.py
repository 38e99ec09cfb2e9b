"""Linting: read the files, hold them against their schemas and the rules, and take out what is exempted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdsocat.catalog.consumer import consumer_from_document
from vdsocat.catalog.document import editions_from_document
from vdsocat.catalog.evidence import evidence_from_document
from vdsocat.document_lines import line_of
from vdsocat.documents import Place, parse_yaml, read_text, schema_errors, schema_for, spell_place
from vdsocat.errors import InputError
from vdsocat.lint.coverage import Coverage, coverage
from vdsocat.lint.exemptions import EXEMPTIONS, Exemption, exemptions_from_document, needless_exemptions
from vdsocat.lint.problem import EVIDENCE, LintInput, Problem, Rule, rule_name
from vdsocat.lint.rules import RULES


@dataclass(frozen=True, slots=True)
class Violation:
    """A problem as it is printed: with the rule, the line (from 1) where it is known, and the place in words."""

    rule: str
    file: str
    line: int | None
    place: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.rule, self.place, self.text) if part)


@dataclass(frozen=True, slots=True)
class LintResult:
    """What linting found in how many files: the violations, and those that are exempted, with the reason."""

    files: int
    violations: tuple[Violation, ...]
    exempted: tuple[tuple[Violation, str], ...] = ()


def lint(catalog_root: Path, machines_root: Path, rules: Sequence[Rule] = RULES) -> LintResult:
    """Hold the files under both directories against their schemas, and against the rules if the schemas accept all."""
    given, violations = read_lint_input(catalog_root, machines_root)
    return LintResult(len(given.texts), violations) if violations else lint_input(given, rules)


def read_lint_input(catalog_root: Path, machines_root: Path) -> tuple[LintInput, tuple[Violation, ...]]:
    """The files under both directories, and what their schemas reject; only without that is the input fit for rules.

    InputError when there is no directory `catalog_root`.
    """
    if not catalog_root.is_dir():
        raise InputError(f"{catalog_root}: there is no such directory.")
    texts: dict[str, str] = {}
    documents: dict[str, Any] = {}
    given = LintInput(documents, texts)
    violations: list[Violation] = []
    for name, path in lint_files(catalog_root, machines_root).items():
        texts[name] = ""
        try:
            texts[name] = read_text(path)
            documents[name] = parse_yaml(texts[name], path)
            problems = [Problem(name, *error) for error in schema_errors(documents[name], schema_for(path))]
            violations += _violations("schema", problems, given)
        except InputError as error:
            violations.append(Violation("schema", name, None, "", _without_path(error, path)))
    return given, tuple(violations)


def read_coverage(catalog_root: Path, machines_root: Path) -> Coverage:
    """How much of the catalogue is sourced and observed; InputError with the first problem of one that cannot be read.

    The rules are not applied.
    """
    given, rejected = read_lint_input(catalog_root, machines_root)
    for problem in rejected or tuple(_unreadable(given)):
        raise InputError(f"the catalogue cannot be counted: {problem}")
    return coverage(given)


def lint_input(given: LintInput, rules: Sequence[Rule] = RULES) -> LintResult:
    """Apply the rules to documents that conform to their schemas."""
    unreadable = tuple(_unreadable(given))
    if unreadable:
        return LintResult(len(given.documents), unreadable)
    exemptions = exemptions_from_document(given.documents.get(EXEMPTIONS, {}))
    violations: list[Violation] = []
    exempted: list[tuple[Violation, str]] = []
    used: set[Exemption] = set()
    for rule in rules:
        for violation in _violations(rule_name(rule), rule(given), given):
            exemption = Exemption(violation.rule, violation.file, violation.place)
            if exemption in exemptions:
                used.add(exemption)
                exempted.append((violation, exemptions[exemption]))
            else:
                violations.append(violation)
    needless = needless_exemptions(given.documents, exemptions, used, [rule_name(rule) for rule in rules])
    violations += _violations("needless-exemptions", needless, given)
    return LintResult(len(given.documents), tuple(violations), tuple(exempted))


def _unreadable(given: LintInput) -> Iterator[Violation]:
    """What no schema sees: conditions that are none, releases that cannot be ordered, a main file that is missing."""
    builders: dict[str, Callable[[Any], Any]] = {
        "catalog/documents/": lambda raw: list(editions_from_document(raw)),
        "catalog/consumers/": consumer_from_document,
        EVIDENCE: evidence_from_document,
    }
    for directory, build in builders.items():
        for name, raw in given.below(directory).items():
            try:
                build(raw)
            except (ValueError, InputError) as error:
                yield Violation("schema", name, None, "", f"{error}.")
    try:
        _ = given.catalog
    except InputError as error:
        yield Violation("schema", "catalog", None, "", error.sentence())


def lint_files(catalog_root: Path, machines_root: Path | None = None) -> dict[str, Path]:
    """The YAML files that are linted, by the names that problems give them."""
    roots = {"catalog": catalog_root} | ({"qemu-images": machines_root} if machines_root else {})
    return {
        f"{prefix}/{path.relative_to(root).as_posix()}": path
        for prefix, root in roots.items()
        for path in sorted(root.rglob("*.yaml"))
        if not path.name.startswith(".")
    }


def _violations(rule: str, problems: Iterator[Problem] | Sequence[Problem], given: LintInput) -> Iterator[Violation]:
    for problem in problems:
        document = given.documents.get(problem.file)
        line = line_of(problem.place, given.texts[problem.file]) if problem.file in given.texts else None
        yield Violation(rule, problem.file, line, _spell(document, problem.place), problem.text)


def _spell(document: Any, place: Place) -> str:
    return spell_place(document, place) if document is not None else ""


def _without_path(error: InputError, path: Path) -> str:
    """The sentence without the path that it begins with: the problem names the file already."""
    return error.sentence().removeprefix(f"{path}: ")
