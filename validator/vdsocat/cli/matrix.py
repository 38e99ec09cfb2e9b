"""The results of a check on a terminal, as they come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from vdsocat.cli.terminal import StatusLine
from vdsocat.judging.finding import Verdict
from vdsocat.judging.result import CheckResult
from vdsocat.report.table import Paint, draw_header, draw_rows, explain


class MatrixDisplay:
    """Draws the rows of the matrix on stdout.

    A source that could not be judged is a row among others; alone, or when no matrix is wanted (`tabular` is false),
    it is a sentence on stderr. `begun` tells whether anything was drawn.
    """

    def __init__(self, status: StatusLine, paint: Paint, verbose: bool, tabular: bool, alone: bool) -> None:
        self.begun = False
        self._status = status
        self._paint = paint
        self._verbose = verbose
        self._tabular = tabular
        self._alone = alone

    def show(self, result: CheckResult) -> None:
        """Draw one result."""
        self._status.ended(result.source)
        with self._status.paused():
            if result.error is not None and (self._alone or not self._tabular):
                named = "" if result.error.startswith(result.source) else f"{result.source}: "
                click.echo(f"vdsocat: {named}{result.error}", err=True)
            elif self._tabular:
                self._draw(result)
                sys.stdout.flush()

    def tell_end(self, ended: int, wanted: int, out: Path | None) -> None:
        """Say on stderr what an interrupted run leaves; nothing where each source has its result, or none has."""
        if 0 < ended < wanted:
            more = f"; with --out {out} --resume the rest is done" if out is not None else ""
            with self._status.paused():
                click.echo(f"Interrupted: {ended} of {wanted} sources had ended, and are complete{more}.", err=True)

    def _draw(self, result: CheckResult) -> None:
        if not self.begun:
            click.echo(draw_header())
            self.begun = True
        for line in draw_rows(result, self._paint):
            click.echo(line, color=True)
        if self._verbose and result.judgement is not None:
            for judged in result.judgement.abis:
                for line in explain(judged.findings, (Verdict.PASS, Verdict.EXPECTED_ABSENT)):
                    click.echo(line)


def spell_kept(results: Sequence[CheckResult]) -> Iterator[str]:
    """A sentence on the captures that were kept from earlier boots, with their dates; nothing where there are none."""
    dates = sorted(one.judgement.capture.provenance.date for one in results if one.kept and one.judgement is not None)
    if not dates:
        return
    since, until = (f"{date[:10]} {date[11:16]}" for date in (dates[0], dates[-1]))
    when = f"on {since}" if since == until else f"from {since} to {until}"
    booted = f"{len(dates)} of {len(results)} kernels" if len(results) > 1 else "The kernel"
    were = "was" if len(results) == 1 else "were"
    yield f"{booted} {were} not booted again: captures kept from boots {when} (UTC) were judged; --again boots."
