"""The Markdown compliance report: the facts of the HTML one, for whatever draws Markdown, and for diffs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from vdsocat.costs import Cost
from vdsocat.printable import printable
from vdsocat.report import views
from vdsocat.report.costs import spell_ratio
from vdsocat.report.rule_pages import escape_prose

_TEMPLATE = "compliance.md.j2"


class _Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_markdown(document: Mapping[str, Any]) -> str:
    """The report of `report_document` as Markdown (GitHub flavour)."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vdsocat.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_cell,
    )
    environment.filters["shell"] = shlex.join
    environment.filters["code"] = _code
    environment.filters["prose"] = lambda text: _Ready(escape_prose(text))
    environment.filters["clock"] = views.spell_clock
    environment.filters["ratio"] = lambda cost: spell_ratio(Cost(**cost).ratio)
    environment.filters["counts"] = views.spell_counts
    environment.filters["bound"] = views.spell_bound
    return environment.get_template(_TEMPLATE).render(
        report=document,
        places=views.places(document),
        columns=views.columns(document),
        attention=views.attention(document),
        headline=views.headline(document),
        symbols=views.SYMBOLS,
        meanings=views.MEANINGS,
    )


def _cell(value: Any) -> str:
    """Any value as text that cannot break out of a table cell or a line, nor be HTML: captures come from anywhere."""
    if value is None:
        return ""
    text = printable(str(value).replace("\n", " "))
    return text if isinstance(value, _Ready) else re.sub(r"([\\|<`\[])", r"\\\1", text)


def _code(value: Any) -> str:
    """A code span: its fence is longer than any in the text, and of its content only a table's bar is escaped."""
    text = printable(str(value).replace("\n", " "))
    fence = "`" * (max((len(found) for found in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return _Ready(f"{fence}{space}{text}{space}{fence}".replace("|", "\\|"))
