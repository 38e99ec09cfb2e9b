"""The comments of a YAML text, which a YAML parser drops: where they stand, and what they belong to."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Behind the last scalar of a line there is nothing but the signs of collections, and a comment.
_COMMENT = re.compile(r"(?P<before>[-\s:,?\[\]{}]*)(?P<comment>#.*)")


@dataclass(slots=True)
class Comments:
    """Comments by the line (from 0) of what they belong to; taking one removes it.

    `header` stands above everything, `leading` on lines of its own above what begins in a line, `inline` behind what
    ends in a line, `trailing` below everything.
    """

    header: list[str] = field(default_factory=list)
    leading: dict[int, list[str]] = field(default_factory=dict)
    inline: dict[int, str] = field(default_factory=dict)
    trailing: list[str] = field(default_factory=list)

    def take_leading(self, first: int, last: int) -> list[str]:
        """The comments above line `first`, and those within what goes on until line `last`."""
        taken = self.leading.pop(first, [])
        for line in range(first + 1, last + 1):
            if line - 1 in self.inline:
                taken.append(self.inline.pop(line - 1))
            taken += self.leading.pop(line, [])
        return taken

    def take_inline(self, line: int) -> str:
        """The comment behind a line, with the two spaces before it, or ""."""
        comment = self.inline.pop(line, None)
        return f"  {comment}" if comment else ""


def comments_of(text: str, root: Any) -> Comments:
    """Find the comments of a YAML text, whose node is `root`: what stands behind or between its scalars, after "#"."""
    ends: dict[int, int] = {}
    starts: set[int] = set()
    within: set[int] = set()
    for node in _scalars(root):
        start, end = node.start_mark, node.end_mark
        starts.add(start.line)
        ends[end.line] = max(end.column, ends.get(end.line, 0))
        within.update(range(start.line, end.line))
    begun = sorted(starts)
    comments = Comments()
    for number, line in enumerate(text.splitlines()):
        found = _COMMENT.match(line, ends.get(number, 0)) if "#" in line and number not in within else None
        if found is None:
            continue
        comment = found["comment"].rstrip()
        if found["before"].strip() or ends.get(number):
            comments.inline[number] = comment
        elif not begun or number < begun[0]:
            comments.header.append(comment)
        elif number > begun[-1]:
            comments.trailing.append(comment)
        else:
            comments.leading.setdefault(begun[bisect.bisect(begun, number)], []).append(comment)
    return comments


def _scalars(node: Any) -> Iterator[Any]:
    """Every key and value that is no collection, in the order of the text."""
    if isinstance(node.value, str):
        yield node
        return
    for inner in node.value:
        for one in inner if isinstance(inner, tuple) else (inner,):
            yield from _scalars(one)
