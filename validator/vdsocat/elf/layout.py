"""Bounded reads from an ELF image, by its file header and program headers alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from mmap import mmap
from typing import Literal, TypeAlias

from vdsocat.errors import InputError

Endianness = Literal["little", "big"]
Buffer: TypeAlias = bytes | bytearray | mmap

LONGEST_STRING = 4096

_ALIASES = {"DT_ENCODING"}  # shares 32 with DT_PREINIT_ARRAY (gABI, "Dynamic Section")
_RANGE_MARKS = ("LOOS", "HIOS", "LOPROC", "HIPROC", "NUM", "PROCNUM", "VALRNGLO")


class ImageError(InputError):
    """The bytes are no well-formed ELF image with a dynamic segment; the text says what is wrong in one sentence."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header; `type` is the PT_ name (or hex digits), `flags` is "rwx" with "-" for what is missing.

    Offsets, addresses, sizes and alignment are in bytes, `vaddr` as the image states it.
    """

    type: str
    flags: str
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


@lru_cache(maxsize=64)
def _names(kind: str, machine: str) -> dict[int, str]:
    """Names by number for "EM_", "ET_", "PT_" or "DT_", with the additions of one machine."""
    from elftools.elf import enums  # 50 ms, so only when an image is read

    suffix = machine.removeprefix("EM_")
    tables = {
        "EM_": [enums.ENUM_E_MACHINE],
        "ET_": [enums.ENUM_E_TYPE],
        "PT_": [enums.ENUM_P_TYPE_BASE, getattr(enums, f"ENUM_P_TYPE_{suffix}", {})],
        "DT_": [enums.ENUM_D_TAG_COMMON, enums.ENUMMAP_EXTRA_D_TAG_MACHINE.get(machine, {})],
    }[kind]
    return {
        number: name
        for table in tables
        for name, number in table.items()
        if name.startswith(kind) and name not in _ALIASES and name.removeprefix(kind) not in _RANGE_MARKS
    }


def machine_name(number: int) -> str:
    """The EM_ name of an e_machine value, or "EM_<number>" for one that pyelftools does not know."""
    return _names("EM_", "").get(number, f"EM_{number}")


def dynamic_tag_name(tag: int, machine: str) -> str | int:
    """The DT_ name of a dynamic tag, or the number itself."""
    return _names("DT_", machine).get(tag, tag)


@dataclass(frozen=True, slots=True)
class ElfLayout:
    """An ELF image's bytes with what its file and program headers say.

    `base` is the address at which the image expects its first byte: p_vaddr - p_offset of the lowest PT_LOAD,
    as the kernel's tools/testing/selftests/vDSO/parse_vdso.c computes it; x86 vDSOs of old were prelinked
    at 0xffffffffff700000 and the like. `load_address` is where a dump was mapped, if known.
    """

    data: Buffer
    subject: str
    elf_class: int
    endianness: Endianness
    machine: str
    osabi: int
    elf_type: str
    flags: int
    entry: int
    segments: tuple[Segment, ...]
    base: int
    load_address: int | None

    def unpack(self, codes: str, offset: int, what: str) -> tuple[int, ...]:
        """Read struct codes in the image's byte order at a file offset; ImageError if they reach beyond the end."""
        layout = struct.Struct(("<" if self.endianness == "little" else ">") + codes)
        self.require(offset, layout.size, what)
        return layout.unpack_from(self.data, offset)

    def require(self, offset: int, size: int, what: str) -> None:
        """ImageError unless bytes offset … offset+size are all there."""
        if offset + size > len(self.data):
            raise ImageError(
                f"{self.subject} is truncated: {what} ends at byte {offset + size:#x}, "
                f"but there are only {len(self.data):#x} bytes"
            )

    def locate(self, address: int, size: int, what: str) -> tuple[int, int]:
        """File offset of a d_ptr address, and how many bytes its segment holds from there; at least `size`.

        The address is as linked; when it lies in no segment and the load address is known, it is also tried as an
        address that somebody has already relocated.
        """
        candidates = [address]
        if self.load_address is not None:
            candidates.append(address - self.load_address + self.base)
        for candidate in candidates:
            for segment in self.segments:
                start = candidate - segment.vaddr
                if segment.type == "PT_LOAD" and start >= 0 and start + size <= segment.filesz:
                    return segment.offset + start, segment.filesz - start
        raise ImageError(
            f"{self.subject} is malformed: {what} is at address {address:#x} with at least {size} bytes, "
            f"which no loaded segment holds"
        )

    def from_base(self, address: int) -> int:
        """An address relative to the image's first byte, as an offset from where the image gets mapped."""
        return (address - self.base) % (1 << self.elf_class)

    def malformed(self, detail: str) -> ImageError:
        """The error for a structure that is there but makes no sense."""
        return ImageError(f"{self.subject} is malformed: {detail}")

    def text(self, offset: int, end: int, what: str) -> str:
        """The NUL-terminated string at a file offset, that must end before `end`."""
        stop = self.data.find(b"\0", offset, min(end, offset + LONGEST_STRING))
        if stop < 0:
            raise self.malformed(f"the string of {what} has no end within {LONGEST_STRING} bytes or its table")
        try:
            text = self.data[offset:stop].decode()
        except UnicodeDecodeError:
            text = "\0"
        if text and not text.isprintable():
            raise self.malformed(f"the string of {what} is no printable text: {self.data[offset:stop][:40]!r}")
        return text


