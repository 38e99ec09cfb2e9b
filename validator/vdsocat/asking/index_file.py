"""The index of the catalogue on disk: read for every question, so with built-in modules alone."""

from __future__ import annotations

import marshal
import os
import sys
import zlib

# Loading typing takes half as long as starting Python.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Stamp = tuple[str, int, int]

# Raise it when what is in an index changes.
_FORMAT = 2
_CHECKSUM_BYTES = 4


def index_path(catalog_root: str, cache: str) -> str:
    """Where the index of the catalogue in this directory is kept; the format is one Python's own."""
    place = zlib.crc32(os.fsencode(os.path.abspath(catalog_root)))
    return os.path.join(cache, f"index-{place:08x}-{sys.hexversion:x}-{_FORMAT}")


def stamps_of(catalog_root: str) -> list[Stamp]:
    """What tells whether a catalogue has changed: time and size of its files, and of its directories for new ones."""
    stamps = []
    for directory, names, files in os.walk(os.path.abspath(catalog_root)):
        names.sort()
        for path in (directory, *(os.path.join(directory, name) for name in sorted(files) if name.endswith(".yaml"))):
            status = os.stat(path)
            stamps.append((path, status.st_mtime_ns, status.st_size))
    return stamps


def read_index(catalog_root: str, cache: str) -> dict[str, Any] | None:
    """The index if it is there, whole and current, else None."""
    try:
        with open(index_path(catalog_root, cache), "rb") as file:
            content = file.read()
        body = memoryview(content)[_CHECKSUM_BYTES:]
        if zlib.crc32(body) != int.from_bytes(content[:_CHECKSUM_BYTES], "big"):
            return None
        index = marshal.loads(body)
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return index if _is_current(index["stamps"], catalog_root) else None


def write_index(index: dict[str, Any], catalog_root: str, cache: str) -> None:
    """Keep an index for the next question; a cache that cannot be written costs time, nothing else."""
    body = marshal.dumps(index)
    path = index_path(catalog_root, cache)
    partial = f"{path}.{os.getpid()}.partial"
    try:
        os.makedirs(cache, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big") + body)
        os.replace(partial, path)
    except OSError:
        return


def _is_current(stamps: Iterable[Stamp], catalog_root: str) -> bool:
    root = os.path.abspath(catalog_root)
    first = True
    for path, changed, size in stamps:
        if first and path != root:
            return False
        first = False
        try:
            status = os.stat(path)
        except OSError:
            return False
        if (status.st_mtime_ns, status.st_size) != (changed, size):
            return False
    return not first
