"""A consumer for tests, in the shape of the real files, whose rows are made up to go with the small catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from vdsocat.catalog.consumer import Consumer, consumer_from_document

SOURCE = [{"commit": "0123456789ab", "path": "src/vdso.c"}]


def lookup(
    symbol: str | None = "__vdso_clock_gettime", version: str | None = "LINUX_2.6", **more: Any
) -> dict[str, Any]:
    """One row of lookups: of i386 for clock_gettime with the system call to fall back to, unless `more` says else."""
    row: dict[str, Any] = {
        "version": version,
        "abis": ["i386"],
        "purpose": "clock_gettime",
        "fallback": "syscall",
        "source": SOURCE,
    } | more
    return row | ({"symbol": symbol} if symbol else {})


def relied(kind: str, *needs: str, **more: Any) -> dict[str, Any]:
    """One row of properties, with the system call to fall back to unless `more` says else."""
    row: dict[str, Any] = {"property": kind, "consequence": "Every lookup fails.", "fallback": "syscall"}
    return row | ({"needs": list(needs)} if needs else {}) | {"source": SOURCE} | more


def raw_consumer(
    *lookups: dict[str, Any], properties: tuple[dict[str, Any], ...] = (), name: str = "tinylibc"
) -> dict[str, Any]:
    """The document of a consumer with these rows."""
    return {
        "consumer": name,
        "name": "a tiny C library",
        "repository": "https://example.org/tinylibc",
        "read": {"release": "1.10", "commit": "0123456789ab", "date": "2026-01-02"},
        "properties": list(properties),
        "lookups": list(lookups) or [lookup()],
    }


def small_consumer(*lookups: dict[str, Any], properties: tuple[dict[str, Any], ...] = ()) -> Consumer:
    """The consumer that the document makes, in its newest state."""
    return consumer_from_document(raw_consumer(*lookups, properties=properties)).at(None)


def write_consumer(catalog_root: Path, document: dict[str, Any]) -> Path:
    """Write the document where the catalogue has its consumers, and return the file."""
    path = catalog_root / "consumers" / f"{document['consumer']}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
