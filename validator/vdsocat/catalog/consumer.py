"""Consumers: what libcs, runtimes and tools look up in the vDSO, and what else of an image they rely on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from vdsocat.catalog.model import Source
from vdsocat.documents import read_documents
from vdsocat.errors import InputError, did_you_mean


class Fallback(StrEnum):
    """What follows when a lookup fails or a property is missing; schemas/consumer.schema.json says each in words."""

    SYSCALL = "syscall"
    LOOKUP = "lookup"
    OWN_CODE = "own-code"
    IGNORED = "ignored"
    SKIP = "skip"
    UNAVAILABLE = "unavailable"
    REFUSAL = "refusal"
    ASSERTION = "assertion"
    CRASH = "crash"


class PropertyKind(StrEnum):
    """A property of an image beside its symbols that a consumer relies on; the schema says each in words."""

    HASH = "hash"
    HASH_WORDS = "hash-words"
    SYMBOL_TYPE = "symbol-type"
    VERDEF = "verdef"
    OSABI = "osabi"
    BYTE_ORDER = "byte-order"
    SEGMENTS = "segments"
    SEGMENT_FLAGS = "segment-flags"
    SECTION_HEADERS = "section-headers"
    SONAME = "soname"


@dataclass(frozen=True, slots=True)
class ConsumerBound:
    """A release of a consumer at which something changed; `before` is the last one known to be the old way, if any."""

    after: str
    before: str | None = None

    @classmethod
    def parse(cls, raw: str | Sequence[str]) -> ConsumerBound:
        """Read "1.2.6" or ["1.15", "1.19"]."""
        if isinstance(raw, str):
            return cls(raw)
        before, after = raw
        return cls(after, before)

    def passed(self, release: str) -> bool | None:
        """True at and after the change, False before it, None between the two releases of a pair."""
        if release_key(release) >= release_key(self.after):
            return True
        if self.before is None or release_key(release) <= release_key(self.before):
            return False
        return None

    def __str__(self) -> str:
        return self.after if self.before is None else f"{self.before}…{self.after}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The consumer's releases [since, until) that something holds for; None where that end is open or not known."""

    since: ConsumerBound | None = None
    until: ConsumerBound | None = None

    def covers(self, release: str | None) -> bool:
        """Whether it may hold for a release, such as "2.41"; None asks for the newest state that was read."""
        if release is None:
            return self.until is None
        begun = self.since is None or self.since.passed(release) is not False
        return begun and (self.until is None or self.until.passed(release) is not True)

    def __str__(self) -> str:
        words = [f"since {self.since}"] if self.since else []
        return " ".join(words + ([f"until {self.until}"] if self.until else []))


@dataclass(frozen=True, slots=True)
class Lookup:
    """One lookup in the image of one ABI.

    `names` are tried in turn, usually there is one; `version` is None where any will do. `requires` are names, under
    the same version, without which the symbol is not used. Lookups for the same `purpose` stand in for each other.
    """

    abi: str
    names: tuple[str, ...]
    version: str | None
    purpose: str
    fallback: Fallback
    requires: tuple[str, ...]
    stretch: Stretch
    sources: tuple[Source, ...]
    note: str | None = None

    def __str__(self) -> str:
        name = " or ".join(self.names)
        return f"{name}@{self.version}" if self.version else name


@dataclass(frozen=True, slots=True)
class ReliedProperty:
    """A property that lookups rely on: any of `needs` will do, and it is empty where the kind says all.

    `abis` and `names` restrict it to lookups in these ABIs, of these names; empty means all.
    """

    kind: PropertyKind
    needs: tuple[str, ...]
    abis: tuple[str, ...]
    names: tuple[str, ...]
    consequence: str
    fallback: Fallback
    stretch: Stretch
    sources: tuple[Source, ...]
    note: str | None = None

    def concerns(self, lookup: Lookup) -> bool:
        """Whether the lookup relies on it."""
        return (not self.abis or lookup.abi in self.abis) and (
            not self.names or any(name in self.names for name in lookup.names)
        )


