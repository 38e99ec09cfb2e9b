"""Asking runs to stop."""

from __future__ import annotations


class StopRequest:
    """A flag that one thread, or a signal handler, raises and others look at; unlike threading.Event it has no lock."""

    def __init__(self) -> None:
        self._requested = False

    def set(self) -> None:
        """Ask to stop."""
        self._requested = True

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self._requested


class InterruptedRunError(Exception):
    """The run was told to stop."""
