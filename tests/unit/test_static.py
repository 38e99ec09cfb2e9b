"""Finding vDSO images, the banner and the configuration in the bytes of an uncompressed kernel."""

from __future__ import annotations

import gzip
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pytest
from elf_builder import ImageSpec, Symbol, build_image
from hypothesis import given
from hypothesis import strategies as st
from small_images import GETCPU, i386_image

from vdsocat.kernels.static import (
    _WINDOW,
    KernelBanner,
    elf_file_size,
    find_banner,
    find_config,
    is_vdso_image,
    locate_vdso_images,
    read_contents,
)

VERSIONS = (("LINUX_2.6", ()),)
CODE = b"\x90" * 777


def image(**more: object) -> bytes:
    values: dict[str, object] = {"symbols": (GETCPU,), "versions": VERSIONS, "section_headers": True} | more
    return build_image(ImageSpec(**values)).data  # type: ignore[arg-type]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("elf_class", [32, 64])
@pytest.mark.parametrize("section_headers", [False, True])
def test_an_image_is_found_with_exactly_its_bytes(big: bool, elf_class: int, section_headers: bool) -> None:
    data = image(big=big, elf_class=elf_class, section_headers=section_headers)
    (found,) = locate_vdso_images(CODE + data + CODE)
    assert found.offset == len(CODE)
    assert found.data == data
    assert [one.versioned_name for one in found.image.exports] == ["__vdso_getcpu@@LINUX_2.6"]
    assert found.image.endianness == ("big" if big else "little")


def test_every_abi_is_found_in_the_order_of_the_kernel() -> None:
    native, compat = image(), image(elf_class=32, machine=3, soname="linux-gate.so.1")
    found = locate_vdso_images(CODE + native + CODE + compat)
    assert [(one.image.machine, one.image.soname) for one in found] == [
        ("EM_X86_64", "linux-vdso.so.1"),
        ("EM_386", "linux-gate.so.1"),
    ]


def test_alternatives_are_both_found_and_a_copy_is_not() -> None:
    plain, protected = image(), image(symbols=(GETCPU, Symbol("__vdso_time", "LINUX_2.6")))
    found = locate_vdso_images(plain + CODE + protected + CODE + plain)
    assert [one.data for one in found] == [plain, protected]


@pytest.mark.parametrize(
    "other",
    [
        image(soname="libother.so.1", versions=(("OTHER_1", ()),), symbols=(Symbol("f", "OTHER_1"),)),
        image(soname=None, versions=(), symbols=(Symbol("purgatory_start"),)),
        b"\x7fELF",
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(100),
        image()[:16] + b"\x02\x00" + image()[18:],
        image()[:300],
    ],
    ids=["a library", "purgatory", "a mark alone", "no program headers", "a program", "cut short"],
)
def test_other_elf_files_are_no_vdso(other: bytes) -> None:
    assert locate_vdso_images(CODE + other) == ()
    assert not is_vdso_image(other)


@pytest.mark.parametrize(
    "more",
    [{"soname": "linux-vdso64.so.1"}, {"soname": "linux-gate.so.1"}, {"soname": "renamed.so"}, {"soname": None}],
    ids=str,
)
def test_a_vdso_is_told_by_its_soname_or_by_its_version_node(more: dict[str, object]) -> None:
    assert is_vdso_image(image(**more))


def test_a_size_beyond_the_file_is_that_of_the_segments() -> None:
    data = image()
    stripped = data[: elf_file_size(image(section_headers=False), "little")]
    assert len(stripped) < len(data)
    assert elf_file_size(stripped, "little") == len(stripped)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_nothing_in_a_kernel_makes_the_search_fail(before: bytes, after: bytes) -> None:
    for found in locate_vdso_images(before + b"\x7fELF" + after):
        assert found.image.elf_type == "ET_DYN"


DEBIAN = b"Linux version 6.1.0-50-amd64 (a@b) (gcc-12 12.2, GNU ld 2.40) #1 SMP Debian 6.1.176-1 (2026-07-02)\n\0"


@pytest.mark.parametrize(
    ("text", "banner"),
    [
        (DEBIAN, KernelBanner("6.1.0-50-amd64", "#1 SMP Debian 6.1.176-1 (2026-07-02)")),
        (b"Linux version 7.3.4 (me@here) (clang (with) parentheses) #12\n", KernelBanner("7.3.4", "#12")),
        (b"Linux version 7.3.4 (me@here) (gcc)\n", KernelBanner("7.3.4", None)),
        (
            b"Linux version 9.9.9 (fixed)\n\0" + DEBIAN,
            KernelBanner("6.1.0-50-amd64", "#1 SMP Debian 6.1.176-1 (2026-07-02)"),
        ),
        (b"%s version %s (a@b) (gcc) %s\n", None),
        (b"", None),
    ],
)
def test_the_banner_tells_release_and_version(text: bytes, banner: KernelBanner | None) -> None:
    assert find_banner(CODE + text + CODE) == banner


def test_the_configuration_that_a_kernel_carries_is_read() -> None:
    packed = gzip.compress(b"CONFIG_IKCONFIG=y\n")
    assert find_config(CODE + b"IKCFG_ST" + packed + b"IKCFG_ED" + CODE) == "CONFIG_IKCONFIG=y\n"


@pytest.mark.parametrize("kernel", [CODE, CODE + b"IKCFG_ST" + b"no gzip", b"IKCFG_ST"])
def test_a_kernel_without_a_readable_configuration_has_none(kernel: bytes) -> None:
    assert find_config(kernel) is None


def test_a_small_catalogue_image_is_found() -> None:
    (found,) = locate_vdso_images(i386_image())
    assert len(found.image.exports) == 3


@pytest.mark.parametrize("before", [_WINDOW - 2, _WINDOW - 30, _WINDOW, 2 * _WINDOW - 1, 3 * _WINDOW + 5])
def test_what_lies_across_two_windows_of_a_mapped_file_is_found(tmp_path: Path, before: int) -> None:
    image = i386_image()
    banner = b"Linux version 6.1.0-50-686 (a@b) (gcc) #1 SMP\n"
    path = tmp_path / "kernel"
    path.write_bytes(bytes(before) + image + bytes(_WINDOW - len(image) - 9) + banner + bytes(100))
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as kernel:
        contents = read_contents(kernel)
    assert [(one.offset, one.data) for one in contents.images] == [(before, image)]
    assert contents.banner == KernelBanner("6.1.0-50-686", "#1 SMP")
