"""Exemptions: problems that the catalogue knows of and allows, with reasons; one that allows nothing is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import Problem

EXEMPTIONS = "catalog/exemptions.yaml"


@dataclass(frozen=True, slots=True)
class Exemption:
    """What is allowed: the problem of a rule at a place of a file, as output names all three; `place` may be ""."""

    rule: str
    file: str
    place: str


def exemptions_from_document(document: Mapping[str, Any]) -> dict[Exemption, str]:
    """The exemptions with their reasons, from catalog/exemptions.yaml (schemas/exemptions.schema.json)."""
    return {
        Exemption(raw["rule"], raw["file"], raw.get("place", "")): raw["reason"]
        for raw in document.get("exemptions", ())
    }


def needless_exemptions(
    documents: Mapping[str, Any], exemptions: Collection[Exemption], used: Collection[Exemption], rules: Collection[str]
) -> Iterator[Problem]:
    """The exemptions that allowed nothing, because the problem is gone or because a name in them is wrong."""
    for number, exemption in enumerate(exemptions):
        place = ("exemptions", number)
        if exemption.rule not in rules:
            text = f"there is no rule {exemption.rule!r}{did_you_mean(exemption.rule, rules)}"
        elif exemption.file not in documents:
            text = f"there is no file {exemption.file!r}{did_you_mean(exemption.file, documents)}"
        elif exemption not in used:
            where = ": ".join(part for part in (exemption.file, exemption.place) if part)
            text = f"{exemption.rule} finds nothing wrong with {where}; delete the exemption."
        else:
            continue
        yield Problem(EXEMPTIONS, place, text)
