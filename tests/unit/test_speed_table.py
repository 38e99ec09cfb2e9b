"""The README's table of the speed goals says what was measured last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from table import render_table, write_table  # noqa: E402

FIGURE = {"group": "query", "name": "a question", "ours": 0.02, "theirs": 0.01, "ratio": 2.0, "goal": 4.0, "met": True}
MEMORY = {"group": "matrix", "name": "peak", "ours": 130, "theirs": None, "ratio": 130, "goal": 120, "met": False}
ABOUT = {"date": "2026-01-02", "cores": 2, "python": "3.11", "qemu": "7.2"}


def test_the_table_is_that_of_the_figures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    assert write_table(readme, render_table(results)) == readme


def test_a_goal_that_is_missed_is_said_with_who_misses_it() -> None:
    late = {**FIGURE, "name": "a list", "ratio": 5.25, "met": False}
    table = render_table({**ABOUT, "figures": [FIGURE, late, MEMORY]})
    assert "| a question | starting Python | 2.00 to 5.25 | 4 | a list (5.25) |" in table.splitlines()
    assert "| peak memory of vdsocat in it | - | 130 MB | 120 MB | peak (130) |" in table.splitlines()
    assert table.endswith("Measured 2026-01-02 on 2 cores with QEMU 7.2, Python 3.11.")
