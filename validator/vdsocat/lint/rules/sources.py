"""Rules about where facts were read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vdsocat.documents import Place
from vdsocat.errors import did_you_mean
from vdsocat.lint.facts import facts
from vdsocat.lint.problem import CATALOG, LintInput, Problem, abi_file
from vdsocat.lint.proof import mainline_predecessors, proven_bounds

_FUNCTIONS = f"{CATALOG}functions.yaml"
_RELEASES = f"{CATALOG}releases.yaml"


def vague_sources(given: LintInput) -> Iterator[Problem]:
    """A source can be looked up: a commit or tag with the path that was read, a kernel, a binary or an address.

    A merge has no path of its own; it is cited for the release that it came with, and its note says that it is one.
    """
    for name, place, source in _sources(given):
        if not {"kernel", "binary", "url"} & source.keys():
            if not {"commit", "tag"} & source.keys():
                yield Problem(name, place, "names no commit, tag, kernel, binary or url.")
            elif "path" not in source and not source.get("note", "").startswith("merge of "):
                yield Problem(name, place, "names a tree, but no path in it.")


def unsourced_facts(given: LintInput) -> Iterator[Problem]:
    """A function and a date have a source too; for whatever stands in an ABI's file the schema asks for it."""
    for number, function in enumerate(given.documents[_FUNCTIONS]["functions"]):
        if not function.get("source"):
            yield Problem(_FUNCTIONS, ("functions", number), "has no source.")
    for number, release in enumerate(given.documents[_RELEASES]["releases"]):
        if "date" in release and not release["source"]:
            yield Problem(_RELEASES, ("releases", number), "has a date, but no source.")


def undescribed_sources(given: LintInput) -> Iterator[Problem]:
    """A source that dates are cited from by a name is described in the same file, once for all of them."""
    document = given.documents[_RELEASES]
    cited = set()
    for number, release in enumerate(document["releases"]):
        for source in release["source"]:
            if isinstance(source, str):
                cited.add(source)
                if source not in document["sources"]:
                    hint = did_you_mean(source, document["sources"])
                    yield Problem(_RELEASES, ("releases", number), f"nobody describes the source {source!r}{hint}")
    for name in document["sources"]:
        if name not in cited:
            yield Problem(_RELEASES, ("sources", name), "no release cites it.")


def unequal_commits(given: LintInput) -> Iterator[Problem]:
    """A commit is written with the same number of digits everywhere, so that searching for it finds every use."""
    first: dict[str, str] = {}
    for name, place, source in _sources(given):
        commit = source.get("commit")
        if commit and commit != first.setdefault(commit[:12], commit):
            yield Problem(name, place, f"commit {commit} is written {first[commit[:12]]} elsewhere.")


def repeated_sources(given: LintInput) -> Iterator[Problem]:
    """A fact names a source once."""
    for name, place, source in _sources(given):
        siblings = _at(given.documents[name], place[:-1])
        if source in siblings[: place[-1]]:
            yield Problem(name, place, "is there twice.")


def unproven_bounds(given: LintInput) -> Iterator[Problem]:
    """A release at which something came or went is proven: by the commit, or by two neighbouring release trees.

    What could not be settled is a pair of releases, and no claim.
    """
    predecessors = mainline_predecessors(given.catalog.releases)
    for abi in given.catalog.abis.values():
        for fact, key, proven in proven_bounds(list(facts(abi)), predecessors):
            bound = dict(fact.bounds())[key]
            if bound.before is None and not proven:
                before = predecessors.get(bound.after.mainline)
                text = f"{bound} needs the commit, or a source in {before} and one in {bound.after.mainline}."
                yield Problem(abi_file(abi), (*fact.place, key), text)


RULES = (
    vague_sources,
    unsourced_facts,
    undescribed_sources,
    unequal_commits,
    repeated_sources,
    unproven_bounds,
)


def _sources(given: LintInput) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Every item of every list called `source`, with its file and place."""
    for name, document in given.below(CATALOG).items():
        for place, source in _walk(document, ()):
            yield name, place, source


def _walk(value: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if place[-1:] == ("source",) and isinstance(inner, dict):
                yield (*place, number), inner
            else:
                yield from _walk(inner, (*place, number))


def _at(document: Any, place: Place) -> Any:
    for step in place:
        document = document[step]
    return document
