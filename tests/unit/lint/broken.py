"""A clean catalogue for lint, and changes that break it: each rule is tested on the smallest change that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from small_catalog import small_documents

from vdsocat.catalog.evidence import evidence_from_document, spell_evidence
from vdsocat.documents import read_schema, schema_for, schema_problems
from vdsocat.exports import KernelRelease
from vdsocat.lint.canonical import canonical_text
from vdsocat.lint.problem import EVIDENCE, LintInput
from vdsocat.lint.run import LintResult, lint_input

Documents = dict[str, Any]
Change = Callable[[Documents], None]

COMMIT = "7a59ed415f5b57469e22e41fc4188d5399e0b194"
SOURCE = [{"commit": COMMIT, "path": "arch/x86"}]

MACHINE: dict[str, Any] = {
    "machine": "i386",
    "kernel": {"arch": "x86", "bits": 32, "endianness": "little"},
    "abis": ["i386"],
    "qemu": "qemu-system-i386",
    "least_qemu": "5.2",
    "args": ["-M", "pc"],
    "memory": 256,
    "console": "ttyS0",
    "deadline": 60,
}


@dataclass(frozen=True)
class Broken:
    """A change, the rule that it breaks, the file and place of the problem, and words that the problem must have."""

    rule: str
    change: Change
    file: str
    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}-{self.change.__name__}"


def clean_documents() -> Documents:
    """The small catalogue and a machine by their names in lint, with nothing that any rule finds wrong."""
    documents = {f"catalog/{path}": document for path, document in small_documents().items()}
    for name in ("i386", "x86-64", "arm"):
        _cite_commits(documents[f"catalog/abis/{name}.yaml"])
    for function in documents["catalog/functions.yaml"]["functions"]:
        function["source"] = [dict(SOURCE[0])]
    releases = documents["catalog/releases.yaml"]["releases"]
    known = {entry["release"] for entry in releases}
    gaps = [f"2.6.{number}" for number in range(24)] + ["5.2"]
    releases += [{"release": one, "unknown": "made up", "source": []} for one in gaps if one not in known]
    releases.sort(key=lambda entry: KernelRelease.parse(entry["release"]))
    documents["catalog/architectures.yaml"]["architectures"] = [
        {"architecture": name, "name": name, "since": since, "source": [{"tag": "v6.1", "path": f"arch/{name}"}]}
        for name, since in (("x86", "2.6.0"), ("arm", "2.6.0"), ("arm64", "3.15"))
    ]
    alpha = {"architecture": "alpha", "name": "Alpha", "since": "2.6.0", "none": "It never had one."}
    alpha["source"] = [{"tag": "v6.1", "path": "arch/alpha"}]
    documents["catalog/architectures.yaml"]["architectures"].append(alpha)
    documents["catalog/unobservable.yaml"] = {"unobservable": [{"reason": "No such kernel was ever built."}]}
    every = {"abis": ["arm", "i386", "x86-64"], "reason": "No such kernel was ever booted.", "date": "2026-11-25"}
    documents["catalog/unbooted.yaml"] = {"unbooted": [every]}
    documents["qemu-images/machines/i386.yaml"] = dict(MACHINE)
    return documents


def _cite_commits(value: Any) -> None:
    """Put a commit, which proves every release, in place of each list of sources."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _cite_commits(inner)
    if isinstance(value, dict) and "source" in value:
        value["source"] = [{"commit": COMMIT, "path": source["path"]} for source in value["source"]]


def changed(change: Change) -> Documents:
    """The clean documents after a change; the schemas accept them still, so that it is the rules' turn."""
    documents = clean_documents()
    change(documents)
    for name, document in documents.items():
        assert list(schema_problems(document, schema_for(Path(name)))) == [], name
    return documents


def lint_changed(change: Change) -> LintResult:
    """What lint says after the change."""
    return lint_input(LintInput(changed(change), {}))


def assert_breaks(broken: Broken, besides: tuple[str, ...] = ()) -> None:
    """The change breaks this rule, once, and no other; the rules `besides` are not looked at."""
    violations = [one for one in lint_changed(broken.change).violations if one.rule not in besides]
    assert [(one.rule, one.file, one.place) for one in violations] == [(broken.rule, broken.file, broken.place)], (
        violations
    )
    for word in broken.words:
        assert word in violations[0].text


def assert_harmless(change: Change, besides: tuple[str, ...] = ()) -> None:
    """What resembles a problem and is none; the rules `besides` are not looked at."""
    assert [one for one in lint_changed(change).violations if one.rule not in besides] == []


def i386(documents: Documents) -> Any:
    """The document of an ABI with symbols of every sort."""
    return documents["catalog/abis/i386.yaml"]


def arm(documents: Documents) -> Any:
    """The document of an ABI with a fixed page and two hosts."""
    return documents["catalog/abis/arm.yaml"]


def export(documents: Documents, symbol: str) -> Any:
    """An export of i386."""
    return next(one for one in i386(documents)["exports"] if one["symbol"] == symbol)


def write_files(root: Path, documents: Documents, canonical: bool = True) -> tuple[Path, Path]:
    """Write the documents below `root`, in their canonical form or another; return catalog/ and qemu-images/ there."""
    for name, document in documents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(document, sort_keys=False)
        if name.startswith(EVIDENCE):
            text = spell_evidence(evidence_from_document(document))
        elif canonical:
            text = canonical_text(text, read_schema(schema_for(path)))
        path.write_text(text, encoding="utf-8")
    return root / "catalog", root / "qemu-images"
