"""Pages that are written by hand but for a part, which is made and stands between two marks."""

from __future__ import annotations


def replace_between(page: str, begin: str, end: str, text: str) -> str | None:
    """The page with `text` in place of what stands between the two marks; None where it has not both, in this order."""
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}" if begun and ended else None
