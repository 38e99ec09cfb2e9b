"""A terminal's extras: colour for verdicts, and one line that says what is being done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
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
        self._doing: dict[str, str] = {}
        self._lock = threading.RLock()
        self._drawn = stream.isatty()

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._clear()

    def tell(self, text: str, of: str = "") -> None:
        """Say what is being done now for one of many, or for the only one; an empty text says that it waits."""
        with self._lock:
            if self._doing.pop(of, "") == text and not self._drawn:
                self._doing[of] = text
                return
            if text:
                self._doing[of] = text
            if self._drawn:
                self._draw()
            elif text and not text.startswith(("booting", "reading")):
                self._stream.write(text + "\n")
                self._stream.flush()

    def ended(self, of: str = "") -> None:
        """Count one source as done."""
        with self._lock:
            self._ended += 1
            self._doing.pop(of, None)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Take the line away while something else is written."""
        with self._lock:
            self._clear()
            yield
            self._draw()

    def _draw(self) -> None:
        if self._drawn and self._doing and self._ended < self._total:
            self._stream.write(f"{_CLEAR}{f'[{self._ended}/{self._total}] {_join(self._doing.values())}'[:_WIDTH]}")
            self._stream.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()


def _join(texts: Iterable[str]) -> str:
    """All that is being done, each verb once: "booting a, b; fetching c"."""
    objects: dict[str, list[str]] = {}
    for text in texts:
        verb, _, rest = text.partition(" ")
        objects.setdefault(verb, []).append(rest)
    return "; ".join(f"{verb} {', '.join(rests)}".rstrip() for verb, rests in objects.items())
