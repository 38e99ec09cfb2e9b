"""QEMU out of a container, with real engines: the same captures as the host's QEMU, and nothing is left running."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import vdsocat
from container_engines import IMAGE, NEWER_IMAGE, Engine, build_images, docker_daemon, podman_with

# Machines of four architectures, in both byte orders. That of ppc32 does not power off: whoever started it must end it.
KERNELS = ("amd64-6.1", "arm64-6.1", "mips64el-6.1", "ppc32")
SLOW = ("check", "amd64-6.1", "--stock", "--again")


@pytest.fixture(scope="module")
def docker() -> Iterator[Engine]:
    with docker_daemon() as engine, pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        build_images(engine)
        yield engine


@pytest.fixture(scope="module")
def podman(docker: Engine) -> Iterator[Engine]:
    with podman_with(docker, IMAGE) as engine, pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        yield engine


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.getfixturevalue(request.param)


@dataclass(frozen=True)
class Run:
    """What a check gave: the rows of its report by kernel and ABI, and the captures beside them."""

    rows: dict[tuple[str, str, str], dict[str, Any]]
    captures: dict[tuple[str, str, str], dict[str, Any]]
    provenance: list[dict[str, Any]]

    def exports(self) -> dict[tuple[str, str, str], Any]:
        """The bytes of each image, and what is read from it, its random address apart."""
        return {
            key: (self.captures[key]["image"], {**row["vdso"], "address": None} if row["vdso"] else None)
            for key, row in self.rows.items()
        }

    def names(self) -> dict[tuple[str, str, str], set[tuple[str, str]] | None]:
        """The symbols that each image exports, with their versions."""
        return {
            key: {(one["symbol"], one["version"]) for one in row["vdso"]["exports"]} if row["vdso"] else None
            for key, row in self.rows.items()
        }

    def findings(self, but: set[tuple[str, ...]]) -> dict[tuple[str, str, str], Counter[tuple[str, ...]]]:
        """How often which rule gave which verdict on what, but for the (kernel, ABI, byte order, rule)s named."""
        return {
            key: Counter(
                (one["rule"], one["subject"], one["verdict"])
                for one in row["findings"]
                if (*key, one["rule"]) not in but
            )
            for key, row in self.rows.items()
        }


def check(out: Path, *words: str, status: int = 0) -> Run:
    done = vdsocat("check", *words, "--again", "--format", "json", "--out", str(out), timeout=600)
    assert done.returncode == status, done.stderr
    report = json.loads(done.stdout)
    assert [one["error"] for one in report["kernels"] if one["error"]] == []
    rows = {
        (one["source"], row["abi"], row["endianness"]): row for one in report["kernels"] for row in one["abis"]
    }  # fmt: skip
    captures = {}
    for path in out.glob("*.json"):
        capture = json.loads(path.read_bytes())
        source = capture["provenance"]["source"]
        captures |= {(source, one["abi"], one["endianness"]): one for one in capture["abis"]}
    return Run(rows, captures, [one["provenance"] for one in report["kernels"]])


def program_of(provenance: dict[str, Any]) -> str:
    """The program that a container was started for."""
    return str(provenance["command"][provenance["command"].index("--entrypoint") + 1])


def other_clock(one: Run, two: Run) -> set[tuple[str, ...]]:
    """FAST-PATH of the guests that chose another clock source the second time.

    On a busy machine Linux cannot calibrate the TSC of an x86 guest (arch/x86/kernel/tsc.c), and goes without.
    """
    return {
        (*key, "FAST-PATH")
        for key, capture in one.captures.items()
        if capture["clocksource"] != two.captures[key]["clocksource"]
    }


@pytest.fixture(scope="module")
def of_host(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The kernels under the host's QEMU."""
    return check(tmp_path_factory.mktemp("host"), *KERNELS)


def test_a_kernel_gives_what_it_gives_under_the_host_s_qemu(engine: Engine, of_host: Run, tmp_path: Path) -> None:
    contained = check(tmp_path, "--qemu", f"{engine.name}:{IMAGE}", *KERNELS)
    assert len(contained.rows) == len(of_host.rows) == 9
    assert contained.exports() == of_host.exports()
    excused = other_clock(of_host, contained)
    assert {key[0] for key in excused} <= {"amd64-6.1"}
    assert contained.findings(excused) == of_host.findings(excused)
    for provenance in contained.provenance:
        assert provenance["command"][:3] == [engine.name, "run", "--rm"]
        program = program_of(provenance)
        said = engine("run", "--rm", "--network", "none", "--entrypoint", program, IMAGE, "--version")
        assert f"version {provenance['qemu_version']} " in said
    assert engine.containers() == []


def test_a_guest_that_does_not_power_off_is_ended_at_its_last_record(
    of_host: Run, engine: Engine, tmp_path: Path
) -> None:
    contained = check(tmp_path, "--qemu", f"{engine.name}:{IMAGE}", "ppc32", "--deadline", "300")
    (provenance,) = contained.provenance
    assert provenance["seconds"] < 100
    assert engine.containers() == []


