"""Fixtures of several test files: the small catalogue on disk, and the command line run in this process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_catalog import write_catalog

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


@pytest.fixture
def catalog_root(tmp_path: Path) -> Path:
    """The small catalogue, written out."""
    return write_catalog(tmp_path / "catalog")


@pytest.fixture
def vdsocat(
    tmp_path: Path, catalog_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run `vdsocat` with arguments, on the small catalogue and a cache of the test's own."""
    monkeypatch.setattr("vdsocat.guest.boot._AFTER_PANIC_SECONDS", 0.1)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}

    def run(*arguments: object) -> Outcome:
        words = ["vdsocat", "--catalog", str(catalog_root), "--cache", str(tmp_path / "cache"), *map(str, arguments)]
        monkeypatch.setattr("sys.argv", words)
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        written = capsys.readouterr()
        assert isinstance(leaving.value.code, int)
        return Outcome(leaving.value.code, written.out, written.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
