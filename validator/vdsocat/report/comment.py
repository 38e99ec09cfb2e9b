"""A report as a comment on a pull request: short, with the details folded away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vdsocat.printable import printable
from vdsocat.report.cases import Case, Group, Result, groups_of

# GitHub refuses the body of a comment that is longer.
LARGEST = 65536
_LONGEST_CELL = 300
_RESERVED = 400
# By this a workflow finds the comment that it made the last time, to write it anew.
MARK = "<!-- vdsocat -->"

_HEADLINES = {
    0: "the vDSO conforms",
    1: "the vDSO does not conform",
    2: "something given to vdsocat cannot be used",
    3: "a kernel could not be judged",
}
_Row = tuple[str, Group, Case]


def render_comment(document: Mapping[str, Any]) -> str:
    """The report of `report_document` in at most 65,536 bytes of GitHub's Markdown, without a final newline.

    The gravest comes first, and is not folded; what does not fit is counted. Everything that a kernel says stands in
    <code>, where GitHub mentions nobody and links nothing.
    """
    groups = groups_of(document)
    rows = [(suite.name, group, case) for group in groups for suite in group.suites for case in suite.cases]
    bad = [row for row in rows if row[2].is_bad]
    review = [row for row in rows if row[2].said == "review" and not row[2].is_bad]
    accepted = [row for row in rows if row[2].result is Result.EXPECTED]
    undecided = [row for row in rows if row[2].result is Result.UNDECIDED]
    headline = _HEADLINES[document["exit_status"]]
    if document["exit_status"] == 1 and any(kernel["regression"] for kernel in document["kernels"]):
        headline = "the vDSO lost something since the baseline"
    lines = [MARK, f"### vdsocat: {headline}", ""]
    lines += _fitting(_matrix(document), LARGEST // 4)
    for title, found, folded in (
        ("Failures", bad, False),
        ("For review", review, True),
        ("Accepted: known defects, waivers, and what the baseline decides", accepted, True),
        ("Unknown", undecided, True),
    ):
        if found:
            room = LARGEST - _RESERVED - _size(lines)
            lines += _section(title, found, folded, room)
    lines += ["", f"<sub>vdsocat {_escape(document['vdsocat'])}, {_escape(document['date'])}</sub>"]
    return "\n".join(lines)


def _matrix(document: Mapping[str, Any]) -> Iterator[str]:
    yield "| Kernel | Release | ABI | Exports | Verdict |"
    yield "|---|---|---|--:|---|"
    for kernel in document["kernels"]:
        name = _code(kernel["source"])
        if kernel["error"] is not None:
            yield f"| {name} | | | | **not judged** |"
        for abi in kernel["abis"]:
            exports = len(abi["vdso"]["exports"]) if abi["vdso"] else "no vDSO"
            label = f"{abi['abi']} ({abi['mode']})"
            yield f"| {name} | {_code(kernel['release'])} | {_code(label)} | {exports} | **{abi['verdict']}** |"


def _section(title: str, rows: Sequence[_Row], folded: bool, room: int) -> Iterator[str]:
    """A table of cases, folded or not, of which as many are shown as fit into `room` bytes."""
    begin = ["", f"<details><summary>{title}: {len(rows)}</summary>"] if folded else ["", f"**{title}: {len(rows)}**"]
    end = ["", "</details>"] if folded else []
    frame = [*begin, "", "| Kernel | Where | What | Why |", "|---|---|---|---|", *end]
    shown = list(_fitting(map(_line, rows), room - _size(frame)))
    if not shown:
        yield from ("", f"**{title}: {len(rows)}**, too many to show here.")
        return
    yield from (*frame[: len(frame) - len(end)], *shown)
    if left := len(rows) - len(shown):
        yield from ("", f"{left} more are left out: a comment holds {LARGEST} characters.")
    yield from end


def _line(row: _Row) -> str:
    where, group, case = row
    return f"| {_code(group.name)} | {_code(where)} | {_code(case.name)} | {_why(case)} |"


def _fitting(lines: Iterator[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return
        yield line


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _why(case: Case) -> str:
    return f"{case.said}: {_code(case.text)}" if case.text else case.said


def _code(text: str | None) -> str:
    if not text:
        return ""
    told = printable(text)
    return f"<code>{_escape(told if len(told) <= _LONGEST_CELL else told[: _LONGEST_CELL - 1] + '…')}</code>"


def _escape(text: str) -> str:
    """Text of which no character has a meaning in Markdown or HTML."""
    return re.sub(r"[^\w .,/+…-]|_", lambda found: f"&#{ord(found[0])};", printable(text))
