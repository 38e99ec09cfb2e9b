"""vdsocat report: captures judged again and drawn in another form, without booting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from vdsocat.capture import read_capture
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.errors import InputError, VdsocatError
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.report.costs import draw_costs, render_cost_page
from vdsocat.report.document import report_document
from vdsocat.report.markdown import render_markdown
from vdsocat.report.table import draw_defects, draw_header, draw_rows, draw_summary


@click.command()
@click.argument("captures", metavar="CAPTURE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(("markdown", "json", "table", "costs")),
    default="markdown",
    show_default=True,
)
@click.option("--strict", is_flag=True, help="Let a finding to review count as a fail.")
@click.pass_context
def report(context: click.Context, captures: tuple[Path, ...], format_: str, strict: bool) -> None:
    """Draw captures, or directories of captures, as a compliance report; nothing is booted."""
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    results = []
    for path in _files(captures):
        capture = read_capture(path)
        try:
            results.append(CheckResult(capture.provenance.source, judge_capture(capture, catalog)))
        except VdsocatError as error:
            results.append(CheckResult(str(path), error=error.sentence(), error_status=error.exit_status))
    if format_ == "table":
        click.echo(draw_header())
        for result in results:
            for line in draw_rows(result):
                click.echo(line)
        for line in draw_costs(results, terminal_width()):
            click.echo(line)
        click.echo(f"\n{draw_summary(results)}")
        for line in draw_defects(results):
            click.echo(line)
    elif format_ == "costs":
        click.echo(render_cost_page(results, datetime.now(UTC).date().isoformat()))
    else:
        document = report_document(results, datetime.now(UTC).isoformat(timespec="seconds"), strict)
        click.echo(
            json.dumps(document, indent=2) if format_ == "json" else render_markdown(document), nl=format_ == "json"
        )
    context.exit(overall_status(results, strict))


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.json"))
            if not found:
                raise InputError(f"{path}: holds no captures.")
            yield from found
        else:
            yield path
