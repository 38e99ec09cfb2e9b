"""Where the time of a boot goes, by what the console said when."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vdsocat.guest.console import Frame

# QEMU's own trace event (softmmu/runstate.c, system/runstate.c), which goes to its stderr with -trace.
TRACE_EVENT = "vm_state_notify"
_RUNNING = b"vm_state_notify running 1"
_CLOCK_MONOTONIC = "1"
_LONGEST_MARK = 256
_READING = re.compile(r"\d{1,10}(\.\d{1,9})?\Z")

# The phases in their order, with what each is.
PHASES = {
    "build": "the kernel is built",
    "unpack": "the host unpacks the kernel and writes the initramfs",
    "qemu": "QEMU starts, until its CPU runs",
    "firmware": "firmware, and the kernel's unpacking of itself, until the kernel's clock runs",
    "kernel": "the kernel, until /init speaks; with all before it where the guest's clocks count instructions",
    "probe": "the probes, until the last record",
    "stop": "QEMU is ended",
    "judge": "the capture is judged",
}


@dataclass
class Stopwatch:
    """Notes when a guest reaches what divides its phases. `now` gives seconds of any clock that does not step.

    Where instructions are `counted`, the guest's clocks go by them, and do not tell when its kernel began.
    """

    now: Callable[[], float] = time.monotonic
    counted: bool = False
    started: float = field(init=False)
    _running: float | None = None
    _hello: float | None = None
    _kernel: float | None = None
    _end: float | None = None
    _tail: bytes = b""

    def __post_init__(self) -> None:
        self.started = self.now()

    def hear(self, data: bytes) -> None:
        """Console output, as it comes."""
        if self._running is None:
            self._tail = (self._tail + data)[-max(len(data), _LONGEST_MARK) :]
            if _RUNNING in self._tail:
                self._running = self.now()

    def note(self, frame: Frame) -> None:
        """A frame of the probe. The first reading of the guest's monotonic clock tells when that clock began."""
        now = self.now()
        if self._hello is None:
            self._hello = now
        if self._kernel is None and frame.type == "call" and not self.counted:
            began = _clock_began(frame, now)
            # A guest's clock can run fast: its kernel learns the rate by another clock, on a host that is busy.
            self._kernel = None if began is None else max(began, self._running or self.started)
        if frame.type == "end":
            self._end = now

    def seconds(self) -> float:
        """Since it was started."""
        return self.now() - self.started

    def phases(self) -> dict[str, float]:
        """Seconds by phase, from "qemu" to "stop", of those whose beginning and end are known."""
        moments = {
            "qemu": (self.started, self._running),
            "firmware": (self._running, self._kernel),
            "kernel": (self._running if self.counted else self._kernel, self._hello),
            "probe": (self._hello, self._end),
            "stop": (self._end, self.now()),
        }
        return {
            phase: round(max(0.0, end - begin), 3)
            for phase, (begin, end) in moments.items()
            if begin is not None and end is not None
        }


def _clock_began(frame: Frame, now: float) -> float | None:
    """When the guest's monotonic clock was 0, by a `call` frame (symbol, clock, reading before the call …)."""
    _, clock, before, *_ = (*frame.fields, "", "", "")
    return now - float(before) if clock == _CLOCK_MONOTONIC and _READING.match(before) else None
