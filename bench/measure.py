"""What is measured: two things run in turn, as a ratio of medians that a goal bounds."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = "s", "MB"


class UnmeasuredError(Exception):
    """A thing that did not run to its end, and what it said; the other figures of its group are measured still."""


@dataclass(frozen=True)
class Figure:
    """`ours` against `theirs`, medians in `unit`; `ratio` is the median of the pairs' ratios, `goal` its bound.

    Where there is nothing to hold it against, `theirs` is None and the goal bounds `ours` itself.
    """

    group: str
    name: str
    ours: float
    theirs: float | None
    ratio: float
    goal: float
    unit: str = SECONDS

    @property
    def met(self) -> bool:
        """Whether the goal is kept."""
        return self.ratio <= self.goal

    def to_json(self) -> dict[str, Any]:
        """All of it, and whether the goal is met."""
        return {**asdict(self), "met": self.met}


def in_turn(
    group: str, name: str, ours: Callable[[], float], theirs: Callable[[], float], goal: float, runs: int = 5
) -> Figure:
    """Both, `runs` times after one round that warms the caches; UnmeasuredError when one of them fails."""
    ours(), theirs()
    return figure_of(group, name, [(ours(), theirs()) for _ in range(runs)], goal)


def figure_of(group: str, name: str, pairs: Sequence[tuple[float, float]], goal: float) -> Figure:
    """The medians of what was measured in pairs."""
    ratio = statistics.median(one / other for one, other in pairs)
    here, there = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Figure(group, name, round(here, 3), round(there, 3), round(ratio, 3), goal)


def seconds(command: Sequence[str | Path], statuses: tuple[int, ...] = (0,)) -> float:
    """Wall time of one run of a command that must end with one of the statuses."""
    started = time.perf_counter()
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode not in statuses:
        raise UnmeasuredError(f"{' '.join(words)}: status {done.returncode}\n{done.stderr.decode()[-2000:]}")
    return elapsed
