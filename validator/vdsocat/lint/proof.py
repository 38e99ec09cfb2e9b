"""Which bounds are proven: by the commit that made the change, or by two neighbouring release trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.model import Source
from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import Fact

# What a fact is part of, and may have come or gone with.
_WHOLES = {
    "exports": ("vdso",),
    "hash": ("vdso",),
    "auxv": ("vdso",),
    "mappings": ("vdso", "areas"),
    "entries": ("areas",),
    "vdso": ("hosts",),
    "areas": ("hosts",),
}


def can_be_looked_up(source: Source) -> bool:
    """Whether a source says where to look: a commit or tag with a path, a kernel, a binary or an address."""
    return bool(source.kernel or source.binary or source.url or ((source.commit or source.tag) and source.path))


def mainline_predecessors(releases: Mapping[str, str | None]) -> dict[KernelRelease, KernelRelease | None]:
    """For each mainline release of catalog/releases.yaml the one before it, None for the first."""
    listed = sorted({KernelRelease.parse(text).mainline for text in releases})
    return {later: earlier for earlier, later in pairwise(listed)} | {listed[0]: None}


def proven_bounds(
    facts: list[Fact], predecessors: Mapping[KernelRelease, KernelRelease | None]
) -> Iterator[tuple[Fact, str, bool]]:
    """Each bound of an ABI's facts, by its key, and whether it is proven; a pair of releases is not.

    A fact may lean on another: an export that is there since the first image is, needs no proof but the image's; and
    where one entry ends as the next of the same thing begins, the proof of either is enough.
    """
    proven: set[tuple[str, str, KernelRelease]] = set()
    for fact in facts:
        for _, bound in fact.bounds():
            if _proves(fact.sources, bound, predecessors):
                proven |= {(fact.kind, _thing(fact), bound.after), (fact.kind, "", bound.after)}
    for fact in facts:
        for key, bound in fact.bounds():
            own = (fact.kind, _thing(fact), bound.after)
            wholes = {(whole, "", bound.after) for whole in _WHOLES.get(fact.kind, ())}
            first = predecessors.get(bound.after.mainline, bound.after) is None
            settled = bound.before is None
            yield fact, key, settled and (first or own in proven or not proven.isdisjoint(wholes))


def _thing(fact: Fact) -> str:
    """What changes when a fact ends and the next begins: an image has one soname and one set of hash tables."""
    return "" if fact.kind in ("vdso", "hash") else fact.subject


def _proves(
    sources: tuple[Source, ...], bound: Bound, predecessors: Mapping[KernelRelease, KernelRelease | None]
) -> bool:
    if bound.before is not None:
        return False
    if any(source.commit and source.path for source in sources):
        return True
    trees = {KernelRelease.parse(source.tag).mainline for source in sources if source.tag}
    return bound.after.mainline in trees and predecessors.get(bound.after.mainline) in trees
