"""The one comparison: what is expected of a set of exports against what an image shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.intervals import Decision, State, decide_any
from vdsocat.catalog.model import CatalogExport
from vdsocat.exports import Export, ExportSet, KernelRelease
from vdsocat.judging.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class ExpectedSymbol:
    """What is expected of one symbol name: `exports` are the forms it must be there in (usually one).

    `possible` are forms that may be there although nothing decides it. `decision` says why.
    """

    name: str
    decision: Decision
    exports: tuple[Export, ...]
    possible: tuple[Export, ...]


def resolve_expected(
    entries: Sequence[CatalogExport], release: KernelRelease, facts: KernelFacts
) -> tuple[ExpectedSymbol, ...]:
    """What the catalogue's entries say for one release under these facts: one record per symbol name."""
    by_name: dict[str, list[CatalogExport]] = {}
    for entry in entries:
        by_name.setdefault(entry.export.name, []).append(entry)
    return tuple(_resolve_symbol(name, tuple(group), release, facts) for name, group in by_name.items())


def _resolve_symbol(
    name: str, entries: tuple[CatalogExport, ...], release: KernelRelease, facts: KernelFacts
) -> ExpectedSymbol:
    states = [(entry.export, entry.interval.decide(release, facts).state) for entry in entries]
    return ExpectedSymbol(
        name=name,
        decision=decide_any(tuple(entry.interval for entry in entries), release, facts),
        exports=tuple(export for export, state in states if state is State.PRESENT),
        possible=tuple(export for export, state in states if state is State.UNKNOWN),
    )


def compare_exports(expected: Sequence[ExpectedSymbol], seen: ExportSet) -> Iterator[Finding]:
    """One finding for each expected symbol, and one for each symbol of the image that nobody expected."""
    for symbol in expected:
        yield from _compare_symbol(symbol, seen)
    known = {symbol.name: symbol for symbol in expected}
    for export in seen:
        if export.name and (export.name not in known or _is_second_form(export, known[export.name], seen)):
            yield Finding(
                "SYM-NEW",
                Verdict.REVIEW,
                export.versioned_name,
                f"{seen.said_by} exports it and the catalogue does not know it",
                seen=_spell(export),
            )


def _is_second_form(export: Export, symbol: ExpectedSymbol, seen: ExportSet) -> bool:
    """Whether it stands beside the forms that the catalogue has, all of which are there, under one more version."""
    versions = {form.version for form in symbol.exports + symbol.possible}
    present = {form.version for form in seen.named(symbol.name)}
    return (
        bool(symbol.exports) and export.version not in versions and {one.version for one in symbol.exports} <= present
    )


def _compare_symbol(symbol: ExpectedSymbol, seen: ExportSet) -> Iterator[Finding]:
    found = seen.named(symbol.name)
    if symbol.exports:
        for export in symbol.exports:
            yield _compare_form(export, found, symbol.decision, blanked=seen.named(""))
    elif not found:
        absent = symbol.decision.state is State.ABSENT
        yield Finding(
            "SYM-ABSENT",
            Verdict.EXPECTED_ABSENT if absent else Verdict.UNKNOWN,
            symbol.name,
            symbol.decision.reason,
        )
    elif symbol.possible:
        form = next((one for one in symbol.possible if one.version == found[0].version), symbol.possible[0])
        yield _compare_form(form, found, symbol.decision)
    else:
        yield Finding(
            "SYM-UNEXPECTED",
            Verdict.REVIEW,
            found[0].versioned_name,
            f"it is there although the catalogue says otherwise: {symbol.decision.reason}",
            seen=_spell(found[0]),
        )


def _compare_form(
    expected: Export, found: tuple[Export, ...], decision: Decision, blanked: tuple[Export, ...] = ()
) -> Finding:
    if not found:
        reason = f"it must be there ({decision.reason})"
        if any(export.version == expected.version for export in blanked):
            reason += "; the image has unnamed symbols, which is how a kernel blanks names at boot"
        return Finding("SYM-MISSING", Verdict.FAIL, expected.versioned_name, reason, expected=_spell(expected))
    same_version = [export for export in found if export.version == expected.version]
    if not same_version:
        return _differs("SYM-VERSION", Verdict.FAIL, expected, found[0], "it has another version")
    export = same_version[0]
    if export.type is not expected.type:
        return _differs("SYM-TYPE", Verdict.FAIL, expected, export, "it has another symbol type")
    if export.binding is not expected.binding:
        return _differs("SYM-BINDING", Verdict.REVIEW, expected, export, "it has another binding")
    return Finding("SYM-PRESENT", Verdict.PASS, expected.versioned_name, decision.reason, seen=_spell(export))


def _differs(rule: str, verdict: Verdict, expected: Export, seen: Export, reason: str) -> Finding:
    return Finding(rule, verdict, expected.versioned_name, reason, expected=_spell(expected), seen=_spell(seen))


def _spell(export: Export) -> str:
    return f"{export.versioned_name} {export.type} {export.binding}"
