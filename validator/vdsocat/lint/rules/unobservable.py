"""Rules about what no kernel within reach can show."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.evidence import AbiEvidence
from vdsocat.errors import did_you_mean
from vdsocat.lint.coverage import is_observed, reason_for
from vdsocat.lint.facts import Fact, facts
from vdsocat.lint.problem import LintInput, Problem, abi_file
from vdsocat.lint.unobservable import UNOBSERVABLE, Unobservable, unobservable_from_document


def unobserved_exports(given: LintInput) -> Iterator[Problem]:
    """An export was seen in an image of a real kernel, or there is a reason why it cannot be."""
    reasons = _reasons(given)
    for fact, evidence in _facts(given):
        if fact.kind == "exports" and not is_observed(fact, evidence) and not reason_for(fact, evidence, reasons):
            text = f"no kernel was seen to export it; record evidence, or say in {UNOBSERVABLE} why none can be."
            yield Problem(abi_file(fact.abi), fact.place, text)


def needless_reasons(given: LintInput) -> Iterator[Problem]:
    """A reason for not observing a fact is for facts that there are and that nobody observed."""
    stated = list(_facts(given))
    for number, reason in enumerate(_reasons(given)):
        place = ("unobservable", number)
        for name in reason.abis or ():
            if name not in given.catalog.abis:
                yield Problem(UNOBSERVABLE, place, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
        meant = [(fact, evidence) for fact, evidence in stated if reason.fits(fact, evidence)]
        if not meant:
            yield Problem(UNOBSERVABLE, place, "is for no fact of the catalogue.")
        for fact, evidence in meant:
            if is_observed(fact, evidence):
                text = f"is for {fact.name} ({fact.kind} of {fact.abi.name}), which was observed."
                yield Problem(UNOBSERVABLE, place, text)


RULES = (unobserved_exports, needless_reasons)


def _reasons(given: LintInput) -> tuple[Unobservable, ...]:
    return unobservable_from_document(given.documents.get(UNOBSERVABLE, {}))


def _facts(given: LintInput) -> Iterator[tuple[Fact, AbiEvidence]]:
    """Every fact of the catalogue, with what was seen of its ABI."""
    by_abi = {one.abi: one for one in given.evidence.values()}
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            yield fact, by_abi.get(abi.name, AbiEvidence(abi.name))
