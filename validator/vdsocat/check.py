"""Checking many sources at once: captures are made in parallel, judged, and handed out as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from vdsocat.capture import Capture
from vdsocat.catalog.model import Catalog
from vdsocat.errors import VdsocatError
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One source, and how to get its capture; `capture` is to give up soon after it is asked to stop."""

    source: str
    capture: Callable[[StopRequest, Progress], Capture]


def check_all(
    tasks: Sequence[CheckTask], catalog: Catalog, workers: int, progress: Progress, stop: StopRequest
) -> Generator[CheckResult, None, None]:
    """A result for each task, in the order in which they end; tasks begin in the order given.

    One that cannot be completed never spoils the others. Once asked to stop it hands out what had ended, and no more.
    Closing the iterator, or an exception in the thread that drives it, ends every guest before it returns.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, workers))
    try:
        futures = [pool.submit(_check, task, catalog, stop, progress) for task in tasks]
        for future in as_completed(futures):
            try:
                result = future.result()
            except InterruptedRunError:
                return
            yield result
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _check(task: CheckTask, catalog: Catalog, stop: StopRequest, progress: Progress) -> CheckResult:
    if stop.is_set():
        raise InterruptedRunError
    try:
        capture = task.capture(stop, progress)
        started = time.monotonic()
        judgement = judge_capture(capture, catalog)
        return CheckResult(task.source, judgement, judging=time.monotonic() - started)
    except VdsocatError as error:
        return CheckResult(task.source, error=error.sentence(), error_status=error.exit_status)
