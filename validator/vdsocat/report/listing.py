"""Lists in the four formats that every list-printing verb offers: table, JSON, CSV, Markdown."""

from __future__ import annotations

# Loading typing takes half as long as starting Python.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS = ("table", "json", "csv", "markdown")
_GAP = 2
_NARROWEST_LAST = 12
_BELOW = " " * 6


def render_listing(
    rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], kind: str, format: str, width: int = 80
) -> str:
    """The rows as text without a final newline. Every row has all columns; None is an empty cell, null in JSON.

    JSON carries `kind` with a version as its schema; a table keeps to `width` characters by
    wrapping its last column.
    """
    match format:
        case "json":
            import json

            return json.dumps({"schema": f"vdsocat-{kind}/1", "rows": [dict(row) for row in rows]}, indent=2)
        case "csv":
            import csv
            import io

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
    return (text or "").replace("|", "\\|").replace("\n", " ")


def _table(rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], width: int) -> str:
    """Aligned columns; empty ones are left out. A last cell that does not fit goes below its line, indented."""
    shown = [column for column in columns if any(row[column] for row in rows)] or list(columns)
    widths = [max([len(column), *(len(row[column] or "") for row in rows)]) for column in shown]
    room = max(_NARROWEST_LAST, width - sum(widths[:-1]) - _GAP * (len(shown) - 1))
    lines = []
    for cells in ([column.upper() for column in shown], *([row[column] or "" for column in shown] for row in rows)):
        start = "".join(cell.ljust(size + _GAP) for cell, size in zip(cells[:-1], widths[:-1], strict=True))
        fits = len(cells[-1]) <= room
        lines.append((start + cells[-1] if fits else start).rstrip())
        if not fits:
            import textwrap

            # A path keeps in one piece, so that it can be copied.
            lines += textwrap.wrap(
                cells[-1],
                width,
                initial_indent=_BELOW,
                subsequent_indent=_BELOW,
                break_on_hyphens=False,
                break_long_words=False,
            )
    return "\n".join(lines)
