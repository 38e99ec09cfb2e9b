"""Running the command line in a test's own process, and what that left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from vdsocat.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    def refused_in_one_sentence(self, *words: str) -> bool:
        """Status 2, nothing on stdout, and on stderr one line that is a sentence with all the words in it."""
        assert self.status == 2, (self.status, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", "?"))
        for word in words:
            assert word in self.err, (word, self.err)
        return True


Command = Callable[..., Outcome]


@contextmanager
def in_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *first: object
) -> Iterator[Command]:
    """Run `vdsocat` with the `first` words before all others: a hundred starts of Python take longer than the work."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["vdsocat", *map(str, (*first, *arguments))])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        written = capsys.readouterr()
        assert isinstance(leaving.value.code, int)
        return Outcome(leaving.value.code, written.out, written.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
