"""Boots on other computers: an existing Dask cluster makes them, through the standard Executor interface.

What its workers need is theirs to have: vdsocat in the same version, QEMU, and, under the same paths as here, vdsocat's
cache, which holds the kernels that were fetched or built, and the kernels that are given as files. A worker that lacks
one of these says so in a sentence, which is the result of that source.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from vdsocat import __version__
from vdsocat.errors import InputError, RunError, VdsocatError
from vdsocat.guest.job import BootJob, BootResult, make_boot, prepare_boot
from vdsocat.guest.run import kernel_sha256
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.judging.result import CheckResult

_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class BootOrder:
    """A job for a worker, which is to find the same kernel (SHA-256 of its file) and to have the same vdsocat."""

    job: BootJob
    kernel_sha256: str
    vdsocat: str


class DaskCluster:
    """A cluster behind an Executor whose tasks run in Dask's workers."""

    def __init__(self, executor: Executor, address: str) -> None:
        self._executor = executor
        self._address = address

    def prepare(self, job: BootJob) -> BootOrder:
        """What a worker is told. InputError for a kernel that cannot be read here."""
        return BootOrder(job, kernel_sha256(job.kernel.image), __version__)

    def submit(self, order: BootOrder) -> Future[BootResult | CheckResult]:
        """Have the boot made; a result is what kept a worker from it. Cancelling the future ends a running guest."""
        return self._executor.submit(boot_on_worker, order)

    def explain(self, error: BaseException) -> RunError:
        """What Dask itself reports: a worker without vdsocat, several that died in turn, a lost scheduler."""
        if type(error).__name__ == "KilledWorker":
            return RunError("The workers that made this boot died, one after the other.")
        if isinstance(error, ModuleNotFoundError):
            return RunError(f"A worker of {self._address} cannot make boots ({error}); install vdsocat there.")
        return RunError(f"The cluster at {self._address} could not make this boot ({type(error).__name__}: {error}).")


@contextmanager
def dask_cluster(address: str, progress: Callable[[str], None]) -> Iterator[DaskCluster]:
    """The cluster whose scheduler is at an address such as tcp://10.0.0.1:8786.

    InputError without Dask, RunError when nobody answers there. That there is no worker, which may yet come, is only
    told. What is not done at the end is called off.
    """
    try:
        import distributed
    except ImportError:
        raise InputError("--scheduler needs Dask's distributed: pip install 'vdsocat[dask]'.") from None
    # It reports each lost connection at length; what matters of that comes back as the error of a task.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        # A client that takes no address leaves a traceback behind.
        untyped: Any = distributed
        untyped.comm.get_address_host_port(address)
        client = untyped.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(f"No Dask scheduler answers at {address} ({error or type(error).__name__}).") from None
    try:
        if not client.nthreads():
            progress(f"waiting for a worker: the scheduler at {address} has none")
        yield DaskCluster(client.get_executor(pure=False), address)
    finally:
        client.close()


def boot_on_worker(order: BootOrder) -> BootResult | CheckResult:
    """Make a boot in a worker of the cluster, or say why it has no capture: not every exception can be sent."""
    from distributed import get_worker

    worker: Any = get_worker()
    try:
        _require_the_same(order)
        return make_boot(prepare_boot(order.job), _Unwanted(worker), lambda text: None)
    except VdsocatError as error:
        sentence, status = error.sentence(), error.exit_status
    except InterruptedRunError:
        sentence, status = "the boot was called off.", RunError.exit_status
    return CheckResult(
        order.job.kernel.source, error=f"On the worker {worker.address}: {sentence}", error_status=status
    )


def _require_the_same(order: BootOrder) -> None:
    if order.vdsocat != __version__:
        raise RunError(f"vdsocat is {__version__} there and {order.vdsocat} here; install the same.")
    image = order.job.kernel.image
    needs = "workers need the kernels, and vdsocat's cache, under the same paths as here."
    try:
        same = kernel_sha256(image) == order.kernel_sha256
    except InputError as error:
        raise InputError(f"{error}; {needs}") from None
    if not same:
        raise InputError(f"{image} is another file there; {needs}")


class _Unwanted(StopRequest):
    """Raised as soon as nobody wants the worker's present task any more, its client having called it off, or died.

    A thread cannot be stopped from outside; what tells is the worker's own state of the task.
    """

    def __init__(self, worker: Any) -> None:
        super().__init__()
        self._worker = worker
        self._task = worker.get_current_task()

    def is_set(self) -> bool:
        state = self._worker.state.tasks.get(self._task)
        return super().is_set() or state is None or state.state == "cancelled"
