"""Consumers against one kernel: a release as the catalogue has it, or the images of a real kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vdsocat.audits.audit import HARD_FALLBACKS, AuditFinding, lookup_finding, property_finding, spell_fallback
from vdsocat.audits.lookup_history import LookupHistory, accepted_types, history_of
from vdsocat.audits.relied_properties import lack_of_image
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.consumer import Consumer, Fallback, Lookup, PropertyKind
from vdsocat.catalog.intervals import Decision, State, decide_any
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.elf.image import VdsoImage
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Verdict


@dataclass(frozen=True, slots=True)
class AuditedImage:
    """An image with what is known of its kernel: `release` and `config` are None where that is not known.

    `mode` is "native", "compat" or "unknown"; `data` are the image's bytes.
    """

    abi: Abi
    mode: str
    release: KernelRelease | None
    config: Mapping[str, str] | None
    image: VdsoImage
    data: bytes


def audit_release(consumer: Consumer, abi: Abi, catalog: Catalog, release: KernelRelease) -> Iterator[AuditFinding]:
    """One finding for each purpose that a consumer looks symbols up for, and those for its hash tables, in one release.

    The kernel is taken to be started without parameters. What depends on its configuration is `unknown`, with the
    condition; what no release has does not count against one.
    """
    for group in _by_purpose(consumer, abi):
        histories = [history_of(lookup, consumer, abi, catalog) for lookup in group]
        decisions = [
            (one, _decide(one, abi, release, KernelFacts(mode, parameters={})))
            for one in histories
            for mode in abi.modes()
        ]
        yield _judge_at_release(decisions, consumer, release)
    yield from _hash_at_release(consumer, abi, release)


def audit_image(consumer: Consumer, seen: AuditedImage, catalog: Catalog) -> Iterator[AuditFinding]:
    """One finding for each purpose that a consumer looks symbols up for, and for each property that the image lacks.

    What no kernel ever offered does not count against this one.
    """
    served: list[Lookup] = []
    for group in _by_purpose(consumer, seen.abi):
        found = next((lookup for lookup in group if _finds(lookup, consumer, seen.image)), None)
        if found is None:
            yield _judge_missing(group, consumer, seen, catalog)
        else:
            served += group
            yield lookup_finding("LOOKUP-FOUND", Verdict.PASS, found, consumer, "the image has it")
    for relied in consumer.properties:
        lack = lack_of_image(relied, seen.image, seen.data)
        lost = ", ".join(dict.fromkeys(lookup.purpose for lookup in served if relied.concerns(lookup)))
        if lack is not None and lost:
            hard = relied.fallback in HARD_FALLBACKS
            loss = spell_fallback(relied.fallback) if hard else f"loses {lost}"
            reason = f"{lack}: {consumer.name} on {seen.abi.name} {loss}"
            yield property_finding(Verdict.FAIL, relied, consumer, seen.abi.name, lost, reason)


def _by_purpose(consumer: Consumer, abi: Abi) -> list[list[Lookup]]:
    groups: dict[str, list[Lookup]] = {}
    for lookup in consumer.lookups:
        if lookup.abi == abi.name:
            groups.setdefault(lookup.purpose, []).append(lookup)
    return list(groups.values())


def _finds(lookup: Lookup, consumer: Consumer, image: VdsoImage) -> bool:
    """Whether the image has the symbol with that version and an accepted type, and what the lookup requires."""
    types = accepted_types(lookup, consumer)
    there = {
        export.name
        for export in image.exports
        if lookup.version in (None, export.version) and (types is None or export.type in types)
    }
    return any(name in there for name in lookup.names) and all(name in there for name in lookup.requires)


def _judge_missing(group: Sequence[Lookup], consumer: Consumer, seen: AuditedImage, catalog: Catalog) -> AuditFinding:
    """Nothing serves the purpose: whether the kernel is too old for it, is built without it, or should have it."""
    histories = [history_of(lookup, consumer, seen.abi, catalog) for lookup in group]
    matching = [one for one in histories if one.never is None]
    if not matching:
        return _missed(group, consumer, Verdict.EXPECTED_ABSENT, f"no kernel has it: {histories[0].never}")
    almost = next((why for lookup in group if (why := _almost(lookup, consumer, seen.image))), None)
    if seen.release is None:
        return _missed(group, consumer, Verdict.FAIL, almost or "the image does not have it")
    if all(_is_older(one, seen.release) for one in matching):
        reason = f"the kernel is older than {min(one.first for one in matching)}, which brought it"
        return _missed(group, consumer, Verdict.EXPECTED_ABSENT, reason)
    decisions = [
        _decide(one, seen.abi, seen.release, KernelFacts(seen.mode, seen.config, parameters={})) for one in matching
    ]
    because = next((one.reason for one in decisions if one.state is State.ABSENT), None)
    why = almost or because or "the catalogue expects it"
    return _missed(group, consumer, Verdict.FAIL, f"the image does not have it ({why})")


def _almost(lookup: Lookup, consumer: Consumer, image: VdsoImage) -> str | None:
    """What the image has in its place: the name with another version or type."""
    types = accepted_types(lookup, consumer)
    for export in image.exports:
        if export.name in lookup.names and lookup.version not in (None, export.version):
            return f"it has {export.versioned_name}"
        if export.name in lookup.names and types is not None and export.type not in types:
            return f"the symbol is {export.type}, and {' or '.join(sorted(types))} is wanted"
    return None


def _missed(group: Sequence[Lookup], consumer: Consumer, verdict: Verdict, reason: str) -> AuditFinding:
    """The finding for a purpose that nothing serves, told of its last lookup: what that falls back to counts."""
    lookup = group[-1]
    if lookup.fallback is Fallback.IGNORED:
        verdict = Verdict.EXPECTED_ABSENT
    elif lookup.fallback in HARD_FALLBACKS and verdict is Verdict.EXPECTED_ABSENT:
        verdict = Verdict.REVIEW
    told = f"{reason}; it {spell_fallback(lookup.fallback)}"
    return lookup_finding("LOOKUP-MISSED", verdict, lookup, consumer, told)


def _is_older(history: LookupHistory, release: KernelRelease) -> bool:
    """Whether the release comes before all that the lookup matches."""
    return all(one.since.passed(release) is False for one in history.stretches)


def _decide(history: LookupHistory, abi: Abi, release: KernelRelease, facts: KernelFacts) -> Decision:
    """What the catalogue says of a lookup in one release: of the image, of the symbol, and of what it requires."""
    if history.never is not None:
        return Decision(State.ABSENT, history.never)
    parts = (history.stretches, *history.required, tuple(one.interval for one in abi.vdso))
    decisions = [decide_any(part, release, facts) for part in parts]
    for state in (State.ABSENT, State.UNKNOWN):
        for decision in decisions:
            if decision.state is state:
                return decision
    return decisions[0]


def _judge_at_release(
    decisions: Sequence[tuple[LookupHistory, Decision]], consumer: Consumer, release: KernelRelease
) -> AuditFinding:
    for state, verdict in ((State.PRESENT, Verdict.PASS), (State.UNKNOWN, Verdict.UNKNOWN)):
        for history, decision in decisions:
            if decision.state is state:
                return lookup_finding("LOOKUP-FOUND", verdict, history.lookup, consumer, decision.reason)
    reasons = "; ".join(dict.fromkeys(decision.reason for _, decision in decisions))
    matching = [history for history, _ in decisions if history.never is None]
    verdict = Verdict.EXPECTED_ABSENT if all(_is_older(one, release) for one in matching) else Verdict.FAIL
    return _missed([history.lookup for history, _ in decisions], consumer, verdict, reasons)


def _hash_at_release(consumer: Consumer, abi: Abi, release: KernelRelease) -> Iterator[AuditFinding]:
    purposes = ", ".join(dict.fromkeys(one.purpose for one in consumer.lookups if one.abi == abi.name))
    there = [one for one in abi.hash_styles if one.interval.covers(release) is not False]
    for relied in consumer.properties if purposes else ():
        if relied.kind is not PropertyKind.HASH or (relied.abis and abi.name not in relied.abis):
            continue
        for one in there:
            if not set(one.styles) & set(relied.needs):
                condition = f" if {one.interval.when}" if one.interval.when else ""
                reason = f"the image has {' and '.join(one.styles)} alone{condition}"
                verdict = Verdict.UNKNOWN if condition else Verdict.FAIL
                yield property_finding(verdict, relied, consumer, abi.name, purposes, reason)
