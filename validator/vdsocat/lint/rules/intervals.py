"""Rules about stretches of releases: their order, and how they lie to each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from vdsocat.catalog.intervals import Interval
from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import Fact, facts
from vdsocat.lint.problem import LintInput, Problem, abi_file
from vdsocat.lint.stretches import lies_within, stretches_meet


def reversed_intervals(given: LintInput) -> Iterator[Problem]:
    """since comes before until, and the first of a pair before the second."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            for key, bound in fact.bounds():
                if bound.before is not None and bound.before >= bound.after:
                    yield Problem(abi_file(abi), (*fact.place, key), f"the pair {bound} is not in order.")
            interval = fact.interval
            if interval and interval.until and interval.since.after >= interval.until.after:
                text = f"since {interval.since} is not before until {interval.until}."
                yield Problem(abi_file(abi), fact.place, text)


def misplaced_backports(given: LintInput) -> Iterator[Problem]:
    """A backport is a stable release of a mainline release older than the one that brought the change."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            for key, bound in fact.bounds():
                for backport in bound.backports:
                    if backport.mainline >= bound.after.mainline:
                        text = f"{backport} is no backport of a change that came with {bound.after}."
                        yield Problem(abi_file(abi), (*fact.place, key), text)


def overlapping_intervals(given: LintInput) -> Iterator[Problem]:
    """Two entries for the same thing do not claim the same releases under the same condition.

    The same thing: a symbol with its version, a host, an auxv tag, a mapping; and one ABI has one soname and one
    set of hash tables at a time.
    """
    for abi in given.catalog.abis.values():
        for one, other in combinations(facts(abi), 2):
            if _identity(one) is None or _identity(one) != _identity(other):
                continue
            assert one.interval and other.interval
            if _conditions_meet(one.interval, other.interval) and stretches_meet(one.interval, other.interval):
                spans = f"{one.interval.spell_releases()}; {other.interval.spell_releases()}"
                yield Problem(abi_file(abi), other.place, f"two entries of {other.name} overlap ({spans}).")


def disordered_intervals(given: LintInput) -> Iterator[Problem]:
    """The entries of one symbol stand in the order of their releases, so that they read as its history."""
    for abi in given.catalog.abis.values():
        newest: dict[str, KernelRelease] = {}
        for fact in facts(abi):
            if fact.kind not in ("exports", "entries") or fact.interval is None:
                continue
            since = fact.interval.since.after
            if since < newest.setdefault(fact.name, since):
                yield Problem(abi_file(abi), fact.place, f"since {since} stands after since {newest[fact.name]}.")
            newest[fact.name] = max(since, newest[fact.name])


def exports_outside_images(given: LintInput) -> Iterator[Problem]:
    """Whatever an image is said to have lies within the releases that have an image (`vdso`)."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            if (
                fact.kind in ("exports", "hash")
                and fact.interval
                and not lies_within(fact.interval, [one.interval for one in abi.vdso])
            ):
                spans = "; ".join(one.interval.spell_releases() for one in abi.vdso) or "never"
                text = f"is there {_spell(fact)}, but the ABI has an image {spans}."
                yield Problem(abi_file(abi), fact.place, text)


def entries_outside_areas(given: LintInput) -> Iterator[Problem]:
    """An entry of a fixed page lies within the releases that have the page."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            if fact.kind == "entries" and fact.interval:
                area = abi.areas[int(fact.place[1])]
                if not lies_within(fact.interval, [area.interval]):
                    text = f"is there {_spell(fact)}, but {area.name} {area.interval.spell_releases()}."
                    yield Problem(abi_file(abi), fact.place, text)


RULES = (
    reversed_intervals,
    misplaced_backports,
    overlapping_intervals,
    disordered_intervals,
    exports_outside_images,
    entries_outside_areas,
)


def _identity(fact: Fact) -> tuple[str, ...] | None:
    """What there may be only once at a time."""
    match fact.kind:
        case "exports":
            return "exports", fact.name, fact.entry.export.version
        case "entries":
            return "entries", str(fact.place[1]), fact.name
        case "vdso" | "hash":
            return (fact.kind,)
        case "hosts" | "auxv" | "mappings":
            return fact.kind, fact.name
    return None


def _spell(fact: Fact) -> str:
    return fact.interval.spell_releases() if fact.interval else "always"


def _conditions_meet(one: Interval, other: Interval) -> bool:
    """Whether both may hold at once, as far as the texts tell: they are equal, or one is unconditional."""
    return one.when is None or other.when is None or str(one.when) == str(other.when)
