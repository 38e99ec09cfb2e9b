"""The structure rules against doctored images: each is caught by the rule meant for it, and by no other."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from elf_builder import ABSOLUTE, OBJECT, UNDEFINED, Image, ImageSpec, Symbol, build_image
from small_images import notes

from vdsocat.elf.image import read_vdso_image
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Verdict
from vdsocat.judging.structure import RULES, JudgedImage, judge_structure

AT = KernelRelease((6, 1))
CLOCK, TIME = Symbol("__vdso_clock_gettime", "LINUX_2.6"), Symbol("__vdso_time", "LINUX_2.6", value=0x810)
SPEC = ImageSpec((CLOCK, TIME), (("LINUX_2.6", ()),), notes=notes())


def caught(data: bytes, release: KernelRelease | None = AT) -> dict[str, str]:
    """Rule to reason of what fails."""
    judged = judge_structure(JudgedImage(read_vdso_image(data), release))
    return {finding.rule: finding.reason for finding in judged if finding.verdict is not Verdict.PASS}


@pytest.mark.parametrize("elf_class", [32, 64])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("styles", [("sysv",), ("gnu",), ("sysv", "gnu")])
def test_a_clean_image_trips_no_rule(elf_class: int, big: bool, styles: tuple[str, ...]) -> None:
    more = notes(order=">" if big else "<")
    assert caught(build_image(replace(SPEC, elf_class=elf_class, big=big, hash_styles=styles, notes=more)).data) == {}


@pytest.mark.parametrize(("osabi", "said"), [(3, {}), (0, {"ELF-OSABI": "EI_OSABI is 0, not 3"})])
def test_images_for_pa_risc_are_of_gnus_os_abi(osabi: int, said: dict[str, str]) -> None:
    parisc = replace(SPEC, machine=15, elf_class=32, big=True, notes=notes(order=">"))
    assert caught(build_image(parisc).patched(7, bytes([osabi]))) == said


def itanium(flags: tuple[int, ...] = (4, 1)) -> bytes:
    """An image as Itanium's gate.lds.S makes it: to read and to execute, without notes."""
    built = build_image(replace(SPEC, machine=50, notes=(), loads=len(flags)))
    data = built.data
    for number, value in enumerate(flags):
        place = built.places["phdr"] + 56 * number + 4
        data = data[:place] + struct.pack("<I", value) + data[place + 4 :]
    return data


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((4, 1), {}),
        ((5,), {"ELF-LOAD": "there are 1 PT_LOAD segments, not 2", "ELF-WRITABLE": "PT_LOAD is r-x, not r--"}),
        ((6, 1), {"ELF-WRITABLE": "PT_LOAD is rw-, not r--"}),
        ((4, 3), {"ELF-WRITABLE": "PT_LOAD is -wx, not --x"}),
    ],
)
def test_images_of_itanium_are_loaded_twice_and_have_no_notes(flags: tuple[int, ...], said: dict[str, str]) -> None:
    assert caught(itanium(flags)) == said


def patched(place: Callable[[Image], int], code: str, *values: int) -> Callable[[], bytes]:
    """The clean image with some values of it replaced."""

    def doctor() -> bytes:
        image = build_image(SPEC)
        return image.patched(place(image), struct.pack(f"<{code}", *values))

    return doctor


def load_header(field: int) -> Callable[[Image], int]:
    """Where a field of the first program header of a 64-bit image is."""
    return lambda image: image.places["phdr"] + field


def spec(**changes: object) -> Callable[[], bytes]:
    return lambda: build_image(replace(SPEC, **changes)).data  # type: ignore[arg-type]


def without_base_definition() -> bytes:
    image = build_image(SPEC)
    return image.patched(image.places["verdef"] + 2, struct.pack("<H", 0))


def lost_from_the_hash_table() -> bytes:
    """The only bucket of DT_HASH leads nowhere."""
    image = build_image(replace(SPEC, hash_styles=("sysv",)))
    return image.patched(image.places["hash"] + 8, struct.pack("<I", 0))


