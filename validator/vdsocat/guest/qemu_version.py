"""The version that a QEMU says it is."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from vdsocat.errors import RunError

_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")


def qemu_version(command: Sequence[str], deadline: float = 20) -> str | None:
    """What `command --version` prints, "7.2.22", None for what is no version; RunError when it cannot be run.

    `deadline` in seconds.
    """
    try:
        ran = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=deadline,
            check=False, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError(f"{command[0]} cannot be run ({error}).") from None
    match = _VERSION.search(ran.stdout)
    return match.group(1) if match else None


def version_key(version: str) -> tuple[int, ...]:
    """A key that orders versions such as "7.2.22" and "10.0"."""
    return tuple(int(part) for part in version.split("."))
