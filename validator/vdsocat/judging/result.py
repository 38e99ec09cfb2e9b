"""What became of one SOURCE of a check: a judgement, or the sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import Judgement
from vdsocat.judging.regression import Regression

CONFORMS, FAILED, BAD_INPUT, INCOMPLETE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Seconds:
    """What a run took for one source, None for what it did not do.

    `build` of its kernel, `boot` of it with all that the host prepares, `check` of what was seen.
    """

    build: float | None = None
    boot: float | None = None
    check: float | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A source with its judgement, or with the error that kept it from one (`exit_status` 2 or 3 then).

    `judging` are the seconds that judging its capture took; `kept` says that the capture is of an earlier boot.
    `lacking` are Debian packages without which its kernel could not be built.
    `regression` is what became of it since a baseline, where there is one: that decides the status then.
    """

    source: str
    judgement: Judgement | None = None
    error: str | None = None
    error_status: int = CONFORMS
    judging: float | None = None
    regression: Regression | None = None
    kept: bool = False
    lacking: tuple[str, ...] = ()

    def seconds(self) -> Seconds:
        """Where the time of this run went; a capture that was kept took no boot."""
        if self.judgement is None:
            return Seconds()
        made = self.judgement.capture.provenance
        boot = None if self.kept or made.seconds is None else round(made.phases.get("unpack", 0) + made.seconds, 3)
        return Seconds(made.phases.get("build"), boot, None if self.judging is None else round(self.judging, 3))

    def exit_status(self, strict: bool = False) -> int:
        """0 conforms, 1 at least one `fail` (or, when strict, `review`), 2 bad input, 3 the run was not completed.

        Against a baseline 1 is for what is incompatible (or, when strict, for review); a `fail` of both is none.
        """
        if self.judgement is None:
            return self.error_status
        if self.regression is not None:
            return FAILED if self.regression.blames(strict) else CONFORMS
        blamed = {Verdict.FAIL, Verdict.REVIEW} if strict else {Verdict.FAIL}
        return FAILED if any(finding.verdict in blamed for finding in self.judgement.findings()) else CONFORMS


def overall_status(results: Iterable[CheckResult], strict: bool = False) -> int:
    """The exit status of several sources together: a `fail` counts before bad input, that before an incomplete run."""
    statuses = {result.exit_status(strict) for result in results}
    return next((status for status in (FAILED, BAD_INPUT, INCOMPLETE) if status in statuses), CONFORMS)
