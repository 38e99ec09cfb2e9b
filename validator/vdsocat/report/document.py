"""A report as JSON values (schemas/report.schema.json): everything that the other long formats are made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vdsocat import __version__
from vdsocat.capture import AbiCapture
from vdsocat.costs import costs_to_json
from vdsocat.judging.finding import count_verdicts
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.regression import Regression
from vdsocat.judging.result import CheckResult, overall_status
from vdsocat.judging.waivers import UsedWaiver

SCHEMA = "vdsocat-report/1"


def report_document(
    results: Sequence[CheckResult],
    date: str,
    strict: bool = False,
    waivers: Sequence[UsedWaiver] = (),
    status: int | None = None,
) -> dict[str, Any]:
    """The whole report; `date` is an ISO time. Keys whose value is not known are null.

    `status` is what the run ends with, where that is more than the results come to.
    """
    return {
        "schema": SCHEMA,
        "vdsocat": __version__,
        "date": date,
        "exit_status": overall_status(results, strict) if status is None else status,
        "strict": strict,
        "waivers": [_waiver(used) for used in waivers],
        "kernels": [_kernel(result) for result in results],
    }


def _kernel(result: CheckResult) -> dict[str, Any]:
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
        "release": judgement.release,
        "provenance": provenance,
        "abis": [_abi(judged, seen) for judged, seen in zip(judgement.abis, judgement.capture.abis, strict=True)],
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
        "use": str(used.use),
        "matches": used.matches,
        "reason": used.waiver.reason,
        "complaint": used.complaint(),
    }


def _abi(judged: AbiJudgement, seen: AbiCapture) -> dict[str, Any]:
    image = judged.image
    return {
        "abi": judged.abi,
        "endianness": judged.endianness,
        "mode": judged.mode,
        "verdict": str(judged.verdict),
        "counts": {str(verdict): count for verdict, count in sorted(count_verdicts(judged.findings).items())},
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
                "subject": finding.subject,
                "reason": finding.reason,
                "expected": finding.expected,
                "seen": finding.seen,
                "defect": finding.defect,
                "waiver": finding.waiver,
            }
            for finding in judged.findings
        ],
    }
