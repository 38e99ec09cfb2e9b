"""Captures kept in a directory, as `vdsocat check --out` leaves them: one file for each source, named after it."""

from __future__ import annotations

from pathlib import Path

from vdsocat.errors import InputError


def holds_captures(directory: Path) -> bool:
    """Whether it is a directory of captures; a build tree may hold JSON, but has its kernel beside it."""
    return directory.is_dir() and any(directory.glob("*.json")) and not (directory / "vmlinux").exists()


def capture_files(directory: Path) -> list[Path]:
    """The captures of a directory, by their names; InputError when it has none."""
    found = sorted(directory.glob("*.json"))
    if not found:
        raise InputError(f"{directory}: holds no captures.")
    return found
