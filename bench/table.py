"""The README's table of the speed goals, made from results.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vdsocat.report.marks import replace_between

_BEGIN, _END = "<!-- make bench -->", "<!-- end -->"
# What each group is called, and what it is held against.
_MEANINGS = {
    "query": ("a question", "starting Python"),
    "boot": ("`check`, the whole command", "a plain boot whose init only powers off"),
    "probes": ("a boot with all its checks", "that boot without those beyond names"),
    "cost": ("a boot that counts instructions, too", "the same without counting"),
    "static": ("`check --static`", "decompressing with the format's own tool"),
    "matrix": ("`check set:full`, two cores", "the sum of its single checks"),
    "selftests": ("`check` of an x86-64 kernel", "its own vDSO selftests through virtme-ng"),
}


def render_table(results: Mapping[str, Any]) -> str:
    """Markdown, without a newline at its end: the best and worst ratio of each goal, and who misses it."""
    lines = ["| | held against | ratio | goal | missed by |", "|---|---|---|---|---|"]
    for group, (ours, theirs) in _MEANINGS.items():
        for goal, figures in _by_goal([one for one in results["figures"] if one["group"] == group]):
            if figures[0]["theirs"] is None:
                ours, theirs = "peak memory of vdsocat in it", "-"
            ratios = [_spell(ratio) for ratio in _extremes(figures)]
            missed = ", ".join(f"{one['name']} ({_spell(one['ratio'])})" for one in figures if not one["met"]) or "-"
            unit = " MB" if figures[0]["theirs"] is None else ""
            lines.append(
                f"| {ours}{_which(group, goal)} | {theirs} | {' to '.join(dict.fromkeys(ratios))}{unit} "
                f"| {goal:g}{unit} | {missed} |"
            )
    with_what = f"QEMU {results['qemu']}, Python {results['python']}"
    made = f"Measured {results['date']} on {results['cores']} cores with {with_what}."
    return "\n".join([*lines, "", made])


def _by_goal(figures: list[dict[str, Any]]) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    for goal in sorted({one["goal"] for one in figures}):
        yield goal, [one for one in figures if one["goal"] == goal]


def _spell(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _extremes(figures: list[dict[str, Any]]) -> tuple[float, float]:
    ratios = [one["ratio"] for one in figures]
    return min(ratios), max(ratios)


def write_table(readme: str, table: str) -> str:
    """The README with the table between its marks."""
    written = replace_between(readme, _BEGIN, _END, table)
    if written is None:
        raise SystemExit(f"the README has no place for the table: {_BEGIN} … {_END}")
    return written


def _which(group: str, goal: float) -> str:
    if group != "boot":
        return ""
    return ", x86-64 and ppc64le" if goal < 1 else ", every other kernel"
