"""Whose image it is, where several ABIs have the same ELF header."""

from __future__ import annotations

from dataclasses import replace

from small_catalog import small_catalog
from small_images import i386_image

from vdsocat.elf.image import read_vdso_image
from vdsocat.static_capture import abi_of_image


def test_a_lone_image_is_a_real_machine_s_rather_than_user_mode_linux_s() -> None:
    catalog = small_catalog()
    i386 = catalog.abi("i386")
    guest = replace(i386, name="a-um-i386", hosts=(replace(i386.hosts[0], kernel="um"),))
    both = replace(catalog, abis={"a-um-i386": guest, **catalog.abis})
    image = read_vdso_image(i386_image())
    assert abi_of_image(image, both) == i386
    assert abi_of_image(image, replace(catalog, abis={"a-um-i386": guest})) == guest
