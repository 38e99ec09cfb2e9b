"""Kernel packages of Debian in both shapes: which are in a suite, and their kernel and configuration in the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vdsocat.cache import Cache
from vdsocat.errors import InputError
from vdsocat.kernels.deb_archive import PackageControl, read_control, read_deb
from vdsocat.kernels.debian import DebianArchive, Package
from vdsocat.kernels.download import VerificationError
from vdsocat.kernels.files import KernelFiles, read_record, write_record

# linux-image-6.1.0-50-4kc-malta, linux-image-6.1.0-50-amd64-unsigned, linux-binary-unsigned-7.3.4+deb13-amd64,
# linux-image-6.5.0-0.deb12.4-686-pae. A number after the version is Debian's ABI number, unless it is the flavour 686.
_NAME = re.compile(
    r"linux-(?:image|binary)(?P<unsigned>-unsigned)?-"
    r"\d+\.\d+[A-Za-z0-9.+~]*(?:-(?:(?!686\b)\d{1,3}|0\.[a-z][a-z0-9.]*|rc\d+))?-"
    r"(?P<flavour>[a-z0-9]+(?:-[a-z0-9]+)*?)(?<!-template)(?P<unsigned_suffix>-unsigned)?\Z"
)
_SPECIAL_FLAVOUR = re.compile(r"(cloud|rt)-")

# Where the packages hold the two files; the split packages (6.19 and later) moved from boot/ to the modules' directory.
_KERNEL_PATHS = (
    re.compile(r"boot/vmlinu[xz]-(?P<release>[^/]+)\Z"),
    re.compile(r"(?:usr/)?lib/modules/(?P<release>[^/]+)/vmlinu[xz]\Z"),
)
_CONFIG_PATHS = (
    re.compile(r"boot/config-(?P<release>[^/]+)\Z"),
    re.compile(r"(?:usr/)?lib/modules/(?P<release>[^/]+)/config\Z"),
)
_KERNEL_LIMIT = 1 << 30
_CONFIG_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True)
class _Found:
    """A file taken out of a package: where it is now, the kernel release in its name, and its path in the package."""

    path: Path
    release: str
    member: str


@dataclass(frozen=True, slots=True)
class KernelPackage:
    """A kernel that a suite offers: the package with its image, and the one with its configuration, if another."""

    suite: str
    architecture: str
    flavour: str
    signed: bool
    package: Package
    config_package: Package | None

    @property
    def source(self) -> str:
        """The SOURCE that names this kernel's kind exactly."""
        return f"debian:{self.suite}/{self.architecture}/{self.flavour}"

    @property
    def is_special(self) -> bool:
        """Whether it is a cloud or real-time kernel, which nobody means who names none."""
        return _SPECIAL_FLAVOUR.match(self.flavour) is not None

    @property
    def cache_parts(self) -> tuple[str, str]:
        """The name of its entry in the cache."""
        package = self.package
        return "kernels", f"{package.name}_{package.version}_{package.architecture}_{package.sha256[:12]}"

    @property
    def download_size(self) -> int:
        """Bytes to fetch for it."""
        return self.package.size + (self.config_package.size if self.config_package else 0)


def kernel_packages(packages: Sequence[Package], suite: str, architecture: str) -> tuple[KernelPackage, ...]:
    """The kernels among a suite's packages, newest version last, a signed one after its unsigned twin."""
    by_name = {(package.name, package.version): package for package in packages}
    found = []
    for package in packages:
        match = _NAME.match(package.name)
        # The linux-image-* beside a linux-binary-* is empty, as are those named after a series (linux-image-6.1-arm64).
        if match is None or any(name.startswith(("linux-binary-", "linux-image-")) for name in package.depends):
            continue
        config = next((name for name in package.depends if name.startswith("linux-base-")), "")
        found.append(
            KernelPackage(
                suite=suite,
                architecture=architecture,
                flavour=match["flavour"],
                signed=not (match["unsigned"] or match["unsigned_suffix"]),
                package=package,
                config_package=by_name.get((config, package.version)),
            )
        )
    return tuple(sorted(found, key=lambda one: (version_key(one.package.version), one.signed)))


def version_key(version: str) -> Any:
    """A key that orders versions of packages as dpkg does (deb-version(7)): 7.3~rc7-1 before 7.3.4-1~bpo13+1."""
    from debian.debian_support import NativeVersion

    return NativeVersion(version)


def is_of_release(version: str, release: str | None) -> bool:
    """Whether a package version is one of a kernel release: 6.1.176-1 is of "6.1" and "6", and not of "6.12"."""
    if release is None:
        return True
    wanted = [int(part) for part in release.split(".")]
    upstream = version.split(":", 1)[-1].rsplit("-", 1)[0]
    numbers = [int(part) for part in re.split(r"[.~+]", upstream) if part.isdecimal()]
    return numbers[: len(wanted)] == wanted


def flavours(kernels: Iterable[KernelPackage]) -> tuple[str, ...]:
    """The flavours of the kernels, the usual ones first."""
    return tuple(dict.fromkeys(one.flavour for one in sorted(kernels, key=lambda one: (one.is_special, one.flavour))))


