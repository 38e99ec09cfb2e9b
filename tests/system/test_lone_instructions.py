"""The instructions that QEMU must translate alone are those that assemblers make of their names."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from vdsocat.documents import data_directory
from vdsocat.guest.alone import write_commands
from vdsocat.guest.machines import load_machines

MACHINES = {machine.name: machine for machine in load_machines(data_directory("qemu-images") / "machines")}


@pytest.mark.parametrize(
    ("name", "assembler", "others", "alone"),
    [
        (
            "sparc64",
            ("sparc64-linux-gnu-as", "-Av9a"),
            ("wr %g1, 0, %clear_softint", "wr %g1, 0, %softint", "rd %softint, %g1", "nop"),
            ("wr %g1, 0, %softint_set", "wr %g0, 4, %softint_set", "wr %l7, %o3, %softint_set"),
        ),
        (
            "loongarch64",
            ("clang-19", "--target=loongarch64-linux-gnu", "-x", "assembler", "-c"),
            ("iocsrrd.w $a0, $a1", "iocsrwr.d $a0, $a1", "iocsrwr.h $a0, $a1", "csrwr $a0, 4", "nop"),
            ("iocsrwr.w $a0, $a1", "iocsrwr.w $zero, $s8", "iocsrwr.w $t8, $ra"),
        ),
    ],
)
def test_they_are_found_and_no_others(
    tmp_path: Path, name: str, assembler: Sequence[str], others: Sequence[str], alone: Sequence[str]
) -> None:
    lines = [*others, *alone]
    run = subprocess.run(
        [*assembler, "-o", tmp_path / "code.o", "-"],
        input="".join(f"\t{line}\n" for line in lines),
        text=True,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    section = ELFFile(io.BytesIO((tmp_path / "code.o").read_bytes())).get_section_by_name(".text")
    counted = MACHINES[name].counted
    assert counted is not None
    assert counted.alone is not None
    found = []
    for index, line in enumerate(lines):
        (tmp_path / "kernel").write_bytes(section.data()[4 * index : 4 * index + 4])
        commands = write_commands(tmp_path / "kernel", replace(counted.alone, start=0), MACHINES[name].endianness)
        found += [line] if commands.startswith(b"$Z1,1,4#") else []
    assert found == list(alone)
