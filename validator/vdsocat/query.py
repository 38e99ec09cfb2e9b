"""Asking the catalogue: which ABIs export a function or symbol, under which name and version, since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vdsocat.catalog import Abi, AreaEntry, Catalog, CatalogExport
from vdsocat.conditions import KernelFacts
from vdsocat.exports import KernelRelease
from vdsocat.intervals import Decision, Interval, State, decide_any

ROW_COLUMNS = ("abi", "symbol", "version", "since", "until", "condition")
RELEASE_COLUMNS = ("abi", "mode", "symbol", "version", "state", "reason")


@dataclass(frozen=True, slots=True)
class Exported:
    """One catalogue entry, ELF symbol or entry point of a fixed page, in one form.

    `where` is the version node, or `AREA+0xOFFSET` for an entry point of a fixed page.
    """

    symbol: str
    function: str
    where: str
    interval: Interval
    detail: str | None
    in_image: bool


def entries_of(abi: Abi, names: frozenset[str] | None = None) -> Iterator[Exported]:
    """All entries of an ABI whose symbol or function is among `names` (None: all of them)."""
    for entry in abi.exports:
        if names is None or entry.export.name in names or entry.function in names:
            yield _from_export(entry)
    for area in abi.areas:
        for point in area.entries:
            if names is None or point.symbol in names or point.function in names:
                yield _from_area(area.name, point)


def rows_over_time(catalog: Catalog, names: frozenset[str], abis: Sequence[Abi]) -> Iterator[dict[str, str | None]]:
    """A row per entry, and one without a symbol for each ABI that never had any of the names."""
    for abi in abis:
        found = False
        for one in entries_of(abi, names):
            found = True
            yield {
                "abi": abi.name,
                "symbol": one.symbol,
                "function": one.function,
                "version": one.where,
                "since": str(one.interval.since),
                "since_date": catalog.releases.get(str(one.interval.since.after)),
                "until": str(one.interval.until) if one.interval.until else None,
                "condition": str(one.interval.when) if one.interval.when else one.detail,
            }
        if not found:
            yield dict.fromkeys(("symbol", "function", "version", "since", "since_date", "until", "condition")) | {
                "abi": abi.name,
                "symbol": "not exported",
            }


def rows_at_release(names: frozenset[str], abis: Sequence[Abi], release: KernelRelease) -> Iterator[dict[str, str | None]]:
    """For one kernel release: a row per ABI and symbol with its state (present, absent, unknown) and the reason.

    An ABI that kernels run natively and as compat has one row for both where they agree.
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
                "mode": ", ".join(modes),
                "symbol": symbol,
                "version": where,
                "state": state,
                "reason": reason,
            }


def _states(
    abi: Abi, mode: str, names: frozenset[str], release: KernelRelease
) -> Iterator[tuple[str | None, str | None, str, str]]:
    facts = KernelFacts(mode)
    hosted = decide_any(tuple(host.interval for host in abi.hosts if host.mode == mode), release, facts)
    if hosted.state is State.ABSENT:
        yield None, None, str(State.ABSENT), f"Linux {release} does not run this ABI: {hosted.reason}"
        return
    mapped = decide_any(tuple(one.interval for one in abi.vdso), release, facts)
    groups: dict[tuple[str, str, bool], list[Exported]] = {}
    for one in entries_of(abi, names):
        groups.setdefault((one.symbol, one.where, one.in_image), []).append(one)
    if not groups:
        yield None, None, str(State.ABSENT), "never exported by this ABI"
    for (symbol, where, in_image), entries in groups.items():
        decision = decide_any(tuple(one.interval for one in entries), release, facts)
        if in_image:
            decision = _both(mapped, decision)
        yield symbol, where, str(decision.state), decision.reason


def _both(image: Decision, symbol: Decision) -> Decision:
    """A symbol is there if the image is there and has it."""
    if symbol.state is State.ABSENT or image.state is State.PRESENT:
        return symbol
    if image.state is State.ABSENT or symbol.state is State.PRESENT:
        return Decision(image.state, f"the vDSO itself {image.reason}")
    return Decision(State.UNKNOWN, f"{symbol.reason}; the vDSO itself {image.reason}")


def _from_export(entry: CatalogExport) -> Exported:
    detail = f"alias of {entry.alias_of}" if entry.alias_of else None
    return Exported(entry.export.name, entry.function, entry.export.version or "", entry.interval, detail, True)


def _from_area(area: str, point: AreaEntry) -> Exported:
    where = area if point.offset is None else f"{area}+{point.offset:#x}"
    return Exported(point.symbol, point.function, where, point.interval, None, False)
