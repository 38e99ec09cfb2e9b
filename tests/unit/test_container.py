"""QEMU in a container, with a stand-in for the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from consoles import boot_lines, probe_lines
from fake_engine import IDENTITY, FakeEngine
from fake_qemu import BABBLE, STAY, make_fake_qemu
from outcomes import Command
from small_catalog import small_catalog
from small_images import write_vmlinux

from vdsocat.cache import Cache
from vdsocat.errors import InputError, RunError
from vdsocat.guest.boot import run_guest
from vdsocat.guest.console import Frame
from vdsocat.guest.container import ContainerImage, open_image
from vdsocat.guest.programs import capture_qemu_user
from vdsocat.guest.qemu import Launch, qemu_finder
from vdsocat.guest.stop import InterruptedRunError, StopRequest

WHERE = "docker:vdsocat-qemu"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return FakeEngine(tmp_path / "engine", monkeypatch)


def launch_of(engine: FakeEngine, console: bytes = b"", then: str = STAY) -> Launch:
    """A boot in a container whose QEMU prints the console and then does `then`."""
    qemu = make_fake_qemu(engine.programs, console, then)
    assert qemu.program.parent == engine.programs
    found = qemu_finder(WHERE)("qemu-system-i386")
    return found.launch([found.program, "-M", "pc"], ())


def test_the_command_is_the_one_written_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getgid", lambda: 100)
    image = ContainerImage("docker", "sha256:1", {})
    kernel, initramfs = Path("bzImage"), Path("/k/a,b.cpio")
    command = image.run(["qemu-system-arm", "-kernel", "bzImage", "-initrd", "/k/a,b.cpio"], (kernel, initramfs), "n")
    assert " ".join(command) == (
        "docker run --rm --init --name n --network none --read-only --cap-drop ALL --security-opt no-new-privileges "
        f"--user 1000:100 --mount type=bind,source={tmp_path}/bzImage,target={tmp_path}/bzImage,readonly "
        '--mount type=bind,"source=/k/a,b.cpio","target=/k/a,b.cpio",readonly '
        f"--entrypoint qemu-system-arm sha256:1 -kernel {tmp_path}/bzImage -initrd /k/a,b.cpio"
    )


@pytest.mark.parametrize(("uid", "options"), [(0, ["--user", "0:0"]), (1000, ["--userns", "keep-id"])])
def test_rootless_podman_has_its_own_way_to_the_caller_s_user(
    monkeypatch: pytest.MonkeyPatch, uid: int, options: list[str]
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: 0)
    words = ContainerImage("podman", "x", {}).run(["qemu-arm"], (), "n")
    at = words.index(options[0])
    assert list(words[at : at + 2]) == options


def test_an_image_is_known_by_its_id_and_listed_once(engine: FakeEngine, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    image = open_image("docker", "vdsocat-qemu", cache)
    assert image == ContainerImage("docker", IDENTITY, {"qemu-system-i386": "7.2.22", "qemu-i386-static": "10.0.2"})
    assert open_image("docker", "vdsocat-qemu", cache) == image
    assert [line.split()[0] for line in engine.asked()] == ["image", "run", "image"]


def test_programs_are_found_in_the_image(engine: FakeEngine) -> None:
    find = qemu_finder(WHERE)
    assert (find("qemu-system-i386").version, find("qemu-i386").program) == ("7.2.22", "qemu-i386-static")
    assert find.programs() == ("qemu-i386-static", "qemu-system-i386")
    with pytest.raises(RunError, match=r"^There is no qemu-arm in the image vdsocat-qemu\.$"):
        find("qemu-arm")
    with pytest.raises(RunError, match=r"qemu-system-i386 8\.0 or newer is needed here, .* is 7\.2\.22; an image of a"):
        find("qemu-system-i386", "8.0")


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("docker:", InputError, "'' is no name of an image"),
        ("docker:--privileged", InputError, "'--privileged' is no name of an image"),
        ("docker:none", RunError, r"docker has no image none \(Error: No such image: none\); `make image` builds"),
        ("podman:x", RunError, r"podman cannot be run \(No such file or directory\); install docker\.io or podman\.$"),
        ("rocket:x", InputError, "--qemu rocket:x: is no directory"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, where: str, error: type[Exception], words: str
) -> None:
    monkeypatch.setenv("PATH", f"{engine.directory}/bin:/bin" if where.startswith("docker") else f"{engine.directory}")
    with pytest.raises(error, match=words):
        qemu_finder(where)


def test_an_image_without_qemu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeEngine(tmp_path / "engine", monkeypatch, listing="qemu-*")
    with pytest.raises(RunError, match=r"The image vdsocat-qemu has no QEMU in /usr/bin"):
        qemu_finder(WHERE)


def test_an_engine_without_its_daemon_is_told_from_a_missing_image(engine: FakeEngine) -> None:
    (engine.directory / "stopped").touch()
    with pytest.raises(
        RunError, match=r"^docker cannot be used: Cannot connect to the Docker daemon\. Is it running\?$"
    ):
        qemu_finder("docker:none")


def test_an_image_that_cannot_be_run_is_not_called_empty(engine: FakeEngine) -> None:
    (engine.directory / "runless").touch()
    with pytest.raises(RunError, match=r"^docker cannot run the image vdsocat-qemu: no: cgroups: not allowed\.$"):
        qemu_finder(WHERE)


def test_at_the_last_record_the_container_is_ended(engine: FakeEngine) -> None:
    launch = launch_of(engine, b"".join(boot_lines(b"image")))
    assert run_guest(launch.command, 30, ending=launch.ending).outcome == "complete"
    assert engine.container_is_gone()


def test_at_the_deadline_the_container_is_ended(engine: FakeEngine) -> None:
    launch = launch_of(engine, then=BABBLE)
    assert run_guest(launch.command, 0.5, ending=launch.ending).outcome == "deadline"
    assert engine.container_is_gone()


def test_when_told_to_stop_the_container_is_ended(engine: FakeEngine) -> None:
    stop = StopRequest()

    def on_frame(frame: Frame) -> None:
        stop.set()

    launch = launch_of(engine, b"".join(probe_lines()[:3]))
    with pytest.raises(InterruptedRunError):
        run_guest(launch.command, 30, stop=stop, on_frame=on_frame, ending=launch.ending)
    assert engine.container_is_gone()


def test_a_client_that_dies_leaves_no_container(engine: FakeEngine) -> None:
    launch = launch_of(engine, then=f"kill -KILL $(cat '{engine.directory}/client'); {STAY}")
    client = engine.directory / "bin" / "docker"
    client.write_text(
        client.read_text().replace("#!/bin/sh", f"#!/bin/sh\n[ $1 = run ] && echo $$ > '{engine.directory}/client'")
    )
    assert run_guest(launch.command, 3, ending=launch.ending).exit_status == -signal.SIGKILL
    assert engine.container_is_gone()


def test_a_killed_vdsocat_leaves_no_container(engine: FakeEngine) -> None:
    launch = launch_of(engine)
    code = f"from vdsocat.guest.boot import run_guest; run_guest({launch.command!r}, 60, ending={launch.ending!r})"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until = time.monotonic() + 30
        while not any(one.stat().st_size for one in engine.directory.glob("vdsocat-*")) and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
    assert engine.container_is_gone()


def test_a_signal_in_the_container_is_that_of_the_program(engine: FakeEngine) -> None:
    make_fake_qemu(engine.programs, b"".join(probe_lines()[:4]), "exit 139", "qemu-i386-static")
    capture = capture_qemu_user("i386", small_catalog(), qemu_finder(WHERE))
    assert (capture.abis[0].outcome, capture.abis[0].detail) == ("signal", signal.SIGSEGV)


def test_user_mode_in_a_container_gets_the_probe_and_no_more(engine: FakeEngine) -> None:
    make_fake_qemu(engine.programs, b"".join(probe_lines(image=b"image")), "exit 0", "qemu-i386-static")
    capture = capture_qemu_user("i386", small_catalog(), qemu_finder(WHERE))
    assert (capture.abis[0].image, capture.provenance.provider_version) == (b"image", "10.0.2")
    (run,) = [line for line in engine.asked() if "qemu-i386-static" in line]
    assert run.count("--mount") == 1 and "/i386-le,readonly" in run and run.endswith("/i386-le --host")


def test_check_boots_in_a_container(engine: FakeEngine, vdsocat: Command, tmp_path: Path) -> None:
    make_fake_qemu(engine.programs, b"".join(boot_lines(b"no image")))
    kernel = write_vmlinux(tmp_path / "vmlinux")
    outcome = vdsocat("check", "--qemu", WHERE, kernel, "--out", tmp_path / "out")
    assert outcome.status in (0, 1), outcome.err
    assert f"source={kernel},target={kernel},readonly" in next(line for line in engine.asked() if "-kernel" in line)
    assert engine.container_is_gone()


def test_a_missing_image_is_status_3(engine: FakeEngine, vdsocat: Command) -> None:
    outcome = vdsocat("check", "--qemu", "docker:none", "qemu-user:i386")
    assert (outcome.status, outcome.out) == (3, "")
    assert "docker has no image none" in outcome.err and len(outcome.err.splitlines()) == 1
