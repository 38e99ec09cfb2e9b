"""Reading vDSO images: what is read, what is refused and how, and whether pyelftools sees the same."""

from __future__ import annotations

import ctypes
import dataclasses
import io
import re
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from elf_builder import (
    ABSOLUTE,
    DT,
    LOCAL,
    NOTYPE,
    OBJECT,
    SECTION,
    UNDEFINED,
    WEAK,
    Image,
    ImageSpec,
    Symbol,
    build_image,
)
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vdsocat.elf.image import ImageError, LookupMiss, Note, read_vdso_image
from vdsocat.exports import Binding, Export, KernelRelease, SymbolType

LINUX_2_6 = (("LINUX_2.6", ()),)
SYMBOLS = (
    Symbol("__vdso_clock_gettime", "LINUX_2.6", value=0x2D0, size=760),
    Symbol("clock_gettime", "LINUX_2.6", binding=WEAK, value=0x2D0, size=760),
    Symbol("__vdso_getcpu", "LINUX_2.6", value=0x600, size=40),
    Symbol("__kernel_rt_sigreturn", "LINUX_2.6", type=NOTYPE, value=0x700, size=8),
    Symbol("LINUX_2.6", "LINUX_2.6", type=OBJECT, section=ABSOLUTE, value=0, size=0),
)
SPEC = ImageSpec(SYMBOLS, LINUX_2_6)
# (machine, EM_ name, class, big-endian, bytes in a DT_HASH word)
MACHINES = [
    (62, "EM_X86_64", 64, False, 4),
    (62, "EM_X86_64", 32, False, 4),
    (3, "EM_386", 32, False, 4),
    (183, "EM_AARCH64", 64, False, 4),
    (40, "EM_ARM", 32, False, 4),
    (40, "EM_ARM", 32, True, 4),
    (8, "EM_MIPS", 32, True, 4),
    (8, "EM_MIPS", 64, False, 4),
    (20, "EM_PPC", 32, True, 4),
    (21, "EM_PPC64", 64, True, 4),
    (243, "EM_RISCV", 64, False, 4),
    (22, "EM_S390", 32, True, 4),
    (22, "EM_S390", 64, True, 8),
    (258, "EM_LOONGARCH", 64, False, 4),
    (0x9026, "EM_36902", 64, False, 8),
]


def by_name(exports: tuple[Export, ...]) -> dict[str, Export]:
    return {export.name: export for export in exports}


def with_header(image: Image, codes: str, offset: int, *values: int) -> bytes:
    return image.patched(offset, struct.pack("<" + codes, *values))


def with_dynamic(image: Image, tag: str, value: int, new_tag: int | None = None) -> bytes:
    """A 64-bit little-endian image with one dynamic tag's value (and number) changed."""
    at = image.places["dynamic"]
    while struct.unpack_from("<Q", image.data, at)[0] != DT[tag]:
        at += 16
    return image.patched(at, struct.pack("<QQ", DT[tag] if new_tag is None else new_tag, value))


@pytest.mark.parametrize(("machine", "name", "elf_class", "big", "word"), MACHINES)
@pytest.mark.parametrize("styles", [("sysv",), ("gnu",), ("sysv", "gnu"), ()])
def test_every_class_and_byte_order_is_read(
    machine: int, name: str, elf_class: int, big: bool, word: int, styles: tuple[str, ...]
) -> None:
    spec = dataclasses.replace(
        SPEC, machine=machine, elf_class=elf_class, big=big, hash_word=word, hash_styles=styles, flags=7
    )
    image = read_vdso_image(build_image(spec).data)
    assert (image.machine, image.elf_class, image.endianness) == (name, elf_class, "big" if big else "little")
    assert (image.elf_type, image.osabi, image.flags, image.base, image.entry) == ("ET_DYN", 0, 7, 0, None)
    assert image.soname == "linux-vdso.so.1"
    assert image.hash_styles == styles
    assert image.lookup_misses == ()
    assert by_name(image.exports) == {
        "__vdso_clock_gettime": Export("__vdso_clock_gettime", "LINUX_2.6", value=0x2D0, size=760),
        "clock_gettime": Export("clock_gettime", "LINUX_2.6", binding=Binding.WEAK, value=0x2D0, size=760),
        "__vdso_getcpu": Export("__vdso_getcpu", "LINUX_2.6", value=0x600, size=40),
        "__kernel_rt_sigreturn": Export("__kernel_rt_sigreturn", "LINUX_2.6", SymbolType.NOTYPE, value=0x700, size=8),
    }
    assert image.version_symbols == ("LINUX_2.6",)


