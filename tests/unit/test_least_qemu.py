"""QEMUs that are too old for a machine, or know not all of its arguments: what is done, and what the user is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_qemu import make_fake_qemu
from outcomes import Command
from small_images import write_vmlinux

from vdsocat.cache import Cache
from vdsocat.documents import data_directory
from vdsocat.errors import RunError
from vdsocat.guest.machines import Machine, OlderQemu, load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootPlan, BootSettings, KernelUnderTest, plan_boot

MACHINES = {machine.name: machine for machine in load_machines(data_directory("qemu-images") / "machines")}
FAKED = "7.2.22"


def plan(machine: Machine, tmp_path: Path) -> BootPlan:
    """The boot of a kernel for the machine by a QEMU of the faked version."""
    make_fake_qemu(tmp_path / "qemu", name="qemu-system-i386")
    settings = BootSettings((machine,), Cache(tmp_path / "cache"), qemu_finder(tmp_path / "qemu"))
    return plan_boot(KernelUnderTest("k", write_vmlinux(tmp_path / "vmlinux")), settings)


def test_a_qemu_that_is_too_old_is_refused_with_what_can_be_done_instead(tmp_path: Path) -> None:
    needy = replace(MACHINES["i386"], least_qemu="10.0", instead="Read it with --static.")
    with pytest.raises(RunError) as refusal:
        plan(needy, tmp_path)
    assert str(refusal.value).startswith("qemu-system-i386 10.0 or newer is needed here, and ")
    assert f"is {FAKED}; `vdsocat qemu fetch qemu-system-i386`" in str(refusal.value)
    assert str(refusal.value).endswith(". Read it with --static.")


@pytest.mark.parametrize(("before", "machine"), [("8.0", "isapc"), ("7.2", "pc")])
def test_an_older_qemu_gets_the_arguments_that_it_knows(tmp_path: Path, before: str, machine: str) -> None:
    both = replace(MACHINES["i386"], older=OlderQemu(before, ("-M", "isapc"), "PCI"))
    command = plan(both, tmp_path).command
    assert command[command.index("-M") + 1] == machine


def test_doctor_says_what_an_old_qemu_loses_and_what_to_do(vdsocat: Command, tmp_path: Path) -> None:
    for name in ("qemu-system-hppa", "qemu-system-aarch64"):
        program = make_fake_qemu(tmp_path / "qemu", name=name).program
        program.write_text(program.read_text().replace(FAKED, "5.2.0"))
    outcome = vdsocat("doctor", "--qemu", tmp_path / "qemu", "--format", "json")
    told = {row["tool"]: row["needed_for"] for row in json.loads(outcome.out)["rows"]}
    assert "this one is too old, 10.0 and newer do: `vdsocat qemu fetch qemu-system-hppa`" in told["qemu-system-hppa"]
    assert told["qemu-system-hppa"].endswith(MACHINES["parisc"].instead)
    assert told["qemu-system-aarch64"].endswith(
        "; before 7.2 without pauth-impdef, so that the kernel takes several times as long"
    )
    missing = told["qemu-system-loongarch64"]
    assert missing.startswith("MISSING")
    assert missing.endswith(f"Debian package qemu-system-misc. {MACHINES['loongarch64'].instead}")


def test_the_documentation_names_the_machines_that_need_a_newer_one() -> None:
    page = (data_directory("docs") / "qemu.md").read_text("utf-8")
    table = dict(line.strip("| \n").split(" | ") for line in page.splitlines() if line.startswith("| `"))
    told = {name: version for names, version in table.items() for name in names.replace("`", "").split(", ")}
    assert {name: told.get(name, "5.2") for name in MACHINES if MACHINES[name].least_qemu} == {
        name: machine.least_qemu for name, machine in MACHINES.items() if machine.least_qemu
    }
