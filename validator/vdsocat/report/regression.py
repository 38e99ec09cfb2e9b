"""What became of kernels since their baseline, and of the waivers, as a table on a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from vdsocat.judging.changes import Change, Kind
from vdsocat.judging.result import CheckResult
from vdsocat.judging.waivers import Use, UsedWaiver
from vdsocat.printable import printable
from vdsocat.report.listing import render_listing

COLUMNS = ("kind", "abi", "rule", "subject", "change")
_Row = dict[str, str | None]


def change_row(change: Change) -> _Row:
    """A change as a row of a listing; what is not known of it is None. JSON has the mode as well."""
    return {
        "kind": str(change.kind),
        "abi": change.abi or None,
        "rule": change.rule or None,
        "subject": printable(change.subject),
        "change": printable(change.told),
        "mode": change.mode or None,
    }


def count_kinds(changes: Sequence[Change]) -> str:
    """ "1 incompatible, 2 review"; "no change" for none."""
    counts = Counter(change.kind for change in changes)
    return ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind]) or "no change"


def draw_regressions(results: Sequence[CheckResult], width: int) -> Iterator[str]:
    """A paragraph for each result that was compared with a baseline: the changes, their count, what was left out."""
    for result in results:
        if (regression := result.regression) is None:
            continue
        yield f"\n{result.source} against {regression.baseline}: {count_kinds(regression.changes)}"
        if regression.changes:
            yield render_listing([change_row(one) for one in regression.changes], COLUMNS, "diff", "table", width)
        for note in regression.notes:
            yield from _wrap(f"not compared: {note}", width)


def draw_waivers(uses: Sequence[UsedWaiver], width: int) -> Iterator[str]:
    """How many waivers there were, and a line for each with its matches and its reason; none without waivers."""
    if not uses:
        return
    counts = Counter(used.use for used in uses)
    yield f"\nwaivers: {', '.join(f'{counts[use]} {use}' for use in Use if counts[use])}"
    for used in uses:
        times = f", {used.matches} {'match' if used.matches == 1 else 'matches'}" if used.matches else ""
        end = used.waiver.spell_end()
        yield from _wrap(f"{used.use}: {used.waiver.spell()}{end}{times}: {used.waiver.reason}", width)


def _wrap(text: str, width: int) -> Iterator[str]:
    """A paragraph, indented like a finding's; a reason may have line ends of its own."""
    words = " ".join(text.split())
    return iter(textwrap.wrap(words, width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False))
