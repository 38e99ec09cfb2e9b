"""The kernels in a directory that is no build tree, such as /boot: which of its files are to be looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from vdsocat.errors import InputError

# Names that are kernels' whatever is in them: a damaged one must not be passed over.
_KERNEL_NAME = re.compile(
    r"(?:vmlinu[xz]|bzImage|zImage|u?Image|linux-(?:image|binary)-.*\.deb\Z)(?:[-_.].*)?\Z", re.IGNORECASE
)
_OTHER_NAME = re.compile(r".*\.(?:json|log|txt|md|map|ko|o|a|efi\.signed|unpacked|inner)\Z")


def kernels_in(path: Path, is_kernel: Callable[[Path], bool]) -> tuple[Path, ...]:
    """The kernels in a directory and in the directories directly in it, by name; a link beside its file is no other.

    A file counts that is named like a kernel, or that `is_kernel` knows by its contents. InputError when none does.
    """
    found: dict[Path, Path] = {}
    looked_at = 0
    for file in _files(path):
        looked_at += 1
        if _KERNEL_NAME.match(file.name) or (not _OTHER_NAME.match(file.name) and is_kernel(file)):
            found.setdefault(file.resolve(), file)
    if not found:
        raise InputError(f"{path} is a directory that holds no kernel ({looked_at} files looked at), and no build tree")
    return tuple(found.values())


def _files(path: Path) -> Iterator[Path]:
    """Files first, ordinary ones before links; then those of the directories, which are not entered deeper."""
    try:
        entries = sorted(path.iterdir())
        inner = [one for directory in entries if directory.is_dir() for one in sorted(directory.iterdir())]
    except OSError as error:
        raise InputError(f"{error.filename or path} cannot be read: {error.strerror or error}") from None
    files = [one for one in (*entries, *inner) if one.is_file() and not one.name.startswith(".")]
    yield from sorted(files, key=Path.is_symlink)
