"""Kernel image files: recognised by what they begin with, packed ones by what is packed in them."""

from __future__ import annotations

import zlib

from vdsocat.elf.layout import Buffer, ElfLayout, Endianness, machine_name, read_layout
from vdsocat.errors import InputError
from vdsocat.kernels.boot_headers import BOOT_HEADERS
from vdsocat.kernels.decompression import (
    STORED,
    Payload,
    compression_at,
    find_compressed,
    join_unpacked,
    unpacked_beginning,
)
from vdsocat.kernels.fit import FDT_MAGIC, find_fit_kernel
from vdsocat.kernels.header import BEGINNING, Contents, KernelHeader, find_release_in_payload, packed_before_banner
from vdsocat.kernels.static import locate_vdso_images

_ELF_ARCHES = {
    "EM_386": "x86",
    "EM_X86_64": "x86",
    "EM_ARM": "arm",
    "EM_AARCH64": "arm64",
    "EM_MIPS": "mips",
    "EM_PPC": "powerpc",
    "EM_PPC64": "powerpc",
    "EM_RISCV": "riscv",
    "EM_S390": "s390",
    "EM_LOONGARCH": "loongarch",
    "EM_SH": "sh",
    "EM_PARISC": "parisc",
    "EM_SPARC": "sparc",
    "EM_SPARC32PLUS": "sparc",
    "EM_SPARCV9": "sparc",
    "EM_IA_64": "ia64",
    "EM_36902": "alpha",
    "EM_68K": "m68k",
    "EM_BLACKFIN": "blackfin",
    "EM_ALTERA_NIOS2": "nios2",
    "EM_CSKY": "csky",
    "EM_OPENRISC": "openrisc",
    "EM_MICROBLAZE": "microblaze",
    "EM_XTENSA": "xtensa",
    "EM_ARC_COMPACT": "arc",
    "EM_ARC_COMPACT2": "arc",
    "EM_QDSP6": "hexagon",
}
_SUFFIXES = {"gzip": "gz", "bzip2": "bz2", "zstd": "zst", "lzo": "lzo"}
_DEEPEST = 3
# arch/um/kernel/um_arch.c (v7.3): what "linux --help" prints
_UML_TEXT = b"User Mode Linux v%s"
_LOWEST_KERNEL_ADDRESS = 0x80000000


def read_header(contents: Contents) -> KernelHeader:
    """Recognise a kernel image; InputError in one sentence if it is none, or is cut short."""
    for reader in (_read_elf, *BOOT_HEADERS, _read_uimage, _read_fit, _read_compressed, _read_raw):
        header = reader(contents)
        if header is not None:
            return header
    raise InputError(f"{contents.subject} is no kernel image: it {_looks_like(contents.data)}")


def _read_elf(contents: Contents) -> KernelHeader | None:
    """vmlinux, or a self-extracting ELF (mips vmlinuz, powerpc zImage), told from programs by banner and segments."""
    data = contents.data
    if data[:4] != b"\x7fELF":
        return None
    contents.require(64, "its ELF header")
    endianness: Endianness = "big" if data[5] == 2 else "little"
    bits = 64 if data[4] == 2 else 32
    machine = machine_name(contents.number(2, 18, endianness))
    not_a_kernel = {1: "a relocatable object, such as a kernel module", 4: "a core dump"}
    if what := not_a_kernel.get(contents.number(2, 16, endianness)):
        raise InputError(f"{contents.subject} is no kernel image: it is {what}")
    if machine not in _ELF_ARCHES:
        raise InputError(
            f"{contents.subject} is an ELF file for {machine}, which is no architecture of Linux known here"
        )
    header = KernelHeader("vmlinux", _ELF_ARCHES[machine], bits, endianness)
    if not contents.complete:
        return header
    layout = read_layout(data, contents.subject, None)
    types = {segment.type for segment in layout.segments}
    if _is_user_mode_linux(contents, layout, header.arch):
        return KernelHeader("linux", "um", bits, endianness, contents.required_release())
    if "PT_INTERP" in types:
        raise InputError(f"{contents.subject} is no kernel image: it is an ordinary program or library for {machine}")
    release = contents.release()
    payload = find_compressed(data) if release is None else packed_before_banner(data)
    if payload is not None:
        try:
            packed = find_release_in_payload(data, payload, contents.subject)
        except InputError:
            if release is None:
                raise
            packed = None
        if packed is not None:
            return KernelHeader("vmlinuz", header.arch, bits, endianness, packed, payload)
    if release is not None:
        return KernelHeader("vmlinux", header.arch, bits, endianness, release)
    what = (
        "a shared object or static program" if "PT_DYNAMIC" in types else 'an ELF file without a "Linux version" text'
    )
    raise InputError(f"{contents.subject} is no kernel image: it is {what} for {machine}")


def _is_user_mode_linux(contents: Contents, layout: ElfLayout, arch: str) -> bool:
    """Whether it is `linux`, User Mode Linux: an ordinary program of the machine, by all that its headers say."""
    addresses = [segment.vaddr for segment in layout.segments if segment.type == "PT_LOAD"]
    return arch == "x86" and min(addresses) < _LOWEST_KERNEL_ADDRESS and contents.data.find(_UML_TEXT) >= 0


