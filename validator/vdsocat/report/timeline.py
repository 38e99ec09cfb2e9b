"""The picture of an ABI's exports over kernel releases: where its bars, ticks and marks are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from vdsocat.exports import KernelRelease
from vdsocat.report.views import spell_stretch

# In user units of the picture, which are CSS pixels where there is room for it.
WIDTH = 1200
LABELS = 270
ROW = 20
TOP = 22
_MARGIN = 14
BAR = 11
_WIDEST_LETTER = 5.9


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of releases of one symbol, from `x` to `end`; told in words by `title`.

    It is certain between `settled` and `closing`; on either side nobody has settled whether the symbol was there.
    `conditional` stretches need a configuration or a machine; `text` is the version node, "" where it
    does not fit or is as before. `backports` are the places of stable releases that took the change over.
    """

    x: float
    settled: float
    closing: float
    end: float
    y: float
    version: str
    conditional: bool
    text: str
    title: str
    backports: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the picture: a release with its name above it."""

    x: float
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn for one ABI; `labels` are the symbols with the height of their rows."""

    abi: str
    height: int
    labels: tuple[tuple[str, float], ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    kernels: tuple[Mark, ...]


class ReleaseAxis:
    """Mainline releases from left to right, each as wide as any other: the dates of some are not known.

    A stable release lies within its mainline release's width, whichever it is.
    """

    def __init__(self, releases: Iterable[str], first: KernelRelease, also: Iterable[KernelRelease]) -> None:
        known = {KernelRelease.parse(one) for one in releases} | {one.mainline for one in also} | {first.mainline}
        self.releases = sorted(one for one in known if one >= first.mainline)
        self._step = (WIDTH - LABELS - _MARGIN) / len(self.releases)

    def place(self, release: KernelRelease) -> float:
        """Where a release begins; half way through its mainline release for a stable one."""
        position = bisect_right(self.releases, release.mainline) - 1
        within = 0.5 if release != release.mainline else 0
        return LABELS + max(0, position + within) * self._step

    @property
    def end(self) -> float:
        """Where the newest release ends."""
        return LABELS + len(self.releases) * self._step

    def ticks(self) -> Iterator[Mark]:
        """The first release of each series: 2.6.0, 3.0, 4.0 …, and the first of all."""
        seen: set[tuple[int, ...]] = set()
        for release in self.releases:
            series = release.parts[:2] if release.parts[0] < 3 else release.parts[:1]
            if series not in seen:
                seen.add(series)
                yield Mark(self.place(release), str(release), f"Linux {release}")


def draw_timeline(
    timeline: Mapping[str, Any], releases: Sequence[str], kernels: Iterable[tuple[str, str]]
) -> Picture | None:
    """The picture of one entry of a report's `timelines`; None for an ABI that never exported anything.

    `kernels` are the release and the name of each kernel that was checked; a release that is none is left out.
    """
    stretches = [stretch for export in timeline["exports"] for stretch in export["stretches"]]
    if not stretches:
        return None
    first = min(_begin(stretch["since"]) for stretch in stretches)
    checked = _by_release(kernels)
    named = [
        KernelRelease.parse(bound["release"]) for one in stretches for bound in (one["since"], one["until"]) if bound
    ]
    axis = ReleaseAxis(releases, first, [*named, *checked])
    bars: list[Bar] = []
    labels: list[tuple[str, float]] = []
    y = float(TOP)
    for export in timeline["exports"]:
        labels.append((export["symbol"], y + ROW / 2))
        here, height = _row_of_bars(export, axis, y)
        bars += here
        y += height
    return Picture(
        abi=timeline["abi"],
        height=round(y) + 6,
        labels=tuple(labels),
        bars=tuple(bars),
        ticks=tuple(axis.ticks()),
        kernels=tuple(
            Mark(axis.place(release), str(release), f"checked: {release} ({', '.join(names)})")
            for release, names in checked.items()
        ),
    )


def _row_of_bars(export: Mapping[str, Any], axis: ReleaseAxis, y: float) -> tuple[list[Bar], float]:
    """The bars of a symbol and the height they take: stretches of the same time, natively and as compat, say, apart."""
    lanes: list[list[Bar]] = []
    for stretch in sorted(export["stretches"], key=lambda one: _begin(one["since"])):
        bar = _bar(stretch, export["symbol"], axis)
        lane = next((lane for lane in lanes if lane[-1].end <= bar.x), None)
        if lane is None:
            lanes.append(lane := [])
        elif lane[-1].version == bar.version:
            bar = replace(bar, text="")
        lane.append(bar)
    placed = [
        replace(bar, y=y + (ROW - BAR) / 2 + number * (BAR + 1)) for number, lane in enumerate(lanes) for bar in lane
    ]
    return placed, ROW + (len(lanes) - 1) * (BAR + 1)


def _bar(stretch: Mapping[str, Any], symbol: str, axis: ReleaseAxis) -> Bar:
    since, until = stretch["since"], stretch["until"]
    settled = axis.place(KernelRelease.parse(since["release"]))
    closing = axis.end if until is None else max(settled, axis.place(_begin(until)))
    condition, text = stretch["condition"], stretch["version"]
    return Bar(
        x=axis.place(_begin(since)),
        settled=settled,
        closing=closing,
        end=axis.end if until is None else axis.place(KernelRelease.parse(until["release"])),
        y=0,
        version=text,
        conditional=condition is not None,
        text=text if len(text) * _WIDEST_LETTER < closing - settled - 4 else "",
        title=f"{symbol} {text}: {spell_stretch(stretch)}" + (f", if {condition}" if condition else ""),
        backports=tuple(axis.place(KernelRelease.parse(one)) for one in since["backports"]),
    )


def _begin(bound: Mapping[str, Any]) -> KernelRelease:
    return KernelRelease.parse(bound["still_before"] or bound["release"])


def _by_release(kernels: Iterable[tuple[str, str]]) -> dict[KernelRelease, list[str]]:
    found: dict[KernelRelease, list[str]] = {}
    for text, name in kernels:
        with suppress(ValueError):
            found.setdefault(KernelRelease.parse(text), []).append(name)
    return dict(sorted(found.items()))
