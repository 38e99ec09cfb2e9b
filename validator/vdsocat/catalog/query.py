"""Asking the catalogue: which ABIs export a function or symbol, under which name and version, since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.intervals import Interval, State, decide_any
from vdsocat.catalog.model import Abi, Area, AreaEntry, Catalog, CatalogExport
from vdsocat.exports import KernelRelease

ROW_COLUMNS = ("abi", "symbol", "version", "since", "until", "condition")
RELEASE_COLUMNS = ("abi", "mode", "symbol", "version", "state", "reason")
_CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Exported:
    """One catalogue entry, ELF symbol or entry point of a fixed page, in one form.

    `where` is the version node, or `AREA+0xOFFSET` for an entry point of a fixed page. `within` are the stretches in
    which there is the image, or the page, that it is in.
    """

    symbol: str
    function: str
    where: str
    interval: Interval
    detail: str | None
    within: tuple[Interval, ...]


def entries_of(abi: Abi, names: frozenset[str] | None = None) -> Iterator[Exported]:
    """All entries of an ABI whose symbol or function is among `names` (None: all of them)."""
    images = tuple(one.interval for one in abi.vdso)
    for entry in abi.exports:
        if names is None or entry.export.name in names or entry.function in names:
            yield _from_export(entry, images)
    for area in abi.areas:
        for point in area.entries:
            if names is None or point.symbol in names or point.function in names:
                yield _from_area(area, point)


def joined(entries: Iterable[Exported]) -> Iterator[Exported]:
    """The entries with those put together that differ in nothing asked for here, such as in the symbol type alone."""
    waiting: list[Exported] = []
    for one in entries:
        for position, earlier in enumerate(waiting):
            if earlier.interval.until == one.interval.since and _same_but_for_releases(earlier, one):
                stretch = replace(earlier.interval, until=one.interval.until)
                waiting[position] = replace(earlier, interval=stretch)
                break
        else:
            waiting.append(one)
    yield from waiting


def _same_but_for_releases(one: Exported, other: Exported) -> bool:
    return replace(one, interval=other.interval) == other and one.interval.when == other.interval.when


def rows_over_time(catalog: Catalog, names: frozenset[str], abis: Sequence[Abi]) -> Iterator[dict[str, str | None]]:
    """A row per entry, and one without a symbol for each ABI that never had any of the names."""
    for abi in abis:
        found = False
        for one in joined(entries_of(abi, names)):
            found = True
            yield {
                "abi": abi.name,
                "symbol": one.symbol,
                "function": one.function,
                "version": one.where,
                "since": str(one.interval.since),
                "since_date": catalog.releases.get(str(one.interval.since.after)),
                "until": str(one.interval.until) if one.interval.until else None,
                "condition": _spell_condition(one),
            }
        if not found:
            absent = ("symbol", "function", "version", "since", "since_date", "until", "condition")
            yield {"abi": abi.name, **dict.fromkeys(absent)}


def rows_at_release(
    names: frozenset[str], abis: Sequence[Abi], release: KernelRelease
) -> Iterator[dict[str, str | None]]:
    """For one kernel release: a row per ABI and symbol with its state and the reason.

    States are present, absent, `conditional` (it depends on the kernel's configuration or the machine) and unknown
    (the catalogue has not settled it). An ABI that kernels run natively and as compat has one row, of mode `both`,
    where they agree.
    """
    for abi in abis:
        by_mode = {mode: list(_states(abi, mode, names, release)) for mode in abi.modes()}
        merged: dict[tuple[str | None, ...], list[str]] = {}
        for mode, states in by_mode.items():
            for key in states:
                merged.setdefault(key, []).append(mode)
        for (symbol, where, state, reason), modes in merged.items():
            yield {
                "abi": abi.name,
                "mode": "both" if len(modes) > 1 else modes[0],
                "symbol": symbol,
                "version": where,
                "state": state,
                "reason": reason,
            }


def _states(
    abi: Abi, mode: str, names: frozenset[str], release: KernelRelease
) -> Iterator[tuple[str | None, str | None, str, str]]:
    facts = KernelFacts(mode)
    hosts = [host.interval for host in abi.hosts if host.mode == mode]
    if not any(interval.covers(release) is not False for interval in hosts):
        stretches = "; ".join(interval.spell_releases() for interval in hosts)
        yield None, None, str(State.ABSENT), f"Linux {release} does not run this ABI: {stretches}"
        return
    groups: dict[tuple[str, str, tuple[Interval, ...]], list[Interval]] = {}
    for one in joined(entries_of(abi, names)):
        groups.setdefault((one.symbol, one.where, one.within), []).append(one.interval)
    if not groups:
        yield None, None, str(State.ABSENT), "never exported by this ABI"
    for (symbol, where, within), intervals in groups.items():
        state, reason = _spell_state(intervals, release, facts)
        if state != State.ABSENT:
            image_state, image_reason = _spell_state(within, release, facts)
            if image_state != State.PRESENT:
                both = f"{image_reason}; {reason}" if state == _CONDITIONAL else f"{image_reason} ({reason})"
                state, reason = image_state, both
        yield symbol, where, state, reason


def _spell_state(intervals: Sequence[Interval], release: KernelRelease, facts: KernelFacts) -> tuple[str, str]:
    """The state of the intervals taken together, with conditions that only a real kernel decides left standing."""
    decision = decide_any(tuple(intervals), release, facts)
    if decision.state is State.UNKNOWN:
        for interval in intervals:
            if interval.covers(release) and interval.when is not None and interval.when.decide(facts) is None:
                return _CONDITIONAL, f"if {interval.when}, {interval.spell_releases()}"
    return str(decision.state), decision.reason


def _spell_condition(one: Exported) -> str | None:
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


def _over(stretch: Interval, release: KernelRelease) -> bool:
    return stretch.until is not None and stretch.until.after <= release


def _from_export(entry: CatalogExport, images: tuple[Interval, ...]) -> Exported:
    detail = f"alias of {entry.alias_of}" if entry.alias_of else None
    return Exported(entry.export.name, entry.function, entry.export.version or "", entry.interval, detail, images)


def _from_area(area: Area, point: AreaEntry) -> Exported:
    where = area.name if point.offset is None else f"{area.name}+{point.offset:#x}"
    return Exported(point.symbol, point.function, where, point.interval, None, (area.interval,))
