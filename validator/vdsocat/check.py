"""Checking many sources at once: captures are made in parallel, judged, and handed out as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from vdsocat.capture import Capture
from vdsocat.catalog.model import Catalog
from vdsocat.cluster import BootOrder
from vdsocat.errors import MissingToolsError, VdsocatError
from vdsocat.guest.durations import Durations
from vdsocat.guest.job import BootJob, BootResult, PreparedBoot, make_boot, prepare_boot
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult

Progress = Callable[[str], None]
# What is being done, and for which source.
Teller = Callable[[str, str], None]

# What QEMU takes beside the guest's memory: code, translated code, firmware. MiB.
_QEMU_MEMORY = 128
_CLUSTER_STOP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One source that is not booted, and how to get its capture."""

    source: str
    capture: Callable[[StopRequest, Progress], Capture]


@dataclass(frozen=True, slots=True)
class BootTask:
    """One kernel to boot: `job` fetches or builds it, which is to give up soon after it is asked to stop.

    Kernels that are `to_build` come after those that only have to be fetched.
    """

    source: str
    job: Callable[[StopRequest, Progress], BootJob]
    to_build: bool = False

    def capture(self, stop: StopRequest, progress: Progress) -> Capture:
        """Its capture, all steps in this thread."""
        return make_boot(prepare_boot(self.job(stop, progress)), stop, progress).capture


Task = CheckTask | BootTask


@dataclass(frozen=True, slots=True)
class Limits:
    """How many boots at a time, and how much memory they may take together, in MiB (None: no matter)."""

    boots: int
    memory: int | None = None


class Cluster(Protocol):
    """Other computers that make boots."""

    def prepare(self, job: BootJob) -> BootOrder:
        """What one of them has to know."""

    def submit(self, order: BootOrder) -> Future[BootResult | CheckResult]:
        """Have the boot made; a result says why it could not be. Cancelling the future ends a guest that runs."""

    def explain(self, error: BaseException) -> VdsocatError:
        """What another exception of such a future means."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What checking many sources takes beside them.

    `tell` hears what is being done for which source, from several threads. `durations` decide which boots come first.
    With a `cluster`, boots are made there, and the limits hold for preparing them only.
    """

    catalog: Catalog
    limits: Limits
    tell: Teller
    stop: StopRequest
    durations: Durations = field(default_factory=Durations)
    cluster: Cluster | None = None


def check_all(tasks: Sequence[Task], matrix: Matrix) -> Generator[CheckResult, None, None]:
    """A result for each task, in the order in which they end; the longest begin first.

    One that cannot be completed never spoils the others. Once asked to stop it hands out what had ended, and no more.
    Closing the iterator, or an exception in the thread that drives it, ends every guest before it returns.
    """
    course = _Course(matrix)
    try:
        yield from course.run(tasks)
    finally:
        matrix.stop.set()
        course.end()


