"""The vDSO images that a kernel carries, found in its uncompressed bytes without booting it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import MADV_DONTNEED, mmap

from vdsocat.elf.image import VdsoImage, read_vdso_image
from vdsocat.elf.layout import Buffer, Endianness, ImageError, read_layout
from vdsocat.errors import InputError

_ELF_DYN = 3
_LONGEST_ELF = 4 << 20
_WINDOW = 4 << 20
# Of every vDSO that a Makefile of arch/ links: linux-vdso.so.1, linux-vdso32.so.1, linux-gate.so.1 …
_SONAME = re.compile(r"linux-(?:vdso|gate)[a-z0-9_]*\.so\.\d+\Z")
_BANNER_START = b"Linux version "
# init/version-timestamp.c (init/version.c before 6.1): "Linux version RELEASE (BUILDER) (COMPILER) #1 SMP …"
_BANNER = re.compile(
    rb"Linux version (?P<release>\d+\.\d+[^\s\x00]{0,200}) \([^\n\x00]*?(?P<version> #\d[^\n\x00]{0,200})?\n"
)
# kernel/configs.c, CONFIG_IKCONFIG
_CONFIG_START, _CONFIG_LIMIT = b"IKCFG_ST", 4 << 20


@dataclass(frozen=True, slots=True)
class CarriedImage:
    """A vDSO image inside a kernel: `data` are the bytes of the ELF file, `offset` is where they start."""

    offset: int
    data: bytes
    image: VdsoImage


@dataclass(frozen=True, slots=True)
class KernelBanner:
    """What the kernel says of itself: `release` as uname -r prints it, `version` as uname -v does where it is there."""

    release: str
    version: str | None


@dataclass(frozen=True, slots=True)
class KernelContents:
    """What an uncompressed kernel holds: its vDSO images, what it says of itself, and its own configuration."""

    images: tuple[CarriedImage, ...]
    banner: KernelBanner | None
    config: str | None


def read_contents(kernel: Buffer, with_config: bool = True) -> KernelContents:
    """All of these, found in the kernel's bytes; the configuration only if it is wanted."""
    config = find_config(kernel) if with_config else None
    return KernelContents(locate_vdso_images(kernel), find_banner(kernel), config)


def locate_vdso_images(kernel: Buffer) -> tuple[CarriedImage, ...]:
    """Every vDSO image in the bytes of an uncompressed kernel, by offset, each set of bytes once.

    A vDSO is an ET_DYN ELF file with a dynamic segment and a soname linux-vdso… or linux-gate…, or a version node
    LINUX_…; other ELF files that kernels carry (purgatory, hypervisor objects) have neither. More than one image of
    an ABI are alternatives: riscv64 with CFI, or i386 of old with one for each way to enter the kernel.
    """
    found: dict[bytes, CarriedImage] = {}
    for offset in _elf_files(kernel):
        carried = _read_image(kernel, offset)
        if carried is not None:
            found.setdefault(carried.data, carried)
    return tuple(found.values())


def is_vdso_image(data: bytes) -> bool:
    """Whether a file's bytes are a vDSO image, told from other libraries and from kernels as in a kernel."""
    return next(_elf_files(data[:20]), None) == 0 and _read_image(data, 0) is not None


def elf_file_size(data: bytes, endianness: Endianness) -> int:
    """Bytes from the ELF header to the end of the last segment or section header: what the file of an image had.

    Of an image whose section headers were stripped or do not fit, the segments alone count.
    """
    layout = read_layout(data, "the image", None)
    segments = max(segment.offset + segment.filesz for segment in layout.segments if segment.filesz)
    end = _end_of_sections(data, layout.elf_class == 64, endianness)
    return max(segments, end if end <= len(data) else 0)


def require_whole_file(data: bytes, endianness: Endianness, subject: str) -> None:
    """InputError for a file that ends before its section headers do: its linker has written more."""
    end = _end_of_sections(data, data[4] == 2, endianness)
    if end > len(data):
        raise InputError(f"{subject} is truncated: its section headers end at byte {end}, but the file has {len(data)}")


def _end_of_sections(data: bytes, wide: bool, endianness: Endianness) -> int:
    """Where the section headers end, by the file header alone; 0 where there are none."""
    at, size, place = (0x28, 8, 0x3A) if wide else (0x20, 4, 0x2E)
    sections = int.from_bytes(data[at : at + size], endianness)
    entry, count = (int.from_bytes(data[place + i : place + i + 2], endianness) for i in (0, 2))
    return sections + entry * count if sections and count else 0


def find_banner(kernel: Buffer) -> KernelBanner | None:
    """Release and version in the kernel's banner, or None when there is none."""
    first = None
    at = _find(kernel, _BANNER_START)
    while at >= 0:
        if match := _BANNER.match(kernel, at):
            version = match["version"]
            banner = KernelBanner(_text(match["release"]), _text(version).strip() if version else None)
            if version:
                return banner
            first = first or banner
        at = _find(kernel, _BANNER_START, at + 1)
    return first


def find_config(kernel: Buffer) -> str | None:
    """The configuration that a kernel with CONFIG_IKCONFIG carries, or None."""
    start = _find(kernel, _CONFIG_START)
    if start < 0:
        return None
    unpacker = zlib.decompressobj(wbits=31)
    try:
        config = unpacker.decompress(kernel[start + len(_CONFIG_START) : start + _CONFIG_LIMIT], _CONFIG_LIMIT)
    except zlib.error:
        return None
    return _text(config) if unpacker.eof else None


def _find(kernel: Buffer, what: bytes, start: int = 0) -> int:
    """As `find` does; of a mapped file only the window that is looked at stays in memory."""
    window = start - start % _WINDOW
    while window < len(kernel):
        end = window + _WINDOW
        at = kernel.find(what, max(start, window), end + len(what) - 1)
        if at >= 0:
            return at
        if isinstance(kernel, mmap):
            kernel.madvise(MADV_DONTNEED, window, min(_WINDOW, len(kernel) - window))
        window = end
    return -1


def _elf_files(kernel: Buffer) -> Iterator[int]:
    """Where an ET_DYN ELF header of a known class and byte order may start."""
    offset = _find(kernel, b"\x7fELF")
    while offset >= 0:
        header = kernel[offset : offset + 20]
        if len(header) == 20 and header[4] in (1, 2) and header[5] in (1, 2) and header[6] == 1:
            kind = int.from_bytes(header[16:18], "little" if header[5] == 1 else "big")
            if kind == _ELF_DYN:
                yield offset
        offset = _find(kernel, b"\x7fELF", offset + 4)


def _read_image(kernel: Buffer, offset: int) -> CarriedImage | None:
    candidate = bytes(kernel[offset : offset + _LONGEST_ELF])
    try:
        order: Endianness = "little" if candidate[5] == 1 else "big"
        data = candidate[: elf_file_size(candidate, order)]
        image = read_vdso_image(data, subject=f"the ELF file at {offset:#x}")
    except (ImageError, ValueError):
        return None
    named = image.soname is not None and _SONAME.match(image.soname)
    versioned = any(definition.name.startswith("LINUX_") for definition in image.verdefs)
    return CarriedImage(offset, data, image) if named or versioned else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
