"""Places of a vDSO image that the kernel may rewrite before it maps the image, by the tables in the image itself."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Of one entry: its size, and where in it the length of the instructions stands with its format. All begin with the
# offset of the instructions from the entry itself. Newest first; what fits all entries is it.
# struct alt_instr of arch/*/include/asm/alternative.h (arm64: alternative-macros.h), struct alt_entry of riscv; v7.3.
_LAYOUTS: dict[str, tuple[tuple[int, int, str], ...]] = {
    "EM_X86_64": ((14, 12, "B"), (12, 10, "B")),  # struct alt_instr of v7.3, and of v6.1
    "EM_AARCH64": ((12, 10, "B"),),
    "EM_S390": ((13, 12, "B"),),
    "EM_RISCV": ((16, 10, "H"),),  # struct alt_entry; its length is that of the replacement
}
_LAYOUTS["EM_386"] = _LAYOUTS["EM_X86_64"]
_ALTERNATIVES = (".altinstructions", ".alternative")
# arch/powerpc/include/asm/feature-fixups.h: FTR_SECTION, START_LWSYNC_SECTION
_FIXUPS = ("__ftr_fixup", "__mmu_ftr_fixup", "__fw_ftr_fixup")
_LWSYNC = "__lwsync_fixup"


@dataclass(frozen=True, slots=True)
class PatchedPlace:
    """Bytes from `start` to `end` of the image's file that the table `named_by` lists."""

    start: int
    end: int
    named_by: str


def patched_places(image: bytes) -> tuple[PatchedPlace, ...]:
    """All places that the image's tables list, none where it has no sections or none of these tables.

    Sources: apply_alternatives() of arch/x86/kernel/alternative.c, apply_alternatives_vdso() of arm64,
    apply_vdso_alternatives() of riscv, vdso_apply_alternatives() of s390, vdso_fixup_features() of powerpc (v7.3).
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf: Any = ELFFile(io.BytesIO(image))
        machine, order = elf["e_machine"], "<" if elf.little_endian else ">"
        places: list[PatchedPlace] = []
        for section in elf.iter_sections():
            if section.name in _ALTERNATIVES:
                places += _alternatives(section, machine, order, len(image))
            elif section.name in _FIXUPS:
                places += _fixups(section, elf.elfclass, order)
            elif section.name == _LWSYNC:
                places += _lwsync(section, elf.elfclass, order)
    except (ELFError, struct.error, UnicodeDecodeError, ValueError):
        return ()
    return tuple(places)


def _alternatives(section: Any, machine: str, order: str, size: int) -> list[PatchedPlace]:
    data, start = section.data(), section["sh_offset"]
    for entry, length_at, length_format in _LAYOUTS.get(machine, ()):
        if len(data) % entry:
            continue
        places = []
        for at in range(0, len(data), entry):
            (offset,) = struct.unpack_from(f"{order}i", data, at)
            (length,) = struct.unpack_from(f"{order}{length_format}", data, at + length_at)
            places.append(PatchedPlace(start + at + offset, start + at + offset + length, section.name))
        if all(0 < one.start < one.end <= size and not _within(one, section) for one in places):
            return places
    return []


def _fixups(section: Any, elf_class: int, order: str) -> Iterator[PatchedPlace]:
    """struct fixup_entry: mask, value, and offsets from the entry of the code's start and end, and the other code's."""
    entry = struct.Struct(f"{order}QQqqqq" if elf_class == 64 else f"{order}IIiiii")
    for at in range(0, section["sh_size"] - entry.size + 1, entry.size):
        _, _, first, last, _, _ = entry.unpack_from(section.data(), at)
        start = section["sh_offset"] + at
        yield PatchedPlace(start + first, start + last, section.name)


def _lwsync(section: Any, elf_class: int, order: str) -> Iterator[PatchedPlace]:
    offset = struct.Struct(f"{order}q" if elf_class == 64 else f"{order}i")
    for at in range(0, section["sh_size"] - offset.size + 1, offset.size):
        start = section["sh_offset"] + at + offset.unpack_from(section.data(), at)[0]
        yield PatchedPlace(start, start + 4, section.name)


def _within(place: PatchedPlace, section: Any) -> bool:
    return bool(section["sh_offset"] <= place.start < section["sh_offset"] + section["sh_size"])
