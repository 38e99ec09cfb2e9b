"""Verdicts and findings: what a rule expected, what was seen, and why it matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a rule decided. Absence is a verdict too: `expected-absent` always says why.

    A `known-defect` is a fault that is traced and on record for this release: no failure, and nothing to review. What
    is `waived` is a `fail` or a `review` that the user accepts.
    """

    PASS = "pass"
    FAIL = "fail"
    EXPECTED_ABSENT = "expected-absent"
    REVIEW = "review"
    UNKNOWN = "unknown"
    KNOWN_DEFECT = "known-defect"
    WAIVED = "waived"


# The verdict that stands for several: the first of these that occurs.
GRAVEST_FIRST = (
    Verdict.FAIL,
    Verdict.REVIEW,
    Verdict.UNKNOWN,
    Verdict.KNOWN_DEFECT,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.EXPECTED_ABSENT,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's verdict about one subject (a symbol, the image, the ABI itself).

    `defect` names the known defect that explains it, a section of docs/findings.md; `waiver` is the reason by which the
    user accepts it.
    """

    rule: str
    verdict: Verdict
    subject: str
    reason: str
    expected: str | None = None
    seen: str | None = None
    defect: str | None = None
    waiver: str | None = None

    def sentence(self) -> str:
        """The finding in one line, for people."""
        values = (("expected ", self.expected), ("seen ", self.seen), ("waived: ", self.waiver))
        told = ", ".join(f"{word}{value}" for word, value in values if value is not None)
        return f"{self.rule} {self.subject}: {self.reason}" + (f" ({told})" if told else "")


def gravest(findings: Iterable[Finding]) -> Verdict:
    """The verdict that stands for all of them; `unknown` for none at all, because nothing was judged."""
    present = {finding.verdict for finding in findings}
    return next((verdict for verdict in GRAVEST_FIRST if verdict in present), Verdict.UNKNOWN)


def count_verdicts(findings: Iterable[Finding]) -> Counter[Verdict]:
    """How often each verdict occurs."""
    return Counter(finding.verdict for finding in findings)
