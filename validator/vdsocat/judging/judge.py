"""Judging a capture: every ABI that it holds against the catalogue, or against what a provider is known to offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vdsocat.capture import AbiCapture, Capture, parse_config
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.defects import ProviderDefect
from vdsocat.catalog.fast_paths import FastPaths
from vdsocat.catalog.intervals import Decision, State, decide_any
from vdsocat.catalog.model import Abi, Catalog, CatalogExport, HashStyles, Provider, VdsoInterval
from vdsocat.command_line import told_at_boot
from vdsocat.elf.image import ImageError, VdsoImage, read_vdso_image
from vdsocat.elf.layout import machine_name
from vdsocat.errors import InputError, RunError, did_you_mean
from vdsocat.exports import ExportSet, KernelRelease
from vdsocat.judging import rules
from vdsocat.judging.behaviour import KnownDefects, judge_cases
from vdsocat.judging.carried import judge_carried
from vdsocat.judging.changes import symbol_of
from vdsocat.judging.compare import compare_exports, resolve_expected
from vdsocat.judging.fastpath import judge_paths
from vdsocat.judging.finding import Finding, Verdict, gravest
from vdsocat.judging.placement import judge_placement
from vdsocat.judging.places import judge_gateway, judge_signal_returns, judge_vsyscall
from vdsocat.judging.structure import JudgedImage, judge_structure
from vdsocat.judging.unwinding import judge_unwinding


@dataclass(frozen=True, slots=True)
class AbiJudgement:
    """What was found of one ABI: a row of the matrix. `image` is None where no vDSO was mapped or readable."""

    abi: str
    endianness: str
    mode: str
    findings: tuple[Finding, ...]
    image: VdsoImage | None

    @property
    def verdict(self) -> Verdict:
        """The verdict that stands for the row: where there rightly is no vDSO, that is what it says."""
        verdict = gravest(self.findings)
        rightly_absent = Verdict.EXPECTED_ABSENT in self._verdicts_of("VDSO-PRESENT")
        return Verdict.EXPECTED_ABSENT if verdict is Verdict.PASS and rightly_absent else verdict

    def _verdicts_of(self, rule: str) -> set[Verdict]:
        return {finding.verdict for finding in self.findings if finding.rule == rule}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A capture with what was found in it; `release` is the kernel.org release, or the provider's version."""

    capture: Capture
    release: str
    abis: tuple[AbiJudgement, ...]

    @property
    def failed(self) -> bool:
        """Whether any finding is a `fail`."""
        return any(abi.verdict is Verdict.FAIL for abi in self.abis)

    def findings(self) -> Iterator[Finding]:
        """All findings of all ABIs."""
        for abi in self.abis:
            yield from abi.findings


@dataclass(frozen=True, slots=True)
class _Expectation:
    """What an ABI is held to: exports and image intervals, and the release and facts that decide them.

    `release` is the provider's own; `kernel_release` is None where the provider is no kernel.
    """

    release: KernelRelease
    facts: KernelFacts
    vdso: tuple[VdsoInterval, ...]
    exports: tuple[CatalogExport, ...]
    hash_styles: tuple[HashStyles, ...] = ()
    kernel_release: KernelRelease | None = None


def judge_capture(capture: Capture, catalog: Catalog) -> Judgement:
    """Hold a capture to the catalogue. RunError when it lacks what judging needs (no ABI reported a release).

    InputError when it names an ABI or a provider that the catalogue has not, when an image in a file tells no release,
    or when the release is none.
    """
    if capture.provenance.provider == "linux":
        text = capture.upstream_release
        if text is None:
            if any(seen.is_static for seen in capture.abis):
                raise InputError(f"{capture.provenance.source}: does not say of which release; its build tree does.")
            raise RunError(f"{capture.provenance.source}: no probe reported the kernel's release.")
        release = _parse_release(text, capture)
        config = parse_config(capture.config) if capture.config is not None else None
        return Judgement(
            capture, text, tuple(_judge_on_kernel(one, capture, catalog, release, config) for one in capture.abis)
        )
    return Judgement(
        capture,
        capture.provenance.provider_version or "unknown",
        tuple(_judge_on_provider(one, capture, catalog) for one in capture.abis),
    )