@dataclass(frozen=True, slots=True)
class Consumer:
    """A program or library that looks symbols up; `release` is the newest one that was read, None if none was."""

    name: str
    title: str
    repository: str
    release: str | None
    lookups: tuple[Lookup, ...]
    properties: tuple[ReliedProperty, ...]
    notes: tuple[str, ...] = ()

    def at(self, release: str | None) -> Consumer:
        """The consumer with the rows that hold for one of its releases, or for the newest state that was read."""
        return Consumer(
            self.name,
            self.title,
            self.repository,
            release or self.release,
            tuple(one for one in self.lookups if one.stretch.covers(release)),
            tuple(one for one in self.properties if one.stretch.covers(release)),
            self.notes,
        )


def load_consumers(root: Path, cache: Path | None = None) -> dict[str, Consumer]:
    """The consumers under `root` (the directory `catalog`) by name, from their prepared form if that is current.

    InputError names the file and the place of whatever does not conform to its schema.
    """
    documents = read_documents(root, ("consumers/*.yaml",), cache)
    return {one.name: one for one in map(consumer_from_document, documents.values())}


def select_consumers(consumers: Mapping[str, Consumer], wanted: Sequence[str]) -> list[Consumer]:
    """The consumers named, each as NAME (the newest state that was read) or NAME@RELEASE; all when none is named.

    InputError for an unknown name, and for something that is no release.
    """
    return [_select(consumers, word) for word in wanted or sorted(consumers)]


def _select(consumers: Mapping[str, Consumer], word: str) -> Consumer:
    name, at, release = word.partition("@")
    if name not in consumers:
        raise InputError(f"There is no consumer {name!r} in the catalogue{did_you_mean(name, consumers)}")
    if at and not release.replace(".", "").isdigit():
        raise InputError(f"{release!r} is no release of {name}; write it as {name}@1.2.3.")
    return consumers[name].at(release or None)


def release_key(release: str) -> tuple[int, ...]:
    """What releases are ordered by: their numbers, so that 2.9 comes before 2.41."""
    return tuple(int(part) for part in release.split(".") if part)


def consumer_from_document(document: Mapping[str, Any]) -> Consumer:
    """Build a consumer from its file's content (schemas/consumer.schema.json)."""
    return Consumer(
        name=document["consumer"],
        title=document["name"],
        repository=document["repository"],
        release=document["read"].get("release"),
        lookups=tuple(lookup for raw in document["lookups"] for lookup in _lookups(raw)),
        properties=tuple(_property(raw) for raw in document.get("properties", ())),
        notes=tuple(document.get("notes", ())),
    )


def _lookups(raw: Mapping[str, Any]) -> Iterator[Lookup]:
    """One for each ABI; and where a row lists `symbols`, one for each of them, none standing in for another."""
    each = [(name,) for name in raw.get("symbols", ())]
    for abi in raw["abis"]:
        for names in each or [tuple(raw.get("tried", ())) or (raw["symbol"],)]:
            yield Lookup(
                abi=abi,
                names=names,
                version=raw["version"],
                purpose=f"{raw['purpose']} {names[0]}" if each else raw["purpose"],
                fallback=Fallback(raw["fallback"]),
                requires=tuple(raw.get("requires", ())),
                stretch=_stretch(raw),
                sources=_sources(raw),
                note=raw.get("note"),
            )


def _property(raw: Mapping[str, Any]) -> ReliedProperty:
    return ReliedProperty(
        kind=PropertyKind(raw["property"]),
        needs=tuple(raw.get("needs", ())),
        abis=tuple(raw.get("abis", ())),
        names=tuple(raw.get("symbols", ())),
        consequence=raw["consequence"],
        fallback=Fallback(raw["fallback"]),
        stretch=_stretch(raw),
        sources=_sources(raw),
        note=raw.get("note"),
    )


def _stretch(raw: Mapping[str, Any]) -> Stretch:
    return Stretch(
        since=ConsumerBound.parse(raw["since"]) if "since" in raw else None,
        until=ConsumerBound.parse(raw["until"]) if "until" in raw else None,
    )


def _sources(raw: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in raw["source"])
