"""What a report tells of the catalogue that kernels were held to: rules, known defects, exports over time, coverage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vdsocat.catalog.defects import Defect, ProviderDefect
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.catalog.query import Exported, effective_intervals, entries_of, joined
from vdsocat.exports import KernelRelease
from vdsocat.judging.changes import symbol_of
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.pages import rule_pages
from vdsocat.judging.result import CheckResult

if TYPE_CHECKING:
    from vdsocat.lint.coverage import Coverage


@dataclass(frozen=True)
class Background:
    """The catalogue, and its coverage where that was counted; `uncounted` is the reason where it was not."""

    catalog: Catalog
    coverage: Coverage | None = None
    uncounted: str = "not counted for this report"

    def function_of(self, abi: str, subject: str) -> str | None:
        """The generic function that a finding's subject is about; None where it is about no symbol of the catalogue."""
        return self._functions[abi].get(symbol_of(subject))

    @cached_property
    def _functions(self) -> dict[str, dict[str, str]]:
        return {abi: dict(_functions_by_symbol(self.catalog, abi)) for abi in self.catalog.abis}

    def in_order(self, functions: Iterable[str | None]) -> list[str | None]:
        """Each once: first None, the ABI itself, then as the catalogue orders them."""
        order = {name: position for position, name in enumerate(self.catalog.functions)}
        return sorted(set(functions), key=lambda name: (name is not None, order.get(name or "", len(order)), name))


def background_document(background: Background, results: Sequence[CheckResult]) -> dict[str, Any]:
    """The catalogue's part of a report: of all rules, defects and ABIs those that the results name."""
    judged = [(result.source, one) for result in results if result.judgement for one in result.judgement.abis]
    names = sorted({one.abi for _, one in judged})
    return {
        "functions": [name for name in background.in_order(_functions_named(background, judged)) if name is not None],
        "rules": _rules({finding.rule for _, one in judged for finding in one.findings}),
        "defects": list(_defects(background.catalog, judged)),
        "releases": [
            {"release": release, "date": date}
            for release, date in background.catalog.releases.items()
            if KernelRelease.parse(release) == KernelRelease.parse(release).mainline
        ],
        "timelines": [_timeline(background.catalog.abis[name]) for name in names],
        "coverage": None if background.coverage is None else _coverage(background.coverage),
        "coverage_unknown": background.uncounted if background.coverage is None else None,
    }


def _functions_by_symbol(catalog: Catalog, abi: str) -> Iterator[tuple[str, str]]:
    for provider in catalog.providers.values():
        for offered in provider.offered(abi):
            yield from ((one.export.name, one.function) for one in offered.exports)
            yield from ((point.symbol, point.function) for area in offered.areas for point in area.entries)
    yield from ((one.symbol, one.function) for one in entries_of(catalog.abis[abi]))


def _functions_named(background: Background, judged: Sequence[tuple[str, AbiJudgement]]) -> Iterator[str | None]:
    for _, one in judged:
        yield from (background.function_of(one.abi, finding.subject) for finding in one.findings)


def _rules(names: set[str]) -> list[dict[str, str]]:
    return [
        {
            "rule": page.name,
            "checks": page.checks,
            "details": page.details,
            "why": page.why,
            "source": page.source,
            "reproduce": page.reproduce,
        }
        for page in rule_pages().values()
        if page.name in names
    ]


def _defects(catalog: Catalog, judged: Sequence[tuple[str, AbiJudgement]]) -> Iterator[dict[str, Any]]:
    known: list[Defect | ProviderDefect] = list(catalog.defects)
    for provider in catalog.providers.values():
        known += provider.defects
    for defect in known:
        met: dict[str, list[str]] = {}
        for source, one in judged:
            if any(finding.defect == defect.name for finding in one.findings):
                met.setdefault(source, []).append(one.abi)
        if met:
            yield {
                "defect": defect.name,
                "summary": defect.summary,
                "functions": list(defect.functions if isinstance(defect, Defect) else defect.symbols),
                "releases": defect.interval.spell_releases(),
                "condition": str(defect.interval.when) if defect.interval.when else None,
                "met": [{"source": source, "abis": abis} for source, abis in met.items()],
            }


def _timeline(abi: Abi) -> dict[str, Any]:
    symbols: dict[str, list[Exported]] = {}
    for one in joined(entries_of(abi)):
        symbols.setdefault(one.symbol, []).append(one)
    return {
        "abi": abi.name,
        "title": abi.title,
        "image": [_stretch(one.interval) for one in abi.vdso],
        "exports": [
            {
                "symbol": symbol,
                "function": entries[0].function,
                "stretches": [
                    {"version": one.where, **_stretch(interval)}
                    for one in entries
                    for interval in effective_intervals(one)
                ],
            }
            for symbol, entries in symbols.items()
        ],
    }


def _stretch(interval: Interval) -> dict[str, Any]:
    return {
        "since": _bound(interval.since),
        "until": _bound(interval.until) if interval.until is not None else None,
        "condition": str(interval.when) if interval.when else None,
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {
        "release": str(bound.after),
        "still_before": str(bound.before) if bound.before is not None else None,
        "backports": [str(one) for one in bound.backports],
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    from vdsocat.report.coverage import coverage_document

    document = coverage_document(coverage)
    return {
        "abis": document["abis"],
        "total": document["total"],
        "kinds": document["kinds"],
        "unobservable": [
            {"reason": one["reason"], "facts": len(one["facts"]), "abis": _abis_of(one["facts"])}
            for one in document["unobservable"]
        ],
        "unobserved": [{"abi": abi, "facts": count} for abi, count in _counted_by_abi(document["unobserved"])],
    }


def _abis_of(facts: Sequence[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(fact["abi"] for fact in facts))


def _counted_by_abi(facts: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, int]]:
    for abi in _abis_of(facts):
        yield abi, sum(fact["abi"] == abi for fact in facts)
