"""Debian's archive: indexes checked from the Release signature down, and the kernel packages that they list."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from vdsocat.cache import Cache
from vdsocat.errors import InputError, RunError
from vdsocat.kernels.download import Download, Downloader, FetchError, NotFoundError, VerificationError, megabytes

ARCHIVE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_SUITE = re.compile(r"[a-z][a-z0-9.-]*\Z")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_RELEASE_LIMIT = 16 << 20
_INDEX_LIMIT = 128 << 20
_UNPACKED_INDEX_LIMIT = 1 << 30
_DECOMPRESSOR_MEMORY = 256 << 20
_TABLE_FORMAT = 1


class SuiteError(InputError):
    """The mirror has no such suite."""


class ArchitectureError(InputError):
    """The suite has no such architecture."""


class StaleIndexError(VerificationError):
    """The mirror's package index is not the one that the suite's signed Release names."""


class NotCachedError(FetchError):
    """Only the cache may be used, and it has not got what is asked for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which packages of an index are kept, and which names in their Depends and Pre-Depends.

    `table` is part of the name of the kept table in the cache.
    """

    names: re.Pattern[str]
    depends: re.Pattern[str]
    table: str = ""


LINUX_PACKAGES = Selection(re.compile(r"linux-(image|binary|base|source)-(?!.*-dbg\Z)"), re.compile("linux-"))


@dataclass(frozen=True, slots=True)
class Package:
    """A package as an index lists it: `path` below the mirror, `size` in bytes, `depends` as package names."""

    name: str
    version: str
    architecture: str
    path: str
    size: int
    sha256: str
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A suite's signed index of indexes: `files` maps a path below the suite to (SHA-256, size in bytes)."""

    suite: str
    codename: str
    date: str
    architectures: tuple[str, ...]
    by_hash: bool
    files: Mapping[str, tuple[str, int]]


class Verifier(Protocol):
    """Checks the signature of an InRelease file."""

    def __call__(self, signed: bytes, what: str) -> bytes:
        """The text that was signed; VerificationError, naming the file as `what`, when no trusted key signed it."""


def gpgv_verifier(keyring: Path = ARCHIVE_KEYRING) -> Verifier:
    """A verifier that trusts the keys in `keyring`, as apt does: at least one good signature, and no bad one."""

    def verify(signed: bytes, what: str) -> bytes:
        if not keyring.is_file():
            raise RunError(
                f"The keyring {keyring} that {what} must be checked with is missing; install debian-archive-keyring."
            )
        with tempfile.TemporaryDirectory(prefix="vdsocat-gpgv-") as home:
            message = Path(home, "InRelease")
            message.write_bytes(signed)
            text = Path(home, "Release")
            command = ["gpgv", "--homedir", home, "--keyring", str(keyring), "--status-fd", "1"]
            command += ["--output", str(text), str(message)]
            try:
                result = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
            except FileNotFoundError:
                raise RunError(f"gpgv, which checks the signature of {what}, is not installed; install gpgv.") from None
            said = {line.split()[1] for line in result.stdout.decode("utf-8", "replace").splitlines() if " " in line}
            if not {"GOODSIG", "VALIDSIG"} <= said or said & {"BADSIG", "NODATA"} or not text.is_file():
                raise VerificationError(
                    f"The signature of {what} is not one that the keys in {keyring} made ({_gpgv_reason(said)}); "
                    "nothing was taken from it."
                )
            return text.read_bytes()

    return verify


def _gpgv_reason(said: set[str]) -> str:
    reasons = {
        "BADSIG": "the text was changed after it was signed",
        "NODATA": "it carries no signature",
        "NO_PUBKEY": "the key that signed it is not among them; a newer debian-archive-keyring may have it",
        "EXPKEYSIG": "the key that signed it has expired",
        "REVKEYSIG": "the key that signed it was revoked",
    }
    return next((reason for status, reason in reasons.items() if status in said), "gpgv found no good signature")


