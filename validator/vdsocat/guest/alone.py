"""Instructions of a kernel that QEMU must translate one by one, for it ends at them where it counts instructions.

QEMU makes blocks of one instruction in a page of the guest's memory where a breakpoint of gdb's is, wherever in the
page (check_for_breakpoints_slow in accel/tcg/cpu-exec.c): one at which no instruction begins stops nothing. And the
commands of gdb's remote protocol may come from a file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from vdsocat.guest.machines import LoneInstruction

_SIZE = 4
# The smallest that QEMU has for a machine of 64 bits (TARGET_PAGE_BITS in target/*/cpu-param.h).
_PAGE = 4096
# Before the file of commands in a word of QEMU's command line.
INPUT = "input-path="


def write_commands(kernel: Path, instruction: LoneInstruction, endianness: str) -> bytes:
    """What a gdb would say: a breakpoint in each page with such instructions, and that the guest may run."""
    # One for each page is enough: QEMU goes through all at every block that it looks for.
    pages = {address // _PAGE: address for address in _addresses(kernel, instruction, endianness)}
    packets = [f"Z1,{address + 1:x},{_SIZE}" for address in pages.values()]
    return "+".join(f"${packet}#{sum(packet.encode()) % 256:02x}" for packet in [*packets, "c"]).encode()


def gdb_options(commands: Path) -> list[str]:
    """How QEMU is told to follow a file of commands; a comma in a name is doubled (qemu-options.hx, -chardev)."""
    name = str(commands).replace(",", ",,")
    return ["-S", "-chardev", f"file,id=gdb,path=/dev/null,{INPUT}{name}", "-gdb", "chardev:gdb"]


def _addresses(kernel: Path, instruction: LoneInstruction, endianness: str) -> Iterator[int]:
    for start, code in _code(kernel, instruction.start):
        yield from (start + offset for offset in _offsets(code, instruction, endianness))


def _code(kernel: Path, start: int) -> Iterable[tuple[int, bytes]]:
    with kernel.open("rb") as file:
        try:
            segments = list(ELFFile(file).iter_segments("PT_LOAD"))
            return [(segment["p_vaddr"], segment.data()) for segment in segments if segment["p_flags"] & 1]
        except ELFError:
            file.seek(0)
            return [(start, file.read())]


def _offsets(code: bytes, instruction: LoneInstruction, endianness: str) -> Iterator[int]:
    code_of = struct.Struct("<I" if endianness == "little" else ">I").pack
    pairs = list(zip(code_of(instruction.word), code_of(instruction.mask), strict=True))
    # Bytes of which nothing is known would only slow down the search.
    known = [index for index, (_, mask) in enumerate(pairs) if mask]
    classes = (_byte_class(*pairs[index]) for index in range(known[0], known[-1] + 1))
    for match in re.finditer(b"(?=" + b"".join(classes) + b")", code, re.DOTALL):
        offset = match.start() - known[0]
        if offset >= 0 and offset % _SIZE == 0:
            yield offset


def _byte_class(word: int, mask: int) -> bytes:
    return b"[" + b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & mask == word & mask) + b"]"
