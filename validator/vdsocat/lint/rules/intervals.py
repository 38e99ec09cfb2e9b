"""Rules about stretches of releases: their order, and how they lie to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from vdsocat.catalog.intervals import Interval
from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import Fact, facts
from vdsocat.lint.problem import LintInput, Problem, abi_file
from vdsocat.lint.stretches import lies_within, stretches_meet


def reversed_intervals(given: LintInput) -> Iterator[Problem]:
    """since comes before until, and the first of a pair before the second.

    The two are the same release where only stable kernels of older ones, since's backports, ever had it.
    """
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            for key, bound in fact.bounds():
                if bound.before is not None and bound.before >= bound.after:
                    yield Problem(abi_file(abi), (*fact.place, key), f"the pair {bound} is not in order.")
            interval = fact.interval
            if interval is None or interval.until is None:
                continue
            since, until = interval.since, interval.until
            if since.after > until.after or (since.after == until.after and not since.backports):
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
                spans = _spell_all(one.interval for one in abi.vdso)
                text = f"is there {_spell(fact)}, but the ABI has an image {spans}."
                yield Problem(abi_file(abi), fact.place, text)


def mappings_outside_images(given: LintInput) -> Iterator[Problem]:
    """A process is told of an image, or shown pages with a name, only while there is an image or a fixed page."""
    for abi in given.catalog.abis.values():
        offered = [one.interval for one in abi.vdso] + [area.interval for area in abi.areas]
        for fact in facts(abi):
            if fact.kind in ("auxv", "mappings") and fact.interval and not lies_within(fact.interval, offered):
                text = f"{fact.name} is there {_spell(fact)}, but images and pages {_spell_all(offered)}."
                yield Problem(abi_file(abi), fact.place, text)


def images_outside_hosts(given: LintInput) -> Iterator[Problem]:
    """An image or a fixed page is there only in releases that have a kernel to map it."""
    for abi in given.catalog.abis.values():
        hosts = [host.interval for host in abi.hosts]
        for fact in facts(abi):
            if fact.kind in ("vdso", "areas") and fact.interval and not lies_within(fact.interval, hosts):
                text = f"is there {_spell(fact)}, but its hosts {_spell_all(hosts)}."
                yield Problem(abi_file(abi), fact.place, text)


def images_without_hash_tables(given: LintInput) -> Iterator[Problem]:
    """Where hash tables are recorded, they are for every release that has an image: none can do without."""
    for abi in given.catalog.abis.values():
        tables = [one.interval for one in abi.hash_styles]
        for number, one in enumerate(abi.vdso):
            if tables and not lies_within(one.interval, tables):
                text = f"is there {one.interval.spell_releases()}, but its hash tables {_spell_all(tables)}."
                yield Problem(abi_file(abi), ("vdso", number), text)


def conditions_of_no_host(given: LintInput) -> Iterator[Problem]:
    """A condition asks for native or compat only where some host runs the ABI that way."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            asked = set(fact.interval.when.facts()) if fact.interval and fact.interval.when else set()
            for mode in sorted(asked & {"native", "compat"} - set(abi.modes())):
                yield Problem(abi_file(abi), (*fact.place, "when"), f"no host runs the ABI as {mode}.")


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
    mappings_outside_images,
    entries_outside_areas,
    images_outside_hosts,
    images_without_hash_tables,
    conditions_of_no_host,
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


def _spell_all(intervals: Iterable[Interval]) -> str:
    return "; ".join(one.spell_releases() for one in intervals) or "never"


def _conditions_meet(one: Interval, other: Interval) -> bool:
    """Whether both may hold at once, as far as the texts tell: they are equal, or one is unconditional."""
    return one.when is None or other.when is None or str(one.when) == str(other.when)
