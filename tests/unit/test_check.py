"""Checking several sources at once: results as they come, errors kept apart, guests ended."""

from __future__ import annotations

import io
import pickle
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from small_catalog import small_catalog
from small_images import CLOCK, SIGRETURN, i386_capture, i386_image

from vdsocat.cache import Cache
from vdsocat.capture import Capture
from vdsocat.check import BootTask, CheckTask, Limits, Matrix, Progress, Task, Teller, check_all
from vdsocat.cli.terminal import StatusLine
from vdsocat.cluster import BootOrder
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest.durations import Durations, read_durations, write_durations
from vdsocat.guest.job import BootJob, BootResult
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings, KernelUnderTest
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


def refusing(order: list[str], name: str, to_build: bool = False) -> BootTask:
    """A kernel that cannot be had, which notes when somebody wanted it."""

    def job(stop: StopRequest, progress: Progress) -> BootJob:
        order.append(name)
        raise RunError("There is no such kernel.")

    return BootTask(name, job, to_build)


def test_kernels_to_fetch_come_before_those_to_build_and_the_longest_first() -> None:
    order: list[str] = []
    durations = Durations({"long": 9.0, "short": 1.0, "built": 99.0})
    tasks = [refusing(order, "built", True), *(refusing(order, name) for name in ("short", "unknown", "long"))]
    matrix = Matrix(CATALOG, Limits(1), quiet, StopRequest(), durations)
    results = list(check_all(tasks, matrix))
    assert order == ["long", "short", "unknown", "built"]
    assert {result.error for result in results} == {"There is no such kernel."}


def test_only_the_newest_durations_are_kept(tmp_path: Path) -> None:
    durations = Durations({f"kernel-{number}": 1.0 for number in range(1500)})
    durations.note(replace(GOOD, provenance=replace(GOOD.provenance, source="kernel-0", machine="i386", seconds=2.5)))
    write_durations(durations, Cache(tmp_path))
    kept = read_durations(Cache(tmp_path))
    assert len(kept.sources) == 1000
    assert (kept.of_source("kernel-0"), kept.of_source("kernel-1"), kept.machines) == (2.5, None, {"i386": 2.5})


class FakeCluster:
    """A cluster whose boots the test ends."""

    def __init__(self) -> None:
        self.futures: dict[str, Future[BootResult | CheckResult]] = {}
        self.asked = threading.Semaphore(0)

    def prepare(self, job: BootJob) -> BootOrder:
        return BootOrder(job, "0" * 64, "1")

    def submit(self, order: BootOrder) -> Future[BootResult | CheckResult]:
        future: Future[BootResult | CheckResult] = Future()
        self.futures[order.job.kernel.source] = future
        self.asked.release()
        return future

    def explain(self, error: BaseException) -> RunError:
        return RunError(f"The cluster says: {type(error).__name__}.")


def remote(source: str) -> BootTask:
    kernel = KernelUnderTest(source, Path("/nowhere"))
    settings = BootSettings((), Cache(Path("/nowhere")), qemu_finder())
    return BootTask(source, lambda stop, progress: BootJob(kernel, settings, Path("/nowhere/log")))


def test_a_job_can_be_sent_to_another_process(tmp_path: Path) -> None:
    machines = load_machines(data_directory("qemu-images") / "machines")
    settings = BootSettings(machines, Cache(tmp_path), qemu_finder(tmp_path), 5.0, "quiet")
    job = BootJob(KernelUnderTest("k", tmp_path / "k"), settings, tmp_path / "log", cost=True, earlier=GOOD)
    assert pickle.loads(pickle.dumps(job)) == job


def run_remotely(tasks: Sequence[Task], cluster: FakeCluster, stop: StopRequest) -> list[CheckResult]:
    return list(check_all(tasks, Matrix(CATALOG, Limits(1), quiet, stop, cluster=cluster)))


def test_a_cluster_gets_all_boots_at_once_and_each_gives_one_result() -> None:
    cluster, names = FakeCluster(), ["good", "refused", "lost", "died"]

    def end_them() -> None:
        for _ in names:
            assert cluster.asked.acquire(timeout=10)
        cluster.futures["good"].set_result(BootResult(GOOD, kept=True))
        cluster.futures["refused"].set_result(CheckResult("refused", error="There: no QEMU.", error_status=3))
        cluster.futures["died"].set_exception(ValueError("what a worker did"))
        cluster.futures["lost"].cancel()
        cluster.futures["lost"].set_running_or_notify_cancel()

    ending = threading.Thread(target=end_them)
    ending.start()
    results = {one.source: one for one in run_remotely([remote(name) for name in names], cluster, StopRequest())}
    ending.join()
    assert set(results) == set(names)
    assert results["good"].kept and results["good"].judgement is not None
    assert results["refused"].error == "There: no QEMU."
    assert results["died"].error == "The cluster says: ValueError."
    assert results["lost"].error == "The cluster says: CancelledError."


def test_a_stop_calls_off_what_a_cluster_has_not_made() -> None:
    cluster, stop = FakeCluster(), StopRequest()

    def interrupt() -> None:
        for _ in range(2):
            assert cluster.asked.acquire(timeout=10)
        cluster.futures["ended"].set_result(BootResult(GOOD, kept=False))
        stop.set()

    ending = threading.Thread(target=interrupt)
    ending.start()
    results = run_remotely([remote("ended"), remote("runs")], cluster, stop)
    ending.join()
    assert [one.source for one in results] == ["ended"]
    assert cluster.futures["runs"].cancelled()


def test_the_status_line_names_all_that_is_being_done() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with StatusLine(stream, 5) as status:
        status.tell("booting a", "a")
        status.tell("fetching b: 1 of 2 MB", "b")
        status.tell("booting c", "c")
        assert stream.getvalue().endswith("[0/5] booting a, c; fetching b: 1 of 2 MB")
        status.tell("", "b")
        status.ended("a")
        status.tell("booting d", "d")
        assert stream.getvalue().endswith("[1/5] booting c, d")
    assert stream.getvalue().endswith("\r\x1b[K")
