"""Where the time of each boot went, as a table on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields

from vdsocat.guest.timing import PHASES
from vdsocat.judging.result import CheckResult, Seconds
from vdsocat.report.listing import render_listing

_SOURCE = "source"
_STEPS = tuple(step.name for step in fields(Seconds))


def draw_timings(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each boot with the seconds of its phases, then what the phases are; none where nothing was booted."""
    timed = [(result, _phases(result)) for result in results if result.judgement is not None]
    rows = [
        {_SOURCE: result.source, **{phase: _seconds(seconds.get(phase)) for phase in PHASES}}
        for result, seconds in timed
        if len(seconds) > 1
    ]
    if not rows:
        return
    yield "\nSeconds by part of the work:"
    yield render_listing(rows, (_SOURCE, *PHASES), "timings", "table")
    for phase, meaning in PHASES.items():
        yield f"  {phase + ':':<10}{meaning}"


def draw_seconds(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each source with the seconds of its build, boot and check, and their sums; none where nothing ran."""
    timed = [(result.source, asdict(result.seconds())) for result in results if result.judgement is not None]
    if not timed:
        return
    sums = {step: sum(seconds[step] or 0 for _, seconds in timed) for step in _STEPS}
    rows = [{_SOURCE: source, **{step: _seconds(seconds[step]) for step in _STEPS}} for source, seconds in timed]
    rows.append({_SOURCE: "together", **{step: _seconds(seconds) for step, seconds in sums.items()}})
    yield "\nSeconds, of this run:"
    yield render_listing(rows, (_SOURCE, *_STEPS), "seconds", "table")


def _phases(result: CheckResult) -> dict[str, float]:
    assert result.judgement is not None
    phases = dict(result.judgement.capture.provenance.phases)
    return phases if result.judging is None else {**phases, "judge": result.judging}


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
