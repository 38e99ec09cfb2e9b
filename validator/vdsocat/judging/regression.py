"""A kernel against another, its baseline: what is incompatible with what users had, what is new, what is neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vdsocat.catalog.history import VDSO
from vdsocat.errors import InputError
from vdsocat.judging.changes import Change, Kind, differences_of_images, sort_difference, symbol_of
from vdsocat.judging.cost import COST_THRESHOLD, CostChange, compare_costs, have_costs
from vdsocat.judging.finding import Finding, Verdict, gravest
from vdsocat.judging.judge import AbiJudgement, Judgement

# Rules by which something is there for users, so that a rightful absence takes something away all the same. Of others
# it means that there was nothing to try.
_OF_PRESENCE = frozenset(("ABI-RUNS", "VDSO-PRESENT", "AREA-PRESENT", "AUXV-TAG", "MAP-NAME", "FAST-PATH"))
# What the images themselves tell, compared without a detour through the catalogue.
_OF_IMAGES = ("SYM-", "ELF-SONAME", "ELF-HASH-STYLE", "VDSO-PRESENT")
_VANISHED = "is not judged any more"
# What is judged of an image in a file as well as of a mapped one.
STATIC_RULES = ("SYM-", "ELF-", "VDSO-")


class _Row(NamedTuple):
    """What was found of one ABI of a kernel; `is_static` where nothing was booted."""

    judged: AbiJudgement
    is_static: bool


_NOT_RUN = (Verdict.FAIL, Verdict.EXPECTED_ABSENT, Verdict.UNKNOWN)

# ABI, byte order and mode: what rows of two judgements are matched by.
_Key = tuple[str, str, str]
_Verdicts = Mapping[tuple[str, str], tuple[Verdict, Finding]]


@dataclass(frozen=True, slots=True)
class Regression:
    """What became of a kernel's vDSOs since a `baseline` (its SOURCE); `notes` say what could not be compared."""

    baseline: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    def blames(self, strict: bool = False) -> bool:
        """Whether something is incompatible or, when strict, for review."""
        blamed = {Kind.INCOMPATIBLE, Kind.REVIEW} if strict else {Kind.INCOMPATIBLE}
        return any(change.kind in blamed for change in self.changes)


def compare_judgements(
    old: Sequence[Judgement], new: Sequence[Judgement], cost_threshold: float = COST_THRESHOLD
) -> Regression:
    """What became of what the old kernels have, by ABI, byte order and mode; the gravest kind first.

    Symbols, versions and hash tables are compared image by image. Of what else is judged the verdicts are: a new `fail`
    is incompatible; one that both have is no change. What calls cost is compared where both were measured, and counts
    when it changed by more than the threshold (0.1 is a tenth).
    """
    notes: list[str] = []
    before, after = _rows(old), _rows(new)
    same_cases = _probes_agree(old, new)
    if not same_cases:
        notes.append("the two were looked at by different probes: what only the older one tried is not compared.")
    changes: list[Change] = []
    for key, rows in before.items():
        changes += _compare_rows(key, rows, _matching(key, after), same_cases, notes)
    for key, rows in after.items():
        if not _matching(key, before):
            changes += _compare_rows(key, [], rows, same_cases, notes)
    captures = tuple(one.capture for one in old), tuple(one.capture for one in new)
    changes += (_sort_cost(one) for one in compare_costs(*captures, cost_threshold))
    baseline = ", ".join(one.capture.provenance.source for one in old)
    if have_costs(captures[0]) != have_costs(captures[1]):
        without = captures[1] if have_costs(captures[0]) else captures[0]
        names = ", ".join(capture.provenance.source for capture in without)
        notes.append(f"{names} was not made with `vdsocat check --cost`: no costs are compared.")
    order = list(Kind)
    return Regression(baseline, tuple(sorted(changes, key=lambda one: order.index(one.kind))), tuple(notes))


