"""What calls cost, as a table on a terminal and as a page of documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from vdsocat.judging.result import CheckResult
from vdsocat.report.listing import render_listing
from vdsocat.report.table import abi_label

_COLUMNS = ("kernel", "abi", "function", "vdso", "syscall", "ratio")
_Row = dict[str, str | None]
HEADING = "Instructions of a vDSO call and of the system call, beyond those of an empty call:"


def draw_costs(results: Sequence[CheckResult], width: int) -> Iterator[str]:
    """A line per function and clock that was measured, then the reasons for what was not; none without costs."""
    rows, reasons = _rows_and_reasons(results)
    if rows:
        yield f"\n{HEADING}"
        yield render_listing(rows, _COLUMNS, "costs", "table", width)
    for reason in reasons:
        yield from textwrap.wrap(reason, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def render_cost_page(results: Sequence[CheckResult], date: str) -> str:
    """The same as Markdown, with what the numbers were measured on; `date` is an ISO date. Ends without a newline."""
    rows, reasons = _rows_and_reasons(results)
    judged = [result.judgement for result in results if result.judgement is not None]
    made_with = sorted({one.capture.provenance.qemu_version or "unknown" for one in judged})
    releases = [
        {"kernel": one.capture.provenance.source, "release": one.release, "machine": one.capture.provenance.machine}
        for one in judged
    ]
    lines = [
        "# What calls cost",
        f"Made by `vdsocat check --cost --out DIRECTORY SOURCE…` and `vdsocat report --format costs DIRECTORY`, "
        f"{date}, with QEMU {', '.join(made_with)}. {HEADING[:-1]}; of getrandom for 24 bytes. How they are counted, "
        "and why they are exact: `validator/vdsocat/costs.py`.",
        render_listing(releases, ("kernel", "release", "machine"), "kernels", "markdown"),
        render_listing(rows, _COLUMNS, "costs", "markdown"),
    ]
    return "\n\n".join([*lines, *(f"* {reason}" for reason in reasons)])


def _rows_and_reasons(results: Sequence[CheckResult]) -> tuple[list[_Row], list[str]]:
    """A row for each function and clock, and a sentence for each thing that is not known."""
    rows: list[_Row] = []
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
    return rows, reasons


def spell_ratio(ratio: float | None) -> str:
    """How many times as much the system call costs: "8.4"; "-" where that is not known."""
    return "-" if ratio is None else f"{ratio:.1f}"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)
