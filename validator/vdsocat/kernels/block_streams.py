"""LZ4's legacy format and lzop's, in which Kbuild packs kernels: chains of blocks that no library walks along."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from vdsocat.elf.layout import Buffer

LZ4_LEGACY_MAGIC = b"\x02\x21\x4c\x18"
LZOP_MAGIC = b"\x89LZO\x00\x0d\x0a\x1a\x0a"
_LZ4_BLOCK = 8 << 20  # LZ4_DEFAULT_UNCOMPRESSED_CHUNK_SIZE of lib/decompress_unlz4.c (v7.3)
_LZO_BLOCK = 256 << 10  # LZO_BLOCK_SIZE of lib/decompress_unlzo.c (v7.3)


def unpack_lz4_legacy(data: Buffer, offset: int, end: int) -> Iterator[bytes]:
    """The blocks of a legacy stream (lz4 -l) at `offset`, unpacked: at most 8 MiB each.

    Nothing marks the end but a block that is not full, or what Kbuild puts behind it, the unpacked size.
    EOFError when the stream goes on behind `end`, ValueError when it is damaged, ImportError without the library.
    """
    import lz4.block

    offset += len(LZ4_LEGACY_MAGIC)
    full, total = True, 0
    while end - offset > 4:
        size = int.from_bytes(data[offset : offset + 4], "little")
        if data[offset : offset + 4] == LZ4_LEGACY_MAGIC:
            full, offset = True, offset + 4
            continue
        if not full or size in (0, total):
            return
        offset += 4
        if size > end - offset:
            raise EOFError
        try:
            block = lz4.block.decompress(data[offset : offset + size], uncompressed_size=_LZ4_BLOCK)
        except lz4.block.LZ4BlockError as error:
            raise ValueError(str(error)) from None
        yield block
        full = len(block) == _LZ4_BLOCK
        total += len(block)
        offset += size


def unpack_lzop(data: Buffer, offset: int, end: int) -> Iterator[bytes]:
    """The blocks of an lzop stream at `offset`, unpacked: at most 256 KiB each; errors as of unpack_lz4_legacy."""
    from lzallright import LZOCompressor, LZOError

    reader = _Reader(data, offset + len(LZOP_MAGIC), end)
    flags = _read_lzop_header(reader)
    while unpacked_size := reader.number(4):
        size = reader.number(4)
        if unpacked_size > _LZO_BLOCK or not 0 < size <= unpacked_size:
            raise ValueError(f"a block says that {size} bytes unpack to {unpacked_size}")
        # lzop.h: F_ADLER32_D, F_CRC32_D of what is unpacked; F_ADLER32_C, F_CRC32_C of a block that is compressed
        adler = reader.number(4) if flags & 0x1 else None
        crc = reader.number(4) if flags & 0x100 else None
        if size < unpacked_size:
            reader.skip(4 * bool(flags & 0x2) + 4 * bool(flags & 0x200))
        block = reader.take(size)
        if size < unpacked_size:
            try:
                block = LZOCompressor.decompress(block, unpacked_size)
            except LZOError as error:
                raise ValueError(str(error)) from None
        if len(block) != unpacked_size:
            raise ValueError(f"a block of {unpacked_size} bytes unpacks to {len(block)}")
        if (adler is not None and zlib.adler32(block) != adler) or (crc is not None and zlib.crc32(block) != crc):
            raise ValueError("the checksum of a block is wrong")
        yield block


def _read_lzop_header(reader: _Reader) -> int:
    """Step over the header, as p_header() of lzop.c (lzop 1.04) does; its flags."""
    version = reader.number(2)
    reader.skip(6 if version >= 0x0940 else 3)
    flags = reader.number(4)
    reader.skip((4 if flags & 0x800 else 0) + (12 if version >= 0x0940 else 8))
    reader.skip(reader.number(1) + 4)
    if flags & 0x40:  # F_H_EXTRA_FIELD
        reader.skip(reader.number(4) + 4)
    return flags


class _Reader:
    """Big-endian numbers and bytes one after the other; EOFError where they end too early."""

    def __init__(self, data: Buffer, offset: int, end: int) -> None:
        self._data, self._offset, self._end = data, offset, end

    def take(self, size: int) -> bytes:
        start = self._offset
        self.skip(size)
        return bytes(self._data[start : start + size])

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def skip(self, size: int) -> None:
        if size > self._end - self._offset:
            raise EOFError
        self._offset += size