def read_layout(data: Buffer, subject: str, load_address: int | None) -> ElfLayout:
    """Read file header and program headers (gABI, "ELF Header" and "Program Header"); ImageError if they are bad."""
    if data[:4] != b"\x7fELF":
        raise ImageError(f"{subject} is no ELF image: it starts with {data[:4].hex() or 'nothing'}, not 7f454c46")
    if len(data) < 16:
        raise ImageError(f"{subject} is truncated: it ends at byte {len(data)} within the ELF identification")
    elf_class, encoding, ident_version, osabi = data[4:8]
    if elf_class not in (1, 2) or encoding not in (1, 2) or ident_version != 1:
        raise ImageError(
            f"{subject} is malformed: class {elf_class}, data encoding {encoding} and version {ident_version} "
            f"of its ELF identification must be 1 or 2, 1 or 2, and 1"
        )
    wide = elf_class == 2
    bits = 64 if wide else 32
    order: Endianness = "little" if encoding == 1 else "big"
    header = ElfLayout(data, subject, bits, order, "", osabi, "", 0, 0, (), 0, load_address)
    e_type, e_machine, _, entry, phoff, _, flags, _, phentsize, phnum, *_ = header.unpack(
        "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH", 16, "the ELF header"
    )
    machine = machine_name(e_machine)
    if phnum == 0 or phentsize != (56 if wide else 32):
        raise header.malformed(f"it has {phnum} program headers of {phentsize} bytes each")
    header.require(phoff, phnum * phentsize, "its program header table")
    segments = tuple(_read_segment(header, phoff + i * phentsize, machine) for i in range(phnum))
    loads = [segment for segment in segments if segment.type == "PT_LOAD"]
    if not loads:
        raise header.malformed("it has no PT_LOAD segment")
    lowest = min(loads, key=lambda segment: segment.vaddr)
    return ElfLayout(
        data,
        subject,
        header.elf_class,
        header.endianness,
        machine,
        osabi,
        _names("ET_", "").get(e_type, f"ET_{e_type}"),
        flags,
        entry,
        segments,
        (lowest.vaddr - lowest.offset) % (1 << header.elf_class),
        load_address,
    )


def _read_segment(header: ElfLayout, at: int, machine: str) -> Segment:
    if header.elf_class == 64:
        number, flags, offset, vaddr, _, filesz, memsz, align = header.unpack("IIQQQQQQ", at, "a program header")
    else:
        number, offset, vaddr, _, filesz, memsz, flags, align = header.unpack("IIIIIIII", at, "a program header")
    name = _names("PT_", machine).get(number, f"{number:#x}")
    if name in ("PT_LOAD", "PT_DYNAMIC", "PT_NOTE"):
        header.require(offset, filesz, f"its {name} segment")
    if name == "PT_LOAD" and (memsz < filesz or vaddr + memsz > 1 << header.elf_class):
        raise header.malformed(f"its PT_LOAD segment at {vaddr:#x} has {filesz:#x} bytes in {memsz:#x} of memory")
    permissions = "".join(letter if flags & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
    return Segment(name, permissions, offset, vaddr, filesz, memsz, align)
