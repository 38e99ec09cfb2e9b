"""The vDSO images that a booted kernel's file carries, put beside those that its processes saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from vdsocat.capture import AbiCapture, Capture
from vdsocat.errors import InputError
from vdsocat.kernels.image import KernelImage, unpack_kernel, use_unpacked
from vdsocat.kernels.static import KernelContents, read_contents


def capture_with_carried(boot: Callable[[], Capture], image: KernelImage, unpacked: Path) -> Capture:
    """The capture of a boot, with the images that the kernel's file carries: read while the guest runs.

    A configuration that the kernel carries itself is the capture's where it has none. `unpacked` is the directory where
    the kernel may lie unpacked already. A file that cannot be read through is no reason to lose the boot: then nothing
    is added.
    """
    with ThreadPoolExecutor(1, "carried") as pool:
        reading = pool.submit(_read, image, unpacked)
        capture = boot()
        contents = reading.result()
    if contents is None:
        return capture
    capture = replace(capture, abis=tuple(_with_images(abi, contents) for abi in capture.abis))
    if capture.config is not None or contents.config is None:
        return capture
    digest = hashlib.sha256(contents.config.encode()).hexdigest()
    return replace(capture, config=contents.config, provenance=replace(capture.provenance, config_sha256=digest))


def _read(image: KernelImage, unpacked: Path) -> KernelContents | None:
    try:
        # From a file, of which memory holds a part at a time: several kernels are read at once, with tens of MB each.
        unpack_kernel(image, unpacked)
        return use_unpacked(image, read_contents, unpacked)
    except InputError:
        return None


def _with_images(abi: AbiCapture, contents: KernelContents) -> AbiCapture:
    if abi.image is None:
        return abi
    wanted = _identity(abi.image)
    return replace(abi, carried=tuple(one.data for one in contents.images if _identity(one.data) == wanted))


def _identity(image: bytes) -> tuple[bytes, bytes, bytes]:
    """Class, byte order, machine and flags, by which the images of one kernel's ABIs differ (n32 from o32: e_flags)."""
    flags = image[0x30:0x34] if image[4] == 2 else image[0x24:0x28]
    return image[4:6], image[0x12:0x14], flags
