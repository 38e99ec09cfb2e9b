"""An installed vdsocat carries its data with it and works outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel's content, made by pip from this checkout."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(REPOSITORY)], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["query", "getcpu"], "__vdso_getcpu"),
        (["show", "riscv64"], "LINUX_4.15"),
        (["lint"], ""),
        (["kernels", "list"], "built:ppc32"),
        (["check", "host"], "x86-64"),
    ],
)
def test_verbs_work_outside_the_repository(installed: Path, tmp_path: Path, arguments: list[str], shown: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    code = "import vdsocat, sys; print(vdsocat.__file__, file=sys.stderr); from vdsocat.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(installed) in run.stderr.splitlines()[0]
    assert run.returncode == 0, run.stderr
    assert shown in run.stdout
