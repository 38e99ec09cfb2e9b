"""Itanium, which no kernel boots of: its gate image is linked from Debian's linux-source and judged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import vdsocat
from kernel_source import source_of

SCRIPT = Path(__file__).with_name("itanium_gate.sh")
GATE = Path("arch/ia64/kernel")
EXPORTS = {"__kernel_syscall_via_epc", "__kernel_syscall_via_break", "__kernel_sigtramp"}


@pytest.fixture(scope="module")
def source() -> Path:
    """The source of 5.10, the newest in Debian's suites that has Itanium."""
    return source_of("built:ppc64-5.10")


@pytest.fixture(scope="module")
def tree(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build tree in which the gate image is linked and nothing else."""
    out = tmp_path_factory.mktemp("itanium") / "O"
    done = subprocess.run(["sh", SCRIPT, source, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_the_gate_image_is_as_the_catalogue_says(tree: Path) -> None:
    run = vdsocat("check", "--static", str(tree))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5.10." in run.stdout
    assert "3 exports" in run.stdout
    shown = vdsocat("extract", str(tree / GATE / "gate.so"), "--out", str(tree / "images"))
    assert {name for name in EXPORTS if f"  {name}@@LINUX_2.5 FUNC GLOBAL" in shown.stdout} == EXPORTS


def test_binutils_sees_the_same(tree: Path) -> None:
    printed = subprocess.run(
        ["ia64-linux-gnu-readelf", "-lW", "--dyn-syms", tree / GATE / "gate.so"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(f"{name}@@LINUX_2.5" in printed for name in EXPORTS)
    assert printed.count("  LOAD  ") == 2


def test_a_symbol_that_the_version_script_forgets_is_missing(tree: Path, tmp_path: Path) -> None:
    doctored = tmp_path / "O"
    shutil.copytree(tree, doctored)
    script = doctored / GATE / "gate.lds"
    text = script.read_text()
    assert text.count("__kernel_sigtramp;\n") == 1
    script.write_text(text.replace("__kernel_sigtramp;\n", "\n"))
    link = ["ia64-linux-gnu-ld", "-shared", "-s", "-soname=linux-gate.so.1", "--hash-style=sysv", "-T", script]
    subprocess.run([*link, "-o", script.with_suffix(".so"), script.with_suffix(".o")], check=True)
    run = vdsocat("check", "--static", str(doctored))
    assert run.returncode == 1
    assert "SYM-MISSING __kernel_sigtramp" in run.stdout
