"""Real guests that fail to conform, or to finish: the verdict and the exit status that a user sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from command_line import vdsocat


def test_a_kernel_told_to_map_no_vdso_rightly_has_none() -> None:
    run = vdsocat("check", "amd64-6.1", "--again", "--append", "vdso=0 vdso32=0", "--format", "json")
    rows = {row["abi"]: row for row in json.loads(run.stdout)["kernels"][0]["abis"]}
    present = [one for one in rows["x86-64"]["findings"] if one["rule"] == "VDSO-PRESENT"]
    assert run.returncode == 0
    assert [one["verdict"] for one in present] == ["expected-absent"]
    assert "boot:vdso=0" in present[0]["reason"]
    assert rows["x86-64"]["vdso"] is None


def test_a_guest_that_needs_longer_than_its_deadline_is_an_incomplete_run() -> None:
    started = time.monotonic()
    run = vdsocat("check", "amd64-6.1", "--again", "--deadline", "1")
    assert run.returncode == 3
    assert "deadline of 1 s" in run.stderr
    assert time.monotonic() - started < 20
    assert _qemus_of(os.getpid()) == []


def test_a_guest_that_speaks_elsewhere_is_an_incomplete_run() -> None:
    run = vdsocat("check", "arm64-6.1", "--again", "--append", "console=tty0")
    assert run.returncode == 3
    assert "before the probe's last record" in run.stderr


def test_a_kernel_that_panics_is_an_incomplete_run() -> None:
    run = vdsocat("check", "amd64-6.1", "--again", "--append", "rdinit=/nowhere")
    assert run.returncode == 3
    assert "panicked" in run.stderr


def test_nothing_of_qemu_is_left_after_an_interrupt(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        command = [sys.executable, "-c", "from vdsocat.cli import main; main()", "check", "amd64-6.1", "--again"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        guests = _wait_for_qemu(process.pid)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in said
        assert [pid for pid in guests if Path(f"/proc/{pid}").exists()] == []


def test_the_emulator_is_named_as_the_provider() -> None:
    run = vdsocat("check", "qemu-user:aarch64", "--format", "json")
    assert run.returncode == 0, run.stderr
    kernel = json.loads(run.stdout)["kernels"][0]
    assert kernel["provenance"]["provider"] == "qemu-user"
    version = tuple(int(part) for part in kernel["provenance"]["provider_version"].split("."))
    assert (kernel["abis"][0]["vdso"] is None) == (version < (8, 2))


def test_dry_run_prints_a_command_that_names_kernel_and_initramfs() -> None:
    run = vdsocat("check", "amd64-6.1", "--dry-run")
    assert run.returncode == 0, run.stderr
    words = run.stdout.split()
    assert words[0].endswith("qemu-system-x86_64")
    for option in ("-kernel", "-initrd"):
        assert Path(words[words.index(option) + 1]).is_file()
    assert words[words.index("-nic") + 1] == "none"


def _wait_for_qemu(parent: int) -> list[int]:
    """The ids of the QEMU processes below `parent`, once there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if guests := _qemus_of(parent):
            return guests
        time.sleep(0.05)
    raise AssertionError("no QEMU was started within a minute")


def _qemus_of(ancestor: int) -> list[int]:
    """The ids of the running QEMU processes that descend from a process."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                status = dict(
                    line.split(":\t", 1) for line in (entry / "status").read_text().splitlines() if ":\t" in line
                )
            except OSError:
                continue
            if not status["State"].startswith("Z"):
                parents[int(entry.name)] = int(status["PPid"])
                names[int(entry.name)] = status["Name"]
    return [pid for pid, name in names.items() if name.startswith("qemu-system") and _descends(pid, ancestor, parents)]


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if parents[pid] == ancestor:
            return True
        pid = parents[pid]
    return False
