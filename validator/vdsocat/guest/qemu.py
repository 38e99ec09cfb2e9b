"""Finding QEMU's binaries: on PATH, or in a directory that the user names."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from vdsocat.errors import InputError, RunError

QemuFinder = Callable[[str], str]


def qemu_finder(directory: Path | None = None) -> QemuFinder:
    """A function from a binary's name ("qemu-system-arm", "qemu-aarch64") to its path.

    A directory may hold the binaries itself or be the root of an unpacked package (usr/bin below it). Static user-mode
    binaries ("qemu-aarch64-static") serve as well. The function raises RunError, with the package to install, when
    there is no such binary; InputError is raised here when the directory does not exist.
    """
    if directory is not None and not directory.is_dir():
        raise InputError(f"--qemu {directory}: is no directory.")
    places = None if directory is None else [directory, directory / "usr" / "bin", directory / "bin"]

    def find(name: str) -> str:
        for candidate in (name, f"{name}-static"):
            if places is None:
                found = shutil.which(candidate)
            else:
                found = next((str(place / candidate) for place in places if (place / candidate).is_file()), None)
            if found is not None:
                return found
        where = "on PATH" if directory is None else f"in {directory}"
        raise RunError(f"There is no {name} {where}; Debian has it in the package {debian_package(name)}.")

    return find


def debian_package(binary: str) -> str:
    """The Debian 12 package that has a QEMU binary."""
    system, _, target = binary.partition("qemu-system-")
    if system or not target:
        return "qemu-user"
    packages = {
        "qemu-system-x86": ("x86_64", "i386"),
        "qemu-system-arm": ("arm", "aarch64"),
        "qemu-system-mips": ("mips", "mipsel", "mips64", "mips64el"),
        "qemu-system-ppc": ("ppc", "ppc64"),
        "qemu-system-sparc": ("sparc", "sparc64"),
    }
    return next((package for package, targets in packages.items() if target in targets), "qemu-system-misc")


def qemu_version(binary: str) -> str | None:
    """The version that a QEMU binary prints, "7.2.22"; RunError when it cannot be run."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError(f"{binary} cannot be run ({error}).") from None
    match = re.search(r"version (\d+(?:\.\d+)+)", said)
    return match.group(1) if match else None


def version_key(version: str) -> tuple[int, ...]:
    """A key that orders versions such as "7.2.22" and "10.0"."""
    return tuple(int(part) for part in version.split("."))
