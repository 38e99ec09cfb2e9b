"""The C header of the real catalogue, with the compilers of every ABI that there is a probe for."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from command_line import vdsocat

PROBES = tomllib.loads((Path(__file__).parents[2] / "validator/probe/probes.toml").read_text(encoding="utf-8"))["probe"]


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("header") / "vdso.h"
    path.write_text(vdsocat("query", "*", "--format", "header").stdout, encoding="utf-8")
    return path


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe['abi']}-{probe['endianness']}")
def test_every_compiler_gets_the_symbols_of_its_abi(header: Path, probe: dict[str, object]) -> None:
    tools, flags = probe["tools"], probe["flags"]
    assert isinstance(tools, list) and isinstance(flags, list)
    command = [tools[0], *(flag for flag in flags if not flag.startswith("-Wl,")), "-Wall", "-Wundef", "-Werror"]
    done = subprocess.run(
        [*command, "-dM", "-E", "-x", "c", str(header)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f'#define VDSO_ABI "{probe["abi"]}"' in done.stdout.splitlines()
    assert "_CLOCK_GETTIME_SYMBOL" in done.stdout
