"""What a check holds kernels to beside the catalogue: a baseline, and the waivers of the user."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from vdsocat.catalog.model import Catalog
from vdsocat.check import Matrix, Teller, check_all
from vdsocat.cli.interruption import stopping_on_ending_signals
from vdsocat.cli.numbers import FiniteRange
from vdsocat.cli.places import terminal_width
from vdsocat.cli.terminal import StatusLine
from vdsocat.errors import InputError, RunError
from vdsocat.guest.stop import StopRequest
from vdsocat.images import captures_of
from vdsocat.judging.cost import COST_THRESHOLD
from vdsocat.judging.judge import Judgement, judge_capture
from vdsocat.judging.regression import baseline_of, compare_judgements
from vdsocat.judging.result import BAD_INPUT, CONFORMS, CheckResult
from vdsocat.judging.waivers import UsedWaiver, Waiver, WaiverBook, read_waivers
from vdsocat.kept import capture_files, holds_captures
from vdsocat.report.regression import draw_regressions, draw_waivers
from vdsocat.sources import SourceSettings, tasks_for

# How the options of checking many say that it is done.
Running = Callable[[Teller, StopRequest], AbstractContextManager[Matrix]]


@dataclass(frozen=True, slots=True)
class RegressionOptions:
    """What the user asked for; `cost_threshold` is a share, 0.1 for a tenth."""

    baseline: str | None = None
    waivers: Path | None = None
    cost_threshold: float = COST_THRESHOLD
    bisect: bool = False


def waiver_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --waivers to a command."""
    return click.option(
        "--waivers",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="What is accepted, and why (YAML); waivers that match nothing are rejected. See docs/ci/regressions.md.",
    )(command)


def cost_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --cost-threshold to a command."""
    return click.option(
        "--cost-threshold",
        type=FiniteRange(min=0),
        default=COST_THRESHOLD * 100,
        show_default=True,
        metavar="PERCENT",
        help="Tell calls whose cost changed by more than this.",
    )(command)


def regression_options(bisecting: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options to a command, which gets them all as `regression`; --bisect only where it has a sense."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def collected(
            *arguments: Any,
            baseline: str | None,
            waivers: Path | None,
            cost_threshold: float,
            bisect: bool = False,
            **others: Any,
        ) -> Any:
            options = RegressionOptions(baseline, waivers, cost_threshold / 100, bisect)
            return command(*arguments, regression=options, **others)

        bisect = click.option("--bisect", is_flag=True, help="End with a status that `git bisect run` understands.")
        baseline = click.option(
            "--baseline",
            metavar="SOURCE",
            help="Compare with this kernel, capture or directory of captures: status 1 is for what is incompatible.",
        )
        return baseline(waiver_option(cost_option(bisect(collected) if bisecting else collected)))

    return add


class Standard:
    """What results of a check are held to, one by one: the baseline first, then the waivers."""

    def __init__(self, options: RegressionOptions, catalog: Catalog) -> None:
        self._options = options
        self._catalog = catalog
        self._baseline: tuple[Judgement, ...] = ()
        self._book = WaiverBook(load_waivers(options.waivers, catalog))

    def judge_baseline(self, settings: SourceSettings, running: Running) -> None:
        """Look at the baseline, if there is one, as at any other source. InputError or RunError when that fails."""
        if self._options.baseline is None:
            return
        # --config is that of the kernels to check.
        tasks = list(tasks_for(self._sources(), replace(settings, config=None)))
        with (
            stopping_on_ending_signals() as stop,
            StatusLine(sys.stderr, len(tasks)) as status,
            running(status.tell, stop) as matrix,
            closing(check_all(tasks, matrix)) as stream,
        ):
            results = list(stream)
        for result in results:
            if result.error is not None:
                error = InputError if result.error_status == BAD_INPUT else RunError
                raise error(f"The baseline cannot be used: {result.error}")
        self._baseline = tuple(result.judgement for result in results if result.judgement is not None)

    def read_baseline(self, settings: SourceSettings) -> None:
        """The same without booting: of a kernel the images that it carries. Errors as of judge_baseline."""
        try:
            captures = [capture for source in self._sources() for capture in captures_of(source, settings)]
            self._baseline = tuple(judge_capture(capture, self._catalog) for capture in captures)
        except (InputError, RunError) as error:
            raise type(error)(f"The baseline cannot be used: {error}") from None

    def _sources(self) -> list[str]:
        """The sources of the baseline: a directory of captures is as many as it holds."""
        source = self._options.baseline
        if source is None:
            return []
        return [str(path) for path in capture_files(Path(source))] if holds_captures(Path(source)) else [source]

    def hold(self, result: CheckResult) -> CheckResult:
        """The result with what became of it since the baseline, and with what is waived marked so.

        One that the baseline has nothing for is an error like that of a source that cannot be used; InputError when
        bisecting, for it will be the same with each commit.
        """
        judgement = result.judgement
        if self._baseline and judgement is not None:
            try:
                old = baseline_of(judgement, self._baseline)
            except InputError as error:
                if self._options.bisect:
                    raise
                result = CheckResult(result.source, error=error.sentence(), error_status=BAD_INPUT)
            else:
                regression = compare_judgements([old], [judgement], self._options.cost_threshold)
                result = replace(result, regression=regression)
        return self._book.apply(result)

    def uses(self) -> tuple[UsedWaiver, ...]:
        """What became of the waivers, after all results were held to them."""
        return tuple(self._book.uses())

    def draw(self, results: Sequence[CheckResult]) -> Iterator[str]:
        """What changed since the baseline, and what became of the waivers, for a terminal; nothing without either."""
        yield from draw_regressions(results, terminal_width())
        yield from draw_waivers(self.uses(), terminal_width())

    def complain(self) -> None:
        """Say on stderr which waivers are rejected."""
        complain(self.uses())

    def status(self, status: int) -> int:
        """The exit status with that of rejected waivers: they are bad input, unless something graver is said already.

        A commit that is looked at while bisecting may well be from before what a waiver is for.
        """
        rejected = any(used.complaint() for used in self.uses()) and not self._options.bisect
        return BAD_INPUT if rejected and status == CONFORMS else status


def load_waivers(path: Path | None, catalog: Catalog) -> tuple[Waiver, ...]:
    """The waivers of the file that the user named, none without one."""
    if path is None:
        return ()
    from vdsocat.judging.pages import rule_pages

    return read_waivers(path, catalog, rule_pages())


def complain(uses: Sequence[UsedWaiver]) -> bool:
    """Say on stderr, a sentence each, which waivers are rejected; whether any is."""
    complaints = [f"vdsocat: {used.waiver.file}: {complaint}" for used in uses if (complaint := used.complaint())]
    for complaint in complaints:
        click.echo(complaint, err=True)
    return bool(complaints)
