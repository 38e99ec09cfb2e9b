"""Instructions that QEMU must translate alone: found in kernels of both kinds, and told as gdb would."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from vdsocat.guest.alone import gdb_options, write_commands
from vdsocat.guest.machines import LoneInstruction

# The upper half of the word is known.
HALF = LoneInstruction(0xCAFE0000, 0xFFFF0000, start=0x9000)
# Of all bytes but the first some bits are.
BITS = LoneInstruction(0x06481800, 0x0FFFFC00)
NOP = b"\x12\x34\x56\x78"


def packets(commands: bytes) -> list[str]:
    """The payloads of packets whose sums are right (gdb's manual, "Overview" of the remote protocol)."""
    found = []
    for one in commands.decode().split("+"):
        payload, _, total = one.removeprefix("$").partition("#")
        assert one.startswith("$")
        assert int(total, 16) == sum(map(ord, payload)) % 256
        found.append(payload)
    return found


def raw(tmp_path: Path, *words: bytes) -> Path:
    path = tmp_path / "kernel"
    path.write_bytes(b"".join(words))
    return path


def elf(tmp_path: Path, *segments: tuple[int, int, bytes]) -> Path:
    """A 64-bit big-endian ELF file of segments: type PT_LOAD, flags, address and bytes."""
    table = 64 + 56 * len(segments)
    ident = b"\x7fELF" + bytes([2, 2, 1]) + bytes(9)
    head = ident + struct.pack(">HHIQQQIHHHHHH", 2, 43, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    rows, data = b"", b""
    for flags, address, code in segments:
        at = table + len(data)
        rows += struct.pack(">IIQQQQQQ", 1, flags, at, address, address, len(code), len(code), 4)
        data += code
    return raw(tmp_path, head, rows, data)


def test_a_breakpoint_lies_behind_the_beginning_of_one_in_each_page(tmp_path: Path) -> None:
    kernel = raw(tmp_path, NOP, b"\xca\xfe\x00\x01", NOP, b"\xca\xfe\xff\xff", bytes(4096), b"\xca\xfe\xff\xff")
    assert packets(write_commands(kernel, HALF, "big")) == ["Z1,900d,4", "Z1,a011,4", "c"]


def test_the_byte_order_of_the_kernel_decides(tmp_path: Path) -> None:
    kernel = raw(tmp_path, NOP, b"\x01\x00\xfe\xca", b"\xca\xfe\x00\x01")
    assert packets(write_commands(kernel, HALF, "little")) == ["Z1,9005,4", "c"]


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_what_lies_across_instructions_is_none(tmp_path: Path, shift: int) -> None:
    kernel = raw(tmp_path, bytes(shift), b"\xca\xfe\x00\x01", bytes(4 - shift))
    assert packets(write_commands(kernel, HALF, "big")) == ["c"]


def test_bits_of_a_byte_are_told_apart(tmp_path: Path) -> None:
    for word, found in (
        (0x06481800, True),
        (0x064818A4, True),
        (0x06481BFF, True),
        (0xF6481800, True),
        (0x06481C00, False),
        (0x06481400, False),
    ):
        kernel = raw(tmp_path, struct.pack("<I", word))
        assert packets(write_commands(kernel, BITS, "little")) == (["Z1,1,4", "c"] if found else ["c"])


def test_of_an_elf_file_code_alone_is_searched_where_it_is_loaded(tmp_path: Path) -> None:
    code = NOP + b"\xca\xfe\x00\x01"
    kernel = elf(tmp_path, (5, 0xFFFFFFFF00400000, code), (6, 0x500000, code))
    assert packets(write_commands(kernel, HALF, "big")) == ["Z1,ffffffff00400005,4", "c"]


def test_a_comma_in_a_name_is_doubled() -> None:
    assert gdb_options(Path("/a,b/c"))[2] == "file,id=gdb,path=/dev/null,input-path=/a,,b/c"
