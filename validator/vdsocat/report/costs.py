"""What calls cost, as a table on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from vdsocat.judging.result import CheckResult
from vdsocat.report.listing import render_listing
from vdsocat.report.table import abi_label

_COLUMNS = ("kernel", "abi", "function", "vdso", "syscall", "ratio")
HEADING = "Instructions of a vDSO call and of the system call, beyond those of an empty call:"


def draw_costs(results: Sequence[CheckResult], width: int) -> Iterator[str]:
    """A line per function and clock that was measured, then the reasons for what was not; none without costs."""
    rows: list[dict[str, str | None]] = []
    reasons: list[str] = []
    for result in results:
        if result.judgement is None:
            continue
        for judged, seen in zip(result.judgement.abis, result.judgement.capture.abis, strict=True):
            if seen.costs is None:
                continue
            here = (result.source, abi_label(judged))
            if seen.costs.unknown is not None:
                reasons.append(f"unknown: costs of {' '.join(here)}: {seen.costs.unknown}")
            for cost in seen.costs.measured:
                cells = (*here, cost.subject, _number(cost.vdso), _number(cost.syscall), spell_ratio(cost.ratio))
                rows.append(dict(zip(_COLUMNS, cells, strict=True)))
                if cost.reason is not None:
                    reasons.append(f"unknown: cost of {cost.subject} on {' '.join(here)}: {cost.reason}.")
    if rows:
        yield f"\n{HEADING}"
        yield render_listing(rows, _COLUMNS, "costs", "table", width)
    for reason in reasons:
        yield from textwrap.wrap(reason, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def spell_ratio(ratio: float | None) -> str:
    """How many times as much the system call costs: "8.4"; "-" where that is not known."""
    return "-" if ratio is None else f"{ratio:.1f}"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)
