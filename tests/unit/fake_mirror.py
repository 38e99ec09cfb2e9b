"""A Debian mirror that a test makes itself: packages, indexes, a Release, and a server for them on loopback."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import zstandard

from vdsocat.cache import Cache
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.download import Downloader, VerificationError

SEAL = b"sealed\n"

_COMPRESSORS = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    "": bytes,
}


def sealed(text: bytes, what: str) -> bytes:
    """The verifier that stands in for gpgv: a text is genuine when it begins with the seal."""
    if not text.startswith(SEAL):
        raise VerificationError(f"{what} has no seal.")
    return text.removeprefix(SEAL)


def tarball(files: Mapping[str, bytes], links: Mapping[str, str] = {}) -> bytes:
    """A tar archive of regular files and symbolic links, names as given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def deb(
    files: Mapping[str, bytes], suffix: str = ".xz", links: Mapping[str, str] = {}, control: bytes | None = None
) -> bytes:
    """A .deb whose data.tar holds the files; `suffix` says how it is compressed, `control` is its control.tar."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": lzma.compress(control or tarball({"./control": b"Package: x\n"})),
        f"data.tar{suffix}": _COMPRESSORS[suffix](tarball(files, links)),
    }
    packed = b"!<arch>\n"
    for name, content in members.items():
        packed += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        packed += content + b"\n" * (len(content) % 2)
    return packed


@dataclass
class FakeMirror:
    """A mirror below `root`; `publish` writes a suite's indexes and its Release, sealed or signed by `sign`."""

    root: Path
    packages: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(
        self,
        suite: str,
        arch: str,
        name: str,
        version: str,
        content: bytes,
        depends: str = "",
        own_arch: str = "",
        pre_depends: str = "",
    ) -> Path:
        """Put a package into the pool and into the suite's index; where it is."""
        path = f"pool/main/l/linux/{name}_{version}_{own_arch or arch}.deb"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)
        entry = {
            "Package": name,
            "Version": version,
            "Architecture": own_arch or arch,
            "Pre-Depends": pre_depends,
            "Depends": depends,
            "Description": "a package\n with a second line",
            "Filename": path,
            "Size": str(len(content)),
            "SHA256": hashlib.sha256(content).hexdigest(),
        }
        text = "".join(f"{key}: {value}\n" for key, value in entry.items() if value)
        self.packages.setdefault((suite, arch), []).append(text)
        return self.root / path

    def kernel(
        self,
        suite: str,
        arch: str,
        flavour: str,
        version: str,
        abi: str = "",
        suffix: str = ".xz",
        image: bytes | None = None,
    ) -> Path:
        """Add a kernel in the old shape: image (or a stand-in for one) and configuration in one package."""
        release = f"{abi or version.rsplit('-', 1)[0]}-{flavour}"
        files = {
            f"./boot/System.map-{release}": b"map",
            f"./boot/config-{release}": b"CONFIG_OLD_SHAPE=y\n",
            f"./boot/vmlinuz-{release}": f"kernel {release}".encode() if image is None else image,
            f"./lib/modules/{release}/kernel/x.ko": b"module",
        }
        return self.add(suite, arch, f"linux-image-{release}", version, deb(files, suffix))

    def split_kernel(self, suite: str, arch: str, flavour: str, version: str, abi: str = "") -> tuple[Path, Path]:
        """Add a kernel in the new shape; the paths of linux-binary-* and linux-base-*."""
        release = f"{abi or version.rsplit('-', 1)[0]}-{flavour}"
        modules = f"./usr/lib/modules/{release}"
        base = deb({f"{modules}/config": b"CONFIG_NEW_SHAPE=y\n", f"{modules}/modules.order": b""})
        binary = deb({f"{modules}/vmlinuz": f"kernel {release}".encode()}, links={"./usr/share/bug/x": "y"})
        needs = f"linux-base-{release} (= {version})"
        self.add(suite, arch, f"linux-image-{release}", version, deb({"./usr/share/x": b""}),
                 f"dracut | initramfs-tools (>= 0.120), {needs}, linux-binary-{release} (= {version})")  # fmt: skip
        return (
            self.add(suite, arch, f"linux-binary-{release}", version, binary, needs),
            self.add(suite, arch, f"linux-base-{release}", version, base),
        )

    def publish(self, suite: str, codename: str = "", by_hash: bool = True) -> Path:
        """Write the suite's indexes and its InRelease; where the latter is."""
        directory = self.root / "dists" / suite
        lines, architectures = [], []
        for (of_suite, arch), entries in self.packages.items():
            if of_suite != suite:
                continue
            architectures.append(arch)
            other = "Package: bash\nVersion: 5\nFilename: pool/b.deb\nSize: 1\nSHA256: 00\n"
            packed = lzma.compress("\n".join([other, *entries]).encode())
            name = f"main/binary-{arch}/Packages.xz"
            digest = hashlib.sha256(packed).hexdigest()
            paths = [directory / name]
            if by_hash:
                paths.append(directory / f"main/binary-{arch}/by-hash/SHA256/{digest}")
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed)
            lines.append(f" {digest} {len(packed)} {name}")
        text = (
            f"Origin: Debian\nSuite: {suite}\nCodename: {codename or suite}\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n"
            f"Valid-Until: Sat, 18 Jul 2020 10:16:37 UTC\nAcquire-By-Hash: {'yes' if by_hash else 'no'}\n"
            f"Architectures: all {' '.join(architectures)}\nComponents: main\n"
            "MD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 0 main/x\nSHA256:\n" + "\n".join(lines) + "\n"
        )
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "InRelease"
        path.write_bytes(SEAL + text.encode())
        return path

    def index(self, suite: str, arch: str) -> Path:
        """The plain Packages.xz."""
        return self.root / "dists" / suite / f"main/binary-{arch}/Packages.xz"


@dataclass
class Server:
    """A running server: `asked` are the paths it was asked for; `cut` maps a path's end to the bytes after which the
    connection breaks, `refuse` to an HTTP status, each for as many requests as its list has entries."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    refuse: dict[str, list[int]] = field(default_factory=dict)

    def trouble(self, table: dict[str, list[int]], path: str) -> int | None:
        """The next trouble planned for a path."""
        for end, planned in table.items():
            if path.endswith(end) and planned:
                return planned.pop(0)
        return None


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, server_state: Server, **named: object) -> None:
        self.state = server_state
        super().__init__(*arguments, **named)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        if (status := self.state.trouble(self.state.refuse, self.path)) is not None:
            self.send_error(status)
            return
        if (kept := self.state.trouble(self.state.cut, self.path)) is not None:
            content = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:kept])
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Serve a directory on loopback."""
    root.mkdir(parents=True, exist_ok=True)
    state = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, server_state=state, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def archive_of(url: str, cache: Path, said: list[str] | None = None, **settings: object) -> DebianArchive:
    """An archive on a mirror's URL that believes the seal, does not pause between attempts and always asks anew."""
    settings = {"verify": sealed, "refresh_after": 0.0, **settings}
    return DebianArchive(
        Cache(cache),
        lambda suite: url,
        downloader=Downloader(timeout=5, pauses=(0, 0), sleep=lambda seconds: None),
        progress=(said if said is not None else []).append,
        **settings,  # type: ignore[arg-type]
    )
