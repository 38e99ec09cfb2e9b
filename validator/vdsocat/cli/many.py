"""The options of checking many sources at once, and what they come to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from vdsocat.cache import Cache
from vdsocat.capture import Capture, read_capture
from vdsocat.catalog.model import Catalog
from vdsocat.check import Limits, Matrix, Task, Teller
from vdsocat.cli.collected import collected
from vdsocat.errors import InputError
from vdsocat.guest.durations import read_durations, write_durations
from vdsocat.guest.stop import StopRequest
from vdsocat.matrix_file import MatrixEntry, read_matrix, tasks_of
from vdsocat.sources import SourceSettings, log_name

_MEMINFO = Path("/proc/meminfo")
# malloc.h of glibc
_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD = -3


@dataclass(frozen=True, slots=True)
class ManyOptions:
    """The values of the options."""

    matrix: Path | None
    jobs: int | None
    memory: int | None
    again: bool
    resume: bool
    scheduler: str | None

    def tasks(self, sources: Sequence[str], settings: SourceSettings) -> list[Task]:
        """What the arguments and the matrix file stand for."""
        listed = read_matrix(self.matrix) if self.matrix is not None else ()
        return tasks_of([*map(MatrixEntry, sources), *listed], settings)

    def earlier(self, out: Path | None) -> Callable[[str], Capture | None]:
        """Finds what an unfinished run left of a source in its directory; nothing unless it is to be resumed."""
        if not self.resume:
            return lambda source: None
        if out is None:
            raise click.UsageError("--resume goes on with what is in a directory: name it with --out.")
        return lambda source: _read_sound(out / f"{log_name(source)}.json")

    @contextmanager
    def running(self, catalog: Catalog, cache: Cache, tell: Teller, stop: StopRequest) -> Iterator[Matrix]:
        """What check_all takes; how long boots took is kept at the end."""
        _give_memory_back()
        durations = read_durations(cache)
        limits = Limits(self.jobs or len(os.sched_getaffinity(0)), self.memory or available_memory())
        try:
            if self.scheduler is None:
                yield Matrix(catalog, limits, tell, stop, durations)
            else:
                from vdsocat.cluster import dask_cluster

                with dask_cluster(self.scheduler, lambda text: tell(text, "")) as cluster:
                    yield Matrix(catalog, limits, tell, stop, durations, cluster)
        finally:
            write_durations(durations, cache)


many_options = collected(
    "many",
    ManyOptions,
    (
        click.option(
            "--matrix",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Check the sources that this YAML file lists, a set of one's own: docs/many.md.",
        ),
        click.option(
            "--jobs", type=click.IntRange(1), metavar="NUMBER", help="Boots at a time [default: one per CPU]."
        ),
        click.option(
            "--memory",
            type=click.IntRange(1),
            metavar="MIB",
            help="Memory that boots may take together [default: what is available].",
        ),
        click.option("--again", is_flag=True, help="Boot kernels of which a capture is kept, too."),
        click.option("--resume", is_flag=True, help="Boot only what --out has no complete and unchanged capture of."),
        click.option("--scheduler", metavar="ADDRESS", help="Have boots made by the Dask cluster of this scheduler."),
    ),
)


def _give_memory_back() -> None:
    """Let all threads take memory from one heap, and large pieces from the kernel, where the C library can: mallopt(3).

    glibc gives each thread a heap of its own, what is freed in one being of no use to another, and it keeps large
    pieces as soon as one was freed: some ten megabytes each over a matrix.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, 256 << 10)


def available_memory() -> int | None:
    """What the kernel says can be used without swapping, in MiB; None where it does not say."""
    try:
        said = re.search(r"^MemAvailable:\s*(\d+) kB$", _MEMINFO.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(said.group(1)) // 1024 if said else None


def _read_sound(path: Path) -> Capture | None:
    """The capture in a file; None when there is none, or only a part of one."""
    try:
        return read_capture(path) if path.is_file() else None
    except InputError:
        return None
