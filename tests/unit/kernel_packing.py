"""What kernels are packed with, written from the formats' own descriptions: compressors, uImage and FIT."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import lz4.block
import lz4.frame
import zstandard
from lzallright import LZOCompressor

Tree: TypeAlias = Mapping[str, "bytes | str | int | Tree"]


def lz4_legacy(data: bytes) -> bytes:
    """As `lz4 -l` writes it: the magic number, then blocks of 8 MiB, each behind its size."""
    blocks = [
        lz4.block.compress(data[at : at + (8 << 20)], store_size=False, mode="high_compression")
        for at in range(0, len(data), 8 << 20)
    ]
    return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def lzop(data: bytes, *, flags: int = 0x1, version: int = 0x1040) -> bytes:
    """As lzop writes it: a header with a name, then blocks of 256 KiB with the checksums that `flags` say, then 0."""
    modern = version >= 0x0940
    header = struct.pack(">HH", version, 0x20A0) + (struct.pack(">H", 0x0940) if modern else b"") + b"\x03"
    header += (b"\x09" if modern else b"") + struct.pack(">I", flags) + (bytes(4) if flags & 0x800 else b"")
    header += bytes(12 if modern else 8) + b"\x04name" + bytes(4)
    if flags & 0x40:
        header += struct.pack(">I", 5) + b"extra" + bytes(4)
    out = b"\x89LZO\x00\x0d\x0a\x1a\x0a" + header
    for at in range(0, len(data), 256 << 10):
        block = data[at : at + (256 << 10)]
        packed = LZOCompressor().compress(block)
        packed = packed if len(packed) < len(block) else block
        out += struct.pack(">II", len(block), len(packed))
        out += struct.pack(">I", zlib.adler32(block)) if flags & 0x1 else b""
        out += struct.pack(">I", zlib.crc32(block)) if flags & 0x100 else b""
        if len(packed) < len(block):
            out += bytes(4 * bool(flags & 0x2) + 4 * bool(flags & 0x200))
        out += packed
    return out + bytes(4)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),  # the same in every second
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lz4_legacy,
    "lzo": lzop,
}


def lz4_frame(data: bytes) -> bytes:
    """LZ4's frame format, as U-Boot wants it."""
    framed: bytes = lz4.frame.compress(data, content_checksum=True)
    return framed


def uimage(inner: bytes, *, packing: int = 0, system: int = 5, kind: int = 2) -> bytes:
    """A legacy uImage with its two checksums."""
    head = struct.pack(">IIIIIII", 0x27051956, 0, 0, len(inner), 0, 0, zlib.crc32(inner))
    head += bytes([system, 2, kind, packing]) + b"Linux-6.1".ljust(32, b"\0")
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + inner


def devicetree(tree: Tree) -> bytes:
    """A devicetree blob (version 17) of nested mappings: a mapping is a node, all else a property."""
    strings = bytearray()

    def node(name: str, content: Tree) -> bytes:
        out = struct.pack(">I", 1) + _padded(name.encode() + b"\0")
        for key, value in content.items():
            if isinstance(value, Mapping):
                out += node(key, value)
                continue
            data = value.encode() + b"\0" if isinstance(value, str) else value
            data = struct.pack(">I", data) if isinstance(data, int) else data
            out += struct.pack(">III", 3, len(data), len(strings)) + _padded(data)
            strings.extend(key.encode() + b"\0")
        return out + struct.pack(">I", 2)

    structure = node("", tree) + struct.pack(">I", 9)
    start = 40 + 16
    behind = start + len(structure)
    fields = (0xD00DFEED, behind + len(strings), start, behind, 40, 17, 16, 0, len(strings), len(structure))
    return struct.pack(">10I", *fields) + bytes(16) + structure + bytes(strings)


def fit(kernel: bytes, *, compression: str = "none", behind: bool = False, **more: bytes | str | int | Tree) -> bytes:
    """A FIT image with one kernel, its data within the blob or `behind` it; `more` replaces properties of its node."""
    place: Tree = {"data-offset": 8, "data-size": len(kernel)} if behind else {"data": kernel}
    node: dict[str, bytes | str | int | Tree] = {
        "type": "kernel", "arch": "arm64", "os": "linux", "compression": compression, **place,
        "hash-1": {"algo": "crc32", "value": zlib.crc32(kernel)},
        "hash-2": {"algo": "sha256", "value": _sha256(kernel)},
        "hash-3": {"algo": "of tomorrow", "value": b"unknown"},
    }  # fmt: skip
    blob = devicetree(
        {
            "description": "a kernel",
            "images": {
                "fdt-1": {"type": "flat_dt", "data": b"no kernel"},
                "other": {"type": "kernel", "os": "linux", "compression": "none", "data": b"not the default"},
                "kernel-1": node | more,
            },
            "configurations": {
                "default": "conf-2",
                "conf-1": {"kernel": "other"},
                "conf-2": {"kernel": "kernel-1", "fdt": "fdt-1"},
            },
        }
    )
    return _padded(blob) + bytes(8) + kernel if behind else blob


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _sha256(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()
