"""Running a probe as an ordinary program: on this machine's own kernel, or under QEMU's user-mode emulation."""

from __future__ import annotations

import hashlib
import platform
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from vdsocat import __version__
from vdsocat.capture import AbiCapture, Capture, Provenance
from vdsocat.catalog.model import Catalog
from vdsocat.errors import InputError, RunError
from vdsocat.guest.boot import BootEnd, StartError, require_complete, run_guest
from vdsocat.guest.collect import collect_abis
from vdsocat.guest.machines import Machine, machine_for
from vdsocat.guest.probe_files import load_probe, probe_name, probe_names, probe_record, probes_of
from vdsocat.guest.qemu import Launch, Qemu, QemuFinder

_DEADLINE_SECONDS = 30.0
_SHELLS_SIGNAL = 128
# uname's machine (arch/*/include/uapi/asm/elf.h and the kernel's UTS_MACHINE) to ARCH and width of the kernel.
_HOST_KERNELS = {
    "x86_64": ("x86", 64),
    "i686": ("x86", 32),
    "i586": ("x86", 32),
    "aarch64": ("arm64", 64),
    "armv7l": ("arm", 32),
    "ppc": ("powerpc", 32),
    "ppc64": ("powerpc", 64),
    "ppc64le": ("powerpc", 64),
    "riscv64": ("riscv", 64),
    "s390x": ("s390", 64),
    "mips": ("mips", 32),
    "mips64": ("mips", 64),
    "loongarch64": ("loongarch", 64),
}

# linux-user's names for targets (linux-user/*/target_arch.h and configs/targets), by our probes' names.
QEMU_USER_TARGETS = {
    "x86-64-le": "x86_64",
    "i386-le": "i386",
    "aarch64-le": "aarch64",
    "aarch64-be": "aarch64_be",
    "arm-le": "arm",
    "arm-be": "armeb",
    "mips-o32-be": "mips",
    "mips-o32-le": "mipsel",
    "mips-n32-be": "mipsn32",
    "mips-n32-le": "mipsn32el",
    "mips-n64-be": "mips64",
    "mips-n64-le": "mips64el",
    "ppc32-be": "ppc",
    "ppc64-be": "ppc64",
    "ppc64-le": "ppc64le",
    "riscv64-le": "riscv64",
    "riscv32-le": "riscv32",
    "s390x-be": "s390x",
    "loongarch64-le": "loongarch64",
    "parisc-be": "hppa",
    "sh-le": "sh4",
    "sh-be": "sh4eb",
}


def capture_host(machines: tuple[Machine, ...]) -> Capture:
    """What this machine's own kernel gives to each ABI it may run. InputError on an architecture without probes."""
    machine = platform.machine()
    if machine not in _HOST_KERNELS:
        raise InputError(f"There are no probes for this machine's architecture ({machine}).")
    arch, bits = _HOST_KERNELS[machine]
    abis = machine_for(machines, arch, bits, sys.byteorder, Path("host")).abis
    names = probes_of(abis, sys.byteorder)
    config = _host_config()
    captured = [_run_probe(None, name)[0] for name in names]
    return Capture(
        provenance=Provenance(
            source="host",
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            provider="linux",
            vdsocat=__version__,
            kernel_arch=arch,
            kernel_bits=bits,
            config_sha256=hashlib.sha256(config.encode()).hexdigest() if config is not None else None,
            probes={name: probe_record(name).sha256 for name in names},
        ),
        abis=tuple(captured),
        config=config,
    )


