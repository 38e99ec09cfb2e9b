"""The headers of kernel images: one reader for each format, none of which unpacks more than a beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

from vdsocat.elf.layout import Endianness, machine_name, read_layout
from vdsocat.errors import InputError
from vdsocat.kernels.decompression import Payload, compression_at, find_compressed, unpack, unpacked_beginning

_BANNER = re.compile(rb"Linux version (\d+\.\d+[^\s\x00]{0,200}) \(")  # init/version.c, linux_banner
_BANNER_LENGTH = 256
_BEGINNING = 1 << 20

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
_PE_MACHINES = {  # include/linux/pe.h, IMAGE_FILE_MACHINE_*
    0x014C: ("x86", 32),
    0x8664: ("x86", 64),
    0x01C2: ("arm", 32),
    0xAA64: ("arm64", 64),
    0x5032: ("riscv", 32),
    0x5064: ("riscv", 64),
    0x6232: ("loongarch", 32),
    0x6264: ("loongarch", 64),
}
_LINUX_PE_MAGIC = 0x818223CD  # include/linux/pe.h
_SUFFIXES = {"gzip": "gz", "bzip2": "bz2", "zstd": "zst", "lzo": "lzo"}
_ZBOOT_COMPRESSIONS = {"gzip", "lz4", "lzma", "lzo", "xz", "zstd", "zstd22"}


@dataclass(frozen=True, slots=True)
class KernelHeader:
    """What an image's own headers say; `payload` is the compressed kernel inside, where its place is known."""

    format: str
    arch: str
    bits: int
    endianness: Endianness
    release: str | None = None
    payload: Payload | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's bytes, or just their beginning when they come out of a decompressor (`complete` is False)."""

    data: bytes | mmap
    subject: str
    complete: bool = True

    def number(self, size: Literal[1, 2, 4, 8], offset: int, endianness: Endianness = "little") -> int:
        """The unsigned integer at an offset; InputError if the file ends before it does."""
        self.require(offset + size, "its header")
        return int.from_bytes(self.data[offset : offset + size], endianness)

    def require(self, end: int, what: str) -> None:
        """InputError if the file is shorter than `end` bytes (not checked for a mere beginning)."""
        if end > len(self.data) and (self.complete or end < _BEGINNING):
            raise InputError(
                f"{self.subject} is truncated: {what} ends at byte {end}, but the file has {len(self.data)}"
            )

    def release(self) -> str | None:
        """The release in the "Linux version" banner of an unpacked kernel."""
        return find_release(self.data)

    def required_release(self) -> str | None:
        """The release in the banner, which every whole unpacked kernel has; None for a mere beginning."""
        if not self.complete:
            return None
        release = self.release()
        if release is None:
            raise InputError(f'{self.subject} holds no "Linux version" text: it is truncated or no Linux kernel')
        return release


def find_release(data: bytes | mmap) -> str | None:
    """The release of the first "Linux version" banner in unpacked data, or None."""
    match = _BANNER.search(data)
    return match[1].decode(errors="replace") if match else None


def find_release_in_payload(data: bytes | mmap, payload: Payload, subject: str) -> str | None:
    """The release in the banner of a compressed kernel; InputError if it does not unpack up to there."""
    window = b""
    for piece in unpack(data, payload, subject):
        window = window[-_BANNER_LENGTH:] + piece
        release = find_release(window)
        if release is not None:
            return release
    return None


def read_header(contents: Contents) -> KernelHeader:
    """Recognise a kernel image; InputError in one sentence if it is none, or is cut short."""
    for reader in _READERS:
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
    if "PT_INTERP" in types:
        raise InputError(f"{contents.subject} is no kernel image: it is an ordinary program or library for {machine}")
    release = contents.release()
    if release is not None:
        return KernelHeader("vmlinux", header.arch, bits, endianness, release)
    payload = find_compressed(data)
    if payload is not None:
        try:
            release = find_release_in_payload(data, payload, contents.subject)
        except InputError:
            raise InputError(
                f'{contents.subject} is not recognisable as a kernel: it has no "Linux version" text, '
                f"and the {payload.compression} data in it cannot be unpacked to find one"
            ) from None
        if release is not None:
            return KernelHeader("vmlinuz", header.arch, bits, endianness, release, payload)
    what = (
        "a shared object or static program" if "PT_DYNAMIC" in types else 'an ELF file without a "Linux version" text'
    )
    raise InputError(f"{contents.subject} is no kernel image: it is {what} for {machine}")


