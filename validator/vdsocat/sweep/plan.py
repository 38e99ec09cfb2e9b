"""Which kernels a sweep looks at: of each architecture, flavour and mainline release, the oldest and the newest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vdsocat.errors import InputError, VdsocatError
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.download import FetchError
from vdsocat.kernels.packages import KernelPackage, kernel_packages, version_key


@dataclass(frozen=True, slots=True)
class SweptKernel:
    """One kernel to look at: `candidates` are packages to take it from, the best first.

    Mirrors list packages that they have no more; the next one of the same mainline release does as well.
    """

    architecture: str
    flavour: str
    mainline: str
    candidates: tuple[KernelPackage, ...]

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.architecture}/{self.flavour} {self.mainline}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The kernels of a sweep, and a sentence for each index that could not be had."""

    kernels: tuple[SweptKernel, ...]
    passed_over: tuple[str, ...]


def plan_sweep(archive: DebianArchive, suites: Sequence[str], architectures: Sequence[str] = ()) -> Plan:
    """The kernels of these suites, of all their architectures or just those named; nothing but indexes is fetched.

    A change reaches users with the first release of a mainline series or with a later stable one, so the oldest and the
    newest package of each series are looked at. Cloud and real-time kernels, and the unsigned twins of signed kernels,
    are left out. InputError when there are no such suites or architectures, FetchError when none can be had.
    """
    groups: dict[tuple[str, str, str], dict[str, KernelPackage]] = {}
    passed_over: list[VdsocatError] = []
    for kernel in _all_kernels(archive, suites, architectures, passed_over):
        if not kernel.is_special:
            group = groups.setdefault((kernel.architecture, kernel.flavour, _mainline(kernel.package.version)), {})
            group.setdefault(kernel.package.version, kernel)
    sentences = tuple(error.sentence() for error in passed_over)
    if not groups:
        kind = InputError if all(isinstance(error, InputError) for error in passed_over) else FetchError
        raise kind(f"There is no kernel to sweep over: {' '.join(sentences)}")
    kernels = [
        SweptKernel(*key, candidates)
        for key, group in groups.items()
        for candidates in _oldest_and_newest(tuple(group.values()))
    ]
    return Plan(tuple(sorted(kernels, key=_order)), sentences)


def _all_kernels(
    archive: DebianArchive, suites: Sequence[str], architectures: Sequence[str], passed_over: list[VdsocatError]
) -> Iterator[KernelPackage]:
    """Every kernel that the suites list, a signed one before its unsigned twin; what cannot be had is noted."""
    for suite in suites:
        try:
            there = archive.release(suite).architectures
        except VdsocatError as error:
            passed_over.append(error)
            continue
        for architecture in architectures or there:
            try:
                packages = archive.linux_packages(suite, architecture)
            except VdsocatError as error:
                passed_over.append(error)
                continue
            yield from sorted(kernel_packages(packages, suite, architecture), key=lambda one: not one.signed)


def _oldest_and_newest(kernels: tuple[KernelPackage, ...]) -> Iterator[tuple[KernelPackage, ...]]:
    """The kernels of a group from one end, and from the other."""
    ordered = sorted(kernels, key=lambda one: version_key(one.package.version))
    yield tuple(ordered)
    if len(ordered) > 1:
        yield tuple(reversed(ordered))


def _mainline(version: str) -> str:
    """The mainline release of a package version: 6.1.176-1 is of 6.1, 7.3~rc7-1~exp1 of 7.3."""
    return ".".join(re.split(r"[.~+-]", version.split(":", 1)[-1])[:2])


def _order(kernel: SweptKernel) -> tuple[object, ...]:
    mainline = tuple(int(part) if part.isdecimal() else 0 for part in kernel.mainline.split("."))
    return kernel.architecture, kernel.flavour, mainline, version_key(kernel.candidates[0].package.version)
