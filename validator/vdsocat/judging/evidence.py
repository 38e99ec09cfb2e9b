"""Holding evidence to the catalogue: what was seen on real kernels, judged again without the kernels."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.defects import Defect
from vdsocat.catalog.evidence import ImageFacts, Observation
from vdsocat.catalog.model import Abi
from vdsocat.exports import Binding, Export, ExportSet, SymbolType
from vdsocat.judging import rules
from vdsocat.judging.behaviour import KnownDefects
from vdsocat.judging.compare import compare_exports, resolve_expected
from vdsocat.judging.finding import Finding


def judge_observation(observation: Observation, abi: Abi, defects: tuple[Defect, ...]) -> Iterator[Finding]:
    """What the rules say of one observation by the catalogue as it is now; `defects` are those that it knows.

    Evidence keeps those options of a configuration that the catalogue asked for when it was recorded; what hangs on
    another one is `unknown` where it is absent, as is what the machine decides. All else is decided as in a check.
    """
    seen, facts = observation.sighting, observation.facts
    release = seen.parsed_release
    known = seen.facts
    how = "carried" if seen.how == "static" else "mapped"
    yield rules.judge_presence("an image" if facts else None, how, abi.vdso, release, known)
    if facts is None:
        return
    yield from rules.judge_soname(facts, abi.vdso, release, known)
    yield from rules.judge_hash_styles(facts, abi.hash_styles, release, known)
    exports = ExportSet(abi.name, str(seen), exports_of(facts))
    compared = compare_exports(resolve_expected(abi.exports, release, known), exports)
    yield from KnownDefects(defects, abi, release, known).explain(compared)


def exports_of(facts: ImageFacts) -> tuple[Export, ...]:
    """The exports that the facts spell."""
    return tuple(map(export_from_text, facts.exports))


def export_from_text(text: str) -> Export:
    """Read "symbol@@version TYPE BINDING", as evidence and findings spell an export."""
    versioned, kind, binding = text.split(" ")
    name, _, version = versioned.partition("@@")
    return Export(name, version or None, SymbolType(kind), Binding(binding))
