"""What a call costs: instructions of a vDSO function, and of the system call that it stands in for.

Under QEMU's -icount "the virtual cpu will execute one instruction every 2^N ns of virtual time", and with sleep=off
time jumps to the next timer when there is nothing to execute, which "gives deterministic execution times from the
guest point of view" (qemu-options.hx). The virtual clock is "a count of executed instructions", exact at each timer
and at each reading, for QEMU cuts its translated blocks there (docs/devel/tcg-icount.rst). All clocks of the guest
count on it, so that they count instructions, whatever the host is busy with. Three things are left, and the probe
settles them (validator/probe/cost.c): the steps of a clock and the rate that the kernel ascribes to it, by loops that
are long enough and by a run of nops beside them, and interrupts, by the least of several loops. So costs are whole
numbers, and the same each time.

What a kernel adds can carry a second or not (set_normalized_timespec64 in kernel/time/time.c, v7.3), some ten
instructions of a system call. So /init sets the real-time clock a millisecond behind the monotonic one, in whatever
second, which leaves nothing to carry, and no call is measured near the end of a second or before the tick that begins
the next. And getrandom is asked for 24 bytes, which divide what the vDSO makes at a time, so that no loop makes more of
them than another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call costs, in instructions beyond those of a call of a function that does nothing.

    `clock` is the clock's id for the clock_gettime family, else None. `vdso` and `syscall` are None where nothing could
    be measured; `reason` then says why: of the vDSO function if that is None, else of the system call.
    """

    symbol: str
    clock: int | None = None
    vdso: int | None = None
    syscall: int | None = None
    reason: str | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as much the system call costs; None where one is not known, or the function costs nothing."""
        return self.syscall / self.vdso if self.vdso and self.syscall is not None else None

    @property
    def subject(self) -> str:
        """The symbol, and the clock where it has one: "__vdso_clock_gettime clock 1"."""
        return self.symbol if self.clock is None else f"{self.symbol} clock {self.clock}"


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of one ABI's functions, in the probe's order; `unknown` is the reason why there are none."""

    measured: tuple[Cost, ...] = ()
    unknown: str | None = None


def costs_to_json(costs: Costs) -> dict[str, Any]:
    """Costs as they stand in captures and reports: what is not known of a call is left out."""
    measured = [{key: value for key, value in asdict(one).items() if value is not None} for one in costs.measured]
    return {"measured": measured, "unknown": costs.unknown}


def costs_from_json(raw: Mapping[str, Any]) -> Costs:
    """The reverse, of what the schema has accepted."""
    return Costs(tuple(Cost(**one) for one in raw["measured"]), raw["unknown"])
