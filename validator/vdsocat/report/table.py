"""The matrix on a terminal: one line per kernel and ABI as results come, details and a summary at the end."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence

from vdsocat.capture import AbiCapture
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Finding, Verdict, count_verdicts
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.result import CheckResult
from vdsocat.printable import printable
from vdsocat.report.views import spell_abi

Paint = Callable[[str, Verdict], str]
_COLUMNS = (("KERNEL", 20), ("RELEASE", 9), ("ABI", 12), ("SEEN", 20), ("VERDICT", 15))
# Findings of these verdicts are told one by one; passes and expected absences are only counted.
_TOLD = (Verdict.FAIL, Verdict.REVIEW, Verdict.UNKNOWN, Verdict.WAIVED)
# Absences that leave a row empty are told as well, with their reason.
_TOLD_ABSENCES = ((Verdict.EXPECTED_ABSENT, "ABI-RUNS"), (Verdict.EXPECTED_ABSENT, "VDSO-PRESENT"))


def plain(text: str, verdict: Verdict) -> str:
    """No colour."""
    return text


def draw_header() -> str:
    """The line above the matrix."""
    return _line([name for name, _ in _COLUMNS])


def draw_rows(result: CheckResult, paint: Paint = plain) -> Iterator[str]:
    """The lines of one source: a row per ABI, each followed by the findings that need a reader."""
    if result.judgement is None:
        yield _line(
            [
                _fit_left(result.source, _COLUMNS[0][1]),
                "",
                "",
                "run not completed" if result.error_status == 3 else "not usable",
                "",
            ]
        )
        yield from _wrap(result.error or "")
        return
    release = _short_release(result.judgement.release)
    label = _fit_left(result.source, _COLUMNS[0][1])
    for position, (judged, seen) in enumerate(zip(result.judgement.abis, result.judgement.capture.abis, strict=True)):
        source = label if position == 0 else ""
        verdict = judged.verdict
        cells = [source, release if position == 0 else "", abi_label(judged), _seen(judged, seen)]
        yield _line(cells) + paint(str(verdict), verdict)
        for finding in judged.findings:
            if finding.verdict in _TOLD or (finding.verdict, finding.rule) in _TOLD_ABSENCES:
                yield from _tell(finding)


def draw_summary(results: Sequence[CheckResult], seconds: float | None = None) -> str:
    """One line: how many sources, rows and findings there were, by verdict."""
    judged = [result.judgement for result in results if result.judgement is not None]
    rows = sum(len(one.abis) for one in judged)
    counts = count_verdicts(finding for one in judged for finding in one.findings())
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    text = f"{_number(len(judged), 'source')}, {_number(rows, 'row')}: {verdicts or 'nothing judged'}"
    incomplete = len(results) - len(judged)
    if incomplete:
        text += f"; {_number(incomplete, 'source')} not judged"
    return text + (f"; {seconds:.0f} s" if seconds is not None else "")


def draw_lacking(results: Sequence[CheckResult]) -> Iterator[str]:
    """What to install for the kernels that could not be built, one sentence for all of them; none for a single one."""
    lacking = [result for result in results if result.lacking]
    if len(lacking) > 1:
        packages = sorted({package for result in lacking for package in result.lacking})
        names = ", ".join(result.source for result in lacking)
        # Unbroken, to be copied.
        yield printable(f"On Debian, `apt-get install {' '.join(packages)}` brings what building these lacks: {names}.")


def draw_defects(results: Sequence[CheckResult]) -> Iterator[str]:
    """A paragraph for each known defect that was met: its name, and the kernels and ABIs that have it."""
    met: dict[str, dict[str, list[str]]] = {}
    for result in results:
        for judged in result.judgement.abis if result.judgement else ():
            for defect in dict.fromkeys(finding.defect for finding in judged.findings if finding.defect):
                met.setdefault(defect, {}).setdefault(result.source, []).append(judged.abi)
    for defect, kernels in met.items():
        where = "; ".join(f"{source} ({', '.join(abis)})" for source, abis in kernels.items())
        yield from _wrap(f"known defect {defect}, see docs/findings.md: {where}")


def abi_label(judged: AbiJudgement) -> str:
    """The ABI as a row is called by it: mips-o32/be."""
    return spell_abi(judged.abi, judged.endianness)


def explain(findings: Sequence[Finding], verdicts: Sequence[Verdict] = tuple(Verdict)) -> Iterator[str]:
    """Every finding with one of these verdicts, a wrapped paragraph each."""
    for finding in findings:
        if finding.verdict in verdicts:
            yield from _tell(finding)


def _seen(judged: AbiJudgement, seen: AbiCapture) -> str:
    by_rule = {finding.rule: finding for finding in judged.findings}
    if judged.image is None:
        ran = by_rule.get("ABI-RUNS")
        text = "no vDSO" if ran is None or ran.verdict is Verdict.PASS else "not run"
    else:
        calls = sum(finding.rule in ("CALL-RETURN", "CALL-VALUE") for finding in judged.findings)
        text = f"{len(judged.image.exports)} exports" + ("" if seen.is_static else f", {calls} calls")
    if seen.kuser is not None and judged.image is None and by_rule.get("AREA-PRESENT") is not None:
        text += ", kuser" if by_rule["AREA-PRESENT"].verdict is Verdict.PASS else ", no kuser"
    return text


def _short_release(release: str) -> str:
    try:
        return str(KernelRelease.parse(release))
    except ValueError:
        return release


def _fit_left(text: str, width: int) -> str:
    """The end of a long text: that is what tells two paths apart."""
    return text if len(text) <= width else "…" + text[-(width - 1) :]


def _line(cells: Sequence[str]) -> str:
    padded = []
    for (_, width), cell in zip(_COLUMNS, cells, strict=False):
        padded.append(cell if len(cell) <= width else cell[: width - 1] + "…")
        padded[-1] = padded[-1].ljust(width + 1)
    return "".join(padded).rstrip() if len(cells) == len(_COLUMNS) else "".join(padded)


def _tell(finding: Finding) -> Iterator[str]:
    return _wrap(f"{finding.verdict}: {finding.sentence()}")


def _wrap(text: str) -> Iterator[str]:
    width = max(60, min(120, shutil.get_terminal_size((80, 24)).columns))
    return iter(
        textwrap.wrap(printable(text), width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
