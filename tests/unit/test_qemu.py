"""Finding QEMU's binaries on PATH or in a directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_qemu import make_fake_qemu

from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest.machines import load_machines, require_version
from vdsocat.guest.qemu import debian_package, qemu_finder, qemu_version, version_key


@pytest.mark.parametrize("place", [".", "usr/bin", "bin"])
@pytest.mark.parametrize("name", ["qemu-arm", "qemu-arm-static"])
def test_a_directory_or_an_unpacked_package_has_the_binary(tmp_path: Path, place: str, name: str) -> None:
    qemu = make_fake_qemu(tmp_path / place, name=name)
    assert Path(qemu_finder(tmp_path)("qemu-arm")) == qemu.program


def test_a_directory_wins_over_path_and_what_it_lacks_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError) as refusal:
        qemu_finder(tmp_path)("qemu-system-arm")
    assert str(refusal.value) == (
        f"There is no qemu-system-arm in {tmp_path}; Debian has it in the package qemu-system-arm."
    )


def test_path_is_searched_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu = make_fake_qemu(tmp_path, name="qemu-system-none")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert qemu_finder()("qemu-system-none") == str(qemu.program)
    with pytest.raises(RunError, match=r"There is no qemu-system-ppc on PATH; .* package qemu-system-ppc"):
        qemu_finder()("qemu-system-ppc")


def test_a_directory_that_is_none_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--qemu .*none: is no directory\.$"):
        qemu_finder(tmp_path / "none")


@pytest.mark.parametrize(
    ("binary", "package"),
    [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("qemu-system-aarch64", "qemu-system-arm"),
        ("qemu-system-mips64el", "qemu-system-mips"),
        ("qemu-system-ppc64", "qemu-system-ppc"),
        ("qemu-system-s390x", "qemu-system-misc"),
        ("qemu-system-riscv64", "qemu-system-misc"),
        ("qemu-aarch64", "qemu-user"),
    ],
)
def test_the_package_of_a_binary(binary: str, package: str) -> None:
    assert debian_package(binary) == package


def test_the_version_is_what_the_binary_says(tmp_path: Path) -> None:
    assert qemu_version(str(make_fake_qemu(tmp_path).program)) == "7.2.22"


def test_a_binary_that_says_nothing_has_no_version(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    assert qemu_version(str(program)) is None


def test_a_binary_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("no program")
    with pytest.raises(RunError, match=r"qemu cannot be run"):
        qemu_version(str(program))


def test_versions_are_ordered_by_their_numbers() -> None:
    assert version_key("7.2.22") < version_key("8.2") < version_key("10.0") < version_key("10.0.13")


def test_a_machine_that_needs_a_newer_qemu_says_so(tmp_path: Path) -> None:
    machines = load_machines(data_directory("qemu-images") / "machines")
    machine = next(one for one in machines if one.name == "loongarch64")
    qemu = make_fake_qemu(tmp_path / "qemu", name="qemu-system-loongarch64")
    require_version(str(qemu.program), replace(machine, least_qemu="7.2"))
    with pytest.raises(RunError, match=r"loongarch64 kernels need QEMU 10\.0 or newer, and .* is 7\.2\.22"):
        require_version(str(qemu.program), machine)