def _judge_on_kernel(
    seen: AbiCapture, capture: Capture, catalog: Catalog, release: KernelRelease, config: Mapping[str, str] | None
) -> AbiJudgement:
    abi = catalog.abi(seen.abi)
    _require_probe_of(abi, seen, capture)
    hosts = abi.hosts_on(capture.provenance.kernel_arch or "", capture.provenance.kernel_bits or 0)
    mode = abi.mode_on(capture.provenance.kernel_arch, capture.provenance.kernel_bits)
    # An image in a file is there whatever the kernel will be told at boot.
    given = {} if seen.is_static else capture.provenance.kernel_parameters
    told = given if seen.is_static or given is None else told_at_boot(given, config)
    facts = KernelFacts(mode, config, capture.facts, told)
    if capture.provenance.kernel_arch is None:
        hosted = Decision(State.UNKNOWN, "the image does not tell its kernel")
    else:
        hosted = decide_any(tuple(host.interval for host in hosts), release, facts)
    findings = list(rules.judge_abi_runs(seen, abi, hosted))
    if _says_nothing_more(seen, hosted):
        return AbiJudgement(abi.name, seen.endianness, mode, tuple(findings), None)
    image, more = _judge_image(seen, abi, _Expectation(release, facts, abi.vdso, abi.exports, abi.hash_styles, release))
    known = KnownDefects(catalog.defects, abi, release, facts)
    findings += known.explain(more)
    if not seen.is_static:
        findings += judge_cases(seen.cases, known)
        findings += judge_signal_returns(seen, abi, image, known)
        findings += judge_vsyscall(seen)
        findings += known.explain(judge_gateway(seen, abi.areas, release, facts))
        findings += judge_paths(seen, abi, catalog.fast_paths, facts)
        findings += known.explain(judge_carried(seen))
        findings += judge_placement(seen, abi, image, release, facts)
        findings += rules.judge_areas(abi.areas, seen, release, facts)
    return AbiJudgement(abi.name, seen.endianness, mode, tuple(findings), image)


def _judge_on_provider(seen: AbiCapture, capture: Capture, catalog: Catalog) -> AbiJudgement:
    """Hold an emulator's vDSO to what the catalogue says of that emulator, never to a kernel's."""
    abi = catalog.abi(seen.abi)
    _require_probe_of(abi, seen, capture)
    provenance = capture.provenance
    provider = catalog.providers.get(provenance.provider)
    if provider is None:
        hint = did_you_mean(provenance.provider, catalog.providers)
        raise InputError(f"The catalogue knows no provider {provenance.provider!r}{hint}")
    release = _parse_release(provenance.provider_version or "", capture)
    facts = KernelFacts("native")
    offered = provider.offered(abi.name)
    runs = Decision(State.PRESENT, f"run by {provider.name} {release}")
    findings = list(rules.judge_abi_runs(seen, abi, runs))
    if _says_nothing_more(seen, runs):
        return AbiJudgement(abi.name, seen.endianness, "native", tuple(findings), None)
    if seen.image is None and (absence := _provider_absence(provider, abi.name, release)):
        findings.append(Finding("VDSO-PRESENT", Verdict.EXPECTED_ABSENT, "vDSO", absence))
        return AbiJudgement(abi.name, seen.endianness, "native", tuple(findings), None)
    expectation = _Expectation(
        release,
        facts,
        tuple(VdsoInterval(one.interval, one.soname) for one in offered),
        tuple(export for one in offered for export in one.exports),
    )
    image, more = _judge_image(seen, abi, expectation)
    findings += more
    findings += judge_cases(seen.cases)
    findings += judge_signal_returns(seen, abi, image, None)
    findings += judge_paths(seen, abi, FastPaths(), facts)
    areas = [area for one in offered for area in one.areas]
    findings += judge_gateway(seen, areas, release, facts)
    findings += rules.judge_areas(areas, seen, release, facts)
    known = [one for one in provider.defects if abi.name in one.abis and one.interval.covers(release) is not False]
    explained = tuple(_explained(finding, known) for finding in findings)
    return AbiJudgement(abi.name, seen.endianness, "native", explained, image)


