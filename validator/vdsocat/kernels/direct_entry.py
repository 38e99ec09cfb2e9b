"""How QEMU can enter a kernel without the code that unpacks it: on x86 by a note, on arm by a header around it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from vdsocat.elf.layout import Buffer

_PHYS32_ENTRY = 18  # include/xen/interface/elfnote.h
# arch/arm/boot/compressed/head.S ("Magic numbers to help the loader") and vmlinux.lds.S (.table)
_SECOND_MAGIC, _SECOND_MAGIC_AT, _TABLE_AT = 0x45454545, 0x34, 0x38
_SIZE_TABLE = 0x5A534C4B
_TEXT_OFFSET_WORD = 4
# include/image.h of U-Boot
_UIMAGE_MAGIC, _LINUX, _ARM, _KERNEL, _UNCOMPRESSED = 0x27051956, 5, 2, 2, 0


def has_pvh_entry(path: Path) -> bool:
    """Whether an ELF kernel has the note that QEMU asks for: XEN_ELFNOTE_PHYS32_ENTRY (hw/i386/x86.c, load_elfboot)."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file:
            segments: Any = ELFFile(file).iter_segments("PT_NOTE")
            notes = [note for segment in segments for note in segment.iter_notes()]
    except ELFError:
        return False
    return any((note["n_name"], note["n_type"]) == ("Xen", _PHYS32_ENTRY) for note in notes)


def arm_text_offset(zimage: Buffer) -> int | None:
    """Where an arm zImage puts the kernel, in bytes from the start of memory; None where it has no table that says so.

    Its words are little-endian in BE8 kernels, too; of a BE32 kernel None.
    """
    if _word(zimage, _SECOND_MAGIC_AT) != _SECOND_MAGIC or (table := _word(zimage, _TABLE_AT)) is None:
        return None
    words, kind = _word(zimage, table), _word(zimage, table + 4)
    if words is None or words <= _TEXT_OFFSET_WORD or kind != _SIZE_TABLE:
        return None
    return _word(zimage, table + 4 * _TEXT_OFFSET_WORD)


def uimage_header(size: int, load: int) -> bytes:
    """The header of a uImage of `size` bytes that is loaded at a physical address and entered there.

    QEMU's arm machines read its addresses and look at no checksum (hw/core/loader.c, load_uboot_image).
    """
    header = struct.pack(">7I4B", _UIMAGE_MAGIC, 0, 0, size, load, load, 0, _LINUX, _ARM, _KERNEL, _UNCOMPRESSED)
    return header + b"linux".ljust(32, b"\0")


def _word(data: Buffer, offset: int) -> int | None:
    return int.from_bytes(data[offset : offset + 4], "little") if offset + 4 <= len(data) else None
