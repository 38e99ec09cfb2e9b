"""The speed goals: each command beside what it is held against, run in turn, as a ratio of medians. `make bench`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 25
BIN = Path(sys.executable).parent
BARE_PYTHON = [sys.executable, "-c", "pass"]
VDSOCAT = str(BIN / "vdsocat")

# What is measured, the command, what it is held against, and the ratio that it must stay under.
GOALS = (
    ("query of all releases", [VDSOCAT, "query", "getcpu"], BARE_PYTHON, 4.0),
    ("query of one release", [VDSOCAT, "query", "getcpu", "--kernel", "5.4"], BARE_PYTHON, 4.0),
    ("query of a glob as JSON", [VDSOCAT, "query", "*getres*", "--format", "json"], BARE_PYTHON, 4.0),
    ("query of who lacks it", [VDSOCAT, "query", "getcpu", "--lacking"], BARE_PYTHON, 4.0),
)


def seconds(command: list[str]) -> float:
    """Wall time of one run; the program must succeed."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    """Print a line for each goal; status 1 if one is missed."""
    missed = 0
    for name, command, baseline, goal in GOALS:
        seconds(command), seconds(baseline)
        pairs = [(seconds(command), seconds(baseline)) for _ in range(RUNS)]
        ratio = statistics.median(one / other for one, other in pairs)
        here, there = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
        missed += ratio > goal
        verdict = "ok" if ratio <= goal else "MISSED"
        print(f"{name:<28}{here:7.1f} ms {there:7.1f} ms   ratio {ratio:5.2f}   goal {goal:.1f}   {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