class _Course:
    """The state of one run: what is being prepared, what is ready to boot, and what is booting.

    Kernels are fetched, unpacked and looked up beside the boots, so that no place for a boot waits for a mirror or a
    decompressor. All fields are the driving thread's alone.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        boots = max(1, matrix.limits.boots)
        self._preparers = ThreadPoolExecutor(boots, "prepare")
        self._guests = ThreadPoolExecutor(boots, "guest")
        self._preparing: dict[Future[CheckResult | PreparedBoot | BootOrder], Task] = {}
        self._ready: list[tuple[Task, PreparedBoot]] = []
        self._booting: dict[Future[BootResult | CheckResult], tuple[Task, int]] = {}
        self._stopped = False

    def run(self, tasks: Iterable[Task]) -> Generator[CheckResult, None, None]:
        """Drive it to its end."""
        for task in sorted(tasks, key=self._before_it_is_known):
            self._preparing[self._preparers.submit(self._prepare, task)] = task
        while self._preparing or self._booting:
            waited: list[Future[Any]] = [*self._preparing, *self._booting]
            done, _ = wait(waited, self._patience(), FIRST_COMPLETED)
            if self._matrix.cluster is not None and self._matrix.stop.is_set():
                self._call_off()
            ended = [future for future in waited if future in done]
            results = [result for future in ended if (result := self._settle(future)) is not None]
            # Before whoever reads the results gets the thread: no place stays empty meanwhile.
            self._fill()
            yield from results

    def _patience(self) -> float | None:
        """Seconds until somebody must look whether to stop: guests of this process do that themselves."""
        return None if self._matrix.cluster is None else _CLUSTER_STOP_SECONDS

    def _call_off(self) -> None:
        """Want no more of what the cluster has not made: its workers then end their guests."""
        self._stopped = True
        for future in [one for one in self._booting if not one.done()]:
            future.cancel()
            del self._booting[future]

    def end(self) -> None:
        """Wait until nothing of it runs any more."""
        if self._matrix.cluster is not None:
            self._call_off()
        for pool in (self._preparers, self._guests):
            pool.shutdown(wait=True, cancel_futures=True)

    def _before_it_is_known(self, task: Task) -> tuple[bool, float]:
        """Sorts tasks whose kernels nobody has looked at: fetched before built, then the longest first."""
        to_build = isinstance(task, BootTask) and task.to_build
        return to_build, -(self._matrix.durations.of_source(task.source) or 0)

    def _longest_first(self, ready: tuple[Task, PreparedBoot]) -> tuple[bool, float]:
        task, prepared = ready
        to_build, known = self._before_it_is_known(task)
        return to_build, known or -self._matrix.durations.of_machine(prepared.plan.machine)

    def _prepare(self, task: Task) -> CheckResult | PreparedBoot | BootOrder:
        """A result where nothing has to be booted, else what a boot needs."""
        matrix = self._matrix

        def progress(text: str) -> None:
            matrix.tell(text, task.source)

        if matrix.stop.is_set():
            raise InterruptedRunError
        try:
            if isinstance(task, CheckTask):
                return self._judge(task, BootResult(task.capture(matrix.stop, progress), kept=False))
            job = task.job(matrix.stop, progress)
            if matrix.cluster is not None:
                return matrix.cluster.prepare(job)
            prepared = prepare_boot(job)
            if prepared.kept is None:
                return prepared
            return self._judge(task, make_boot(prepared, matrix.stop, progress))
        except VdsocatError as error:
            return _refused(task, error)

    def _settle(self, future: Future[Any]) -> CheckResult | None:
        """What became of a step; None when another one follows, or when it was stopped."""
        cluster = self._matrix.cluster
        booted = future in self._booting
        task = self._booting.pop(future)[0] if booted else self._preparing.pop(future)
        try:
            outcome: CheckResult | BootResult | PreparedBoot | BootOrder = future.result()
            if isinstance(outcome, BootResult):
                outcome = self._judge(task, outcome)
        except InterruptedRunError:
            self._stopped = True
            return None
        except VdsocatError as error:
            return _refused(task, error)
        except (Exception, CancelledError) as error:
            if not booted or cluster is None:
                raise
            return _refused(task, cluster.explain(error))
        if isinstance(outcome, CheckResult):
            return outcome
        if isinstance(outcome, PreparedBoot):
            self._matrix.tell("", task.source)
            self._ready.append((task, outcome))
        elif cluster is not None and not self._stopped:
            self._matrix.tell(f"booting {task.source}", task.source)
            self._booting[cluster.submit(outcome)] = task, 0
        return None

    def _fill(self) -> None:
        """Begin as many boots as there are places and memory for; one that needs more than there is runs alone."""
        if self._stopped:
            return
        limits = self._matrix.limits
        for one in sorted(self._ready, key=self._longest_first):
            if len(self._booting) >= limits.boots:
                return
            task, prepared = one
            need = prepared.plan.machine.memory + _QEMU_MEMORY
            taken = sum(memory for _, memory in self._booting.values())
            if limits.memory is not None and self._booting and taken + need > limits.memory:
                continue
            self._ready.remove(one)
            tell = self._teller(task)
            self._booting[self._guests.submit(make_boot, prepared, self._matrix.stop, tell)] = task, need

    def _teller(self, task: Task) -> Progress:
        return lambda text: self._matrix.tell(text, task.source)

    def _judge(self, task: Task, made: BootResult) -> CheckResult:
        if not made.kept:
            self._matrix.durations.note(made.capture)
        started = time.monotonic()
        judgement = judge_capture(made.capture, self._matrix.catalog)
        return CheckResult(task.source, judgement, judging=time.monotonic() - started, kept=made.kept)


def _refused(task: Task, error: VdsocatError) -> CheckResult:
    lacking = error.packages if isinstance(error, MissingToolsError) else ()
    return CheckResult(task.source, error=error.sentence(), error_status=error.exit_status, lacking=lacking)
