"""The C header of the real catalogue, with the compilers of every ABI that there is a probe for."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from command_line import vdsocat

RECIPES = tomllib.loads((Path(__file__).parents[2] / "validator/probe/probes.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("header") / "vdso.h"
    path.write_text(vdsocat("query", "*", "--format", "header").stdout, encoding="utf-8")
    return path


@pytest.mark.parametrize("probe", RECIPES["probe"], ids=lambda probe: f"{probe['abi']}-{probe['endianness']}")
def test_every_compiler_gets_the_symbols_of_its_abi(header: Path, probe: dict[str, object]) -> None:
    tools, own_flags = probe["tools"], probe["flags"]
    assert isinstance(tools, list) and isinstance(own_flags, list)
    # Nothing is linked here.
    flags = [
        flag
        for flag in (*RECIPES["flags"], *own_flags)
        if not flag.startswith(("-Wl,", "-fuse-ld", "-nostdlib", "-static"))
    ]
    command = [tools[0], *flags, "-Wundef", "-Werror", "-dM", "-E", "-x", "c", str(header)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    if probe["abi"] == "s390":
        assert "VDSO_ABI" not in done.stdout, "no kernel runs 31-bit programs any more"
        return
    # Programs under User Mode Linux are the same programs: no compiler can tell which kernel will run them.
    abi = str(probe["abi"]).removeprefix("um-")
    assert f'#define VDSO_ABI "{abi}"' in done.stdout.splitlines()
    assert re.search(r'^#define VDSO_\w+_VERSION "LINUX_', done.stdout, re.MULTILINE)
