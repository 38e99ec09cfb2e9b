"""QEMU machines as data: which one boots a kernel, and the exact command line for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vdsocat.documents import read_documents
from vdsocat.errors import InputError
from vdsocat.guest.qemu_version import version_key

# validator/probe/cost.h has the same word.
COST_OPTION = "--cost"
# Before the initramfs on the command line of User Mode Linux (arch/um/kernel/initrd.c).
INITRD = "initrd="
# What a kernel does before /init that no vDSO depends on: self-tests of its crypto library (a second of i386's boot),
# parsing the certificates that modules are signed with, event files of kprobes, looking for ISA Plug and Play cards.
# Names that a kernel has not got are passed over (crypto/algboss.c, initcall_blacklisted in init/main.c).
_HASTE = "cryptomgr.notests initcall_blacklist=load_system_certificate_list,init_kprobe_trace,isapnp_init"
# Where a command line may be so long: directories for a thousand trace events, looking for weak functions among forty
# thousand that can be traced, reading all of the kernel's type information (BTF) for the first who names a function to
# it, /sys/kernel/slab, the parameters of what is built in under /sys/module, more self-tests: a sixth of arm64's boot.
_MORE_HASTE = (
    ",tracer_init_tracefs,trace_eval_init,ftrace_check_for_weak_functions,cubictcp_register,slab_sysfs_init,"
    "slab_late_init,param_sysfs_builtin_init,blake2s_mod_init,of_fdt_raw_init"
)
_SKIPPED = (
    "four things of the kernel's start: self-tests of its crypto library, certificates for modules, kprobe events, "
    "ISA Plug and Play"
)
_MORE_SKIPPED = (
    "trace events, weak functions that can be traced, BTF's functions, /sys/kernel/slab, /sys/module's parameters"
)
# An idle guest's time jumps to its next timer.
# Eight nanoseconds for an instruction: in one of a nanosecond a kernel that waits for a device by its clock executes
# more instructions while it waits than in all the rest of its boot.
_ICOUNT = "shift=3,sleep=off"
# Where instructions are counted, the guest's real-time clock goes by them too, from a date that never changes: what the
# kernel of a Malta board learns of its CPU's rate hangs on the host's load otherwise (qemu-options.hx, -rtc).
_COUNTED_RTC = "base=2030-01-01,clock=vm"


@dataclass(frozen=True, slots=True)
class OlderQemu:
    """How QEMUs before a version boot a machine, with other `args`, and what is then not as with a newer one."""

    before: str
    args: tuple[str, ...]
    loses: str


@dataclass(frozen=True, slots=True)
class LoneInstruction:
    """A 32-bit instruction that must be translated alone (vdsocat.guest.alone), by the bits of `word` under `mask`.

    A kernel that is no ELF file begins at the virtual address `start`.
    """

    word: int
    mask: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """How a machine is booted to count instructions for costs: with these `args`, if any, and an instruction `alone` in
    its block, by QEMUs `before` a version, if there is one, and by none older than `least_qemu`.
    """

    args: tuple[str, ...] = ()
    alone: LoneInstruction | None = None
    before: str | None = None
    least_qemu: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A QEMU machine and the kernels it is for: `memory` in MiB, `deadline` in seconds.

    `qemu` is None for User Mode Linux, a kernel that is a program of computers of the architecture `host` (as uname
    calls it), where it is started in QEMU's place.
    `memory_start` is the physical address where its memory begins, which arm kernels are put by.
    `seconds` is about how long a boot takes, for the order of boots until one was timed here.
    `icount` says how instructions are counted on it, as -icount takes it; `counted` has what else is needed to count
    them for costs. With a `short_command_line` its kernel can be told little. `skips` names what is skipped unless the
    machine is booted the stock way, with `stock_args` or, where others are `counted_in_haste`, without counting.
    """

    name: str
    kernel_arch: str
    bits: int
    endianness: str
    abis: tuple[str, ...]
    qemu: str | None
    args: tuple[str, ...]
    memory: int
    console: str
    deadline: int
    append: str = ""
    host: str | None = None
    least_qemu: str | None = None
    instead: str | None = None
    older: OlderQemu | None = None
    stock_args: tuple[str, ...] = ()
    skips: str | None = None
    icount: str = _ICOUNT
    counted: Counted | None = None
    counted_in_haste: bool = False
    short_command_line: bool = False
    facts: Mapping[str, bool] = field(default_factory=dict)
    memory_start: int | None = None
    seconds: float = 4

    def with_qemu(self, version: str | None) -> Machine:
        """The machine as a QEMU of this version boots it; None, a version that is not known, is taken for a new one."""

        def is_before(bound: str) -> bool:
            return version is not None and version_key(version) < version_key(bound)

        machine = self
        if self.older and is_before(self.older.before):
            machine = replace(machine, args=self.older.args, older=None)
        if self.counted and self.counted.before and not is_before(self.counted.before):
            machine = replace(machine, counted=None)
        return machine

    @property
    def least_qemu_to_count(self) -> str | None:
        """The oldest QEMU release that counts instructions for costs."""
        return (self.counted and self.counted.least_qemu) or self.least_qemu

    @property
    def skipped_by_haste(self) -> str:
        """What the kernel is told not to do, in words."""
        return _SKIPPED if self.short_command_line else f"{_SKIPPED}; {_MORE_SKIPPED}"

    @property
    def native_abi(self) -> str:
        """The ABI of PID 1."""
        return self.abis[0]

    def kernel_command_line(self, extra: str = "", stock: bool = False) -> str:
        """What the kernel is told: panics end the run, printk stays quiet so that frames are not cut.

        Unless it is booted the `stock` way, it is also told what not to do before /init.
        """
        console = f"console={self.console}" if self.console else ""
        words = [console, "panic=-1 quiet", self.append, "" if stock else self._haste(), extra]
        return " ".join(word for word in words if word)

    def _haste(self) -> str:
        return _HASTE if self.short_command_line else _HASTE + _MORE_HASTE

    def command(
        self, qemu: str, kernel: Path, initramfs: Path, extra: str = "", *, stock: bool = False, cost: bool = False
    ) -> list[str]:
        """The QEMU command: no network, no host files beyond kernel and initramfs, one console on stdout.

        The `stock` way nothing is skipped of what the machine and the kernel do by themselves. For `cost` QEMU counts
        instructions, which the probes then measure in units of the guest's time; an idle guest's time jumps to its next
        timer instead of keeping step with the host's (qemu-options.hx, -icount). What follows `--` the kernel hands to
        /init (Documentation/admin-guide/kernel-parameters.rst). Where the kernel is a program itself, there is no
        `qemu`, nothing counts, and the words for both are one list.
        """
        if self.qemu is None:
            words = self.kernel_command_line(extra, stock).split()
            return [str(kernel), *self.args, f"mem={self.memory}M", f"{INITRD}{initramfs}", *words]
        counted = self.counted_in_haste and not stock
        return [
            qemu,
            *((cost and self.counted and self.counted.args) or (stock and self.stock_args) or self.args),
            "-m", str(self.memory),
            "-nic", "none",
            "-no-user-config",
            "-no-reboot",
            "-kernel", str(kernel),
            "-initrd", str(initramfs),
            "-append", self.kernel_command_line(f"{extra} -- {COST_OPTION}".strip() if cost else extra, stock),
            *(("-icount", self.icount, "-rtc", _COUNTED_RTC) if cost or counted else ()),
        ]  # fmt: skip


