"""What calls cost on two kernels, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vdsocat.capture import Capture
from vdsocat.costs import Cost

# The share of what a call cost by which it may change without being told.
COST_THRESHOLD = 0.1

_VDSO_CALL = "vDSO call"

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class CostChange:
    """A function, or the system call behind it (`what`), that costs another number of instructions than before."""

    abi: str
    subject: str
    what: str
    before: int
    after: int

    @property
    def of_vdso(self) -> bool:
        """Whether it is the vDSO function that changed, not the system call."""
        return self.what == _VDSO_CALL

    def sentence_part(self) -> str:
        """ "vDSO call dearer by 30%: 73 instructions, was 56"."""
        word = "dearer" if self.after > self.before else "cheaper"
        share = f" by {abs(self.after / self.before - 1):.0%}" if self.before > 0 else ""
        return f"{self.what} {word}{share}: {self.after} instructions, was {self.before}"


def have_costs(captures: Iterator[Capture] | tuple[Capture, ...]) -> bool:
    """Whether any ABI of any of them was measured."""
    return any(abi.costs is not None and abi.costs.measured for capture in captures for abi in capture.abis)


def compare_costs(old: tuple[Capture, ...], new: tuple[Capture, ...], threshold: float) -> Iterator[CostChange]:
    """CALL-COST: a call costs as many instructions as on the baseline, but for a tenth or what the user sets.

    What got dearer or cheaper by more than `threshold` (0.1 is a tenth) of what it was is told, in the old one's order.
    Only what both measured is compared: that a function came or went is not a matter of cost.

    Why: the vDSO is there to be cheap, and nothing else tells that it is not any more: a call that got 30% dearer
    returns the same values.
    Source: validator/vdsocat/costs.py, by which costs are whole numbers and the same each time.
    Reproduce: `vdsocat check --cost --out OLD SOURCE` and the same for NEW, then `vdsocat diff OLD NEW`
    """
    after = _costs_of(new)
    for key, before in _costs_of(old).items():
        now = after.get(key)
        if now is None:
            continue
        abi, _, subject = key
        pairs = ((_VDSO_CALL, before.vdso, now.vdso), ("system call", before.syscall, now.syscall))
        for what, was, is_ in pairs:
            if was is not None and is_ is not None and abs(is_ - was) > threshold * abs(was):
                yield CostChange(abi, subject, what, was, is_)


def _costs_of(captures: tuple[Capture, ...]) -> Mapping[_Key, Cost]:
    """Costs by ABI, byte order and subject; of several captures of one ABI the last counts."""
    return {
        (abi.abi, abi.endianness, cost.subject): cost
        for capture in captures
        for abi in capture.abis
        if abi.costs is not None
        for cost in abi.costs.measured
    }
