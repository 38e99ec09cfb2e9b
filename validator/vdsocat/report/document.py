"""A report as JSON values (schemas/report.schema.json): everything that the other long formats are made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from vdsocat import __version__
from vdsocat.capture import AbiCapture
from vdsocat.costs import costs_to_json
from vdsocat.judging.finding import Finding, count_verdicts, gravest
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.regression import Regression
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.judging.waivers import UsedWaiver
from vdsocat.report.background import Background, background_document

SCHEMA = "vdsocat-report/1"


def report_document(
    results: Sequence[CheckResult],
    date: str,
    strict: bool = False,
    waivers: Sequence[UsedWaiver] = (),
    status: int | None = None,
    background: Background | None = None,
) -> dict[str, Any]:
    """The whole report; `date` is an ISO time. Keys whose value is not known are null.

    `status` is what the run ends with, where that is more than the results come to. Without the `background` the report
    does not tell which functions findings are about, and nothing of the catalogue.
    """
    return {
        "schema": SCHEMA,
        "vdsocat": __version__,
        "date": date,
        "exit_status": overall_status(results, strict) if status is None else status,
        "strict": strict,
        "waivers": [_waiver(used) for used in waivers],
        "summary": _summary(results),
        "kernels": [_kernel(result, background) for result in results],
        "catalogue": background_document(background, results) if background is not None else None,
    }


def _summary(results: Sequence[CheckResult]) -> dict[str, Any]:
    """What was judged, when and with what, in figures; `made_with` names who made the captures."""
    judged = [result.judgement for result in results if result.judgement is not None]
    origins = [one.capture.provenance for one in judged]
    counts = count_verdicts(finding for one in judged for finding in one.findings())
    return {
        "kernels": len(judged),
        "not_judged": len(results) - len(judged),
        "rows": sum(len(one.abis) for one in judged),
        "counts": {str(verdict): count for verdict, count in sorted(counts.items())},
        "captured": {
            "first": min((one.date for one in origins), default=None),
            "last": max((one.date for one in origins), default=None),
        },
        "made_with": {
            "vdsocat": sorted({one.vdsocat for one in origins if one.vdsocat is not None}),
            "qemu": sorted({one.qemu_version for one in origins if one.qemu_version is not None}),
            "not_booted": sum(all(abi.is_static for abi in one.capture.abis) for one in judged),
        },
    }


def _kernel(result: CheckResult, background: Background | None) -> dict[str, Any]:
    judgement = result.judgement
    if judgement is None:
        return {
            "source": result.source,
            "error": result.error,
            "release": None,
            "provenance": None,
            "abis": [],
            "regression": None,
        }
    provenance = asdict(judgement.capture.provenance)
    provenance |= {name: list(provenance[name]) for name in ("command", "skipped")}
    return {
        "source": result.source,
        "error": None,
        "kept": result.kept,
        "seconds": asdict(result.seconds()),
        "release": judgement.release,
        "provenance": provenance,
        "abis": [
            _abi(judged, seen, background) for judged, seen in zip(judgement.abis, judgement.capture.abis, strict=True)
        ],
        "regression": None if result.regression is None else _regression(result.regression),
    }


def _regression(regression: Regression) -> dict[str, Any]:
    return {
        "baseline": regression.baseline,
        "changes": [{**asdict(change), "kind": str(change.kind)} for change in regression.changes],
        "notes": list(regression.notes),
    }


def _waiver(used: UsedWaiver) -> dict[str, Any]:
    return {
        "waiver": used.waiver.spell(),
        "file": used.waiver.file,
        "use": str(used.use),
        "matches": used.matches,
        "reason": used.waiver.reason,
        "complaint": used.complaint(),
    }


def _abi(judged: AbiJudgement, seen: AbiCapture, background: Background | None) -> dict[str, Any]:
    image = judged.image
    functions = [background.function_of(judged.abi, one.subject) if background else None for one in judged.findings]
    return {
        "abi": judged.abi,
        "endianness": judged.endianness,
        "mode": judged.mode,
        "verdict": str(judged.verdict),
        "counts": _counts(judged.findings),
        "functions": [
            {"function": function, "verdict": str(gravest(findings)), "counts": _counts(findings)}
            for function, findings in _by_function(functions, judged.findings, background)
        ],
        "vdso": None
        if image is None
        else {
            "address": f"{seen.address or 0:#x}",
            "bytes": len(seen.image or b""),
            "sha256": hashlib.sha256(seen.image or b"").hexdigest(),
            "build_id": image.build_id,
            "soname": image.soname,
            "hash_styles": list(image.hash_styles),
            "exports": [
                {
                    "symbol": export.name,
                    "version": export.version,
                    "type": str(export.type),
                    "binding": str(export.binding),
                    "value": f"{export.value:#x}",
                    "size": export.size,
                }
                for export in image.exports
            ],
        },
        "kuser": None if seen.kuser is None else {"present": seen.kuser.present, "version": seen.kuser.version},
        "costs": None if seen.costs is None else costs_to_json(seen.costs),
        "findings": [
            {
                "rule": finding.rule,
                "verdict": str(finding.verdict),
                "function": function,
                "subject": finding.subject,
                "reason": finding.reason,
                "expected": finding.expected,
                "seen": finding.seen,
                "defect": finding.defect,
                "waiver": finding.waiver,
            }
            for function, finding in zip(functions, judged.findings, strict=True)
        ],
    }


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    return {str(verdict): count for verdict, count in sorted(count_verdicts(findings).items())}


def _by_function(
    functions: Sequence[str | None], findings: Sequence[Finding], background: Background | None
) -> Iterator[tuple[str | None, list[Finding]]]:
    """The findings about each function, None for the ABI itself: its image, where that is mapped, its signals."""
    for function in background.in_order(functions) if background else ():
        yield function, [finding for named, finding in zip(functions, findings, strict=True) if named == function]
