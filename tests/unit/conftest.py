"""Fixtures of several test files: the small catalogue on disk, and the command line run in this process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from outcomes import Command, Outcome
from small_catalog import write_catalog

from vdsocat.cli import main


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
