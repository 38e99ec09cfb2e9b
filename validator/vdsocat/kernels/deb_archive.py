"""The files in a Debian package (.deb), streamed: nothing is unpacked to a path that the package chooses."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vdsocat.kernels.download import VerificationError

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DebMember:
    """A regular file of a package: its path without leading "./", its size in bytes, and its content, readable once."""

    path: str
    size: int
    content: IO[bytes]

    def write_to(self, destination: Path, limit: int) -> None:
        """Copy the content; VerificationError when it has more than `limit` bytes."""
        if self.size > limit:
            raise VerificationError(f"The package's file {self.path} has {self.size} bytes; {limit} are allowed.")
        with destination.open("wb") as file:
            while chunk := self.content.read(_CHUNK):
                file.write(chunk)


def read_deb(path: Path, what: str) -> Iterator[DebMember]:
    """The regular files of the package at `path`, in its order (links and directories are left out).

    Reading may stop at any member. Each member's content must be read before the next is asked for.
    VerificationError, naming the package as `what`, when it is no sound package. Format: deb(5).
    """
    from debian.arfile import ArError, ArFile

    try:
        data = next((member for member in ArFile(str(path)).getmembers() if member.name.startswith("data.tar")), None)
        if data is None:
            raise VerificationError(f"{what} is no Debian package: it has no data.tar.")
        with tarfile.open(fileobj=_decompressed(data, what), mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    yield DebMember(entry.name.removeprefix("./"), entry.size, content)
    except (ArError, tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise VerificationError(f"{what} is no sound Debian package ({error}).") from None


def _decompressed(member: Any, what: str) -> IO[bytes]:
    suffix = member.name.removeprefix("data.tar")
    if suffix == ".xz":
        return lzma.open(member)
    if suffix == ".zst":
        import zstandard

        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(member, read_across_frames=True))
    if suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=member))
    if suffix == ".bz2":
        return bz2.open(member)
    if suffix == "":
        return member  # type: ignore[no-any-return]
    raise VerificationError(f"{what} is packed as data.tar{suffix}, which cannot be read.")