DOCTORED = [
    ("ELF-TYPE", patched(lambda image: 16, "H", 2), "ET_EXEC"),
    ("ELF-OSABI", patched(lambda image: 7, "B", 3), "EI_OSABI is 3"),
    ("ELF-LOAD", spec(loads=2), "2 PT_LOAD"),
    ("ELF-LOAD", patched(load_header(40), "Q", 0x4000), "bytes in memory"),
    ("ELF-WRITABLE", patched(load_header(4), "I", 7), "rwx"),
    ("ELF-RELOCATIONS", spec(relocations=24), "dynamic relocations"),
    ("ELF-UNDEFINED", spec(symbols=(CLOCK, TIME, Symbol("memcpy", section=UNDEFINED, value=0))), "memcpy"),
    ("ELF-HASH", lost_from_the_hash_table, "does not find __vdso_clock_gettime"),
    ("ELF-VERSIONS", spec(symbols=(CLOCK, replace(TIME, version=None))), "__vdso_time has no version"),
    ("ELF-VERSIONS", spec(symbols=(CLOCK, replace(TIME, hidden=True))), "not the default version: __vdso_time"),
    ("ELF-VERSIONS", without_base_definition, "is the base"),
    ("ELF-SYMBOL-PLACE", spec(symbols=(CLOCK, replace(TIME, value=0x4000))), "__vdso_time is at 0x4000"),
    ("ELF-SYMBOL-PLACE", spec(symbols=(CLOCK, replace(TIME, size=0x10000))), "outside of the executable segment"),
    ("ELF-LINUX-NOTE", spec(notes=notes("6.2")), "the note says 6.2"),
    ("ELF-LINUX-NOTE", spec(notes=notes()[1:]), 'no "Linux" note'),
    ("ELF-BUILD-ID", spec(notes=notes()[:1]), "no build ID"),
]


@pytest.mark.parametrize(
    ("rule", "doctor", "said"), DOCTORED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_doctored_image_is_caught_by_its_rule_alone(rule: str, doctor: Callable[[], bytes], said: str) -> None:
    failures = caught(doctor())
    assert set(failures) == {rule}
    assert said in failures[rule]


def test_without_versions_or_hash_tables_nothing_can_be_looked_up() -> None:
    bare = replace(SPEC, symbols=(replace(CLOCK, version=None),), versions=())
    assert "no version definitions" in caught(build_image(bare).data)["ELF-VERSIONS"]


def test_every_rule_is_broken_by_some_doctored_image() -> None:
    assert {rule for rule, _, _ in DOCTORED} == {rule.name for rule in RULES}


def test_data_may_be_outside_of_the_code_and_aliases_may_share_a_place() -> None:
    table = Symbol("__kernel_datapage", "LINUX_2.6", type=OBJECT, section=ABSOLUTE, value=0x9000)
    alias = Symbol("clock_gettime", "LINUX_2.6", binding=2)
    assert caught(build_image(replace(SPEC, symbols=(CLOCK, alias, table))).data) == {}


def test_the_last_number_of_the_note_stops_at_255() -> None:
    data = build_image(replace(SPEC, notes=notes("5.10.255"))).data
    assert caught(data, KernelRelease((5, 10, 262))) == {}
    assert "ELF-LINUX-NOTE" in caught(data, KernelRelease((5, 10, 254)))


def test_superh_alone_has_no_note() -> None:
    without = replace(SPEC, notes=notes()[1:], elf_class=32)
    assert caught(build_image(replace(without, machine=42)).data) == {}
    assert "ELF-LINUX-NOTE" in caught(build_image(replace(without, machine=3)).data)


def test_the_size_of_a_descriptor_is_not_that_of_its_symbol() -> None:
    large = replace(SPEC, symbols=(replace(CLOCK, size=0x10000), TIME))
    assert "ELF-SYMBOL-PLACE" in caught(build_image(large).data)
    assert "ELF-SYMBOL-PLACE" not in caught(build_image(replace(large, machine=15, big=True)).data)
    away = replace(large, machine=15, big=True, symbols=(replace(CLOCK, value=0x4000), TIME))
    assert "ELF-SYMBOL-PLACE" in caught(build_image(away).data)


def test_an_emulator_is_held_only_to_what_every_image_must_be() -> None:
    data = build_image(replace(SPEC, notes=())).data
    image = read_vdso_image(data)
    judged = {finding.rule for finding in judge_structure(JudgedImage(image, None))}
    assert judged == {rule.name for rule in RULES if not rule.linux_only}
    assert caught(data, None) == {}


def test_every_rule_has_a_page_with_its_parts() -> None:
    for rule in RULES:
        for part in ("Why:", "Source:", "Reproduce:"):
            assert part in rule.page, rule.name
