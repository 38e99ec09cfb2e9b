"""Lists in the four formats that every list-printing verb offers: table, JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Mapping, Sequence

FORMATS = ("table", "json", "csv", "markdown")
_GAP = 2
_NARROWEST_LAST = 20


def render_listing(
    rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], kind: str, format: str, width: int = 80
) -> str:
    """The rows as text without a final newline. Every row has all columns; None is an empty cell, null in JSON.

    JSON carries `kind` with a version as its schema; a table wraps its last column at `width` characters.
    """
    match format:
        case "json":
            return json.dumps({"schema": f"vdsocat-{kind}/1", "rows": [dict(row) for row in rows]}, indent=2)
        case "csv":
            out = io.StringIO()
            writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows({column: row[column] or "" for column in columns} for row in rows)
            return out.getvalue().rstrip("\n")
        case "markdown":
            lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
            lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
            return "\n".join(lines)
    return _table(rows, columns, width)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _table(rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], width: int) -> str:
    shown = [column for column in columns if any(row[column] for row in rows)] or list(columns)
    widths = [max(len(column), *(len(row[column] or "") for row in rows), 0) if rows else len(column) for column in shown]
    indent = sum(widths[:-1]) + _GAP * (len(shown) - 1)
    last = max(_NARROWEST_LAST, width - indent)
    lines = []
    for cells in ([column.upper() for column in shown], *([row[column] or "" for column in shown] for row in rows)):
        start = "".join(cell.ljust(size + _GAP) for cell, size in zip(cells[:-1], widths[:-1], strict=True))
        wrapped = textwrap.wrap(cells[-1], last, break_on_hyphens=False) or [""]
        lines.append((start + wrapped[0]).rstrip())
        lines += [" " * indent + more for more in wrapped[1:]]
    return "\n".join(lines)
