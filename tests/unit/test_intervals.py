"""Bounds and intervals: half-open, not settled between the two releases of a pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.intervals import Bound, Decision, Interval, State, decide_any
from vdsocat.exports import KernelRelease

NATIVE = KernelFacts("native", {})
RELEASES = st.tuples(st.integers(3, 7), st.integers(0, 20)).map(KernelRelease)


def release(text: str) -> KernelRelease:
    return KernelRelease.parse(text)


def interval(since: str | list[str], until: str | list[str] | None = None, when: str | None = None) -> Interval:
    return Interval(Bound.parse(since), Bound.parse(until) if until else None, Condition(when) if when else None)


@given(RELEASES, RELEASES)
def test_a_single_bound_is_passed_exactly_at_its_release(bound: KernelRelease, at: KernelRelease) -> None:
    assert Bound(bound).passed(at) is (at >= bound)


@given(RELEASES, RELEASES, RELEASES)
def test_a_pair_is_settled_outside_of_it_only(one: KernelRelease, other: KernelRelease, at: KernelRelease) -> None:
    before, after = sorted((one, other))
    if before == after:
        return
    expected = True if at >= after else False if at <= before else None
    assert Bound(after, before).passed(at) is expected


@given(RELEASES, RELEASES, RELEASES)
def test_an_interval_is_half_open(since: KernelRelease, until: KernelRelease, at: KernelRelease) -> None:
    assert Interval(Bound(since), Bound(until)).covers(at) is (since <= at < until)
    assert Interval(Bound(since)).covers(at) is (since <= at)


@given(RELEASES, RELEASES, RELEASES)
def test_a_symbol_that_came_and_went_is_absent_or_present_never_both(
    since: KernelRelease, until: KernelRelease, at: KernelRelease
) -> None:
    whole = decide_any((Interval(Bound(since)),), at, NATIVE).state
    if since < until:
        halves = (Interval(Bound(since), Bound(until)), Interval(Bound(until)))
        assert decide_any(halves, at, NATIVE).state is whole


@pytest.mark.parametrize(
    ("bound", "at", "expected"),
    [
        ("5.11", "5.10.200", False),
        ("5.11", "5.11.0", True),
        ("6.1.55", "6.1.54", False),
        ("6.1.55", "6.1.55", True),
        ("2.6.15", "2.6.14", False),
        ("2.6.15", "2.6.15.7", True),
        (["5.9", "5.11"], "5.9", False),
        (["5.9", "5.11"], "5.9.16", False),
        (["5.9", "5.11"], "5.10.1", None),
        (["5.9", "5.11"], "5.11", True),
        (["6.1.50", "6.1.55"], "6.1.50", False),
        (["6.1.50", "6.1.55"], "6.1.52", None),
        (["6.1.50", "6.1.55"], "6.1", False),
    ],
)
def test_stable_releases_belong_to_their_mainline_release(
    bound: str | list[str], at: str, expected: bool | None
) -> None:
    assert Bound.parse(bound).passed(release(at)) is expected


@pytest.mark.parametrize("raw", ["LINUX_2.6.15", "", "6", "6.x", ["5.9"], ["5.9", "5.10", "5.11"], ["5.9", "next"]])
def test_a_bound_that_is_none_is_refused(raw: str | list[str]) -> None:
    with pytest.raises(ValueError):
        Bound.parse(raw)


def test_bounds_and_stretches_in_words() -> None:
    assert str(Bound.parse("5.11")) == "5.11"
    assert str(Bound.parse(["5.9", "5.11"])) == "5.9…5.11"
    assert interval("5.11").spell_releases() == "since 5.11"
    assert interval("2.6.15", "5.8").spell_releases() == "from 2.6.15 until 5.8"


@pytest.mark.parametrize(
    ("one", "at", "state", "reason"),
    [
        (interval("5.11"), "5.10", State.ABSENT, "not before 5.11"),
        (interval("5.11"), "6.1", State.PRESENT, "since 5.11"),
        (interval("5.1", "5.8"), "5.8", State.ABSENT, "gone since 5.8"),
        (interval("5.11", when="compat"), "6.1", State.ABSENT, "needs compat (native)"),
        (interval("5.11", when="native"), "6.1", State.PRESENT, "since 5.11, native"),
        (interval("5.11", when="CONFIG_A"), "6.1", State.ABSENT, "needs CONFIG_A (CONFIG_A=n)"),
        (interval("5.11", when="boot:x"), "6.1", State.UNKNOWN, "depends on boot:x (boot:x unknown)"),
        (interval(["5.9", "5.11"]), "5.10", State.UNKNOWN, "not settled the release: since 5.9…5.11"),
        # What a condition rules out is absent even where the release is not settled, and the other way round.
        (interval(["5.9", "5.11"], when="compat"), "5.10", State.ABSENT, "needs compat"),
        (interval("5.11", when="boot:x"), "5.10", State.ABSENT, "not before 5.11"),
        (interval("5.1", ["5.8", "5.10"]), "5.9", State.UNKNOWN, "not settled"),
    ],
)
def test_a_decision_says_why(one: Interval, at: str, state: State, reason: str) -> None:
    decision = one.decide(release(at), NATIVE)
    assert decision.state is state
    assert reason in decision.reason


def test_of_several_intervals_presence_wins_then_unknown() -> None:
    gone, here, unsure = interval("5.1", "5.4"), interval("5.8"), interval("5.8", when="boot:x")
    assert decide_any((gone, here), release("6.1"), NATIVE) == Decision(State.PRESENT, "since 5.8")
    assert decide_any((unsure, here), release("6.1"), NATIVE).state is State.PRESENT
    assert decide_any((gone, unsure), release("6.1"), NATIVE).state is State.UNKNOWN
    assert decide_any((gone, here), release("5.6"), NATIVE).state is State.ABSENT


def test_absence_gives_the_reason_of_the_interval_that_covers_the_release() -> None:
    intervals = (interval("5.1", "5.4"), interval("5.8", when="compat"))
    assert decide_any(intervals, release("6.1"), NATIVE).reason == "needs compat (native)"
    assert decide_any(intervals, release("5.6"), NATIVE).reason == "gone since 5.4; not before 5.8"
    assert decide_any((interval("5.8"), interval("5.8")), release("5.6"), NATIVE).reason == "not before 5.8"


def test_no_intervals_at_all_are_absence_with_a_reason() -> None:
    assert decide_any((), release("6.1"), NATIVE) == Decision(State.ABSENT, "no entry in the catalogue")
