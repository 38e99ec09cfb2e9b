"""Where a look at a real kernel contradicts the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vdsocat.catalog.defects import Defect
from vdsocat.catalog.evidence import Observation, Sighting
from vdsocat.catalog.intervals import Interval, State, decide_any
from vdsocat.catalog.model import Abi, CatalogExport
from vdsocat.judging.evidence import judge_observation
from vdsocat.judging.finding import Verdict


def spell_export(entry: CatalogExport) -> str:
    """An export as evidence spells it: "__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL"."""
    return f"{entry.export.versioned_name} {entry.export.type} {entry.export.binding}"


def contradictions(abi: Abi, observation: Observation, defects: tuple[Defect, ...]) -> Iterator[str]:
    """What the look at one kernel contradicts: of an image as the judge puts it, and what a process is told of it."""
    for finding in judge_observation(observation, abi, defects):
        if finding.verdict in (Verdict.FAIL, Verdict.REVIEW):
            yield finding.sentence()
    seen = observation.sighting
    if seen.auxv is not None:
        yield from _contradicted_names(seen.auxv, ((one.tag, one.interval) for one in abi.auxv), seen)
    if seen.mappings is not None:
        named = [(one.name, one.interval) for one in abi.mappings]
        named += [(area.mapping, area.interval) for area in abi.areas if area.mapping is not None]
        yield from _contradicted_names(seen.mappings, named, seen)


def _contradicted_names(told: tuple[str, ...], stated: Iterable[tuple[str, Interval]], seen: Sighting) -> Iterator[str]:
    """Names that a process was told although the catalogue does not have them there, and the other way round."""
    intervals: dict[str, list[Interval]] = {}
    for name, interval in stated:
        intervals.setdefault(name, []).append(interval)
    for name in dict.fromkeys((*intervals, *told)):
        decision = decide_any(tuple(intervals.get(name, ())), seen.parsed_release, seen.facts)
        if decision.state is State.PRESENT and name not in told:
            yield f"{name}: a process was not told of it ({decision.reason})"
        if decision.state is State.ABSENT and name in told:
            yield f"{name}: a process was told of it ({decision.reason})"
