"""The catalogue as typed, read-only objects: ABIs with their exports, functions, releases, providers."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vdsocat.catalog.defects import Defect, ProviderDefect, provider_defects_from_document
from vdsocat.catalog.fast_paths import FastPaths
from vdsocat.catalog.intervals import Interval
from vdsocat.errors import InputError, did_you_mean
from vdsocat.exports import Binding, Export, SymbolType


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read: a commit or release tag with a path, an address, a kernel or another binary."""

    commit: str | None = None
    tag: str | None = None
    path: str | None = None
    url: str | None = None
    note: str | None = None
    kernel: str | None = None
    binary: str | None = None

    def __str__(self) -> str:
        where = (
            self.commit[:12] if self.commit else self.tag or self.kernel or self.binary or self.url or self.note or ""
        )
        return " ".join(part for part in (where, self.path) if part)


@dataclass(frozen=True, slots=True)
class Host:
    """A kernel build that runs the ABI: its ARCH directory, its width in bits, natively or as compat."""

    kernel: str
    bits: int
    mode: str
    interval: Interval
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class VdsoInterval:
    """A stretch of releases in which the ABI has an ELF vDSO; `soname` is None when not recorded."""

    interval: Interval
    soname: str | None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class HashStyles:
    """A stretch of releases in which the image has these symbol hash tables: "sysv" (DT_HASH), "gnu" (DT_GNU_HASH)."""

    styles: tuple[str, ...]
    interval: Interval
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class AuxvEntry:
    """A stretch of releases in which the auxiliary vector has `tag`, AT_SYSINFO_EHDR or AT_SYSINFO."""

    tag: str
    interval: Interval
    sources: tuple[Source, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class NamedMapping:
    """A stretch of releases in which /proc/PID/maps shows pages called `name`, such as "[vdso]".

    `holds` is code, data or trampolines.
    """

    name: str
    holds: str | None
    interval: Interval
    sources: tuple[Source, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Convention:
    """How functions are called and report errors; `functions` is empty where it holds for all that no other names.

    `errors` is negative-errno, positive-errno-and-cr0-so, in-registers or none.
    """

    functions: tuple[str, ...]
    errors: str
    text: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogExport:
    """One symbol over one stretch of releases, as the catalogue has it.

    `prototype` is given where it differs from the function's.
    """

    export: Export
    function: str
    interval: Interval
    sources: tuple[Source, ...]
    alias_of: str | None = None
    note: str | None = None
    prototype: str | None = None


@dataclass(frozen=True, slots=True)
class AreaEntry:
    """An entry point of a fixed user page: `offset` is in bytes from the area's start, None where there is none."""

    symbol: str
    function: str
    offset: int | None
    interval: Interval
    sources: tuple[Source, ...]
    note: str | None = None
    prototype: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A fixed user page without ELF, such as arm's kuser helpers; `address` is None where it has none of its own."""

    name: str
    kind: str
    address: int | None
    mapping: str | None
    interval: Interval
    sources: tuple[Source, ...]
    entries: tuple[AreaEntry, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ElfIdentity:
    """What the ELF header of an image of the ABI says; `endianness` lists the byte orders that exist."""

    machine: str
    elf_class: int
    endianness: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abi:
    """A user-space ABI: the unit of the catalogue.

    `predefined` is a C preprocessor expression that is true in programs of the ABI, None where none was tried.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    elf: ElfIdentity
    hosts: tuple[Host, ...]
    vdso: tuple[VdsoInterval, ...]
    areas: tuple[Area, ...]
    exports: tuple[CatalogExport, ...]
    unknowns: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    hash_styles: tuple[HashStyles, ...] = ()
    auxv: tuple[AuxvEntry, ...] = ()
    mappings: tuple[NamedMapping, ...] = ()
    conventions: tuple[Convention, ...] = ()
    predefined: str | None = None

    def hosts_on(self, arch: str, bits: int) -> tuple[Host, ...]:
        """How kernels of this ARCH and width run the ABI, one entry per stretch of releases; empty if none does."""
        return tuple(host for host in self.hosts if (host.kernel, host.bits) == (arch, bits))

    def mode_on(self, arch: str | None, bits: int | None) -> str:
        """How a kernel of this ARCH and width runs the ABI; "unknown" where no kernel is known (`arch` is None)."""
        if arch is None:
            return "unknown"
        hosts = self.hosts_on(arch, bits or 0)
        return hosts[0].mode if hosts else "compat"

    def modes(self) -> tuple[str, ...]:
        """How kernels run this ABI: ("native",), ("compat",) or both, native first."""
        return tuple(mode for mode in ("native", "compat") if any(host.mode == mode for host in self.hosts))


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kernel architecture: its directory under arch/, since when and until when mainline has it.

    `none` says why no ABI of it has a vDSO or a fixed user page; it is None where one has.
    """

    name: str
    title: str
    interval: Interval
    none: str | None
    sources: tuple[Source, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A generic function: what a symbol does, whatever it is called on an architecture."""

    name: str
    prototype: str | None
    syscall: str | None
    manual: str | None
    summary: str
    callable: bool


@dataclass(frozen=True, slots=True)
class ProviderAbi:
    """What another provider maps for an ABI, over a stretch of the provider's own releases.

    `targets` are the provider's programs that do ("qemu-aarch64"), where it has several; `endianness` the byte orders
    in which it does, empty where these are all of the ABI.
    """

    abi: str
    interval: Interval
    soname: str | None
    exports: tuple[CatalogExport, ...]
    areas: tuple[Area, ...] = ()
    targets: tuple[str, ...] = ()
    endianness: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who offers a vDSO in the kernel's place; `without` gives, per ABI, why there is none."""

    name: str
    title: str
    abis: tuple[ProviderAbi, ...]
    without: Mapping[str, str]
    defects: tuple[ProviderDefect, ...] = ()

    def offered(self, abi: str) -> tuple[ProviderAbi, ...]:
        """All that is recorded for the ABI, over the provider's releases."""
        return tuple(entry for entry in self.abis if entry.abi == abi)


@dataclass(frozen=True)
class Catalog:
    """Everything that the catalogue's files say."""

    abis: Mapping[str, Abi]
    functions: Mapping[str, Function]
    releases: Mapping[str, str | None]
    providers: Mapping[str, Provider] = field(default_factory=dict)
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    fast_paths: FastPaths = field(default_factory=FastPaths)
    defects: tuple[Defect, ...] = ()

    def abi(self, name: str) -> Abi:
        """The ABI of this name or alias; InputError with a did-you-mean when there is none."""
        found = self.abi_named(name)
        if found is None:
            raise InputError(f"There is no ABI {name!r} in the catalogue{did_you_mean(name, self._abi_names)}")
        return found

    def abi_named(self, name: str) -> Abi | None:
        """The ABI of this name or alias, if there is one."""
        return self._abi_names.get(name.lower())

    @cached_property
    def _abi_names(self) -> dict[str, Abi]:
        names = {}
        for abi in self.abis.values():
            for name in (abi.name, *abi.aliases):
                names[name.lower()] = abi
        return names

    def matching_names(self, pattern: str) -> frozenset[str]:
        """Functions and symbols that a generic name, a symbol name or a glob stands for.

        InputError with a did-you-mean when nothing matches.
        """
        names = self.searchable_names
        found = (
            frozenset(fnmatch.filter(names, pattern))
            if any(character in pattern for character in "*?[")
            else names & {pattern}
        )
        if not found:
            raise InputError(f"The catalogue knows no function or symbol {pattern!r}{did_you_mean(pattern, names)}")
        return frozenset(found)

    @cached_property
    def searchable_names(self) -> frozenset[str]:
        """Every function, and every symbol of any ABI."""
        names = set(self.functions)
        for abi in self.abis.values():
            names |= {entry.export.name for entry in abi.exports}
            names |= {entry.symbol for area in abi.areas for entry in area.entries}
        return frozenset(names)

    def sorted_abis(self) -> tuple[Abi, ...]:
        """All ABIs by name."""
        return tuple(self.abis[name] for name in sorted(self.abis))


def abi_from_document(document: Mapping[str, Any]) -> Abi:
    """Build an ABI from its file's content, which must conform to schemas/abi.schema.json."""
    elf = document["elf"]
    return Abi(
        name=document["abi"],
        title=document["name"],
        aliases=tuple(document.get("aliases", ())),
        elf=ElfIdentity(elf["machine"], elf["class"], tuple(elf["endianness"])),
        hosts=tuple(
            Host(raw["kernel"], raw["bits"], raw["mode"], Interval.from_document(raw), _sources(raw))
            for raw in document["hosts"]
        ),
        vdso=tuple(
            VdsoInterval(Interval.from_document(raw), raw.get("soname"), _sources(raw)) for raw in document["vdso"]
        ),
        areas=tuple(_area(raw) for raw in document.get("areas", ())),
        exports=tuple(_export(raw) for raw in document["exports"]),
        unknowns=tuple((raw["about"], raw["reason"]) for raw in document.get("unknowns", ())),
        notes=tuple(document.get("notes", ())),
        hash_styles=tuple(
            HashStyles(tuple(raw["styles"]), Interval.from_document(raw), _sources(raw))
            for raw in document.get("hash", ())
        ),
        auxv=tuple(
            AuxvEntry(raw["tag"], Interval.from_document(raw), _sources(raw), raw.get("note"))
            for raw in document.get("auxv", ())
        ),
        mappings=tuple(
            NamedMapping(raw["mapping"], raw.get("holds"), Interval.from_document(raw), _sources(raw), raw.get("note"))
            for raw in document.get("mappings", ())
        ),
        conventions=tuple(
            Convention(tuple(raw.get("functions", ())), raw["errors"], raw["text"], _sources(raw))
            for raw in document.get("conventions", ())
        ),
        predefined=document.get("predefined"),
    )


def architectures_from_document(document: Mapping[str, Any]) -> dict[str, Architecture]:
    """Build the kernel architectures from catalog/architectures.yaml (schemas/architectures.schema.json)."""
    return {
        raw["architecture"]: Architecture(
            name=raw["architecture"],
            title=raw["name"],
            interval=Interval.from_document(raw),
            none=raw.get("none"),
            sources=_sources(raw),
            note=raw.get("note"),
        )
        for raw in document["architectures"]
    }


def functions_from_document(document: Mapping[str, Any]) -> dict[str, Function]:
    """Build the functions from catalog/functions.yaml (schemas/functions.schema.json)."""
    return {
        raw["function"]: Function(
            name=raw["function"],
            prototype=raw.get("prototype"),
            syscall=raw.get("syscall"),
            manual=raw.get("manual"),
            summary=raw["summary"],
            callable=raw["callable"],
        )
        for raw in document["functions"]
    }


def releases_from_document(document: Mapping[str, Any]) -> dict[str, str | None]:
    """Release to ISO date, or None where the date is not known, from catalog/releases.yaml."""
    return {raw["release"]: str(raw["date"]) if raw.get("date") else None for raw in document["releases"]}


def provider_from_document(document: Mapping[str, Any]) -> Provider:
    """Build a provider from its file's content (schemas/provider.schema.json).

    What has no since of its own has been there as long as what it belongs to, or as the provider.
    """
    return Provider(
        name=document["provider"],
        title=document["name"],
        abis=tuple(_provider_abi(raw) for raw in document["abis"]),
        without={abi: raw["reason"] for raw in document.get("none", ()) for abi in raw["abis"]},
        defects=provider_defects_from_document(document),
    )


def _provider_abi(raw: Mapping[str, Any]) -> ProviderAbi:
    outer: dict[str, Any] = {"since": "0.0", **raw}
    inherited: dict[str, Any] = {key: outer[key] for key in ("since", "until", "source") if key in outer}
    areas = (
        {**inherited, **area, "entries": [{**inherited, **one} for one in area["entries"]]}
        for area in raw.get("areas", ())
    )
    return ProviderAbi(
        abi=raw["abi"],
        interval=Interval.from_document(outer),
        soname=raw.get("soname"),
        exports=tuple(_export({**inherited, **one}) for one in raw["exports"]),
        areas=tuple(_area(area) for area in areas),
        targets=tuple(raw.get("targets", ())),
        endianness=tuple(raw.get("endianness", ())),
    )


def _area(raw: Mapping[str, Any]) -> Area:
    return Area(
        name=raw["area"],
        kind=raw["kind"],
        address=raw.get("address"),
        mapping=raw.get("mapping"),
        interval=Interval.from_document(raw),
        sources=_sources(raw),
        entries=tuple(
            AreaEntry(
                symbol=entry["symbol"],
                function=entry["function"],
                offset=entry.get("offset"),
                interval=Interval.from_document(entry),
                sources=_sources(entry),
                note=entry.get("note"),
                prototype=entry.get("prototype"),
            )
            for entry in raw["entries"]
        ),
        note=raw.get("note"),
    )


def _export(raw: Mapping[str, Any]) -> CatalogExport:
    return CatalogExport(
        export=Export(
            name=raw["symbol"],
            version=raw["version"],
            type=SymbolType(raw.get("type", "FUNC")),
            binding=Binding(raw.get("binding", "GLOBAL")),
        ),
        function=raw["function"],
        interval=Interval.from_document(raw),
        sources=_sources(raw),
        alias_of=raw.get("alias_of"),
        note=raw.get("note"),
        prototype=raw.get("prototype"),
    )


def _sources(raw: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in raw.get("source", ()))
