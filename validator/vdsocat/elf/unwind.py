"""Reading what an image tells unwinders: the functions that the search table of .eh_frame_hdr leads to.

Format: Linux Standard Base 5.0, Core, "Exception Frames" (.eh_frame, .eh_frame_hdr, and the DW_EH_PE_ encodings).
"""

from __future__ import annotations

from dataclasses import dataclass

from vdsocat.elf.layout import ElfLayout, Segment, read_layout

_MOST_FUNCTIONS = 4096  # no image has come near it; bounds the work on a damaged one
_OMITTED = 0xFF
_SIZE, _SIGNED, _BASE = 0x07, 0x08, 0x70  # the parts of an encoding
_CODES = {0x02: "H", 0x03: "I", 0x04: "Q"}
_PCREL, _DATAREL = 0x10, 0x30


@dataclass(frozen=True, slots=True)
class UnwindEntry:
    """One FDE as the search table has it: addresses relative to the image's first byte.

    start, end      what it covers: the first byte, and that after the last
    listed          the address under which the search table has it, which should be `start`
    signal_frame    whether it is marked as a signal frame (augmentation "S")
    """

    start: int
    end: int
    listed: int
    signal_frame: bool


def read_unwind_entries(data: bytes, *, subject: str = "the vDSO image") -> tuple[UnwindEntry, ...] | None:
    """All FDEs of the search table in its order; None when the image has no table, or an empty segment for it.

    Raises ImageError, one sentence, when the table or what it leads to makes no sense.
    """
    layout = read_layout(data, subject, None)
    segment = next((one for one in layout.segments if one.type == "PT_GNU_EH_FRAME" and one.filesz), None)
    return None if segment is None else _Table(layout, segment).entries()


class _Table:
    """.eh_frame_hdr; addresses are the image's own, as linked."""

    def __init__(self, layout: ElfLayout, segment: Segment) -> None:
        self._layout = layout
        self._segment = segment

    def entries(self) -> tuple[UnwindEntry, ...]:
        start = self._segment.vaddr
        version, frame_encoding, count_encoding, table_encoding = self._layout.unpack(
            "4B", self._offset(start, 4), "the head of .eh_frame_hdr"
        )
        if version != 1:
            raise self._layout.malformed(f".eh_frame_hdr has the version {version}, not 1")
        if _OMITTED in (count_encoding, table_encoding):
            return ()
        at = start + 4 + self._width(frame_encoding)
        count, at = self._read(at, count_encoding), at + self._width(count_encoding)
        if count > _MOST_FUNCTIONS:
            raise self._layout.malformed(f".eh_frame_hdr announces {count} entries")
        step = self._width(table_encoding)
        return tuple(
            self._entry(
                self._read(at + 2 * step * number, table_encoding),
                self._read(at + 2 * step * number + step, table_encoding),
            )
            for number in range(count)
        )

    def _entry(self, listed: int, fde: int) -> UnwindEntry:
        length, distance = self._layout.unpack("II", self._offset(fde, 8), "an entry of .eh_frame")
        if length < 8 or distance == 0:
            raise self._layout.malformed(f"what .eh_frame_hdr lists at {fde:#x} is no FDE")
        augmentation, encoding = self._read_cie(fde + 4 - distance)
        start = self._read(fde + 8, encoding)
        # The length has the encoding's width, and is relative to nothing.
        size = self._read(fde + 8 + self._width(encoding), encoding & _SIZE)
        from_base = self._layout.from_base
        return UnwindEntry(from_base(start), from_base(start + size), from_base(listed), "S" in augmentation)

    def _read_cie(self, cie: int) -> tuple[str, int]:
        """The augmentation string, and the encoding of addresses that it announces (0, as they are, without one)."""
        _, identity, version = self._layout.unpack("IIB", self._offset(cie, 9), "a CIE of .eh_frame")
        if identity != 0 or version not in (1, 3):
            raise self._layout.malformed(f"there is no CIE at {cie:#x}")
        offset = self._offset(cie + 9, 1)
        augmentation = self._layout.text(offset, offset + 16, "a CIE's augmentation")
        offset += len(augmentation) + 1
        if not augmentation.startswith("z"):
            return augmentation, 0
        for _ in range(2):  # the alignment factors of code and data
            offset = self._behind_leb128(offset)
        offset = offset + 1 if version == 1 else self._behind_leb128(offset)  # the return address's column
        offset = self._behind_leb128(offset)  # the length of what follows
        for letter in augmentation[1:]:
            if letter == "R":
                return augmentation, self._layout.unpack("B", offset, "a CIE's encoding")[0]
            if letter not in "SB":
                raise self._layout.malformed(f"a CIE of .eh_frame has the augmentation {augmentation!r}")
        return augmentation, 0

    def _behind_leb128(self, offset: int) -> int:
        while self._layout.unpack("B", offset, "a CIE of .eh_frame")[0] & 0x80:
            offset += 1
        return offset + 1

    def _width(self, encoding: int) -> int:
        size = encoding & _SIZE
        return self._layout.elf_class // 8 if size == 0 else {0x02: 2, 0x03: 4, 0x04: 8}.get(size, 0)

    def _read(self, at: int, encoding: int) -> int:
        """A number, with what it is relative to added (DW_EH_PE_pcrel, DW_EH_PE_datarel)."""
        size = encoding & _SIZE
        code = ("Q" if self._layout.elf_class == 64 else "I") if size == 0 else _CODES.get(size)
        base = {0: 0, _PCREL: at, _DATAREL: self._segment.vaddr}.get(encoding & _BASE)
        if code is None or base is None:
            raise self._layout.malformed(f"an address of .eh_frame has the encoding {encoding:#x}")
        if encoding & _SIGNED:
            code = code.lower()
        (value,) = self._layout.unpack(code, self._offset(at, self._width(encoding)), "an address of .eh_frame")
        return (value + base) % (1 << self._layout.elf_class)

    def _offset(self, address: int, size: int) -> int:
        return self._layout.locate(address, size, "what .eh_frame_hdr leads to")[0]
