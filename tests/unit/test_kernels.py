"""The table of kernels, and the way from a SOURCE to a kernel."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from fake_mirror import FakeMirror, archive_of

from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.kernels.table import (
    BuildRequest,
    DebianRequest,
    KernelTable,
    ensure_kernel,
    expand_source,
    list_kernels,
    load_kernel_table,
    resolve_debian,
)

TABLE = """\
sets:
  - {set: core, about: the small ones}
  - {set: full, about: all}
architectures:
  - {arch: amd64, flavour: amd64, aliases: [x86-64]}
  - {arch: mipsel, flavour: 4kc-malta}
suites: [bookworm, trixie, sid]
kernels:
  - kernel: amd64-newest
    debian: {suites: [trixie, sid], arch: amd64, flavour: amd64, release: "7"}
    sets: [core, full]
  - kernel: amd64-first
    debian: {take: first, suites: [gone, trixie, sid], arch: amd64, flavour: amd64}
  - kernel: amd64-6.1
    debian: {suites: [bookworm], arch: amd64, flavour: amd64, release: "6.1"}
    sets: [full]
  - kernel: ppc32
    build:
      arch: powerpc
      cross_compile: powerpc-linux-gnu-
      compiler_package: gcc-powerpc-linux-gnu
      suites: [trixie]
      release: "7"
    sets: [full]
