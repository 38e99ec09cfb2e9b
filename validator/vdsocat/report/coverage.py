"""Coverage as a table, as Markdown, as CSV and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from vdsocat.lint.coverage import AbiCoverage, Coverage
from vdsocat.lint.facts import Fact
from vdsocat.report.listing import render_listing

_COLUMNS = ("abi", "facts", "sourced", "observed", "unobservable", "unobserved", "bounds", "proven")


def render_coverage(coverage: Coverage, format: str, width: int = 80) -> str:
    """The figures by ABI and in total; a table and JSON also list what cannot be observed and why, and what was not."""
    rows = [_row(one) for one in (*coverage.abis, coverage.total)]
    if format == "json":
        return json.dumps(coverage_document(coverage), indent=2)
    listing = render_listing(rows, _COLUMNS, "coverage", format, width)
    if format != "table":
        return listing
    return "\n".join([listing, "", *_summary(coverage), *_reasons(coverage, width), *_unobserved(coverage)])


def _row(one: AbiCoverage) -> dict[str, str | None]:
    return {column: str(getattr(one, column)) for column in _COLUMNS}


def _summary(coverage: Coverage) -> Iterator[str]:
    total = coverage.total
    yield f"facts with a source:              {_share(total.sourced, total.facts)}"
    yield f"facts observed on a real kernel:  {_share(total.observed, total.facts)}"
    for kind, count, observed in coverage.kinds:
        yield f"  {kind + ':':<32}{_share(observed, count)}"
    yield f"releases of a change proven:      {_share(total.proven, total.bounds)}"


def _share(part: int, whole: int) -> str:
    percent = f" ({100 * part / whole:.1f} %)" if whole else ""
    return f"{part} of {whole}{percent}"


def _reasons(coverage: Coverage, width: int) -> Iterator[str]:
    if coverage.reasons:
        yield ""
        yield "Cannot be observed:"
    for reason, facts in coverage.reasons:
        abis = ", ".join(dict.fromkeys(fact.abi.name for fact in facts))
        text = f"{len(facts)} facts of {abis}: {reason}"
        yield from textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)


def _unobserved(coverage: Coverage) -> Iterator[str]:
    if coverage.unobserved:
        yield ""
        yield "Not observed, and no reason given (catalog/unobservable.yaml):"
    for fact in coverage.unobserved:
        yield f"  {fact.abi.name}: {fact.kind}: {fact.name} {_releases(fact)}".rstrip()


def _releases(fact: Fact) -> str:
    return fact.interval.spell_releases() if fact.interval else ""


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """The figures and every fact behind them as JSON values (schemas/coverage.schema.json)."""

    def spell(fact: Fact) -> dict[str, str | None]:
        releases = fact.interval.spell_releases() if fact.interval else None
        return {"abi": fact.abi.name, "kind": fact.kind, "name": fact.name, "releases": releases}

    return {
        "schema": "vdsocat-coverage/1",
        "abis": [asdict(one) for one in coverage.abis],
        "total": {key: value for key, value in asdict(coverage.total).items() if key != "abi"},
        "kinds": [{"kind": kind, "facts": count, "observed": seen} for kind, count, seen in coverage.kinds],
        "unobservable": [
            {"reason": reason, "facts": [spell(fact) for fact in facts]} for reason, facts in coverage.reasons
        ],
        "unobserved": [spell(fact) for fact in coverage.unobserved],
    }
