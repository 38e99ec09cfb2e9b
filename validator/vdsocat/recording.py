"""From a judgement to evidence: what a kernel that others can find again was seen to export."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from vdsocat.capture import AbiCapture, parse_config
from vdsocat.catalog.evidence import ImageFacts, Observation, Sighting
from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import AbiJudgement, Judgement
from vdsocat.judging.placement import AUXV_TAGS

_BOOT = "boot:"
_SOURCE_PACKAGE = "linux-source-"
_NAMED_MAPPING = re.compile(r"(\[[^][]+\])\s*\Z")


class _Conditional(Protocol):
    """Any fact of an ABI that holds over an interval."""

    @property
    def interval(self) -> Interval: ...


def observations_of(judgement: Judgement, catalog: Catalog) -> dict[str, list[Observation]]:
    """What a judged capture shows of each ABI that its kernel runs; empty when it is no evidence.

    Evidence is of a Linux kernel out of a package, or built from one: any other cannot be looked at again.
    ABIs that the kernel does not run, or whose programs did not get far enough to tell, leave no observation.
    """
    provenance = judgement.capture.provenance
    if provenance.provider != "linux" or not provenance.kernel_package or not provenance.kernel_package_sha256:
        return {}
    observations: dict[str, list[Observation]] = {}
    for judged, seen in zip(judgement.abis, judgement.capture.abis, strict=True):
        if judged.image is not None or _lacks_image(judged):
            sighting = _sighting(judgement, judged, seen, catalog.abi(judged.abi))
            facts = ImageFacts.of(judged.image) if judged.image else None
            observations.setdefault(judged.abi, []).append(Observation(sighting, facts))
    return observations


def _lacks_image(judged: AbiJudgement) -> bool:
    """Whether the kernel runs the ABI and there is no image: that none was readable does not count."""
    rules = {finding.rule: finding.verdict for finding in judged.findings}
    runs = rules.get("ABI-RUNS", Verdict.PASS) is Verdict.PASS
    return runs and "VDSO-PRESENT" in rules and "ELF-READABLE" not in rules


def _options(abi: Abi, text: str | None) -> tuple[tuple[str, str], ...] | None:
    """The configuration as far as the ABI's conditions ask for it: enough to judge the observation again."""
    if text is None:
        return None
    config = parse_config(text)
    named = {fact for fact in _conditional_facts(abi) if fact.startswith("CONFIG_")}
    return tuple((option, config.get(option, "n")) for option in sorted(named))


def _parameters(abi: Abi, given: Mapping[str, str]) -> tuple[tuple[str, str], ...] | None:
    """What the kernel was told that the ABI's conditions ask for; None where that is nothing."""
    facts = (fact.removeprefix(_BOOT) for fact in _conditional_facts(abi) if fact.startswith(_BOOT))
    names = {fact.partition("=")[0] for fact in facts}
    return tuple((name, given[name]) for name in sorted(names & given.keys())) or None


def _conditional_facts(abi: Abi) -> set[str]:
    """All facts that the ABI's conditions name."""
    groups: tuple[Iterable[_Conditional], ...]
    groups = (abi.hosts, abi.vdso, abi.exports, abi.hash_styles, abi.auxv, abi.mappings, abi.areas)
    conditions = (one.interval.when for group in groups for one in group if one.interval.when is not None)
    return {fact for condition in conditions for fact in condition.facts()}


def _sighting(judgement: Judgement, judged: AbiJudgement, seen: AbiCapture, abi: Abi) -> Sighting:
    provenance = judgement.capture.provenance
    package = provenance.kernel_package or ""
    return Sighting(
        kernel=f"built:{provenance.source}" if package.startswith(_SOURCE_PACKAGE) else package,
        version=provenance.kernel_package_version or "",
        architecture=provenance.kernel_package_architecture or "",
        release=str(KernelRelease.parse(judgement.release)),
        mode=judged.mode,
        how="static" if seen.is_static else "mapped",
        date=provenance.date[:10],
        package_sha256=provenance.kernel_package_sha256 or "",
        image_sha256=hashlib.sha256(seen.image).hexdigest() if seen.image is not None else None,
        config=_options(abi, judgement.capture.config),
        parameters=_parameters(abi, provenance.kernel_parameters or {}),
        auxv=None if seen.is_static else tuple(tag for tag, number in AUXV_TAGS.items() if dict(seen.auxv).get(number)),
        mappings=None if seen.is_static else _names_of_mappings(seen),
        endianness=seen.endianness if _nothing_else_tells_the_byte_order(seen, abi) else None,
    )


def _nothing_else_tells_the_byte_order(seen: AbiCapture, abi: Abi) -> bool:
    return not seen.is_static and seen.image is None and len(abi.elf.endianness) > 1


def _names_of_mappings(seen: AbiCapture) -> tuple[str, ...] | None:
    """The names in /proc/PID/maps, without those of the program's own memory; None where the probe did not read it."""
    names = {found[1] for line in seen.mappings if (found := _NAMED_MAPPING.search(line))}
    return tuple(sorted(names - {"[stack]", "[heap]"})) if seen.mappings else None
