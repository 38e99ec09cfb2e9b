"""From any SOURCE to images: where they are from, and what is known of their kernel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_catalog import small_catalog
from small_images import CLOCK, SIGRETURN, i386_capture, i386_image, notes, write_vmlinux

from vdsocat.cache import Cache
from vdsocat.capture import Capture, capture_to_json
from vdsocat.elf.image import ImageError
from vdsocat.errors import InputError
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings
from vdsocat.images import captures_of, images_in, images_of
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.table import DebianRequest
from vdsocat.sources import SourceSettings

CATALOG = small_catalog()
IMAGE = i386_image(notes=notes("6.1.9"))
REQUESTS = [DebianRequest(name, ("bookworm",), "i386", "686") for name in ("one", "two")]


@pytest.fixture
def settings(tmp_path: Path) -> SourceSettings:
    """Settings whose only set of kernels is of two that carry different images."""

    def ensure(request: object, progress: object) -> KernelFiles:
        symbols = (CLOCK, SIGRETURN) if request is REQUESTS[1] else None
        image = i386_image(symbols) if symbols else IMAGE
        return KernelFiles(
            source="debian:bookworm/i386/686",
            image=write_vmlinux(tmp_path / "vmlinuz", images=(image,)),
            config=None,
            package="linux-image-686",
            version="6.1.9-1",
            architecture="i386",
            flavour="686",
            suite="bookworm",
            sha256="1" * 64,
            release="6.1.0-50-686",
        )

    boot = BootSettings((), Cache(tmp_path / "cache"), qemu_finder())
    return SourceSettings(boot, CATALOG, lambda source: REQUESTS, ensure, tmp_path / "logs")


def write_capture(path: Path, capture: Capture) -> str:
    path.write_text(json.dumps(capture_to_json(capture)))
    return str(path)


def test_a_kernels_images_come_with_its_release_configuration_and_mode(
    tmp_path: Path, settings: SourceSettings
) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", images=(IMAGE,))
    (tmp_path / ".config").write_text("CONFIG_A=y\n")
    (seen,) = images_of(str(kernel), settings)
    assert (seen.abi, seen.mode, seen.endianness, seen.how) == ("i386", "native", "little", "static")
    assert (seen.release, seen.config, seen.data) == ("6.1.0-50-686", {"CONFIG_A": "y"}, IMAGE)
    assert seen.image.soname == "linux-gate.so.1"
    assert seen.provenance.kernel_path == str(kernel)


def test_a_captures_images_are_the_mapped_ones(tmp_path: Path, settings: SourceSettings) -> None:
    (seen,) = images_of(write_capture(tmp_path / "capture.json", i386_capture(IMAGE)), settings)
    assert (seen.how, seen.mode, seen.data) == ("mapped", "native", IMAGE)
    assert seen.config == {"CONFIG_X86_32": "y"}


def test_a_lone_image_has_its_notes_release_and_no_mode(tmp_path: Path, settings: SourceSettings) -> None:
    (tmp_path / "vdso32.so").write_bytes(IMAGE)
    (seen,) = images_of(str(tmp_path / "vdso32.so"), settings)
    assert (seen.abi, seen.mode, seen.release, seen.config) == ("i386", "unknown", "6.1.9", None)


def test_an_emulators_image_has_the_emulators_version(settings: SourceSettings) -> None:
    capture = i386_capture(IMAGE)
    emulated = replace(capture.provenance, provider="qemu-user", provider_version="9.1.0", kernel_arch=None)
    (seen,) = images_in(replace(capture, provenance=emulated), CATALOG)
    assert (seen.release, seen.mode) == ("9.1.0", "native")


def test_several_kernels_give_the_images_of_each(settings: SourceSettings) -> None:
    told: list[str] = []
    images = images_of("set:both", settings, told.append)
    assert [(one.provenance.source, len(one.image.exports)) for one in images] == [("one", 3), ("two", 2)]
    assert told == ["reading one", "reading two"]


def test_a_kernel_without_images_gives_none_but_a_capture(tmp_path: Path, settings: SourceSettings) -> None:
    kernel = str(write_vmlinux(tmp_path / "vmlinux"))
    assert images_of(kernel, settings) == ()
    (capture,) = captures_of(kernel, settings)
    assert [(one.abi, one.image) for one in capture.abis] == [("i386", None)]


def test_a_damaged_image_of_a_capture_is_one_sentence(tmp_path: Path, settings: SourceSettings) -> None:
    path = write_capture(tmp_path / "capture.json", i386_capture(IMAGE[:100]))
    with pytest.raises(ImageError, match=r"the i386 image of test-kernel is truncated"):
        images_of(path, settings)


def test_an_abi_that_the_catalogue_has_not_is_one_sentence(tmp_path: Path, settings: SourceSettings) -> None:
    capture = i386_capture(IMAGE)
    strange = replace(capture, abis=(replace(capture.abis[0], abi="i387"),))
    with pytest.raises(InputError, match="There is no ABI 'i387'"):
        images_of(write_capture(tmp_path / "capture.json", strange), settings)