"""


def table_in(directory: Path, text: str = TABLE) -> KernelTable:
    (directory / "kconfig").mkdir(exist_ok=True)
    (directory / "kconfig/ppc32.config").touch()
    (directory / "kernels.yaml").write_text(text)
    return load_kernel_table(directory)


@pytest.fixture
def table(tmp_path: Path) -> KernelTable:
    return table_in(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.kernel("bookworm", "amd64", "amd64", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "amd64", "rt-amd64", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "mipsel", "4kc-malta", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "mipsel", "octeon", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "armel", "rpi", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "armel", "marvell", "6.1.176-1", abi="6.1.0-50")
    mirror.kernel("bookworm", "s390x", "s390x", "6.1.176-1", abi="6.1.0-50")
    mirror.add("bookworm", "i386", "linux-source-6.1", "6.1.176-1", b"")
    mirror.split_kernel("trixie", "amd64", "amd64", "7.2.9-1")
    mirror.split_kernel("trixie", "amd64", "cloud-amd64", "7.2.9-1")
    mirror.split_kernel("sid", "amd64", "amd64", "7.3~rc7-1")
    for suite in ("bookworm", "trixie", "sid"):
        mirror.publish(suite)
    return mirror


def version_of(source: str, table: KernelTable, mirror: FakeMirror, cache: Path, **settings: object) -> str:
    (request,) = expand_source(source, table)
    files = ensure_kernel(request, archive_of(mirror.root.as_uri(), cache, **settings), table)  # type: ignore[arg-type]
    assert files.image.is_file()
    return f"{files.suite} {files.flavour} {files.version}"


@pytest.mark.parametrize(
    ("source", "kernel"),
    [
        ("amd64-newest", "sid amd64 7.3~rc7-1"),
        ("amd64-first", "trixie amd64 7.2.9-1"),
        ("amd64-6.1", "bookworm amd64 6.1.176-1"),
        ("debian:bookworm/amd64", "bookworm amd64 6.1.176-1"),
        ("debian:bookworm/x86-64", "bookworm amd64 6.1.176-1"),
        ("debian:trixie/amd64", "trixie amd64 7.2.9-1"),
        ("debian:trixie+bookworm/amd64", "trixie amd64 7.2.9-1"),
        ("debian:bookworm/amd64/rt-amd64", "bookworm rt-amd64 6.1.176-1"),
        ("debian:bookworm/mipsel", "bookworm 4kc-malta 6.1.176-1"),
        ("debian:bookworm/mipsel/octeon", "bookworm octeon 6.1.176-1"),
        ("debian:bookworm/s390x", "bookworm s390x 6.1.176-1"),
    ],
)
def test_which_kernel_a_source_means(
    source: str, kernel: str, table: KernelTable, mirror: FakeMirror, tmp_path: Path
) -> None:
    assert version_of(source, table, mirror, tmp_path / "cache") == kernel


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("debian:bokworm/amd64", "has no suite 'bokworm'; did you mean 'bookworm'? Debian has bookworm, trixie, sid."),
        ("debian:bookworm/mipsle", "has no architecture 'mipsle'; it has amd64, mipsel, armel, s390x, i386"),
        ("debian:bookworm/mipsle", "did you mean 'mipsel'"),
        ("debian:bookworm/amd64/rt-amd", "no kernel of flavour 'rt-amd'; did you mean 'rt-amd64'"),
        ("debian:bookworm/amd64/rt-amd", "It has amd64, rt-amd64."),
        (
            "debian:bookworm/armel",
            "has kernels of the flavours marvell, rpi; name one, such as debian:bookworm/armel/mar",
        ),
        ("debian:bookworm/i386", "Debian bookworm has no kernel packages for i386."),
        ("debian:bookworm", "is not of the form debian:SUITE/ARCH[/FLAVOUR]"),
        ("debian:bookworm//amd64", "is not of the form"),
        ("debian:bookworm/amd64/amd64/x", "is not of the form"),
        ("built:ppc23", "There is no kernel to build named 'ppc23'; did you mean 'ppc32'? There are ppc32."),
        ("set:cor", "There is no set of kernels named 'cor'; did you mean 'core'? There are core, full."),
        ("amd64-newst", "did you mean 'amd64-newest'"),
    ],
)
def test_what_a_source_cannot_mean(
    source: str, sentence: str, table: KernelTable, mirror: FakeMirror, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        version_of(source, table, mirror, tmp_path / "cache")
    assert sentence in str(caught.value)


def test_sets_in_the_order_of_the_table(table: KernelTable) -> None:
    assert [request.name for request in expand_source("set:core", table)] == ["amd64-newest"]
    assert [request.name for request in expand_source("set:full", table)] == ["amd64-newest", "amd64-6.1", "ppc32"]
    (request,) = expand_source("built:ppc32", table)
    assert isinstance(request, BuildRequest)
    assert str(request) == "built:ppc32"


def test_a_suite_with_a_damaged_index_is_passed_over(table: KernelTable, mirror: FakeMirror, tmp_path: Path) -> None:
    for path in (mirror.root / "dists/sid/main").rglob("*"):
        if path.is_file():
            path.write_bytes(b"x")
    said: list[str] = []
    assert version_of("amd64-newest", table, mirror, tmp_path / "cache", said=said) == "trixie amd64 7.2.9-1"
    assert "passing over Debian sid/amd64: the mirror's index does not match its signed Release" in said
    with pytest.raises(RunError, match="is not the one that the suite's signed Release names"):
        version_of("debian:sid/amd64", table, mirror, tmp_path / "cache")


def test_when_no_suite_has_it(table: KernelTable, mirror: FakeMirror, tmp_path: Path) -> None:
    archive = archive_of(mirror.root.as_uri(), tmp_path / "cache")
    (request,) = expand_source("amd64-newest", table)
    with pytest.raises(InputError) as caught:
        ensure_kernel(replace(request, release="8"), archive, table)
    assert str(caught.value) == (
        "No suite has a kernel for amd64-newest: Debian trixie/amd64 has no amd64 kernel of release 8. "
        "Debian sid/amd64 has no amd64 kernel of release 8."
    )
    assert ensure_kernel(replace(request, release="7.2"), archive, table).version == "7.2.9-1"


def test_offline_takes_the_newest_that_is_cached(table: KernelTable, mirror: FakeMirror, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert version_of("amd64-first", table, mirror, cache) == "trixie amd64 7.2.9-1"
    mirror.split_kernel("trixie", "amd64", "amd64", "7.2.10-1")
    mirror.publish("trixie")
    archive = archive_of(mirror.root.as_uri(), cache)
    (request,) = expand_source("amd64-first", table)
    assert isinstance(request, DebianRequest)
    assert resolve_debian(request, archive, table).package.version == "7.2.10-1"
    assert version_of("amd64-first", table, mirror, cache, offline=True) == "trixie amd64 7.2.9-1"
    assert version_of("amd64-newest", table, mirror, cache, offline=True) == "trixie amd64 7.2.9-1"
    with pytest.raises(RunError, match="is not in the cache"):
        version_of("amd64-6.1", table, mirror, cache, offline=True)


def test_the_list_shows_what_is_cached(table: KernelTable, mirror: FakeMirror, tmp_path: Path) -> None:
    archive = archive_of(mirror.root.as_uri(), tmp_path / "cache")
    assert {row.cached for row in list_kernels(table, archive.cache)} == {None}
    ensure_kernel(expand_source("amd64-first", table)[0], archive, table)
    rows = {row.name: row for row in list_kernels(table, archive.cache)}
    assert list(rows) == ["amd64-newest", "amd64-first", "amd64-6.1", "ppc32"]
    newest = rows["amd64-newest"]
    assert (newest.source, newest.release, newest.sets) == ("debian:trixie+sid/amd64/amd64", "7", ("core", "full"))
    assert newest.cached is not None
    assert newest.cached.version == "7.2.9-1"
    assert rows["amd64-6.1"].cached is None
    assert rows["ppc32"].source == "built:ppc32"
    (newest.cached.image.parent / "kernel.json").write_text("damaged")
    assert {row.cached for row in list_kernels(table, archive.cache)} == {None}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("flavour: amd64, release", "flavor: amd64, release", "unknown key 'flavor'; did you mean 'flavour'"),
        ('release: "6.1"', "release: 6.1", "6.1 is a number"),
        ("sets: [core, full]", "sets: [cor]", "the kernel amd64-newest is in the set 'cor', which is not among `sets`"),
        ("kernel: amd64-6.1", "kernel: amd64-first", "the kernel amd64-first is there twice"),
        ("kernel: ppc32", "kernel: ppc64", "the kernel ppc64 has no fragment"),
    ],
)
def test_mistakes_in_the_table(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in TABLE
    with pytest.raises(InputError) as caught:
        table_in(tmp_path, TABLE.replace(old, new))
    assert sentence in str(caught.value)


def test_the_table_that_ships() -> None:
    table = load_kernel_table(data_directory("qemu-images"))
    names = [one.name for one in table.kernels]
    aliases = list(itertools.chain.from_iterable((one.name, *one.aliases) for one in table.architectures))
    assert len(aliases) == len(set(aliases))
    for name in table.sets:
        members = expand_source(f"set:{name}", table)
        kinds = [isinstance(one, BuildRequest) for one in members]
        assert kinds == sorted(kinds), f"{name}: built kernels come last"
        assert {one.name for one in members} <= set(names)
    for one in table.kernels:
        if isinstance(one.request, DebianRequest):
            assert table.architecture(one.request.architecture), one.name
            assert set(one.request.suites) <= set(table.suites), one.name


def test_the_sets_hold_every_architecture_of_the_mission() -> None:
    table = load_kernel_table(data_directory("qemu-images"))
    core = expand_source("set:core", table)
    from_debian = {one.architecture for one in core if isinstance(one, DebianRequest)}
    assert from_debian == {"amd64", "i386", "arm64", "armhf", "mips64el", "ppc64el", "riscv64", "s390x"}
    assert [one.name for one in core if isinstance(one, BuildRequest)] == ["ppc32", "ppc64", "mips64", "riscv64"]
    full = [one for one in expand_source("set:full", table) if isinstance(one, DebianRequest)]
    assert sorted((one.architecture, one.release) for one in full) == sorted(
        [(arch, "7") for arch in ("amd64", "arm64", "armhf", "loong64", "ppc64el", "riscv64", "s390x")]
        + [(arch, "6.1") for arch in ("amd64", "i386", "arm64", "armhf", "mipsel", "mips64el", "ppc64el", "s390x")]
    )
    built = [one.name for one in expand_source("set:full", table) if isinstance(one, BuildRequest)]
    assert built == [
        "ppc32",
        "ppc64",
        "ppc64le",
        "mips64",
        "riscv64",
        "riscv32",
        "mips",
        "arm-be",
        "arm64-be",
        "um-x86-64",
        "um-i386",
        "parisc",
        "parisc64",
        "sparc64",
        "sh4",
        "sh4eb",
    ]
    for name in ("core", "full"):
        every = [one for one in expand_source(f"set:{name}", table) if isinstance(one, BuildRequest)]
        assert list(expand_source(f"set:{name}-built", table)) == every
