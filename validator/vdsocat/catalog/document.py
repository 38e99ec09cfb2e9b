"""Documents as typed, read-only objects: what a manual page or a kernel document claims, edition by edition.

Everything here is what a document says and nothing is a fact about a kernel. Only `vdsocat errata` reads documents, so
they are no part of the catalogue that other verbs load.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vdsocat.catalog.conditions import Condition
from vdsocat.catalog.model import Source
from vdsocat.documents import read_documents
from vdsocat.errors import InputError, misspelt
from vdsocat.exports import KernelRelease

_FILES = ("documents/*.yaml",)


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of a table: a symbol with whatever else is printed of it.

    `offset` is in bytes from the start of a fixed page. `when` and `text` are the row's remark, read and as printed.
    """

    symbol: str
    version: str | None = None
    since: KernelRelease | None = None
    until: KernelRelease | None = None
    when: Condition | None = None
    offset: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class EntryTable:
    """The entry points of a fixed page, or the light-weight system calls: `kind` is that of the catalogue's area."""

    kind: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section on one or several ABIs.

    `unprefixed` is the prefix without which the section says that its symbols are there too, and the sentence.
    `port_removed` is the release in which the section says that the kernel dropped the ABI.
    """

    heading: str
    abis: tuple[str, ...]
    claims: tuple[Claim, ...]
    entries: EntryTable | None = None
    port_removed: KernelRelease | None = None
    unprefixed: tuple[str, str] | None = None
    remarks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence on all ABIs; `states` names what it says where the catalogue can be held against it.

    `release` is the kernel release that the sentence names, if it names one.
    """

    about: str
    text: str
    states: str | None = None
    release: KernelRelease | None = None


@dataclass(frozen=True, slots=True)
class PrintedSoname:
    """A row of the table of sonames; `printed` is what the document calls the ABI."""

    printed: str
    abis: tuple[str, ...]
    soname: str


@dataclass(frozen=True, slots=True)
class Document:
    """One edition of a document. `name` is FAMILY-EDITION, `date` the day that the page itself names."""

    name: str
    family: str
    edition: str
    title: str
    date: datetime.date
    sources: tuple[Source, ...]
    statements: tuple[Statement, ...] = ()
    sonames: tuple[PrintedSoname, ...] = ()
    sections: tuple[Section, ...] = ()

    def covers(self, abi: str) -> bool:
        """Whether a section speaks of the ABI."""
        return any(abi in section.abis for section in self.sections)


class Documents:
    """All editions of all documents, oldest first within a family."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._all = tuple(sorted(documents, key=lambda one: (one.family, one.date, _numbers(one.edition))))

    def __iter__(self) -> Iterator[Document]:
        return iter(self._all)

    def newest(self) -> tuple[Document, ...]:
        """The newest edition of each document."""
        return tuple({one.family: one for one in self._all}.values())

    def named(self, name: str) -> Document:
        """The edition of this name (vdso.7-5.13), or the newest of a family (vdso.7); InputError for any other."""
        by_name = {one.family: one for one in self._all} | {one.name: one for one in self._all}
        if name not in by_name:
            raise InputError(f"The catalogue has no document {misspelt(name, by_name)}")
        return by_name[name]


def load_documents(root: Path, cache: Path | None = None) -> Documents:
    """The documents under `root` (the directory `catalog`); InputError for a file that does not conform."""
    raw = read_documents(root, _FILES, cache)
    return Documents(one for name, text in raw.items() for one in _editions(name, text))


def editions_from_document(raw: Mapping[str, Any]) -> Iterator[Document]:
    """The edition that a file transcribes, and the later ones that print the same (schemas/document.schema.json)."""
    name, edition = raw["document"], raw["edition"]
    family = name.removesuffix(f"-{edition}")
    first = Document(
        name=name,
        family=family,
        edition=edition,
        title=raw["title"],
        date=datetime.date.fromisoformat(raw["page_date"]),
        sources=_sources(raw),
        statements=tuple(_statement(one) for one in raw.get("general", ())),
        sonames=tuple(
            PrintedSoname(one["printed"], tuple(one["abis"]), one["soname"]) for one in raw.get("sonames", ())
        ),
        sections=tuple(_section(one) for one in raw["sections"]),
    )
    yield first
    for again in raw.get("also_printed_in", ()):
        for later in again["editions"]:
            yield replace(
                first,
                name=f"{family}-{later}",
                edition=later,
                date=datetime.date.fromisoformat(again["page_date"]),
                sources=_sources(again),
            )


def _editions(name: str, raw: Mapping[str, Any]) -> Iterator[Document]:
    try:
        yield from editions_from_document(raw)
    except ValueError as error:
        raise InputError(f"{name}: {error}.") from None


def _statement(raw: Mapping[str, Any]) -> Statement:
    release = KernelRelease.parse(raw["release"]) if "release" in raw else None
    return Statement(raw["about"], raw["text"], raw.get("states"), release)


def _section(raw: Mapping[str, Any]) -> Section:
    removed, unprefixed = raw.get("port_removed"), raw.get("also_without_prefix")
    return Section(
        heading=raw["heading"],
        abis=tuple(raw["abis"]),
        claims=tuple(_claim(one) for one in raw["claims"]),
        entries=_entries(raw),
        port_removed=KernelRelease.parse(removed["release"]) if removed else None,
        unprefixed=(unprefixed["prefix"], unprefixed["text"]) if unprefixed else None,
        remarks=tuple((one["about"], one["text"]) for one in raw.get("remarks", ())),
    )


def _entries(raw: Mapping[str, Any]) -> EntryTable | None:
    if "area" in raw:
        area = raw["area"]
        return EntryTable(area["kind"], tuple(_claim(one) for one in area["entries"]))
    if "fsyscalls" in raw:
        listed = raw["fsyscalls"]
        functions = listed["functions"] if isinstance(listed, Mapping) else listed
        return EntryTable("fsyscall", tuple(Claim(symbol) for symbol in functions))
    return None


def _claim(raw: Mapping[str, Any]) -> Claim:
    return Claim(
        symbol=raw["symbol"],
        version=raw.get("version"),
        since=KernelRelease.parse(raw["since"]) if "since" in raw else None,
        until=KernelRelease.parse(raw["until"]) if "until" in raw else None,
        when=Condition(raw["when"]) if "when" in raw else None,
        offset=raw.get("offset"),
        text=raw.get("text"),
    )


def _sources(raw: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in raw["source"])


def _numbers(edition: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", edition)))
