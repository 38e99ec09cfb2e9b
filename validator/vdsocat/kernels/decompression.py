"""Unpacking compressed kernels piece by piece, with a limit on what comes out."""

from __future__ import annotations

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from importlib.util import find_spec
from itertools import islice
from mmap import MADV_DONTNEED, PAGESIZE, mmap
from typing import Protocol

from vdsocat.elf.layout import Buffer
from vdsocat.errors import InputError
from vdsocat.kernels.block_streams import LZ4_LEGACY_MAGIC, LZOP_MAGIC, unpack_lz4_legacy, unpack_lzop

UNPACKED_LIMIT = 512 << 20
STORED = "stored"
_PIECE = 1 << 20
DICTIONARY_LIMIT = 256 << 20  # scripts/xz_wrap.sh (v7.3) asks for 128 MiB, and nothing for more
_MOST_ATTEMPTS = 500
_ZSTD_INPUT = 1024  # a 4-byte block can unpack to 128 KiB, so input must be fed in small portions

# The magic numbers of the kernel's lib/decompress.c, with what surely follows them in streams that Kbuild writes
# (scripts/Makefile.lib, cmd_gzip … cmd_zstd; lzma is packed through a pipe, so its size field is all ones).
_MAGIC = {
    "gzip": rb"\x1f\x8b\x08[\x00-\x1f]",
    "bzip2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\x00",
    "lzma": rb"\x5d\x00\x00.{2}\xff{8}",
    "zstd": rb"\x28\xb5\x2f\xfd",
    "lzo": LZOP_MAGIC,
    # Kbuild writes the legacy format; U-Boot wants the frame format (doc/uImage.FIT, lib/lz4_wrapper.c)
    "lz4": LZ4_LEGACY_MAGIC + rb"|\x04\x22\x4d\x18",
}
# Some bytes that all of these begin with: they are found faster than what an expression matches.
_BEGINNINGS = {
    "gzip": (b"\x1f\x8b\x08",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "lzma": (b"\x5d\x00\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "lzo": (LZOP_MAGIC,),
    "lz4": (LZ4_LEGACY_MAGIC, b"\x04\x22\x4d\x18"),
}
_ANY_MAGIC = re.compile(b"|".join(b"(?P<%s>%s)" % (name.encode(), regex) for name, regex in _MAGIC.items()), re.DOTALL)
_LIBRARIES = {"lzo": "lzallright", "lz4": "lz4", "zstd": "zstandard"}


@dataclass(frozen=True, slots=True)
class Payload:
    """A compressed stream within a file: where it starts, where it must have ended, and what it is compressed with.

    `compression` is "gzip", "bzip2", "xz", "lzma", "zstd", "lzo", "lz4", or "stored" for bytes that are not compressed.
    """

    offset: int
    end: int
    compression: str


def compression_at(data: Buffer, offset: int) -> str | None:
    """The compression whose magic number is at this offset, or None."""
    match = _ANY_MAGIC.match(data, offset)
    return match.lastgroup if match else None


def unpack(data: Buffer, payload: Payload, subject: str, limit: int = UNPACKED_LIMIT) -> Iterator[bytes]:
    """Yield a payload's contents in pieces of at most a few MiB.

    Raises InputError naming `subject` when the stream is damaged, ends too early, is larger than `limit` bytes
    unpacked, or is of a kind for which the library is not installed.
    """
    total = 0
    try:
        for piece in _pieces(data, payload):
            total += len(piece)
            if total > limit:
                raise InputError(f"{subject} unpacks to more than {limit >> 20} MiB, which is no kernel")
            yield piece
    except EOFError:
        raise InputError(
            f"{subject} is truncated: its {payload.compression} data go on behind byte {payload.end:#x}"
        ) from None
    except ImportError:
        raise InputError(
            f"{subject} is compressed with {payload.compression}, which takes the Python package "
            f"{_LIBRARIES[payload.compression]}: pip install {_LIBRARIES[payload.compression]}"
        ) from None
    except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        raise InputError(f"{subject} is damaged: its {payload.compression} data do not unpack ({error})") from None


def join_unpacked(data: Buffer, payload: Payload, subject: str) -> bytearray:
    """A payload's contents in memory; errors as of `unpack`."""
    whole = bytearray()
    for piece in unpack(data, payload, subject):
        whole += piece
    return whole


def find_compressed(
    data: Buffer,
    at_least: int = 64 << 10,
    compressions: Iterable[str] = tuple(_MAGIC),
    before: int = sys.maxsize,
) -> Payload | None:
    """The first stream of one of the compressions that begins `before` an offset and unpacks to `at_least` bytes.

    Self-extracting kernels state nowhere portable where their payload is; scripts/extract-vmlinux searches, too.
    Without any, the first stream counts whose library is not installed.
    """
    not_unpacked = None
    marks = [mark for compression in compressions for mark in _BEGINNINGS[compression]]
    starts = merge(*(_occurrences(data, mark, min(before, len(data))) for mark in marks))
    streams = ((start, compression) for start in starts if (compression := compression_at(data, start)))
    for start, compression in islice(streams, _MOST_ATTEMPTS):
        payload = Payload(start, len(data), compression)
        if len(unpacked_beginning(data, payload, at_least)) >= at_least:
            return payload
        library = _LIBRARIES.get(payload.compression)
        if not_unpacked is None and library and find_spec(library) is None:
            not_unpacked = payload
    return not_unpacked


def _occurrences(data: Buffer, mark: bytes, end: int) -> Iterator[int]:
    start = data.find(mark, 0, end)
    while start >= 0:
        yield start
        start = data.find(mark, start + 1, end)


def unpacked_beginning(data: Buffer, payload: Payload, size: int) -> bytes:
    """Up to `size` bytes from the start of a payload: fewer where it ends or breaks, none if it cannot be unpacked."""
    beginning = b""
    try:
        for piece in unpack(data, payload, ""):
            beginning += piece
            if len(beginning) >= size:
                break
    except InputError:
        pass
    return beginning[:size]


def _pieces(data: Buffer, payload: Payload) -> Iterator[bytes]:
    match payload.compression:
        case "gzip":
            return _unpack_gzip(data, payload)
        case "zstd":
            return _unpack_zstd(data, payload)
        case "bzip2":
            return _unpack_stream(data, payload, bz2.BZ2Decompressor())
        case "lz4":
            return _unpack_lz4(data, payload)
        case "lzo":
            return unpack_lzop(data, payload.offset, payload.end)
        case "stored":
            return _portions(data, payload, _PIECE)
        case _:
            return _unpack_stream(data, payload, lzma.LZMADecompressor(memlimit=DICTIONARY_LIMIT))


def _portions(data: Buffer, payload: Payload, size: int) -> Iterator[bytes]:
    read = 0
    for start in range(payload.offset, payload.end, size):
        yield bytes(data[start : min(start + size, payload.end)])
        if isinstance(data, mmap) and start - read >= _PIECE:
            # What was read of a mapped file needs no memory any more.
            data.madvise(MADV_DONTNEED, read, (passed := start // PAGESIZE * PAGESIZE) - read)
            read = passed


def _unpack_gzip(data: Buffer, payload: Payload) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=31)
    for portion in _portions(data, payload, _PIECE):
        rest = portion
        while rest and not decompressor.eof:
            yield decompressor.decompress(rest, _PIECE)
            rest = decompressor.unconsumed_tail
        if decompressor.eof:
            return
    raise EOFError


class _StreamDecompressor(Protocol):
    """What the decompressors of bz2, lzma and lz4.frame have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _unpack_stream(data: Buffer, payload: Payload, decompressor: _StreamDecompressor) -> Iterator[bytes]:
    for portion in _portions(data, payload, _PIECE):
        yield decompressor.decompress(portion, _PIECE)
        while not decompressor.eof and not decompressor.needs_input:
            yield decompressor.decompress(b"", _PIECE)
        if decompressor.eof:
            return
    raise EOFError


def _unpack_lz4(data: Buffer, payload: Payload) -> Iterator[bytes]:
    if data[payload.offset : payload.offset + 4] == LZ4_LEGACY_MAGIC:
        yield from unpack_lz4_legacy(data, payload.offset, payload.end)
        return
    import lz4.frame

    try:
        yield from _unpack_stream(data, payload, lz4.frame.LZ4FrameDecompressor())
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def _unpack_zstd(data: Buffer, payload: Payload) -> Iterator[bytes]:
    import zstandard  # 30 ms, and only newer kernels need it

    decompressor = zstandard.ZstdDecompressor().decompressobj()
    for portion in _portions(data, payload, _ZSTD_INPUT):
        try:
            yield decompressor.decompress(portion)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None
        if decompressor.eof:
            return
    raise EOFError
