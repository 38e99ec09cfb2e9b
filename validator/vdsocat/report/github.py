"""A report as GitHub Actions' workflow commands: an annotation for each thing that wants a reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vdsocat.report.cases import Case, groups_of

# "10 warning annotations, 10 error annotations, and 10 notice annotations per step": docs/problem-matchers.md of
# actions/toolkit, commit 457303960f03. Further ones are dropped without a word.
_MOST = 10
_NOTICED = ("waived", "known-defect")

_Place = tuple[str, Case]


def render_github(document: Mapping[str, Any]) -> str:
    """The report of `report_document`: errors for what decides the exit status, warnings for what is for review.

    What is waived or a known defect is a notice. Of each level there are ten at most, the last of which counts those
    left out; "" when there is nothing to annotate.
    """
    places = [
        (f"{group.name} {suite.name}", case)
        for group in groups_of(document)
        for suite in group.suites
        for case in suite.cases
    ]
    levels = {
        "error": [place for place in places if place[1].is_bad],
        "warning": [place for place in places if place[1].said == "review" and not place[1].is_bad],
        "notice": [place for place in places if place[1].said in _NOTICED],
    }
    return "\n".join(line for level, found in levels.items() for line in _annotations(level, found))


def _annotations(level: str, places: Sequence[_Place]) -> Iterator[str]:
    shown = places if len(places) <= _MOST else places[: _MOST - 1]
    for where, case in shown:
        yield _command(level, f"vdsocat: {where}", f"{case.said}: {case.name}: {case.text}", case.file)
    if left := len(places) - len(shown):
        yield _command(level, "vdsocat", f"{left} more are not shown here: GitHub takes {_MOST} of a step.", None)


def _command(level: str, title: str, message: str, file: str | None) -> str:
    """One command, escaped as escapeData and escapeProperty of actions/toolkit do (packages/core/src/command.ts)."""
    properties = ({"file": file} if file else {}) | {"title": title}
    spelt = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {spelt}::{_data(message)}"


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