@dataclass
class DebianArchive:
    """A Debian mirror behind a cache.

    `mirror` gives the base URL for a suite. A suite's index younger than `refresh_after` seconds is not asked for
    again; with `offline` nothing is asked for at all. An archive object remembers what it has read.
    """

    cache: Cache
    mirror: Callable[[str], str]
    verify: Verifier = field(default_factory=gpgv_verifier)
    offline: bool = False
    refresh_after: float = 3600.0
    downloader: Downloader = field(default_factory=Downloader)
    progress: Callable[[str], None] = lambda _: None
    _releases: dict[str, Release] = field(default_factory=dict, repr=False)
    _packages: dict[tuple[str, str, str], tuple[Package, ...]] = field(default_factory=dict, repr=False)

    def release(self, suite: str) -> Release:
        """The suite's Release, signature checked.

        SuiteError when the mirror has no such suite, VerificationError when it is not genuine or is another suite's,
        FetchError when it can be had neither from the mirror nor from the cache.
        """
        if suite not in self._releases:
            if not _SUITE.match(suite):
                raise SuiteError(f"{suite!r} is no name of a Debian suite.")
            self._releases[suite] = self._load_release(suite)
        return self._releases[suite]

    def linux_packages(self, suite: str, architecture: str) -> tuple[Package, ...]:
        """The packages linux-image-*, linux-binary-*, linux-base-* and linux-source-* of a suite (without -dbg).

        Errors as for `packages`.
        """
        return self.packages(suite, architecture, LINUX_PACKAGES)

    def packages(self, suite: str, architecture: str, selection: Selection) -> tuple[Package, ...]:
        """The selected packages of a suite.

        ArchitectureError when the suite has no such architecture; otherwise as for `release`.
        """
        key = (suite, architecture, selection.table)
        if key not in self._packages:
            release = self.release(suite)
            if architecture not in release.architectures or not _ARCHITECTURE.match(architecture):
                raise ArchitectureError(
                    f"Debian {suite} has no architecture {architecture!r}; it has {', '.join(release.architectures)}."
                )
            self._packages[key] = self._load_packages(suite, architecture, release, selection)
        return self._packages[key]

    def fetch(self, package: Package, suite: str, destination: Path) -> None:
        """Write the package file (.deb) to `destination`, its size and hash checked against the index."""
        what = f"{package.name} {package.version}"
        if self.offline:
            raise self._not_cached(what)
        self.progress(f"fetching {what} ({megabytes(package.size)})")
        url = f"{self._base(suite)}/{package.path.replace('+', '%2B').replace('~', '%7E')}"
        download = Download(url, what, limit=package.size, size=package.size, sha256=package.sha256)
        self.downloader.fetch(download, destination, self.progress)

    def _base(self, suite: str) -> str:
        return self.mirror(suite).rstrip("/")

    def _load_release(self, suite: str) -> Release:
        what = f"the InRelease file of Debian {suite}"
        if self.offline:
            copies = list(self.cache.path("debian", "releases").glob(f"*/{suite}/InRelease"))
            if not copies:
                raise self._not_cached(what)
            newest = max(copies, key=lambda path: path.stat().st_mtime)
            return read_release(self.verify(newest.read_bytes(), what), suite, what)
        mirror = hashlib.sha256(self._base(suite).encode()).hexdigest()[:12]
        parts = ("debian", "releases", mirror, suite, "InRelease")
        cached = self.cache.path(*parts)
        if cached.is_file() and 0 <= time.time() - cached.stat().st_mtime < self.refresh_after:
            return read_release(self.verify(cached.read_bytes(), what), suite, what)
        url = f"{self._base(suite)}/dists/{suite}/InRelease"
        # With a copy to fall back on, a mirror that does not answer is not waited for.
        downloader = replace(self.downloader, pauses=(), timeout=10.0) if cached.is_file() else self.downloader
        try:
            with tempfile.TemporaryDirectory(prefix="vdsocat-") as directory:
                fetched = Path(directory, "InRelease")
                downloader.fetch(Download(url, what, limit=_RELEASE_LIMIT), fetched, self.progress)
                signed = fetched.read_bytes()
        except NotFoundError:
            raise SuiteError(f"The Debian mirror {self._base(suite)} has no suite {suite!r}.") from None
        except FetchError as error:
            if not cached.is_file():
                raise
            self.progress(f"{error} The copy in the cache is used.")
            return read_release(self.verify(cached.read_bytes(), what), suite, what)
        release = read_release(self.verify(signed, what), suite, what)
        self.cache.replace(*parts, content=signed)
        return release

    def _not_cached(self, what: str) -> NotCachedError:
        return NotCachedError(
            f"{what[0].upper()}{what[1:]} is not in the cache {self.cache.root}; run once without --offline."
        )

    def _load_packages(
        self, suite: str, architecture: str, release: Release, selection: Selection
    ) -> tuple[Package, ...]:
        name = f"main/binary-{architecture}/Packages.xz"
        what = f"the package index of Debian {suite}/{architecture}"
        if name not in release.files:
            raise ArchitectureError(f"Debian {suite} lists no index {name}.")
        sha256, size = release.files[name]

        def make(partial: Path) -> None:
            if self.offline:
                raise self._not_cached(what)
            self.progress(f"fetching {what} ({megabytes(size)})")
            packed = partial.with_name(partial.name + ".xz")
            try:
                self._fetch_index(suite, name, sha256, size, release.by_hash, what, packed)
                packages = list(read_package_index(packed, what, selection))
            finally:
                packed.unlink(missing_ok=True)
            partial.write_text(json.dumps({"packages": [asdict(package) for package in packages]}), encoding="utf-8")

        path = self.cache.file(
            "debian", "indexes", f"{suite}_{architecture}_{sha256}{selection.table}.{_TABLE_FORMAT}.json",
            make=make, waiting=lambda: self.progress(f"waiting for another run that fetches {what}"),
        )  # fmt: skip
        table = json.loads(path.read_bytes())["packages"]
        return tuple(Package(**{**row, "depends": tuple(row["depends"])}) for row in table)

    def _fetch_index(
        self, suite: str, name: str, sha256: str, size: int, by_hash: bool, what: str, destination: Path
    ) -> None:
        """Fetch by hash where the mirror offers it: what the plain name stands for may change under us."""
        if size > _INDEX_LIMIT:
            raise VerificationError(f"{what} is {megabytes(size)} large, more than is believable.")
        base = f"{self._base(suite)}/dists/{suite}"
        urls = [f"{base}/{name}"]
        if by_hash:
            urls.insert(0, f"{base}/{name.rsplit('/', 1)[0]}/by-hash/SHA256/{sha256}")
        for url in urls:
            try:
                download = Download(url, what, limit=size, size=size, sha256=sha256)
                self.downloader.fetch(download, destination, self.progress)
            except NotFoundError:
                if url == urls[-1]:
                    raise
            except VerificationError:
                raise StaleIndexError(
                    f"{what[0].upper()}{what[1:]} at {url} is not the one that the suite's signed Release names; "
                    "the mirror may be in the middle of an update, or damaged."
                ) from None
            else:
                return


