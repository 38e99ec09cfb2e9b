"""Writing an initramfs (cpio "newc") without root: directories, device nodes and files from memory."""

from __future__ import annotations

import stat
from collections.abc import Mapping

_CONSOLE = (5, 1)  # Documentation/admin-guide/devices.txt


def write_initramfs(init: bytes, probes: Mapping[str, bytes]) -> bytes:
    """An uncompressed archive with /init, /probes/NAME for each probe, /proc, /sys, /dev and /dev/console.

    The kernel opens /dev/console for PID 1 before it runs /init, so the node has to be in the archive.
    The same input gives the same bytes: all times are 0. Format: Documentation/driver-api/early-userspace/
    buffer-format.rst.
    """
    archive = bytearray()
    for number, directory in enumerate(("dev", "proc", "probes", "sys"), start=1):
        archive += _entry(directory, number, stat.S_IFDIR | 0o755)
    archive += _entry("dev/console", 5, stat.S_IFCHR | 0o600, device=_CONSOLE)
    archive += _entry("init", 6, stat.S_IFREG | 0o755, init)
    for number, (name, content) in enumerate(sorted(probes.items()), start=7):
        archive += _entry(f"probes/{name}", number, stat.S_IFREG | 0o755, content)
    archive += _entry("TRAILER!!!", 0, 0)
    return bytes(archive) + bytes(-len(archive) % 512)


def _entry(name: str, inode: int, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    encoded_name = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    numbers = (inode, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(encoded_name), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded_name
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)
