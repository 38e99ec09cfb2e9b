"""Whose image it is, where several ABIs have the same ELF header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from elf_builder import ImageSpec, Symbol, build_image
from small_catalog import small_catalog
from small_images import i386_image, notes

from vdsocat.catalog.files import load_catalog
from vdsocat.documents import data_directory
from vdsocat.elf.image import read_vdso_image
from vdsocat.image_abi import abi_of_image
from vdsocat.judging.judge import judge_capture
from vdsocat.static_capture import capture_image_file


def test_a_lone_image_is_a_real_machine_s_rather_than_user_mode_linux_s() -> None:
    catalog = small_catalog()
    i386 = catalog.abi("i386")
    guest = replace(i386, name="a-um-i386", hosts=(replace(i386.hosts[0], kernel="um"),))
    both = replace(catalog, abis={"a-um-i386": guest, **catalog.abis})
    image = read_vdso_image(i386_image())
    assert abi_of_image(image, both) == i386
    assert abi_of_image(image, replace(catalog, abis={"a-um-i386": guest})) == guest


@pytest.mark.parametrize(
    ("base", "release", "abi", "others"),
    [
        (0, "7.3", "x86-64", ()),
        (0xFFFFFFFFFF700000, "7.3", "um-x86-64", ()),
        (0xFFFFFFFFFF700000, "3.16", "um-x86-64", ()),
        (0xFFFFFFFFFF700000, "3.15", "x86-64", ("um-x86-64",)),
        (0xFFFFFFFFFF700000, None, "x86-64", ("um-x86-64",)),
    ],
)
def test_user_mode_linux_is_told_by_the_address_that_its_image_is_linked_to(
    base: int, release: str | None, abi: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    spec = ImageSpec(
        symbols=(Symbol("__vdso_time", "LINUX_2.6"),),
        versions=(("LINUX_2.6", ()),),
        base=base,
        notes=notes(release) if release else (),
    )
    (tmp_path / "vdso.so").write_bytes(build_image(spec).data)
    catalog = load_catalog(data_directory("catalog"))
    capture = capture_image_file(tmp_path / "vdso.so", catalog)
    assert [(one.abi, one.also_fits) for one in capture.abis] == [(abi, others)]
    if release and others:
        (row,) = judge_capture(capture, catalog).abis
        assert "ABI-RUNS x86-64: the image may as well be that of um-x86-64: nothing tells them apart" in [
            finding.sentence() for finding in row.findings
        ]
