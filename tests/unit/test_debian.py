"""Debian's archive: the chain from signature to package, what breaks it, and both shapes of kernel packages."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_mirror import FakeMirror, Server, archive_of, deb, serving, tarball

from vdsocat.errors import InputError, RunError
from vdsocat.kernels.deb_archive import read_deb
from vdsocat.kernels.debian import (
    ArchitectureError,
    NotCachedError,
    StaleIndexError,
    SuiteError,
    gpgv_verifier,
)
from vdsocat.kernels.download import Download, Downloader, FetchError, NotFoundError, VerificationError
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.packages import fetch_kernel, is_of_release, kernel_packages, version_key


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    """One suite with a kernel in each shape."""
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.kernel("bookworm", "amd64", "amd64", "6.1.176-1", abi="6.1.0-50")
    mirror.split_kernel("bookworm", "amd64", "rt-amd64", "7.3.4-1~bpo13+1", abi="7.3.4+deb13")
    mirror.publish("bookworm")
    return mirror


@pytest.fixture
def server(mirror: FakeMirror) -> Iterator[Server]:
    with serving(mirror.root) as server:
        yield server


def fetched(server: Server, cache: Path, flavour: str = "amd64", **settings: object) -> KernelFiles:
    archive = archive_of(server.url, cache, **settings)  # type: ignore[arg-type]
    kernels = kernel_packages(archive.linux_packages("bookworm", "amd64"), "bookworm", "amd64")
    return fetch_kernel(next(one for one in kernels if one.flavour == flavour), archive)


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*") if "partial" in path.name or path.suffix in (".deb", ".xz")]


def test_a_kernel_in_the_old_shape(server: Server, tmp_path: Path) -> None:
    files = fetched(server, tmp_path / "cache")
    assert files.image.name == "vmlinuz"
    assert files.image.read_bytes() == b"kernel 6.1.0-50-amd64"
    assert files.config is not None
    assert files.config.read_text() == "CONFIG_OLD_SHAPE=y\n"
    assert (files.package, files.version) == ("linux-image-6.1.0-50-amd64", "6.1.176-1")
    assert (files.release, files.architecture, files.suite) == ("6.1.0-50-amd64", "amd64", "bookworm")
    assert files.source == "debian:bookworm/amd64/amd64"
    assert files.size == 21
    assert {path.name for path in files.image.parent.iterdir()} == {"vmlinuz", "config", "kernel.json"}


def test_a_kernel_in_the_split_shape_has_its_configuration_from_another_package(server: Server, tmp_path: Path) -> None:
    files = fetched(server, tmp_path / "cache", "rt-amd64")
    assert files.image.read_bytes() == b"kernel 7.3.4+deb13-rt-amd64"
    assert files.config is not None
    assert files.config.read_text() == "CONFIG_NEW_SHAPE=y\n"
    assert files.package == "linux-binary-7.3.4+deb13-rt-amd64"


@pytest.mark.parametrize("suffix", [".xz", ".zst", ".gz", ".bz2", ""])
def test_every_compression_of_packages(tmp_path: Path, suffix: str) -> None:
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.kernel("bookworm", "amd64", "amd64", "6.1.176-1", suffix=suffix)
    mirror.publish("bookworm")
    with serving(mirror.root) as server:
        assert fetched(server, tmp_path / "cache").image.read_bytes() == b"kernel 6.1.176-amd64"


def test_a_second_run_fetches_only_the_release_again(server: Server, tmp_path: Path) -> None:
    first = fetched(server, tmp_path / "cache")
    server.asked.clear()
    assert fetched(server, tmp_path / "cache") == first
    assert server.asked == ["/dists/bookworm/InRelease"]
    server.asked.clear()
    fetched(server, tmp_path / "cache", refresh_after=60.0)
    fetched(server, tmp_path / "cache", offline=True)
    assert server.asked == []


def test_offline_names_what_is_not_in_the_cache(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotCachedError, match=r"The InRelease file of Debian bookworm is not in the cache .*--offline"):
        fetched(server, tmp_path / "cache", offline=True)
    fetched(server, tmp_path / "cache")
    with pytest.raises(NotCachedError, match=r"7\.3\.4-1~bpo13\+1 is not in the cache"):
        fetched(server, tmp_path / "cache", "rt-amd64", offline=True)


def test_a_mirror_that_is_down_is_replaced_by_the_cache(mirror: FakeMirror, tmp_path: Path) -> None:
    with serving(mirror.root) as server:
        first = fetched(server, tmp_path / "cache")
    assert fetched(server, tmp_path / "cache") == first
    with pytest.raises(FetchError, match=r"could not be fetched from .* \(3 attempts; .*Connection refused\)"):
        fetched(server, tmp_path / "empty")


def test_a_tampered_release_is_refused(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    path = mirror.root / "dists/bookworm/InRelease"
    path.write_bytes(b"unsealed " + path.read_bytes())
    with pytest.raises(VerificationError, match="the InRelease file of Debian bookworm has no seal"):
        fetched(server, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*InRelease*"))


def test_a_tampered_index_is_refused(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    for path in mirror.root.rglob("dists/bookworm/main/**/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(
        StaleIndexError, match=r"package index of Debian bookworm/amd64 .* is not the one that the suite's"
    ):
        fetched(server, tmp_path / "cache")
    assert leftovers(tmp_path / "cache") == []


@pytest.mark.parametrize("change", [lambda old: old[:-1] + b"!", lambda old: old + b"!", lambda old: old[:-1]])
def test_a_tampered_package_is_refused(mirror: FakeMirror, server: Server, tmp_path: Path, change: object) -> None:
    path = next(mirror.root.rglob("linux-image-6.1.0-50-amd64*"))
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(
        RunError, match=r"^linux-image-6\.1\.0-50-amd64 6\.1\.176-1 .*(SHA-256 that|larger than it may|index promises)"
    ):
        fetched(server, tmp_path / "cache")
    assert leftovers(tmp_path / "cache") == []
    assert list((tmp_path / "cache/kernels").iterdir()) == []


def test_a_release_of_another_suite_is_refused(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    shutil.copytree(mirror.root / "dists/bookworm", mirror.root / "dists/trixie")
    with pytest.raises(VerificationError, match="Debian trixie is about bookworm: the mirror gives the wrong file"):
        archive_of(server.url, tmp_path / "cache").release("trixie")


def test_a_suite_goes_by_its_codename_and_by_its_suite(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    mirror.publish("bookworm", codename="old-bear")
    shutil.copytree(mirror.root / "dists/bookworm", mirror.root / "dists/old-bear")
    archive = archive_of(server.url, tmp_path / "cache")
    assert archive.release("old-bear").suite == archive.release("bookworm").suite == "bookworm"


def test_unknown_suites_and_architectures(server: Server, tmp_path: Path) -> None:
    archive = archive_of(server.url, tmp_path / "cache")
    with pytest.raises(SuiteError, match="has no suite 'bokworm'"):
        archive.release("bokworm")
    with pytest.raises(SuiteError, match="no name of a Debian suite"):
        archive.release("../../etc")
    with pytest.raises(ArchitectureError, match=r"Debian bookworm has no architecture 'vax'; it has amd64\."):
        archive.linux_packages("bookworm", "vax")


def test_an_old_mirror_without_by_hash(tmp_path: Path) -> None:
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.kernel("bookworm", "amd64", "amd64", "6.1.176-1")
    mirror.publish("bookworm", by_hash=False)
    with serving(mirror.root) as server:
        assert fetched(server, tmp_path / "cache").version == "6.1.176-1"


def test_broken_connections_and_busy_servers_are_tried_again(server: Server, tmp_path: Path) -> None:
    server.cut["amd64.deb"] = [10, 0]
    server.refuse["InRelease"] = [503]
    said: list[str] = []
    assert fetched(server, tmp_path / "cache", said=said).image.is_file()
    assert [line for line in said if "trying again" in line] == [
        "the InRelease file of Debian bookworm: HTTP status 503; trying again in 0 s",
        "linux-image-6.1.0-50-amd64 6.1.176-1: the connection ended early; trying again in 0 s",
        "linux-image-6.1.0-50-amd64 6.1.176-1: the connection ended early; trying again in 0 s",
    ]


def test_an_interrupted_download_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.cut["amd64.deb"] = [10, 10, 10]
    with pytest.raises(FetchError, match=r"linux-image-.* could not be fetched .*the connection ended early"):
        fetched(server, tmp_path / "cache")
    assert leftovers(tmp_path / "cache") == []
    assert fetched(server, tmp_path / "cache").image.is_file()


def test_a_refusal_is_not_tried_again(server: Server, tmp_path: Path) -> None:
    server.refuse["InRelease"] = [403, 403]
    with pytest.raises(FetchError, match="InRelease answers with HTTP status 403"):
        fetched(server, tmp_path / "cache")
    assert len(server.asked) == 1


def test_what_is_no_url(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no URL such as"):
        archive_of("mirror.example", tmp_path).release("bookworm")


def test_a_mirror_on_disk(mirror: FakeMirror, tmp_path: Path) -> None:
    archive = archive_of(mirror.root.as_uri(), tmp_path / "cache")
    assert archive.linux_packages("bookworm", "amd64")
    with pytest.raises(SuiteError):
        archive.release("sid")


def test_a_file_that_is_too_large_is_refused_early(server: Server, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="larger than it may be"):
        Downloader().fetch(Download(f"{server.url}/dists/bookworm/InRelease", "x", 10), tmp_path / "x", print)
    with pytest.raises(NotFoundError):
        Downloader().fetch(Download(f"{server.url}/nowhere", "x", 10), tmp_path / "x", print)


def test_a_full_disk_is_not_taken_for_the_network(server: Server, tmp_path: Path) -> None:
    assert Path("/dev/full").exists(), "this test needs /dev/full"
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"x could not be written to .*full \(No space left on device\)"):
        Downloader().fetch(Download(f"{server.url}/dists/bookworm/InRelease", "x", 9999), tmp_path / "full", print)


def test_two_runs_fetch_a_package_once(server: Server, tmp_path: Path) -> None:
    found: list[KernelFiles] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetched(server, tmp_path / "cache", "rt-amd64"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    packages = [path for path in server.asked if path.endswith(".deb")]
    assert len(packages) == 2
    assert len([path for path in server.asked if "Packages" in path or "by-hash" in path]) == 1


def test_packages_that_hold_no_kernel(tmp_path: Path) -> None:
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.add("bookworm", "amd64", "linux-image-6.1.0-50-amd64", "6.1.176-1", deb({"./boot/README": b""}))
    mirror.publish("bookworm")
    with serving(mirror.root) as server, pytest.raises(VerificationError, match="holds no kernel image"):
        fetched(server, tmp_path / "cache")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no sound Debian package"),
        (b"!<arch>\n", "has no data.tar"),
        (deb({"./x": b"y"})[:-40], "is no sound Debian package"),
        (deb({"./x": b"y"}).replace(b"data.tar.xz ", b"data.tar.lz4"), "packed as data.tar.lz4"),
    ],
)
def test_files_that_are_no_packages(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.deb").write_bytes(content)
    with pytest.raises(VerificationError, match=rf"^the package {reason}|the package .*{reason}"):
        for member in read_deb(tmp_path / "x.deb", "the package"):
            member.content.read()


def test_members_are_regular_files_of_bounded_size(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(deb({"../../outside": b"content"}, links={"./boot/vmlinuz-1": "/etc/passwd"}))
    (member,) = read_deb(path, "x")
    assert member.path == "../../outside"
    with pytest.raises(VerificationError, match="has 7 bytes; 6 are allowed"):
        member.write_to(tmp_path / "out", 6)
    assert not (tmp_path / "out").exists()
    assert tarball({})  # the builder itself makes sound archives of nothing


def test_which_packages_are_kernels(tmp_path: Path) -> None:
    mirror = FakeMirror(tmp_path / "mirror")
    names = {
        "linux-image-6.1.0-50-4kc-malta": "4kc-malta",
        "linux-image-6.12.95+deb12-5kc-malta": "5kc-malta",
        "linux-image-5.10.0-32-686": "686",
        "linux-image-6.5.0-0.deb12.4-686-pae": "686-pae",
        "linux-image-7.3-686-pae": "686-pae",
        "linux-image-6.1.0-50-amd64-unsigned": "amd64",
        "linux-binary-unsigned-7.3.4+deb13-cloud-amd64": "cloud-amd64",
        "linux-binary-7.3-armmp": "armmp",
        "linux-image-6.12.90+deb12.1-arm64-16k": "arm64-16k",
    }
    for name in [*names, "linux-image-amd64", "linux-image-686-pae", "linux-image-6.1.0-50-amd64-dbg", "linux-base-x"]:
        mirror.add("sid", "amd64", name, "1-1", b"")
    mirror.publish("sid")
    packages = archive_of(mirror.root.as_uri(), tmp_path / "cache").linux_packages("sid", "amd64")
    assert {one.package.name: one.flavour for one in kernel_packages(packages, "sid", "amd64")} == names


def test_the_newest_is_last_and_signed_comes_after_unsigned(tmp_path: Path) -> None:
    mirror = FakeMirror(tmp_path / "mirror")
    for name, version in [
        ("linux-binary-7.3.4+deb13-amd64", "7.3.4-1~bpo13+1"),
        ("linux-binary-unsigned-7.3.4+deb13-amd64", "7.3.4-1~bpo13+1"),
        ("linux-binary-7.3-amd64", "7.3~rc7-1~exp1"),
        ("linux-binary-7.2.13+deb14-amd64", "7.2.13-1"),
        ("linux-binary-7.2.9+deb14-amd64", "7.2.9-1"),
    ]:
        mirror.add("sid", "amd64", name, version, b"")
    mirror.publish("sid")
    packages = archive_of(mirror.root.as_uri(), tmp_path / "cache").linux_packages("sid", "amd64")
    assert [one.package.version for one in kernel_packages(packages, "sid", "amd64")] == [
        "7.2.9-1", "7.2.13-1", "7.3~rc7-1~exp1", "7.3.4-1~bpo13+1", "7.3.4-1~bpo13+1",
    ]  # fmt: skip
    assert kernel_packages(packages, "sid", "amd64")[-1].signed


@pytest.mark.parametrize(
    ("version", "release", "fits"),
    [
        ("6.1.176-1", "6.1", True),
        ("6.12.94-1", "6.1", False),
        ("7.3~rc7-1~exp1", "7", True),
        ("7.3~rc7-1~exp1", "7.3", True),
        ("7.3.4-1~bpo13+1", "7.3.4", True),
        ("7.3-1", "7.3.4", False),
        ("7.3-1", None, True),
    ],
)
def test_releases_of_versions(version: str, release: str | None, fits: bool) -> None:
    assert is_of_release(version, release) is fits
    assert version_key(version) < version_key("8.0-1")


@pytest.fixture(scope="module")
def gpg_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key made for these tests: its keyring is `keyring.gpg` in the directory."""
    assert shutil.which("gpg") and shutil.which("gpgv"), "this test needs gpg and gpgv (Debian packages gpg, gpgv)"
    home = tmp_path_factory.mktemp("gpg", numbered=False)
    home.chmod(0o700)
    gpg(home, "--quick-generate-key", "test archive key <test@example.org>", "ed25519", "sign", "never")
    gpg(home, "--output", str(home / "keyring.gpg"), "--export")
    yield home
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


