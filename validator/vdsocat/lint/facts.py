"""The facts that an ABI's file states, one by one: the unit of rules about releases and sources, and of coverage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Source
from vdsocat.documents import Place
from vdsocat.exports import KernelRelease


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of an ABI's file that names its sources.

    `kind` is the list that it stands in: hosts, vdso, hash, auxv, mappings, conventions, areas, entries (of an area)
    or exports. `entry` is the typed object. Conventions have no `interval`: they hold for as long as the functions.
    """

    abi: Abi
    kind: str
    place: Place
    name: str
    interval: Interval | None
    sources: tuple[Source, ...]
    entry: Any

    @property
    def subject(self) -> str:
        """What the fact is about in one word: a symbol, an auxv tag, a kernel ARCH, a soname; else `name`."""
        match self.kind:
            case "hosts":
                return str(self.entry.kernel)
            case "vdso":
                return str(self.entry.soname)
        return self.name

    def bounds(self) -> Iterator[tuple[str, Bound]]:
        """The key and the value of each bound: since, and until where there is one."""
        if self.interval is not None:
            yield "since", self.interval.since
            if self.interval.until is not None:
                yield "until", self.interval.until


def facts(abi: Abi) -> Iterator[Fact]:
    """All facts of an ABI's file, in the order of the schema."""
    lists: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("hosts", abi.hosts),
        ("vdso", abi.vdso),
        ("hash", abi.hash_styles),
        ("auxv", abi.auxv),
        ("mappings", abi.mappings),
        ("conventions", abi.conventions),
        ("areas", abi.areas),
        ("exports", abi.exports),
    )
    for kind, entries in lists:
        for number, entry in enumerate(entries):
            yield _fact(abi, kind, (kind, number), entry)
            for inner, point in enumerate(getattr(entry, "entries", ())):
                yield _fact(abi, "entries", (kind, number, "entries", inner), point)


def releases_of(bound: Bound) -> Iterator[KernelRelease]:
    """The releases that a bound names, backports included."""
    if bound.before is not None:
        yield bound.before
    yield bound.after
    yield from bound.backports


def _fact(abi: Abi, kind: str, place: Place, entry: Any) -> Fact:
    return Fact(abi, kind, place, _name(kind, entry), getattr(entry, "interval", None), entry.sources, entry)


def _name(kind: str, entry: Any) -> str:
    match kind:
        case "hosts":
            return f"{entry.kernel}, {entry.bits}-bit, {entry.mode}"
        case "hash":
            return " and ".join(entry.styles)
        case "auxv":
            return str(entry.tag)
        case "conventions":
            return ", ".join(entry.functions) or "all other functions"
        case "exports":
            return str(entry.export.name)
        case "entries":
            return str(entry.symbol)
        case "areas" | "mappings":
            return str(entry.name)
    return kind
