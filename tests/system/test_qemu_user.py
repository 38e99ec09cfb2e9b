"""The vDSOs of a fetched QEMU's user mode: all of them held to the catalogue, and one to a kernel's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import vdsocat

# Which vDSOs QEMU 10 maps (catalog/providers/qemu-user.yaml was read from other binaries of it).
MAPPED = {
    "x86-64", "i386", "aarch64", "arm", "ppc32", "ppc64", "riscv64", "riscv32", "s390x", "loongarch64", "parisc"
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def fetched_emulators() -> None:
    done = vdsocat("qemu", "fetch", "qemu-user")
    assert done.returncode == 0, done.stderr


def test_the_eleven_vdsos_are_as_catalogued_but_for_known_defects(tmp_path: Path) -> None:
    done = vdsocat("check", "--qemu", "fetched", "qemu-user:all", "--format", "json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    captures = [json.loads(path.read_text())["abis"][0] for path in tmp_path.glob("*.json")]
    assert {one["abi"] for one in captures if one["image"]} == MAPPED
    assert len(captures) > len(MAPPED)


def test_what_a_kernel_has_otherwise_is_listed() -> None:
    done = vdsocat("diff", "--qemu", "fetched", "--format", "json", "qemu-user:aarch64", "debian:trixie/arm64")
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert {row["abi"] for row in rows} == {"aarch64"}
    assert "__kernel_getrandom" in {row["subject"] for row in rows}