def _explained(finding: Finding, known: Sequence[ProviderDefect]) -> Finding:
    """The finding, no failure if a defect of the provider's is the reason."""
    for defect in known:
        of_it = finding.rule in defect.rules and symbol_of(finding.subject) in defect.symbols
        if finding.verdict is Verdict.FAIL and of_it:
            reason = f"{finding.reason}; known defect {defect.name} (docs/findings.md): {defect.summary}"
            return replace(finding, verdict=Verdict.KNOWN_DEFECT, reason=reason, defect=defect.name)
    return finding


def _says_nothing_more(seen: AbiCapture, hosted: Decision) -> bool:
    """Whether the probe never got as far as the vDSO: that none is known of then says nothing of the kernel."""
    if seen.is_static:
        return seen.image is None and hosted.state is State.ABSENT
    return seen.outcome == "exec-failed" or (seen.outcome != "complete" and seen.image is None)


def _require_probe_of(abi: Abi, seen: AbiCapture, capture: Capture) -> None:
    """RunError when the program that reported was not one of this ABI."""
    if seen.machine is None:
        return
    said = (machine_name(seen.machine), seen.elf_class)
    if said != (abi.elf.machine, abi.elf.elf_class):
        raise RunError(
            f"{capture.provenance.source}: what reported for {abi.name} is a {said[1]}-bit program for {said[0]}, "
            f"not for {abi.elf.machine}; the probe is the wrong one."
        )


def _provider_absence(provider: Provider, abi: str, release: KernelRelease) -> str | None:
    """Why this release of a provider maps no vDSO for an ABI; None when it should map one."""
    offered = provider.offered(abi)
    if not offered:
        return f"this provider has none; {provider.without.get(abi, 'the catalogue records none of it for this ABI')}"
    if any(one.interval.covers(release) is not False for one in offered):
        return None
    stretches = ", ".join(one.interval.spell_releases() for one in offered)
    return f"this provider has none in {release}; {provider.title} has one {stretches}"


def _judge_image(seen: AbiCapture, abi: Abi, expected: _Expectation) -> tuple[VdsoImage | None, list[Finding]]:
    findings = [rules.judge_vdso_present(seen, expected.vdso, expected.release, expected.facts)]
    image = None
    if seen.image is not None:
        try:
            image = read_vdso_image(seen.image, load_address=seen.address)
        except ImageError as error:
            findings.append(rules.judge_unreadable(error))
    if seen.image is not None and image is not None:
        said_by = f"the image {'carried' if seen.is_static else 'mapped'} by {expected.release}"
        findings.append(rules.judge_identity(image, abi, seen.endianness))
        findings += rules.judge_soname(image, expected.vdso, expected.release, expected.facts)
        findings += rules.judge_hash_styles(image, expected.hash_styles, expected.release, expected.facts)
        findings += judge_structure(JudgedImage(image, expected.kernel_release))
        findings.append(judge_unwinding(seen.image, image, abi, expected.kernel_release))
        symbols = resolve_expected(expected.exports, expected.release, expected.facts)
        findings += compare_exports(symbols, ExportSet(abi.name, said_by, image.exports))
        findings += () if seen.is_static else rules.judge_calls_made(image, abi, seen)
    findings += [rules.judge_call(call) for call in seen.calls]
    return image, findings


def _parse_release(text: str, capture: Capture) -> KernelRelease:
    try:
        return KernelRelease.parse(text)
    except ValueError as error:
        raise InputError(f"{capture.provenance.source}: cannot be judged by release: {error}.") from None