def test_exports_keep_the_order_of_dynsym() -> None:
    image = read_vdso_image(build_image(dataclasses.replace(SPEC, hash_styles=("sysv",))).data)
    assert [export.name for export in image.exports] == [symbol.name for symbol in SYMBOLS[:-1]]


def test_local_and_undefined_symbols_are_no_exports() -> None:
    symbols = (
        Symbol("", type=SECTION, binding=LOCAL),
        Symbol("missing", section=UNDEFINED, value=0),
        Symbol("there"),
        Symbol("absolute", section=ABSOLUTE, value=0x1234),
    )
    image = read_vdso_image(build_image(ImageSpec(symbols, base=0x1000000)).data)
    assert {(export.name, export.value) for export in image.exports} == {("there", 0x800), ("absolute", 0x1234)}
    assert image.undefined == ("missing",)
    assert len(image.symbols) == 4


def test_names_blanked_at_boot_stay_as_exports_without_a_name() -> None:
    symbols = (
        Symbol("__vdso_gettimeofday", "LINUX_2.6", blanked=True, value=0x914),
        Symbol("__vdso_clock_getres", "LINUX_2.6"),
    )
    image = read_vdso_image(build_image(ImageSpec(symbols, LINUX_2_6, elf_class=32, machine=40)).data)
    blanked = by_name(image.exports)[""]
    assert (blanked.version, blanked.type, blanked.value) == ("LINUX_2.6", SymbolType.FUNC, 0x914)
    assert image.lookup_misses == ()


def test_versions_with_parents_hidden_symbols_and_none() -> None:
    symbols = (Symbol("f", "LINUX_2.6.39"), Symbol("g", "LINUX_2.6", hidden=True), Symbol("h"))
    versions = (("LINUX_2.6", ()), ("LINUX_2.6.39", ("LINUX_2.6",)))
    image = read_vdso_image(build_image(ImageSpec(symbols, versions)).data)
    assert {(symbol.name, symbol.version, symbol.hidden) for symbol in image.symbols} == {
        ("f", "LINUX_2.6.39", False),
        ("g", "LINUX_2.6", True),
        ("h", None, False),
    }
    assert [(v.name, v.index, v.flags, v.parents) for v in image.verdefs] == [
        ("linux-vdso.so.1", 1, 1, ()),
        ("LINUX_2.6", 2, 0, ()),
        ("LINUX_2.6.39", 3, 0, ("LINUX_2.6",)),
    ]


def test_an_image_without_versions_soname_and_symbols() -> None:
    image = read_vdso_image(build_image(ImageSpec(soname=None)).data)
    assert (image.soname, image.exports, image.verdefs, image.notes) == (None, (), (), ())
    assert (image.linux_version, image.linux_release, image.build_id) == (None, None, None)


def test_values_of_a_prelinked_image_are_relative_to_its_first_byte() -> None:
    prelinked = dataclasses.replace(SPEC, base=0xFFFFFFFFFF700000, entry=0xFFFFFFFFFF700600)
    image = read_vdso_image(build_image(prelinked).data)
    assert (image.base, image.entry) == (0xFFFFFFFFFF700000, 0x600)
    assert by_name(image.exports)["__vdso_getcpu"].value == 0x600


def test_a_dynamic_segment_relocated_in_place_needs_the_load_address() -> None:
    load_address = 0x7FFF12345000
    data = build_image(dataclasses.replace(SPEC, moved_by=load_address)).data
    assert read_vdso_image(data, load_address=load_address).exports == read_vdso_image(build_image(SPEC).data).exports
    with pytest.raises(ImageError, match="which no loaded segment holds"):
        read_vdso_image(data)


