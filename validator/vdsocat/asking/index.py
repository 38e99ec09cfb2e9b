"""Making the index of the catalogue: everything that a question needs, worked out once, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vdsocat.asking.index_file import read_index, stamps_of, write_index
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.evidence import AbiEvidence, Evidence
from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.model import Abi, Catalog, Provider
from vdsocat.catalog.query import Exported, entries_of, joined, spell_condition, states_of, turning_points
from vdsocat.exports import KernelRelease
from vdsocat.release_numbers import padded

_BEFORE_ALL = KernelRelease((0, 0))


def load_index(catalog_root: Path, cache: Path) -> dict[str, Any]:
    """The index of the catalogue, made and kept if the one in the cache is not current.

    InputError where a file of the catalogue does not conform to its schema.
    """
    index = read_index(str(catalog_root), str(cache))
    if index is None:
        stamps = stamps_of(str(catalog_root))
        index = index_of(load_catalog(catalog_root, cache), Evidence(catalog_root))
        write_index({**index, "stamps": stamps}, str(catalog_root), str(cache))
    return index


def index_of(catalog: Catalog, evidence: Evidence) -> dict[str, Any]:
    """The index of a catalogue, of types that `marshal` keeps; vdsocat.asking.answer tells what is where."""
    abis = catalog.sorted_abis()
    rows = [row for abi in abis for row in _rows(abi, catalog.releases, evidence.of(abi.name))]
    providers = {one.name: list(_provider_rows(one)) for one in catalog.providers.values()}
    dated = ((date, release) for release, date in catalog.releases.items() if date and _is_mainline(release))
    return {
        "abis": {abi.name: (abi.modes(), tuple(dict.fromkeys(host.kernel for host in abi.hosts))) for abi in abis},
        "abi_names": {name.lower(): abi.name for abi in abis for name in (abi.name, *abi.aliases)},
        "architectures": dict(_architectures(catalog)),
        "releases": [(release, date) for date, release in sorted(dated)],
        "names": sorted(catalog.searchable_names),
        "nodes": sorted({row[3] for row in (*rows, *(row for offered in providers.values() for row in offered))}),
        "rows": rows,
        "states": {abi.name: {mode: list(_states(abi, mode)) for mode in abi.modes()} for abi in abis},
        "providers": providers,
    }


def _architectures(
    catalog: Catalog,
) -> Iterator[tuple[str, tuple[tuple[int, ...], tuple[int, ...] | None, str | None]]]:
    for one in catalog.architectures.values():
        until = one.interval.until
        yield one.name, (padded(one.interval.since.after.parts), padded(until.after.parts) if until else None, one.none)


def _rows(abi: Abi, dates: Mapping[str, str | None], evidence: AbiEvidence) -> Iterator[tuple[str | None, ...]]:
    """ROW_FIELDS of each entry."""
    for one in joined(entries_of(abi)):
        since, until = one.interval.since, one.interval.until
        yield (
            abi.name, one.symbol, one.function, one.where, one.type, one.binding,
            str(since), dates.get(str(since.after)),
            str(until) if until else None, dates.get(str(until.after)) if until else None,
            spell_condition(one), last_observed(one, evidence),
        )  # fmt: skip


def last_observed(one: Exported, evidence: AbiEvidence) -> str | None:
    """The newest release of an entry's stretch that a real kernel was seen to export it in; None if none was."""
    sightings = evidence.seen(one.symbol, one.where)
    releases = [sighting.parsed_release for sighting in sightings if one.interval.covers(sighting.parsed_release)]
    return str(max(releases)) if releases else None


def _provider_rows(provider: Provider) -> Iterator[tuple[str | None, ...]]:
    """PROVIDER_FIELDS of each entry, in the provider's own releases."""
    for offered in provider.abis:
        for entry in offered.exports:
            interval = entry.interval
            since = None if interval.since.after == _BEFORE_ALL else str(interval.since)
            until = str(interval.until) if interval.until else None
            yield (
                offered.abi, entry.export.name, entry.function, entry.export.version or "",
                str(entry.export.type), str(entry.export.binding), since, until,
            )  # fmt: skip


def _states(abi: Abi, mode: str) -> Iterator[tuple[Any, list[tuple[int, ...]], list[tuple[str, str] | None]]]:
    """For each symbol the releases from which on its state and reason are others; None where nothing is to be said.

    The kernel is taken to be started without parameters.
    """
    points = (_BEFORE_ALL, *turning_points(abi))
    at_points = [
        {one[:3]: one[3:] for one in states_of(abi, release, KernelFacts(mode, parameters={}))} for release in points
    ]
    for symbol in dict.fromkeys(symbol for states in at_points for symbol in states):
        keys: list[tuple[int, ...]] = []
        states: list[tuple[str, str] | None] = []
        for release, at_point in zip(points, at_points, strict=True):
            state = at_point.get(symbol)
            if not states or states[-1] != state:
                keys.append(padded(release.parts))
                states.append(state)
        yield symbol, keys, states


def _is_mainline(release: str) -> bool:
    parsed = KernelRelease.parse(release)
    return parsed == parsed.mainline
