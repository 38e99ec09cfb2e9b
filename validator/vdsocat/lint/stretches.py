"""How stretches of releases lie to each other, where a bound may be a pair of releases."""

from __future__ import annotations

from collections.abc import Iterable

from vdsocat.catalog.intervals import Interval


def stretches_meet(one: Interval, other: Interval) -> bool:
    """Whether some release is in both, every change taken to have come with the later release of its pair."""

    def begins_before_end(first: Interval, second: Interval) -> bool:
        return second.until is None or first.since.after < second.until.after

    return begins_before_end(one, other) and begins_before_end(other, one)


def stretches_may_meet(one: Interval, other: Interval) -> bool:
    """Whether some release may be in both: a pair is taken to have begun, or to have ended, as it suits."""

    def may_begin_before_end(first: Interval, second: Interval) -> bool:
        if second.until is None:
            return True
        if first.since.before is not None:
            return first.since.before < second.until.after
        return first.since.after < second.until.after

    return may_begin_before_end(one, other) and may_begin_before_end(other, one)


def lies_within(interval: Interval, stretches: Iterable[Interval]) -> bool:
    """Whether the stretches, taken together, cover the whole of the interval."""
    covered = interval.since.after
    for stretch in sorted(stretches, key=lambda one: one.since.after):
        if stretch.since.after > covered:
            return False
        if stretch.until is None:
            return True
        covered = max(covered, stretch.until.after)
        if interval.until is not None and covered >= interval.until.after:
            return True
    return False