def test_load_address_does_no_harm_when_nothing_was_relocated() -> None:
    data = build_image(SPEC).data
    assert read_vdso_image(data, load_address=0x7FFF12345000) == read_vdso_image(data)


def test_bytes_behind_the_image_do_not_matter() -> None:
    data = build_image(SPEC).data
    assert read_vdso_image(data + bytes(-len(data) % 4096)) == read_vdso_image(data)


def test_section_headers_do_not_matter_even_if_they_are_garbage() -> None:
    plain = read_vdso_image(build_image(SPEC).data)
    sections = build_image(dataclasses.replace(SPEC, section_headers=True))
    garbage = sections.patched(sections.places["shdr"], b"\xa5" * (len(sections.data) - sections.places["shdr"]))
    assert read_vdso_image(sections.data).exports == plain.exports
    assert read_vdso_image(garbage).exports == plain.exports


def test_segments_and_dynamic_tags() -> None:
    built = build_image(SPEC)
    image = read_vdso_image(built.data)
    load, dynamic = image.segments
    assert (load.type, load.flags, load.offset, load.vaddr, load.align) == ("PT_LOAD", "r-x", 0, 0, 0x1000)
    assert load.filesz == load.memsz == len(built.data)
    assert (dynamic.type, dynamic.flags, dynamic.offset) == ("PT_DYNAMIC", "r--", built.places["dynamic"])
    assert ("DT_SYMTAB", built.places["dynsym"]) in image.dynamic
    assert ("DT_VERDEFNUM", 2) in image.dynamic


def test_unknown_machines_segments_and_tags_are_kept_as_numbers() -> None:
    built = build_image(dataclasses.replace(SPEC, machine=0xABC, soname=None, relocations=0))
    data = with_dynamic(built, "RELA", 42, new_tag=0x6ABCDEF0)
    image = read_vdso_image(data)
    assert image.machine == "EM_2748"
    assert (0x6ABCDEF0, 42) in image.dynamic


@pytest.mark.parametrize(("size", "expected"), [(None, False), (0, False), (24, True)])
def test_relocations_count_only_if_there_are_any(size: int | None, expected: bool) -> None:
    image = read_vdso_image(build_image(dataclasses.replace(SPEC, relocations=size)).data)
    assert image.has_relocations is expected


@pytest.mark.parametrize("big", [False, True])
def test_notes(big: bool) -> None:
    version = (6 << 16 | 1 << 8 | 176).to_bytes(4, "big" if big else "little")
    notes = (("Linux", 0, version), ("Linux", 0x100, b"6.1.0-50-amd64\0"), ("GNU", 3, bytes(range(20))))
    image = read_vdso_image(build_image(dataclasses.replace(SPEC, notes=notes, big=big, machine=21)).data)
    assert image.notes == tuple(Note(*note) for note in notes)
    assert image.linux_version == 0x0601B0
    assert image.linux_release == KernelRelease((6, 1, 176))
    assert image.build_id == bytes(range(20)).hex()
    assert not image.notes_misaligned


def test_notes_of_4_bytes_alignment_in_a_segment_aligned_to_8_are_read_and_reported() -> None:
    """As in the riscv64 image with CFI of Debian's 7.2: build-id, gap, GNU property, then Linux notes."""
    notes = (("Linux", 0, b"\x0d\x02\x07\x00"), ("Linux", 0x100, b"7.2.13+deb14-riscv64\0"))
    built = build_image(dataclasses.replace(SPEC, notes=(("GNU", 3, bytes(range(20))), *notes), note_align=8))
    image = read_vdso_image(built.data)
    assert image.linux_release == KernelRelease((7, 2, 13))
    assert image.notes_misaligned
    with_gap = dataclasses.replace(SPEC, notes=(("GNU", 3, bytes(range(20)) + bytes(4)), *notes), note_align=8)
    built = build_image(with_gap)
    gap = built.patched(built.places["note"] + 4, struct.pack("<I", 20))
    assert read_vdso_image(gap).linux_release == KernelRelease((7, 2, 13))


