"""Waivers: what a user accepts of a kernel, each with its reason; one that accepts nothing, or no more, is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from vdsocat.catalog.model import Catalog
from vdsocat.documents import read_yaml, schema_problems
from vdsocat.errors import InputError, misspelt
from vdsocat.exports import KernelRelease
from vdsocat.judging.changes import Change, Kind, symbol_of
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.regression import STATIC_RULES
from vdsocat.judging.result import CheckResult

_WAIVABLE = (Verdict.FAIL, Verdict.REVIEW)
_WAIVABLE_KINDS = (Kind.INCOMPATIBLE, Kind.REVIEW)


class Use(StrEnum):
    """What became of a waiver in a run; `not asked` when nothing was judged that it could be about."""

    USED = "used"
    STALE = "stale"
    EXPIRED = "expired"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of a waivers file; what is None matches everything (schemas/waivers.schema.json tells of each).

    `number` is its place in `file`, from 1.
    """

    number: int
    reason: str
    file: str = ""
    rule: str | None = None
    abi: str | None = None
    mode: str | None = None
    symbol: str | None = None
    subject: str | None = None
    kernel: str | None = None
    expires: date | None = None
    until: KernelRelease | None = None

    def spell(self) -> str:
        """What it matches, for people: "waiver 2 (SYM-MISSING, i386, __vdso_time)"."""
        parts = (self.rule, self.abi, self.mode, self.symbol, self.subject, self.kernel)
        return f"waiver {self.number} ({', '.join(part for part in parts if part)})"

    def spell_end(self) -> str:
        """Until when it counts: " until 2026-12-31", "" for ever."""
        if self.expires:
            return f" until {self.expires.isoformat()}"
        return f" until Linux {self.until}" if self.until else ""

    def is_about(self, kernel: str, abi: str, mode: str) -> bool:
        """Whether it can match anything of this row."""
        return (
            self.abi in (None, abi)
            and (self.mode is None or mode in (self.mode, "unknown", ""))
            and _fits(self.kernel, kernel)
        )

    def is_of(self, rule: str, subject: str) -> bool:
        """Whether it matches a finding or change of such a row."""
        return self.rule in (None, rule) and _fits(self.symbol, symbol_of(subject)) and _fits(self.subject, subject)


@dataclass(frozen=True, slots=True)
class UsedWaiver:
    """A waiver, what became of it, and how many findings and changes it matched."""

    waiver: Waiver
    use: Use
    matches: int

    def complaint(self) -> str | None:
        """The sentence by which it is rejected; None for one that is in order."""
        if self.use is Use.EXPIRED:
            return f"{self.waiver.spell()} counts{self.waiver.spell_end()} only: it has expired."
        if self.use is Use.STALE:
            return f"{self.waiver.spell()} matches nothing: take it out."
        return None


def read_waivers(path: Path, catalog: Catalog, rules: Iterable[str]) -> tuple[Waiver, ...]:
    """The waivers of a file, in its order.

    InputError with the place of what is wrong: an unknown key, a rule or an ABI that there is not, a waiver without a
    reason, or one that would match everything.
    """
    document = read_yaml(path)
    for problem in schema_problems(document, "waivers"):
        raise InputError(f"{path}: {problem}")
    known = sorted(rules)
    return tuple(_waiver(number, raw, path, catalog, known) for number, raw in enumerate(document["waivers"], 1))


def _waiver(number: int, raw: Mapping[str, Any], path: Path, catalog: Catalog, rules: Sequence[str]) -> Waiver:
    place = f"{path}: waivers/item {number}"
    values = {**raw, "file": str(path)}
    if not values.keys() & {"rule", "abi", "symbol", "subject", "kernel"}:
        raise InputError(f"{place}: it would match everything; give it a rule, an abi, a symbol, or the like.")
    if "rule" in values and values["rule"] not in rules:
        raise InputError(f"{place}: there is no rule {misspelt(values['rule'], rules)}")
    try:
        if "abi" in values:
            values["abi"] = catalog.abi(values["abi"]).name
        if "expires" in values:
            values["expires"] = date.fromisoformat(values["expires"])
        if "until" in values:
            values["until"] = KernelRelease.parse(values["until"])
    except (InputError, ValueError) as error:
        raise InputError(f"{place}: {error}") from None
    return Waiver(number, **values)


