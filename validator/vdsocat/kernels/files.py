"""A kernel in the cache: its image, its configuration, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vdsocat.cache import Cache

_RECORD = "kernel.json"


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """One kernel, ready to boot.

    `source` is the SOURCE that names it exactly (debian:bookworm/amd64/amd64, built:ppc32). `architecture` is Debian's
    for its packages, and the kernel's ARCH for built ones. `sha256` is that of the Debian package that the kernel, or
    the source that it was built from, was taken from. `release` is what uname -r says. What was built from a tree of
    the user's own has no package; its `build_seconds` are those of this run.
    """

    source: str
    image: Path
    config: Path | None
    package: str | None
    version: str | None
    architecture: str | None
    flavour: str
    suite: str | None
    sha256: str | None
    release: str
    compiler: str | None = None
    fragment_sha256: str | None = None
    build_seconds: float | None = None

    @property
    def size(self) -> int:
        """The image's size in bytes."""
        return self.image.stat().st_size


def write_record(files: KernelFiles, directory: Path) -> None:
    """Put the record of a kernel into the directory that holds its files."""
    record: dict[str, Any] = asdict(files)
    record["image"] = files.image.name
    record["config"] = files.config.name if files.config else None
    (directory / _RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_record(directory: Path) -> KernelFiles:
    """The kernel in a directory of the cache; OSError, ValueError or TypeError when it has no sound record."""
    record = json.loads((directory / _RECORD).read_text(encoding="utf-8"))
    record["image"] = directory / record["image"]
    record["config"] = directory / record["config"] if record["config"] else None
    return KernelFiles(**record)


def cached_kernels(cache: Cache) -> Iterator[KernelFiles]:
    """Every kernel in the cache, newest entry first; entries without a sound record are passed over."""
    directories = [path.parent for path in cache.path("kernels").glob(f"[!.]*/{_RECORD}")]
    for directory in sorted(directories, key=lambda one: one.stat().st_mtime, reverse=True):
        try:
            yield read_record(directory)
        except (OSError, ValueError, TypeError):
            continue
