"""What the environment says of places and of the terminal, for whoever cannot afford to load more."""

from __future__ import annotations

import os
import sys

# Loading typing takes half as long as starting Python.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def cache_directory(environment: Mapping[str, str]) -> str:
    """Where fetched and made files are kept: below XDG_CACHE_HOME or ~/.cache."""
    base = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME") or "/tmp", ".cache")
    return os.path.join(os.path.abspath(base), "vdsocat")


def terminal_width() -> int:
    """Columns to draw for: COLUMNS, the terminal's own, or 80 when there is neither (as shutil has it, but quicker)."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80