def emulated_abis(find_qemu: QemuFinder) -> tuple[str, ...]:
    """The ABIs of all targets that user-mode emulators within reach have, "ppc64/be" where there are two byte orders.

    RunError when there is no emulator at all.
    """
    records = [probe_record(probe) for probe in QEMU_USER_TARGETS]
    several = [record.abi for record in records]
    orders = {"big": "/be", "little": "/le"}
    found = []
    for probe, target in QEMU_USER_TARGETS.items():
        try:
            find_qemu(f"qemu-{target}")
        except RunError:
            continue
        record = probe_record(probe)
        found.append(record.abi + (orders[record.endianness] if several.count(record.abi) > 1 else ""))
    if not found:
        find_qemu(f"qemu-{QEMU_USER_TARGETS['x86-64-le']}")
    return tuple(found)


def capture_qemu_user(abi_text: str, catalog: Catalog, find_qemu: QemuFinder) -> Capture:
    """What QEMU's user-mode emulation maps for an ABI: the emulator's vDSO, never a kernel's.

    `abi_text` is an ABI name or alias, with "/be" or "/le" where it exists in both byte orders.
    """
    name, _, order = abi_text.partition("/")
    abi = catalog.abi(name)
    endianness = {"be": "big", "le": "little", "": abi.elf.endianness[0]}.get(order)
    if endianness not in abi.elf.endianness:
        raise InputError(
            f"{abi_text!r}: {abi.name} exists {' and '.join(abi.elf.endianness)}-endian; "
            f"write {abi.name}/be or {abi.name}/le."
        )
    probe = probe_name(abi.name, endianness)
    if probe not in QEMU_USER_TARGETS:
        raise InputError(f"QEMU's user mode has no target for {abi.name} {endianness}-endian.")
    if probe not in probe_names():
        raise InputError(f"There is no probe for {abi.name} {endianness}-endian.")
    qemu = find_qemu(f"qemu-{QEMU_USER_TARGETS[probe]}")
    captured, command = _run_probe(qemu, probe)
    return Capture(
        provenance=Provenance(
            source=f"qemu-user:{abi_text}",
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            provider="qemu-user",
            provider_version=qemu.version,
            vdsocat=__version__,
            qemu_version=qemu.version,
            command=command,
            probes={probe: probe_record(probe).sha256},
        ),
        abis=(captured,),
    )


def _run_probe(emulator: Qemu | None, name: str) -> tuple[AbiCapture, tuple[str, ...]]:
    """Run one probe from a temporary file; what its record says, and the command."""
    abi, endianness = probe_record(name).abi, probe_record(name).endianness
    with tempfile.TemporaryDirectory(prefix="vdsocat-") as directory:
        program = Path(directory, name)
        program.write_bytes(load_probe(name))
        program.chmod(0o755)
        words = [str(program), "--host"]
        launch = emulator.launch([emulator.program, *words], [program]) if emulator else Launch(tuple(words))
        try:
            end = run_guest(launch.command, _DEADLINE_SECONDS, ending=launch.ending)
        except StartError as error:
            if emulator:
                raise
            return AbiCapture(abi, endianness, "exec-failed", error.errno), launch.command
    if (number := _signal_of(end, launch)) is not None:
        return AbiCapture(abi, endianness, "signal", number), launch.command
    transcript = require_complete(end, _DEADLINE_SECONDS, None)
    return collect_abis(transcript, [(abi, endianness)])[0], launch.command


def _signal_of(end: BootEnd, launch: Launch) -> int | None:
    """The signal that a program died of, which the engine of a container tells as a shell does."""
    if end.outcome != "exit" or end.exit_status is None:
        return None
    if launch.ending and _SHELLS_SIGNAL < end.exit_status < _SHELLS_SIGNAL + signal.NSIG:
        return end.exit_status - _SHELLS_SIGNAL
    return -end.exit_status if end.exit_status < 0 else None


def _host_config() -> str | None:
    """The running kernel's configuration from /proc/config.gz or /boot, None when it is in neither."""
    import gzip

    try:
        return gzip.decompress(Path("/proc/config.gz").read_bytes()).decode("utf-8", "replace")
    except OSError:
        pass
    try:
        return Path(f"/boot/config-{platform.release()}").read_text("utf-8", "replace")
    except OSError:
        return None