@dataclass
class WaiverBook:
    """The waivers of a run, applied to its results one by one; it counts what each matched.

    `today` is the day by which they expire. The same finding and the change that goes with it count both.
    """

    waivers: tuple[Waiver, ...] = ()
    today: date = field(default_factory=date.today)

    def __post_init__(self) -> None:
        self._matches = dict.fromkeys(self.waivers, 0)
        self._expired = {one for one in self.waivers if one.expires is not None and one.expires < self.today}
        self._outlived: set[Waiver] = set()
        self._asked: set[Waiver] = set()
        self._all_judged = True

    def apply(self, result: CheckResult) -> CheckResult:
        """The result with what is waived marked so, findings and changes, each with the waiver's reason."""
        judgement, regression = result.judgement, result.regression
        if judgement is None:
            self._all_judged = False
            return result
        abis = zip(judgement.abis, judgement.capture.abis, strict=True)
        rows = tuple(self._apply_to_row(result.source, judgement.release, row, seen.is_static) for row, seen in abis)
        if regression is not None:
            changes = tuple(self.accept(one, result.source, judgement.release) for one in regression.changes)
            regression = replace(regression, changes=changes)
        return replace(result, judgement=replace(judgement, abis=rows), regression=regression)

    def ask(self, kernel: str, abi: str, mode: str = "", is_static: bool = False) -> list[Waiver]:
        """The waivers that a row can match; those that match nothing of all that is asked for are stale."""
        about = [one for one in self.waivers if one.is_about(kernel, abi, mode)]
        self._asked.update(
            one for one in about if not is_static or one.rule is None or one.rule.startswith(STATIC_RULES)
        )
        return about

    def accept(self, change: Change, kernel: str, release: str) -> Change:
        """The change, marked as waived if a waiver matches it; `release` is the kernel's, "" where it is not known."""
        if change.kind not in _WAIVABLE_KINDS:
            return change
        about = [one for one in self.waivers if one.is_about(kernel, change.abi, change.mode)]
        waiver = self._find(about, change.rule, change.subject, release)
        return replace(change, kind=Kind.WAIVED, waiver=waiver.reason) if waiver else change

    def uses(self) -> Iterator[UsedWaiver]:
        """What became of each waiver, in the file's order.

        It is stale when there were rows that it could match, of kernels that were all judged, and nothing matched.
        """
        for waiver, matches in self._matches.items():
            if waiver in self._expired or (waiver in self._outlived and not matches):
                use = Use.EXPIRED
            elif matches:
                use = Use.USED
            else:
                use = Use.STALE if waiver in self._asked and self._all_judged else Use.NOT_ASKED
            yield UsedWaiver(waiver, use, matches)

    def _apply_to_row(self, kernel: str, release: str, row: AbiJudgement, is_static: bool) -> AbiJudgement:
        about = self.ask(kernel, row.abi, row.mode, is_static)
        return replace(row, findings=tuple(self._apply_to_finding(one, about, release) for one in row.findings))

    def _apply_to_finding(self, finding: Finding, about: Sequence[Waiver], release: str) -> Finding:
        if finding.verdict not in _WAIVABLE:
            return finding
        waiver = self._find(about, finding.rule, finding.subject, release)
        return replace(finding, verdict=Verdict.WAIVED, waiver=waiver.reason) if waiver else finding

    def _find(self, about: Sequence[Waiver], rule: str, subject: str, release: str) -> Waiver | None:
        for waiver in about:
            if waiver in self._expired or not waiver.is_of(rule, subject):
                continue
            if _is_outlived(waiver, release):
                self._outlived.add(waiver)
                continue
            self._matches[waiver] += 1
            return waiver
        return None


def _is_outlived(waiver: Waiver, release: str) -> bool:
    """Whether a kernel is of the release from which on the waiver does not count; of no known release, it is not."""
    if waiver.until is None:
        return False
    try:
        return KernelRelease.parse(release) >= waiver.until
    except ValueError:
        return False


def _fits(pattern: str | None, text: str) -> bool:
    """Whether a pattern fits; only * and ? are special, for [vdso] is a name."""
    if pattern is None:
        return True
    words = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(words, text, re.DOTALL) is not None