def test_an_export_that_its_hash_tables_do_not_find_is_reported() -> None:
    built = build_image(ImageSpec((Symbol("one"),), hash_styles=("sysv", "gnu")))
    name = built.data.index(b"one\0")
    image = read_vdso_image(built.patched(name, b"two"))
    assert LookupMiss("two", "gnu") in image.lookup_misses


def test_a_gnu_table_that_hashes_nothing_leaves_the_count_to_the_strings() -> None:
    built = build_image(ImageSpec((Symbol("gone", section=UNDEFINED, value=0),), hash_styles=("gnu",)))
    assert read_vdso_image(built.data).undefined == ("gone",)


BUILT = build_image(dataclasses.replace(SPEC, notes=(("GNU", 3, b"\1" * 20),)))
PLACES = BUILT.places
DYNSYM_FIRST = PLACES["dynsym"] + 24
VERDEF_SECOND = PLACES["verdef"] + 28
MALFORMED = {
    "empty": (b"", "is no ELF image: it starts with nothing"),
    "no magic": (b"MZ" + BUILT.data[2:], "is no ELF image: it starts with 4d5a4c46"),
    "cut ident": (BUILT.data[:10], "is truncated: it ends at byte 10 within the ELF identification"),
    "bad class": (BUILT.patched(4, b"\3"), "class 3, data encoding 1 and version 1"),
    "cut header": (BUILT.data[:40], "is truncated: the ELF header ends at byte 0x40"),
    "too large": (BUILT.data + bytes(4 << 20), "is no vDSO image: it has"),
    "no program headers": (with_header(BUILT, "H", 56, 0), "it has 0 program headers of 56 bytes each"),
    "odd program headers": (with_header(BUILT, "H", 54, 57), "it has 3 program headers of 57 bytes each"),
    "cut program headers": (BUILT.data[:100], "is truncated: its program header table"),
    "program headers outside": (with_header(BUILT, "Q", 32, 1 << 62), "is truncated: its program header table"),
    "cut segment": (BUILT.data[:-1], "is truncated: its PT_LOAD segment"),
    "no load": (with_header(BUILT, "I", PLACES["phdr"], 6), "it has no PT_LOAD segment"),
    "no dynamic": (with_header(BUILT, "I", PLACES["phdr"] + 56, 6), "it has no PT_DYNAMIC segment"),
    "more file than memory": (with_header(BUILT, "Q", PLACES["phdr"] + 40, 1), "its PT_LOAD segment at 0x0 has"),
    "dynamic without end": (
        with_header(BUILT, "Q", PLACES["phdr"] + 56 + 32, 32),
        "its dynamic segment has no DT_NULL at the end",
    ),
    "no strings": (with_dynamic(BUILT, "STRTAB", 0, new_tag=0x70000010), "its dynamic segment has no DT_STRTAB"),
    "no symbols": (with_dynamic(BUILT, "SYMTAB", 0, new_tag=0x70000010), "its dynamic segment has no DT_SYMTAB"),
    "no string size": (with_dynamic(BUILT, "STRSZ", 0, new_tag=0x70000010), "its dynamic segment has no DT_STRSZ"),
    "strings outside": (with_dynamic(BUILT, "STRTAB", 1 << 40), "the string table (DT_STRTAB) is at address"),
    "strings too large": (with_dynamic(BUILT, "STRSZ", 1 << 40), "the string table (DT_STRTAB) is at address"),
    "symbols outside": (with_dynamic(BUILT, "SYMTAB", 1 << 40), "the symbol table (DT_SYMTAB) is at address"),
    "symbol size": (with_dynamic(BUILT, "SYMENT", 16), "DT_SYMENT is 16, not 24"),
    "soname outside": (with_dynamic(BUILT, "SONAME", 4000), "the string of DT_SONAME is at 0xfa0, behind"),
    "string without end": (with_dynamic(BUILT, "STRSZ", 5), "behind the string table's end"),
    "name outside": (with_header(BUILT, "I", DYNSYM_FIRST, 1 << 31), "the string of dynamic symbol 1 is at 0x80000000"),
    "name not printable": (
        BUILT.patched(BUILT.data.index(b"clock_gettime\0") + 3, b"\x1b"),
        "is no printable text",
    ),
    "name not UTF-8": (BUILT.patched(BUILT.data.index(b"__vdso_getcpu") + 3, b"\xff"), "is no printable text"),
    "absurd hash": (with_header(BUILT, "I", PLACES["hash"] + 4, 1 << 31), "DT_HASH claims 1 buckets and 2147483648"),
    "hash without buckets": (with_header(BUILT, "I", PLACES["hash"], 0), "DT_HASH claims 0 buckets"),
    "hash outside": (with_dynamic(BUILT, "HASH", 1 << 40), "DT_HASH is at address"),
    "hash bucket outside": (with_header(BUILT, "I", PLACES["hash"] + 8, 77), "DT_HASH leads to symbol 77 of 6"),
    "hash cycle": (with_header(BUILT, "6I", PLACES["hash"] + 12, 0, 5, 1, 2, 3, 4), "DT_HASH leads to symbol 5 twice"),
    "absurd gnu hash": (
        with_header(BUILT, "I", PLACES["gnu_hash"], 1 << 31),
        "DT_GNU_HASH claims 2147483648 buckets and 1 filter words",
    ),
    "absurd gnu filter": (with_header(BUILT, "I", PLACES["gnu_hash"] + 8, 1 << 31), "2147483648 filter words"),
    "gnu hash without buckets": (with_header(BUILT, "I", PLACES["gnu_hash"], 0), "DT_GNU_HASH claims 0 buckets"),
    "gnu bucket outside": (
        with_header(BUILT, "I", PLACES["gnu_hash"] + 24, 1 << 20),
        "DT_GNU_HASH leads to symbol 1048576, outside",
    ),
    "gnu chains overlap": (
        with_header(BUILT, "II", PLACES["gnu_hash"] + 24, 1, 1),
        "DT_GNU_HASH leads to symbol 1 twice",
    ),
    "tables disagree": (
        with_header(BUILT, "I", PLACES["hash"] + 4, 7),
        "DT_HASH counts 7 dynamic symbols, but DT_GNU_HASH 6",
    ),
    "unknown version": (with_header(BUILT, "H", PLACES["versym"] + 2, 9), "has version index 9, which DT_VERDEF"),
    "versions outside": (with_dynamic(BUILT, "VERSYM", 1 << 40), "the symbol versions (DT_VERSYM) is at address"),
    "version count absurd": (with_dynamic(BUILT, "VERDEFNUM", 1 << 40), "DT_VERDEFNUM is 1099511627776"),
    "version count too high": (with_dynamic(BUILT, "VERDEFNUM", 3), "but the chain has 2 definitions"),
    "version count missing": (
        with_dynamic(BUILT, "VERDEFNUM", 2, new_tag=0x70000010),
        "its dynamic segment has no DT_VERDEFNUM",
    ),
    "version chain outside": (
        with_header(BUILT, "I", PLACES["verdef"] + 16, 1 << 30),
        "version definition 2 is behind the segment's end",
    ),
    "version revision": (with_header(BUILT, "H", VERDEF_SECOND, 2), "version definition 2 has revision 2"),
    "version index twice": (
        with_header(BUILT, "H", VERDEF_SECOND + 4, 1),
        "version definition 2 has revision 1, index 1",
    ),
    "version chain cycle": (
        BUILT.patched(PLACES["verdef"] + 16, struct.pack("<I", 0xFFFFFFFF)),
        "version definition 2 is behind the segment's end",
    ),
    "version without names": (with_header(BUILT, "H", VERDEF_SECOND + 6, 0), "index 2 and 0 names"),
    "version with absurd names": (with_header(BUILT, "H", VERDEF_SECOND + 6, 60000), "index 2 and 60000 names"),
    "version with missing names": (with_header(BUILT, "H", VERDEF_SECOND + 6, 2), "claims 2 names, but has 1"),
    "version names outside": (
        with_header(BUILT, "I", VERDEF_SECOND + 12, 1 << 30),
        "the names of a version definition reach behind the segment's end",
    ),
    "note too large": (with_header(BUILT, "I", PLACES["note"] + 4, 1 << 31), "does not fit in its segment"),
    "note owner without end": (BUILT.patched(PLACES["note"] + 12, b"GNUX"), "the string of a note's owner has no end"),
}