def _rows(judgements: Iterable[Judgement]) -> dict[_Key, list[_Row]]:
    rows: dict[_Key, list[_Row]] = {}
    for judgement in judgements:
        for one, seen in zip(judgement.abis, judgement.capture.abis, strict=True):
            # An emulator of programs has no kernel below that would run them natively or as compat.
            mode = one.mode if judgement.capture.provenance.provider == "linux" else "unknown"
            rows.setdefault((one.abi, one.endianness, mode), []).append(_Row(one, seen.is_static))
    return rows


def _probes_agree(old: Sequence[Judgement], new: Sequence[Judgement]) -> bool:
    """Whether no ABI was looked at by two different probes: another one tries other cases."""
    before, after = (
        {name: digest for one in several for name, digest in one.capture.provenance.probes.items()}
        for several in (old, new)
    )
    return all(before[name] == after[name] for name in before.keys() & after.keys())


def _matching(key: _Key, rows: Mapping[_Key, list[_Row]]) -> list[_Row]:
    """The rows of the same ABI and mode; a lone image and an emulator have none that is known, and fit any."""
    if key in rows:
        return rows[key]
    *abi, mode = key
    return [
        one
        for (*other, its_mode), several in rows.items()
        if other == abi and "unknown" in (mode, its_mode)
        for one in several
    ]


def _compare_rows(
    key: _Key, old: Sequence[_Row], new: Sequence[_Row], same_cases: bool, notes: list[str]
) -> Iterator[Change]:
    abi, _, mode = key
    before, after = _runs(old), _runs(new)
    if before and not after:
        reason = next(
            (one.reason for row in new for one in row.judged.findings if one.rule == "ABI-RUNS"), "it has no row"
        )
        yield Change(Kind.INCOMPATIBLE, abi, mode, "ABI-RUNS", abi, f"does not run any more: {reason}")
        return
    if not before:
        if after:
            yield Change(Kind.REVIEW, abi, mode, "ABI-RUNS", abi, "runs now")
        return
    images = [[row.judged.image for row in rows if row.judged.image is not None] for rows in (before, after)]
    told = [sort_difference(one, mode) for one in differences_of_images(abi, *images)]
    yield from told
    statically = [any(row.is_static for row in rows) for rows in (before, after)]
    if statically[0] != statically[1]:
        notes.append(f"{abi}: only one of the two was booted, so that behaviour is not compared.")
    covered = {one.subject for one in told}
    for change in _compare_verdicts(key, _verdicts(before), _verdicts(after), any(statically)):
        vanished = change.change.startswith(_VANISHED)
        if not _is_told(change, covered) and (same_cases or not vanished):
            yield change


def _runs(rows: Sequence[_Row]) -> list[_Row]:
    """The rows of an ABI that a kernel runs, as far as that is known."""
    return [
        row
        for row in rows
        if row.judged.image is not None
        or not any(one.rule == "ABI-RUNS" and one.verdict in _NOT_RUN for one in row.judged.findings)
    ]


