"""Errata as text: lists for people, rows for CSV and Markdown, and the machine-readable document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from vdsocat.audits.errata import DocumentErrata
from vdsocat.audits.erratum import Erratum, Kind
from vdsocat.catalog.model import Source

SCHEMA = "vdsocat-errata/1"
ROW_COLUMNS = ("document", "section", "abi", "rule", "kind", "subject", "printed", "right", "source")
SUMMARY_COLUMNS = ("document", "date", "kernel", "wrong", "missing", "outdated", "unchecked")
_SOURCES_SHOWN = 3
_ON_ALL = "All ABIs"


def errata_document(results: Sequence[DocumentErrata]) -> dict[str, Any]:
    """Everything that is known, as schemas/errata.schema.json has it; what does not apply is null."""
    return {"schema": SCHEMA, "documents": [_document(result) for result in results]}


def errata_rows(results: Sequence[DocumentErrata]) -> list[dict[str, str | None]]:
    """A row per erratum, with ROW_COLUMNS."""
    return [
        {
            "document": result.document.name,
            "section": one.section,
            "abi": " ".join(one.abis),
            "rule": one.rule,
            "kind": str(one.kind),
            "subject": one.subject,
            "printed": one.printed,
            "right": one.right,
            "source": "; ".join(map(_spell_source, one.sources)),
        }
        for result in results
        for one in result.errata
    ]


def summary_rows(results: Sequence[DocumentErrata]) -> list[dict[str, str | None]]:
    """A row per document, with SUMMARY_COLUMNS; `kernel` is the release that was current on the document's day."""
    return [
        {
            "document": result.document.name,
            "date": result.document.date.isoformat(),
            "kernel": str(result.at),
            **{str(kind): str(result.count(kind)) for kind in Kind},
            "unchecked": str(len(result.unchecked)),
        }
        for result in results
    ]


def draw_errata(result: DocumentErrata, width: int) -> Iterator[str]:
    """The lines on one document, no longer than `width` unless a word is: its own errata, then what is outdated."""
    yield from _wrap(
        f"{result.document.name} ({result.document.date}), held against Linux {result.at}, the newest of that day: "
        f"{result.count(Kind.WRONG)} wrong, {result.count(Kind.MISSING)} missing",
        width,
        0,
    )
    yield from _draw_sections([one for one in result.errata if one.kind is not Kind.OUTDATED], width)
    since = [one for one in result.errata if one.kind is Kind.OUTDATED]
    if since:
        yield ""
        yield from _wrap(f"Since then, up to Linux {result.now}: {len(since)} outdated", width, 0)
        yield from _draw_sections(since, width)


def _draw_sections(errata: Sequence[Erratum], width: int) -> Iterator[str]:
    for heading, some in groupby(errata, key=lambda one: one.section or _ON_ALL):
        yield ""
        yield f"  {heading}"
        told = None
        for one in some:
            yield from _draw(one, width, repeated=(one.subject, one.printed) == told)
            told = one.subject, one.printed


def _draw(one: Erratum, width: int, repeated: bool) -> Iterator[str]:
    """One erratum; what is printed is left out where the erratum before has just said it."""
    yield from _wrap(f"{one.rule} {one.kind}: {one.subject} ({', '.join(one.abis)})", width, 4)
    printed = None if repeated else one.printed
    facts = {"printed": printed, "right": one.right, "source": _spell_sources(one.sources)}
    for label, text in facts.items():
        if text:
            yield from _wrap(f"{label + ':':<9}{text}", width, 6, 15)


def _spell_sources(sources: Sequence[Source]) -> str:
    shown = "; ".join(map(_spell_source, sources[:_SOURCES_SHOWN]))
    more = len(sources) - _SOURCES_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _spell_source(source: Source) -> str:
    text = str(source)
    return f"{text} ({source.note})" if source.note and source.note != text else text


def _wrap(text: str, width: int, indent: int, below: int | None = None) -> list[str]:
    hanging = " " * (indent + 2 if below is None else below)
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _document(result: DocumentErrata) -> dict[str, Any]:
    document = result.document
    return {
        "document": document.name,
        "title": document.title,
        "edition": document.edition,
        "date": document.date.isoformat(),
        "source": [_source(source) for source in document.sources],
        "kernel": str(result.at),
        "kernel_now": str(result.now),
        "counts": {str(kind): result.count(kind) for kind in Kind},
        "errata": [
            {
                "rule": one.rule,
                "kind": str(one.kind),
                "section": one.section,
                "abis": list(one.abis),
                "subject": one.subject,
                "printed": one.printed,
                "right": one.right,
                "source": [_source(source) for source in one.sources],
            }
            for one in result.errata
        ],
        "unchecked": [{"section": section, "about": about, "text": text} for section, about, text in result.unchecked],
    }


def _source(source: Source) -> dict[str, str]:
    names = ("commit", "tag", "path", "url", "note", "kernel", "binary")
    return {name: getattr(source, name) for name in names if getattr(source, name) is not None}
