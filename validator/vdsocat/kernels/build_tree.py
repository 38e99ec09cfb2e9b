"""A kernel's build tree: what it was configured for, which kernel and vDSO images it holds, and which is taken."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from vdsocat.errors import InputError

# What `make` of an architecture leaves for a boot loader, what QEMU starts first. Everywhere vmlinux is there, too.
_IMAGES = {
    "arm": ("arch/arm/boot/zImage", "arch/arm/boot/Image", "vmlinux"),
    "arm64": ("arch/arm64/boot/Image", "arch/arm64/boot/vmlinuz.efi", "arch/arm64/boot/Image.gz", "vmlinux"),
    "loongarch": ("arch/loongarch/boot/vmlinux.efi", "arch/loongarch/boot/vmlinuz.efi", "vmlinux"),
    "mips": ("vmlinux", "vmlinuz", "arch/mips/boot/uImage"),
    "parisc": ("vmlinux", "vmlinuz"),
    "powerpc": ("vmlinux", "arch/powerpc/boot/zImage", "arch/powerpc/boot/uImage"),
    "riscv": ("arch/riscv/boot/Image", "arch/riscv/boot/vmlinuz.efi", "arch/riscv/boot/Image.gz", "vmlinux"),
    "s390": ("arch/s390/boot/bzImage", "vmlinux"),
    "sh": ("arch/sh/boot/zImage", "vmlinux"),
    "sparc": ("vmlinux", "arch/sparc/boot/image", "arch/sparc/boot/zImage"),
    "um": ("linux", "vmlinux"),
    "x86": ("arch/x86/boot/bzImage", "vmlinux"),
}
# scripts/kconfig/confdata.c writes the menu's title there: "# Linux/x86 7.3.4 Kernel Configuration"
_TITLE = re.compile(r"# Linux/(\w+) (\S+) Kernel Configuration$", re.MULTILINE)
_WIDE = re.compile(r"CONFIG_64BIT=y$", re.MULTILINE)
_TITLE_WITHIN = 400


@dataclass(frozen=True, slots=True)
class BuildTree:
    """A configured tree.

    arch, bits  the kernel's ARCH directory and width, from .config; `arch` is None where that does not say it
    release     what `uname -r` will say, once make has settled it, else the version that .config was made for
    images      kernel images in the order in which they are taken, without those older than vmlinux
    stale       images that are older than vmlinux: the build went on behind them, and did not end
    vdsos       vDSO images linked in the tree; where there is a .so, its .so.dbg is none of them
    """

    root: Path
    config: Path
    arch: str | None
    bits: int
    release: str | None
    images: tuple[Path, ...]
    stale: tuple[Path, ...]
    vdsos: tuple[Path, ...]

    @property
    def image(self) -> Path:
        """The kernel to take. InputError, one sentence, when none is built."""
        if self.images:
            return self.images[0]
        wanted = " nor ".join(_IMAGES.get(self.arch or "", ("vmlinux",)))
        linked = "" if not self.vdsos else "; its vDSO images are linked, and --static judges these"
        raise InputError(f"{self._spell()} in which no kernel is built yet: there is neither {wanted}{linked}")

    def choice(self) -> str | None:
        """Which image is taken and why, in a sentence; None where there is no other."""
        others = [str(one.relative_to(self.root)) for one in self.images[1:]]
        stale = [str(one.relative_to(self.root)) for one in self.stale]
        if not others and not stale:
            return None
        left = [f"{', '.join(others)} is there, too"] if others else []
        left += [f"{', '.join(stale)} is older than vmlinux"] if stale else []
        return f"{self.root}: taking {self.image.relative_to(self.root)}; {', and '.join(left)}"

    def _spell(self) -> str:
        kernel = f"Linux/{self.arch} {self.release}" if self.arch else "Linux"
        return f"{self.root} is a build tree of {kernel}"


def read_build_tree(path: Path) -> BuildTree | None:
    """The build tree in a directory, an O= one or a source tree built in place; None when it is neither.

    InputError when it is a source tree that nobody configured.
    """
    is_source = all((path / name).exists() for name in ("Kconfig", "Makefile", "arch"))
    config = path / ".config"
    if not config.is_file():
        if is_source:
            raise InputError(
                f"{path} is a kernel's source tree without .config, so nothing is built in it: "
                f"name the directory that O= named, or configure and build it"
            )
        return None
    if not is_source and not any((path / name).exists() for name in ("arch", "include/config", "vmlinux", "linux")):
        return None
    with config.open(encoding="utf-8", errors="replace") as file:
        text = file.read()
    title = _TITLE.search(text[:_TITLE_WITHIN])
    arch = title[1] if title else None
    images, stale = _kernel_images(path, arch)
    return BuildTree(
        root=path,
        config=config,
        arch=arch,
        bits=64 if _WIDE.search(text) else 32,
        release=_release(path) or (title[2] if title else None),
        images=images,
        stale=stale,
        vdsos=_vdso_images(path, arch),
    )


def _kernel_images(root: Path, arch: str | None) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    known = [root / name for name in _IMAGES.get(arch or "", ("vmlinux",))]
    built = [path for path in known if path.is_file()]
    linked = root / "vmlinux"
    # What is made from vmlinux is never older than it, once make has ended.
    newest = linked.stat().st_mtime_ns if linked.is_file() else 0
    stale = [path for path in built if path.stat().st_mtime_ns < newest]
    return tuple(path for path in built if path not in stale), tuple(stale)


def _vdso_images(root: Path, arch: str | None) -> tuple[Path, ...]:
    if arch is None:
        return ()
    found = []
    for top in (root / "arch" / arch, *([root / "arch/x86/um"] if arch == "um" else [])):
        for directory, _, names in os.walk(top):
            there = {name for name in names if name.endswith((".so", ".so.dbg"))}
            found += [Path(directory, name) for name in sorted(there) if name.removesuffix(".dbg") == name]
            found += [
                Path(directory, name) for name in sorted(there) if name.endswith(".dbg") and name[:-4] not in there
            ]
    own = root / "arch/x86/um"
    return tuple(path for path in found if arch == "um" or own not in path.parents)


def _release(root: Path) -> str | None:
    try:
        return (root / "include/config/kernel.release").read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
