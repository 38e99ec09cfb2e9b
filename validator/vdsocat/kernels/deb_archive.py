"""The files in a Debian package (.deb), streamed: nothing is unpacked to a path that the package chooses."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vdsocat.kernels.decompression import DICTIONARY_LIMIT
from vdsocat.kernels.download import VerificationError

_CHUNK = 1 << 20
_CONTROL_LIMIT = 1 << 20
# What the decompressors and the reader of tar archives raise for damaged data, ArError aside.
_DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class PackageControl:
    """The fields of a package's control file, and the MD5 digests of its files by path, where it lists them."""

    fields: Mapping[str, str]
    md5sums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DebMember:
    """A regular file of a package: its path without leading "./", its size in bytes, and its content, readable once.

    `package` is what errors call the package.
    """

    path: str
    size: int
    content: IO[bytes]
    package: str

    def write_to(self, destination: Path, limit: int) -> None:
        """Copy the content; VerificationError when it has more than `limit` bytes, or the package is damaged there."""
        if self.size > limit:
            raise VerificationError(f"The package's file {self.path} has {self.size} bytes; {limit} are allowed.")
        with destination.open("wb") as file:
            while chunk := self.read(_CHUNK):
                file.write(chunk)

    def read(self, size: int) -> bytes:
        """Up to so many bytes more of the content; VerificationError when the package is damaged there."""
        try:
            return self.content.read(size)
        except _DAMAGE as error:
            raise _unsound(self.package, error) from None


def read_control(path: Path, what: str) -> PackageControl:
    """What a package says of itself; VerificationError when it is no sound package."""
    from debian.deb822 import Deb822

    texts = {
        member.path: member.read(_CONTROL_LIMIT)
        for member in read_deb(path, what, "control.tar")
        if member.path in ("control", "md5sums")
    }
    if "control" not in texts:
        raise VerificationError(f"{what} is no sound Debian package (it has no control file).")
    lines = texts.get("md5sums", b"").decode("utf-8", "replace").splitlines()
    digests = (line.split(maxsplit=1) for line in lines)
    return PackageControl(dict(Deb822(texts["control"])), {one[1]: one[0] for one in digests if len(one) == 2})


def read_deb(path: Path, what: str, part: str = "data.tar") -> Iterator[DebMember]:
    """The regular files of the package at `path`, in its order (links and directories are left out).

    Reading may stop at any member. Each member's content must be read before the next is asked for.
    VerificationError, naming the package as `what`, when it is no sound package. Format: deb(5).
    """
    from debian.arfile import ArError, ArFile

    try:
        data = next((member for member in ArFile(str(path)).getmembers() if member.name.startswith(part)), None)
        if data is None:
            raise VerificationError(f"{what} is no Debian package: it has no {part}.")
        with tarfile.open(fileobj=_decompressed(data, data.name.removeprefix(part), what), mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    yield DebMember(entry.name.removeprefix("./"), entry.size, content, what)
    except (ArError, *_DAMAGE) as error:
        raise _unsound(what, error) from None


def _unsound(what: str, error: Exception) -> Exception:
    """What to raise: the error itself where it is the system's, of a disk that is full."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return VerificationError(f"{what} is no sound Debian package ({error}).")


class _ZstdStream(io.RawIOBase):
    """Zstandard's reader, with errors as the other decompressors have them."""

    def __init__(self, member: Any) -> None:
        import zstandard

        self._reader = zstandard.ZstdDecompressor().stream_reader(member, read_across_frames=True)
        self._error = zstandard.ZstdError

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._reader.read(len(buffer))
        except self._error as error:
            raise ValueError(str(error)) from None
        buffer[: len(data)] = data
        return len(data)


class _XzStream(io.RawIOBase):
    """Python's own reader of xz takes whatever memory a stream asks for; this one no more than a kernel's may."""

    def __init__(self, member: Any) -> None:
        self._member = member
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY_LIMIT)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._unpacker.eof:
            packed = self._member.read(_CHUNK) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not packed:
                raise EOFError("its xz data break off")
            data = self._unpacker.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decompressed(member: Any, suffix: str, what: str) -> IO[bytes]:
    if suffix == ".xz":
        return io.BufferedReader(_XzStream(member))
    if suffix == ".zst":
        return io.BufferedReader(_ZstdStream(member))
    if suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=member))
    if suffix == ".bz2":
        return bz2.open(member)
    if suffix == "":
        return member  # type: ignore[no-any-return]
    raise VerificationError(f"{what} is packed as {member.name}, which cannot be read.")
