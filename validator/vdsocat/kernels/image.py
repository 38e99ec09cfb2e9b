"""Kernel image files: which format and architecture they are, and forms of them that QEMU can start."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TypeVar

from vdsocat.elf.layout import Buffer, Endianness, read_layout
from vdsocat.errors import InputError
from vdsocat.kernels.decompression import Payload, find_compressed, join_unpacked, unpack
from vdsocat.kernels.direct_entry import arm_text_offset, has_pvh_entry, uimage_header
from vdsocat.kernels.formats import read_header
from vdsocat.kernels.header import Contents, KernelHeader, find_release

_SELF_EXTRACTING = ("bzImage", "zImage", "s390-image", "vmlinuz")
_LARGEST_GAP = 64 << 20
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class KernelImage:
    """A kernel image file.

    format      bzImage, zImage, Image, vmlinux, vmlinuz (self-extracting ELF), s390-image, efi-zboot, uImage, FIT,
                linux (User Mode Linux) or raw (a memory image without a header); Image.gz, vmlinux.xz and so on for a
                whole compressed one
    arch        the kernel's ARCH directory: x86, arm, arm64, mips, powerpc, riscv, s390, loongarch, sh, parisc …
    bits        32 or 64
    release     "6.1.0-50-amd64" where the image says so without unpacking it all, else None: see read_release
    payload     where the compressed kernel is, for the formats that state it
    is_wrapped  whether what unpacks from the payload is an image with a header of its own
    """

    path: Path
    format: str
    arch: str
    bits: int
    endianness: Endianness
    release: str | None
    payload: Payload | None

    is_wrapped: bool = False

    @property
    def bootable(self) -> bool:
        """Whether QEMU 7.2 starts this file as it is: not EFI zboot, nor what is packed in a file of another form.

        Nor riscv's vmlinux: its segments claim physical address 0 (LOAD_OFFSET in arch/riscv/kernel/vmlinux.lds.S is
        the virtual address of the first), where QEMU's machine has its ROM, and the kernel runs wherever it is put.
        Nor sh's, which QEMU's r2d would run from its ELF header on (hw/sh4/r2d.c): a zImage moves itself.
        """
        return not (self.format in ("efi-zboot", "raw") or self.is_wrapped or self.is_flattened or self.needs_zimage)

    @property
    def is_flattened(self) -> bool:
        """Whether it is to be started as the memory image that its segments make, like arch/riscv/boot/Image."""
        return (self.format, self.arch) == ("vmlinux", "riscv")

    @property
    def needs_zimage(self) -> bool:
        """Whether QEMU can start this kernel as a zImage alone, and it is none."""
        return (self.format, self.arch) == ("vmlinux", "sh")


def identify_kernel(path: Path) -> KernelImage:
    """Recognise a kernel image by its contents.

    Raises InputError, one sentence naming the file, if it is missing, no regular file, empty, unreadable, shorter
    than its own headers say, or no kernel.
    """
    return _with_contents(path, lambda contents: _identify(path, contents))


def bootable_payload(image: KernelImage, directory: Path) -> Path:
    """The image's own path if QEMU can start that, else its kernel unpacked, or laid out flat, into `directory`.

    Raises InputError if the compressed kernel is damaged or cut short, or the result cannot be written.
    """
    if image.format == "raw":
        raise InputError(f"{image.path} cannot be started: it has no header that says where in memory it belongs")
    if image.needs_zimage:
        raise InputError(f"{image.path} cannot be started: QEMU's board for SuperH starts a zImage alone")
    if image.is_wrapped:
        return _bootable_inside(image, directory)
    if image.is_flattened:
        target = _target(image, directory)
        _with_contents(image.path, lambda contents: _write(_flat(contents), target))
        return target
    return image.path if image.bootable else unpack_kernel(image, directory)


def quick_payload(image: KernelImage, directory: Path, memory_start: int | None = None) -> Path:
    """What QEMU has running soonest, else as bootable_payload: a kernel that is entered without unpacking itself.

    That takes a kernel most of its instructions before it starts. From a bzImage it is the ELF kernel, if it has a PVH
    entry; from an arm zImage the kernel in a uImage, for a machine whose memory is known to begin at `memory_start`.
    Raises as bootable_payload.
    """
    if image.format == "bzImage":
        unpacked = unpack_kernel(image, directory)
        if has_pvh_entry(unpacked):
            return unpacked
    if (image.format, image.arch) == ("zImage", "arm") and memory_start is not None:
        offset = _with_contents(image.path, lambda contents: arm_text_offset(contents.data))
        if offset is not None:
            return _in_uimage(image, directory, memory_start + offset)
    return bootable_payload(image, directory)


def _in_uimage(image: KernelImage, directory: Path, load: int) -> Path:
    target = _target(image, directory, f"at-{load:x}")
    if not target.exists():
        unpacked = unpack_kernel(image, directory)
        header = uimage_header(unpacked.stat().st_size, load)
        _with_contents(unpacked, lambda contents: _write([header, contents.data], target))
        _remove_older(target)
    return target


def unpack_kernel(image: KernelImage, directory: Path) -> Path:
    """The uncompressed kernel: written into `directory`, or the image's own path if it is uncompressed.

    The name is made of the image's name and a digest of its path, since Debian calls every kernel "vmlinuz", and of its
    size and time of change: what was unpacked already is taken as it is.
    From a bzImage this is the ELF vmlinux; from zImage, Image.gz, EFI zboot and s390 images a raw memory image.
    Raises InputError if there is no compressed kernel in it, or it is damaged or cut short, or of a kind for which the
    library is not installed, or the result cannot be written.
    """
    if image.payload is None and image.format not in _SELF_EXTRACTING:
        return image.path
    target = _target(image, directory)
    if not target.exists():
        with _alone_beside(target):
            if not target.exists():
                _with_contents(image.path, lambda contents: _write(_pieces(contents, image), target))
                _remove_older(target)
    return target


@contextmanager
def _alone_beside(target: Path) -> Iterator[None]:
    """Unpack one kernel at a time into a directory: a decompressor's dictionary grows to be as large as the kernel."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def use_unpacked(image: KernelImage, use: Callable[[Buffer], _Result], unpacked: Path | None = None) -> _Result:
    """What `use` makes of the uncompressed kernel's bytes, which are gone afterwards; errors as of `unpack_kernel`.

    Nothing is unpacked that lies in the directory `unpacked` already.
    """
    if unpacked is not None and (there := _target(image, unpacked)).is_file():
        return _with_contents(there, lambda contents: use(contents.data))

    def use_contents(contents: Contents) -> _Result:
        innermost, payload = _innermost(contents, image)
        return use(join_unpacked(innermost.data, payload, innermost.subject) if payload else innermost.data)

    return _with_contents(image.path, use_contents)


