"""Captures made without booting, and what the judge makes of them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from elf_builder import WEAK, FrameRow, ImageSpec, Symbol, build_image
from small_catalog import small_catalog, small_documents
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_image, notes, write_vmlinux

from vdsocat.capture import Capture, capture_from_json, capture_to_json
from vdsocat.catalog.files import assemble_catalog
from vdsocat.elf.image import read_vdso_image
from vdsocat.errors import InputError
from vdsocat.guest.run import KernelUnderTest
from vdsocat.image_abi import abi_of_image
from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.static_capture import capture_image_file, capture_kernel

CATALOG = small_catalog()
AMD64_IMAGE = build_image(
    ImageSpec(
        symbols=(CLOCK, Symbol("clock_gettime", "LINUX_2.6", binding=WEAK), GETCPU),
        versions=(("LINUX_2.6", ()),),
        notes=notes(),
        unwind=(FrameRow(CLOCK.value, CLOCK.value + CLOCK.size), FrameRow(GETCPU.value, GETCPU.value + GETCPU.size)),
    )
).data


def captured(path: Path, config: str | None = "CONFIG_IA32_EMULATION=y\n") -> Capture:
    file = path.with_name("config")
    if config is not None:
        file.write_text(config)
    return capture_kernel(KernelUnderTest("a-kernel", path, file if config is not None else None), CATALOG)


def rows(capture: Capture) -> dict[str, tuple[str, set[str]]]:
    """Verdict and rules by ABI."""
    judgement = judge_capture(capture, CATALOG)
    return {one.abi: (str(one.verdict), {finding.rule for finding in one.findings}) for one in judgement.abis}


def test_every_abi_of_the_kernel_is_captured_native_first(tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_X86_64", "6.1.0-50-amd64", (i386_image(), AMD64_IMAGE))
    capture = captured(kernel)
    assert [(one.abi, one.outcome, one.image) for one in capture.abis] == [
        ("x86-64", "static", AMD64_IMAGE),
        ("i386", "static", i386_image()),
    ]
    assert (capture.provenance.kernel_arch, capture.provenance.kernel_bits) == ("x86", 64)
    assert capture.release == "6.1.0-50-amd64"
    assert rows(capture)["x86-64"][0] == rows(capture)["i386"][0] == "pass"


def test_a_static_capture_survives_json(tmp_path: Path) -> None:
    capture = captured(write_vmlinux(tmp_path / "vmlinux", images=(i386_image(),)))
    assert capture_from_json(capture_to_json(capture), "it") == capture


def test_rules_that_need_a_boot_say_nothing(tmp_path: Path) -> None:
    capture = captured(write_vmlinux(tmp_path / "vmlinux", images=(i386_image(),)))
    _, ruled = rows(capture)["i386"]
    assert not ruled & {"ABI-RUNS", "CALL-MADE", "CALL-RETURN", "CALL-VALUE", "AREA-PRESENT"}
    assert {"VDSO-PRESENT", "SYM-PRESENT", "ELF-IDENTITY", "ELF-SONAME"} <= ruled


def test_an_image_that_is_not_carried_although_it_must_be_fails(tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_X86_64", images=(AMD64_IMAGE,))
    (finding,) = next(one for one in judge_capture(captured(kernel), CATALOG).abis if one.abi == "i386").findings
    assert (finding.rule, finding.verdict) == ("VDSO-PRESENT", Verdict.FAIL)
    assert finding.reason.startswith("none is carried; ")


def test_an_abi_that_the_configuration_leaves_out_is_expected_absent(tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_X86_64", images=(AMD64_IMAGE,))
    capture = captured(kernel, "# CONFIG_IA32_EMULATION is not set\n")
    (finding,) = next(one for one in judge_capture(capture, CATALOG).abis if one.abi == "i386").findings
    assert (finding.rule, finding.verdict) == ("ABI-RUNS", Verdict.EXPECTED_ABSENT)
    assert "CONFIG_IA32_EMULATION=n" in finding.reason


def test_an_image_for_an_abi_that_the_kernel_does_not_run_is_to_review(tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_X86_64", images=(AMD64_IMAGE, i386_image()))
    assert rows(captured(kernel, "# CONFIG_IA32_EMULATION is not set\n"))["i386"][0] == "review"


def test_a_missing_symbol_fails_and_a_new_one_is_to_review(tmp_path: Path) -> None:
    one_less = write_vmlinux(tmp_path / "less", images=(i386_image((CLOCK, SIGRETURN)),))
    one_more = write_vmlinux(tmp_path / "more", images=(i386_image((*I386_SYMBOLS, Symbol("__vdso_x", "LINUX_2.6"))),))
    assert rows(captured(one_less, None))["i386"][0] == "fail"
    assert rows(captured(one_more, None))["i386"][0] == "review"


def test_alternatives_of_one_abi_are_two_rows(tmp_path: Path) -> None:
    twins = (i386_image(), i386_image(entry=64))
    capture = captured(write_vmlinux(tmp_path / "vmlinux", images=twins))
    assert [one.image for one in capture.abis] == list(twins)
    assert [one.abi for one in judge_capture(capture, CATALOG).abis] == ["i386", "i386"]


def test_the_configuration_inside_the_kernel_is_used_where_none_is_given(tmp_path: Path) -> None:
    carried = b"IKCFG_ST" + gzip.compress(b"CONFIG_VDSO_GETRANDOM=y\n") + b"IKCFG_ED"
    kernel = write_vmlinux(tmp_path / "vmlinux", images=(i386_image(), carried))
    assert captured(kernel, None).config == "CONFIG_VDSO_GETRANDOM=y\n"
    assert rows(captured(kernel, None))["i386"][0] == "fail"
    assert captured(kernel, "CONFIG_OTHER=y\n").config == "CONFIG_OTHER=y\n"


def test_a_kernel_that_does_not_say_its_release_cannot_be_judged(tmp_path: Path) -> None:
    body = bytearray(0x200) + gzip.compress(bytes(1 << 17))
    body[0x24:0x34] = struct.pack("<III", 0x016F2818, 0, len(body)) + b"\1\2\3\4"
    (tmp_path / "zImage").write_bytes(body)
    with pytest.raises(InputError, match=r'a-kernel: the kernel has no "Linux version" text'):
        captured(tmp_path / "zImage")


def test_an_image_of_no_abi_of_the_catalogue_is_one_sentence(tmp_path: Path) -> None:
    foreign = build_image(ImageSpec(symbols=(GETCPU,), versions=(("LINUX_2.6", ()),), machine=183)).data
    with pytest.raises(InputError, match="holds a vDSO for 64-bit little-endian EM_AARCH64, which is no ABI"):
        captured(write_vmlinux(tmp_path / "vmlinux", images=(foreign,)))


def test_n32_and_o32_are_told_apart_by_a_flag() -> None:
    documents = small_documents()
    for name in ("mips-n32", "mips-o32"):
        documents[f"abis/{name}.yaml"] = documents["abis/i386.yaml"] | {
            "abi": name,
            "aliases": [],
            "elf": {"machine": "EM_MIPS", "class": 32, "endianness": ["little", "big"]},
        }
    catalog = assemble_catalog(documents)
    for flags, name in ((0x80000027, "mips-n32"), (0x70001007, "mips-o32")):
        spec = ImageSpec(symbols=(GETCPU,), versions=(("LINUX_2.6", ()),), elf_class=32, machine=8, flags=flags)
        abi = abi_of_image(read_vdso_image(build_image(spec).data), catalog)
        assert abi is not None
        assert abi.name == name


def test_an_image_file_has_its_release_from_its_note_and_no_mode(tmp_path: Path) -> None:
    path = tmp_path / "vdso32.so"
    path.write_bytes(i386_image(notes=notes("6.1.5")))
    capture = capture_image_file(path, CATALOG)
    judgement = judge_capture(capture, CATALOG)
    assert judgement.release == "6.1.5"
    (row,) = judgement.abis
    assert (row.abi, row.mode) == ("i386", "unknown")
    undecided = [one.subject for one in row.findings if one.verdict is Verdict.UNKNOWN]
    assert undecided == ["__vdso_getrandom"]  # the configuration decides it
    assert row.verdict is Verdict.UNKNOWN


def test_an_image_file_without_a_note_cannot_be_judged_by_release(tmp_path: Path) -> None:
    path = tmp_path / "vdso32.so"
    path.write_bytes(i386_image(notes=()))
    with pytest.raises(InputError, match=r"vdso32\.so: does not say of which release; its build tree does\."):
        judge_capture(capture_image_file(path, CATALOG), CATALOG)


def test_an_image_file_that_is_cut_within_its_section_headers_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "vdso32.so"
    whole = i386_image(section_headers=True)
    path.write_bytes(whole)
    assert capture_image_file(path, CATALOG).abis[0].image == whole
    path.write_bytes(whole[:-10])
    with pytest.raises(InputError, match=rf"is truncated: its section headers end at byte {len(whole)}, but"):
        capture_image_file(path, CATALOG)
