"""The phases of a boot, by what the console says at which moment."""

from __future__ import annotations

from vdsocat.guest.console import Frame
from vdsocat.guest.timing import PHASES, Stopwatch

RUNNING = b"vm_state_notify running 1 reason 9 (running)\n"
HELLO = Frame("x/init", 0, "hello", ("3", "32", "little", "4096"))
END = Frame("x/init", 9, "end", ("10",))


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def call(clock: str, before: str) -> Frame:
    return Frame("x", 5, "call", ("clock_gettime", clock, before, "0", before, before))


def test_every_phase_lies_between_two_moments() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.time = 100.5
    watch.hear(b"vm_state_notify runn")
    watch.hear(RUNNING[20:])
    clock.time = 103
    watch.hear(b"more")
    watch.note(HELLO)
    clock.time = 103.25
    watch.note(call("0", "1795572356.372167627"))
    watch.note(call("1", "1.250000000"))
    watch.note(call("1", "1.200000000"))
    clock.time = 104
    watch.note(END)
    clock.time = 104.125
    assert watch.phases() == {"qemu": 0.5, "firmware": 1.5, "kernel": 1.0, "probe": 1.0, "stop": 0.125}
    assert watch.seconds() == 4.125
    assert [phase for phase in PHASES if phase in watch.phases()] == list(watch.phases())


def test_a_kernel_does_not_begin_before_its_machine() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.time = 101
    watch.hear(RUNNING)
    clock.time = 102
    watch.note(HELLO)
    watch.note(call("1", "9.5"))
    assert watch.phases()["firmware"] == 0
    assert watch.phases()["kernel"] == 1


def test_a_guest_s_clock_that_counts_instructions_does_not_divide_firmware_from_kernel() -> None:
    clock = Clock()
    watch = Stopwatch(clock, counted=True)
    clock.time = 101
    watch.hear(RUNNING)
    clock.time = 104
    watch.note(HELLO)
    watch.note(call("1", "1.5"))
    assert watch.phases() == {"qemu": 1.0, "kernel": 3.0}


def test_what_was_not_seen_is_left_out() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.note(HELLO)
    watch.note(call("1", "errno:22"))
    clock.time = 101
    watch.note(END)
    assert watch.phases() == {"probe": 1.0, "stop": 0.0}
    assert Stopwatch(clock).phases() == {}