def _pe_machine(contents: Contents) -> tuple[str, int] | None:
    """Kernel arch and bits of an EFI stub's PE header, checking that all its sections are in the file."""
    if contents.data[:2] != b"MZ":
        return None
    start = contents.number(4, 0x3C)
    if contents.data[start : start + 4] != b"PE\0\0":
        return None
    sections = start + 24 + contents.number(2, start + 20)
    for i in range(contents.number(2, start + 6)):
        size, offset = (contents.number(4, sections + 40 * i + field) for field in (16, 20))
        contents.require(offset + size, f"section {i + 1} of its PE header")
    return _PE_MACHINES.get(contents.number(2, start + 4))


def _read_zboot(contents: Contents) -> KernelHeader | None:
    """EFI zboot, "MZ\\0\\0zimg": drivers/firmware/efi/libstub/zboot-header.S."""
    data = contents.data
    if data[:8] != b"MZ\0\0zimg":
        return None
    offset, size = contents.number(4, 8), contents.number(4, 12)
    compression = bytes(data[24:32]).split(b"\0")[0].decode("ascii", "replace")
    contents.require(offset + size, "its compressed payload")
    machine = _pe_machine(contents)
    if machine is None or compression not in _ZBOOT_COMPRESSIONS:
        raise InputError(
            f"{contents.subject} is damaged: its EFI zboot header names compression {compression!r} "
            f"and machine {machine and machine[0]}"
        )
    payload = Payload(offset, offset + size, "zstd" if compression == "zstd22" else compression)
    return KernelHeader("efi-zboot", machine[0], machine[1], "little", None, payload)


def _read_x86(contents: Contents) -> KernelHeader | None:
    """bzImage or old zImage: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"."""
    data = contents.data
    if data[0x202:0x206] != b"HdrS" or data[0x1FE:0x200] != b"\x55\xaa":
        return None
    protocol = contents.number(2, 0x206)
    if protocol < 0x208:
        raise InputError(
            f"{contents.subject} is a kernel of 2.6.25 or older (boot protocol {protocol:#x}): too old here"
        )
    setup_size = ((contents.number(1, 0x1F1) or 4) + 1) * 512
    code_end = setup_size + contents.number(4, 0x1F4) * 16
    contents.require(code_end, "the kernel that its header promises")
    start = setup_size + contents.number(4, 0x248)
    end = start + contents.number(4, 0x24C)
    contents.require(end, "its compressed payload")
    compression = compression_at(data, start)
    payload = Payload(start, end, compression) if compression else None
    if protocol >= 0x20C:
        bits = 64 if contents.number(2, 0x236) & 1 else 32
    else:  # before xloadflags only the kernel itself tells
        beginning = unpacked_beginning(data, payload, 64) if payload else b""
        if beginning[:4] != b"\x7fELF":
            raise InputError(f"{contents.subject} does not tell whether it is a 32-bit or a 64-bit kernel")
        bits = 64 if beginning[4] == 2 else 32
    release = None
    if pointer := contents.number(2, 0x20E):
        text = bytes(data[pointer + 0x200 : pointer + 0x400]).split(b"\0")[0].decode("ascii", "replace")
        release = text.split(" ")[0] or None
    name = "bzImage" if contents.number(1, 0x211) & 1 else "zImage"
    return KernelHeader(name, "x86", bits, "little", release, payload)


def _read_arm(contents: Contents) -> KernelHeader | None:
    """arm zImage: arch/arm/boot/compressed/head.S, "Magic numbers to help the loader", and vmlinux.lds.S.

    Big-endian (BE8) kernels keep the magic numbers little-endian; the word at 0x30 tells.
    """
    magic = contents.data[0x24:0x28]
    order: Endianness
    if magic == b"\x18\x28\x6f\x01":
        order = "little"
    elif magic == b"\x01\x6f\x28\x18":
        order = "big"
    else:
        return None
    contents.require(contents.number(4, 0x2C, order) - contents.number(4, 0x28, order), "its zImage")
    _pe_machine(contents)
    mark = contents.data[0x30:0x34]
    if mark not in (b"\x01\x02\x03\x04", b"\x04\x03\x02\x01"):
        mark = b"\x04\x03\x02\x01" if order == "big" else b"\x01\x02\x03\x04"  # kernels before the mark (3.17)
    return KernelHeader("zImage", "arm", 32, "little" if mark[0] == 1 else "big")


