"""Which targets the QEMUs within reach offer, and for which of them user mode maps a vDSO."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vdsocat.catalog.model import Provider
from vdsocat.errors import RunError
from vdsocat.exports import KernelRelease
from vdsocat.guest.qemu import QemuFinder

_SYSTEM = re.compile(r"qemu-system-(?P<target>[a-z0-9_]+)\Z")
# QEMU's other programs are tools for disks and guests, or have a hyphen in their names.
_USER = re.compile(r"qemu-(?!(?:img|io|nbd|ga|edid|keymap|system|debootstrap)\Z)(?P<target>[a-z0-9_]+?)(?:-static)?\Z")


@dataclass(frozen=True, slots=True)
class OfferedTargets:
    """The targets of one mode ("system", "user") that programs of one version have; the version is None if unsaid."""

    mode: str
    version: str | None
    targets: tuple[str, ...]


def offered_targets(finder: QemuFinder) -> tuple[OfferedTargets, ...]:
    """What a finder would find, grouped by mode and version."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for program in finder.programs():
        for mode, pattern in (("system", _SYSTEM), ("user", _USER)):
            if match := pattern.match(program):
                groups.setdefault((mode, _version(finder, program)), []).append(match["target"])
    return tuple(
        OfferedTargets(mode, version, tuple(dict.fromkeys(sorted(targets))))
        for (mode, version), targets in sorted(groups.items(), key=lambda group: (group[0][0], group[0][1] or ""))
    )


def _version(finder: QemuFinder, program: str) -> str | None:
    try:
        return finder(program).version
    except RunError:
        return None


def targets_with_vdso(provider: Provider, version: str, targets: Iterable[str]) -> tuple[str, ...]:
    """Those of the user-mode targets for which this version maps a vDSO, as the catalogue knows it."""
    release = KernelRelease.parse(version)
    offering = {program for one in provider.abis if one.interval.covers(release) for program in one.targets}
    return tuple(target for target in targets if f"qemu-{target}" in offering)
