"""A terminal's extras: colour for verdicts, and one line that says what is being done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TextIO

import click

from vdsocat.judging.finding import Verdict
from vdsocat.report.table import Paint, plain

_COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.EXPECTED_ABSENT: "cyan",
    Verdict.REVIEW: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.KNOWN_DEFECT: "magenta",
    Verdict.WAIVED: "magenta",
}
_CLEAR = "\r\x1b[K"
_WIDTH = 78


def painter(colour: bool) -> Paint:
    """How to paint a verdict: in its colour, or not at all."""
    return (
        (lambda text, verdict: click.style(text, fg=_COLOURS[verdict], bold=verdict is Verdict.FAIL))
        if colour
        else plain
    )


class StatusLine:
    """What is being done, in one line at the bottom of a terminal; plain lines for fetching and building elsewhere.

    Safe to call from several threads.
    """

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._ended = 0
        self._text = ""
        self._lock = threading.RLock()
        self._drawn = stream.isatty()

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._clear()

    def tell(self, text: str) -> None:
        """Say what is being done now."""
        with self._lock:
            if self._drawn:
                self._text = text
                self._draw()
            elif not text.startswith(("booting", "reading")):
                self._stream.write(text + "\n")
                self._stream.flush()

    def ended(self) -> None:
        """Count one source as done."""
        with self._lock:
            self._ended += 1

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Take the line away while something else is written."""
        with self._lock:
            self._clear()
            yield
            self._draw()

    def _draw(self) -> None:
        if self._drawn and self._text and self._ended < self._total:
            self._stream.write(f"{_CLEAR}{f'[{self._ended}/{self._total}] {self._text}'[:_WIDTH]}")
            self._stream.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()
