"""The matrix on a Dask cluster of two worker processes: one is killed, nothing is lost, nothing is left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command_line import vdsocat
from distributed import Client

from vdsocat.cache import Cache
from vdsocat.cluster import BootOrder, boot_on_worker
from vdsocat.guest.job import BootJob
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings, KernelUnderTest, kernel_sha256

# Kernels of Debian that boot in seconds.
KERNELS = ("s390x-6.1", "riscv64-newest", "armhf-6.1", "arm64-6.1")


@dataclass
class LocalCluster:
    """A scheduler and its workers, each a process of its own as `dask scheduler` and `dask worker` start them."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def guests(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The ids of the QEMUs that a worker runs."""
        return [pid for pid, parent, name in _processes() if parent == worker.pid and name.startswith("qemu-system")]

    def all_guests(self) -> list[int]:
        return [pid for worker in self.workers for pid in self.guests(worker)]

    def wait_for_guests(self, workers: int) -> None:
        """Wait until so many of the workers run a guest."""
        deadline = time.monotonic() + 120
        while sum(bool(self.guests(worker)) for worker in self.workers) < workers:
            assert time.monotonic() < deadline, f"no {workers} workers boot within two minutes"
            time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    """A scheduler and two workers of one thread each, without nannies: a worker that is killed stays away."""
    dask = str(Path(sys.executable).parent / "dask")
    file = tmp_path / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(
            [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
            **quiet,
        )
    ]
    try:
        for number in range(2):
            options = [
                "--nthreads",
                "1",
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                str(tmp_path / f"w{number}"),
            ]
            started.append(subprocess.Popen([dask, "worker", "--scheduler-file", str(file), *options], **quiet))
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield LocalCluster(address, started[1:])
    finally:
        # The workers before their scheduler: one that is told to end waits for what becomes of its connection.
        for process in [*started[1:], started[0]]:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def check(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from vdsocat.cli import main; main()", "check", "--again", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_worker_that_is_killed_half_way_loses_nothing_and_leaves_no_guest(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = check("--scheduler", cluster.address, "--format", "json", "--out", str(out), *KERNELS)
    cluster.wait_for_guests(2)
    victim, survivor = cluster.workers
    guests = cluster.guests(victim)
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    assert _gone(guests), "the guest of a killed worker is ended"
    said, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    kernels = json.loads(said)["kernels"]
    assert Counter(one["source"] for one in kernels) == Counter(KERNELS), "each is there, and once"
    assert all(one["abis"] and not one["kept"] for one in kernels)
    assert len(list(out.glob("*.json"))) == len(KERNELS)
    assert cluster.guests(survivor) == []


def test_an_interrupted_check_ends_the_guests_of_all_workers(cluster: LocalCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = check("--scheduler", cluster.address, "--out", str(out), *KERNELS)
    cluster.wait_for_guests(2)
    guests = cluster.all_guests()
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Traceback" not in err
    assert _gone(guests)
    time.sleep(1)
    assert cluster.all_guests() == [], "no worker begins another"


def test_a_killed_check_leaves_no_guest_at_the_workers(cluster: LocalCluster, tmp_path: Path) -> None:
    run = check("--scheduler", cluster.address, "--out", str(tmp_path / "out"), *KERNELS)
    cluster.wait_for_guests(2)
    guests = cluster.all_guests()
    run.kill()
    run.communicate(timeout=30)
    assert _gone(guests)
    time.sleep(1)
    assert cluster.all_guests() == []


def test_a_worker_says_what_it_lacks(cluster: LocalCluster, tmp_path: Path) -> None:
    kernel = tmp_path / "vmlinux"
    shutil.copy(sys.executable, kernel)
    settings = BootSettings((), Cache(tmp_path / "cache"), qemu_finder())
    job = BootJob(KernelUnderTest("mine", kernel), settings, tmp_path / "log")
    order = BootOrder(job, kernel_sha256(kernel), _version())
    elsewhere = replace(job, kernel=replace(job.kernel, image=Path("/nowhere/vmlinux")))
    with Client(cluster.address, set_as_default=False) as client:

        def ask(given: BootOrder) -> tuple[str, int]:
            result = client.submit(boot_on_worker, given, pure=False).result(60)
            assert result.error.startswith("On the worker tcp://127.0.0.1:")
            return result.error, result.error_status

        error, status = ask(replace(order, vdsocat="0.0.1"))
        assert f"vdsocat is {_version()} there and 0.0.1 here; install the same." in error
        assert status == 3
        error, status = ask(replace(order, job=elsewhere))
        assert "/nowhere/vmlinux cannot be read: No such file or directory; workers need the kernels, and" in error
        assert status == 2
        error, status = ask(replace(order, kernel_sha256="0" * 64))
        assert f"{kernel} is another file there; workers need the kernels, and vdsocat's cache, under the same" in error
        assert status == 2
        error, _ = ask(order)
        assert "is a kernel for" in error or "is no kernel image" in error


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense"])
def test_a_scheduler_that_is_not_there_is_one_sentence(address: str) -> None:
    run = vdsocat("check", "--scheduler", address, "--again", KERNELS[0])
    assert run.returncode == 3
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"vdsocat: No Dask scheduler answers at {address} (")


def _version() -> str:
    from vdsocat import __version__

    return __version__


def _gone(pids: list[int]) -> bool:
    """Whether none of these processes is left within some seconds; zombies count as gone."""
    assert pids
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not {pid for pid, _, _ in _processes()} & set(pids):
            return True
        time.sleep(0.05)
    return False


def _processes() -> Iterator[tuple[int, int, str]]:
    """The id, the parent's id and the name of every process that is no zombie."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                said = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            name = said[said.index("(") + 1 : said.rindex(")")]
            state, parent = said[said.rindex(")") + 2 :].split()[:2]
            if state != "Z":
                yield int(entry.name), int(parent), name
