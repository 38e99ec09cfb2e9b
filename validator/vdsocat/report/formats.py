"""The formats that a whole report is rendered in, by name."""

from __future__ import annotations

import json
from typing import Any

DOCUMENT_FORMATS = ("json", "markdown", "html", "comment", "ktap", "junit", "github")
# Those of them that tell of the catalogue, too.
WITH_BACKGROUND = ("json", "markdown", "html")


def render_document(document: dict[str, Any], format_: str) -> str | bytes:
    """The report of `report_document` in one of the formats, without a final newline.

    Bytes where the text says of itself that it is UTF-8.
    """
    match format_:
        case "json":
            return json.dumps(document, indent=2)
        case "markdown":
            from vdsocat.report.markdown import render_markdown

            return render_markdown(document).rstrip("\n")
        case "html":
            from vdsocat.report.html import render_html

            return render_html(document).encode()
        case "comment":
            from vdsocat.report.comment import render_comment

            return render_comment(document)
        case "ktap":
            from vdsocat.report.ktap import render_ktap

            return render_ktap(document)
        case "junit":
            from vdsocat.report.junit import render_junit

            return render_junit(document).encode()
        case "github":
            from vdsocat.report.github import render_github

            return render_github(document)
    raise ValueError(f"there is no format {format_!r}")