def test_half_a_note_in_the_code_of_pa_risc_is_none() -> None:
    """As in the 64-bit image of 7.3, where the release stands in the place of the sizes."""
    built = build_image(dataclasses.replace(SPEC, notes=(("Linux", 0, b"\0\7\3\4"),), machine=15, big=True))
    half = built.patched(built.places["note"], struct.pack(">II", 0x70304, 0))
    assert len(read_vdso_image(built.data).notes) == 1
    assert read_vdso_image(half).notes == ()


def test_a_note_segment_that_runs_on_into_the_code_gives_the_notes_before_it() -> None:
    note = PLACES["phdr"] + 2 * 56
    longer = BUILT.patched(note + 32, struct.pack("<QQ", *[PLACES["text"] + 64 - PLACES["note"]] * 2))
    notes = read_vdso_image(BUILT.data).notes
    assert notes and read_vdso_image(longer).notes[: len(notes)] == notes


def test_a_nameless_symbol_is_no_undefined_reference() -> None:
    first = PLACES["dynsym"] + 24
    nameless = BUILT.patched(first, struct.pack("<IBBH", 0, 0x1D, 0, 0))
    assert read_vdso_image(nameless).undefined == read_vdso_image(BUILT.data).undefined


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_images_give_one_sentence(case: str) -> None:
    data, expected = MALFORMED[case]
    with pytest.raises(ImageError, match=re.escape(expected)) as caught:
        read_vdso_image(data, subject="vdso.so")
    assert str(caught.value).startswith("vdso.so is ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_symbols_behind_strings_without_a_hash_table_cannot_be_counted() -> None:
    built = build_image(dataclasses.replace(SPEC, hash_styles=()))
    with pytest.raises(ImageError, match="no hash table counts its symbols"):
        read_vdso_image(with_dynamic(built, "SYMTAB", built.places["versym"]))


NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=30)