def load_machines(directory: Path, cache: Path | None = None) -> tuple[Machine, ...]:
    """All machines under `directory` (one YAML file each); InputError for what the schema rejects.

    `cache` is where the prepared form of the files may be kept.
    """
    return tuple(_machine(raw) for raw in read_documents(directory, ("*.yaml",), cache).values())


def machine_for(machines: tuple[Machine, ...], arch: str, bits: int, endianness: str, kernel: Path) -> Machine:
    """The machine for a kernel of this ARCH, width and byte order; InputError when there is none."""
    for machine in machines:
        if (machine.kernel_arch, machine.bits, machine.endianness) == (arch, bits, endianness):
            return machine
    known = ", ".join(sorted({f"{one.kernel_arch} {one.bits}-bit {one.endianness}-endian" for one in machines}))
    raise InputError(
        f"{kernel}: is a kernel for {arch} ({bits}-bit, {endianness}-endian), for which there is no machine; "
        f"there are machines for {known}."
    )


def _machine(raw: Mapping[str, Any]) -> Machine:
    return Machine(
        name=raw["machine"],
        kernel_arch=raw["kernel"]["arch"],
        bits=raw["kernel"]["bits"],
        endianness=raw["kernel"]["endianness"],
        abis=tuple(raw["abis"]),
        qemu=raw.get("qemu"),
        args=tuple(raw["args"]),
        memory=raw["memory"],
        console=raw["console"],
        deadline=raw["deadline"],
        append=raw.get("append", ""),
        host=raw.get("host"),
        least_qemu=raw.get("least_qemu"),
        instead=raw.get("instead"),
        older=OlderQemu(**{**raw["older"], "args": tuple(raw["older"]["args"])}) if "older" in raw else None,
        stock_args=tuple(raw.get("stock", {}).get("args", ())),
        skips=raw.get("stock", {}).get("skips"),
        icount=raw.get("icount", _ICOUNT),
        counted=_counted(raw["counted"]) if "counted" in raw else None,
        counted_in_haste=raw.get("stock", {}).get("uncounted", False),
        short_command_line=raw.get("short_command_line", False),
        facts=raw.get("facts", {}),
        memory_start=raw.get("memory_start"),
        seconds=raw.get("seconds", 4),
    )


def _counted(raw: Mapping[str, Any]) -> Counted:
    return Counted(
        args=tuple(raw.get("args", ())),
        alone=LoneInstruction(**raw["alone"]) if "alone" in raw else None,
        before=raw.get("before"),
        least_qemu=raw.get("least_qemu"),
    )
