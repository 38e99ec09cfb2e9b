"""The mapped image against the carried ones: what explains a difference, and what is to review."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest
from elf_builder import ImageSpec, Symbol, build_image

from vdsocat.capture import AbiCapture
from vdsocat.elf.image import read_vdso_image
from vdsocat.elf.patches import PatchedPlace, patched_places
from vdsocat.judging.carried import judge_carried
from vdsocat.judging.finding import Verdict

CODE_AT, CODE = 0x40, bytes(range(1, 161))
TABLE_AT = CODE_AT + len(CODE)
X86_64, AARCH64, RISCV, S390, PPC, PPC64 = 62, 183, 243, 22, 20, 21


def image_with(section: str, table: bytes, machine: int, *, wide: bool = True, big: bool = False) -> bytes:
    """An ELF file of code and one section of that name behind it."""
    order = ">" if big else "<"
    names = b"\0.text\0.shstrtab\0" + section.encode() + b"\0"
    start = TABLE_AT + len(table)
    headers = -(-(start + len(names)) // 8) * 8
    entry = f"{order}IIQQQQIIQQ" if wide else f"{order}IIIIIIIIII"
    rows = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, 1, 6, CODE_AT, CODE_AT, len(CODE), 0, 0, 1, 0),
        (17, 1, 2, TABLE_AT, TABLE_AT, len(table), 0, 0, 1, 0),
        (7, 3, 0, 0, start, len(names), 0, 0, 1, 0),
    ]
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + bytes(9)
    head = struct.pack(
        f"{order}HHI{'QQQ' if wide else 'III'}IHHHHHH",
        *(3, machine, 1, 0, 0, headers, 0, 64 if wide else 52, 0, 0, struct.calcsize(entry), len(rows), 3),
    )
    body = (ident + head).ljust(CODE_AT, b"\0") + CODE + table + names
    return body.ljust(headers, b"\0") + b"".join(struct.pack(entry, *row) for row in rows)


def alternatives(form: str, places: Sequence[tuple[int, int]]) -> bytes:
    """A table of entries in a struct format: offset of the code, of the other code, something, a length, and more."""
    table = b""
    for start, length in places:
        values: list[int] = [start - TABLE_AT - len(table), 0, 7, length]
        table += struct.pack(form, *values, *([0] * (len(struct.unpack(form, bytes(struct.calcsize(form)))) - 4)))
    return table


PLACES = ((CODE_AT + 3, 5), (CODE_AT + 40, 9))


@pytest.mark.parametrize(
    ("machine", "section", "form"),
    [
        (X86_64, ".altinstructions", "<iiIBB"),
        (X86_64, ".altinstructions", "<iiHBB"),
        (AARCH64, ".altinstructions", "<iiHBB"),
        (RISCV, ".alternative", "<iiHHI"),
        (S390, ".altinstructions", ">iiIB"),
    ],
)
def test_the_instructions_that_a_table_lists_are_found(machine: int, section: str, form: str) -> None:
    image = image_with(section, alternatives(form, PLACES), machine, big=form[0] == ">")
    assert patched_places(image) == tuple(PatchedPlace(start, start + length, section) for start, length in PLACES)


@pytest.mark.parametrize(("machine", "wide", "form"), [(PPC, False, ">IIiiii"), (PPC64, True, ">QQqqqq")])
def test_the_fixups_of_powerpc_are_found(machine: int, wide: bool, form: str) -> None:
    first = struct.pack(form, 1, 2, CODE_AT - TABLE_AT, CODE_AT + 8 - TABLE_AT, 0, 0)
    image = image_with("__ftr_fixup", first, machine, wide=wide, big=True)
    assert patched_places(image) == (PatchedPlace(CODE_AT, CODE_AT + 8, "__ftr_fixup"),)
    offset = struct.pack(">q" if wide else ">i", CODE_AT + 16 - TABLE_AT)
    image = image_with("__lwsync_fixup", offset, machine, wide=wide, big=True)
    assert patched_places(image) == (PatchedPlace(CODE_AT + 16, CODE_AT + 20, "__lwsync_fixup"),)


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"no ELF file",
        image_with(".altinstructions", b"1234567", X86_64),
        image_with(".altinstructions", struct.pack("<iiIBB", -(1 << 30), 0, 0, 4, 4), X86_64),
        image_with(".altinstructions", alternatives("<iiIBB", PLACES), X86_64)[:-40],
        build_image(ImageSpec((Symbol("f"),))).data,
    ],
)
def test_a_table_that_makes_no_sense_lists_nothing(image: bytes) -> None:
    assert patched_places(image) == ()


CARRIED = image_with(".altinstructions", alternatives("<iiIBB", PLACES), X86_64)


def with_byte(image: bytes, at: int) -> bytes:
    return image[:at] + bytes([image[at] ^ 0xFF]) + image[at + 1 :]


def judged(mapped: bytes | None, *carried: bytes) -> tuple[Verdict, str]:
    seen = AbiCapture("x86-64", "little", "complete", image=mapped, carried=carried)
    (finding,) = judge_carried(seen)
    assert finding.rule == "MAP-CARRIED"
    return finding.verdict, finding.reason


def test_the_image_as_it_is_carried_passes_with_the_rest_of_its_page() -> None:
    assert judged(CARRIED.ljust(4096, b"\0"), CARRIED) == (
        Verdict.PASS,
        "it is the image in the kernel's file, byte for byte",
    )


def test_a_patched_instruction_is_explained_by_its_table() -> None:
    mapped = with_byte(with_byte(CARRIED, CODE_AT + 3), CODE_AT + 7).ljust(4096, b"\0")
    assert judged(mapped, CARRIED) == (
        Verdict.PASS,
        "it is the image in the kernel's file but for 2 bytes: instructions that its .altinstructions lists",
    )


@pytest.mark.parametrize("at", [CODE_AT + 2, CODE_AT + 8])
def test_a_byte_that_no_table_lists_is_to_review(at: int) -> None:
    verdict, reason = judged(with_byte(CARRIED.ljust(4096, b"\0"), at), CARRIED)
    assert verdict is Verdict.REVIEW
    assert reason == (
        f"it differs from the image in the kernel's file in 1 bytes that nothing explains, the first at {at:#x}"
    )


def test_what_is_behind_the_image_is_to_review_as_such() -> None:
    mapped = with_byte(with_byte(CARRIED.ljust(4096, b"\0"), 4000), 4002)
    seen = AbiCapture("x86-64", "little", "complete", image=mapped, carried=(CARRIED,))
    (finding,) = judge_carried(seen)
    assert (finding.verdict, finding.subject) == (Verdict.REVIEW, "behind the image")
    assert finding.reason == (
        f"2 bytes are not 0, the first at 0xfa0; the image in the kernel's file ends at {len(CARRIED):#x}"
    )


def test_a_mapping_that_is_shorter_than_the_image_is_to_review() -> None:
    assert judged(CARRIED[:-5], CARRIED)[0] is Verdict.REVIEW


def test_one_of_several_images_is_enough() -> None:
    other = image_with(".text2", bytes(200), X86_64)
    assert judged(CARRIED, other, CARRIED) == (
        Verdict.PASS,
        "it is one of the 2 images in the kernel's file, byte for byte",
    )


def test_an_image_that_the_file_does_not_carry_is_to_review() -> None:
    assert judged(CARRIED) == (Verdict.REVIEW, "the kernel's file carries no image of this ABI")


def test_nothing_is_said_where_nobody_looked_or_nothing_is_mapped() -> None:
    seen = AbiCapture("x86-64", "little", "complete", image=CARRIED)
    assert list(judge_carried(seen)) == []
    assert list(judge_carried(replace(seen, image=None, carried=(CARRIED,)))) == []


def test_names_that_arm_blanks_are_explained() -> None:
    symbols = (Symbol("__vdso_gettimeofday", "LINUX_2.6"), Symbol("__vdso_clock_gettime", "LINUX_2.6"))
    spec = ImageSpec(symbols, versions=(("LINUX_2.6", ()),), machine=40, elf_class=32)
    carried = build_image(spec).data
    image = read_vdso_image(carried)
    table = next(value for tag, value in image.dynamic if tag == "DT_SYMTAB")
    index = 1 + [one.name for one in image.symbols].index("__vdso_clock_gettime")
    mapped = carried[: table + 16 * index] + bytes(4) + carried[table + 16 * index + 4 :]
    assert mapped != carried
    verdict, reason = judged(mapped, carried)
    assert verdict is Verdict.PASS
    assert reason.endswith("names that arm takes away at boot where the counter is of no use")
    assert judged(with_byte(mapped, table + 16 * index + 5), carried)[0] is Verdict.REVIEW
