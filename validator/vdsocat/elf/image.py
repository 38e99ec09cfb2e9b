"""Reading a vDSO image: what it exports, and how it is laid out, from its program headers and dynamic segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vdsocat.elf.dynamic import (
    SHN_ABS,
    SHN_UNDEF,
    DynamicSegment,
    DynamicSymbol,
    HashTable,
    VersionDefinition,
    read_dynamic_tags,
)
from vdsocat.elf.layout import ElfLayout, Endianness, ImageError, Segment, read_layout
from vdsocat.exports import Binding, Export, KernelRelease, SymbolType

__all__ = [
    "DynamicSymbol",
    "ImageError",
    "LookupMiss",
    "Note",
    "Segment",
    "VdsoImage",
    "VersionDefinition",
    "read_vdso_image",
]

_LARGEST_IMAGE = 4 << 20  # a vDSO is a few pages; a .so.dbg with debug information is a megabyte at most
_NT_GNU_BUILD_ID = 3
_LINUX_VERSION_NOTE = 0  # ELFNOTE_START(Linux, 0, "a") .long LINUX_VERSION_CODE, every arch/*/…/vdso/note.S


@dataclass(frozen=True, slots=True)
class Note:
    """One ELF note (gABI, "Note Section"), `desc` as stored."""

    owner: str
    type: int
    desc: bytes


@dataclass(frozen=True, slots=True)
class LookupMiss:
    """An export that a dynamic linker cannot find by name through the hash table of this style ("sysv" or "gnu")."""

    symbol: str
    style: str


@dataclass(frozen=True, slots=True)
class VdsoImage:
    """A vDSO image as its own program headers and dynamic segment describe it.

    elf_class       32 or 64
    endianness      "little" or "big"
    machine         EM_ name, such as "EM_X86_64"
    osabi           EI_OSABI
    elf_type        "ET_DYN" in every vDSO
    flags           e_flags
    entry           e_entry relative to the image's first byte, or None when it is 0 (i386: __kernel_vsyscall)
    base            address at which the image expects its first byte (0 but for prelinked ones)
    soname          DT_SONAME or None
    exports         defined, not local symbols in the order of .dynsym, without version_symbols; values relative to the
                    image's first byte (but as stored for absolute ones); name "" where the kernel blanked it (arm)
    version_symbols names of the absolute OBJECT symbols that older linkers add for each version node
    undefined       names of undefined symbols; SPARC declares its use of registers by nameless ones
    symbols         every entry of .dynsym but the null one, as stored
    verdefs         version definitions
    segments, notes, dynamic   as stored; dynamic is (DT_ name or number, value) without DT_NULL
    linux_version   LINUX_VERSION_CODE of the "Linux" note, or None; its last byte stops at 255
    build_id        hex digits, or None
    hash_styles     "sysv" and/or "gnu"
    has_relocations whether DT_REL, DT_RELA, DT_JMPREL or DT_RELR is there with a size other than 0
    lookup_misses   exports that a lookup through a present hash table does not find
    notes_misaligned  whether readers that pad notes by p_align misread them: the riscv64 image built with CFI in
                    Debian's 7.2 joins 4-aligned notes and an 8-aligned GNU property in one segment aligned to 8
    """

    elf_class: int
    endianness: Endianness
    machine: str
    osabi: int
    elf_type: str
    flags: int
    entry: int | None
    base: int
    soname: str | None
    exports: tuple[Export, ...]
    version_symbols: tuple[str, ...]
    undefined: tuple[str, ...]
    symbols: tuple[DynamicSymbol, ...]
    verdefs: tuple[VersionDefinition, ...]
    segments: tuple[Segment, ...]
    notes: tuple[Note, ...]
    dynamic: tuple[tuple[str | int, int], ...]
    linux_version: int | None
    build_id: str | None
    hash_styles: tuple[str, ...]
    has_relocations: bool
    lookup_misses: tuple[LookupMiss, ...]
    notes_misaligned: bool

    @property
    def linux_release(self) -> KernelRelease | None:
        """The release in the "Linux" note; a patch level above 255 shows as 255 (the kernel's top-level Makefile)."""
        code = self.linux_version
        return None if code is None else KernelRelease((code >> 16, code >> 8 & 0xFF, code & 0xFF))


def read_vdso_image(data: bytes, *, subject: str = "the vDSO image", load_address: int | None = None) -> VdsoImage:
    """Read an ELF image from the bytes of its file or of its whole mapping.

    Uses the file header, program headers and dynamic segment only: a mapped image may lack section headers.
    `subject` is what error messages call the image; `load_address` is where it was mapped, when known, and matters
    only if somebody relocated its dynamic segment in place.
    Raises ImageError, one sentence, for anything malformed.
    """
    if len(data) > _LARGEST_IMAGE:
        raise ImageError(f"{subject} is no vDSO image: it has {len(data)} bytes, more than {_LARGEST_IMAGE}")
    layout = read_layout(data, subject, load_address)
    tags = read_dynamic_tags(layout)
    dynamic = DynamicSegment(layout, tags)
    verdefs = dynamic.version_definitions()
    tables = dynamic.hash_tables()
    symbols = dynamic.symbols(dynamic.symbol_count(tables), verdefs)
    version_names = {definition.name for definition in verdefs}
    exported = [i for i, symbol in enumerate(symbols) if _is_export(symbol, version_names)]
    notes = tuple(note for segment in _note_segments(layout) for note in _read_notes(layout, segment, 4))
    return VdsoImage(
        elf_class=layout.elf_class,
        endianness=layout.endianness,
        machine=layout.machine,
        osabi=layout.osabi,
        elf_type=layout.elf_type,
        flags=layout.flags,
        entry=layout.from_base(layout.entry) if layout.entry else None,
        base=layout.base,
        soname=dynamic.soname(),
        exports=tuple(_export(layout, symbols[i]) for i in exported),
        version_symbols=tuple(symbol.name for symbol in symbols if _is_version_symbol(symbol, version_names)),
        undefined=tuple(symbol.name for symbol in symbols[1:] if symbol.section == SHN_UNDEF and symbol.name),
        symbols=symbols[1:],
        verdefs=verdefs,
        segments=layout.segments,
        notes=notes,
        dynamic=tags,
        linux_version=_linux_version(layout, notes),
        build_id=next((n.desc.hex() for n in notes if (n.owner, n.type) == ("GNU", _NT_GNU_BUILD_ID)), None),
        hash_styles=tuple(table.style for table in tables),
        has_relocations=_has_relocations(dynamic.tags),
        lookup_misses=tuple(_lookup_misses(symbols, exported, tables)),
        notes_misaligned=any(_notes_disagree_with_alignment(layout, segment) for segment in _note_segments(layout)),
    )


def _is_version_symbol(symbol: DynamicSymbol, version_names: set[str]) -> bool:
    return symbol.section == SHN_ABS and symbol.type is SymbolType.OBJECT and symbol.name in version_names


def _is_export(symbol: DynamicSymbol, version_names: set[str]) -> bool:
    """Blanked names count: arch/arm/kernel/vdso.c, vdso_nullpatch_one() zeroes st_name and leaves the rest."""
    return (
        symbol.section != SHN_UNDEF
        and symbol.binding is not Binding.LOCAL
        and not _is_version_symbol(symbol, version_names)
    )


def _export(layout: ElfLayout, symbol: DynamicSymbol) -> Export:
    value = symbol.value if symbol.section == SHN_ABS else layout.from_base(symbol.value)
    return Export(symbol.name, symbol.version, symbol.type, symbol.binding, value, symbol.size)


def _lookup_misses(
    symbols: tuple[DynamicSymbol, ...], exported: list[int], tables: tuple[HashTable, ...]
) -> Iterator[LookupMiss]:
    for table in tables:
        for index in exported:
            name = symbols[index].name
            if name and not table.finds(index, name):
                yield LookupMiss(name, table.style)


def _has_relocations(tags: dict[str | int, int]) -> bool:
    sizes = {"DT_REL": "DT_RELSZ", "DT_RELA": "DT_RELASZ", "DT_JMPREL": "DT_PLTRELSZ", "DT_RELR": "DT_RELRSZ"}
    return any(table in tags and tags.get(size, 1) != 0 for table, size in sizes.items())


def _note_segments(layout: ElfLayout) -> Iterator[Segment]:
    return (segment for segment in layout.segments if segment.type == "PT_NOTE")


def _read_notes(layout: ElfLayout, segment: Segment, padding: int) -> Iterator[Note]:
    """The notes of one PT_NOTE segment whose names and descriptors are padded to `padding` bytes.

    A linker that joins a 4-aligned and an 8-aligned note section leaves a gap, which 4-byte padding must skip.
    """
    offset, end = segment.offset, segment.offset + segment.filesz
    while offset + 12 <= end:
        owner_size, desc_size, note_type = layout.unpack("III", offset, "a note")
        if padding == 4 and segment.align == 8 and (offset - segment.offset) % 8 and not owner_size:
            offset += 4
            continue
        desc_at = _padded(offset + 12 + owner_size, segment.offset, padding)
        if desc_at + desc_size > end:
            # The linker script of parisc does not end its PT_NOTE, which so runs on into the code; it begins with
            # half a note (docs/findings.md, parisc-note).
            if offset > segment.offset or layout.machine == "EM_PARISC":
                return
            raise layout.malformed(f"a note of {owner_size} + {desc_size} bytes does not fit in its segment")
        owner = layout.text(offset + 12, offset + 12 + owner_size, "a note's owner") if owner_size else ""
        yield Note(owner, note_type, bytes(layout.data[desc_at : desc_at + desc_size]))
        offset = _padded(desc_at + desc_size, segment.offset, padding)


def _notes_disagree_with_alignment(layout: ElfLayout, segment: Segment) -> bool:
    """Whether a reader that pads by p_align, as binutils does, sees other notes than those that the kernel wrote."""
    if segment.align != 8:
        return False
    try:
        return list(_read_notes(layout, segment, 8)) != list(_read_notes(layout, segment, 4))
    except ImageError:
        return True


def _padded(offset: int, start: int, align: int) -> int:
    return start + (offset - start + align - 1) // align * align


def _linux_version(layout: ElfLayout, notes: tuple[Note, ...]) -> int | None:
    for note in notes:
        if (note.owner, note.type, len(note.desc)) == ("Linux", _LINUX_VERSION_NOTE, 4):
            return int.from_bytes(note.desc, layout.endianness)
    return None
