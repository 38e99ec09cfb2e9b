"""The picture of exports over releases, and the table beside it: nothing is drawn that the catalogue does not say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from small_catalog import small_documents

from vdsocat.catalog.files import assemble_catalog
from vdsocat.exports import KernelRelease
from vdsocat.printable import printable
from vdsocat.report.background import Background, background_document
from vdsocat.report.timeline import LABELS, ROW, WIDTH, ReleaseAxis, draw_timeline
from vdsocat.report.views import spell_bound, spell_stretch

RELEASES = ["2.6.38", "2.6.39", "3.0", "3.1", "3.2", "3.3"]


def bound(release: str, still_before: str | None = None, *backports: str) -> dict[str, Any]:
    return {"release": release, "still_before": still_before, "backports": list(backports)}


def stretch(since: dict[str, Any], until: dict[str, Any] | None = None, condition: str | None = None) -> dict[str, Any]:
    return {"version": "V", "since": since, "until": until, "condition": condition}


def picture(*stretches: dict[str, Any], kernels: tuple[tuple[str, str], ...] = ()) -> Any:
    exports = [{"symbol": "f", "function": "f", "stretches": list(stretches)}]
    drawn = draw_timeline({"abi": "x", "title": "X", "exports": exports}, RELEASES, kernels)
    assert drawn is not None
    return drawn


def at(release: str, first: str = "2.6.38") -> float:
    return ReleaseAxis(RELEASES, KernelRelease.parse(first), ()).place(KernelRelease.parse(release))


def test_mainline_releases_are_as_wide_as_each_other_and_stable_ones_lie_within() -> None:
    places = [at(release) for release in RELEASES]
    steps = [b - a for a, b in pairwise(places)]
    assert places[0] == LABELS
    assert max(steps) - min(steps) < 1e-6
    assert at("3.0") < at("3.0.7") < at("3.1")
    assert at("3.3") < WIDTH


def test_the_axis_begins_with_the_first_export_and_ends_with_the_newest_release_named() -> None:
    drawn = picture(stretch(bound("3.0")), kernels=(("4.2.1", "newer than the catalogue"),))
    assert [tick.text for tick in drawn.ticks] == ["3.0", "4.2"]
    (mark,) = drawn.kernels
    assert mark.x < drawn.bars[0].end < WIDTH


def test_a_stretch_is_drawn_from_since_to_until() -> None:
    (bar,) = picture(stretch(bound("2.6.38"), bound("3.1"))).bars
    assert (bar.x, bar.settled, bar.closing, bar.end) == (at("2.6.38"), at("2.6.38"), at("3.1"), at("3.1"))
    assert bar.title == "f V: from 2.6.38 until 3.1"
    assert not bar.conditional


def test_what_is_not_settled_is_drawn_apart() -> None:
    (bar,) = picture(stretch(bound("3.0", "2.6.38"), bound("3.3", "3.1"))).bars
    assert (bar.x, bar.settled, bar.closing, bar.end) == (at("2.6.38"), at("3.0"), at("3.1"), at("3.3"))
    assert bar.title == "f V: from 2.6.38…3.0 until 3.1…3.3"


def test_conditions_and_backports_are_told() -> None:
    (bar,) = picture(stretch(bound("2.6.38")), stretch(bound("3.1", None, "3.0.9"), None, "CONFIG_X")).bars[1:]
    assert bar.conditional
    assert bar.title == "f V: since 3.1 (and 3.0.9), if CONFIG_X"
    assert bar.backports == (at("3.0.9"),)


def test_stretches_of_the_same_time_do_not_hide_each_other() -> None:
    drawn = picture(stretch(bound("2.6.38"), None, "native"), stretch(bound("3.0"), None, "compat"))
    first, second = drawn.bars
    assert first.end > second.x
    assert first.y != second.y
    assert drawn.height > picture(stretch(bound("2.6.38"))).height
    after = picture(stretch(bound("2.6.38"), bound("3.0")), stretch(bound("3.0"))).bars
    assert after[0].y == after[1].y
    assert [bar.text for bar in after] == ["V", ""], "a version is named where it is new"


def test_each_symbol_has_a_row() -> None:
    exports = [{"symbol": name, "function": name, "stretches": [stretch(bound("3.0"))]} for name in "abc"]
    drawn = draw_timeline({"abi": "x", "title": "X", "exports": exports}, RELEASES, ())
    assert drawn is not None
    assert [name for name, _ in drawn.labels] == ["a", "b", "c"]
    assert [b - a for (_, a), (_, b) in pairwise(drawn.labels)] == [ROW, ROW]


def test_kernels_are_marked_once_for_each_release_and_what_is_no_release_is_left_out() -> None:
    drawn = picture(stretch(bound("2.6.38")), kernels=(("3.1.5", "one"), ("3.1.5", "two"), ("strange", "three")))
    assert [mark.title for mark in drawn.kernels] == ["checked: 3.1.5 (one, two)"]
    assert drawn.kernels[0].x == at("3.1.5")


def test_an_abi_without_exports_has_no_picture() -> None:
    assert draw_timeline({"abi": "x", "title": "X", "exports": []}, RELEASES, ()) is None


@pytest.mark.parametrize(
    ("of", "spelt"),
    [
        (None, ""),
        (bound("5.11"), "5.11"),
        (bound("5.11", "5.9"), "5.9…5.11"),
        (bound("6.13", None, "6.12.2"), "6.13 (and 6.12.2)"),
    ],
)
def test_bounds_are_spelt_as_the_catalogue_does(of: dict[str, Any] | None, spelt: str) -> None:
    assert spell_bound(of) == spelt


def test_a_stretch_is_spelt_as_the_catalogue_does() -> None:
    assert spell_stretch(stretch(bound("5.9"), bound("5.11"))) == "from 5.9 until 5.11"


def test_an_entry_counts_only_while_its_image_is_there() -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["vdso"][0]["until"] = "6.5"
    from test_html_report import GOOD

    (timeline,) = background_document(Background(assemble_catalog(documents)), [GOOD])["timelines"]
    clock = next(one for one in timeline["exports"] if one["symbol"] == "__vdso_clock_gettime")
    (one,) = clock["stretches"]
    assert (one["since"]["release"], one["until"]["release"]) == ("3.15", "6.5")
    assert timeline["image"][0]["until"]["release"] == "6.5"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — text ✓", "plain — text ✓"),
        ("a\x00\x1b\x7f\x9b", r"a\x00\x1b\x7f\x9b"),
        ("\u202e\u2066\ufeff", r"\u202e\u2066\ufeff"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
        ("a\nb\tc", r"a\x0ab\x09c"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str) -> None:
    assert printable(text) == shown
