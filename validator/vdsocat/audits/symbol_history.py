"""The catalogue's entries for one symbol of an ABI, taken together over all releases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Source
from vdsocat.exports import KernelRelease

_PREFIXES = ("__vdso_", "__kernel_")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the catalogue: an ELF symbol with its version, or an entry point with its offset in bytes."""

    interval: Interval
    sources: tuple[Source, ...]
    version: str | None = None
    offset: int | None = None
    alias_of: str | None = None


@dataclass(frozen=True, slots=True)
class SymbolHistory:
    """All entries of a symbol; `within` are the stretches in which there is the image or the page that it is in."""

    symbol: str
    function: str
    entries: tuple[Entry, ...]
    within: tuple[Interval, ...]

    @property
    def begin(self) -> Bound:
        """When the symbol first came."""
        return min((entry.interval.since for entry in self.entries), key=lambda bound: bound.after)

    def first(self) -> tuple[Entry, ...]:
        """The entries with which it first came."""
        return tuple(entry for entry in self.entries if entry.interval.since == self.begin)

    def end(self, release: KernelRelease) -> Bound | None:
        """Since when it is gone, seen from a release; None where it is there, has not come yet, or may be there."""
        return last_end([entry.interval for entry in self.entries], release)

    def present(self, release: KernelRelease) -> bool | None:
        """Whether kernels of the release have it, whatever the conditions; None where the catalogue cannot tell."""
        answers = (covered([one.interval for one in self.entries], release), covered(self.within, release))
        return False if False in answers else None if None in answers else True

    def standing(self, release: KernelRelease) -> tuple[Entry, ...]:
        """The entries that may hold in the release, or all of them where none does."""
        return tuple(one for one in self.entries if one.interval.covers(release) is not False) or self.entries


def histories(abi: Abi, area_kind: str | None = None) -> dict[str, SymbolHistory]:
    """The ELF symbols of an ABI, or the entry points of its areas of one kind, in the catalogue's order."""
    found: dict[str, SymbolHistory] = {}
    if area_kind is None:
        images = tuple(one.interval for one in abi.vdso)
        for one in abi.exports:
            entry = Entry(one.interval, one.sources, version=one.export.version, alias_of=one.alias_of)
            _add(found, SymbolHistory(one.export.name, one.function, (entry,), images))
    for area in abi.areas:
        if area.kind == area_kind:
            for point in area.entries:
                entry = Entry(point.interval, point.sources, offset=point.offset)
                _add(found, SymbolHistory(point.symbol, point.function, (entry,), (area.interval,)))
    return found


def sources_of(entries: Iterable[Entry]) -> tuple[Source, ...]:
    """Where the entries are known from, each source once, commits first."""
    return commits_first(source for entry in entries for source in entry.sources)


def sources_of_end(entries: Iterable[Entry]) -> tuple[Source, ...]:
    """The same for the end of the entries: the catalogue names sources by age, so the last ones are on the end."""
    return commits_first(source for entry in reversed(tuple(entries)) for source in reversed(entry.sources))


def commits_first(sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources, each once, those that name a commit before the others."""
    return tuple(sorted(dict.fromkeys(sources), key=lambda source: source.commit is None))


def stem(symbol: str) -> str:
    """A symbol without its prefix."""
    for prefix in _PREFIXES:
        if symbol.startswith(prefix):
            return symbol.removeprefix(prefix)
    return symbol


def covered(intervals: Sequence[Interval], release: KernelRelease) -> bool | None:
    """Whether one of the stretches has the release; None where that is not settled."""
    answers = [interval.covers(release) for interval in intervals]
    return True if True in answers else None if None in answers else False


def last_end(intervals: Sequence[Interval], release: KernelRelease) -> Bound | None:
    """The end of the last stretch, if all that had begun by the release were over by then."""
    begun = [interval for interval in intervals if interval.since.passed(release) is not False]
    if not begun or any(one.until is None or one.until.passed(release) is not True for one in begun):
        return None
    ends = (one.until for one in begun if one.until is not None)
    # Of two at the same release, the one that no older stable kernel took over is the last.
    return max(ends, key=lambda bound: (bound.after, -len(bound.backports)))


def _add(found: dict[str, SymbolHistory], one: SymbolHistory) -> None:
    earlier = found.get(one.symbol)
    if earlier is not None:
        within = tuple(dict.fromkeys((*earlier.within, *one.within)))
        one = SymbolHistory(one.symbol, earlier.function, (*earlier.entries, *one.entries), within)
    found[one.symbol] = one
