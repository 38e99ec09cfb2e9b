"""The defects that are planted: what each is, in which kernel, and which rule is to catch it where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vdsocat.documents import read_yaml
from vdsocat.errors import InputError, RunError
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import Judgement

_LIST = Path(__file__).with_name("mutants.yaml")
_TRIPPED = (Verdict.FAIL, Verdict.REVIEW)

# A finding, and the ABI that it is about.
Remark = tuple[str, Finding]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to a file of the kernel's source: `replace` stands there once, and `by` takes its place."""

    file: str
    replace: str
    by: str

    def applied_to(self, text: str) -> str:
        """The text with the change; RunError when it does not have the place once."""
        if text.count(self.replace) != 1:
            raise RunError(f"{self.file} has {self.replace!r} {text.count(self.replace)} times, not once.")
        return text.replace(self.replace, self.by)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A kernel with one defect: `kernel` (qemu-images/kernels.yaml) as the edits change it.

    `rule` is to give `verdict` on each of `abis` and on no other. `also` are rules that the same defect may trip, too.
    `cpus` is how many the machine has.
    """

    name: str
    kernel: str
    defect: str
    abis: tuple[str, ...]
    rule: str
    edits: tuple[Edit, ...]
    verdict: Verdict = Verdict.FAIL
    also: tuple[str, ...] = ()
    cpus: int = 1


@dataclass(frozen=True, slots=True)
class Catch:
    """How a mutant fared: `finding` is one of those that name its defect, `missed_on` the ABIs that have none.

    `beyond` are ABIs on which its rule was tripped although the defect is not there, `others` are further rules.
    """

    finding: Finding | None
    missed_on: tuple[str, ...]
    beyond: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def is_caught(self) -> bool:
        """Whether the rule meant for it caught it, everywhere and only there."""
        return not self.missed_on and not self.beyond


def read_mutants() -> tuple[Mutant, ...]:
    """The mutants in the order of mutants.yaml; InputError when an entry has a key that none has, or lacks one."""
    mutants = []
    for entry in read_yaml(_LIST):
        try:
            values = {"name": entry.pop("mutant"), **entry}
            values |= {key: tuple(values[key]) for key in ("abis", "also") if key in values}
            values["edits"] = tuple(Edit(**edit) for edit in values["edits"])
            values["verdict"] = Verdict(values.get("verdict", Verdict.FAIL))
            mutants.append(Mutant(**values))
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"{_LIST}: {entry}: {error}.") from None
    return tuple(mutants)


def tripped(judgement: Judgement) -> set[Remark]:
    """What fails or wants a review in a judgement."""
    return {(one.abi, finding) for one in judgement.abis for finding in one.findings if finding.verdict in _TRIPPED}


def look_for(mutant: Mutant, judgement: Judgement, clean: Judgement) -> Catch:
    """Whether the rule meant for a mutant caught it in the judgement of its kernel, beyond what the clean one shows."""
    known = {_key(remark) for remark in tripped(clean)}
    remarks = sorted((one for one in tripped(judgement) if _key(one) not in known), key=_key)
    meant = [(abi, one) for abi, one in remarks if (one.rule, one.verdict) == (mutant.rule, mutant.verdict)]
    on = {abi for abi, _ in meant}
    return Catch(
        finding=next((finding for _, finding in meant), None),
        missed_on=tuple(abi for abi in mutant.abis if abi not in on),
        beyond=tuple(sorted(on.difference(mutant.abis))),
        others=tuple(sorted({finding.rule for _, finding in remarks} - {mutant.rule, *mutant.also})),
    )


def _key(remark: Remark) -> tuple[str, str, str, str]:
    """What makes two findings the same although the values in them differ: the time, an address."""
    abi, finding = remark
    return abi, finding.rule, finding.subject, finding.verdict
