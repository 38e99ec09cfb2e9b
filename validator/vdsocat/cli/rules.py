"""vdsocat rules: what each rule checks, why anyone cares, and how to see it oneself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vdsocat.cli.places import terminal_width
from vdsocat.errors import InputError, did_you_mean
from vdsocat.report.listing import FORMATS, render_listing
from vdsocat.report.rule_pages import render_index, render_markdown, render_text

if TYPE_CHECKING:
    from vdsocat.judging.pages import RulePage

_COLUMNS = ("rule", "checks", "details", "why", "source", "reproduce")


@click.command()
@click.argument("rule", required=False)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--out",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a page for each rule, and an index, into this directory.",
)
def rules(rule: str | None, format_: str, directory: Path | None) -> None:
    """The rules that kernels are judged by, or the page of one RULE."""
    from vdsocat.judging.pages import rule_pages

    pages = rule_pages()
    if rule is not None and rule.upper() not in pages:
        raise InputError(f"There is no rule {rule!r}{did_you_mean(rule.upper(), pages)}")
    chosen = pages if rule is None else {rule.upper(): pages[rule.upper()]}
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, page in chosen.items():
            (directory / f"{name}.md").write_text(render_markdown(page), "utf-8")
        (directory / "README.md").write_text(render_index(pages), "utf-8")
        return
    if rule is not None and format_ == "table":
        click.echo(render_text(chosen[rule.upper()], terminal_width()))
        return
    if rule is not None and format_ == "markdown":
        click.echo(render_markdown(chosen[rule.upper()]), nl=False)
        return
    columns = _COLUMNS[:2] if format_ in ("table", "markdown") else _COLUMNS
    click.echo(render_listing([_row(page) for page in chosen.values()], columns, "rules", format_, terminal_width()))


def _row(page: RulePage) -> dict[str, str | None]:
    return {
        "rule": page.name,
        "checks": page.checks,
        "details": page.details or None,
        "why": page.why,
        "source": page.source,
        "reproduce": page.reproduce,
    }
