"""vdsocat check: judge kernels, emulators and captures against the catalogue."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from vdsocat.cache import Cache
from vdsocat.catalog.model import Catalog
from vdsocat.check import check_all
from vdsocat.cli.bisect import BisectingCommand
from vdsocat.cli.boot_options import BootOptions, boot_options
from vdsocat.cli.interruption import stopping_on_ending_signals
from vdsocat.cli.kernel_options import BuildOptions, KernelAccess, build_options, kernel_options, qemu_option
from vdsocat.cli.many import ManyOptions, many_options
from vdsocat.cli.matrix import MatrixDisplay, spell_kept
from vdsocat.cli.places import terminal_width
from vdsocat.cli.regression import RegressionOptions, Standard, regression_options
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine, painter
from vdsocat.guest.known_boots import write_capture
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.report.background import Background
from vdsocat.report.costs import draw_costs
from vdsocat.report.document import report_document
from vdsocat.report.formats import DOCUMENT_FORMATS, render_document
from vdsocat.report.table import draw_defects, draw_lacking, draw_summary
from vdsocat.report.timings import draw_seconds, draw_timings
from vdsocat.sources import SourceSettings, log_name, plans_for


@click.command(cls=BisectingCommand)
@click.argument("sources", metavar="SOURCE…", nargs=-1)
@click.option(
    "--format", "format_", type=click.Choice(("table", *DOCUMENT_FORMATS)), default="table", show_default=True
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Keep captures and console logs in this directory."
)
@boot_options
@click.option("--except", "excepted", multiple=True, metavar="SOURCE", help="Leave these kernels out of a set.")
@click.option("--strict", is_flag=True, help="Let a finding to review count as a fail.")
@click.option("--verbose", "-v", is_flag=True, help="Tell every finding, passes too.")
@click.option(
    "--record", is_flag=True, help="Write what packaged and built kernels export into the catalogue's evidence."
)
@many_options
@click.option("--dry-run", is_flag=True, help="Print the exact QEMU commands instead of running them.")
@regression_options()
@qemu_option
@build_options
@kernel_options
@click.pass_context
def check(
    context: click.Context,
    sources: tuple[str, ...],
    format_: str,
    out: Path | None,
    qemu: str | None,
    excepted: tuple[str, ...],
    strict: bool,
    verbose: bool,
    record: bool,
    dry_run: bool,
    boot: BootOptions,
    regression: RegressionOptions,
    many: ManyOptions,
    build: BuildOptions,
    mirror: str | None,
    offline: bool,
) -> None:
    """Judge kernels against the catalogue.

    SOURCE is a kernel image, a build tree, a kernel's .deb, a vDSO image (.so), a capture, host (this machine's
    kernel), debian:SUITE/ARCH[/FLAVOUR], built:NAME, qemu-user:ABI or qemu-user:all, the name of a kernel of
    `vdsocat kernels list`, or set:NAME. With --tree and no SOURCE it is a kernel for each architecture, built from that
    tree. With --baseline the exit status tells what got worse since that kernel: status 1 for what is incompatible.
    """
    if not sources and many.matrix is None:
        sources = build.default_sources()
    if not sources and many.matrix is None:
        raise click.UsageError("Missing argument 'SOURCE…'.")
    boot.refuse_contradictions(dry_run)
    build.require_tree()
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    cache = Cache(settings.cache)
    kernels = KernelAccess(settings, mirror, offline, build)
    logs = out or cache.path("logs")
    standard = Standard(regression, catalog)
    excluded = frozenset(request.name for source in excepted for request in kernels.expand(source))
    source_settings = SourceSettings(
        boot.settings(settings, qemu), catalog, kernels.expand, kernels.ensure, logs, boot.config, excluded,
        boot.static, boot.cost, again=many.again or boot.timings, earlier=many.earlier(out),
    )  # fmt: skip
    tasks = many.tasks(sources, source_settings)
    if dry_run:
        for plan in plans_for(tasks, lambda text: click.echo(text, err=True)):
            click.echo(plan.spell_command())
        return
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    running = functools.partial(many.running, catalog, cache)
    started = time.monotonic()
    standard.judge_baseline(source_settings, running)
    with (
        stopping_on_ending_signals() as stop,
        StatusLine(sys.stderr, len(tasks)) as status,
        running(status.tell, stop) as matrix,
        closing(check_all(tasks, matrix)) as stream,
    ):
        paint = painter(settings.colour and sys.stdout.isatty())
        display = MatrixDisplay(status, paint, verbose, tabular=format_ == "table", alone=len(tasks) == 1)
        results = []
        for judged in stream:
            result = standard.hold(judged)
            results.append(result)
            if out is not None and result.judgement is not None:
                write_capture(result.judgement.capture, out / f"{log_name(result.source)}.json")
            display.show(result)
        display.tell_end(len(results), len(tasks), out)
    exit_status = standard.status(overall_status(results, strict))
    if record:
        _record(results, catalog, settings)
    if format_ == "table":
        if display.begun:
            for line in draw_costs(results, terminal_width()):
                click.echo(line)
            if build.default_sources():
                for line in draw_seconds(results):
                    click.echo(line)
            if boot.timings:
                for line in draw_timings(results):
                    click.echo(line)
            click.echo(f"\n{draw_summary(results, time.monotonic() - started)}")
            for line in (*draw_lacking(results), *draw_defects(results), *standard.draw(results)):
                click.echo(line)
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        document = report_document(results, now, strict, standard.uses(), exit_status, Background(catalog))
        click.echo(render_document(document, format_))
    for line in spell_kept(results):
        click.echo(line, err=format_ != "table")
    standard.complain()
    context.exit(exit_status)


def _record(results: Sequence[CheckResult], catalog: Catalog, settings: Settings) -> None:
    """Add what was seen to the evidence, and tell which kernels are none."""
    from vdsocat.catalog.evidence import Evidence
    from vdsocat.recording import observations_of

    evidence = Evidence(settings.catalog_root)
    for result in results:
        observed = observations_of(result.judgement, catalog) if result.judgement else {}
        evidence.record(observed)
        if not observed:
            reason = "no kernel of a package" if result.judgement else "not judged"
            click.echo(f"{result.source}: left out of the evidence, being {reason}.", err=True)
