"""The QEMUs that `vdsocat qemu fetch` has put into the cache."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.guest.qemu_version import version_key

_RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class FetchedQemu:
    """A QEMU package in the cache: `directory` has its programs under bin/, ready to be run or given as --qemu.

    `version` is QEMU's own ("10.0.2"), `companions` are the packages that libraries and firmware came from.
    """

    directory: Path
    package: str
    package_version: str
    architecture: str
    suite: str
    sha256: str
    version: str
    programs: tuple[str, ...]
    companions: tuple[str, ...]

    def path(self, program: str) -> Path:
        """Where one of its programs is."""
        return self.directory / "bin" / program


def fetched_qemus(cache: Cache) -> tuple[FetchedQemu, ...]:
    """What the cache has, the newest QEMU first."""
    found = [read_fetched(path.parent) for path in cache.path("qemu").glob(f"[!.]*/{_RECORD}")]
    return tuple(sorted(found, key=lambda one: (version_key(one.version), one.package), reverse=True))


def read_fetched(directory: Path) -> FetchedQemu:
    """The record of a directory that holds one."""
    raw = json.loads((directory / _RECORD).read_bytes())
    lists = {key: tuple(raw[key]) for key in ("programs", "companions")}
    return FetchedQemu(directory=directory, **{**raw, **lists})


def write_fetched(fetched: FetchedQemu) -> None:
    """Put the record into its directory."""
    kept = {key: value for key, value in asdict(fetched).items() if key != "directory"}
    (fetched.directory / _RECORD).write_text(json.dumps(kept, indent=1), encoding="utf-8")
