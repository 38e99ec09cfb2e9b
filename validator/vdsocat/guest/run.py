"""Booting one kernel with the probes of every ABI that its machine may run, and keeping what they report."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vdsocat import __version__
from vdsocat.cache import Cache
from vdsocat.capture import Capture, Provenance
from vdsocat.errors import RunError
from vdsocat.guest.boot import require_complete, run_guest
from vdsocat.guest.collect import collect_abis
from vdsocat.guest.initramfs import write_initramfs
from vdsocat.guest.machines import Machine, machine_for, require_version
from vdsocat.guest.probe_files import load_probe, probe_name, probe_record, probes_of
from vdsocat.guest.qemu import QemuFinder, qemu_version
from vdsocat.guest.stop import StopRequest
from vdsocat.kernels.image import KernelImage, bootable_payload, identify_kernel, quick_payload


@dataclass(frozen=True, slots=True)
class KernelUnderTest:
    """A kernel image on disk, with what is known of where it comes from."""

    source: str
    image: Path
    config: Path | None = None
    package: str | None = None
    package_version: str | None = None
    package_architecture: str | None = None
    package_sha256: str | None = None
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class BootPlan:
    """Everything that a boot needs, prepared: running `command` is all that is left.

    `cost_command` measures costs; it is empty where nobody asked for them.
    """

    kernel: KernelUnderTest
    image: KernelImage
    machine: Machine
    command: tuple[str, ...]
    cost_command: tuple[str, ...]
    probes: Mapping[str, str]
    deadline: float

    def spell_commands(self) -> tuple[str, ...]:
        """The commands as a shell takes them."""
        return tuple(shlex.join(one) for one in (self.command, self.cost_command) if one)


@dataclass(frozen=True, slots=True)
class BootSettings:
    """How to boot: `qemu` finds a QEMU binary by name; `deadline` in seconds, None means the machine's own."""

    machines: tuple[Machine, ...]
    cache: Cache
    qemu: QemuFinder
    deadline: float | None = None
    append: str = ""


def plan_boot(kernel: KernelUnderTest, settings: BootSettings, cost: bool = False) -> BootPlan:
    """Choose the machine, write the initramfs; with `cost` for two boots.

    InputError for a kernel that cannot be used, RunError without QEMU.
    """
    image = identify_kernel(kernel.image)
    machine = machine_for(settings.machines, image.arch, image.bits, image.endianness, kernel.image)
    qemu = settings.qemu(machine.qemu)
    require_version(qemu, machine)
    probes = {name: load_probe(name) for name in probes_of(machine.abis, machine.endianness)}
    archive = write_initramfs(probes[probe_name(machine.native_abi, machine.endianness)], probes)
    initramfs = settings.cache.file(
        "initramfs",
        f"{machine.name}-{hashlib.sha256(archive).hexdigest()[:12]}.cpio",
        make=lambda path: _write(path, archive),
    )
    payloads = settings.cache.path("payload")
    cost_command: Sequence[str] = ()
    if cost:
        cost_command = machine.cost_command(qemu, quick_payload(image, payloads), initramfs, settings.append)
    digests = {name: probe_record(name).sha256 for name in probes}
    return BootPlan(
        kernel=kernel,
        image=image,
        machine=machine,
        command=tuple(machine.command(qemu, bootable_payload(image, payloads), initramfs, settings.append)),
        cost_command=tuple(cost_command),
        probes=digests,
        deadline=settings.deadline or machine.deadline,
    )


def boot_and_capture(
    plan: BootPlan,
    log: Path | None = None,
    stop: StopRequest | None = None,
) -> Capture:
    """Boot the planned kernel and return its capture; RunError when the record is not complete."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    end = run_guest(plan.command, plan.deadline, log, stop)
    transcript = require_complete(end, plan.deadline, log)
    if transcript.supervisor() is None:
        raise RunError("The probe's record arrived damaged: nothing of what /init said arrived.")
    expected = [(abi, plan.machine.endianness) for abi in plan.machine.abis]
    config = plan.kernel.config.read_text("utf-8", "replace") if plan.kernel.config else None
    return Capture(
        provenance=Provenance(
            source=plan.kernel.source,
            date=date,
            provider="linux",
            vdsocat=__version__,
            kernel_arch=plan.image.arch,
            kernel_bits=plan.image.bits,
            kernel_path=str(plan.kernel.image),
            kernel_sha256=_sha256(plan.kernel.image),
            kernel_package=plan.kernel.package,
            kernel_package_version=plan.kernel.package_version,
            kernel_package_architecture=plan.kernel.package_architecture,
            kernel_package_sha256=plan.kernel.package_sha256,
            kernel_suite=plan.kernel.suite,
            config_sha256=hashlib.sha256(config.encode()).hexdigest() if config is not None else None,
            machine=plan.machine.name,
            qemu_version=qemu_version(plan.command[0]),
            command=plan.command,
            probes=plan.probes,
            seconds=round(end.seconds, 2),
        ),
        abis=collect_abis(transcript, expected),
        config=config,
        facts=plan.machine.facts,
    )


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
