"""Unwind tables: read from hand-made .eh_frame_hdr and .eh_frame, and judged by what they cover."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elf_builder import NOTYPE, FrameRow, ImageSpec, Symbol, build_image
from small_catalog import small_catalog

from vdsocat.elf.image import read_vdso_image
from vdsocat.elf.layout import ImageError
from vdsocat.elf.unwind import UnwindEntry, read_unwind_entries
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.unwinding import judge_unwinding

CLOCK = Symbol("__vdso_clock_gettime", "LINUX_2.6", value=0x800, size=16)
CPU = Symbol("__vdso_getcpu", "LINUX_2.6", value=0x820, size=8)
SPEC = ImageSpec((CLOCK, CPU), (("LINUX_2.6", ()),), unwind=(FrameRow(0x800, 0x810), FrameRow(0x820, 0x828, "zRS")))
NEW, OLD = KernelRelease((6, 1)), KernelRelease((4, 9))


def with_rows(*rows: FrameRow, spec: ImageSpec = SPEC) -> bytes:
    return build_image(replace(spec, unwind=rows)).data


@pytest.mark.parametrize("elf_class", [32, 64])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("base", [0, 0x10000])
def test_entries_are_read_from_the_search_table(elf_class: int, big: bool, base: int) -> None:
    spec = replace(SPEC, elf_class=elf_class, big=big, base=base)
    assert read_unwind_entries(build_image(spec).data) == (
        UnwindEntry(0x800, 0x810, 0x800, signal_frame=False),
        UnwindEntry(0x820, 0x828, 0x820, signal_frame=True),
    )


def test_an_image_without_a_table_has_none() -> None:
    assert read_unwind_entries(with_rows()) is None


def doctored(at: int, replacement: bytes) -> bytes:
    """The image with some bytes behind the start of its .eh_frame_hdr replaced."""
    image = build_image(SPEC)
    return image.patched(image.places["eh_frame_hdr"] + at, replacement)


@pytest.mark.parametrize(
    ("at", "replacement", "words"),
    [
        (0, b"\2", "version 2"),
        (8, b"\xff\xff\0\0", "announces 65535 entries"),
        (16, b"\xff\xff\xff\x7f", "which no loaded segment holds"),
        (3, b"\x4b", "encoding 0x4b"),
        (12 + 16 + 4 + 4, b"\2", "no CIE"),
        (12 + 16 + 4 + 5, b"\xff\xff", "printable"),
        (12 + 16 + 4 + 5, b"zQ", "augmentation 'zQ'"),
    ],
)
def test_a_damaged_table_is_told_in_one_sentence(at: int, replacement: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_unwind_entries(doctored(at, replacement))


def judge(data: bytes, release: KernelRelease | None = NEW) -> Finding:
    finding = judge_unwinding(data, read_vdso_image(data), small_catalog().abi("x86-64"), release)
    assert finding.rule == "ELF-UNWIND"
    return finding


@pytest.mark.parametrize("release", [NEW, OLD, None])
def test_a_table_that_covers_everything_passes(release: KernelRelease | None) -> None:
    assert judge(build_image(SPEC).data, release).verdict is Verdict.PASS


CLOCK_ROW, CPU_ROW = SPEC.unwind


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((CLOCK_ROW,), "nothing describes __vdso_getcpu"),
        ((FrameRow(0x804, 0x810), CPU_ROW), "the first 4 bytes of __vdso_clock_gettime"),
        ((CPU_ROW, CLOCK_ROW), "not in order"),
        ((CLOCK_ROW, replace(CPU_ROW, listed=0x824)), "has 0x824 for an entry that begins at 0x820"),
        ((CLOCK_ROW, CPU_ROW, FrameRow(0x5000, 0x5010)), "outside of the executable segment"),
    ],
)
def test_each_fault_is_told(rows: tuple[FrameRow, ...], words: str) -> None:
    finding = judge(with_rows(*rows))
    assert finding.verdict is Verdict.FAIL
    assert words in finding.reason


def test_a_branch_target_before_the_first_row_is_none_of_the_functions_frame() -> None:
    data = with_rows(FrameRow(0x804, 0x810), CPU_ROW)
    assert judge(data[:0x800] + b"\xf3\x0f\x1e\xfa" + data[0x804:]).verdict is Verdict.PASS


def test_what_is_not_promised_may_be_missing() -> None:
    assert judge(with_rows(CLOCK_ROW), OLD).verdict is Verdict.PASS
    assert judge(with_rows(), OLD).verdict is Verdict.EXPECTED_ABSENT
    assert judge(with_rows(), None).verdict is Verdict.EXPECTED_ABSENT


def test_what_is_promised_may_not() -> None:
    assert judge(with_rows(), NEW).verdict is Verdict.FAIL


def test_a_damaged_table_fails() -> None:
    finding = judge(doctored(0, b"\2"))
    assert finding.verdict is Verdict.FAIL
    assert "version 2" in finding.reason


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ((CLOCK_ROW, CPU_ROW), Verdict.PASS),
        ((CLOCK_ROW, replace(CPU_ROW, start=0x81F)), Verdict.PASS),
        ((replace(CLOCK_ROW, end=0x820), CPU_ROW), Verdict.FAIL),
        ((CLOCK_ROW,), Verdict.PASS),
    ],
)
def test_the_byte_before_a_landing_pad_is_its_own_or_nobodys(rows: tuple[FrameRow, ...], verdict: Verdict) -> None:
    pad = Symbol("__kernel_rt_sigreturn", "LINUX_2.6", type=NOTYPE, value=0x820, size=8)
    data = with_rows(*rows, spec=replace(SPEC, symbols=(CLOCK, pad)))
    abi = small_catalog().abi("x86-64")
    entry = abi.exports[0]
    known = replace(entry, export=replace(entry.export, name=pad.name), function="rt_sigreturn")
    finding = judge_unwinding(data, read_vdso_image(data), replace(abi, exports=(*abi.exports, known)), OLD)
    assert finding.verdict is verdict
    assert ("belongs to another function" in finding.reason) is (verdict is Verdict.FAIL)


@pytest.mark.parametrize(
    ("rows", "release", "verdict", "words"),
    [
        ((CPU_ROW,), "7.2", Verdict.PASS, "as it must be"),
        ((CLOCK_ROW,), "7.2", Verdict.FAIL, "nothing describes __vdso_getcpu"),
        ((CLOCK_ROW,), "7.1", Verdict.PASS, "what it describes is sound"),
        ((), "7.2", Verdict.FAIL, "there is no search table"),
    ],
)
def test_riscv_promises_what_is_written_in_assembly(
    rows: tuple[FrameRow, ...], release: str, verdict: Verdict, words: str
) -> None:
    abi = small_catalog().abi("x86-64")
    entry = abi.exports[0]
    known = replace(entry, export=replace(entry.export, name=CPU.name), function="getcpu")
    riscv = replace(abi, name="riscv64", exports=(*abi.exports, known))
    data = with_rows(*rows)
    finding = judge_unwinding(data, read_vdso_image(data), riscv, KernelRelease.parse(release))
    assert finding.verdict is verdict
    assert words in finding.reason