def _read_arm64(contents: Contents) -> KernelHeader | None:
    """arm64 Image: Documentation/arch/arm64/booting.rst, "Call the kernel image"."""
    if contents.data[0x38:0x3C] != b"ARM\x64":
        return None
    _pe_machine(contents)
    says_big = contents.number(8, 24) & 1 == 1
    # before 3.17 there is no image_size, and text_offset is 0x80000 in the kernel's byte order
    big = says_big if contents.number(8, 16) else contents.number(8, 8, "big") == 0x80000
    return KernelHeader("Image", "arm64", 64, "big" if big else "little", contents.required_release())


def _read_riscv(contents: Contents) -> KernelHeader | None:
    """riscv Image: Documentation/arch/riscv/boot-image-header.rst; the load offset is of arch/riscv/kernel/head.S."""
    if contents.data[0x38:0x3C] != b"RSC\x05" and contents.data[0x30:0x38] != b"RISCV\0\0\0":
        return None
    machine = _pe_machine(contents)
    load_offset = contents.number(8, 8)
    bits = machine[1] if machine else {0x200000: 64, 0x400000: 32}.get(load_offset)
    if bits is None:
        raise InputError(
            f"{contents.subject} is a riscv kernel with load offset {load_offset:#x}: 32 or 64 bits unknown"
        )
    big = contents.number(8, 24) & 1 == 1
    return KernelHeader("Image", "riscv", bits, "big" if big else "little", contents.required_release())


def _read_loongarch(contents: Contents) -> KernelHeader | None:
    """loongarch vmlinux.efi, a raw Image with an EFI stub: arch/loongarch/kernel/head.S."""
    if contents.data[:2] != b"MZ" or contents.data[0x38:0x3C] != _LINUX_PE_MAGIC.to_bytes(4, "little"):
        return None
    machine = _pe_machine(contents)
    if machine is None or machine[0] != "loongarch":
        return None
    return KernelHeader("Image", "loongarch", machine[1], "little", contents.required_release())


def _read_s390(contents: Contents) -> KernelHeader | None:
    """s390 bzImage: "S390EP" of arch/s390/boot/head.S, struct parmarea, and the trailer of boot/vmlinux.lds.S.

    The 31-bit kernels that ended with Linux 4.0 have the same mark; they are taken for 64-bit ones.
    """
    data = contents.data
    if data[0x10008:0x1000E] != b"S390EP":
        return None
    release = None
    pointer = contents.number(8, 0x10428, "big")
    if 0x10480 <= pointer < len(data):
        text = bytes(data[pointer : pointer + 200]).split(b"\0")[0].decode("ascii", "replace")
        release = text.split(" ")[0] or None
    if contents.complete and release is not None and b"\0\0\0\x20zIPL" not in data[-(64 << 10) :]:
        raise InputError(f'{contents.subject} is truncated: an s390 kernel {release} ends with the trailer "zIPL"')
    return KernelHeader("s390-image", "s390", 64, "big", release)


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
    compression = (None, "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd")[packing]
    payload = Payload(64, end, compression) if compression else None
    inner = unpacked_beginning(data, payload, _BEGINNING) if payload else data[64:end]
    header = read_header(Contents(inner, f"the kernel in {contents.subject}", complete=payload is None))
    return KernelHeader("uImage", header.arch, header.bits, header.endianness, header.release, payload)


def _read_compressed(contents: Contents) -> KernelHeader | None:
    """A whole compressed image such as Image.gz or vmlinux.xz."""
    compression = compression_at(contents.data, 0)
    if compression is None or not contents.complete:
        return None
    payload = Payload(0, len(contents.data), compression)
    inner = unpacked_beginning(contents.data, payload, _BEGINNING)
    if not inner:
        for _ in unpack(contents.data, payload, contents.subject):
            pass  # raises for what is damaged, truncated or of an unreadable kind
        raise InputError(f"{contents.subject} is no kernel image: its {compression} data are empty")
    header = read_header(Contents(inner, f"what unpacks from {contents.subject}", complete=False))
    name = f"{header.format}.{_SUFFIXES.get(compression, compression)}"
    return KernelHeader(name, header.arch, header.bits, header.endianness, header.release, payload)


def _looks_like(data: bytes | mmap) -> str:
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


_READERS = (
    _read_elf,
    _read_zboot,
    _read_x86,
    _read_arm,
    _read_arm64,
    _read_riscv,
    _read_loongarch,
    _read_s390,
    _read_uimage,
    _read_compressed,
)
