"""Coverage: how many facts of the catalogue have a source, and how many were observed on a real kernel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from vdsocat.catalog.evidence import AbiEvidence, Observation
from vdsocat.lint.facts import Fact, facts
from vdsocat.lint.observed import spell_export
from vdsocat.lint.problem import LintInput
from vdsocat.lint.proof import can_be_looked_up, mainline_predecessors, proven_bounds
from vdsocat.lint.unobservable import UNOBSERVABLE, Unobservable, observations_about, unobservable_from_document


@dataclass(frozen=True, slots=True)
class AbiCoverage:
    """The figures of one ABI, or of all together (`abi` is "all").

    Of `facts`, `sourced` have a source that can be looked up; `observed`, `unobservable` (with a reason) and
    `unobserved` add up to them. `bounds` are the releases at which something came or went, `proven` those of them with
    a commit or two neighbouring release trees.
    """

    abi: str
    facts: int
    sourced: int
    observed: int
    unobservable: int
    unobserved: int
    bounds: int
    proven: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The figures by ABI; the facts that each reason is for; and the facts that nobody saw and that have no reason.

    `kinds` are the lists of an ABI's file, such as exports, with how many facts they hold and how many were observed.
    """

    abis: tuple[AbiCoverage, ...]
    kinds: tuple[tuple[str, int, int], ...]
    reasons: tuple[tuple[str, tuple[Fact, ...]], ...]
    unobserved: tuple[Fact, ...]

    @property
    def total(self) -> AbiCoverage:
        """The sums over all ABIs."""
        sums = {name: sum(getattr(one, name) for one in self.abis) for name in AbiCoverage.__slots__ if name != "abi"}
        return AbiCoverage("all", **sums)


def coverage(given: LintInput) -> Coverage:
    """Count the facts of the catalogue, in the order of the ABIs' names."""
    reasons = unobservable_from_document(given.documents.get(UNOBSERVABLE, {}))
    by_abi = {one.abi: one for one in given.evidence.values()}
    predecessors = mainline_predecessors(given.catalog.releases)
    figures: list[AbiCoverage] = []
    explained: dict[str, list[Fact]] = {}
    unobserved: list[Fact] = []
    stated_by_kind: Counter[str] = Counter()
    open_by_kind: Counter[str] = Counter()
    for abi in given.catalog.sorted_abis():
        stated = list(facts(abi))
        evidence = by_abi.get(abi.name, AbiEvidence(abi.name))
        open_facts = [fact for fact in stated if not is_observed(fact, evidence)]
        stated_by_kind.update(fact.kind for fact in stated)
        open_by_kind.update(fact.kind for fact in open_facts)
        unexplained = []
        for fact in open_facts:
            reason = reason_for(fact, evidence, reasons)
            if reason is None:
                unexplained.append(fact)
            else:
                explained.setdefault(reason.reason, []).append(fact)
        proofs = [proven for _, _, proven in proven_bounds(stated, predecessors)]
        figures.append(
            AbiCoverage(
                abi=abi.name,
                facts=len(stated),
                sourced=sum(any(map(can_be_looked_up, fact.sources)) for fact in stated),
                observed=len(stated) - len(open_facts),
                unobservable=len(open_facts) - len(unexplained),
                unobserved=len(unexplained),
                bounds=len(proofs),
                proven=sum(proofs),
            )
        )
        unobserved += unexplained
    by_reason = tuple((reason, tuple(explained[reason])) for reason in explained)
    kinds = tuple((kind, count, count - open_by_kind[kind]) for kind, count in stated_by_kind.most_common())
    return Coverage(tuple(figures), kinds, by_reason, tuple(unobserved))


def reason_for(fact: Fact, evidence: AbiEvidence, reasons: tuple[Unobservable, ...]) -> Unobservable | None:
    """The first reason that is for the fact."""
    return next((reason for reason in reasons if reason.fits(fact, evidence)), None)


def is_observed(fact: Fact, evidence: AbiEvidence) -> bool:
    """Whether a real kernel that the fact may hold for was seen to be as it says."""
    return any(_shows(one, fact) for one in observations_about(fact, evidence))


def _shows(observation: Observation, fact: Fact) -> bool:
    seen, image = observation.sighting, observation.facts
    match fact.kind:
        case "hosts":
            return True
        case "auxv":
            return fact.entry.tag in (seen.auxv or ())
        case "mappings":
            return fact.entry.name in (seen.mappings or ())
        case "areas":
            return fact.entry.mapping is not None and fact.entry.mapping in (seen.mappings or ())
    if image is None:
        return False
    match fact.kind:
        case "exports":
            return spell_export(fact.entry) in image.exports
        case "vdso":
            return fact.entry.soname in (None, image.soname)
        case "hash":
            return set(fact.entry.styles) == set(image.hash_styles)
    return False
