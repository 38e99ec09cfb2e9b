"""The cache directory: files and directories that appear whole or not at all, made once even by two runs at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vdsocat.errors import RunError

# More files than this in one entry (a kernel's source tree) are flushed by one sync(2) instead of one fsync(2) each.
_FSYNC_FILES = 64
_WAITING_SECONDS = 0.5

_PARTIAL = ".partial-"
_UNSAFE = re.compile(r"[^A-Za-z0-9.+~_-]")


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache under `root`, which is created when something is first put there.

    Entries are named by path components below the root. What is being made has a name that begins with ".partial-";
    what a killed run left behind under such a name is removed by the next run that makes an entry beside it.
    """

    root: Path

    def path(self, *parts: str) -> Path:
        """Where the entry is, or would be; characters that no file name should have become "_"."""
        return self.root.joinpath(*(_UNSAFE.sub("_", part).lstrip(".") or "_" for part in parts))

    @contextlib.contextmanager
    def lock(self, *parts: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of one entry; while another thread or process does, `waiting` is called twice a second.

        An exception from that ends the waiting.
        The lock belongs to an open file (flock(2)), so it ends with the process that holds it, however that dies.
        """
        with self._explaining():
            descriptor = self._open_lock(self.path(*parts))
        try:
            while not _locked(descriptor):
                waiting()
                time.sleep(_WAITING_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def directory(self, *parts: str, make: Callable[[Path], None], waiting: Callable[[], None] = lambda: None) -> Path:
        """The directory of this name, made by `make` (which fills the empty directory it is given) if it is not there.

        RunError when the cache cannot be written; whatever `make` raises leaves no trace.
        """
        path = self.path(*parts)
        if path.is_dir():
            return path
        with self.lock(*parts, waiting=waiting):
            if path.is_dir():
                return path
            partial = path.with_name(_PARTIAL + path.name)
            with self._explaining():
                _remove(partial)
                partial.mkdir(parents=True)
                self._sweep(path.parent)
            try:
                with self._explaining():
                    make(partial)
                    _flush_tree(partial)
                    partial.rename(path)
            except BaseException:
                _remove(partial)
                raise
        return path

    def file(self, *parts: str, make: Callable[[Path], None], waiting: Callable[[], None] = lambda: None) -> Path:
        """The file of this name, made by `make` (which writes the path it is given) if it is not there."""
        path = self.path(*parts)
        if path.is_file():
            return path
        with self.lock(*parts, waiting=waiting):
            if not path.is_file():
                self._place(path, make)
        return path

    def replace(self, *parts: str, content: bytes) -> Path:
        """Write a file anew; readers see the old content or the new, never a part."""
        path = self.path(*parts)
        with self.lock(*parts):
            self._place(path, lambda partial: _write(partial, content))
        return path

    def _place(self, path: Path, make: Callable[[Path], None]) -> None:
        partial = path.with_name(_PARTIAL + path.name)
        with self._explaining():
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove(partial)
        try:
            with self._explaining():
                make(partial)
                _flush(partial)
                partial.replace(path)
        except BaseException:
            _remove(partial)
            raise

    def _open_lock(self, path: Path) -> int:
        """An open file that stands for an entry; which one follows from the entry's path alone."""
        name = path.relative_to(self.root).as_posix()
        lock = self.root / "locks" / f"{path.name[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def _sweep(self, directory: Path) -> None:
        """Remove what killed runs left half-made in a directory: whatever is partial and locked by nobody."""
        for partial in directory.glob(f"{_PARTIAL}*"):
            descriptor = self._open_lock(partial.with_name(partial.name.removeprefix(_PARTIAL)))
            try:
                if _locked(descriptor):
                    _remove(partial)
            finally:
                os.close(descriptor)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"The cache directory {self.root} cannot be used ({error.strerror or error}); "
                "free space there or name another one."
            ) from error


def _locked(descriptor: int) -> bool:
    """Take the lock of an open file, unless somebody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_tree(root: Path) -> None:
    """Make what was written survive a power cut before the rename makes it visible."""
    files: list[Path] = []
    for directory, _, names in os.walk(root):
        files += [Path(directory, name) for name in names]
        if len(files) > _FSYNC_FILES:
            os.sync()
            return
    for path in files:
        if not path.is_symlink():
            _flush(path)
