"""The comments of a YAML text, which a YAML parser drops: where they stand, and what they belong to."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any


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


def comments_of(text: str, tokens: list[Any]) -> Comments:
    """Find the comments of a YAML text: what stands between its tokens and begins with "#"."""
    spans = [
        (token.start_mark.line, token.end_mark.line, token.end_mark.column)
        for token in tokens
        if (token.start_mark.line, token.start_mark.column) != (token.end_mark.line, token.end_mark.column)
    ]
    ends = {end: column for _, end, column in spans}
    begun = sorted({start for start, _, _ in spans})
    within = {line for start, end, _ in spans for line in range(start, end)}
    comments = Comments()
    for number, line in enumerate(text.splitlines()):
        if number in within:
            continue
        rest = line[ends.get(number, 0) :].strip()
        if not rest.startswith("#"):
            continue
        if number in ends:
            comments.inline[number] = rest
        elif not begun or number < begun[0]:
            comments.header.append(rest)
        elif number > begun[-1]:
            comments.trailing.append(rest)
        else:
            comments.leading.setdefault(begun[bisect.bisect(begun, number)], []).append(rest)
    return comments
