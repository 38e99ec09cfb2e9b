"""The command line as a user runs it, and what a run of the whole matrix gives."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMMAND = [sys.executable, "-c", "from vdsocat.cli import main; main()"]
# The same, and at its end the most memory that the process itself ever had, in KiB (getrusage(2)).
_MEASURED = """
import atexit, resource, sys
atexit.register(lambda: print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
from vdsocat.cli import main
main()
"""


def vdsocat(*arguments: str, timeout: float = 3600) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run([*_COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def vdsocat_with_peak(*arguments: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """The same, and the most memory that vdsocat itself took, in MiB."""
    command = [sys.executable, "-c", _MEASURED, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    *_, last = run.stderr.splitlines()
    return run, int(last.removeprefix("peak ")) // 1024


@dataclass(frozen=True)
class Matrix:
    """One run of `vdsocat check set:full`: its report, its captures, its exit status, its memory in MiB."""

    report: dict[str, Any]
    captures: Path
    exit_status: int
    said: str
    peak_memory: int

    def row(self, kernel: str, abi: str) -> dict[str, Any]:
        """The report's entry for an ABI of a kernel; fails with what is there when there is none."""
        rows = {(one["source"], row["abi"]): row for one in self.report["kernels"] for row in one["abis"]}
        errors = [f"{one['source']}: {one['error']}" for one in self.report["kernels"] if one["error"]]
        assert (kernel, abi) in rows, f"no row for {abi} on {kernel}; not judged: {errors or 'nothing'}"
        return rows[kernel, abi]
