"""Engines of the tests' own: a Docker daemon with images that `make image` built, and Podman with one of these."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from vdsocat.guest.watch import ended_with_us
from vdsocat.kernels.apt_sources import debian_mirror, read_apt_sources

SUITE, BASE = "bookworm", "debian:bookworm-slim"
IMAGE, NEWER_IMAGE = "vdsocat-qemu", "vdsocat-qemu-newer"
# `docker build` asks networks of the host's for packages, since the daemon has none of its own.
_BUILDING = ["--network=host"]
_NEWER = ["--build-arg", f"QEMU_SUITE={SUITE}-backports"]
# overlay2 wants a file system below that has room for its attributes; vfs copies, on any.
_STORAGE = ("overlay2", "vfs")
_STARTING_SECONDS = 60
_REPOSITORY = Path(__file__).parents[2]
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Engine:
    """`name` is what --qemu says before the colon; `environment` is what its client needs to find it."""

    name: str
    environment: Mapping[str, str]

    def __call__(self, *words: str) -> str:
        """What the client prints on stdout; fails with its complaint."""
        return said_by([self.name, *words], self.environment)

    def containers(self) -> list[str]:
        """The ids of all containers, running or not."""
        return self("ps", "--all", "--quiet").split()


def said_by(command: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """The stdout of a command that must succeed; the test fails with its last words otherwise."""
    run = subprocess.run(
        command, env={**os.environ, **environment}, cwd=_REPOSITORY, capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.fail(f"`{' '.join(command)}` ended with status {run.returncode}: {(run.stderr or run.stdout)[-1500:]}")
    return run.stdout


@contextlib.contextmanager
def docker_daemon() -> Iterator[Engine]:
    """A daemon with nothing in it, in a directory of its own, which is removed with all that was put there."""
    if os.geteuid():
        pytest.fail("The tests of containers start a Docker daemon of their own, which takes root.")
    # On a disk, since images take two gigabytes, and with a short path, since sockets have no long ones.
    directory = Path(tempfile.mkdtemp(prefix="vdsocat-docker-", dir="/var/tmp"))
    socket = f"unix://{directory}/socket"
    try:
        with contextlib.ExitStack() as running:
            _start_daemon(directory, socket, running)
            yield Engine("docker", {"DOCKER_HOST": socket})
    finally:
        _remove(directory)


def _start_daemon(directory: Path, socket: str, running: contextlib.ExitStack) -> None:
    """Start dockerd with the first storage driver that it can use here; fails with what it said of each."""
    complaints = []
    for storage in _STORAGE:
        log = directory / f"{storage}.log"
        command = [
            "dockerd", "--bridge=none", "--iptables=false", f"--storage-driver={storage}", f"--host={socket}",
            f"--data-root={directory}/data", f"--exec-root={directory}/exec", f"--pidfile={directory}/pid",
        ]  # fmt: skip
        with log.open("wb") as file:
            daemon = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        with contextlib.ExitStack() as started:
            started.callback(_end, daemon)
            started.enter_context(ended_with_us(daemon.pid))
            if _answers(daemon, socket):
                running.push(started.pop_all())
                return
        complaints.append(f"with {storage}: {_last_line(log)}")
    pytest.fail(
        "The tests of containers start a Docker daemon of their own, which takes root, and a machine where it may "
        f"mount file systems and use control groups. It does not start here, {'; '.join(complaints)}."
    )


def _answers(daemon: subprocess.Popen[bytes], socket: str) -> bool:
    until = time.monotonic() + _STARTING_SECONDS
    while daemon.poll() is None and time.monotonic() < until:
        if not subprocess.run(["docker", "--host", socket, "version"], capture_output=True, check=False).returncode:
            return True
        time.sleep(0.2)
    return False


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(_STARTING_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def build_images(engine: Engine) -> None:
    """Both targets, as `make image` builds them with a stand-in for their base; and QEMU of the newer suite."""
    import_base(engine)
    said_by(["make", "image", f"IMAGE_OPTIONS={' '.join(_BUILDING)}"], engine.environment)
    target = ["--target", "qemu", "--tag", NEWER_IMAGE, "--file", "qemu-images/Dockerfile", "."]
    engine("build", *_BUILDING, *_NEWER, *target)


def import_base(engine: Engine) -> None:
    """Debian's base image, unpacked from its packages, with what this host needs to reach mirrors and PyPI."""
    directory = Path(tempfile.mkdtemp(prefix="vdsocat-base-", dir="/var/tmp"))
    tree = directory / "tree"
    mirror = debian_mirror(read_apt_sources(Path("/etc/apt")), SUITE)
    asked = re.findall(r"^Acquire::https?::Proxy .*", said_by(["apt-config", "dump"]), re.MULTILINE)
    proxies = dict(re.findall(r'Acquire::(https?)::Proxy "(.+)";', "\n".join(asked)))
    try:
        said_by(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(tree), mirror],
            {f"{scheme}_proxy": proxy for scheme, proxy in proxies.items()},
        )
        (tree / "etc/apt/apt.conf.d/proxies").write_text("".join(f"{line}\n" for line in asked))
        (tree / "etc/pip.conf").write_text(f"[global]\ncert = {_CERTIFICATES}\n{_package_index()}")
        shutil.copy(_CERTIFICATES, tree / _CERTIFICATES[1:])
        shutil.copytree(
            "/usr/local/share/ca-certificates", tree / "usr/local/share/ca-certificates", dirs_exist_ok=True
        )
        archive = directory / "base.tar"
        said_by(["tar", "--create", f"--file={archive}", f"--directory={tree}", "."])
        engine("import", str(archive), BASE)
    finally:
        _remove(directory)


def _package_index() -> str:
    """The line of pip.conf that names the index which this host's pip asks, if it is told of one."""
    told = subprocess.run(
        [f"{_REPOSITORY}/.venv/bin/python", "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if told.returncode else f"index-url = {told.stdout.strip()}\n"


@contextlib.contextmanager
def podman_with(docker: Engine, image: str) -> Iterator[Engine]:
    """Podman with storage and settings of its own, and one image that Docker has built."""
    directory = Path(tempfile.mkdtemp(prefix="vdsocat-podman-", dir="/var/tmp"))
    driver = "overlay" if docker("info", "--format", "{{.Driver}}").strip() == "overlay2" else "vfs"
    (directory / "storage.conf").write_text(
        f'[storage]\ndriver = "{driver}"\ngraphroot = "{directory}/images"\nrunroot = "{directory}/run"\n'
    )
    # Podman would raise these limits to a million, for which a root without CAP_SYS_RESOURCE has no right.
    limits = '["nofile=4096:4096", "nproc=4096:4096"]'
    (directory / "containers.conf").write_text(
        f'[containers]\ndefault_ulimits = {limits}\n[engine]\ntmp_dir = "{directory}/tmp"\nlock_type = "file"\n'
        'events_logger = "none"\ncgroup_manager = "cgroupfs"\n'
    )
    engine = Engine(
        "podman",
        {
            "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
            "CONTAINERS_CONF": str(directory / "containers.conf"),
        },
    )
    archive = directory / "image.tar"
    try:
        docker("save", "--output", str(archive), image)
        engine("load", "--input", str(archive))
        archive.unlink()
        yield engine
    finally:
        _remove(directory)


def _remove(directory: Path) -> None:
    """Remove a tree in which engines may have left mounts."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((one for one in mounted if one.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=True)
    shutil.rmtree(directory)


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
