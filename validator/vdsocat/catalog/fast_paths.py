"""What the vDSO reads itself: by function, clock and ABI, and the clock sources that user space can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vdsocat.catalog.conditions import Condition


@dataclass(frozen=True, slots=True)
class FastPath:
    """What calls of a function read in place of entering the kernel.

    `reads` is "counter" (the clock source's, and the kernel where user space cannot read it), "memory", "state" (the
    caller's, which had been filled) or "kernel".
    `clocks` is empty where the function has none to choose, `abis` where it holds for all.
    """

    reads: str
    clocks: tuple[int, ...] = ()
    abis: tuple[str, ...] = ()
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class ClockSources:
    """The clock sources that the vDSO of these ABIs reads, always or on some machines, by the kernel's names."""

    abis: tuple[str, ...]
    readable: tuple[str, ...]
    sometimes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FastPaths:
    """All that the catalogue knows of fast paths; `functions` has them by generic name."""

    functions: Mapping[str, tuple[FastPath, ...]] = field(default_factory=dict)
    clocksources: tuple[ClockSources, ...] = ()

    def of(self, function: str, abi: str, clock: int | None) -> FastPath | None:
        """What calls of the function read, for a clock id or for the function as such; None where it is not settled."""
        for path in self.functions.get(function, ()):
            if (not path.abis or abi in path.abis) and (clock in path.clocks if path.clocks else clock is None):
                return path
        return None

    def readable(self, abi: str, clocksource: str) -> bool | None:
        """Whether the vDSO of the ABI reads the clock source; None where it depends on the machine."""
        for sources in self.clocksources:
            if abi in sources.abis:
                return True if clocksource in sources.readable else None if clocksource in sources.sometimes else False
        return None


def fast_paths_from_document(document: Mapping[str, Any]) -> FastPaths:
    """Build the fast paths from catalog/functions.yaml (schemas/functions.schema.json)."""
    return FastPaths(
        functions={
            raw["function"]: tuple(
                FastPath(
                    reads=one["reads"],
                    clocks=tuple(one.get("clocks", ())),
                    abis=tuple(one.get("abis", ())),
                    when=Condition(one["when"]) if "when" in one else None,
                )
                for one in raw["fast"]
            )
            for raw in document["functions"]
            if "fast" in raw
        },
        clocksources=tuple(
            ClockSources(tuple(raw["abis"]), tuple(raw["readable"]), tuple(raw.get("sometimes", ())))
            for raw in document.get("clocksources", ())
        ),
    )
