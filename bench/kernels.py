"""The kernels that are measured, and what is held against checking one: a bare boot, its own decompressor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from measure import UnmeasuredError

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.settings import Settings
from vdsocat.guest.boot import run_guest
from vdsocat.guest.console import Frame
from vdsocat.guest.initramfs import write_initramfs
from vdsocat.guest.probe_files import load_probe, probe_name
from vdsocat.guest.run import BootPlan, plan_boot
from vdsocat.kernels.decompression import find_compressed
from vdsocat.kernels.image import identify_kernel
from vdsocat.sources import kernel_of

SETTINGS = Settings.from_environment(None, None, os.environ)
# Decompressors by what the kernel's format is called.
TOOLS = {"gzip": "gzip", "xz": "xz", "lzma": "lzma", "bzip2": "bzip2", "zstd": "zstd", "lz4": "lz4", "lzo": "lzop"}
# What a probe says of conformance beyond names. All else is images, mappings and what the kernel told of them, and
# that a probe was started and has ended.
CHECKS = frozenset({"call", "case", "path", "kuser", "crash", "hang"})
# Machines whose kernels do not power them off: the boot is over with the last record.
NEVER_OFF = ("ppc", "mips", "mips64")
_LONGEST_BOOT = 60


def plans(name: str, stock: bool = True, cost: bool = False) -> list[BootPlan]:
    """The boots of the kernels that a SOURCE names, from the cache alone: the plain way, or as a check boots them."""
    access = KernelAccess(SETTINGS, offline=True)
    settings = replace(access.static_sources(SETTINGS.load_catalog()).boot, stock=stock)
    requests = access.expand(name)
    files = [(request.name, access.ensure(request, lambda text: None)) for request in requests]
    return [plan_boot(kernel_of(name, one), settings, cost=cost) for name, one in files]


def bare_boot(plan: BootPlan, directory: Path) -> float:
    """Seconds of a boot whose init only powers off: the probe without anything to probe, which says two lines."""
    initramfs = directory / f"{plan.machine.name}-bare.cpio"
    init = load_probe(probe_name(plan.machine.native_abi, plan.machine.endianness))
    initramfs.write_bytes(write_initramfs(init, {}))
    command = list(plan.command)
    command[command.index("-initrd") + 1] = str(initramfs)
    if plan.machine.name in NEVER_OFF:
        return guest_seconds(plan, command)
    started = time.perf_counter()
    guest = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        guest.wait(_LONGEST_BOOT)
    except subprocess.TimeoutExpired:
        os.killpg(guest.pid, signal.SIGKILL)
        guest.wait()
        raise UnmeasuredError(f"{plan.kernel.source} does not power off: see NEVER_OFF") from None
    return time.perf_counter() - started


def guest_seconds(
    plan: BootPlan, command: Sequence[str], on_frame: Callable[[Frame], None] = lambda frame: None
) -> float:
    """Seconds of a boot, until the probe's last record."""
    launch = plan.launch(command)
    end = run_guest(launch.command, plan.deadline, on_frame=on_frame, ending=launch.ending)
    if end.outcome != "complete":
        raise UnmeasuredError(f"{plan.kernel.source} ended its boot by: {end.outcome}")
    return end.seconds


def seconds_of_checks(plan: BootPlan) -> tuple[float, float]:
    """Seconds of a boot, and those of them in which its probes did what they report in CHECKS."""
    since, checks = time.perf_counter(), 0.0

    def count(frame: Frame) -> None:
        nonlocal since, checks
        now = time.perf_counter()
        checks += now - since if frame.type in CHECKS else 0
        since = now

    return guest_seconds(plan, plan.command, count), checks


def decompressor(plan: BootPlan, directory: Path) -> list[str] | None:
    """The command of the format's own tool that decompresses the kernel inside an image; None where none is inside."""
    image = identify_kernel(plan.kernel.image)
    data = plan.kernel.image.read_bytes()
    payload = image.payload or (find_compressed(data) if image.format != "vmlinux" else None)
    if payload is None:
        return None
    tool = TOOLS[payload.compression]
    assert shutil.which(tool), f"{tool} is not installed"
    packed = directory / f"{plan.kernel.source}.{payload.compression}"
    packed.write_bytes(data[payload.offset : payload.end])
    return [tool, "-dc", str(packed)]