@st.composite
def specs(draw: st.DrawFn) -> ImageSpec:
    machine, _, elf_class, big, word = draw(st.sampled_from(MACHINES))
    nodes = draw(st.lists(NAMES.map(lambda name: f"V_{name}"), unique=True, max_size=4))
    version = st.sampled_from([None, *nodes])
    symbols = draw(
        st.lists(
            st.builds(
                Symbol,
                NAMES,
                version,
                type=st.integers(0, 2),
                binding=st.integers(0, 2),
                section=st.sampled_from([UNDEFINED, 10, ABSOLUTE]),
                value=st.integers(0, 0xFFFF),
                size=st.integers(0, 0xFFFF),
                hidden=st.booleans() if nodes else st.just(False),
            ),
            max_size=12,
            unique_by=lambda symbol: symbol.name,
        )
    )
    return ImageSpec(
        symbols,
        tuple((name, draw(st.sampled_from([(), tuple(nodes[:i])]))) for i, name in enumerate(nodes)),
        elf_class=elf_class,
        big=big,
        machine=machine,
        hash_word=word,
        hash_styles=draw(st.sampled_from([("sysv",), ("gnu",), ("sysv", "gnu"), ()])),
        section_headers=draw(st.booleans()),
        base=draw(st.sampled_from([0, 0x10000, 0xFFFE0000])),
    )


