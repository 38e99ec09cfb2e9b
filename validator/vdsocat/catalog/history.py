"""The catalogue as a history: what each release brought, changed and took away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vdsocat.catalog.conditions import Condition, any_of, simplify
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Catalog, Source
from vdsocat.exports import Export, KernelRelease

VDSO = "vDSO"
HASH_TABLES = "hash tables"

# What is said of something that appears; the rest is as usual, and only told when it changes.
_TOLD_FIRST = ("kernels", "soname", "styles", "version", "offset")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed in one ABI: `subject` is a symbol, or what else an ABI has: `soname`, `AT_SYSINFO` …

    `change` is one sentence fragment: "appears", "is gone", "has version LINUX_2.6.15, had LINUX_2.6.12".
    `function` is None for what is no symbol.
    """

    bound: Bound
    abi: str
    subject: str
    change: str
    function: str | None
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a subject while it is there: words by what they tell (`version`, `type` …), and a condition."""

    words: Mapping[str, str]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of releases in which a subject is there."""

    interval: Interval
    words: Mapping[str, str]
    sources: tuple[Source, ...]

    @property
    def told(self) -> Told:
        """What is told of the subject in this stretch."""
        return Told(self.words, self.interval.when)


@dataclass(frozen=True, slots=True)
class Subject:
    """A symbol of an ABI, or what else an ABI has; `function` is None for what is no symbol."""

    abi: str
    name: str
    function: str | None
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one subject of an ABI (its vDSO, a symbol …) between two sets: releases, or images."""

    abi: str
    subject: str
    old: tuple[Told, ...]
    new: tuple[Told, ...]

    @property
    def change(self) -> str:
        """What became of it, in words; see `spell_change`."""
        return spell_change(self.old, self.new)


def events_of(catalog: Catalog) -> tuple[Event, ...]:
    """All events of all ABIs, oldest first."""
    found = [event for abi in catalog.sorted_abis() for subject in subjects_of(abi) for event in _life(subject)]
    return tuple(sorted(found, key=lambda event: (event.bound.after, event.abi, event.subject)))


def subjects_of(abi: Abi) -> Iterator[Subject]:
    """Everything of an ABI that can come, change and go."""
    for mode in abi.modes():
        name = "run natively" if mode == "native" else "run as compat"
        yield Subject(abi.name, name, None, tuple(
            Stretch(host.interval, {"kernels": f"{host.kernel} {host.bits}-bit"}, host.sources)
            for host in abi.hosts if host.mode == mode
        ))  # fmt: skip
    if abi.vdso:
        images = (Stretch(one.interval, {"soname": one.soname or ""}, one.sources) for one in abi.vdso)
        yield Subject(abi.name, VDSO, None, tuple(images))
    if abi.hash_styles:
        tables = (Stretch(one.interval, {"styles": spell_styles(one.styles)}, one.sources) for one in abi.hash_styles)
        yield Subject(abi.name, HASH_TABLES, None, tuple(tables))
    named = [(one.tag, one.interval, one.sources) for one in abi.auxv]
    named += [(one.name, one.interval, one.sources) for one in abi.mappings]
    named += [(one.name, one.interval, one.sources) for one in abi.areas]
    for name in dict.fromkeys(name for name, _, _ in named):
        stretches = (Stretch(interval, {}, sources) for other, interval, sources in named if other == name)
        yield Subject(abi.name, name, None, tuple(stretches))
    yield from _symbols_of(abi)


def _symbols_of(abi: Abi) -> Iterator[Subject]:
    stretches: dict[tuple[str, str], list[Stretch]] = {}
    for entry in abi.exports:
        here = stretches.setdefault((entry.export.name, entry.function), [])
        here.append(Stretch(entry.interval, words_of_export(entry.export), entry.sources))
    for area in abi.areas:
        for point in area.entries:
            words = {} if point.offset is None else {"offset": f"{point.offset:#x}"}
            here = stretches.setdefault((point.symbol, point.function), [])
            here.append(Stretch(point.interval, words, point.sources))
    for (symbol, function), several in stretches.items():
        yield Subject(abi.name, symbol, function, tuple(several))


def words_of_export(export: Export) -> dict[str, str]:
    """What is told of a symbol of an image."""
    return {"version": export.version or "", "type": str(export.type), "binding": str(export.binding)}


def spell_styles(styles: Sequence[str]) -> str:
    """Hash styles in words."""
    return " and ".join(styles)


def changes_between(catalog: Catalog, old: KernelRelease, new: KernelRelease) -> Iterator[Difference]:
    """What is otherwise in the second release than in the first, whatever was between."""
    for abi in catalog.sorted_abis():
        for subject in subjects_of(abi):
            before, after = (
                tuple(one.told for one in subject.stretches if one.interval.covers(release) is not False)
                for release in (old, new)
            )
            difference = Difference(abi.name, subject.name, before, after)
            if difference.change:
                yield difference


def _life(subject: Subject) -> Iterator[Event]:
    """What happened to one subject: it appears and goes with its stretches, and where two meet it changes."""
    begins: dict[Bound, list[Stretch]] = {}
    ends: dict[Bound, list[Stretch]] = {}
    for stretch in subject.stretches:
        begins.setdefault(stretch.interval.since, []).append(stretch)
        if stretch.interval.until is not None:
            ends.setdefault(stretch.interval.until, []).append(stretch)
    for bound in dict.fromkeys((*begins, *ends)):
        new, old = begins.get(bound, []), ends.get(bound, [])
        change = spell_change([one.told for one in old], [one.told for one in new])
        if change:
            sources = tuple(dict.fromkeys(source for stretch in new or old for source in stretch.sources))
            yield Event(bound, subject.abi, subject.name, change, subject.function, sources)


def spell_change(old: Sequence[Told], new: Sequence[Told]) -> str:
    """What became of a subject, in words: "is gone", "version LINUX_2.6.15, was LINUX_2.6.12"; "" if nothing did."""
    if not new:
        return "is gone" + _spelt(" if ", _condition(old)) if old else ""
    if not old:
        told = ", ".join(word for what in new[0].words if what in _TOLD_FIRST for word in _words(new, what) if word)
        return "appears" + _spelt(" as ", told) + _spelt(" if ", _condition(new))
    changes = []
    for what in new[0].words:
        before, after = " or ".join(_words(old, what)), " or ".join(_words(new, what))
        if before != after:
            changes.append(f"{what} {after or 'none'}, was {before or 'none'}")
    before, after = _condition(old), _condition(new)
    if before != after:
        changes.append(f"{_spelt('if ', after) or 'without condition'}, was {_spelt('if ', before) or 'always'}")
    return "; ".join(changes)


def _words(several: Iterable[Told], what: str) -> list[str]:
    return sorted({one.words[what] for one in several if what in one.words})


def _condition(several: Sequence[Told]) -> str:
    """Under which conditions one of them counts; "" if one always does."""
    simple = simplify(any_of(one.condition for one in several))
    return "" if isinstance(simple, bool) else str(simple)


def _spelt(before: str, text: str) -> str:
    return before + text if text else ""