def gpg(home: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--passphrase", "", "--pinentry-mode", "loopback"]
    return subprocess.run([*command, *arguments], input=given, capture_output=True, check=True).stdout


def test_a_real_signature(gpg_home: Path) -> None:
    text = b"Suite: bookworm\nSHA256:\n 00 1 main/x\n"
    signed = gpg(gpg_home, "--clearsign", given=text)
    verify = gpgv_verifier(gpg_home / "keyring.gpg")
    assert verify(signed, "it") == text
    with pytest.raises(VerificationError, match=r"The signature of it is not one .*changed after it was signed"):
        verify(signed.replace(b"bookworm", b"bookwurm"), "it")
    with pytest.raises(VerificationError, match="it carries no signature"):
        verify(text, "it")


def test_a_key_that_is_not_trusted(gpg_home: Path, tmp_path: Path) -> None:
    signed = gpg(gpg_home, "--clearsign", given=b"Suite: x\n")
    (tmp_path / "empty.gpg").touch()
    with pytest.raises(VerificationError, match="a newer debian-archive-keyring may have it"):
        gpgv_verifier(tmp_path / "empty.gpg")(signed, "it")


def test_text_around_the_signed_part_is_not_believed(gpg_home: Path) -> None:
    signed = gpg(gpg_home, "--clearsign", given=b"Suite: x\n")
    verify = gpgv_verifier(gpg_home / "keyring.gpg")
    assert b"evil" not in verify(b"Suite: evil\n\n" + signed + b"\nSuite: evil\n", "it")


def test_a_missing_keyring_and_a_missing_gpgv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=r"The keyring .*no\.gpg .* is missing; install debian-archive-keyring"):
        gpgv_verifier(tmp_path / "no.gpg")(b"", "it")
    (tmp_path / "keyring.gpg").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="gpgv, which checks the signature of it, is not installed; install gpgv"):
        gpgv_verifier(tmp_path / "keyring.gpg")(b"", "it")
