"""Stand-ins for QEMU: small shell scripts that answer --version, replay a console log, and then stay, leave or fork."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """#!/bin/sh
[ "$1" = --version ] && { echo "QEMU emulator version 7.2.22 (stand-in)"; exit 0; }
printf '%s\\n' "$@" > 'DIRECTORY/arguments'
echo $$ > 'DIRECTORY/pid.new' && mv 'DIRECTORY/pid.new' 'DIRECTORY/pid'
BEFORE
cat 'DIRECTORY/console'
THEN
"""
STAY = "exec sleep 60"
LEAVE = "exit 7"
# As a wrapper around the real QEMU does: the guest is a child, and the wrapper waits for it.
START_CHILD = "sleep 60 & echo $! > 'DIRECTORY/child'"
BABBLE = "while :; do echo 'nonsense nonsense nonsense nonsense'; sleep 0.02; done"


@dataclass(frozen=True)
class FakeQemu:
    """A directory with one stand-in, to be given as --qemu."""

    directory: Path
    program: Path

    def arguments(self) -> list[str]:
        """What it was started with."""
        return (self.directory / "arguments").read_text().splitlines()

    def pid(self, name: str = "pid") -> int:
        """Its process id, waited for until it has started."""
        deadline = time.monotonic() + 10
        while not (self.directory / name).exists() or not (self.directory / name).read_text().strip():
            assert time.monotonic() < deadline, "the stand-in did not start"
            time.sleep(0.01)
        return int((self.directory / name).read_text())

    def is_gone(self, name: str = "pid") -> bool:
        """Whether no such process is left, given ten seconds to end in, on a busy host."""
        pid = self.pid(name)
        for _ in range(1000):
            if not is_alive(pid):
                return True
            time.sleep(0.01)
        return False


def make_fake_qemu(
    directory: Path, console: bytes = b"", then: str = STAY, name: str = "qemu-system-i386", before: str = ""
) -> FakeQemu:
    """Put a stand-in into `directory` that does `before`, prints `console` and then does `then`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "console").write_bytes(console)
    program = directory / name
    program.write_text(_SCRIPT.replace("BEFORE", before).replace("THEN", then).replace("DIRECTORY", str(directory)))
    program.chmod(0o755)
    return FakeQemu(directory, program)


def is_alive(pid: int) -> bool:
    """Whether a process runs; an orphan that nobody has reaped yet is dead all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith("Z")
