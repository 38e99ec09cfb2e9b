"""Facts that no kernel within reach can show: the reasons, and which facts each of them is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vdsocat.exports import KernelRelease
from vdsocat.lint.facts import Fact

UNOBSERVABLE = "catalog/unobservable.yaml"


@dataclass(frozen=True, slots=True)
class Unobservable:
    """A reason, and the facts it is for: those that fit all fields that are not None."""

    reason: str
    abis: tuple[str, ...] | None = None
    facts: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    gone_by: KernelRelease | None = None
    since: KernelRelease | None = None

    def fits(self, fact: Fact) -> bool:
        """Whether the reason is for this fact."""
        wanted = ((self.abis, fact.abi.name), (self.facts, fact.kind), (self.names, fact.subject))
        if any(some is not None and one not in some for some, one in wanted):
            return False
        if self.since is not None and (fact.interval is None or fact.interval.since.after != self.since):
            return False
        if self.gone_by is None:
            return True
        until = fact.interval.until if fact.interval else None
        return until is not None and until.after <= self.gone_by


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
            gone_by=release(raw, "gone_by"),
            since=release(raw, "since"),
        )
        for raw in document.get("unobservable", ())
    )
