"""Every ABI on every kernel that runs it: booted, read, only emulated, or in the catalogue alone, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vdsocat.catalog.evidence import AbiEvidence, Observation, Sighting
from vdsocat.catalog.model import Abi, Catalog, Host, Provider

UNBOOTED = "unbooted.yaml"


class Shown(StrEnum):
    """What was seen of a system: the first of these that holds."""

    BOOTED = "booted"
    READ = "static only"
    EMULATED = "user-mode only"
    NOTHING = "catalogue only"


@dataclass(frozen=True, slots=True)
class Unbooted:
    """Why no kernel was booted of some systems; `date` is the ISO date when that was last looked into.

    It is for the ABIs named, in one byte order or run in one mode alone where these are not None.
    """

    abis: tuple[str, ...]
    reason: str
    date: str
    endianness: str | None = None
    mode: str | None = None

    def is_about(self, system: System) -> bool:
        """Whether it is for this one."""
        return (
            system.abi in self.abis
            and self.endianness in (None, system.endianness)
            and self.mode in (None, system.mode)
        )


@dataclass(frozen=True, slots=True)
class System:
    """An ABI in one byte order on kernels of one ARCH and width, which run it in one mode.

    `sighting` is of the newest release that was booted, or read where none was booted. `emulators` gives, by name, the
    providers that offer a vDSO for the ABI in a kernel's place, each with the first of its releases that does.
    """

    abi: str
    kernel: str
    bits: int
    endianness: str
    mode: str
    sighting: Sighting | None
    emulators: Mapping[str, str]

    @property
    def shown(self) -> Shown:
        """What was seen of it."""
        if self.sighting is not None:
            return Shown.BOOTED if self.sighting.how == "mapped" else Shown.READ
        return Shown.EMULATED if self.emulators else Shown.NOTHING


def systems(catalog: Catalog, evidence: Iterable[AbiEvidence]) -> Iterator[System]:
    """All of them, by ABI, natively run ones first; of ARCH directories that followed each other the last counts."""
    by_abi = {one.abi: one for one in evidence}
    for name in sorted(catalog.abis):
        abi = catalog.abis[name]
        seen = by_abi.get(name, AbiEvidence(name)).observations
        for host in _last_hosts(abi):
            for endianness in abi.elf.endianness:
                newest = _newest(seen, abi, endianness, host.mode)
                emulators = dict(_emulators(abi, endianness, catalog.providers.values()))
                yield System(name, host.kernel, host.bits, endianness, host.mode, newest, emulators)


def unbooted_from_document(document: Mapping[str, Any]) -> tuple[Unbooted, ...]:
    """The reasons of catalog/unbooted.yaml (schemas/unbooted.schema.json), in its order."""
    return tuple(Unbooted(**{**raw, "abis": tuple(raw["abis"])}) for raw in document.get("unbooted", ()))


def _last_hosts(abi: Abi) -> list[Host]:
    """For each mode and width the host of the newest releases."""
    oldest_first = sorted(abi.hosts, key=lambda host: host.interval.since.after)
    last = {(host.mode, host.bits): host for host in oldest_first}
    return sorted(last.values(), key=lambda host: (host.mode != "native", host.bits))


def _newest(seen: Sequence[Observation], abi: Abi, endianness: str, mode: str) -> Sighting | None:
    only = abi.elf.endianness[0] if len(abi.elf.endianness) == 1 else None
    fitting = [one.sighting for one in seen if one.sighting.mode == mode and (only or _byte_order(one)) == endianness]
    booted = [one for one in fitting if one.how == "mapped"]
    return max(booted or fitting, key=lambda one: (one.parsed_release, one.date), default=None)


def _byte_order(one: Observation) -> str | None:
    return one.facts.endianness if one.facts else one.sighting.endianness


def _emulators(abi: Abi, endianness: str, providers: Iterable[Provider]) -> Iterator[tuple[str, str]]:
    for provider in providers:
        offered = [one for one in provider.offered(abi.name) if endianness in (one.endianness or abi.elf.endianness)]
        if offered:
            yield provider.name, str(offered[0].interval.since)
