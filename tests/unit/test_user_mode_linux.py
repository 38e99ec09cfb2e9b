"""User Mode Linux: a kernel that is started as a program, in QEMU's place, by a stand-in that is one."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from consoles import Speaker, probe_lines
from fake_qemu import FakeQemu

from vdsocat.cache import Cache
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest.job import BootJob, make_boot, prepare_boot
from vdsocat.guest.known_boots import boot_key
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootPlan, BootSettings, KernelUnderTest, boot_and_capture, plan_boot
from vdsocat.guest.stop import StopRequest

# It has the two texts by which the kernel is known, and a process beside its own, as User Mode Linux has.
_PROGRAM = """
#include <stdio.h>
#include <unistd.h>
const char *texts[] = { "User Mode Linux v%s", "Linux version 7.3.4 (nobody@nowhere)" };
int main(int count, char **words)
{
    FILE *file = fopen(DIRECTORY "/arguments", "w");
    for (int i = 1; i < count; i++)
        fprintf(file, "%s\\n", words[i]);
    fclose(file);
    int child = fork();
    if (child == 0) {
        close(1);
        close(2);
        sleep(60);
    }
    file = fopen(DIRECTORY "/child", "w");
    fprintf(file, "%d\\n", child);
    fclose(file);
    file = fopen(DIRECTORY "/pid", "w");
    fprintf(file, "%d\\n", getpid());
    fclose(file);
    file = fopen(DIRECTORY "/console", "r");
    for (int character; (character = getc(file)) != EOF;)
        putchar(character);
    fflush(stdout);
    return sleep(60) + texts[count][0];
}
"""


def make_linux(directory: Path, console: bytes) -> FakeQemu:
    """Compile the stand-in; it prints the console and stays."""
    directory.mkdir()
    (directory / "console").write_bytes(console)
    source = directory / "linux.c"
    source.write_text(_PROGRAM)
    program = directory / "linux"
    subprocess.run(["gcc", f'-DDIRECTORY="{directory}"', "-o", program, source], check=True)
    return FakeQemu(directory, program)


def whole_record() -> bytes:
    init, probe = Speaker("um-x86-64-le/init"), probe_lines("um-x86-64-le", b"image", "7.3.4", 62, 64)
    begin = [init.say("hello", 62, 64, "little", 4096), init.say("child", "um-x86-64-le", "started")]
    return b"".join([*begin, *probe, init.say("child", "um-x86-64-le", "exit", 0), init.end()])


def settings_in(tmp_path: Path, deadline: float | None = None) -> BootSettings:
    machines = load_machines(data_directory("qemu-images") / "machines")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir(exist_ok=True)
    return BootSettings(machines, Cache(tmp_path / "cache"), qemu_finder(nowhere), deadline, timings=True)


def planned(tmp_path: Path, kernel: Path, deadline: float | None = None) -> BootPlan:
    return plan_boot(KernelUnderTest("linux", kernel), settings_in(tmp_path, deadline))


def test_the_kernel_itself_is_started(tmp_path: Path) -> None:
    linux = make_linux(tmp_path / "uml", whole_record())
    plan = planned(tmp_path, linux.program)
    capture = boot_and_capture(plan)
    (record,) = capture.abis
    assert (record.abi, record.outcome, record.image) == ("um-x86-64", "complete", b"image")
    assert (capture.provenance.machine, capture.provenance.qemu_version) == ("um-x86-64", None)
    assert (capture.provenance.kernel_arch, capture.provenance.kernel_bits) == ("um", 64)
    words = linux.arguments()
    assert capture.provenance.command == (str(linux.program), *words)
    assert {"con0=null,fd:1", "mem=64M", "quiet"} <= set(words)
    (initramfs,) = (word.removeprefix("initrd=") for word in words if word.startswith("initrd="))
    assert Path(initramfs).is_file()


@pytest.mark.parametrize("name", ["pid", "child"])
def test_no_process_of_it_is_left(tmp_path: Path, name: str) -> None:
    linux = make_linux(tmp_path / "uml", whole_record())
    boot_and_capture(planned(tmp_path, linux.program))
    assert linux.is_gone(name)


@pytest.mark.parametrize("name", ["pid", "child"])
def test_none_is_left_at_the_deadline_either(tmp_path: Path, name: str) -> None:
    linux = make_linux(tmp_path / "uml", b"Booting\n")
    with pytest.raises(RunError, match=r"ended at its deadline of 1 s \(last words: Booting\)"):
        boot_and_capture(replace(planned(tmp_path, linux.program, deadline=1), stock_command=()))
    assert linux.is_gone(name)


def test_costs_are_unknown_and_say_why(tmp_path: Path) -> None:
    linux = make_linux(tmp_path / "uml", whole_record())
    job = BootJob(KernelUnderTest("linux", linux.program), settings_in(tmp_path), tmp_path / "log", cost=True)
    (record,) = make_boot(prepare_boot(job), StopRequest(), lambda text: None).capture.abis
    assert record.costs is not None
    assert record.costs.unknown == "No QEMU runs this kernel, so nothing counts its instructions."


def test_where_the_initramfs_lies_makes_no_other_boot_of_it(tmp_path: Path) -> None:
    linux = make_linux(tmp_path / "uml", whole_record())
    keys = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        keys.append(boot_key(planned(tmp_path / name, linux.program)))
    assert keys[0] == keys[1]


def test_one_that_may_not_be_executed_is_a_sentence(tmp_path: Path) -> None:
    linux = make_linux(tmp_path / "uml", b"")
    linux.program.chmod(0o644)
    if os.access(linux.program, os.X_OK):
        pytest.fail("a file without any x bit counts as executable here")
    with pytest.raises(InputError, match=r"linux: is User Mode Linux, a program, but may not be executed"):
        planned(tmp_path, linux.program)


def test_one_for_another_computer_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linux = make_linux(tmp_path / "uml", b"")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(RunError, match=r"a program for x86_64, and this computer is riscv64\."):
        planned(tmp_path, linux.program)
