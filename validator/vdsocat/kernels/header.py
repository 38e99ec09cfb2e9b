"""What the header of a kernel image says, and the bytes that it is read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vdsocat.elf.layout import Buffer, Endianness
from vdsocat.errors import InputError
from vdsocat.kernels.decompression import Payload, find_compressed, unpack

_BANNER_START = b"Linux version "
_BANNER = re.compile(rb"Linux version (\d+\.\d+[^\s\x00]{0,200}) \(")  # init/version.c, linux_banner
_BANNER_LENGTH = 256
BEGINNING = 1 << 20


@dataclass(frozen=True, slots=True)
class KernelHeader:
    """What an image's own headers say; `payload` is the kernel inside, where its place is known.

    `is_wrapped` says that what unpacks from the payload is a kernel image with a header of its own, whose arch, bits,
    endianness and release these are.
    """

    format: str
    arch: str
    bits: int
    endianness: Endianness
    release: str | None = None
    payload: Payload | None = None
    is_wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's bytes, or just their beginning when they come out of a decompressor (`complete` is False).

    `depth` counts the files that they are packed in.
    """

    data: Buffer
    subject: str
    complete: bool = True
    depth: int = 0

    def number(self, size: Literal[1, 2, 4, 8], offset: int, endianness: Endianness = "little") -> int:
        """The unsigned integer at an offset; InputError if the file ends before it does."""
        self.require(offset + size, "its header")
        return int.from_bytes(self.data[offset : offset + size], endianness)

    def require(self, end: int, what: str) -> None:
        """InputError if the file is shorter than `end` bytes (not checked for a mere beginning)."""
        if end > len(self.data) and (self.complete or end < BEGINNING):
            raise InputError(
                f"{self.subject} is truncated: {what} ends at byte {end}, but the file has {len(self.data)}"
            )

    def release(self) -> str | None:
        """The release in the "Linux version" banner of an unpacked kernel."""
        return find_release(self.data)

    def required_release(self) -> str | None:
        """The release in the banner, which every whole unpacked kernel has; None for a mere beginning."""
        if not self.complete:
            return None
        release = self.release()
        if release is None:
            raise InputError(f'{self.subject} holds no "Linux version" text: it is truncated or no Linux kernel')
        return release


def find_release(data: Buffer) -> str | None:
    """The release of the first "Linux version" banner in unpacked data, or None."""
    match = _find_banner(data)
    return match[1].decode(errors="replace") if match else None


def packed_before_banner(data: Buffer) -> Payload | None:
    """The stream of LZ4 or LZO that begins before the first banner, which shows through such compression; or None."""
    match = _find_banner(data)
    return find_compressed(data, compressions=("lz4", "lzo"), before=match.start()) if match else None


def _find_banner(data: Buffer) -> re.Match[bytes] | None:
    at = data.find(_BANNER_START)
    while at >= 0:
        if match := _BANNER.match(data, at):
            return match
        at = data.find(_BANNER_START, at + 1)
    return None


def find_release_in_payload(data: Buffer, payload: Payload, subject: str) -> str | None:
    """The release in the banner of a compressed kernel; InputError if it does not unpack up to there."""
    window = b""
    for piece in unpack(data, payload, subject):
        window = window[-_BANNER_LENGTH:] + piece
        release = find_release(window)
        if release is not None:
            return release
    return None