def read_release(text: bytes, suite: str, what: str) -> Release:
    """Read the text of a Release file whose signature has been checked.

    VerificationError when it is not about the suite that was asked for by name or codename. Valid-Until is not looked
    at, so that a mirror frozen in time can be used. Format: wiki.debian.org/DebianRepository/Format.
    """
    from debian.deb822 import Deb822

    fields = Deb822(text.decode("utf-8", "replace").splitlines())
    names = {fields.get("Suite", ""), fields.get("Codename", "")} - {""}
    if suite not in names:
        about = " / ".join(sorted(names)) or "no suite"
        raise VerificationError(f"{what} is about {about}: the mirror gives the wrong file.")
    files: dict[str, tuple[str, int]] = {}
    for line in fields.get("SHA256", "").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdecimal():
            files[words[2]] = (words[0].lower(), int(words[1]))
    architectures = tuple(one for one in fields.get("Architectures", "").split() if one != "all")
    return Release(
        suite=fields.get("Suite", suite),
        codename=fields.get("Codename", suite),
        date=fields.get("Date", ""),
        architectures=architectures,
        by_hash=fields.get("Acquire-By-Hash", "no") == "yes",
        files=files,
    )


def read_package_index(path: Path, what: str, selection: Selection = LINUX_PACKAGES) -> Iterator[Package]:
    """The selected packages in a Packages.xz file, read as a stream (an index unpacks to some 60 MB)."""
    from debian.deb822 import Deb822

    for paragraph in _selected_paragraphs(path, what, selection):
        fields = Deb822(paragraph)
        try:
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                path=_checked_path(fields["Filename"]),
                size=int(fields["Size"]),
                sha256=fields["SHA256"].lower(),
                depends=tuple(_dependency_names(fields, selection)),
            )
        except (KeyError, ValueError) as error:
            raise VerificationError(f"{what} has an entry that cannot be read ({error}).") from None


def _selected_paragraphs(path: Path, what: str, selection: Selection) -> Iterator[list[str]]:
    paragraph: list[str] = []
    kept = False
    unpacked = 0
    try:
        with path.open("rb") as packed, lzma.open(packed, "rb") as index:
            for line in index:
                unpacked += len(line)
                if unpacked > _UNPACKED_INDEX_LIMIT:
                    raise VerificationError(f"{what} unpacks to more than {megabytes(_UNPACKED_INDEX_LIMIT)}.")
                if line == b"\n":
                    if kept:
                        yield paragraph
                    paragraph, kept = [], False
                elif kept or not paragraph:
                    text = line.decode("utf-8", "replace").rstrip("\n")
                    paragraph.append(text)
                    kept = kept or _is_kept(text, selection)
            if kept:
                yield paragraph
    except (lzma.LZMAError, EOFError) as error:
        raise VerificationError(f"{what} is no sound xz file ({error}).") from None


def _is_kept(line: str, selection: Selection) -> bool:
    """Whether a paragraph that begins with this line is wanted; Debian's indexes begin each with its package's name."""
    name = line.removeprefix("Package: ")
    return name != line and selection.names.match(name) is not None


def _checked_path(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "?" in path or "#" in path:
        raise ValueError(f"path {path!r} leaves the mirror")
    return path


def _dependency_names(fields: Mapping[str, str], selection: Selection) -> Iterable[str]:
    for alternatives in ",".join(fields.get(name, "") for name in ("Pre-Depends", "Depends")).split(","):
        name = alternatives.split("|", 1)[0].split("(", 1)[0].split(":", 1)[0].strip()
        if selection.depends.match(name):
            yield name
