"""vdsocat report: captures judged again and drawn in another form, without booting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from vdsocat.capture import read_capture
from vdsocat.catalog.model import Catalog
from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.places import terminal_width
from vdsocat.cli.regression import RegressionOptions, Standard, regression_options
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, VdsocatError
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.kept import capture_files
from vdsocat.report.background import Background
from vdsocat.report.costs import draw_costs, render_cost_page
from vdsocat.report.document import report_document
from vdsocat.report.formats import DOCUMENT_FORMATS, WITH_BACKGROUND, render_document
from vdsocat.report.table import draw_defects, draw_header, draw_rows, draw_summary


@click.command(short_help="Draw captures as a compliance report.")
@click.argument("captures", metavar="CAPTURE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice((*DOCUMENT_FORMATS, "table", "costs")),
    default="markdown",
    show_default=True,
)
@click.option("--strict", is_flag=True, help="Let a finding to review count as a fail.")
@regression_options(bisecting=False)
@click.pass_context
def report(
    context: click.Context, captures: tuple[Path, ...], format_: str, strict: bool, regression: RegressionOptions
) -> None:
    """Draw captures, or directories of captures, as a compliance report; nothing is booted."""
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    standard = Standard(regression, catalog)
    standard.read_baseline(KernelAccess(settings, offline=True).static_sources(catalog))
    results = []
    for path in _files(captures):
        capture = read_capture(path)
        try:
            results.append(CheckResult(capture.provenance.source, judge_capture(capture, catalog)))
        except VdsocatError as error:
            results.append(CheckResult(str(path), error=error.sentence(), error_status=error.exit_status))
    results = [standard.hold(result) for result in results]
    status = standard.status(overall_status(results, strict))
    if format_ == "table":
        click.echo(draw_header())
        for result in results:
            for line in draw_rows(result):
                click.echo(line)
        for line in draw_costs(results, terminal_width()):
            click.echo(line)
        click.echo(f"\n{draw_summary(results)}")
        for line in (*draw_defects(results), *standard.draw(results)):
            click.echo(line)
    elif format_ == "costs":
        click.echo(render_cost_page(results, datetime.now(UTC).date().isoformat()))
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        background = _background(catalog, settings) if format_ in WITH_BACKGROUND else None
        document = report_document(results, now, strict, standard.uses(), status, background)
        click.echo(render_document(document, format_))
    standard.complain()
    context.exit(status)


def _background(catalog: Catalog, settings: Settings) -> Background:
    """The catalogue with its coverage; a report is made of kernels, and so also when that cannot be counted."""
    from vdsocat.lint.run import read_coverage

    try:
        return Background(catalog, read_coverage(settings.catalog_root, data_directory("qemu-images")))
    except InputError as error:
        return Background(catalog, uncounted=error.sentence())


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from capture_files(path)
        else:
            yield path