def fetch_kernel(kernel: KernelPackage, archive: DebianArchive) -> KernelFiles:
    """The kernel's files, fetched into the archive's cache if they are not there.

    FetchError when the packages cannot be had, VerificationError when they are not what the index promises or hold
    no kernel.
    """
    package = kernel.package

    def make(directory: Path) -> None:
        files = _unpack(kernel, archive, directory)
        write_record(files, directory)

    directory = archive.cache.directory(
        *kernel.cache_parts,
        make=make, waiting=lambda: archive.progress(f"waiting for another run that fetches {package.name}"),
    )  # fmt: skip
    return replace(read_record(directory), source=kernel.source, suite=kernel.suite)


def unpack_package_file(path: Path, cache: Cache) -> KernelFiles:
    """The kernel in a .deb file, and its configuration if that is there too, unpacked into the cache.

    InputError when the file is no sound package, or holds no kernel.
    """
    try:
        control = read_control(path, str(path))
        name, version, architecture = (control.fields[key] for key in ("Package", "Version", "Architecture"))
    except VerificationError as error:  # of a file that the user named
        raise InputError(str(error)) from None
    except KeyError as error:
        raise InputError(f"{path} is no sound Debian package (it has no field {error}).") from None
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def make(directory: Path) -> None:
        found = _keep(path, str(path), directory, {"kernel": _KERNEL_PATHS, "config": _CONFIG_PATHS})
        if "kernel" not in found:
            raise VerificationError(f"The package {path} holds no kernel image.")
        _require_digests(path, control, found.values())
        match = _NAME.match(name)
        files = KernelFiles(
            source=f"{name}_{version}_{architecture}",
            image=found["kernel"].path,
            config=found["config"].path if "config" in found else None,
            package=name,
            version=version,
            architecture=architecture,
            flavour=match["flavour"] if match else "",
            suite="",
            sha256=sha256,
            release=found["kernel"].release,
        )
        write_record(files, directory)

    try:
        entry = cache.directory("packages", f"{name}_{version}_{architecture}_{sha256[:12]}", make=make)
    except VerificationError as error:
        raise InputError(str(error)) from None
    return read_record(entry)


def _require_digests(path: Path, control: PackageControl, files: Iterable[_Found]) -> None:
    """VerificationError when a file is another than the package itself says, where it says so.

    No checksum of the archive's is met: that is at the end, behind hundreds of megabytes of modules.
    """
    for one in files:
        with one.path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        if control.md5sums.get(one.member, digest) != digest:
            raise VerificationError(f"{path} is damaged: {one.member} is not the file that its md5sums promise.")


def _unpack(kernel: KernelPackage, archive: DebianArchive, directory: Path) -> KernelFiles:
    package = kernel.package
    found = _take(package, kernel.suite, archive, directory, {"kernel": _KERNEL_PATHS, "config": _CONFIG_PATHS})
    if "kernel" not in found:
        raise VerificationError(f"The package {package.name} {package.version} holds no kernel image.")
    if "config" not in found and kernel.config_package:
        found |= _take(kernel.config_package, kernel.suite, archive, directory, {"config": _CONFIG_PATHS})
    if "config" not in found:
        archive.progress(f"{package.name} comes without its configuration")
    return KernelFiles(
        source=kernel.source,
        image=found["kernel"].path,
        config=found["config"].path if "config" in found else None,
        package=package.name,
        version=package.version,
        architecture=kernel.architecture,
        flavour=kernel.flavour,
        suite=kernel.suite,
        sha256=package.sha256,
        release=found["kernel"].release,
    )


def _take(
    package: Package,
    suite: str,
    archive: DebianArchive,
    directory: Path,
    wanted: dict[str, tuple[re.Pattern[str], ...]],
) -> dict[str, _Found]:
    """Fetch a package and keep of it the files wanted: what was found, with its path here and its kernel release."""
    what = f"{package.name} {package.version}"
    deb = directory / "package.deb"
    archive.fetch(package, suite, deb)
    try:
        return _keep(deb, what, directory, wanted)
    finally:
        deb.unlink(missing_ok=True)


def _keep(deb: Path, what: str, directory: Path, wanted: dict[str, tuple[re.Pattern[str], ...]]) -> dict[str, _Found]:
    """Unpack the files wanted of a package: what was found, with its path in `directory` and its kernel release."""
    found: dict[str, _Found] = {}
    for member in read_deb(deb, what):
        for kind, patterns in wanted.items():
            match = next(filter(None, (pattern.match(member.path) for pattern in patterns)), None)
            if match is None or kind in found:
                continue
            # vmlinuz or vmlinux as Debian calls it: some of the latter are compressed, some of the former are not.
            name = "config" if kind == "config" else member.path.rsplit("/", 1)[1].split("-", 1)[0]
            member.write_to(directory / name, _CONFIG_LIMIT if kind == "config" else _KERNEL_LIMIT)
            found[kind] = _Found(directory / name, match["release"], member.path)
        if len(found) == len(wanted):
            break
    return found
