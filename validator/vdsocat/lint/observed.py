"""What the catalogue says of a kernel that was looked at, and where the look contradicts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.evidence import Observation, Sighting
from vdsocat.catalog.intervals import Interval, State
from vdsocat.catalog.model import Abi, CatalogExport


def spell_export(entry: CatalogExport) -> str:
    """An export as evidence spells it: "__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL"."""
    return f"{entry.export.versioned_name} {entry.export.type} {entry.export.binding}"


def state_at(interval: Interval, sighting: Sighting) -> State:
    """What the interval says for the kernel; UNKNOWN where it depends on what the sighting does not tell."""
    config = dict(sighting.config) if sighting.config is not None else None
    asked = interval.when.facts() if interval.when else ()
    told = config is not None and all(fact in config for fact in asked if fact.startswith("CONFIG_"))
    facts = KernelFacts(mode=sighting.mode, config=config if told else None)
    return interval.decide(sighting.parsed_release, facts).state


def contradictions(abi: Abi, observation: Observation) -> Iterator[str]:
    """What the look at one kernel contradicts, as ends of sentences: "exports x, which the catalogue does not have"."""
    seen, image = observation.sighting, observation.facts
    offered = _state(seen, (one.interval for one in abi.vdso))
    if image is None:
        if offered is State.PRESENT:
            yield "has no image, but the catalogue says that it has one"
        return
    if offered is State.ABSENT:
        yield "has an image, but the catalogue says that it has none"
    entries: dict[str, list[Interval]] = {}
    for entry in abi.exports:
        entries.setdefault(spell_export(entry), []).append(entry.interval)
    for spelled, intervals in entries.items():
        state = _state(seen, intervals)
        if state is State.PRESENT and spelled not in image.exports:
            yield f"does not export {spelled}"
        if state is State.ABSENT and spelled in image.exports:
            yield f"exports {spelled}, which the catalogue has for other releases or conditions only"
    for spelled in image.exports:
        if spelled not in entries and not spelled.startswith(("@", " ")):
            yield f"exports {spelled}, which the catalogue does not have"
    styles = [one for one in abi.hash_styles if state_at(one.interval, seen) is State.PRESENT]
    if styles and all(set(one.styles) != set(image.hash_styles) for one in styles):
        yield f"has the hash tables {', '.join(image.hash_styles)} instead of {', '.join(styles[0].styles)}"
    sonames = [one.soname for one in abi.vdso if state_at(one.interval, seen) is State.PRESENT and one.soname]
    if sonames and image.soname not in sonames:
        yield f"has the soname {image.soname} instead of {sonames[0]}"


def _state(sighting: Sighting, intervals: Iterable[Interval]) -> State:
    """Present if one interval says so, else unknown if one cannot tell."""
    states = {state_at(interval, sighting) for interval in intervals}
    return next((state for state in (State.PRESENT, State.UNKNOWN) if state in states), State.ABSENT)
