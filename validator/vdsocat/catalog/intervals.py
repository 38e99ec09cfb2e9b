"""Stretches of kernel releases: when something began, when it ended, and under which condition it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.exports import KernelRelease


class State(StrEnum):
    """Whether the catalogue says that something is there."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bound:
    """A release at which something changed: it still was the old way in `before`, and is the new way in `after`.

    `before` is None when the change is known to have come with `after`; otherwise nothing is known of the
    releases between the two. `backports` are stable releases of older mainline releases that took the change over.
    """

    after: KernelRelease
    before: KernelRelease | None = None
    backports: tuple[KernelRelease, ...] = ()

    @classmethod
    def parse(cls, raw: str | list[str] | Mapping[str, Any]) -> Bound:
        """Read "5.11", ["5.9", "5.11"] or {release: "6.13", backports: ["6.12.2"]}; ValueError for anything else."""
        if isinstance(raw, str):
            return cls(KernelRelease.parse(raw))
        if isinstance(raw, Mapping):
            return cls(KernelRelease.parse(raw["release"]), backports=tuple(map(KernelRelease.parse, raw["backports"])))
        before, after = raw
        return cls(KernelRelease.parse(after), KernelRelease.parse(before))

    def passed(self, release: KernelRelease) -> bool | None:
        """True at and after the change, False before it, None where the catalogue has not settled it."""
        if release >= self.after:
            return True
        if any(release.mainline == stable.mainline and release >= stable for stable in self.backports):
            return True
        if self.before is None:
            return False
        settled = KernelRelease(release.parts[: len(self.before.parts)]) <= self.before
        return False if settled else None

    def turning_points(self) -> tuple[KernelRelease, ...]:
        """The releases at which `passed` may change, in no order."""
        points = [self.after]
        if self.before is not None:
            points.append(_following(self.before))
        for stable in self.backports:
            points += [stable, _following(stable.mainline)]
        return tuple(points)

    def __str__(self) -> str:
        return str(self.after) if self.before is None else f"{self.before}…{self.after}"


@dataclass(frozen=True, slots=True)
class Decision:
    """A state with the reason for it."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open stretch [since, until) of releases, and the condition under which it counts."""

    since: Bound
    until: Bound | None = None
    when: Condition | None = None

    @classmethod
    def from_document(cls, raw: Mapping[str, Any]) -> Interval:
        """The stretch of an entry of the catalogue's files, by its keys since, until and when."""
        return cls(
            since=Bound.parse(raw["since"]),
            until=Bound.parse(raw["until"]) if "until" in raw else None,
            when=Condition(raw["when"]) if "when" in raw else None,
        )

    def covers(self, release: KernelRelease) -> bool | None:
        """Whether the release lies in the stretch, whatever the condition; None where a bound is not settled."""
        begun = self.since.passed(release)
        ended = False if self.until is None else self.until.passed(release)
        if begun is False or ended is True:
            return False
        return None if begun is None or ended is None else True

    def decide(self, release: KernelRelease, facts: KernelFacts) -> Decision:
        """Whether it is there in this release under these facts, and why."""
        covered = self.covers(release)
        if covered is False:
            begun = self.since.passed(release)
            return Decision(State.ABSENT, f"not before {self.since}" if begun is False else f"gone since {self.until}")
        holds = True if self.when is None else self.when.decide(facts)
        if holds is False:
            assert self.when is not None
            return Decision(State.ABSENT, f"needs {self.when} ({self.when.deciding(facts)})")
        if covered is None:
            return Decision(State.UNKNOWN, f"the catalogue has not settled the release: {self.spell_releases()}")
        if holds is None:
            assert self.when is not None
            return Decision(State.UNKNOWN, f"depends on {self.when} ({self.when.deciding(facts)})")
        return Decision(State.PRESENT, self.spell_releases() + (f", {self.when}" if self.when else ""))

    def spell_releases(self) -> str:
        """The stretch in words: `since 5.11`, `from 2.6.15 until 5.8`."""
        if self.until is None:
            return f"since {self.since}"
        return f"from {self.since} until {self.until}"


def _following(release: KernelRelease) -> KernelRelease:
    """The release after this one and all that are numbered below it: 6.7 after 6.6, 6.6.65 after 6.6.64."""
    return KernelRelease((*release.parts[:-1], release.parts[-1] + 1))


def decide_any(intervals: tuple[Interval, ...], release: KernelRelease, facts: KernelFacts) -> Decision:
    """The decision of the intervals taken together: present if one says so, else unknown if one cannot tell."""
    decisions = [interval.decide(release, facts) for interval in intervals]
    for state in (State.PRESENT, State.UNKNOWN):
        for decision in decisions:
            if decision.state is state:
                return decision
    relevant = [
        decision
        for interval, decision in zip(intervals, decisions, strict=True)
        if interval.covers(release) is not False
    ]
    reasons = "; ".join(dict.fromkeys(decision.reason for decision in relevant or decisions))
    return Decision(State.ABSENT, reasons or "no entry in the catalogue")
