"""Booting one kernel with the probes of every ABI that its machine may run, and keeping what they report."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vdsocat import __version__
from vdsocat.cache import Cache
from vdsocat.capture import Capture, Provenance
from vdsocat.errors import InputError, RunError
from vdsocat.guest.alone import gdb_options, write_commands
from vdsocat.guest.boot import StartError, require_complete, run_guest
from vdsocat.guest.collect import collect_abis
from vdsocat.guest.cost import with_costs, without_costs
from vdsocat.guest.initramfs import write_initramfs
from vdsocat.guest.machines import Machine, machine_for
from vdsocat.guest.probe_files import load_probe, probe_name, probe_record, probes_of
from vdsocat.guest.qemu import Launch, Qemu, QemuFinder
from vdsocat.guest.stop import StopRequest
from vdsocat.guest.timing import TRACE_EVENT
from vdsocat.kernels.image import KernelImage, bootable_payload, identify_kernel, quick_payload


@dataclass(frozen=True, slots=True)
class KernelUnderTest:
    """A kernel image on disk, with what is known of where it comes from; `build_seconds` if it was built just now."""

    source: str
    image: Path
    config: Path | None = None
    package: str | None = None
    package_version: str | None = None
    package_architecture: str | None = None
    package_sha256: str | None = None
    suite: str | None = None
    build_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class BootPlan:
    """Everything that a boot needs, prepared: running `command` is all that is left.

    `stock_command` is the plain way to boot, empty where that is `command`; `skipped` names what `command` leaves out
    of it. With `cost` the probes of `command` measure costs, and QEMU counts instructions for them; `uncounted` is the
    reason why they do not, although somebody asked. `unpacking` are the seconds that preparing took; `kernel_sha256` is
    of the kernel's file.
    """

    kernel: KernelUnderTest
    kernel_sha256: str
    image: KernelImage
    machine: Machine
    qemu: Qemu | None
    command: tuple[str, ...]
    files: tuple[Path, ...]
    probes: Mapping[str, str]
    deadline: float
    stock_command: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    cost: bool = False
    uncounted: str | None = None
    unpacking: float = 0.0

    @property
    def qemu_version(self) -> str | None:
        """QEMU's version; None where the kernel is a program that needs no QEMU."""
        return self.qemu.version if self.qemu else None

    def spell_command(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.launch(self.command).command)

    def launch(self, command: Sequence[str]) -> Launch:
        """How one of the commands is started; a container for it has a new name each time."""
        return self.qemu.launch(command, self.files) if self.qemu else Launch(tuple(command))


@dataclass(frozen=True, slots=True)
class BootSettings:
    """How to boot: `qemu` finds a QEMU binary by name; `deadline` in seconds, None means the machine's own.

    With `stock` nothing is skipped of what firmware and kernel do by themselves; with `timings` QEMU tells when its CPU
    runs.
    """

    machines: tuple[Machine, ...]
    cache: Cache
    qemu: QemuFinder
    deadline: float | None = None
    append: str = ""
    stock: bool = False
    timings: bool = False


def plan_boot(kernel: KernelUnderTest, settings: BootSettings, cost: bool = False) -> BootPlan:
    """Choose the machine, write the initramfs; with `cost` for a boot that measures costs, where a QEMU counts.

    InputError for a kernel that cannot be used, RunError without QEMU.
    """
    started = time.monotonic()
    image = identify_kernel(kernel.image)
    machine = machine_for(settings.machines, image.arch, image.bits, image.endianness, kernel.image)
    uncounted = _why_uncounted(machine, settings.qemu) if cost else None
    cost = cost and uncounted is None
    qemu = _qemu_for(machine, settings.qemu, cost)
    if qemu is None:
        _require_program(image.path, machine)
    else:
        machine = machine.with_qemu(qemu.version)
    emulator = qemu.program if qemu else ""
    probes = {name: load_probe(name) for name in probes_of(machine.abis, machine.endianness)}
    archive = write_initramfs(probes[probe_name(machine.native_abi, machine.endianness)], probes)
    initramfs = settings.cache.file(
        "initramfs",
        f"{machine.name}-{hashlib.sha256(archive).hexdigest()[:12]}.cpio",
        make=lambda path: _write(path, archive),
    )
    payloads = settings.cache.path("payload")
    plain = bootable_payload(image, payloads)
    quick = plain if settings.stock else quick_payload(image, payloads, machine.memory_start)
    gdb = _write_gdb_commands(quick, machine, settings.cache) if cost else None

    def command(payload: Path, stock: bool, cost: bool = False) -> tuple[str, ...]:
        words = machine.command(emulator, payload, initramfs, settings.append, stock=stock, cost=cost)
        words += gdb_options(gdb) if cost and gdb else []
        return (*words, "-trace", TRACE_EVENT) if settings.timings and qemu else tuple(words)

    return BootPlan(
        kernel=kernel,
        image=image,
        machine=machine,
        qemu=qemu,
        command=command(quick, settings.stock, cost),
        files=(plain, quick, initramfs, *([gdb] if gdb else [])),
        probes={name: probe_record(name).sha256 for name in probes},
        deadline=settings.deadline or machine.deadline,
        stock_command=() if settings.stock and not cost else command(plain, True),
        skipped=() if settings.stock else tuple(_skipped(machine, entered=quick != plain)),
        cost=cost,
        uncounted=uncounted,
        unpacking=time.monotonic() - started,
        kernel_sha256=kernel_sha256(kernel.image),
    )


