"""vdsocat sweep: every kernel that Debian offers against the catalogue, without booting; the results are evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

import click

from vdsocat.catalog.evidence import Evidence
from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.result import FAILED, CheckResult, overall_status
from vdsocat.report.listing import render_listing
from vdsocat.sweep.plan import Plan, plan_sweep
from vdsocat.sweep.proposal import Proposal, propose_entries
from vdsocat.sweep.run import SweepSettings, Swept
from vdsocat.sweep.run import sweep as sweep_over
from vdsocat.sweep.summary import (
    GroupedFinding,
    Summary,
    findings_of_evidence,
    findings_of_judgements,
    group_findings,
    summarise_evidence,
)

SCHEMA = "vdsocat-sweep/1"
_COLUMNS = ("abi", "kernels", "releases", "images", "exports", "fail", "review", "unknown")


@click.command(short_help="Hold every kernel of Debian to the catalogue.")
@click.option(
    "--suite", "suites", metavar="SUITE", multiple=True, help="Only this suite of Debian (may be given several times)."
)
@click.option(
    "--arch", "architectures", metavar="ARCH", multiple=True, help="Only this architecture of Debian, such as arm64."
)
@click.option("--again", is_flag=True, help="Look at kernels that the evidence already knows, too.")
@click.option("--summary", "only_summary", is_flag=True, help="Fetch nothing: count the evidence, and judge it again.")
@click.option("--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True)
@kernel_options
@click.pass_context
def sweep(
    context: click.Context,
    suites: tuple[str, ...],
    architectures: tuple[str, ...],
    again: bool,
    only_summary: bool,
    format_: str,
    mirror: str | None,
    offline: bool,
) -> None:
    """Hold every kernel of Debian to the catalogue, without booting, and record what each exports.

    Of each architecture, flavour and mainline release that the suites carry, the oldest and the newest kernel is
    fetched, read and removed again: gigabytes on the first run, only what is new on later ones. A run that was stopped
    goes on where it was. Exports that the catalogue does not know are printed as entries ready to paste.
    """
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    evidence = Evidence(settings.catalog_root)
    access = KernelAccess(settings, mirror, offline)
    results = [] if only_summary else _run(access, suites, architectures, again, evidence)
    judged = [one.judgement for one in results if one.judgement is not None]
    findings = [*findings_of_judgements(judged), *findings_of_evidence(evidence, catalog, judged)]
    failed = any(finding.verdict is Verdict.FAIL for _, _, finding in findings)
    summary = summarise_evidence(evidence, findings)
    proposals = list(propose_entries(findings, evidence, catalog))
    show = _print_table if format_ == "table" else _print_json
    show(summary, group_findings(findings), proposals, [one for one in results if one.error])
    context.exit(FAILED if failed else overall_status(results))


def _run(
    access: KernelAccess,
    suites: tuple[str, ...],
    architectures: tuple[str, ...],
    again: bool,
    evidence: Evidence,
) -> list[CheckResult]:
    """Sweep, telling on stderr what is passed over and how far it is."""
    with StatusLine(sys.stderr, 1) as status:
        archive = replace(access.archive, progress=status.tell)
        plan = plan_sweep(archive, suites or access.table.suites, architectures)
    for sentence in plan.passed_over:
        click.echo(f"Passed over: {sentence}", err=True)
    with StatusLine(sys.stderr, len(plan.kernels)) as status:
        settings = SweepSettings(
            replace(archive, progress=status.tell), access.settings.load_catalog(), evidence, status.tell, again
        )
        swept = []
        for one in sweep_over(plan.kernels, settings):
            status.ended()
            swept.append(one)
            with status.paused():
                for sentence in _news(one):
                    click.echo(sentence, err=True)
    click.echo(_spell_run(plan, swept), err=True)
    return [one.result for one in swept if one.result is not None]


def _news(one: Swept) -> Iterable[str]:
    """What is worth a line while the sweep goes on."""
    yield from (f"Passed over: {sentence}" for sentence in one.missing)
    if one.result is not None and one.result.error is not None:
        yield f"{one.result.source}: {one.result.error}"
    if one.result is not None and one.result.judgement is not None and one.result.judgement.failed:
        yield f"{one.result.source}: fail"


def _spell_run(plan: Plan, swept: Sequence[Swept]) -> str:
    judged = sum(one.result is not None and one.result.judgement is not None for one in swept)
    known = sum(one.known for one in swept)
    gone = sum(one.result is None and not one.known for one in swept)
    return (
        f"{len(plan.kernels)} kernels: {judged} judged, {known} known from the evidence, {gone} listed but not on the "
        f"mirror, {len(swept) - judged - known - gone} not judged."
    )


def _print_table(
    summary: Summary, findings: Sequence[GroupedFinding], proposals: Sequence[Proposal], failed: Sequence[CheckResult]
) -> None:
    if summary.abis:
        click.echo(render_listing(_rows(summary), _COLUMNS, "sweep", "table", terminal_width()))
        click.echo()
    for one in findings:
        click.echo(f"{one.finding.verdict}: {one.abi}, {one.spell_releases()}: {one.finding.sentence()}")
    for proposal in proposals:
        click.echo(f"\nProposed for catalog/abis/{proposal.abi}.yaml:\n{proposal.text}", nl=False)
    if findings or proposals:
        click.echo()
    click.echo(_total(summary))


def _total(summary: Summary) -> str:
    verdicts = ", ".join(f"{summary.count(one)} {one}" for one in (Verdict.FAIL, Verdict.REVIEW, Verdict.UNKNOWN))
    return f"{summary.kernels} kernels, {summary.images} images, {summary.exports} exports compared: {verdicts}"


def _rows(summary: Summary) -> list[dict[str, str | None]]:
    return [
        {
            "abi": one.abi,
            "kernels": str(one.kernels),
            "releases": " to ".join(dict.fromkeys(one.releases)),
            "images": str(one.images),
            "exports": str(one.exports),
            **{str(verdict): str(count) for verdict, count in one.findings.items()},
        }
        for one in summary.abis
    ]


def _print_json(
    summary: Summary, findings: Sequence[GroupedFinding], proposals: Sequence[Proposal], failed: Sequence[CheckResult]
) -> None:
    document = {
        "schema": SCHEMA,
        "kernels": summary.kernels,
        "images": summary.images,
        "exports": summary.exports,
        "abis": [
            {
                "abi": one.abi,
                "kernels": one.kernels,
                "oldest": one.releases[0],
                "newest": one.releases[1],
                "images": one.images,
                "exports": one.exports,
                **{str(verdict): count for verdict, count in one.findings.items()},
            }
            for one in summary.abis
        ],
        "findings": [_finding(one.abi, one.finding, one.releases) for one in findings],
        "proposals": [{"abi": one.abi, "symbol": one.symbol, "entry": one.text} for one in proposals],
        "not_judged": [{"source": one.source, "error": one.error} for one in failed],
    }
    click.echo(json.dumps(document, indent=2))


def _finding(abi: str, finding: Finding, releases: Sequence[str]) -> dict[str, object]:
    return {
        "abi": abi,
        "rule": finding.rule,
        "verdict": str(finding.verdict),
        "subject": finding.subject,
        "reason": finding.reason,
        "expected": finding.expected,
        "seen": finding.seen,
        "releases": sorted(set(releases)),
    }
