"""Captures made without booting: what a kernel file, or a lone vDSO image, carries for each ABI."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

from vdsocat import __version__
from vdsocat.capture import AbiCapture, Capture, Provenance
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.elf.image import VdsoImage, read_vdso_image
from vdsocat.errors import InputError, RunError
from vdsocat.guest.run import KernelUnderTest
from vdsocat.kernels.image import KernelImage, identify_kernel, unpack_kernel
from vdsocat.kernels.static import find_banner, find_config, locate_vdso_images

STATIC = "static"
_EF_MIPS_ABI2 = 0x20  # arch/mips/include/asm/elf.h: set in n32's ELF files, not in o32's


def capture_kernel(kernel: KernelUnderTest, catalog: Catalog) -> Capture:
    """What the kernel carries: one record for each image, and one without image for each other ABI that it runs.

    InputError when the file is no kernel or cannot be unpacked, RunError when it does not say its release.
    """
    image = identify_kernel(kernel.image)
    with tempfile.TemporaryDirectory(prefix="vdsocat-") as directory:
        unpacked = unpack_kernel(image, Path(directory))
        with unpacked.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            banner = find_banner(data)
            config = kernel.config.read_text("utf-8", "replace") if kernel.config else find_config(data)
            images = [(carried.data, carried.image) for carried in locate_vdso_images(data)]
    if banner is None:
        raise RunError(f'{kernel.source}: the kernel has no "Linux version" text, so its release is not known.')
    uname = {"sysname": "Linux", "release": banner.release} | ({"version": banner.version} if banner.version else {})
    carried = tuple(
        _carried(abi_of_image(one, catalog, image), one, data, uname, kernel.source) for data, one in images
    )
    return Capture(
        provenance=_provenance(kernel, image, config),
        abis=_with_absent(carried, image, catalog, uname),
        config=config,
    )


def capture_image_file(path: Path, catalog: Catalog) -> Capture:
    """A vDSO image in a file of its own (.so): how a kernel runs its ABI is then not known.

    InputError when it is no vDSO image, or none of an ABI of the catalogue. The release is that of its Linux note.
    """
    data = _read(path)
    image = read_vdso_image(data, subject=str(path))
    release = image.linux_release
    uname = {"sysname": "Linux"} | ({"release": str(release)} if release else {})
    return Capture(
        provenance=Provenance(
            source=str(path),
            date=_now(),
            provider="linux",
            vdsocat=__version__,
            kernel_path=str(path),
            kernel_sha256=hashlib.sha256(data).hexdigest(),
        ),
        abis=(_carried(abi_of_image(image, catalog), image, data, uname, str(path)),),
    )


def abi_of_image(image: VdsoImage, catalog: Catalog, kernel: KernelImage | None = None) -> Abi | None:
    """The ABI whose image it is, by its ELF header and the kernel that carries it; None when no ABI fits."""
    fitting = [
        abi
        for abi in catalog.sorted_abis()
        if (abi.elf.machine, abi.elf.elf_class) == (image.machine, image.elf_class)
        and image.endianness in abi.elf.endianness
    ]
    if kernel is not None:
        fitting = [abi for abi in fitting if abi.hosts_on(kernel.arch, kernel.bits)] or fitting
    if image.machine == "EM_MIPS" and image.elf_class == 32:
        is_n32 = bool(image.flags & _EF_MIPS_ABI2)
        fitting = [abi for abi in fitting if (abi.name == "mips-n32") == is_n32]
    # User Mode Linux's images have the headers of real machines' images, of which there are more.
    fitting.sort(key=lambda abi: all(host.kernel == "um" for host in abi.hosts))
    return fitting[0] if fitting else None


def _carried(abi: Abi | None, image: VdsoImage, data: bytes, uname: dict[str, str], source: str) -> AbiCapture:
    if abi is None:
        what = f"{image.elf_class}-bit {image.endianness}-endian {image.machine}"
        raise InputError(f"{source}: holds a vDSO for {what}, which is no ABI of the catalogue.")
    return AbiCapture(abi.name, image.endianness, STATIC, uname=uname, image=data)


def _with_absent(
    carried: tuple[AbiCapture, ...], image: KernelImage, catalog: Catalog, uname: dict[str, str]
) -> tuple[AbiCapture, ...]:
    """All records, natively run ABIs first, with those ABIs of such kernels that this one carries no image for."""
    there = {one.abi for one in carried}
    hosts = {abi.name: abi.hosts_on(image.arch, image.bits) for abi in catalog.abis.values()}
    absent = [
        AbiCapture(abi.name, image.endianness, STATIC, uname=uname)
        for abi in catalog.abis.values()
        if hosts[abi.name] and image.endianness in abi.elf.endianness and abi.name not in there
    ]
    return tuple(
        sorted([*carried, *absent], key=lambda one: (all(host.mode == "compat" for host in hosts[one.abi]), one.abi))
    )


def _provenance(kernel: KernelUnderTest, image: KernelImage, config: str | None) -> Provenance:
    with kernel.image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Provenance(
        source=kernel.source,
        date=_now(),
        provider="linux",
        vdsocat=__version__,
        kernel_arch=image.arch,
        kernel_bits=image.bits,
        kernel_path=str(kernel.image),
        kernel_sha256=digest,
        kernel_package=kernel.package,
        kernel_package_version=kernel.package_version,
        kernel_package_architecture=kernel.package_architecture,
        kernel_package_sha256=kernel.package_sha256,
        kernel_suite=kernel.suite,
        config_sha256=hashlib.sha256(config.encode()).hexdigest() if config is not None else None,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