def _write_gdb_commands(kernel: Path, machine: Machine, cache: Cache) -> Path | None:
    """The file that keeps QEMU from ending where it counts; None for a machine that needs none."""
    if machine.counted is None or machine.counted.alone is None:
        return None
    commands = write_commands(kernel, machine.counted.alone, machine.endianness)
    name = f"{machine.name}-{hashlib.sha256(commands).hexdigest()[:12]}"
    return cache.file("gdb", name, make=lambda path: _write(path, commands))


def _why_uncounted(machine: Machine, find: QemuFinder) -> str | None:
    """Why nothing counts the instructions of a machine; None where a QEMU does."""
    if machine.qemu is None:
        return "No QEMU runs this kernel, so nothing counts its instructions."
    try:
        find(machine.qemu, machine.least_qemu_to_count)
    except RunError as error:
        return error.sentence()
    return None


def _qemu_for(machine: Machine, find: QemuFinder, cost: bool) -> Qemu | None:
    """The QEMU for a machine, None where it needs none; RunError, with what can be done instead, when there is none."""
    if machine.qemu is None:
        return None
    try:
        return find(machine.qemu, machine.least_qemu_to_count if cost else machine.least_qemu)
    except RunError as error:
        if machine.instead is None:
            raise
        raise RunError(f"{error} {machine.instead}") from None


def boot_and_capture(
    plan: BootPlan,
    log: Path | None = None,
    stop: StopRequest | None = None,
) -> Capture:
    """Boot the planned kernel and return its capture; RunError when the record is not complete.

    A kernel that does not come up when something is skipped, or when QEMU counts instructions, is booted the plain way,
    which decides; its console goes to a log of its own, LOG.plain.log. What kept costs from being measured is then the
    reason in `Costs.unknown`.
    """
    plain_log = log.with_suffix(".plain.log") if log else None
    if plain_log:
        plain_log.unlink(missing_ok=True)
    try:
        capture = _capture(plan, log, stop)
    except RunError as error:
        if isinstance(error, StartError) or not plan.stock_command:
            raise
        plan = _plainly(plan, error)
        capture = _capture(plan, plain_log, stop)
    return without_costs(capture, plan.uncounted) if plan.uncounted else capture


def _plainly(plan: BootPlan, failure: RunError) -> BootPlan:
    """The plan to boot the plain way after a boot that failed, which is why it measures no costs."""
    uncounted = failure.sentence() if plan.cost else plan.uncounted
    return replace(plan, command=plan.stock_command, stock_command=(), skipped=(), cost=False, uncounted=uncounted)


def _capture(plan: BootPlan, log: Path | None, stop: StopRequest | None) -> Capture:
    date = datetime.now(UTC).isoformat(timespec="seconds")
    launch = plan.launch(plan.command)
    end = run_guest(launch.command, plan.deadline, log, stop, ending=launch.ending)
    transcript = require_complete(end, plan.deadline, log)
    if transcript.supervisor() is None:
        raise RunError("The probe's record arrived damaged: nothing of what /init said arrived.")
    expected = [(abi, plan.machine.endianness) for abi in plan.machine.abis]
    abis = collect_abis(transcript, expected)
    config = read_config(plan.kernel)
    return Capture(
        provenance=Provenance(
            source=plan.kernel.source,
            date=date,
            provider="linux",
            vdsocat=__version__,
            kernel_arch=plan.image.arch,
            kernel_bits=plan.image.bits,
            kernel_path=str(plan.kernel.image),
            kernel_sha256=plan.kernel_sha256,
            kernel_package=plan.kernel.package,
            kernel_package_version=plan.kernel.package_version,
            kernel_package_architecture=plan.kernel.package_architecture,
            kernel_package_sha256=plan.kernel.package_sha256,
            kernel_suite=plan.kernel.suite,
            config_sha256=hashlib.sha256(config.encode()).hexdigest() if config is not None else None,
            machine=plan.machine.name,
            qemu_version=plan.qemu_version,
            command=launch.command,
            probes=plan.probes,
            seconds=round(end.seconds, 2),
            phases={**_prepared(plan), **end.phases},
            skipped=plan.skipped,
        ),
        abis=with_costs(abis, transcript) if plan.cost else abis,
        config=config,
        facts=plan.machine.facts,
    )


def _require_program(kernel: Path, machine: Machine) -> None:
    """RunError, InputError when a kernel that is a program cannot be started on this computer."""
    here = platform.machine()
    if here != machine.host:
        raise RunError(f"{kernel}: is User Mode Linux, a program for {machine.host}, and this computer is {here}.")
    if not os.access(kernel, os.X_OK):
        raise InputError(f"{kernel}: is User Mode Linux, a program, but may not be executed; chmod +x allows it.")


def _prepared(plan: BootPlan) -> dict[str, float]:
    built = plan.kernel.build_seconds
    return {**({} if built is None else {"build": built}), "unpack": round(plan.unpacking, 3)}


def _skipped(machine: Machine, entered: bool) -> Iterator[str]:
    if entered:
        yield "the kernel's unpacking of itself: the host unpacked it, and QEMU entered it directly"
    if machine.skips is not None:
        yield machine.skips
    yield machine.skipped_by_haste


def read_config(kernel: KernelUnderTest) -> str | None:
    """The text of the kernel's configuration, where that is known; InputError when its file cannot be read."""
    try:
        return kernel.config.read_text("utf-8", "replace") if kernel.config else None
    except OSError as error:
        raise InputError(f"{kernel.config}: cannot be read ({error.strerror}).") from None


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def kernel_sha256(path: Path) -> str:
    """The SHA-256 of a kernel's file in hex; InputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
