"""How long boots took, so that the longest of many can begin first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vdsocat.cache import Cache
from vdsocat.capture import Capture
from vdsocat.errors import RunError
from vdsocat.guest.machines import Machine

_FILE = "durations.json"
_MOST = 1000


@dataclass(slots=True)
class Durations:
    """Wall seconds of the last boot of each source and on each machine; `note` is for one thread at a time."""

    sources: dict[str, float] = field(default_factory=dict)
    machines: dict[str, float] = field(default_factory=dict)

    def of_source(self, source: str) -> float | None:
        """Seconds of its last boot; None when nobody has booted it here."""
        return self.sources.get(source)

    def of_machine(self, machine: Machine) -> float:
        """Seconds of the last boot on it, or what its file says of a boot."""
        return self.machines.get(machine.name, machine.seconds)

    def note(self, capture: Capture) -> None:
        """Remember how long a boot took; nothing where the capture is of none."""
        provenance = capture.provenance
        if provenance.machine is None or provenance.seconds is None:
            return
        for known, name in ((self.sources, provenance.source), (self.machines, provenance.machine)):
            known.pop(name, None)  # The newest come last, so that the oldest can be forgotten.
            known[name] = provenance.seconds


def read_durations(cache: Cache) -> Durations:
    """What earlier runs left in the cache; nothing when that cannot be read, which costs time, nothing else."""
    try:
        raw = json.loads(cache.path(_FILE).read_bytes())
        return Durations(_numbers(raw["sources"]), _numbers(raw["machines"]))
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return Durations()


def write_durations(durations: Durations, cache: Cache) -> None:
    """Leave them to later runs; so many that nobody notices those that are forgotten."""
    kept = {"sources": dict(list(durations.sources.items())[-_MOST:]), "machines": durations.machines}
    try:
        cache.replace(_FILE, content=json.dumps(kept).encode())
    except RunError:
        return


def _numbers(raw: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(seconds) for name, seconds in raw.items()}
