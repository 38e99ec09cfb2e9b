"""Unpacking compressed kernels piece by piece, with a limit on what comes out."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from vdsocat.errors import InputError

UNPACKED_LIMIT = 512 << 20
_PIECE = 1 << 20
_ZSTD_INPUT = 1024  # a 4-byte block can unpack to 128 KiB, so input must be fed in small portions

# The magic numbers of the kernel's lib/decompress.c, with what surely follows them in streams that Kbuild writes
# (scripts/Makefile.lib, cmd_gzip … cmd_zstd; lzma is packed through a pipe, so its size field is all ones).
_MAGIC = {
    "gzip": rb"\x1f\x8b\x08[\x00-\x1f]",
    "bzip2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\x00",
    "lzma": rb"\x5d\x00\x00.{2}\xff{8}",
    "zstd": rb"\x28\xb5\x2f\xfd",
    "lzo": rb"\x89LZO\x00\x0d\x0a\x1a\x0a",
    "lz4": rb"\x02\x21\x4c\x18",
}
_ANY_MAGIC = re.compile(b"|".join(b"(?P<%s>%s)" % (name.encode(), regex) for name, regex in _MAGIC.items()), re.DOTALL)
_NOT_UNPACKED = {"lzo", "lz4"}


@dataclass(frozen=True, slots=True)
class Payload:
    """A compressed stream within a file: where it starts, where it must have ended, and what it is compressed with.

    `compression` is "gzip", "bzip2", "xz", "lzma", "zstd", "lzo" or "lz4".
    """

    offset: int
    end: int
    compression: str


def compression_at(data: bytes | mmap, offset: int) -> str | None:
    """The compression whose magic number is at this offset, or None."""
    match = _ANY_MAGIC.match(data, offset)
    return match.lastgroup if match else None


def unpack(data: bytes | mmap, payload: Payload, subject: str, limit: int = UNPACKED_LIMIT) -> Iterator[bytes]:
    """Yield a payload's contents in pieces of at most a few MiB.

    Raises InputError naming `subject` when the stream is damaged, ends too early, is larger than `limit` bytes
    unpacked, or is compressed with LZO or LZ4, for which Python has nothing.
    """
    if payload.compression in _NOT_UNPACKED:
        raise InputError(
            f"{subject} is compressed with {payload.compression}, which vdsocat does not unpack: "
            f"give the kernel's vmlinux instead"
        )
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
    except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        raise InputError(f"{subject} is damaged: its {payload.compression} data do not unpack ({error})") from None


def find_compressed(data: bytes | mmap, at_least: int = 64 << 10) -> Payload | None:
    """The first compressed stream anywhere in `data` that unpacks to `at_least` bytes.

    Self-extracting kernels state nowhere portable where their payload is; scripts/extract-vmlinux searches, too.
    Without any, the first magic number of LZ4 or LZO counts, which any kernel may also hold as a constant.
    """
    not_unpacked = None
    for match in _ANY_MAGIC.finditer(data):
        payload = Payload(match.start(), len(data), match.lastgroup or "")
        if payload.compression in _NOT_UNPACKED:
            not_unpacked = not_unpacked or payload
        elif len(unpacked_beginning(data, payload, at_least)) >= at_least:
            return payload
    return not_unpacked


def unpacked_beginning(data: bytes | mmap, payload: Payload, size: int) -> bytes:
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


def _pieces(data: bytes | mmap, payload: Payload) -> Iterator[bytes]:
    match payload.compression:
        case "gzip":
            return _unpack_gzip(data, payload)
        case "zstd":
            return _unpack_zstd(data, payload)
        case "bzip2":
            return _unpack_stream(data, payload, bz2.BZ2Decompressor())
        case _:
            return _unpack_stream(data, payload, lzma.LZMADecompressor())


def _portions(data: bytes | mmap, payload: Payload, size: int) -> Iterator[bytes]:
    for start in range(payload.offset, payload.end, size):
        yield data[start : min(start + size, payload.end)]


def _unpack_gzip(data: bytes | mmap, payload: Payload) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=31)
    for portion in _portions(data, payload, _PIECE):
        rest = portion
        while rest and not decompressor.eof:
            yield decompressor.decompress(rest, _PIECE)
            rest = decompressor.unconsumed_tail
        if decompressor.eof:
            return
    raise EOFError


def _unpack_stream(
    data: bytes | mmap, payload: Payload, decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor
) -> Iterator[bytes]:
    for portion in _portions(data, payload, _PIECE):
        yield decompressor.decompress(portion, _PIECE)
        while not decompressor.eof and not decompressor.needs_input:
            yield decompressor.decompress(b"", _PIECE)
        if decompressor.eof:
            return
    raise EOFError


def _unpack_zstd(data: bytes | mmap, payload: Payload) -> Iterator[bytes]:
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