def _verdicts(rows: Iterable[_Row]) -> _Verdicts:
    """The gravest verdict of each rule on each subject, with a finding that has it."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for row in rows:
        for finding in row.judged.findings:
            found.setdefault((finding.rule, _unversioned(finding)), []).append(finding)
    verdicts = {}
    for place, findings in found.items():
        verdict = gravest(findings)
        verdicts[place] = verdict, next(one for one in findings if one.verdict is verdict)
    return verdicts


def _unversioned(finding: Finding) -> str:
    """The subject; that of a symbol without its version, which is a matter of its own."""
    return symbol_of(finding.subject) if finding.rule.startswith("SYM-") else finding.subject


def _compare_verdicts(key: _Key, old: _Verdicts, new: _Verdicts, statically: bool) -> Iterator[Change]:
    abi, _, mode = key
    for place in dict.fromkeys((*old, *new)):
        rule, subject = place
        if statically and not rule.startswith(STATIC_RULES):
            continue
        (before, _), (after, finding) = (one.get(place, (None, None)) for one in (old, new))
        kind = _sort_verdict(rule, before, after)
        if kind is None:
            continue
        if finding is None:
            change = f"{_VANISHED}, was {before}"
        else:
            was = f"was {before}" if before else "not judged before"
            change = f"{after}, {was}: {_tell(finding)}"
        yield Change(kind, abi, mode, rule, subject, change)


def _sort_verdict(rule: str, before: Verdict | None, after: Verdict | None) -> Kind | None:
    """What another verdict means for users; None where it is nothing to tell."""
    match before, after:
        case _ if before is after:
            return None
        case _, Verdict.FAIL:
            return Kind.INCOMPATIBLE
        case Verdict.PASS, Verdict.EXPECTED_ABSENT:
            return Kind.INCOMPATIBLE if rule in _OF_PRESENCE else Kind.REVIEW
        case (Verdict.PASS, _) | (_, Verdict.REVIEW | Verdict.KNOWN_DEFECT):
            # SYM-PRESENT of a symbol that the catalogue has another rule for now is that other rule's change.
            return None if after is None and rule.startswith("SYM-") else Kind.REVIEW
        case Verdict.EXPECTED_ABSENT, Verdict.PASS:
            return Kind.REVIEW if rule in _OF_PRESENCE else Kind.NEUTRAL
        case None, _:
            return None
    return None if after is None and before is not Verdict.FAIL else Kind.NEUTRAL


def _is_told(change: Change, subjects: set[str]) -> bool:
    """Whether the images' own differences say it already: of a symbol that is gone, no call is judged any more."""
    if change.rule.startswith(_OF_IMAGES):
        names = {"soname": VDSO, "vDSO": VDSO}
        return names.get(change.subject, change.subject) in subjects
    vanished = change.change.startswith(_VANISHED)
    return vanished and (symbol_of(change.subject) in subjects or VDSO in subjects)


def _tell(finding: Finding) -> str:
    return finding.sentence().partition(": ")[2]


def _sort_cost(change: CostChange) -> Change:
    """A vDSO call that got dearer takes from users what the vDSO is for; a system call is none of its business."""
    dearer = change.after > change.before
    kind = Kind.NEUTRAL if not dearer else Kind.INCOMPATIBLE if change.of_vdso else Kind.REVIEW
    return Change(kind, change.abi, "", "CALL-COST", change.subject, change.sentence_part())


def baseline_of(judgement: Judgement, baselines: Sequence[Judgement]) -> Judgement:
    """The one of several that a judgement is to be compared with.

    It is of the same source, or else the only one of the same architecture, or that runs one of the same ABIs in the
    same mode. InputError when there is none, or when several fit.
    """
    source = judgement.capture.provenance.source
    for fits in (_is_of_source, _is_of_architecture, _shares_row):
        fitting = [one for one in baselines if fits(judgement, one) and _shares_row(judgement, one)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(sorted(one.capture.provenance.source for one in fitting))
            raise InputError(f"{source}: several kernels of the baseline fit it ({names}); name one of them")
    raise InputError(f"{source}: the baseline has no kernel that runs the same ABIs in the same mode")


def _is_of_source(judgement: Judgement, other: Judgement) -> bool:
    return judgement.capture.provenance.source == other.capture.provenance.source


def _is_of_architecture(judgement: Judgement, other: Judgement) -> bool:
    said = [
        (one.capture.provenance.kernel_arch, one.capture.provenance.kernel_bits, one.abis[0].endianness)
        for one in (judgement, other)
        if one.abis
    ]
    return len(said) == 2 and said[0] == said[1]


def _shares_row(judgement: Judgement, other: Judgement) -> bool:
    rows = _rows([other])
    return any(_matching(key, rows) for key in _rows([judgement]))
