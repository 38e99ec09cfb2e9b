"""Fixtures of several test files: the small catalogue on disk, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from outcomes import Command, in_process
from small_catalog import write_catalog


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
    with in_process(capsys, monkeypatch, "--catalog", catalog_root, "--cache", tmp_path / "cache") as command:
        yield command
