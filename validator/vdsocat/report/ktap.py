"""A report as KTAP, version 1: what kernel CI reads (Documentation/dev-tools/ktap.rst, v7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vdsocat.report.cases import Case, Group, Result, Suite, groups_of

_VERSION = "KTAP version 1"
_INDENT = "    "
# tools/testing/kunit/kunit_parser.py (v7.3) takes these, wherever in a line they are, for the end of all results.
_ENDS = ("List of all partitions:", "Kernel panic - not syncing: VFS:", "reboot: System halted")


def render_ktap(document: Mapping[str, Any]) -> str:
    """The report of `report_document`: kernels, in them ABIs and comparisons, in them a case for each finding.

    What is unknown is SKIP, what is on record as a defect or waived is XFAIL, a kernel that was not judged is ERROR.
    Ends without a newline.
    """
    groups = groups_of(document)
    lines = [_VERSION, f"1..{len(groups)}"]
    for number, group in enumerate(groups, 1):
        lines += (_INDENT + line for line in _group(group))
        lines.append(_result(number, group.name, group.is_bad))
    return "\n".join(lines)


def _group(group: Group) -> Iterator[str]:
    yield from _header(group.name, len(group.suites))
    for number, suite in enumerate(group.suites, 1):
        yield from (_INDENT + line for line in _suite(suite))
        yield _result(number, suite.name, suite.is_bad)


def _suite(suite: Suite) -> Iterator[str]:
    yield from _header(suite.name, len(suite.cases))
    for number, case in enumerate(suite.cases, 1):
        yield from _case(number, case)


def _case(number: int, case: Case) -> Iterator[str]:
    match case.result:
        case Result.UNDECIDED:
            yield _result(number, case.name, False, f"SKIP {case.said}: {case.text}")
        case Result.EXPECTED:
            yield _result(number, case.name, False, f"XFAIL {case.said}: {case.text}")
        case Result.ERROR:
            yield _result(number, case.name, True, f"ERROR {case.said}: {case.text}")
        case _:
            if case.text:
                yield f"# {case.said}: {_plain(case.text)}"
            yield _result(number, case.name, case.is_bad)


def _header(name: str, count: int) -> Iterator[str]:
    yield _VERSION
    yield f"# Subtest: {_plain(name)}"
    yield f"1..{count}"


def _result(number: int, name: str, is_bad: bool, directive: str = "") -> str:
    line = f"{'not ok' if is_bad else 'ok'} {number} {_plain(name)}"
    return f"{line} # {_plain(directive)}" if directive else line


def _plain(text: str) -> str:
    """Text without what has a meaning in KTAP: a hash begins a directive."""
    for end in _ENDS:
        text = text.replace(end, f"{end[:-1]}\\x{ord(end[-1]):02x}")
    return text.replace("#", "\\x23")