def test_user_mode_maps_what_a_fetched_qemu_maps(docker: Engine, tmp_path: Path) -> None:
    fetched = vdsocat("qemu", "fetch", "qemu-user")
    assert fetched.returncode == 0, fetched.stderr
    outside = check(tmp_path / "fetched", "--qemu", "fetched", "qemu-user:all")
    inside = check(tmp_path / "docker", "--qemu", f"docker:{NEWER_IMAGE}", "qemu-user:all")
    assert sum(row["vdso"] is not None for row in inside.rows.values()) >= 11
    # Not the bytes: QEMU relocates its images to where it maps them.
    assert inside.names() == outside.names()
    # Which processor a getcpu with a known defect names differs from run to run.
    defects = {
        (*key, one["rule"])
        for run in (inside, outside)
        for key, row in run.rows.items()
        for one in row["findings"]
        if one["verdict"] == "known-defect"
    }
    assert inside.findings(defects) == outside.findings(defects)
    assert docker.containers() == []


def test_user_mode_runs_a_probe_of_every_target_without_binfmt(engine: Engine, tmp_path: Path) -> None:
    run = check(tmp_path, "--qemu", f"{engine.name}:{IMAGE}", "qemu-user:all")
    programs = [program_of(one) for one in run.provenance]
    assert len(set(programs)) == len(programs) >= 21
    assert {"qemu-aarch64-static", "qemu-mips-static", "qemu-loongarch64-static"} <= set(programs)
    assert engine.containers() == []


def test_at_the_deadline_nothing_is_left(engine: Engine) -> None:
    done = vdsocat(*SLOW, "--qemu", f"{engine.name}:{IMAGE}", "--deadline", "1", timeout=120)
    assert done.returncode == 3
    assert "was ended at its deadline of 1 s" in done.stderr
    assert engine.containers() == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_signal_in_the_middle_of_a_boot_leaves_nothing(
    engine: Engine, number: signal.Signals, status: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from vdsocat.cli import main; main()", *SLOW, "--qemu", f"{engine.name}:{IMAGE}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        emulators = wait_for_qemu(engine)
        run.send_signal(number)
        assert run.wait(60) == status
        assert run.stderr is not None and "Traceback" not in run.stderr.read()
    until = time.monotonic() + 60
    while engine.containers() and time.monotonic() < until:
        time.sleep(0.2)
    assert engine.containers() == []
    assert [pid for pid in emulators if Path("/proc", str(pid)).exists()] == []


def wait_for_qemu(engine: Engine) -> list[int]:
    """The process ids, as the host counts, of the QEMUs in the engine's containers, once there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for container in engine("ps", "--quiet").split():
            first = int(engine("inspect", "--format", "{{.State.Pid}}", container))
            below = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            found = [int(pid) for pid in below if "qemu-system" in Path(f"/proc/{pid}/cmdline").read_text()]
            if found:
                return found
        time.sleep(0.05)
    raise AssertionError("no QEMU was started in a container within a minute")


def test_an_image_that_is_not_there_is_one_sentence(engine: Engine) -> None:
    done = vdsocat("check", "--qemu", f"{engine.name}:never-built", "qemu-user:aarch64")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"vdsocat: {engine.name} has no image never-built (")
    assert done.stderr.count("\n") == 1 and "`make image` builds vdsocat-qemu" in done.stderr


def test_an_engine_that_does_not_run_is_one_sentence(
    docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    done = vdsocat("check", "--qemu", f"docker:{IMAGE}", "qemu-user:aarch64")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("vdsocat: docker cannot be used: ") and done.stderr.count("\n") == 1


def test_doctor_tells_what_an_image_offers(docker: Engine) -> None:
    done = vdsocat("doctor", "--qemu", f"docker:{NEWER_IMAGE}", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = {row["tool"]: row for row in json.loads(done.stdout)["rows"]}
    user = told[f"QEMU in the image {NEWER_IMAGE}, user targets"]
    assert int(user["found"].split(".")[0]) >= 10
    mapped, _, rest = user["needed_for"].partition("; none for ")
    assert {"aarch64", "hppa", "x86_64"} <= set(mapped.removeprefix("a vDSO for ").split(", "))
    assert {"mips", "sparc64"} <= set(rest.split(", ")) and "amd64" not in rest
    system = told[f"QEMU in the image {NEWER_IMAGE}, system targets"]
    assert {"aarch64", "hppa", "loongarch64", "s390x", "x86_64"} <= set(system["needed_for"].split(", "))


def test_the_image_vdsocat_is_a_complete_tool(docker: Engine, of_host: Run) -> None:
    (kernel,) = (one["kernel_path"] for one in of_host.provenance if one["source"] == "arm64-6.1")
    mount = f"type=bind,source={kernel},target=/k/vmlinuz,readonly"
    said = docker(
        "run", "--rm", "--network", "none", "--cap-drop", "ALL", "--mount", mount,
        "vdsocat", "check", "/k/vmlinuz", "--format", "json",
    )  # fmt: skip
    (one,) = json.loads(said)["kernels"]
    seen = {(row["abi"], row["vdso"]["sha256"], row["verdict"]) for row in one["abis"]}
    assert seen == {
        (row["abi"], row["vdso"]["sha256"], "pass") for key, row in of_host.rows.items() if key[0] == "arm64-6.1"
    }
    assert docker.containers() == []
