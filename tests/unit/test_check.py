"""Checking several sources at once: results as they come, errors kept apart, guests ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence

import pytest
from small_catalog import small_catalog
from small_images import CLOCK, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import Capture
from vdsocat.check import CheckTask, Limits, Matrix, Progress, Task, Teller, check_all
from vdsocat.errors import InputError, RunError
from vdsocat.guest.stop import StopRequest
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import BAD_INPUT, CONFORMS, FAILED, INCOMPLETE, CheckResult, overall_status

Results = Generator[CheckResult, None, None]

CATALOG = small_catalog()
GOOD = i386_capture(i386_image())
BAD = i386_capture(i386_image((CLOCK, SIGRETURN)))


def giving(capture: Capture) -> Callable[[StopRequest, Progress], Capture]:
    return lambda stop, progress: capture


def raising(error: Exception) -> Callable[[StopRequest, Progress], Capture]:
    def capture(stop: StopRequest, progress: Progress) -> Capture:
        raise error

    return capture


def quiet(text: str, source: str) -> None:
    """No progress."""


def run(tasks: Sequence[Task], boots: int, tell: Teller = quiet, stop: StopRequest | None = None) -> Results:
    return check_all(tasks, Matrix(CATALOG, Limits(boots), tell, stop or StopRequest()))


def test_every_source_has_a_result_and_one_that_cannot_be_run_spoils_no_other() -> None:
    tasks = [
        CheckTask("good", giving(GOOD)),
        CheckTask("panics", raising(RunError("The kernel panicked."))),
        CheckTask("missing", raising(InputError("There is no such file."))),
        CheckTask("bad", giving(BAD)),
    ]
    results = {result.source: result for result in run(tasks, 2)}
    assert {source: result.exit_status() for source, result in results.items()} == {
        "good": CONFORMS,
        "panics": INCOMPLETE,
        "missing": BAD_INPUT,
        "bad": FAILED,
    }
    assert results["panics"].error == "The kernel panicked."
    assert results["panics"].judgement is None


def test_results_come_in_the_order_in_which_they_end() -> None:
    first_may_end = threading.Event()

    def slow(stop: StopRequest, progress: Progress) -> Capture:
        assert first_may_end.wait(10)
        return GOOD

    stream = run([CheckTask("slow", slow), CheckTask("fast", giving(GOOD))], 2)
    assert next(stream).source == "fast"
    first_may_end.set()
    assert [result.source for result in stream] == ["slow"]


def test_no_more_run_at_a_time_than_there_are_workers() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def counted(stop: StopRequest, progress: Progress) -> Capture:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return GOOD

    list(run([CheckTask(str(number), counted) for number in range(6)], 2))
    assert most <= 2


def test_closing_the_stream_tells_every_guest_to_stop_and_starts_no_other() -> None:
    stopped, started = threading.Event(), []

    def waiting(stop: StopRequest, progress: Progress) -> Capture:
        deadline = time.monotonic() + 10
        while not stop.is_set():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stopped.set()
        raise RunError("stopped")

    def never(stop: StopRequest, progress: Progress) -> Capture:
        started.append(True)
        return GOOD

    tasks = [CheckTask("good", giving(GOOD)), CheckTask("waits", waiting)]
    stream = run([*tasks, *(CheckTask("never", waiting) for _ in range(3))], 2)
    next(stream)
    stream.close()
    assert stopped.is_set()
    assert not started


def test_progress_is_passed_on() -> None:
    told: list[tuple[str, str]] = []

    def telling(stop: StopRequest, progress: Progress) -> Capture:
        progress("booting it")
        return GOOD

    list(run([CheckTask("one", telling)], 1, lambda text, source: told.append((source, text))))
    assert told == [("one", "booting it")]


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        ((), CONFORMS),
        ((CONFORMS, CONFORMS), CONFORMS),
        ((CONFORMS, INCOMPLETE), INCOMPLETE),
        ((INCOMPLETE, BAD_INPUT), BAD_INPUT),
        ((INCOMPLETE, BAD_INPUT, FAILED, CONFORMS), FAILED),
        ((FAILED, FAILED, FAILED), FAILED),
    ],
)
def test_the_overall_status_is_one_of_four_and_never_a_count(statuses: tuple[int, ...], overall: int) -> None:
    judged = {CONFORMS: judge_capture(GOOD, CATALOG), FAILED: judge_capture(BAD, CATALOG)}
    results = [
        CheckResult("s", judged[status]) if status in judged else CheckResult("s", error="e", error_status=status)
        for status in statuses
    ]
    assert overall_status(results) == overall


def test_once_asked_to_stop_it_hands_out_what_had_ended_and_begins_nothing_more() -> None:
    stop, begun = StopRequest(), []

    def asking(given: StopRequest, progress: Progress) -> Capture:
        begun.append("asking")
        given.set()
        return GOOD

    def later(given: StopRequest, progress: Progress) -> Capture:
        begun.append("later")
        return GOOD

    tasks = [CheckTask("asking", asking), CheckTask("later", later)]
    assert [result.source for result in run(tasks, 1, stop=stop)] == ["asking"]
    assert begun == ["asking"]
