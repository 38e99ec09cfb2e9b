"""When a kernel is booted once more, the plain way: what its first boot skipped must not decide what is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from consoles import Speaker, probe_lines
from fake_qemu import make_fake_qemu
from small_images import write_vmlinux

from vdsocat.cache import Cache
from vdsocat.capture import Capture
from vdsocat.documents import data_directory
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings, KernelUnderTest, boot_and_capture, plan_boot


def console(clocksource: str) -> bytes:
    """The console of a kernel that runs 64-bit programs alone, whose time is that of a clock."""
    init = Speaker("x86-64-le/init")
    lines = [init.say("hello", 62, 64, "little", 4096)]
    lines += [init.say("child", name, "exec-failed", 8) for name in ("i386-le", "x32-le")]
    lines += [init.say("child", "x86-64-le", "started")]
    lines += probe_lines("x86-64-le", machine=62, elf_class=64, extra=[("clocksource", clocksource)])
    return b"".join([*lines, init.say("child", "x86-64-le", "exit", 0), init.end()])


def booted(tmp_path: Path, lesser: str, plain: str) -> Capture:
    """The capture of a kernel that has one clock on the machine `microvm` and another on the plain one."""
    elsewhere = f"grep -q microvm 'DIRECTORY/arguments' || cp '{tmp_path}/plain' 'DIRECTORY/console'"
    make_fake_qemu(tmp_path / "qemu", console(lesser), name="qemu-system-x86_64", before=elsewhere)
    (tmp_path / "plain").write_bytes(console(plain))
    machines = load_machines(data_directory("qemu-images") / "machines")
    settings = BootSettings(machines, Cache(tmp_path / "cache"), qemu_finder(tmp_path / "qemu"))
    return boot_and_capture(plan_boot(KernelUnderTest("k", write_vmlinux(tmp_path / "vmlinux", "EM_X86_64")), settings))


@pytest.mark.parametrize("lesser", ["jiffies", "refined-jiffies"])
@pytest.mark.parametrize("plain", ["tsc", "jiffies"])
def test_a_kernel_without_a_clock_on_a_lesser_machine_gets_the_plain_one(
    tmp_path: Path, lesser: str, plain: str
) -> None:
    capture = booted(tmp_path, lesser, plain)
    assert capture.provenance.skipped == ()
    assert {abi.clocksource for abi in capture.abis if abi.clocksource} == {plain}


def test_a_kernel_with_a_clock_on_a_lesser_machine_is_booted_once(tmp_path: Path) -> None:
    capture = booted(tmp_path, "tsc", "hpet")
    assert any("microvm" in what for what in capture.provenance.skipped)
    assert {abi.clocksource for abi in capture.abis if abi.clocksource} == {"tsc"}
