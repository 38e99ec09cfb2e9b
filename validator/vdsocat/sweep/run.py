"""Looking at the kernels of a sweep one after the other, keeping of each only what it carries."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.capture import Capture, capture_to_json, read_capture
from vdsocat.catalog.evidence import Evidence
from vdsocat.catalog.model import Catalog
from vdsocat.errors import InputError, VdsocatError
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult
from vdsocat.kernels.debian import DebianArchive, NotCachedError
from vdsocat.kernels.download import NotFoundError
from vdsocat.kernels.packages import KernelPackage, fetch_kernel
from vdsocat.recording import observations_of
from vdsocat.sources import kernel_of
from vdsocat.static_capture import capture_kernel
from vdsocat.sweep.plan import SweptKernel

_JOURNAL = "sweep"


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """What a sweep needs; with `again`, kernels that the evidence knows are looked at like any other."""

    archive: DebianArchive
    catalog: Catalog
    evidence: Evidence
    progress: Callable[[str], None]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of one kernel: a result, or None.

    There is none when the evidence had the kernel already, and when the mirror has none of its packages although its
    indexes list them: `missing` are sentences about such packages.
    """

    kernel: SweptKernel
    result: CheckResult | None = None
    known: bool = False
    missing: tuple[str, ...] = ()


def sweep(kernels: Iterable[SweptKernel], settings: SweepSettings) -> Iterator[Swept]:
    """Look at each kernel, record it in the evidence and yield what was found; one that fails spoils no other.

    Stopped at any point, a later sweep goes on where this one was: what a kernel carries is kept in the cache, the
    kernel itself is not.
    """
    done: set[str] = set()
    for kernel in kernels:
        try:
            yield _look_at(kernel, settings, done)
        except VdsocatError as error:
            yield Swept(kernel, CheckResult(kernel.name, error=error.sentence(), error_status=error.exit_status))


def _look_at(kernel: SweptKernel, settings: SweepSettings, done: set[str]) -> Swept:
    """Look at the first candidate that the mirror has and that is not among the packages `done`, and add it there."""
    missing: list[str] = []
    not_cached: NotCachedError | None = None
    for package in kernel.candidates:
        if package.package.sha256 in done:
            continue
        done.add(package.package.sha256)
        capture = _kept_capture(package, settings.archive.cache)
        if capture is None and not settings.again and _is_known(package, settings.evidence):
            return Swept(kernel, known=True, missing=tuple(missing))
        try:
            capture = capture or _new_capture(package, settings)
        except NotFoundError as error:
            missing.append(error.sentence())
            continue
        except NotCachedError as error:
            not_cached = not_cached or error
            continue
        judgement = judge_capture(capture, settings.catalog)
        settings.evidence.record(observations_of(judgement, settings.catalog))
        return Swept(kernel, CheckResult(_label(package), judgement), missing=tuple(missing))
    if not_cached is not None:
        raise not_cached
    return Swept(kernel, missing=tuple(missing))


def _is_known(package: KernelPackage, evidence: Evidence) -> bool:
    wanted = package.package.sha256, "static"
    return any(
        (one.sighting.package_sha256, one.sighting.how) == wanted for abi in evidence for one in abi.observations
    )


def _journal_path(package: KernelPackage, cache: Cache) -> Path:
    return cache.path(_JOURNAL, f"{package.cache_parts[-1]}.json")


def _kept_capture(package: KernelPackage, cache: Cache) -> Capture | None:
    """What an earlier sweep read; one that an older version wrote, or that is damaged, is read anew."""
    path = _journal_path(package, cache)
    try:
        return read_capture(path) if path.is_file() else None
    except InputError:
        return None


def _new_capture(package: KernelPackage, settings: SweepSettings) -> Capture:
    """Read a kernel: the one in the cache if it is there, else one that is fetched and thrown away afterwards."""
    archive = settings.archive
    if archive.cache.path(*package.cache_parts).is_dir():
        capture = _read(package, archive, settings)
    elif archive.offline:
        raise NotCachedError(f"{_label(package)} is not in the cache {archive.cache.root}; run without --offline.")
    else:
        with tempfile.TemporaryDirectory(prefix="vdsocat-sweep-") as directory:
            capture = _read(package, replace(archive, cache=Cache(Path(directory))), settings)
    content = json.dumps(capture_to_json(capture)).encode()
    archive.cache.replace(_JOURNAL, _journal_path(package, archive.cache).name, content=content)
    return capture


def _read(package: KernelPackage, archive: DebianArchive, settings: SweepSettings) -> Capture:
    settings.progress(f"reading {_label(package)}")
    files = fetch_kernel(package, archive)
    capture = capture_kernel(kernel_of(_label(package), files), settings.catalog)
    # Where the file was says nothing to the next reader.
    return replace(capture, provenance=replace(capture.provenance, kernel_path=None))


def _label(package: KernelPackage) -> str:
    return f"{package.source} {package.package.version}"
