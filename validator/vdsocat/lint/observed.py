"""Where a look at a real kernel contradicts the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.evidence import Observation
from vdsocat.catalog.model import Abi, CatalogExport
from vdsocat.judging.evidence import judge_observation
from vdsocat.judging.finding import Verdict


def spell_export(entry: CatalogExport) -> str:
    """An export as evidence spells it: "__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL"."""
    return f"{entry.export.versioned_name} {entry.export.type} {entry.export.binding}"


def contradictions(abi: Abi, observation: Observation) -> Iterator[str]:
    """What the look at one kernel contradicts, as the judge puts it."""
    for finding in judge_observation(observation, abi):
        if finding.verdict in (Verdict.FAIL, Verdict.REVIEW):
            yield finding.sentence()
