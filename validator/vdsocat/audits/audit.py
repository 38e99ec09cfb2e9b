"""Consumers against the catalogue: lookups that never match, or lose their symbol, and what else they rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vdsocat.audits.lookup_history import LookupHistory, counterparts, entries_named, history_of
from vdsocat.audits.relied_properties import catalogued_lacks
from vdsocat.catalog.consumer import Consumer, Fallback, Lookup, ReliedProperty
from vdsocat.catalog.model import Abi, Catalog, CatalogExport, Source
from vdsocat.judging.finding import Verdict

# What ends a program, where other fallbacks make it slower or poorer.
HARD_FALLBACKS = frozenset({Fallback.ASSERTION, Fallback.CRASH, Fallback.REFUSAL})
_FOLLOWS = {
    Fallback.SYSCALL: "makes the system call",
    Fallback.LOOKUP: "tries another symbol",
    Fallback.OWN_CODE: "uses code of its own",
    Fallback.IGNORED: "does without",
    Fallback.SKIP: "skips the test",
    Fallback.UNAVAILABLE: "fails the call",
    Fallback.REFUSAL: "refuses to run",
    Fallback.ASSERTION: "fails an assertion",
    Fallback.CRASH: "crashes",
}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What an audit found of one lookup, or of one property, of a consumer in an ABI.

    `subject` is NAME@VERSION, or the kind of the property; `since` is the kernel release from which on it bites, None
    where it always did or does not. `fallback` is what the consumer then does, `sources` say where that was read.
    """

    rule: str
    verdict: Verdict
    consumer: str
    abi: str
    subject: str
    purpose: str
    reason: str
    fallback: Fallback
    sources: tuple[Source, ...]
    since: str | None = None


def audit(consumer: Consumer, abi: Abi, catalog: Catalog) -> Iterator[AuditFinding]:
    """All findings of a consumer in one ABI: one for each lookup, and one for each property that the catalogue records.

    Segments, section headers and EI_OSABI are properties of images alone: see vdsocat.audits.image_audit.
    """
    histories = [history_of(one, consumer, abi, catalog) for one in consumer.lookups if one.abi == abi.name]
    for history in histories:
        rest = [other for other in histories if other is not history and _stands_in(other, history)]
        yield _judge_lookup(history, rest, consumer, abi, catalog)
    if histories:
        for relied in consumer.properties:
            yield from _judge_property(relied, [one.lookup for one in histories], consumer, abi)


def unused_exports(consumers: Sequence[Consumer], abi: Abi) -> Iterator[CatalogExport]:
    """What the newest kernels export in an ABI and no consumer looks up, aliases left out."""
    found = {
        id(entry)
        for consumer in consumers
        for lookup in consumer.lookups
        if lookup.abi == abi.name
        for entry in entries_named(abi, (*lookup.names, *lookup.requires), lookup.version)
    }
    for entry in abi.exports:
        if entry.interval.until is None and entry.alias_of is None and id(entry) not in found:
            yield entry


def lookup_finding(
    rule: str, verdict: Verdict, lookup: Lookup, consumer: Consumer, reason: str, since: str | None = None
) -> AuditFinding:
    """A finding about a lookup."""
    return AuditFinding(
        rule,
        verdict,
        consumer.name,
        lookup.abi,
        str(lookup),
        lookup.purpose,
        reason,
        lookup.fallback,
        lookup.sources,
        since,
    )


def spell_fallback(fallback: Fallback) -> str:
    """What a consumer then does, as the end of a sentence."""
    return _FOLLOWS[fallback]


def _stands_in(other: LookupHistory, for_this: LookupHistory) -> bool:
    """Whether the newest kernels serve the same purpose through another lookup, and go on doing so."""
    same = other.lookup.purpose == for_this.lookup.purpose and other.never is None and other.lost is None
    return same and (other.narrowed is None or for_this.narrowed is None)


def _judge_lookup(
    history: LookupHistory, rest: list[LookupHistory], consumer: Consumer, abi: Abi, catalog: Catalog
) -> AuditFinding:
    lookup = history.lookup
    instead = f"{rest[0].lookup} serves" if rest else f"it {spell_fallback(lookup.fallback)}"
    if history.never is not None:
        reckoned = lookup.fallback is Fallback.IGNORED or (
            lookup.fallback is Fallback.SKIP and not counterparts(lookup, abi, catalog)
        )
        verdict = Verdict.EXPECTED_ABSENT if reckoned else Verdict.FAIL
        return lookup_finding("LOOKUP-NEVER", verdict, lookup, consumer, f"never matches: {history.never}; {instead}")
    harmless = bool(rest) or lookup.fallback is Fallback.IGNORED
    if history.lost is not None:
        verdict = Verdict.EXPECTED_ABSENT if harmless else Verdict.FAIL
        why = f" ({history.other_type})" if history.other_type else ""
        reason = f"matches no kernel since {history.lost}{why}; {instead}"
        return lookup_finding("LOOKUP-LOST", verdict, lookup, consumer, reason, str(history.lost))
    if history.narrowed is not None:
        since, facts = history.narrowed
        verdict = Verdict.EXPECTED_ABSENT if harmless else Verdict.FAIL
        reason = f"since {since} needs {' and '.join(facts)}; without, {instead}"
        return lookup_finding("LOOKUP-NARROWED", verdict, lookup, consumer, reason, str(since))
    return _judge_window(history, instead, consumer, abi)


def _judge_window(history: LookupHistory, instead: str, consumer: Consumer, abi: Abi) -> AuditFinding:
    """A lookup that the newest kernels answer: from which release on, and under which condition."""
    lookup = history.lookup
    oldest = min((one.interval.since.after for one in abi.vdso), default=history.first)
    late = history.first > oldest
    words = [f"matches since {history.first}"]
    if history.conditions:
        words.append(f"under the condition {' or '.join(dict.fromkeys(history.conditions))}")
    if late or history.conditions:
        words.append(f"otherwise {instead}")
    hard = lookup.fallback in HARD_FALLBACKS and (late or bool(history.conditions))
    verdict = Verdict.REVIEW if hard else Verdict.PASS
    return lookup_finding("LOOKUP-WINDOW", verdict, lookup, consumer, ", ".join(words))


def _judge_property(
    relied: ReliedProperty, lookups: list[Lookup], consumer: Consumer, abi: Abi
) -> Iterator[AuditFinding]:
    served = [one for one in lookups if relied.concerns(one)]
    for lack in catalogued_lacks(relied, abi) if served else ():
        purposes = ", ".join(dict.fromkeys(one.purpose for one in served))
        verdict = Verdict.EXPECTED_ABSENT if lack.passed else Verdict.FAIL
        yield property_finding(verdict, relied, consumer, abi.name, purposes, lack.reason, lack.since)


def property_finding(
    verdict: Verdict,
    relied: ReliedProperty,
    consumer: Consumer,
    abi: str,
    purposes: str,
    reason: str,
    since: str | None = None,
) -> AuditFinding:
    """A finding about a property; `purposes` are those of the lookups that rely on it."""
    return AuditFinding(
        f"PROPERTY-{relied.kind.upper()}",
        verdict,
        consumer.name,
        abi,
        str(relied.kind),
        purposes,
        f"{reason}. {relied.consequence}",
        relied.fallback,
        relied.sources,
        since,
    )
