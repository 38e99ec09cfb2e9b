"""What the catalogue's entries say of each symbol: over time, and at one release under what is known of a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from vdsocat.catalog.conditions import Condition, KernelFacts, all_of, any_of, simplify
from vdsocat.catalog.intervals import Bound, Interval, State, decide_any
from vdsocat.catalog.model import Abi, Area, AreaEntry, CatalogExport, Host, Source
from vdsocat.exports import KernelRelease

_RUN = {"native": "run natively", "compat": "run as compat"}
_CONDITIONAL = "conditional"


class SymbolState(NamedTuple):
    """The state of one symbol at a release, and the reason; `where` is as in Exported."""

    symbol: str | None
    function: str | None
    where: str | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exported:
    """One catalogue entry of an ABI, ELF symbol or entry point of a fixed page, in one form.

    `where` is the version node, or `AREA+0xOFFSET` for an entry point of a fixed page. `within` are the stretches in
    which there is the image, or the page, that it is in. `type` and `binding` are None for what is in no image.
    """

    abi: str
    symbol: str
    function: str
    where: str
    interval: Interval
    detail: str | None
    within: tuple[Interval, ...]
    type: str | None
    binding: str | None
    sources: tuple[Source, ...]
    note: str | None


def entries_of(abi: Abi, names: frozenset[str] | None = None) -> Iterator[Exported]:
    """All entries of an ABI whose symbol or function is among `names` (None: all of them)."""
    images = tuple(one.interval for one in abi.vdso)
    for entry in abi.exports:
        if names is None or entry.export.name in names or entry.function in names:
            yield _from_export(abi, entry, images)
    for area in abi.areas:
        for point in area.entries:
            if names is None or point.symbol in names or point.function in names:
                yield _from_area(abi, area, point)


def joined(entries: Iterable[Exported]) -> Iterator[Exported]:
    """The entries with those put together that differ in nothing asked for here, such as in the symbol type alone."""
    waiting: list[Exported] = []
    for one in entries:
        for position, earlier in enumerate(waiting):
            if earlier.interval.until == one.interval.since and _same_but_for_releases(earlier, one):
                stretch = replace(earlier.interval, until=one.interval.until)
                sources = tuple(dict.fromkeys(earlier.sources + one.sources))
                waiting[position] = replace(one, interval=stretch, sources=sources)
                break
        else:
            waiting.append(one)
    yield from waiting


def _same_but_for_releases(one: Exported, other: Exported) -> bool:
    same = replace(one, interval=other.interval, type=other.type, sources=other.sources, note=other.note) == other
    return same and one.interval.when == other.interval.when


def turning_points(abi: Abi) -> tuple[KernelRelease, ...]:
    """The releases, in order, at which anything that the entries of an ABI say may change."""
    intervals = [host.interval for host in abi.hosts] + [one.interval for one in abi.vdso]
    intervals += [one.interval for one in entries_of(abi)] + [area.interval for area in abi.areas]
    bounds = {bound for one in intervals for bound in (one.since, one.until) if bound is not None}
    return tuple(sorted({release for bound in bounds for release in bound.turning_points()}))


def states_of(
    abi: Abi, release: KernelRelease, facts: KernelFacts, hosts: Sequence[Host] | None = None
) -> Iterator[SymbolState]:
    """The state of each symbol of an ABI at a release; one of no symbol where no kernel of the release runs the ABI.

    `facts.mode` says how it is run, by any of the kernels that run it so, or by `hosts`.
    States are present, absent, `conditional` (it depends on something that is not
    known of the kernel or the machine) and unknown (the catalogue has not settled it).
    """
    if hosts is None:
        hosts = [host for host in abi.hosts if host.mode == facts.mode]
    run = tuple(host.interval for host in hosts)
    hosted = decide_any(run, release, facts)
    if hosted.state is State.ABSENT:
        reason = hosted.reason
        if not any(interval.covers(release) is not False for interval in run):
            stretches = "; ".join(dict.fromkeys(interval.spell_releases() for interval in run))
            reason = f"this ABI is {_RUN[facts.mode]} only {stretches}"
        yield SymbolState(None, None, None, str(State.ABSENT), reason)
        return
    groups: dict[tuple[str, str, str, tuple[Interval, ...]], list[Interval]] = {}
    for one in joined(entries_of(abi)):
        groups.setdefault((one.symbol, one.function, one.where, one.within), []).append(one.interval)
    for (symbol, function, where, within), intervals in groups.items():
        state, reason = _spell_state(intervals, release, facts)
        if state != State.ABSENT:
            image_state, image_reason = _spell_state(within, release, facts)
            if image_state != State.PRESENT:
                both = f"{image_reason}; {reason}" if state == _CONDITIONAL else f"{image_reason} ({reason})"
                state, reason = image_state, both
        yield SymbolState(symbol, function, where, state, reason)


def _spell_state(intervals: Sequence[Interval], release: KernelRelease, facts: KernelFacts) -> tuple[str, str]:
    """The state of the intervals taken together, with conditions that only a real kernel decides left standing."""
    decision = decide_any(tuple(intervals), release, facts)
    if decision.state is State.UNKNOWN:
        for interval in intervals:
            if interval.covers(release) and interval.when is not None and interval.when.decide(facts) is None:
                return _CONDITIONAL, f"if {interval.when}, {interval.spell_releases()}"
    return str(decision.state), decision.reason


def spell_condition(one: Exported) -> str | None:
    """What the symbol depends on, and what the image or the page that it is in depends on while it is there."""
    begun, ended = one.interval.since.after, one.interval.until
    outer = {
        str(place.when)
        for place in one.within
        if place.when and (ended is None or place.since.after < ended.after) and not _over(place, begun)
    }
    parts = [str(one.interval.when)] if one.interval.when else []
    parts += [f"image: {text}" for text in sorted(outer)]
    return "; ".join(parts) or one.detail


def effective_intervals(one: Exported) -> tuple[Interval, ...]:
    """When it can be found: the entry's own stretch within those of its image or page, conditions joined."""
    own = one.interval
    places: dict[tuple[Bound, Bound | None], list[Condition | None]] = {}
    for place in one.within or (own,):
        since = max(own.since, place.since, key=lambda bound: bound.after)
        ends = [until for until in (own.until, place.until) if until is not None]
        until = min(ends, key=lambda bound: bound.after, default=None)
        if until is None or since.after < until.after:
            places.setdefault((since, until), []).append(place.when if one.within else None)
    joined = {stretch: simplify(all_of((own.when, any_of(conditions)))) for stretch, conditions in places.items()}
    return tuple(
        Interval(since, until, None if condition is True else condition)
        for (since, until), condition in joined.items()
        if condition is not False
    )


def _over(stretch: Interval, release: KernelRelease) -> bool:
    return stretch.until is not None and stretch.until.after <= release


def _from_export(abi: Abi, entry: CatalogExport, images: tuple[Interval, ...]) -> Exported:
    export = entry.export
    return Exported(
        abi=abi.name,
        symbol=export.name,
        function=entry.function,
        where=export.version or "",
        interval=entry.interval,
        detail=f"alias of {entry.alias_of}" if entry.alias_of else None,
        within=images,
        type=str(export.type),
        binding=str(export.binding),
        sources=entry.sources,
        note=entry.note,
    )


def _from_area(abi: Abi, area: Area, point: AreaEntry) -> Exported:
    return Exported(
        abi=abi.name,
        symbol=point.symbol,
        function=point.function,
        where=area.name if point.offset is None else f"{area.name}+{point.offset:#x}",
        interval=point.interval,
        detail=None,
        within=(area.interval,),
        type=None,
        binding=None,
        sources=point.sources,
        note=point.note,
    )