def _read_uimage(contents: Contents) -> KernelHeader | None:
    """U-Boot's legacy image: struct image_header of its include/image.h, all fields big-endian."""
    data = contents.data
    if data[:4] != b"\x27\x05\x19\x56":
        return None
    contents.require(64, "its uImage header")
    end = 64 + contents.number(4, 12, "big")
    contents.require(end, "its uImage data")
    operating_system, _, kind, packing = data[28:32]
    if operating_system != 5 or kind not in (2, 14) or packing > 6:
        raise InputError(f"{contents.subject} is a uImage, but no Linux kernel (os {operating_system}, type {kind})")
    if zlib.crc32(data[:4] + bytes(4) + data[8:64]) != contents.number(4, 4, "big"):
        raise InputError(f"{contents.subject} is damaged: the checksum of its uImage header is wrong")
    if contents.complete and zlib.crc32(data[64:end]) != contents.number(4, 24, "big"):
        raise InputError(f"{contents.subject} is damaged: the checksum of its uImage data is wrong")
    compression = (STORED, "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd")[packing]
    return _wrapped(contents, Payload(64, end, compression), "uImage", f"the kernel in {contents.subject}")


def _read_fit(contents: Contents) -> KernelHeader | None:
    """U-Boot's FIT image, a devicetree blob with a kernel in it."""
    if contents.data[:4] != FDT_MAGIC:
        return None
    return _wrapped(contents, find_fit_kernel(contents), "FIT", f"the kernel in {contents.subject}")


def _read_compressed(contents: Contents) -> KernelHeader | None:
    """A whole compressed image such as Image.gz or vmlinux.xz."""
    compression = compression_at(contents.data, 0)
    if compression is None:
        return None
    payload = Payload(0, len(contents.data), compression)
    return _wrapped(contents, payload, None, f"what unpacks from {contents.subject}")


def _wrapped(contents: Contents, payload: Payload, name: str | None, subject: str) -> KernelHeader:
    """The header of a kernel packed in `payload`, as that of an image of format `name`, else named by the packing.

    Nothing is unpacked but the beginning, unless that is of no known format.
    """
    if contents.depth == _DEEPEST:
        raise InputError(f"{contents.subject} is packed again and again, which no kernel is")
    beginning = unpacked_beginning(contents.data, payload, BEGINNING)
    if not beginning:
        join_unpacked(contents.data, payload, contents.subject)  # raises for what is damaged or cannot be unpacked
        raise InputError(f"{contents.subject} is no kernel image: its {payload.compression} data are empty")
    try:
        inner = read_header(Contents(beginning, subject, complete=False, depth=contents.depth + 1))
    except InputError:
        if not contents.complete:
            raise
        whole = join_unpacked(contents.data, payload, contents.subject)
        inner = read_header(Contents(whole, subject, depth=contents.depth + 1))
    name = name or f"{inner.format}.{_SUFFIXES.get(payload.compression, payload.compression)}"
    return KernelHeader(name, inner.arch, inner.bits, inner.endianness, inner.release, payload, is_wrapped=True)


def _read_raw(contents: Contents) -> KernelHeader | None:
    """The memory image of an unpacked kernel, such as arm's Image or a vmlinux.bin: told by the vDSO images in it.

    It has no header. The widest image is that of the ABI that the kernel runs natively.
    """
    if not contents.complete or (release := contents.release()) is None:
        return None
    images = [carried.image for carried in locate_vdso_images(contents.data)]
    if not images:
        raise InputError(
            f"{contents.subject} has no header of a kernel image, and nothing else in it tells the architecture "
            f"of the Linux {release} that it holds"
        )
    native = max(images, key=lambda image: image.elf_class)
    return KernelHeader("raw", _ELF_ARCHES[native.machine], native.elf_class, native.endianness, release)


def _looks_like(data: Buffer) -> str:
    beginning = bytes(data[:512])
    for magic, offset, what in (
        (b"!<arch>\ndebian-binary", 0, "is a Debian package"),
        (b"!<arch>\n", 0, "is a static library"),
        (b"070701", 0, "is a cpio archive, such as an initramfs"),
        (b"070702", 0, "is a cpio archive, such as an initramfs"),
        (b"ustar", 257, "is a tar archive"),
        (b"hsqs", 0, "is a squashfs"),
        (b"PK\x03\x04", 0, "is a zip archive"),
        (b"MZ", 0, "is a PE file (an EFI or Windows program) without the marks of a Linux kernel"),
        (b"#!", 0, "is a script"),
    ):
        if beginning[offset : offset + len(magic)] == magic:
            return what
    if not beginning.strip(b"\0"):
        return "starts with zeroes"
    text = beginning.decode("utf-8", "ignore")
    if text and all(letter.isprintable() or letter in "\n\r\t" for letter in text):
        return "is a text file"
    return f"starts with {beginning[:8].hex(' ')}, which is the mark of no known format"
