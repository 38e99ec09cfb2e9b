"""The HTML compliance report: one file, without anything from elsewhere, that works without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Mapping
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from vdsocat.costs import Cost
from vdsocat.printable import printable
from vdsocat.report import views
from vdsocat.report.costs import spell_ratio
from vdsocat.report.timeline import BAR, LABELS, ROW, TOP, WIDTH, draw_timeline

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATE = "compliance.html.j2"


def render_html(document: Mapping[str, Any]) -> str:
    """The report of `report_document` as a page of HTML, without a final newline.

    Captures come from anywhere: whatever they say is escaped, with what no reader can see spelt out, and the page's
    policy lets no style and no script run but its own, by their digests, and nothing be loaded.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vdsocat.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=partial(_visible, markup=Markup),
    )
    environment.filters["shell"] = shlex.join
    environment.filters["prose"] = partial(_prose, markup=Markup)
    environment.filters["clock"] = views.spell_clock
    environment.filters["ratio"] = lambda cost: spell_ratio(Cost(**cost).ratio)
    environment.filters["counts"] = views.spell_counts
    environment.filters["bound"] = views.spell_bound
    environment.filters["day"] = lambda date: str(date).replace("T", " ").replace("+00:00", " UTC")
    style, script = (_part(name) for name in ("report.css", "report.js"))
    releases = [one["release"] for one in document["catalogue"]["releases"]] if document["catalogue"] else []
    return environment.get_template(_TEMPLATE).render(
        report=document,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        places=views.places(document),
        columns=views.columns(document),
        attention=views.attention(document),
        headline=views.headline(document),
        symbols=views.SYMBOLS,
        meanings=views.MEANINGS,
        pictures={
            one["abi"]: draw_timeline(one, releases, views.kernels_by_release(document, one["abi"]))
            for one in (document["catalogue"]["timelines"] if document["catalogue"] else ())
        },
        drawn={"width": WIDTH, "labels": LABELS, "row": ROW, "top": TOP, "bar": BAR},
    )


def _visible(value: Any, markup: type[Markup]) -> Any:
    """What an expression of the template shows: nothing for None, what is markup as it is, all else as plain text."""
    if value is None:
        return ""
    return value if isinstance(value, markup) else printable(str(value))


def _prose(text: str, markup: type[Markup]) -> Markup:
    """Prose of a rule's page with its `code` as such."""
    pieces = enumerate(text.split("`"))
    return markup("").join(markup("<code>{}</code>").format(one) if number % 2 else one for number, one in pieces)


def _part(name: str) -> str:
    return resources.files("vdsocat.report").joinpath("templates", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
