"""Rules about releases: the table of dates, and the releases that bounds name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Catalog
from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import facts, releases_of
from vdsocat.lint.problem import LintInput, Problem, abi_file

_RELEASES = "catalog/releases.yaml"


def undated_releases(given: LintInput) -> Iterator[Problem]:
    """Every mainline release that a bound names is listed, with its date or the reason for having none.

    So every since is also a date, and a release that never was, such as 2.6.40 or 4.21, is noticed.
    """
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            for key, bound in fact.bounds():
                for release in releases_of(bound):
                    if str(release.mainline) not in given.catalog.releases:
                        yield Problem(
                            abi_file(abi), (*fact.place, key), f"nobody dated release {release} ({_RELEASES})."
                        )


def undated_architectures(given: LintInput) -> Iterator[Problem]:
    """Every release at which an architecture came or went is listed too."""
    for number, architecture in enumerate(given.catalog.architectures.values()):
        interval = architecture.interval
        for key, bound in (("since", interval.since), ("until", interval.until)):
            for release in releases_of(bound) if bound else ():
                if str(release.mainline) not in given.catalog.releases:
                    place = ("architectures", number, key)
                    yield Problem("catalog/architectures.yaml", place, f"nobody dated release {release} ({_RELEASES}).")


def stable_bounds(given: LintInput) -> Iterator[Problem]:
    """A change is dated by the mainline release that has it; stable releases that took it over are its backports.

    A stable release as a bound would say that the next mainline release has the change because it is younger. Only
    what came and went within one stable series has such bounds: no mainline release ever had it.
    """
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            for key, bound in fact.bounds():
                if bound.after != bound.after.mainline and not _within_a_stable_series(fact.interval, given.catalog):
                    text = (
                        f"{bound.after} is a stable release; name the mainline release, and this one under backports."
                    )
                    yield Problem(abi_file(abi), (*fact.place, key), text)


def unsorted_releases(given: LintInput) -> Iterator[Problem]:
    """Releases stand in their order, and no mainline release is older than the one before it.

    Stable series run beside each other; of a stable release only its own mainline release is known to be older.
    """
    dates: dict[KernelRelease, str] = {}
    last: KernelRelease | None = None
    for number, (text, date) in enumerate(given.catalog.releases.items()):
        place = ("releases", number)
        release = KernelRelease.parse(text)
        if last is not None and release < last:
            yield Problem(_RELEASES, place, f"{release} stands after {last}.")
        last = release
        mainline = [one for one in dates if one == one.mainline]
        older = mainline[-1] if release == release.mainline and mainline else release.mainline
        if date is not None and date < dates.get(older, ""):
            yield Problem(_RELEASES, place, f"{release} is dated {date}, before {older} ({dates[older]}).")
        if date is not None:
            dates[release] = date


def missing_releases(given: LintInput) -> Iterator[Problem]:
    """The mainline releases of a series have no gap: between two that are listed, every one is."""
    listed = [KernelRelease.parse(text) for text in given.catalog.releases]
    mainline = sorted({release for release in listed if release == release.mainline})
    for one, other in pairwise(mainline):
        if one.parts[:-1] == other.parts[:-1] and other.parts[-1] != one.parts[-1] + 1:
            yield Problem(_RELEASES, (), f"there are mainline releases between {one} and {other}, but none is listed.")


RULES = (
    undated_releases,
    undated_architectures,
    stable_bounds,
    unsorted_releases,
    missing_releases,
)


def _within_a_stable_series(interval: Interval | None, catalog: Catalog) -> bool:
    """Whether the stretch ends with the mainline release that follows the one whose stable series it began in."""
    if interval is None or interval.until is None:
        return False
    series = interval.since.after.mainline
    younger = (KernelRelease.parse(text).mainline for text in catalog.releases)
    following = min((release for release in younger if release > series), default=None)
    return interval.until.after == following or interval.until.after.mainline == series
