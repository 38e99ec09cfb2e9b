"""Console logs as a booted probe would leave them, written from the protocol's description alone."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

PRINTK = b"[    1.234567] random: crng init done\r\n"
PANIC = (
    b"[    2.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\r\n"
    b"[    2.000001] CPU: 0 PID: 1 Comm: init Not tainted\r\n"
    b"[    2.000002] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b ]---\r\n"
)


def frame(speaker: str, sequence: int, kind: str, *fields: object) -> bytes:
    """One line of the protocol with its CRC-32."""
    text = " ".join(["@vdsocat", speaker, str(sequence), kind, *map(str, fields)])
    return f"{text} {zlib.crc32(text.encode()):08x}\r\n".encode()


def base64_of(text: str) -> str:
    """A string as the protocol sends it."""
    return base64.b64encode(text.encode()).decode()


class Speaker:
    """Numbers the frames of one speaker."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def say(self, kind: str, *fields: object) -> bytes:
        """The next frame."""
        self.count += 1
        return frame(self.name, self.count - 1, kind, *fields)

    def end(self) -> bytes:
        """The last frame, which counts itself."""
        return self.say("end", self.count + 1)


def probe_lines(
    name: str = "i386-le",
    image: bytes | None = None,
    release: str = "6.1.0-50-686",
    machine: int = 3,
    elf_class: int = 32,
    endianness: str = "little",
    extra: Sequence[Sequence[object]] = (),
) -> list[bytes]:
    """The whole record of one probe, a line per frame; `extra` frames come before the last one."""
    speaker = Speaker(name)
    lines = [speaker.say("hello", machine, elf_class, endianness, 4096)]
    for field, text in (("sysname", "Linux"), ("release", release), ("version", "#1 SMP"), ("machine", "i686")):
        lines.append(speaker.say("uname", field, base64_of(text)))
    lines.append(speaker.say("auxv", 33, "0xb7f00000"))
    lines.append(speaker.say("map", base64_of("b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]")))
    if image is None:
        lines.append(speaker.say("vdso", "none"))
    else:
        lines.append(speaker.say("vdso", "0xb7f00000", len(image)))
        for start in range(0, len(image), 120):
            lines.append(speaker.say("data", start, base64.b64encode(image[start : start + 120]).decode()))
        lines.append(speaker.say("vdso-end", f"{zlib.crc32(image):08x}"))
    lines += [speaker.say(*(str(part) for part in one)) for one in extra]
    return [*lines, speaker.end()]


def boot_lines(
    image: bytes | None = None,
    release: str = "6.1.0-50-686",
    extra: Sequence[Sequence[object]] = (),
    costs: Sequence[bytes] = (),
) -> list[bytes]:
    """The console of a whole boot of the machine `i386`: supervisor, one probe, printk before and between.

    `costs` are the lines of the probe that measured them before.
    """
    init = Speaker("i386-le/init")
    return [
        b"Linux version " + release.encode() + b" (nobody@nowhere)\r\n",
        init.say("hello", 3, 32, "little", 4096),
        *costs,
        init.say("child", "i386-le", "started"),
        *probe_lines(image=image, release=release, extra=extra),
        PRINTK,
        init.say("child", "i386-le", "exit", 0),
        init.end(),
    ]
