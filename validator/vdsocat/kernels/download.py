"""Fetching a URL into a file: retried, bounded in size, and checked against the hash that was promised."""

from __future__ import annotations

import hashlib
import http.client
import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vdsocat import __version__
from vdsocat.errors import InputError, RunError

_CHUNK = 1 << 18
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_SILENT_SECONDS = 2.0


class FetchError(RunError):
    """Something could not be fetched over the network."""


class NotFoundError(FetchError):
    """The server says that there is no such file."""


class VerificationError(RunError):
    """What was fetched is not what was promised."""


@dataclass(frozen=True, slots=True)
class Download:
    """One file to fetch: `what` is its name in messages, `limit` the size in bytes beyond which it is refused.

    `size` (bytes) and `sha256` (hex) are what it must have, where known.
    """

    url: str
    what: str
    limit: int
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Downloader:
    """How to fetch: `timeout` in seconds for each answer of the server, `pauses` in seconds between the attempts."""

    timeout: float = 30.0
    pauses: tuple[float, ...] = (1.0, 3.0, 9.0)
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, download: Download, destination: Path, progress: Callable[[str], None]) -> None:
        """Write the file to `destination`.

        NotFoundError when the server has no such file, FetchError when it cannot be fetched for any other reason,
        VerificationError when its size or hash is wrong, RunError when the disk does not take it. After any of them the
        content of `destination` is not to be used.
        """
        with destination.open("wb", buffering=0) as file:
            for pause in (*self.pauses, None):
                try:
                    return self._attempt(download, file, progress)
                except _WriteError as error:
                    reason = error.cause.strerror or error.cause
                    raise RunError(f"{download.what} could not be written to {destination} ({reason}).") from None
                except (OSError, http.client.HTTPException) as error:
                    if isinstance(error, urllib.error.HTTPError):
                        _refuse_final_status(error, download)
                    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, FileNotFoundError):
                        raise NotFoundError(f"{download.what} is not at {download.url}.") from None
                    if pause is None:
                        raise FetchError(
                            f"{download.what} could not be fetched from {download.url} "
                            f"({len(self.pauses) + 1} attempts; the last one failed with: {_reason(error)})."
                        ) from None
                    progress(f"{download.what}: {_reason(error)}; trying again in {pause:.0f} s")
                    self.sleep(pause)
        raise AssertionError("unreachable")

    def _attempt(self, download: Download, file: io.FileIO, progress: Callable[[str], None]) -> None:
        digest = hashlib.sha256()
        received = 0
        talked = time.monotonic()
        _write(file, None)
        with urllib.request.urlopen(_request(download.url), timeout=self.timeout) as answer:
            announced = answer.headers.get("Content-Length")
            expected = int(announced) if announced and announced.isdecimal() else download.size
            while chunk := answer.read(_CHUNK):
                received += len(chunk)
                if received > (download.limit if download.size is None else download.size):
                    raise VerificationError(f"{download.what} from {download.url} is larger than it may be.")
                digest.update(chunk)
                _write(file, chunk)
                if time.monotonic() - talked > _SILENT_SECONDS:
                    talked = time.monotonic()
                    progress(f"{download.what}: {_share(received, expected)}")
        if expected is not None and received < expected:
            raise http.client.IncompleteRead(b"", expected - received)
        if download.size is not None and received != download.size:
            raise VerificationError(
                f"{download.what} from {download.url} has {received} bytes where the index promises {download.size}."
            )
        if download.sha256 is not None and digest.hexdigest() != download.sha256:
            raise VerificationError(
                f"{download.what} from {download.url} does not have the SHA-256 that the index promises "
                f"({digest.hexdigest()} in place of {download.sha256}); it was thrown away."
            )


def megabytes(size: int) -> str:
    """A size in bytes as people read it: 14.1 MB, 12 kB."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size, 1000) / 1e3:.0f} kB"


class _WriteError(Exception):
    """The disk, not the network: no reason to try again."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _write(file: io.FileIO, chunk: bytes | None) -> None:
    """Append a chunk; None empties the file for a new attempt."""
    try:
        if chunk is not None:
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]
        elif file.tell():
            file.seek(0)
            file.truncate()
    except OSError as error:
        raise _WriteError(error) from None


def _request(url: str) -> urllib.request.Request:
    try:
        return urllib.request.Request(url, headers={"User-Agent": f"vdsocat/{__version__}"})
    except ValueError:
        raise InputError(f"{url!r} is no URL such as http://mirror.example/debian.") from None


def _share(received: int, expected: int | None) -> str:
    if not expected:
        return megabytes(received)
    return f"{megabytes(received)} of {megabytes(expected)} ({100 * received // expected} %)"


def _refuse_final_status(error: urllib.error.HTTPError, download: Download) -> None:
    error.close()
    if error.code in (404, 410):
        raise NotFoundError(f"{download.what} is not at {download.url} (HTTP status {error.code}).") from None
    if error.code not in _RETRIED_STATUS:
        raise FetchError(
            f"{download.what} could not be fetched: {download.url} answers with HTTP status {error.code}."
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended early"
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, urllib.error.URLError):
        return _reason(error.reason) if isinstance(error.reason, Exception) else str(error.reason)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
