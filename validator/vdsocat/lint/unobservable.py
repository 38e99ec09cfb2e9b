"""Facts that no kernel within reach can show: the reasons, and which facts each of them is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vdsocat.catalog.evidence import AbiEvidence, Observation
from vdsocat.catalog.intervals import State
from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import Fact

UNOBSERVABLE = "catalog/unobservable.yaml"


@dataclass(frozen=True, slots=True)
class Unobservable:
    """A reason, and the facts it is for: those that fit all fields that are not None.

    With `unreached` these are facts about kernels of which none was looked at, while some others of the ABI were: a
    sweep looks at every kernel within reach.
    """

    reason: str
    abis: tuple[str, ...] | None = None
    facts: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    since: KernelRelease | None = None
    unreached: bool = False

    def fits(self, fact: Fact, evidence: AbiEvidence) -> bool:
        """Whether the reason is for this fact, given what is known of its ABI."""
        wanted = ((self.abis, fact.abi.name), (self.facts, fact.kind), (self.names, fact.subject))
        if any(some is not None and one not in some for some, one in wanted):
            return False
        if self.since is not None and (fact.interval is None or fact.interval.since.after != self.since):
            return False
        if not self.unreached:
            return True
        return any(_able_to_show(fact, evidence)) and not any(observations_about(fact, evidence))


def observations_about(fact: Fact, evidence: AbiEvidence) -> Iterator[Observation]:
    """The looks at kernels that a fact may hold for, by their release, mode and configuration.

    None for a convention, which holds for functions and not for releases.
    """
    for one in _able_to_show(fact, evidence):
        if fact.interval is None or (fact.kind == "hosts" and fact.entry.mode != one.sighting.mode):
            continue
        decision = fact.interval.decide(one.sighting.parsed_release, one.sighting.facts)
        if decision.state is not State.ABSENT:
            yield one


def _able_to_show(fact: Fact, evidence: AbiEvidence) -> Iterator[Observation]:
    """The looks that go as far as such a fact: what a process gets shows in a booted kernel only."""
    of_a_process = fact.kind in ("auxv", "mappings", "areas")
    return (one for one in evidence.observations if not of_a_process or one.sighting.mappings is not None)


def unobservable_from_document(document: Mapping[str, Any]) -> tuple[Unobservable, ...]:
    """The reasons of catalog/unobservable.yaml (schemas/unobservable.schema.json), in its order."""

    def names(raw: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
        return tuple(raw[key]) if key in raw else None

    def release(raw: Mapping[str, Any], key: str) -> KernelRelease | None:
        return KernelRelease.parse(raw[key]) if key in raw else None

    return tuple(
        Unobservable(
            reason=raw["reason"],
            abis=names(raw, "abis"),
            facts=names(raw, "facts"),
            names=names(raw, "names"),
            since=release(raw, "since"),
            unreached=raw.get("unreached", False),
        )
        for raw in document.get("unobservable", ())
    )
