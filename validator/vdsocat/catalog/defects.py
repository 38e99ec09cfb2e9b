"""Defects of kernels that have been traced to their source: what a rule would fail, and which kernels have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vdsocat.catalog.intervals import Interval


@dataclass(frozen=True, slots=True)
class Defect:
    """A case of functions that kernels of an interval get wrong; docs/findings.md has a section of the same name.

    Or what a `rule` finds, with `cases` for the subjects of its findings. `abis` is empty where all can have it.
    """

    name: str
    functions: tuple[str, ...]
    cases: tuple[str, ...]
    interval: Interval
    summary: str
    rule: str | None = None
    abis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderDefect:
    """What another provider gets wrong: which rules fail for which of its symbols, over a stretch of its releases."""

    name: str
    abis: tuple[str, ...]
    symbols: tuple[str, ...]
    rules: tuple[str, ...]
    interval: Interval
    summary: str


def provider_defects_from_document(document: Mapping[str, Any]) -> tuple[ProviderDefect, ...]:
    """Build the defects from a provider's file (schemas/provider.schema.json)."""
    return tuple(
        ProviderDefect(
            name=raw["defect"],
            abis=tuple(raw["abis"]),
            symbols=tuple(raw["symbols"]),
            rules=tuple(raw["rules"]),
            interval=Interval.from_document(raw),
            summary=raw["summary"],
        )
        for raw in document.get("defects", ())
    )


def defects_from_document(document: Mapping[str, Any]) -> tuple[Defect, ...]:
    """Build the defects from catalog/functions.yaml (schemas/functions.schema.json)."""
    return tuple(
        Defect(
            name=raw["defect"],
            functions=tuple(raw.get("functions", ())),
            cases=tuple(raw["cases"]),
            interval=Interval.from_document(raw),
            summary=raw["summary"],
            rule=raw.get("rule"),
            abis=tuple(raw.get("abis", ())),
        )
        for raw in document.get("defects", ())
    )
