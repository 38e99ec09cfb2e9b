"""The catalogue as a list for other projects to keep and diff: one line per export, in an order that stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.query import Exported, effective_intervals

_HEADER = "# vdsocat-list/1: abi symbol version type binding since until condition"


def render_list(exported: Iterable[Exported]) -> str:
    """A line for each stretch of releases of each entry, without a final newline.

    Fields are separated by single spaces and "-" stands for none; the condition is last, for it has spaces of its own.
    `2.6.20..2.6.24` means: not there in the first, there in the second, and nobody has settled what lies between.
    The version of an entry of a fixed page is `PAGE+0xOFFSET`. Lines are in the order of their text, releases as
    numbers.
    """
    lines = sorted(line for one in exported for line in _lines(one))
    return "\n".join([_HEADER, *(line for _, line in lines)])


def _lines(one: Exported) -> Iterator[tuple[tuple[object, ...], str]]:
    for interval in effective_intervals(one):
        fields = (
            one.abi, one.symbol, one.where or "-", one.type or "-", one.binding or "-",
            _spell(interval.since), _spell(interval.until), str(interval.when or "-"),
        )  # fmt: skip
        yield (one.abi, one.symbol, one.where, interval.since.after, fields), " ".join(fields)


def _spell(bound: Bound | None) -> str:
    if bound is None:
        return "-"
    return str(bound.after) if bound.before is None else f"{bound.before}..{bound.after}"