def read_release(image: KernelImage) -> str | None:
    """The release that the image states, unpacking it if need be; None if it holds no "Linux version" text."""
    return image.release or use_unpacked(image, find_release)


def _innermost(contents: Contents, header: KernelHeader | KernelImage) -> tuple[Contents, Payload | None]:
    """The image that is packed in no other, and where the compressed kernel is in it if it has one."""
    if header.payload is None and header.format not in _SELF_EXTRACTING:
        return contents, None
    payload = header.payload or find_compressed(contents.data)
    if payload is None:
        if find_release(contents.data) is not None:
            return contents, None  # s390 with CONFIG_KERNEL_UNCOMPRESSED
        raise InputError(f"{contents.subject} holds no compressed kernel that vdsocat can find")
    if not header.is_wrapped:
        return contents, payload
    unpacked = join_unpacked(contents.data, payload, contents.subject)
    inner = Contents(unpacked, f"the kernel in {contents.subject}", depth=contents.depth + 1)
    return _innermost(inner, read_header(inner))


def _pieces(contents: Contents, image: KernelImage) -> Iterator[Buffer]:
    innermost, payload = _innermost(contents, image)
    return unpack(innermost.data, payload, innermost.subject) if payload else iter([innermost.data])


def _bootable_inside(image: KernelImage, directory: Path) -> Path:
    """What QEMU starts of a packed image: the image within, itself unpacked if need be."""
    payload = image.payload
    if payload is None:
        raise InputError(f"{image.path} holds no kernel that vdsocat can find")
    target = _target(image, directory, "inner")
    if not target.exists():
        _with_contents(image.path, lambda contents: _write(unpack(contents.data, payload, contents.subject), target))
        _remove_older(target)
    inner = identify_kernel(target)
    if inner.format == "raw" and image.format == "uImage" and image.arch in ("powerpc", "arm"):
        return image.path  # its header says where it belongs, and QEMU's loaders for powerpc and arm read that
    return bootable_payload(inner, directory)


def _with_contents(path: Path, use: Callable[[Contents], _Result]) -> _Result:
    if path.is_dir():
        raise InputError(f"{path} is a directory, not a kernel image")
    try:
        if not path.is_file():
            what = "is no regular file" if path.exists() else "does not exist"
            raise InputError(f"{path} {what}")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty")
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return use(Contents(data, str(path)))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _identify(path: Path, contents: Contents) -> KernelImage:
    header = read_header(contents)
    return KernelImage(
        path,
        header.format,
        header.arch,
        header.bits,
        header.endianness,
        header.release,
        header.payload,
        header.is_wrapped,
    )


def _target(image: KernelImage, directory: Path, suffix: str = "unpacked") -> Path:
    origin = hashlib.sha256(os.fsencode(image.path.resolve())).hexdigest()[:12]
    stat = image.path.stat()
    state = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}".encode()).hexdigest()[:12]
    return directory / f"{image.path.name}-{origin}-{state}.{suffix}"


def _remove_older(target: Path) -> None:
    """Remove what was unpacked from earlier states of the same file."""
    same = target.name.rpartition("-")[0]
    for other in target.parent.glob(f"{glob.escape(same)}-*{target.suffix}"):
        if other != target:
            other.unlink(missing_ok=True)


def _flat(contents: Contents) -> Iterator[bytes]:
    """The bytes that an ELF kernel loads, each as far behind the first as its virtual address is."""
    segments = read_layout(contents.data, contents.subject, None).segments
    loaded = sorted((one for one in segments if one.type == "PT_LOAD" and one.filesz), key=lambda one: one.vaddr)
    end = loaded[0].vaddr if loaded else 0
    for segment in loaded:
        gap = segment.vaddr - end
        if not 0 <= gap <= _LARGEST_GAP:
            raise InputError(f"{contents.subject} cannot be started: its segments are {gap:#x} bytes apart")
        yield bytes(gap) + contents.data[segment.offset : segment.offset + segment.filesz]
        end = segment.vaddr + segment.filesz


def _write(pieces: Iterable[Buffer], target: Path) -> None:
    """Write beside the target and rename, so that an interrupted run leaves no half kernel."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
        partial.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
