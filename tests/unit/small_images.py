"""Images and captures that agree with the small catalogue, or differ from it in one thing."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from elf_builder import NOTYPE, FrameRow, ImageSpec, Symbol, build_image

from vdsocat.capture import AbiCapture, Capture, Provenance

CLOCK = Symbol("__vdso_clock_gettime", "LINUX_2.6")
GETCPU = Symbol("__vdso_getcpu", "LINUX_2.6")
SIGRETURN = Symbol("__kernel_sigreturn", "LINUX_2.5", type=NOTYPE)
# What small_catalog expects of i386 on 6.1 without CONFIG_VDSO_GETRANDOM.
I386_SYMBOLS = (CLOCK, GETCPU, SIGRETURN)
I386_CONFIG = "CONFIG_X86_32=y\n# CONFIG_VDSO_GETRANDOM is not set\n"

_MACHINES = {"EM_386": 3, "EM_BLACKFIN": 106, "EM_X86_64": 62}


def notes(release: str = "6.1", order: str = "<") -> tuple[tuple[str, int, bytes], ...]:
    """What a kernel's image has: the release, as LINUX_VERSION_CODE, and a build ID."""
    major, minor, *patch = map(int, release.split("."))
    code = struct.pack(f"{order}I", major << 16 | minor << 8 | (patch or [0])[0])
    return ("Linux", 0, code), ("GNU", 3, bytes(20))


def i386_image(symbols: Iterable[Symbol] = I386_SYMBOLS, soname: str | None = "linux-gate.so.1", **more: Any) -> bytes:
    """A 32-bit little-endian image that exports these symbols; `more` replaces fields of its ImageSpec."""
    more = {"notes": notes(), "unwind": (FrameRow(CLOCK.value, CLOCK.value + CLOCK.size),)} | more
    spec = ImageSpec(
        symbols=tuple(symbols),
        versions=(("LINUX_2.6", ()), ("LINUX_2.5", ()), ("LINUX_9.9", ())),
        elf_class=32,
        machine=3,
        soname=soname,
        **more,
    )
    return build_image(spec).data


def i386_capture(image: bytes | None, *, release: str = "6.1.0-50-686", **more: Any) -> Capture:
    """What booting a 32-bit x86 kernel would have captured; `more` replaces fields of the ABI's record."""
    record: dict[str, Any] = {
        "outcome": "complete",
        "machine": 3,
        "elf_class": 32,
        "page_size": 4096,
        "uname": {"sysname": "Linux", "release": release},
        "auxv": ((33, 0xB7F00000),),
        "mappings": ("b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]",),
        "address": 0xB7F00000 if image is not None else None,
        "image": image,
    } | more
    return Capture(
        provenance=Provenance(
            source="test-kernel",
            date="2026-01-02T03:04:05+00:00",
            provider="linux",
            kernel_arch="x86",
            kernel_bits=32,
            command=("qemu-system-i386", "-M", "pc"),
            probes={"i386-le": "0" * 64},
        ),
        abis=(AbiCapture("i386", "little", **record),),
        config=I386_CONFIG,
    )


def write_vmlinux(
    path: Path, machine: str = "EM_386", release: str = "6.1.0-50-686", images: Iterable[bytes] = ()
) -> Path:
    """Write what `vmlinux` makes; its path."""
    path.write_bytes(vmlinux(machine, release, images))
    return path


def vmlinux(machine: str = "EM_386", release: str = "6.1.0-50-686", images: Iterable[bytes] = ()) -> bytes:
    """An ELF file with one loaded segment: the banner by which a vmlinux is told from other programs, and images."""
    banner = f"Linux version {release} (nobody@nowhere) #1 SMP\n\0".encode()
    carried = b"".join(image + bytes(-len(image) % 4096) for image in images)
    wide = machine == "EM_X86_64"
    header_size, entry_size = (64, 56) if wide else (52, 32)
    start = header_size + entry_size
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH",
        *(2, _MACHINES[machine], 1, 0x100000, header_size, 0, 0, header_size, entry_size, 1, 0, 0, 0),
    )
    size = len(banner) + 4096 + len(carried)
    if wide:
        segment = struct.pack("<IIQQQQQQ", 1, 5, start, 0x100000, 0x100000, size, size, 0x1000)
    else:
        segment = struct.pack("<IIIIIIII", 1, start, 0x100000, 0x100000, size, size, 5, 0x1000)
    return header + segment + banner + bytes(4096) + carried
