"""Build trees and directories of kernels: what is found in them, and the one sentence where nothing is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from small_images import i386_image, vmlinux

from vdsocat.errors import InputError
from vdsocat.kernels.build_tree import BuildTree, read_build_tree
from vdsocat.kernels.directory import kernels_in

CONFIG = """#
# Automatically generated file; DO NOT EDIT.
# Linux/{arch} 7.3.4 Kernel Configuration
#
CONFIG_64BIT=y
"""


def write_tree(root: Path, files: Mapping[str, bytes | str], arch: str = "x86") -> Path:
    """A tree with the files; those named first are the oldest."""
    for age, (name, content) in enumerate({".config": CONFIG.format(arch=arch), **files}.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    return root


def read(root: Path) -> BuildTree:
    tree = read_build_tree(root)
    assert tree is not None
    return tree


def test_a_finished_tree_says_what_it_is(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        {
            "include/config/kernel.release": "7.3.4-mine+\n",
            "arch/x86/entry/vdso/vdso64/vdso64.so.dbg": i386_image(),
            "arch/x86/entry/vdso/vdso64/vdso64.so": i386_image(),
            "arch/x86/entry/vdso/vdso32/vdso32.so.dbg": i386_image(),
            "arch/x86/um/vdso/vdso.so": i386_image(),
            "vmlinux": vmlinux(),
            "arch/x86/boot/bzImage": b"the newest",
        },
    )
    tree = read(root)
    assert (tree.arch, tree.bits, tree.release, tree.config) == ("x86", 64, "7.3.4-mine+", root / ".config")
    assert tree.image == root / "arch/x86/boot/bzImage"
    assert tree.choice() == f"{root}: taking arch/x86/boot/bzImage; vmlinux is there, too"
    assert {str(path.relative_to(root / "arch/x86/entry/vdso")) for path in tree.vdsos} == {
        "vdso64/vdso64.so",
        "vdso32/vdso32.so.dbg",
    }


def test_an_image_that_make_has_not_come_to_again_is_not_taken(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"arch/arm64/boot/Image": b"old", "vmlinux": b"new"}, "arm64")
    assert read(root).image == root / "vmlinux"
    assert read(root).choice() == f"{root}: taking vmlinux; arch/arm64/boot/Image is older than vmlinux"


@pytest.mark.parametrize(
    ("arch", "images", "taken"),
    [
        ("arm", ("vmlinux", "arch/arm/boot/Image", "arch/arm/boot/zImage"), "arch/arm/boot/zImage"),
        ("powerpc", ("vmlinux", "arch/powerpc/boot/zImage"), "vmlinux"),
        ("s390", ("vmlinux", "arch/s390/boot/bzImage"), "arch/s390/boot/bzImage"),
        ("sh", ("vmlinux", "arch/sh/boot/zImage"), "arch/sh/boot/zImage"),
        ("um", ("vmlinux", "linux"), "linux"),
        ("csky", ("vmlinux",), "vmlinux"),
    ],
)
def test_the_image_of_each_architecture_is_known(
    arch: str, images: tuple[str, ...], taken: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path, {name: name for name in images}, arch)
    assert read(root).image == root / taken


def test_a_tree_with_one_image_has_no_choice_to_tell(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"vmlinux": vmlinux()}, "riscv")
    assert read(root).choice() is None
    assert read(root).release == "7.3.4"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"Makefile": "", "arch/x86/Makefile": ""}, r"there is neither arch/x86/boot/bzImage nor vmlinux$"),
        (
            {"include/config/auto.conf": "", "arch/x86/entry/vdso/vdso64.so": i386_image()},
            r"nor vmlinux; its vDSO images are linked, and --static judges these$",
        ),
    ],
)
def test_an_unfinished_build_is_one_sentence(files: dict[str, bytes | str], sentence: str, tmp_path: Path) -> None:
    tree = read(write_tree(tmp_path, files))
    with pytest.raises(InputError, match=r"a build tree of Linux/x86 7.3.4 in which no kernel is built.*" + sentence):
        _ = tree.image


def test_a_source_tree_without_configuration_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "arch").mkdir()
    for name in ("Kconfig", "Makefile"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"is a kernel's source tree without \.config"):
        read_build_tree(tmp_path)


def test_a_configuration_that_does_not_say_its_architecture_leaves_vmlinux(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("CONFIG_X=y\n")
    (tmp_path / "vmlinux").write_bytes(vmlinux())
    tree = read(tmp_path)
    assert (tree.arch, tree.bits, tree.release, tree.image) == (None, 32, None, tmp_path / "vmlinux")


def test_a_directory_with_a_configuration_alone_is_no_tree(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("CONFIG_X=y\n")
    assert read_build_tree(tmp_path) is None


def test_the_kernels_of_a_directory_are_found_by_name_and_by_contents(tmp_path: Path) -> None:
    names = ("vmlinuz-6.1", "vmlinuz-damaged", "linux-image-6.1_amd64.deb", "kernel8.img", "deep/bzImage")
    others = ("config-6.1", "initrd.img-6.1", "notes.txt", "linux-headers-6.1.deb", "a/b/vmlinuz", ".vmlinuz.swp")
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "vmlinuz").symlink_to("vmlinuz-6.1")
    found = kernels_in(tmp_path, lambda path: path.name == "kernel8.img")
    assert {str(path.relative_to(tmp_path)) for path in found} == set(names)


def test_a_directory_without_a_kernel_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "readme").touch()
    with pytest.raises(InputError, match=r"a directory that holds no kernel \(1 files looked at\), and no build tree"):
        kernels_in(tmp_path, lambda path: False)
