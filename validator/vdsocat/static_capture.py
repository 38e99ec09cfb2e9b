"""Captures made without booting: what a kernel file, or a lone vDSO image, carries for each ABI."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vdsocat import __version__
from vdsocat.capture import AbiCapture, Capture, Provenance
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.elf.image import read_vdso_image
from vdsocat.errors import InputError
from vdsocat.guest.run import KernelUnderTest
from vdsocat.image_abi import abis_of_image
from vdsocat.kernels.build_tree import BuildTree
from vdsocat.kernels.image import KernelImage, identify_kernel, use_unpacked
from vdsocat.kernels.static import CarriedImage, is_vdso_image, read_contents, require_whole_file

STATIC = "static"


def capture_kernel(kernel: KernelUnderTest, catalog: Catalog) -> Capture:
    """What the kernel carries: one record for each image, and one without image for each other ABI that it runs.

    InputError when the file is no kernel, cannot be unpacked, does not say its release, or runs no ABI that is known.
    """
    image = identify_kernel(kernel.image)
    contents = use_unpacked(image, lambda data: read_contents(data, with_config=kernel.config is None))
    banner = contents.banner
    config = kernel.config.read_text("utf-8", "replace") if kernel.config else contents.config
    if banner is None:
        raise InputError(f'{kernel.source}: the kernel has no "Linux version" text, so its release is not known.')
    uname = {"sysname": "Linux", "release": banner.release} | ({"version": banner.version} if banner.version else {})
    carried = tuple(
        _carried(abis_of_image(one.image, catalog, image.arch, image.bits)[:1], one, uname, kernel.source)
        for one in contents.images
    )
    abis = _with_absent(carried, image, catalog, uname)
    if not abis:
        raise InputError(
            f"{kernel.source}: is a kernel for {image.arch} ({image.bits}-bit), which runs no ABI of the catalogue."
        )
    return Capture(provenance=_kernel_provenance(kernel, image, config), abis=abis, config=config)


def capture_image_file(path: Path, catalog: Catalog) -> Capture:
    """A vDSO image in a file of its own (.so): how a kernel runs its ABI is then not known.

    InputError when it is no vDSO image, or none of an ABI of the catalogue. The release is that of its Linux note.
    """
    data = _read(path)
    image = read_vdso_image(data, subject=str(path))
    require_whole_file(data, image.endianness, str(path))
    release = image.linux_release
    uname = {"sysname": "Linux"} | ({"release": str(release)} if release else {})
    abis = abis_of_image(image, catalog)
    return Capture(
        provenance=_provenance(str(path), path, hashlib.sha256(data).hexdigest()),
        abis=(_carried(abis, CarriedImage(0, data, image), uname, str(path)),),
    )


def capture_linked_images(tree: BuildTree, source: str, catalog: Catalog) -> Capture:
    """The vDSO images that are linked in a build tree whose kernel is not: what the kernel is going to carry.

    InputError when one of them cannot be read or is of no ABI of the catalogue.
    """
    uname = {"sysname": "Linux"} | ({"release": tree.release} if tree.release else {})
    files = [(path, _read(path)) for path in tree.vdsos]
    images = [
        CarriedImage(0, data, read_vdso_image(data, subject=str(path))) for path, data in files if is_vdso_image(data)
    ]
    if not images:
        raise InputError(f"{source}: none of the .so files of the build tree is a vDSO image.")
    config = tree.config.read_text("utf-8", "replace")
    digest = hashlib.sha256(b"".join(one.data for one in images)).hexdigest()
    provenance = _provenance(source, tree.root, digest)
    carried = [
        _carried(abis_of_image(one.image, catalog, tree.arch, tree.bits)[:1], one, uname, source) for one in images
    ]
    modes = {one.abi: catalog.abi(one.abi).mode_on(tree.arch, tree.bits) for one in carried}
    return Capture(
        provenance=replace(
            provenance,
            kernel_arch=tree.arch,
            kernel_bits=tree.bits,
            config_sha256=hashlib.sha256(config.encode()).hexdigest(),
        ),
        abis=tuple(sorted(carried, key=lambda one: (modes[one.abi] != "native", one.abi))),
        config=config,
    )


def _carried(abis: tuple[Abi, ...], carried: CarriedImage, uname: dict[str, str], source: str) -> AbiCapture:
    image = carried.image
    if not abis:
        what = f"{image.elf_class}-bit {image.endianness}-endian {image.machine}"
        raise InputError(f"{source}: holds a vDSO for {what}, which is no ABI of the catalogue.")
    others = tuple(abi.name for abi in abis[1:])
    return AbiCapture(abis[0].name, image.endianness, STATIC, uname=uname, image=carried.data, also_fits=others)


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


def _provenance(source: str, path: Path, digest: str) -> Provenance:
    return Provenance(
        source=source,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        provider="linux",
        vdsocat=__version__,
        kernel_path=str(path),
        kernel_sha256=digest,
    )


def _kernel_provenance(kernel: KernelUnderTest, image: KernelImage, config: str | None) -> Provenance:
    with kernel.image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return replace(
        _provenance(kernel.source, kernel.image, digest),
        kernel_arch=image.arch,
        kernel_bits=image.bits,
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
