"""Machines as data, and the exact QEMU command line that each gives."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from vdsocat.documents import data_directory
from vdsocat.errors import InputError
from vdsocat.guest.machines import Machine, load_machines, machine_for
from vdsocat.guest.qemu_version import version_key

MACHINES = {machine.name: machine for machine in load_machines(data_directory("qemu-images") / "machines")}

# One line per machine, as `vdsocat check --stock --dry-run` prints it but for the two files.
COMMANDS = {
    "arm": "qemu-system-arm -M virt -display none -monitor none -serial stdio -m 512 -nic none -no-user-config "
    "-no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyAMA0 panic=-1 quiet'",
    "arm-be": "qemu-system-arm -M virt -display none -monitor none -serial stdio -m 512 -nic none -no-user-config "
    "-no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyAMA0 panic=-1 quiet'",
    "arm64": "qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -display none -monitor none -serial stdio "
    "-smp 2 -accel tcg,thread=single -m 512 -nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio "
    "-append 'console=ttyAMA0 panic=-1 quiet maxcpus=1'",
    "arm64-be": "qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -display none -monitor none -serial stdio -m 512 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyAMA0 panic=-1 quiet'",
    "i386": "qemu-system-i386 -M pc -display none -monitor none -serial stdio -vga none -m 512 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "loongarch64": "qemu-system-loongarch64 -M virt -cpu max -display none -monitor none -serial stdio -m 1024 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio "
    "-append 'console=ttyS0 panic=-1 quiet percpu_alloc=page initcall_blacklist=i8042_init'",
    "mips": "qemu-system-mips -M malta -cpu 24Kf -display none -monitor none -serial stdio -m 256 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet nowait'",
    "mips64": "qemu-system-mips64 -M malta -cpu 5KEf -display none -monitor none -serial stdio -m 256 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet nowait'",
    "mips64el": "qemu-system-mips64el -M malta -cpu 5KEf -display none -monitor none -serial stdio -m 256 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet nowait'",
    "mipsel": "qemu-system-mipsel -M malta -cpu 24Kf -display none -monitor none -serial stdio -m 256 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet nowait'",
    "parisc": "qemu-system-hppa -M B160L -display none -monitor none -serial stdio -m 512 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "parisc64": "qemu-system-hppa -M C3700 -display none -monitor none -serial stdio -m 512 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "ppc": "qemu-system-ppc -M g3beige -display none -monitor none -serial stdio -m 256 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "ppc64": "qemu-system-ppc64 -M pseries -cpu POWER8 -display none -monitor none -serial stdio -m 1024 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=hvc0 panic=-1 quiet'",
    "ppc64le": "qemu-system-ppc64 -M pseries -cpu POWER9 -display none -monitor none -serial stdio -m 1024 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=hvc0 panic=-1 quiet'",
    "riscv32": "qemu-system-riscv32 -M virt -cpu rv32,marchid=1 -display none -monitor none -serial stdio -m 512 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "riscv64": "qemu-system-riscv64 -M virt -cpu rv64,marchid=1 -display none -monitor none -serial stdio -m 512 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "s390x": "qemu-system-s390x -M s390-ccw-virtio -nographic -smp 2 -accel tcg,thread=single -m 512 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio "
    "-append 'console=ttysclp0 panic=-1 quiet maxcpus=1'",
    "sh4": "qemu-system-sh4 -M r2d -display none -monitor none -serial null -serial stdio -m 64 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttySC1 panic=-1 quiet'",
    "sh4eb": "qemu-system-sh4eb -M r2d -display none -monitor none -serial null -serial stdio -m 64 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttySC1 panic=-1 quiet'",
    "sparc64": "qemu-system-sparc64 -M sun4u -display none -monitor none -serial stdio -m 512 -nic none "
    "-no-user-config -no-reboot -kernel vmlinuz -initrd cpio -append 'console=ttyS0 panic=-1 quiet'",
    "um-i386": "vmlinuz noreboot uml_dir=/dev/null/ con0=null,fd:1 con=null mem=64M initrd=cpio "
    "console=tty0 panic=-1 quiet",
    "um-x86-64": "vmlinuz noreboot uml_dir=/dev/null/ con0=null,fd:1 con=null mem=64M initrd=cpio "
    "console=tty0 panic=-1 quiet",
    "x86-64": "qemu-system-x86_64 -M pc -cpu qemu64,+rdrand -display none -monitor none -serial stdio -vga none -m 512 "
    "-nic none -no-user-config -no-reboot -kernel vmlinuz -initrd cpio "
    "-append 'console=ttyS0 panic=-1 quiet syscall.x32=y'",
}


# Kernels that are programs: no QEMU starts them.
PROGRAMS = ("um-i386", "um-x86-64")
EMULATED = [name for name in sorted(COMMANDS) if name not in PROGRAMS]

# What the kernel is told besides unless it is booted the plain way, and what else differs then.
HASTE = "cryptomgr.notests initcall_blacklist=load_system_certificate_list,init_kprobe_trace,isapnp_init"
MORE_HASTE = (
    ",tracer_init_tracefs,trace_eval_init,ftrace_check_for_weak_functions,cubictcp_register,slab_sysfs_init,"
    "slab_late_init,param_sysfs_builtin_init,blake2s_mod_init,of_fdt_raw_init"
)
# Machines that hand on some 255 bytes of a command line.
SHORT = ("mips", "mips64", "mips64el", "mipsel", "sh4", "sh4eb")
OTHERWISE = {
    "ppc64": ("-M pseries", "-M pseries,x-vof=on"),
    "ppc64le": ("-M pseries", "-M pseries,x-vof=on"),
    "sparc64": ("-M sun4u", "-M sun4u -vga none"),
}
# How instructions are counted, and the machines that do it in every hasty boot.
ICOUNT = " -icount shift=3,sleep=off -rtc base=2030-01-01,clock=vm"
ALWAYS = dict.fromkeys(
    ("mips", "mips64", "mips64el", "mipsel"), " -icount shift=6,sleep=off -rtc base=2030-01-01,clock=vm"
)
# What machines have otherwise where costs are measured.
COUNTED = {"s390x": (" -smp 2 -accel tcg,thread=single", "")}


def hasty(name: str) -> str:
    """The command without --stock."""
    told = HASTE if name in SHORT else HASTE + MORE_HASTE
    if name in PROGRAMS:
        return f"{COMMANDS[name]} {told}"
    words = COMMANDS[name].removesuffix("'").replace(*OTHERWISE.get(name, ("", "")), 1)
    return f"{words} {told}'{ALWAYS.get(name, '')}"


def command_of(machine: Machine, extra: str = "", stock: bool = False, cost: bool = False) -> list[str]:
    return machine.command(machine.qemu or "", Path("vmlinuz"), Path("cpio"), extra, stock=stock, cost=cost)


def test_every_machine_has_its_command_written_down() -> None:
    assert set(COMMANDS) == set(MACHINES)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_command_is_the_one_written_down(name: str) -> None:
    assert shlex.join(command_of(MACHINES[name], stock=True)) == COMMANDS[name]
    assert shlex.join(command_of(MACHINES[name])) == hasty(name)


def test_a_machine_that_skips_something_says_what() -> None:
    skipping = {name for name, machine in MACHINES.items() if machine.skips}
    assert skipping == {*OTHERWISE, *ALWAYS}


@pytest.mark.parametrize("name", EMULATED)
def test_the_command_that_measures_costs_is_the_one_written_down(name: str) -> None:
    words = hasty(name).removesuffix(ALWAYS.get(name, "")).removesuffix("'")
    expected = f"{words} -- --cost'{ALWAYS.get(name, ICOUNT)}".replace(*COUNTED.get(name, ("", "")))
    assert shlex.join(command_of(MACHINES[name], cost=True)) == expected


def test_costs_of_a_plain_boot_are_measured_too() -> None:
    command = command_of(MACHINES["mips"], stock=True, cost=True)
    assert shlex.join(command) == f"{COMMANDS['mips'].removesuffix(chr(39))} -- --cost'{ALWAYS['mips']}"


@pytest.mark.parametrize(
    ("name", "version", "counted"),
    [
        ("s390x", "7.2.22", True),
        ("s390x", "10.0.2", False),
        ("loongarch64", "10.0.2", True),
        ("loongarch64", "11.1.3", False),
        ("loongarch64", None, False),
        ("sparc64", "11.1.3", True),
    ],
)
def test_a_newer_qemu_counts_as_it_boots(name: str, version: str | None, counted: bool) -> None:
    machine = MACHINES[name].with_qemu(version)
    assert (machine.counted is not None) == counted
    if not counted:
        assert command_of(machine, cost=True)[1:9] == command_of(machine)[1:9]


def test_a_machine_may_need_a_newer_qemu_to_count() -> None:
    assert (MACHINES["sparc64"].least_qemu, MACHINES["sparc64"].least_qemu_to_count) == ("5.2", "10.0")
    assert MACHINES["s390x"].least_qemu_to_count == MACHINES["s390x"].least_qemu


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_counts_the_instructions_of_a_program(name: str) -> None:
    assert command_of(MACHINES[name], cost=True) == command_of(MACHINES[name])


def test_words_of_the_user_come_before_those_for_init() -> None:
    command = command_of(MACHINES["arm"], "loglevel=8", cost=True)
    expected = f"console=ttyAMA0 panic=-1 quiet {HASTE}{MORE_HASTE} loglevel=8 -- --cost"
    assert command[command.index("-append") + 1] == expected


@pytest.mark.parametrize("machine", [MACHINES[name] for name in EMULATED], ids=lambda machine: machine.name)
def test_a_guest_has_no_network_no_disk_and_no_acceleration_unasked(machine: Machine) -> None:
    command = command_of(machine)
    assert command[command.index("-nic") + 1] == "none"
    assert "-no-reboot" in command
    forbidden = (
        "-drive",
        "-hda",
        "-cdrom",
        "-blockdev",
        "-fsdev",
        "-virtfs",
        "-net",
        "-netdev",
        "-enable-kvm",
    )
    assert not any(word in forbidden or "kvm" in word for word in command)
    accelerators = [after for word, after in pairwise(command) if word == "-accel"]
    assert all(one.startswith("tcg,") for one in accelerators)


def test_words_of_the_user_come_last_on_the_kernel_command_line() -> None:
    assert command_of(MACHINES["x86-64"], "loglevel=8 vdso=0")[-1] == (
        f"console=ttyS0 panic=-1 quiet syscall.x32=y {HASTE}{MORE_HASTE} loglevel=8 vdso=0"
    )


def test_no_two_machines_are_for_the_same_kernels() -> None:
    kernels = [(one.kernel_arch, one.bits, one.endianness) for one in MACHINES.values()]
    assert len(set(kernels)) == len(kernels)


def test_the_native_abi_is_the_first() -> None:
    assert MACHINES["mips64"].native_abi == "mips-n64"


@pytest.mark.parametrize(
    ("arch", "bits", "endianness", "name"),
    [("x86", 32, "little", "i386"), ("mips", 64, "big", "mips64"), ("powerpc", 64, "little", "ppc64le")],
)
def test_a_kernel_finds_its_machine(arch: str, bits: int, endianness: str, name: str) -> None:
    assert machine_for(tuple(MACHINES.values()), arch, bits, endianness, Path("vmlinuz")).name == name


def test_a_kernel_without_a_machine_is_told_which_there_are() -> None:
    machines = (MACHINES["arm"], MACHINES["s390x"])
    with pytest.raises(InputError) as refusal:
        machine_for(machines, "m68k", 32, "big", Path("vmlinuz"))
    assert str(refusal.value) == (
        "vmlinuz: is a kernel for m68k (32-bit, big-endian), for which there is no machine; "
        "there are machines for arm 32-bit little-endian, s390 64-bit big-endian."
    )


def test_a_machine_file_is_checked_against_its_schema(tmp_path: Path) -> None:
    directory = tmp_path / "machines"
    directory.mkdir()
    (directory / "odd.yaml").write_text("machine: odd\nmemroy: 12\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"odd\.yaml: "):
        load_machines(directory)


def test_every_machine_of_qemu_names_the_oldest_that_boots_it_and_what_there_is_in_its_place() -> None:
    for machine in MACHINES.values():
        assert (machine.qemu is None) == (machine.least_qemu is None), machine.name
        # Debian 12 has 7.2; what needs a newer one says what its users can do.
        newer = machine.least_qemu is not None and version_key(machine.least_qemu) > version_key("7.2")
        assert newer == (machine.instead is not None), machine.name
        if machine.older is not None and machine.least_qemu is not None:
            assert version_key(machine.least_qemu) < version_key(machine.older.before)


@pytest.mark.parametrize(
    ("version", "cpu"),
    [("5.2.0", "max"), ("7.1.99", "max"), ("7.2", "max,pauth-impdef=on"), (None, "max,pauth-impdef=on")],
)
def test_an_older_qemu_boots_with_the_arguments_that_it_knows(version: str | None, cpu: str) -> None:
    command = MACHINES["arm64"].with_qemu(version).command("qemu", Path("kernel"), Path("cpio"))
    assert command[command.index("-cpu") + 1] == cpu
    assert MACHINES["sparc64"].with_qemu(version) == MACHINES["sparc64"]