@given(specs())
@settings(max_examples=100, deadline=None)
def test_what_was_built_is_read(spec: ImageSpec) -> None:
    image = read_vdso_image(build_image(spec).data)
    expected = {
        (symbol.name, symbol.version, symbol.type, symbol.binding, symbol.value, symbol.size)
        for symbol in spec.symbols
        if symbol.section != UNDEFINED and symbol.binding != LOCAL
    }
    types = {SymbolType.NOTYPE: 0, SymbolType.OBJECT: 1, SymbolType.FUNC: 2}
    bindings = {Binding.GLOBAL: 1, Binding.WEAK: 2}
    assert expected == {(e.name, e.version, types[e.type], bindings[e.binding], e.value, e.size) for e in image.exports}
    assert set(image.undefined) == {symbol.name for symbol in spec.symbols if symbol.section == UNDEFINED}
    assert tuple((v.name, v.parents) for v in image.verdefs[1:]) == spec.versions
    assert image.lookup_misses == ()


def read_or_refuse(data: bytes) -> None:
    """Anything but a VdsoImage or one ImageError is a bug, and so is taking long."""
    start = time.monotonic()
    try:
        read_vdso_image(data)
    except ImageError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - start < 2


@given(specs(), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_images_are_read_or_refused(spec: ImageSpec, data: st.DataObject) -> None:
    image = bytearray(build_image(spec).data)
    places = st.integers(0, len(image) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=12)):
        image[at] = value
    read_or_refuse(bytes(image))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_single_words_replaced_are_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BUILT.data) // 4 - 1)) * 4
    word = data.draw(st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]) | st.integers(0, 0xFFFFFFFF))
    read_or_refuse(BUILT.patched(at, struct.pack("<I", word)))


def test_every_truncation_is_refused() -> None:
    for length in range(len(BUILT.data)):
        with pytest.raises(ImageError):
            read_vdso_image(BUILT.data[:length])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    read_or_refuse(data)
    read_or_refuse(BUILT.data[:64] + data)


def pyelftools_view(data: bytes) -> dict[str, Any]:
    """What pyelftools reads by the section headers: symbols with versions, version definitions, segments, tags."""
    elf = ELFFile(io.BytesIO(data))
    definitions = elf.get_section_by_name(".gnu.version_d")
    indexes = elf.get_section_by_name(".gnu.version")
    names: dict[int, str] = {}
    verdefs = []
    for definition, auxiliaries in definitions.iter_versions():
        name, *parents = [auxiliary.name for auxiliary in auxiliaries]
        verdefs.append((name, definition["vd_ndx"], definition["vd_flags"], tuple(parents)))
        if not definition["vd_flags"] & 1:
            names[definition["vd_ndx"]] = name
    symbols = []
    for i, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
        index = indexes.get_symbol(i)["ndx"]
        version = names.get(index & 0x7FFF) if isinstance(index, int) else None
        kind, binding = symbol["st_info"]["type"], symbol["st_info"]["bind"]
        symbols.append((symbol.name, version, kind, binding, symbol["st_value"], symbol["st_size"]))
    dynamic = next(segment for segment in elf.iter_segments() if isinstance(segment, DynamicSegment))
    return {
        "machine": elf["e_machine"],
        "symbols": symbols[1:],
        "verdefs": verdefs,
        "segments": [(s["p_offset"], s["p_vaddr"], s["p_filesz"], s["p_memsz"]) for s in elf.iter_segments()],
        "tags": [(tag.entry.d_tag, tag["d_val"]) for tag in dynamic.iter_tags() if tag.entry.d_tag != "DT_NULL"],
        "notes": [
            (note["n_name"], note["n_descsz"])
            for segment in elf.iter_segments()
            if segment["p_type"] == "PT_NOTE"
            for note in segment.iter_notes()
        ],
    }


def our_view(data: bytes) -> dict[str, Any]:
    image = read_vdso_image(data)
    return {
        "machine": image.machine,
        "symbols": [(s.name, s.version, f"STT_{s.type}", f"STB_{s.binding}", s.value, s.size) for s in image.symbols],
        "verdefs": [(v.name, v.index, v.flags, v.parents) for v in image.verdefs],
        "segments": [(s.offset, s.vaddr, s.filesz, s.memsz) for s in image.segments],
        "tags": list(image.dynamic),
        "notes": [(note.owner, len(note.desc)) for note in image.notes],
    }


