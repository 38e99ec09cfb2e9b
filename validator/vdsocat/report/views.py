"""A report's document from a reader's side: its matrix, what needs attention, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from vdsocat.judging.finding import GRAVEST_FIRST, Verdict
from vdsocat.judging.rules import CLOCKS

# What a verdict looks like where there is room for one character only; no verdict is told by its colour alone.
SYMBOLS = {
    "pass": "✓",
    "fail": "✗",
    "expected-absent": "—",
    "review": "!",
    "unknown": "?",
    "known-defect": "◆",
    "waived": "~",
}
MEANINGS = {
    "pass": "it is as the catalogue says",
    "fail": "something that must be there is missing, or is different",
    "expected-absent": "it is not there, and the catalogue says why",
    "review": "the kernel has something that the catalogue does not know",
    "unknown": "nothing decides it, and the finding says why",
    "known-defect": "it is wrong, and the fault is on record for this release",
    "waived": "it would fail or be for review, and the user accepts it",
}
# Findings of these verdicts are shown one by one at the top, in this order.
ATTENTION = ("fail", "review", "unknown")
_STATUS_WORDS = {
    0: "every kernel conforms",
    1: "not every kernel conforms",
    2: "a source could not be used",
    3: "a run could not be completed",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the matrix: an ABI of a kernel. `anchor` is unique within the report."""

    kernel: Mapping[str, Any]
    abi: Mapping[str, Any]
    anchor: str

    @property
    def label(self) -> str:
        """The ABI as a row is called by it."""
        return spell_abi(self.abi["abi"], self.abi["endianness"])

    @property
    def cells(self) -> dict[str | None, Mapping[str, Any]]:
        """What is found of each function; the key None stands for the ABI itself."""
        return {one["function"]: one for one in self.abi["functions"]}

    @property
    def absence(self) -> str:
        """Why the report shows no image: a sentence for a row without one."""
        rules = {one["rule"] for one in self.abi["findings"]}
        if "ELF-READABLE" in rules:
            return "There is a vDSO, but it cannot be read as an ELF image."
        if rules <= {"ABI-RUNS"}:
            return "No program of this ABI was run, so that no vDSO was seen."
        return "There is no vDSO."

    def findings_about(self, function: str | None) -> list[list[Mapping[str, Any]]]:
        """The findings of one function, or of the ABI itself, gravest first; those of one rule and reason together."""
        about = [one for one in self.abi["findings"] if one["function"] == function]
        return [list(alike) for _, alike in groupby(sorted(about, key=_rank), key=_rank)]


@dataclass(frozen=True, slots=True)
class SharedFinding:
    """A finding, and all the places that have it with the same words."""

    finding: Mapping[str, Any]
    places: tuple[Place, ...]


def _rank(finding: Mapping[str, Any]) -> tuple[int, str, str]:
    return GRAVEST_FIRST.index(Verdict(finding["verdict"])), finding["rule"], finding["reason"]


def places(document: Mapping[str, Any]) -> list[Place]:
    """The rows of the matrix, in the order of the kernels."""
    return [
        Place(kernel, abi, f"k{number}-{position}")
        for number, kernel in enumerate(document["kernels"])
        for position, abi in enumerate(kernel["abis"])
    ]


def columns(document: Mapping[str, Any]) -> list[str | None]:
    """The columns of the matrix: the ABI itself (None), then the functions; none where that is not known."""
    found = {name for row in places(document) for name in row.cells}
    order: Sequence[str] = document["catalogue"]["functions"] if document["catalogue"] else ()
    return [*([None] if None in found else []), *(name for name in order if name in found)]


def attention(document: Mapping[str, Any], verdicts: Iterable[str] = ATTENTION) -> list[SharedFinding]:
    """The findings of these verdicts, those of the first verdict first, the same finding of several places once."""
    rows = places(document)
    shared: dict[tuple[Any, ...], list[Place]] = {}
    known: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for verdict in verdicts:
        for row in rows:
            for finding in row.abi["findings"]:
                if finding["verdict"] == verdict:
                    key = tuple(finding.values())
                    known.setdefault(key, finding)
                    here = shared.setdefault(key, [])
                    if row not in here:
                        here.append(row)
    return [SharedFinding(known[key], tuple(where)) for key, where in shared.items()]


def headline(document: Mapping[str, Any]) -> str:
    """The result in a few words."""
    return _STATUS_WORDS[document["exit_status"]] if document["kernels"] else "nothing was judged"


def spell_abi(abi: str, endianness: str) -> str:
    """The ABI, with its byte order where that is the unusual one for a reader to assume: mips-o32/be, ppc32/le."""
    if endianness == "little":
        return f"{abi}/le" if abi == "ppc32" else abi
    return f"{abi}/be" if abi.startswith(("mips", "ppc64", "arm", "aarch64", "sh")) else abi


def spell_clock(clock: int | None) -> str:
    """A clock by its name, by its number where it has none; "" for a function that has no clock to choose."""
    return "" if clock is None else CLOCKS.get(clock, str(clock))


def spell_counts(counts: Mapping[str, int]) -> str:
    """ "12 pass, 1 fail", in the order of the verdicts' table; "nothing judged" for none."""
    return ", ".join(f"{counts[one]} {one}" for one in SYMBOLS if counts.get(one)) or "nothing judged"


def spell_bound(bound: Mapping[str, Any] | None) -> str:
    """A bound as the catalogue spells it: 5.11, or 5.9…5.11 where it is not settled; "" for none."""
    if bound is None:
        return ""
    spelt = bound["release"] if bound["still_before"] is None else f"{bound['still_before']}…{bound['release']}"
    return spelt + (f" (and {', '.join(bound['backports'])})" if bound["backports"] else "")


def spell_stretch(stretch: Mapping[str, Any]) -> str:
    """The releases of a stretch in words: `since 5.11`, `from 2.6.15 until 5.8`."""
    since = spell_bound(stretch["since"])
    return f"since {since}" if stretch["until"] is None else f"from {since} until {spell_bound(stretch['until'])}"


def kernels_by_release(document: Mapping[str, Any], abi: str) -> Iterator[tuple[str, str]]:
    """The release and the name of each kernel on which the ABI was judged; emulators have no kernel release."""
    for row in places(document):
        if row.abi["abi"] == abi and row.kernel["provenance"]["provider"] == "linux":
            yield row.kernel["release"], row.kernel["source"]
