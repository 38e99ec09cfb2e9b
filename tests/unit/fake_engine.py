"""A stand-in for docker: its containers are processes outside the client's process group, ended by `rm` alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from fake_qemu import is_alive

IDENTITY = "sha256:" + "ab" * 32

_SCRIPT = """#!/bin/sh
echo "$*" >> 'DIRECTORY/asked'
case "$1" in
image)
    [ "$5" = vdsocat-qemu ] && { echo IDENTITY; exit 0; }
    echo "Error: No such image: $5" >&2; exit 1;;
version)
    [ -e 'DIRECTORY/stopped' ] || exit 0
    echo "Client:"; echo "Cannot connect to the Docker daemon. Is it running?" >&2; exit 1;;
rm)
    for last; do :; done
    kill -s KILL -- -"$(cat "DIRECTORY/$last")" 2>/dev/null
    exit 0;;
esac
while [ "$1" != --entrypoint ]; do [ "$1" = --name ] && name=$2; shift; done
program=$2; shift 3
[ "$program" = sh ] && [ -e 'DIRECTORY/runless' ] && { echo "no: cgroups: not allowed.

Run 'docker run --help' for more information" >&2; exit 125; }
[ "$program" = sh ] && { printf 'LISTING'; exit 0; }
# Recorded before it speaks, as an engine knows of a container before its output comes.
setsid sh -c 'echo $$ > "$0" && exec "$@"' "DIRECTORY/$name" "DIRECTORY/programs/$program" "$@" &
wait $!
"""
LISTING = "qemu-system-i386 QEMU emulator version 7.2.22 (stand-in)\\nqemu-i386-static qemu-i386 version 10.0.2\\n"


class FakeEngine:
    """The stand-in below `directory`, first on PATH; its image's programs are files in `programs`.

    With a file "stopped" in `directory` it has no daemon, with "runless" it can start no container.
    """

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, listing: str = LISTING) -> None:
        self.directory = directory
        self.programs = directory / "programs"
        self.programs.mkdir(parents=True)
        script = _SCRIPT.replace("LISTING", listing).replace("IDENTITY", IDENTITY)
        client = directory / "bin" / "docker"
        client.parent.mkdir()
        client.write_text(script.replace("DIRECTORY", str(directory)))
        client.chmod(0o755)
        monkeypatch.setenv("PATH", f"{client.parent}:{os.environ['PATH']}")

    def asked(self) -> list[str]:
        """The command lines that it was called with."""
        path = self.directory / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def container_is_gone(self) -> bool:
        """Whether the process of the last container has ended, which is waited for a little."""
        (record,) = self.directory.glob("vdsocat-*")
        pid = int(record.read_text())
        for _ in range(1000):
            if not is_alive(pid):
                return True
            time.sleep(0.01)
        return False
