"""The Markdown compliance report: matrix, findings that need a reader, and full provenance."""

from __future__ import annotations

import shlex
from typing import Any

from vdsocat.costs import Cost
from vdsocat.report.costs import spell_ratio

_TEMPLATE = "compliance.md.j2"


def render_markdown(document: dict[str, Any]) -> str:
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
    environment.filters["ratio"] = lambda cost: spell_ratio(Cost(**cost).ratio)
    return environment.get_template(_TEMPLATE).render(report=document)


def _cell(value: Any) -> str:
    """Any value as text that cannot break out of a table cell or a line: captures come from anywhere."""
    return "" if value is None else str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