@pytest.mark.parametrize("name", ["sysv", "gnu", "both"])
def test_a_linked_shared_object_reads_as_pyelftools_reads_it(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    assert compiler, "gcc is not installed, and this test compares our reader with pyelftools on what it links"
    source, script, target = tmp_path / "vdso.c", tmp_path / "vdso.map", tmp_path / "vdso.so"
    source.write_text(
        "extern int elsewhere(void);\n"
        "int __vdso_first(void) { return elsewhere(); }\n"
        'int first(void) __attribute__((weak, alias("__vdso_first")));\n'
        "int __vdso_second(void) { return 2; }\n"
        "int table[4] = {1, 2, 3, 4};\n"
        "int hidden_away(void) { return 3; }\n"
    )
    script.write_text("V_1 { global: __vdso_first; first; table; local: *; };\nV_2 { global: __vdso_second; } V_1;\n")
    options = ["-shared", "-nostdlib", "-fPIC", "-O1", f"-Wl,--hash-style={name}", "-Wl,-soname=linux-test.so.1"]
    options += ["-Wl,--build-id=sha1", f"-Wl,--version-script={script}"]
    subprocess.run([compiler, *options, "-o", target, source], check=True, capture_output=True)
    data = target.read_bytes()
    image = read_vdso_image(data)
    assert our_view(data) == pyelftools_view(data)
    assert set(by_name(image.exports)) == {"__vdso_first", "first", "__vdso_second", "table"}
    assert by_name(image.exports)["table"].type is SymbolType.OBJECT
    assert (image.soname, image.undefined, image.has_relocations) == ("linux-test.so.1", ("elsewhere",), True)
    assert image.hash_styles == {"sysv": ("sysv",), "gnu": ("gnu",), "both": ("sysv", "gnu")}[name]
    assert [v.parents for v in image.verdefs if v.name == "V_2"] == [("V_1",)]
    assert image.lookup_misses == ()
    assert image.build_id is not None and len(image.build_id) == 40


def test_built_images_read_as_pyelftools_reads_them() -> None:
    data = build_image(dataclasses.replace(SPEC, section_headers=True, notes=(("GNU", 3, b"\1" * 20),))).data
    assert our_view(data) == pyelftools_view(data)


def own_vdso() -> tuple[int, bytes] | None:
    """Where this process has its vDSO, and the bytes of the whole mapping, or None if the kernel maps none."""
    auxiliary_vector = ctypes.CDLL(None).getauxval
    auxiliary_vector.restype = ctypes.c_ulong
    address = int(auxiliary_vector(ctypes.c_ulong(33)))  # AT_SYSINFO_EHDR
    if not address:
        return None
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start == address:
            with Path("/proc/self/mem").open("rb", buffering=0) as memory:
                memory.seek(start)
                return address, memory.read(end - start)
    raise AssertionError(f"no mapping starts at AT_SYSINFO_EHDR {address:#x}")


def test_the_host_s_own_vdso_reads_as_pyelftools_reads_it() -> None:
    found = own_vdso()
    if found is None:
        assert "[vdso]" not in Path("/proc/self/maps").read_text()
        return
    address, data = found
    image = read_vdso_image(data, subject="the host's vDSO", load_address=address)
    elf = ELFFile(io.BytesIO(data))
    segment = next(segment for segment in elf.iter_segments() if isinstance(segment, DynamicSegment))
    theirs = [(symbol.name, symbol["st_value"]) for symbol in segment.iter_symbols()][1:]
    assert [(symbol.name, symbol.value) for symbol in image.symbols] == theirs
    assert image.machine == elf["e_machine"]
    assert image.exports and image.soname and image.lookup_misses == ()
    assert {export.version for export in image.exports} <= {definition.name for definition in image.verdefs}
