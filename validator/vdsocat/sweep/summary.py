"""What evidence and findings come to in sum: the numbers, and each finding once with the kernels that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vdsocat.catalog.evidence import AbiEvidence
from vdsocat.catalog.model import Catalog
from vdsocat.exports import KernelRelease
from vdsocat.judging.evidence import judge_observation
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import Judgement

# ABI, kernel.org release, finding.
Found = tuple[str, str, Finding]

_WANTING = (Verdict.FAIL, Verdict.REVIEW, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class AbiSummary:
    """The evidence of one ABI, counted.

    kernels     kernels whose image, or lack of one, was looked at
    releases    oldest and newest kernel.org release among them
    images      images looked at; a kernel can be looked at both ways, and can carry alternatives
    exports     symbols of those images, each of them held to the catalogue at its kernel's release
    findings    the catalogue's verdicts by `fail`, `review` and `unknown`
    """

    abi: str
    kernels: int
    releases: tuple[str, str]
    images: int
    exports: int
    findings: dict[Verdict, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """All ABIs, and the number of kernels altogether: one kernel serves several ABIs."""

    abis: tuple[AbiSummary, ...]
    kernels: int

    @property
    def images(self) -> int:
        """Images of all ABIs."""
        return sum(one.images for one in self.abis)

    @property
    def exports(self) -> int:
        """Exports compared, of all ABIs."""
        return sum(one.exports for one in self.abis)

    def count(self, verdict: Verdict) -> int:
        """How often a verdict was given."""
        return sum(one.findings.get(verdict, 0) for one in self.abis)


@dataclass(slots=True)
class GroupedFinding:
    """One finding with everything that it was found in, as "RELEASE (architecture)"."""

    abi: str
    finding: Finding
    releases: list[str] = field(default_factory=list)

    def spell_releases(self) -> str:
        """The releases in a few words."""
        distinct = sorted(set(self.releases), key=KernelRelease.parse)
        if len(distinct) < 4:
            return ", ".join(distinct)
        return f"{distinct[0]} to {distinct[-1]}, {len(self.releases)} images"


def summarise_evidence(evidence: Iterable[AbiEvidence], findings: Iterable[Found]) -> Summary:
    """Count the evidence, and the findings that it, or the kernels themselves, gave."""
    verdicts = Counter((abi, finding.verdict) for abi, _, finding in findings)
    kernels: set[tuple[str, str, str]] = set()
    rows = []
    for one in evidence:
        keys = {observation.sighting.kernel_key for observation in one.observations}
        kernels |= keys
        if keys:
            rows.append(_summarise_abi(one, len(keys), {verdict: verdicts[one.abi, verdict] for verdict in _WANTING}))
    return Summary(tuple(rows), len(kernels))


def findings_of_evidence(
    evidence: Iterable[AbiEvidence], catalog: Catalog, judged: Iterable[Judgement] = ()
) -> Iterator[Found]:
    """Every verdict that wants a reader, by the catalogue as it is; not of kernels that were `judged` themselves.

    InputError for an ABI that the catalogue has not.
    """
    packages = {one.capture.provenance.kernel_package_sha256 for one in judged}
    for one in evidence:
        for observation in one.observations:
            if observation.sighting.how == "static" and observation.sighting.package_sha256 in packages:
                continue
            for finding in judge_observation(observation, catalog.abi(one.abi), catalog.defects):
                if finding.verdict in _WANTING:
                    yield one.abi, observation.sighting.release, finding


def findings_of_judgements(judgements: Iterable[Judgement]) -> Iterator[Found]:
    """Every verdict that wants a reader."""
    for judgement in judgements:
        release = str(KernelRelease.parse(judgement.release))
        for judged in judgement.abis:
            for finding in judged.findings:
                if finding.verdict in _WANTING:
                    yield judged.abi, release, finding


def group_findings(findings: Iterable[Found]) -> Sequence[GroupedFinding]:
    """Each finding once, the gravest first; the reasons are those of its first occurrence."""
    groups: dict[tuple[object, ...], GroupedFinding] = {}
    for abi, release, finding in findings:
        key = abi, finding.rule, finding.verdict, finding.subject, finding.expected, finding.seen
        groups.setdefault(key, GroupedFinding(abi, finding)).releases.append(release)
    return sorted(groups.values(), key=lambda one: (_WANTING.index(one.finding.verdict), one.abi, one.finding.subject))


def _summarise_abi(evidence: AbiEvidence, kernels: int, findings: dict[Verdict, int]) -> AbiSummary:
    observations = evidence.observations
    images = [one for one in observations if one.facts is not None]
    return AbiSummary(
        abi=evidence.abi,
        kernels=kernels,
        releases=(observations[0].sighting.release, observations[-1].sighting.release),
        images=len(images),
        exports=sum(len(one.facts.exports) for one in images if one.facts is not None),
        findings=findings,
    )
