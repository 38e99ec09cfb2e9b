"""QEMU out of Debian's packages, in the cache without root, with all the libraries and firmware that it needs.

A fetched QEMU brings its own C library and dynamic linker, so that it runs on any host of its architecture, whatever
distribution and release that is.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vdsocat.errors import InputError, RunError, did_you_mean
from vdsocat.guest.fetched_qemu import FetchedQemu, read_fetched, write_fetched
from vdsocat.guest.qemu import debian_package
from vdsocat.guest.qemu_version import qemu_version
from vdsocat.kernels.deb_archive import read_deb
from vdsocat.kernels.debian import DebianArchive, Package, Selection
from vdsocat.kernels.download import VerificationError
from vdsocat.kernels.packages import version_key as package_version_key

DEFAULT_SUITE = "bookworm-backports"

# uname's machine to Debian's name of the architecture (dpkg's cputable).
_ARCHITECTURES = {
    "x86_64": "amd64",
    "i686": "i386",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "loongarch64": "loong64",
}
_NAMES = re.compile(
    r"(qemu-(system|user)|lib|(zlib1g|seabios|ipxe-qemu|opensbi)\Z)(?!.*-(dev|dbg|doc|perl|java|ocaml|cil)\Z)"
)
_SELECTION = Selection(_NAMES, _NAMES, ".qemu-2")
# Modules for screens, sound and USB, and what registers binaries with the host's kernel: no boot of ours uses them.
_UNUSED = frozenset({"qemu-system-common", "qemu-user-binfmt", "qemu-system-modules-opengl"})

_BINARY = re.compile(r"usr/bin/(?P<name>qemu-(?!system-.*-microvm)[a-z0-9_-]+)\Z")
_LIBRARY = re.compile(r"(?:usr/)?lib/[^/]+-linux-[^/]+/[^/]+\.so[^/]*\Z")
# Debian's QEMU looks for firmware in all of these (its data directories), and for opensbi through a link.
_FIRMWARE = (
    (re.compile(r"usr/share/qemu/(?P<name>[^/]+)\Z"), "{name}"),
    (re.compile(r"usr/share/seabios/(?P<name>[^/]+)\Z"), "{name}"),
    (re.compile(r"usr/lib/ipxe/qemu/(?P<name>[^/]+)\Z"), "{name}"),
    (
        re.compile(r"usr/lib/(?P<name>riscv\d+)-linux-gnu/opensbi/generic/fw_dynamic\.bin\Z"),
        "opensbi-{name}-generic-fw_dynamic.bin",
    ),
)
_LARGEST_FILE = 256 << 20

# The fetched program is started by the fetched dynamic linker: the host's may be older than the C library needs.
_WRAPPER = """#!/bin/sh
here=${{0%/*}}/..
exec "$here/lib/{interpreter}" --library-path "$here/lib" "$here/libexec/{name}"{options} "$@"
"""
_DATA_OPTION = ' -L "$here/share/qemu"'


def host_architecture() -> str:
    """This machine's architecture as Debian calls it; InputError when Debian has no QEMU for it."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise InputError(f"Debian has no packages for this machine's architecture ({machine}).")
    return _ARCHITECTURES[machine]


def fetch_qemu(name: str, suite: str, archive: DebianArchive) -> FetchedQemu:
    """The QEMU package of a suite that `name` means, fetched into the archive's cache if it is not there.

    `name` is a package (qemu-system-misc) or a program (qemu-system-hppa). InputError when the suite has no such
    package, or it no such program; FetchError when something cannot be had, VerificationError when it is not what the
    index promises, or lacks a library; RunError when the program does not run.
    """
    offered = _offered_packages(suite, host_architecture(), archive)
    package = _package_for(name, suite, offered)
    companions = tuple(_companions(package, offered))

    def make(directory: Path) -> None:
        archive.progress(f"{package.name} {package.version} of {suite} needs {len(companions)} other packages")
        _assemble(directory, package, companions, suite, archive)

    directory = archive.cache.directory(
        "qemu", _entry(package),
        make=make, waiting=lambda: archive.progress(f"waiting for another run that fetches {package.name}"),
    )  # fmt: skip
    fetched = read_fetched(directory)
    if name != package.name and name not in fetched.programs:
        raise InputError(
            f"{package.name} {package.version} of {suite} has no {name}{did_you_mean(name, fetched.programs)}"
        )
    return fetched


def _offered_packages(suite: str, architecture: str, archive: DebianArchive) -> Mapping[str, tuple[Package, str]]:
    """The newest package of each name in the suite and in the suite that it builds on, with the suite it is from."""
    offered: dict[str, tuple[Package, str]] = {}
    base = "sid" if suite == "experimental" else re.sub(r"-(backports(-sloppy)?|updates|proposed-updates)\Z", "", suite)
    for one in dict.fromkeys((suite, base)):
        for package in archive.packages(one, architecture, _SELECTION):
            known = offered.get(package.name)
            # A QEMU is one of the suite that was named, so that its parts are of one version.
            if known and package.name.startswith("qemu-"):
                continue
            if known is None or package_version_key(known[0].version) < package_version_key(package.version):
                offered[package.name] = (package, one)
    return offered


def _package_for(name: str, suite: str, offered: Mapping[str, tuple[Package, str]]) -> Package:
    packages = {one for one in offered if one.startswith(("qemu-system-", "qemu-user"))}
    package = name if name in packages else debian_package(name, packages)
    is_program = re.fullmatch(r"qemu-(system-)?[a-z0-9_]+", name) is not None
    if package not in packages or not (is_program or package == name) or offered[package][1] != suite:
        known = sorted(one for one in packages - _UNUSED if offered[one][1] == suite)
        if not known:
            raise InputError(f"Debian {suite} has no QEMU of its own; bookworm-backports and trixie-backports have.")
        raise InputError(
            f"{name!r} is no package of QEMU in {suite}{did_you_mean(name, known).removesuffix('.')} "
            f"(there are {', '.join(known)}; a program such as qemu-system-hppa means the package that has it)"
        )
    return offered[package][0]


def _companions(package: Package, offered: Mapping[str, tuple[Package, str]]) -> Iterator[tuple[Package, str]]:
    """The packages that it depends on, directly or not, and of which something is used."""
    seen = {package.name} | _UNUSED
    waiting = list(package.depends)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in offered:
            continue
        seen.add(name)
        waiting += offered[name][0].depends
        # Another package of programs (qemu-system-misc depends on qemu-system-riscv) is fetched when it is named.
        if not re.match(r"qemu-(system|user)", name) or name == "qemu-system-data":
            yield offered[name]


def _entry(package: Package) -> str:
    return f"{package.name}_{package.version}_{package.architecture}_{package.sha256[:12]}"


def _assemble(
    directory: Path,
    package: Package,
    companions: Iterable[tuple[Package, str]],
    suite: str,
    archive: DebianArchive,
) -> None:
    """Fill the directory of a fetched QEMU: bin/ (wrappers), libexec/, lib/, share/qemu/, and the record of it all."""
    _take(package, suite, archive, directory)
    programs = sorted(path.name for path in (directory / "libexec").glob("qemu-*"))
    if not programs:
        raise VerificationError(f"The package {package.name} {package.version} holds no program of QEMU.")
    used = []
    if _needed(directory / "libexec", directory):
        for companion, of_suite in sorted(companions, key=lambda one: one[0].name):
            _link_tree(_unpacked(companion, of_suite, archive), directory)
            used.append(f"{companion.name} {companion.version}")
        if missing := sorted(_needed(directory / "libexec", directory)):
            raise VerificationError(
                f"{package.name} {package.version} needs {', '.join(missing)}, which no package has."
            )
    (directory / "bin").mkdir()
    for name in programs:
        _write_wrapper(directory, name)
    version = qemu_version([str(directory / "bin" / programs[0])])
    if version is None:
        raise RunError(f"{programs[0]} of {package.name} {package.version} does not run on this machine.")
    write_fetched(
        FetchedQemu(
            directory, package.name, package.version, package.architecture, suite, package.sha256, version,
            tuple(programs), tuple(used),
        )
    )  # fmt: skip


def _unpacked(package: Package, suite: str, archive: DebianArchive) -> Path:
    """The directory in the cache with what is used of a package, shared by all that need it."""
    return archive.cache.directory(
        "qemu", "parts", _entry(package), make=lambda directory: _take(package, suite, archive, directory)
    )


def _take(package: Package, suite: str, archive: DebianArchive, directory: Path) -> None:
    """Fetch a package and keep of it the programs, the shared libraries (by their sonames) and the firmware."""
    deb = directory / "package.deb"
    archive.fetch(package, suite, deb)
    for place in ("libexec", "lib", "share/qemu"):
        (directory / place).mkdir(parents=True)
    try:
        for member in read_deb(deb, f"{package.name} {package.version}"):
            destination = _destination(member.path, directory)
            if destination is None:
                continue
            member.write_to(destination, _LARGEST_FILE)
            if destination.parent.name != "qemu":
                destination.chmod(0o755)
            if destination.parent.name == "lib":
                # The links that bear the sonames are no regular files of a package.
                destination.rename(destination.with_name(_dynamic(destination).soname or destination.name))
    finally:
        deb.unlink(missing_ok=True)


def _destination(path: str, directory: Path) -> Path | None:
    if match := _BINARY.match(path):
        return directory / "libexec" / match["name"]
    if _LIBRARY.match(path):
        return directory / "lib" / path.rsplit("/", 1)[1]
    for pattern, name in _FIRMWARE:
        if match := pattern.match(path):
            return directory / "share" / "qemu" / name.format(**match.groupdict())
    return None


def _link_tree(source: Path, destination: Path) -> None:
    """Put the files of one directory into another, without taking space where the file system can link."""
    for place in ("lib", "share/qemu"):
        for path in sorted((source / place).iterdir()):
            target = destination / place / path.name
            if target.exists():
                continue
            try:
                os.link(path, target)
            except OSError:
                shutil.copy2(path, target)


def _write_wrapper(directory: Path, name: str) -> None:
    interpreter = _dynamic(directory / "libexec" / name).interpreter
    wrapper = directory / "bin" / name
    if interpreter is None:
        os.link(directory / "libexec" / name, wrapper)
        return
    options = _DATA_OPTION if name.startswith("qemu-system-") else ""
    wrapper.write_text(_WRAPPER.format(interpreter=Path(interpreter).name, name=name, options=options))
    wrapper.chmod(0o755)


@dataclass(frozen=True, slots=True)
class _Dynamic:
    """What an ELF file says of dynamic linking."""

    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]


def _needed(programs: Path, directory: Path) -> set[str]:
    """The shared libraries that the programs need, directly or not, and that `directory` does not hold."""
    missing: set[str] = set()
    seen: set[str] = set()
    waiting = list(programs.iterdir())
    while waiting:
        dynamic = _dynamic(waiting.pop())
        for name in {*dynamic.needed, *([Path(dynamic.interpreter).name] if dynamic.interpreter else [])} - seen:
            seen.add(name)
            library = directory / "lib" / name
            if library.is_file():
                waiting.append(library)
            else:
                missing.add(name)
    return missing


def _dynamic(path: Path) -> _Dynamic:
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    interpreter = soname = None
    needed: list[str] = []
    try:
        with path.open("rb") as file:
            for segment in ELFFile(file).iter_segments():
                if isinstance(segment, InterpSegment):
                    interpreter = segment.get_interp_name()
                elif isinstance(segment, DynamicSegment):
                    for tag in segment.iter_tags():
                        if tag.entry.d_tag == "DT_NEEDED":
                            needed.append(tag.needed)  # type: ignore[attr-defined]
                        elif tag.entry.d_tag == "DT_SONAME":
                            soname = Path(tag.soname).name  # type: ignore[attr-defined]
    except ELFError:
        # A linker script or a text file under a library's name.
        return _Dynamic(None, None, ())
    return _Dynamic(interpreter, soname, tuple(needed))
