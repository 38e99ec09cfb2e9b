"""Ctrl-C, SIGTERM and SIGHUP: an exception at once or, while guests run, a request that they stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vdsocat.guest.stop import StopRequest

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_on_ending_signals() -> None:
    """Let the first of these signals end the program as Ctrl-C does; further ones do not cut the ending short."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for further in _ENDING:
            signal.signal(further, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _ENDING:
        signal.signal(number, interrupt)


@contextmanager
def stopping_on_ending_signals() -> Iterator[StopRequest]:
    """A request that these signals make instead of raising; KeyboardInterrupt is raised at the end if they did.

    While threads run, an exception in the middle of threading's own code could leave one of its locks taken for ever.
    """
    stop = StopRequest()
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop.set()

    former = {number: signal.signal(number, note) for number in _ENDING}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_IGN if came else handler)
    if came:
        raise KeyboardInterrupt
