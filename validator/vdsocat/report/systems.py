"""The systems of the catalogue as a list: what was booted of each, what was only read or emulated, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vdsocat.catalog.evidence import Evidence
from vdsocat.catalog.model import Catalog
from vdsocat.catalog.systems import UNBOOTED, Shown, System, Unbooted, systems, unbooted_from_document
from vdsocat.documents import read_documents
from vdsocat.errors import InputError
from vdsocat.report.listing import render_listing
from vdsocat.report.marks import replace_between

_BEGIN, _END = "<!-- systems: made by `make systems` -->\n", "\n<!-- end of systems -->\n"
_Row = dict[str, str | None]


def system_rows(catalog: Catalog, root: Path, cache: Path | None) -> list[_Row]:
    """A row for each system, by `system_columns`; `root` is the catalogue's directory."""
    documents = read_documents(root, (UNBOOTED,), cache) if (root / UNBOOTED).is_file() else {}
    reasons = unbooted_from_document(documents.get(UNBOOTED, {}))
    return [
        _row(system, next((one for one in reasons if one.is_about(system)), None), tuple(catalog.providers))
        for system in systems(catalog, Evidence(root, cache))
    ]


def system_columns(catalog: Catalog) -> tuple[str, ...]:
    """The names of the columns: each provider has its own."""
    return ("abi", "kernel", "order", "mode", "shown", "linux", "date", *catalog.providers, "reason")


def render_systems(rows: Sequence[_Row], columns: Sequence[str]) -> str:
    """The rows as Markdown under a sentence that counts them, without a final newline."""
    counts = Counter(row["shown"] for row in rows)
    told = ", ".join(f"{counts[shown.value]} {shown.value}" for shown in Shown)
    return f"Of {len(rows)} systems: {told}.\n\n{render_listing(rows, columns, 'systems', 'markdown')}"


def with_systems(page: str, path: Path, text: str) -> str:
    """A page with `text` in place of what stands between the two marks in it; InputError where it has no marks."""
    written = replace_between(page, _BEGIN, _END, text)
    if written is None:
        raise InputError(f"{path}: has no lines {_BEGIN.strip()!r} and {_END.strip()!r} to write the systems between.")
    return written


def _row(system: System, unbooted: Unbooted | None, providers: Sequence[str]) -> _Row:
    seen, booted = system.sighting, system.shown is Shown.BOOTED
    return {
        "abi": system.abi,
        "kernel": f"{system.kernel} {system.bits}-bit",
        "order": system.endianness,
        "mode": system.mode,
        "shown": system.shown.value,
        "linux": seen.release if seen else None,
        "date": seen.date if seen else unbooted.date if unbooted else None,
        **{name: system.emulators.get(name) for name in providers},
        "reason": None if booted else unbooted.reason if unbooted else "unknown: nobody wrote it down",
    }
