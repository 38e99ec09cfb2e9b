"""What calls cost on two kernels, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vdsocat.capture import Capture
from vdsocat.costs import Cost

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class CostChange:
    """A function, or the system call behind it (`what`), that costs another number of instructions than before."""

    abi: str
    subject: str
    what: str
    before: int
    after: int

    def sentence_part(self) -> str:
        """ "vDSO call dearer by 30%: 73 instructions, was 56"."""
        word = "dearer" if self.after > self.before else "cheaper"
        share = f" by {abs(self.after / self.before - 1):.0%}" if self.before > 0 else ""
        return f"{self.what} {word}{share}: {self.after} instructions, was {self.before}"


def have_costs(captures: Iterator[Capture] | tuple[Capture, ...]) -> bool:
    """Whether any ABI of any of them was measured."""
    return any(abi.costs is not None and abi.costs.measured for capture in captures for abi in capture.abis)


def compare_costs(old: tuple[Capture, ...], new: tuple[Capture, ...], threshold: float) -> Iterator[CostChange]:
    """What got dearer or cheaper by more than `threshold` (0.1 is a tenth) of what it was, in the old one's order.

    Only what both measured is compared: that a function came or went is not a matter of cost.
    """
    after = _costs_of(new)
    for key, before in _costs_of(old).items():
        now = after.get(key)
        if now is None:
            continue
        abi, _, subject = key
        pairs = (("vDSO call", before.vdso, now.vdso), ("system call", before.syscall, now.syscall))
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
