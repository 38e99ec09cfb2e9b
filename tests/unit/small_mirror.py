"""A mirror with kernels that carry images of the small catalogue, for sweeping."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from elf_builder import Symbol
from fake_mirror import FakeMirror
from small_images import I386_SYMBOLS, i386_image, notes, vmlinux


def add_kernel(
    mirror: FakeMirror,
    version: str,
    *,
    suite: str = "bookworm",
    flavour: str = "686",
    symbols: Iterable[Symbol] = I386_SYMBOLS,
    architecture: str = "i386",
) -> Path:
    """A kernel of this package version whose one image exports the symbols; the package's path."""
    release = version.partition("-")[0]
    image = vmlinux(release=f"{release}-{flavour}", images=(i386_image(symbols, notes=notes(release)),))
    return mirror.kernel(suite, architecture, flavour, version, image=image)
