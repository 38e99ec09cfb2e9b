"""What a SOURCE stands for, and the tasks that it gives."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from consoles import boot_lines
from fake_mirror import deb, tarball
from fake_qemu import FakeQemu, make_fake_qemu
from small_catalog import small_catalog
from small_images import i386_capture, i386_image, vmlinux, write_vmlinux

from vdsocat.cache import Cache
from vdsocat.capture import Capture, capture_to_json
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.table import DebianRequest, KernelRequest
from vdsocat.sources import SourceSettings, log_name, plans_for, tasks_for

REQUEST = DebianRequest("bookworm-686", ("bookworm",), "i386", "686")
IMAGE = i386_image()


def expand(source: str) -> Sequence[KernelRequest]:
    if source != "bookworm-686":
        raise InputError(f"{source!r} is no kernel.")
    return (REQUEST,)


@pytest.fixture
def qemu(tmp_path: Path) -> FakeQemu:
    return make_fake_qemu(tmp_path / "qemu", b"".join(boot_lines(IMAGE)))


@pytest.fixture
def settings(tmp_path: Path, qemu: FakeQemu) -> SourceSettings:
    def ensure(request: KernelRequest, progress: Any) -> KernelFiles:
        progress(f"fetching {request.name}")
        (tmp_path / "config").write_text("CONFIG_X86_32=y\n")
        return KernelFiles(
            source="debian:bookworm/i386/686",
            image=write_vmlinux(tmp_path / "fetched"),
            config=tmp_path / "config",
            package="linux-image-686",
            version="6.1.176-1",
            architecture="i386",
            flavour="686",
            suite="bookworm",
            sha256="1" * 64,
            release="6.1.0-50-686",
        )

    boot = BootSettings(
        load_machines(data_directory("qemu-images") / "machines"),
        Cache(tmp_path / "cache"),
        qemu_finder(qemu.directory),
    )
    return SourceSettings(boot, small_catalog(), expand, ensure, tmp_path / "logs")


def capture_of(source: str, settings: SourceSettings) -> Capture:
    (task,) = tasks_for([source], settings)
    return task.capture(StopRequest(), lambda text: None)


def test_a_capture_is_read_not_booted(tmp_path: Path, settings: SourceSettings) -> None:
    path = tmp_path / "capture.json"
    path.write_text(json.dumps(capture_to_json(i386_capture(IMAGE))))
    assert capture_of(str(path), settings) == i386_capture(IMAGE)


def test_a_kernel_file_is_booted_and_its_log_kept(tmp_path: Path, settings: SourceSettings, qemu: FakeQemu) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    capture = capture_of(str(kernel), settings)
    assert capture.abis[0].image == IMAGE
    assert capture.provenance.kernel_path == str(kernel)
    assert (capture.provenance.machine, capture.provenance.qemu_version) == ("i386", "7.2.22")
    assert capture.config is None
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_bytes() == b"".join(boot_lines(IMAGE))
    assert qemu.is_gone()


def test_qemu_gets_the_kernel_and_an_initramfs_with_the_probe(
    tmp_path: Path, settings: SourceSettings, qemu: FakeQemu
) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    capture_of(str(kernel), settings)
    arguments = qemu.arguments()
    assert arguments[arguments.index("-kernel") + 1] == str(kernel)
    initramfs = Path(arguments[arguments.index("-initrd") + 1]).read_bytes()
    assert initramfs.startswith(b"070701")
    assert b"probes/i386-le\0" in initramfs


@pytest.mark.parametrize(
    ("kernel", "config"),
    [("vmlinuz-6.1.0-50-686", "config-6.1.0-50-686"), ("bzImage", ".config"), ("bzImage", "config")],
)
def test_a_configuration_beside_the_kernel_is_found(
    tmp_path: Path, settings: SourceSettings, kernel: str, config: str
) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / config).write_text("CONFIG_FOUND=y\n")
    image = write_vmlinux(tmp_path / "boot" / kernel)
    assert capture_of(str(image), settings).config == "CONFIG_FOUND=y\n"


def test_a_named_kernel_carries_its_package_and_configuration(settings: SourceSettings) -> None:
    told: list[str] = []
    (task,) = tasks_for(["bookworm-686"], settings)
    capture = task.capture(threading.Event(), told.append)
    assert told == ["fetching bookworm-686", "booting bookworm-686"]
    assert capture.provenance.kernel_package == "linux-image-686"
    assert capture.provenance.kernel_package_version == "6.1.176-1"
    assert capture.provenance.kernel_suite == "bookworm"
    assert capture.config == "CONFIG_X86_32=y\n"


def test_a_static_source_boots_nothing(tmp_path: Path, settings: SourceSettings, qemu: FakeQemu) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", images=(IMAGE,))
    for source, package in ((str(kernel), None), ("bookworm-686", "linux-image-686")):
        capture = capture_of(source, replace(settings, static=True))
        assert [one.outcome for one in capture.abis] == ["static"]
        assert capture.provenance.kernel_package == package
    assert not (qemu.directory / "pid").exists()


def test_a_vdso_image_is_not_booted(tmp_path: Path, settings: SourceSettings) -> None:
    (tmp_path / "vdso32.so").write_bytes(IMAGE)
    (abi,) = capture_of(str(tmp_path / "vdso32.so"), settings).abis
    assert (abi.abi, abi.outcome, abi.image) == ("i386", "static", IMAGE)


def test_a_build_tree_stands_for_its_vmlinux_and_configuration(tmp_path: Path, settings: SourceSettings) -> None:
    write_vmlinux(tmp_path / "vmlinux", images=(IMAGE,))
    (tmp_path / ".config").write_text("CONFIG_BUILT=y\n")
    capture = capture_of(str(tmp_path), replace(settings, static=True))
    assert (capture.abis[0].image, capture.config) == (IMAGE, "CONFIG_BUILT=y\n")


def test_a_tree_whose_kernel_is_not_linked_is_judged_by_its_vdso_images(
    tmp_path: Path, settings: SourceSettings
) -> None:
    (tmp_path / ".config").write_text("# Linux/x86 6.1.9 Kernel Configuration\nCONFIG_X86_32=y\n")
    vdso = tmp_path / "arch/x86/entry/vdso/vdso32.so"
    vdso.parent.mkdir(parents=True)
    vdso.write_bytes(IMAGE)
    capture = capture_of(str(tmp_path), replace(settings, static=True))
    assert [(one.abi, one.image) for one in capture.abis] == [("i386", IMAGE)]
    provenance = capture.provenance
    assert (capture.release, provenance.kernel_arch, provenance.kernel_bits) == ("6.1.9", "x86", 32)
    with pytest.raises(InputError, match="no kernel is built yet"):
        capture_of(str(tmp_path), settings)
    vdso.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"none of the \.so files of the build tree is a vDSO image"):
        capture_of(str(tmp_path), replace(settings, static=True))


def test_a_directory_stands_for_each_kernel_in_it(tmp_path: Path, settings: SourceSettings) -> None:
    boot = tmp_path / "boot"
    boot.mkdir()
    write_vmlinux(boot / "vmlinuz-6.1", images=(IMAGE,))
    (boot / "config-6.1").write_text("CONFIG_OF_IT=y\n")
    (boot / "other").write_bytes(vmlinux(images=(IMAGE,)))
    (boot / "vdso.so").write_bytes(IMAGE)
    write_deb(boot / "linux-headers.deb", {"./usr/x": b"x"})
    tasks = list(tasks_for([str(boot)], replace(settings, static=True)))
    assert [Path(task.source).name for task in tasks] == ["other", "vdso.so", "vmlinuz-6.1"]
    configs = [task.capture(StopRequest(), lambda text: None).config for task in tasks]
    assert configs == [None, None, "CONFIG_OF_IT=y\n"]


def test_a_directory_without_a_kernel_is_refused(tmp_path: Path, settings: SourceSettings) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a directory that holds no kernel"):
        capture_of(str(tmp_path / "empty"), settings)


def write_deb(path: Path, files: dict[str, bytes]) -> Path:
    control = tarball({"./control": b"Package: linux-image-6.1.9-686\nVersion: 6.1.9-1\nArchitecture: i386\n"})
    path.write_bytes(deb(files, control=control))
    return path


def test_a_package_file_stands_for_its_kernel(tmp_path: Path, settings: SourceSettings) -> None:
    files = {
        "./boot/config-6.1.9-686": b"CONFIG_PACKED=y\n",
        "./boot/vmlinuz-6.1.9-686": vmlinux(images=(IMAGE,)),
    }
    path = write_deb(tmp_path / "kernel.deb", files)
    capture = capture_of(str(path), replace(settings, static=True))
    assert (capture.abis[0].image, capture.config) == (IMAGE, "CONFIG_PACKED=y\n")
    provenance = capture.provenance
    assert (provenance.source, provenance.kernel_package) == (str(path), "linux-image-6.1.9-686")
    assert (provenance.kernel_package_version, provenance.kernel_package_architecture) == ("6.1.9-1", "i386")
    assert provenance.kernel_package_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_package_without_a_kernel_is_one_sentence(tmp_path: Path, settings: SourceSettings) -> None:
    path = write_deb(tmp_path / "other.deb", {"./usr/share/doc/x": b"x"})
    with pytest.raises(InputError, match=r"other\.deb holds no kernel image\."):
        capture_of(str(path), settings)


@pytest.mark.parametrize("content", [b"!<arch>\ndebian-binary   ", b"!<arch>\ndebian-binary   " + bytes(200)])
def test_a_damaged_package_is_one_sentence(tmp_path: Path, settings: SourceSettings, content: bytes) -> None:
    (tmp_path / "bad.deb").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.deb is no sound Debian package \("):
        capture_of(str(tmp_path / "bad.deb"), settings)


def test_sources_keep_their_order(tmp_path: Path, settings: SourceSettings) -> None:
    kernel = str(write_vmlinux(tmp_path / "vmlinux"))
    names = [task.source for task in tasks_for(["host", kernel, "qemu-user:i386", "bookworm-686"], settings)]
    assert names == ["host", kernel, "qemu-user:i386", "bookworm-686"]


def test_fetching_stops_when_the_run_is_told_to(settings: SourceSettings) -> None:
    (task,) = tasks_for(["bookworm-686"], settings)
    stop = StopRequest()
    stop.set()
    with pytest.raises(InterruptedRunError):
        task.capture(stop, lambda text: pytest.fail("nothing is told any more"))


def test_an_excluded_kernel_is_left_out(settings: SourceSettings) -> None:
    assert list(tasks_for(["bookworm-686"], replace(settings, excluded=frozenset({"bookworm-686"})))) == []


def test_a_name_that_is_nothing_is_refused_before_anything_is_run(settings: SourceSettings) -> None:
    with pytest.raises(InputError, match="'bookwrm' is no kernel"):
        list(tasks_for(["bookworm-686", "bookwrm"], settings))


@pytest.mark.parametrize("path", ["/nowhere/vmlinuz", "./vmlinuz", "sub/vmlinuz"])
def test_what_looks_like_a_path_is_one(settings: SourceSettings, path: str) -> None:
    with pytest.raises(InputError, match=r"vmlinuz does not exist"):
        capture_of(path, settings)


def test_a_kernel_without_a_machine_is_refused(tmp_path: Path, settings: SourceSettings) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_BLACKFIN")
    with pytest.raises(
        InputError, match=r"is a kernel for blackfin \(32-bit, little-endian\), for which there is no machine"
    ):
        capture_of(str(kernel), settings)


def test_a_kernel_without_its_qemu_names_the_package(tmp_path: Path, settings: SourceSettings) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", "EM_X86_64")
    with pytest.raises(RunError, match=r"no qemu-system-x86_64 .* package qemu-system-x86"):
        capture_of(str(kernel), settings)


def test_a_plan_is_the_command_and_nothing_runs(tmp_path: Path, settings: SourceSettings, qemu: FakeQemu) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    tasks = tasks_for([str(kernel), "bookworm-686"], settings)
    plans = list(plans_for(tasks, lambda text: None))
    assert [plan.machine.name for plan in plans] == ["i386", "i386"]
    assert plans[0].spell_command().startswith(f"{qemu.program} -M pc ")
    assert not (qemu.directory / "pid").exists()


@pytest.mark.parametrize("source", ["host", "qemu-user:i386"])
def test_what_is_not_booted_has_no_plan(settings: SourceSettings, source: str) -> None:
    with pytest.raises(InputError, match="is not booted"):
        list(plans_for(tasks_for([source], settings), lambda text: None))


def test_a_log_is_named_after_its_source() -> None:
    assert log_name("debian:bookworm/amd64") == "debian_bookworm_amd64"
    assert log_name("/boot/vmlinuz-6.1.0") == "boot_vmlinuz-6.1.0"
    assert log_name("::") == "source"
