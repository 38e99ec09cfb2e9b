"""Small documents for tests, in the shape of the real files; what they claim is held against the small catalogue."""

from __future__ import annotations

from typing import Any

from vdsocat.catalog.document import Document, editions_from_document


def raw_document(sections: list[dict[str, Any]] | None = None, date: str = "2022-12-31", **more: Any) -> dict[str, Any]:
    """A document's file: one edition, 1.0, of a page called small.7. Linux 6.1 is the newest of the default date."""
    return {
        "document": "small.7-1.0",
        "title": "small(7) - a page for tests",
        "edition": "1.0",
        "page_date": date,
        "source": [{"tag": "small-1.0", "path": "man7/small.7"}],
        **more,
        "sections": sections or [],
    }


def document(sections: list[dict[str, Any]] | None = None, date: str = "2022-12-31", **more: Any) -> Document:
    """The one edition of such a file."""
    (edition,) = editions_from_document(raw_document(sections, date, **more))
    return edition


def section(abi: str, *claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A section on one ABI with these rows."""
    return {"heading": f"{abi} functions", "abis": [abi], "claims": list(claims), **more}


def row(symbol: str, version: str = "LINUX_2.6", **more: Any) -> dict[str, Any]:
    """A row of a table."""
    return {"symbol": symbol, "version": version, **more}
