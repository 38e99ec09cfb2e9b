"""Building kernels: options that must survive, tools that must be there, and builds that end in every way."""

from __future__ import annotations

import contextlib
import lzma
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_mirror import FakeMirror, archive_of, deb, tarball
from small_builds import MAKEFILE, stand_in_tools, tiny_recipe

from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.kernels.build import ensure_built, find_source, source_tree
from vdsocat.kernels.download import VerificationError
from vdsocat.kernels.job_server import JobServer
from vdsocat.kernels.kbuild import BuildRecipe, LostOption, lost_options, missing_tools
from vdsocat.kernels.table import BuildRequest, expand_source, load_kernel_table

FRAGMENT = """\
# a comment with CONFIG_NOTHING=y in it
CONFIG_PPC64=y
CONFIG_NR_CPUS=8
CONFIG_CMDLINE="a b"
# CONFIG_MODULES is not set
# CONFIG_NET is not set
"""


@pytest.mark.parametrize(
    ("config", "lost"),
    [
        ('CONFIG_PPC64=y\nCONFIG_NR_CPUS=8\nCONFIG_CMDLINE="a b"\n# CONFIG_MODULES is not set\n', []),
        ('CONFIG_PPC64=y\nCONFIG_NR_CPUS=8\nCONFIG_CMDLINE="a b"\nCONFIG_MODULES=y\n', ["CONFIG_MODULES"]),
        ('CONFIG_PPC64=m\nCONFIG_NR_CPUS=4\nCONFIG_CMDLINE="a b"\n', ["CONFIG_PPC64", "CONFIG_NR_CPUS"]),
        ("", ["CONFIG_PPC64", "CONFIG_NR_CPUS", "CONFIG_CMDLINE"]),
    ],
)
def test_options_that_did_not_survive(config: str, lost: list[str]) -> None:
    assert [option.name for option in lost_options(FRAGMENT, config)] == lost


def test_how_a_lost_option_reads() -> None:
    assert str(LostOption("CONFIG_A", "y", None)) == "CONFIG_A (y wanted, not set got)"
    assert str(LostOption("CONFIG_A", None, "m")) == "CONFIG_A (not set wanted, m got)"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return stand_in_tools(tmp_path, monkeypatch)


@pytest.fixture
def recipe(tmp_path: Path) -> BuildRecipe:
    return tiny_recipe(tmp_path)


def source_deb(**extra: str) -> bytes:
    files = {"Makefile": MAKEFILE, **extra}
    packed = tarball({f"linux-source-7.3/{name}": text.encode() for name, text in files.items()})
    return deb({"./usr/share/doc/x": b"", "./usr/src/linux-source-7.3.tar.xz": lzma.compress(packed)})


def mirror_with(tmp_path: Path, content: bytes) -> FakeMirror:
    mirror = FakeMirror(tmp_path / "mirror")
    mirror.add("trixie", "amd64", "linux-source-7.3", "7.3.4-1", content, own_arch="all")
    mirror.add("trixie", "amd64", "linux-source-7.2", "7.2.11-1", b"", own_arch="all")
    mirror.add("trixie", "amd64", "linux-source-6.12", "6.12.9-1", b"", own_arch="all")
    mirror.add("sid", "amd64", "linux-source", "7.4-1", b"", own_arch="all")
    mirror.add("sid", "amd64", "linux-source-7.2", "7.2.13-1", b"", own_arch="all")
    mirror.publish("trixie")
    mirror.publish("sid")
    return mirror


def test_a_build_from_source_to_kernel(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    os.environ["SECRET"] = "of the caller"
    said: list[str] = []
    try:
        archive = archive_of(mirror_with(tmp_path, source_deb()).root.as_uri(), tmp_path / "cache", said)
        files = ensure_built(recipe, archive, jobs=JobServer(1))
    finally:
        del os.environ["SECRET"]
    assert files.image.read_text() == "powerpc cross- 1970-01-01 00:00:00 UTC \n"
    assert files.config is not None
    assert files.config.read_text() == "CONFIG_PPC32=y\n"
    assert (files.source, files.package, files.version) == ("built:tiny", "linux-source-7.3", "7.3.4-1")
    assert (files.release, files.compiler, files.suite) == ("7.3.4-vdsocat", "cross-gcc (Test) 12", "trixie")
    assert {path.name for path in files.image.parent.iterdir()} == {"vmlinux", "config", "kernel.json"}
    assert said[2:] == [
        "fetching linux-source-7.3 7.3.4-1 (1 kB)",
        "unpacking linux-source-7.3 7.3.4-1",
        "configuring tiny",
    ]


def test_what_makes_a_build_new(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    said: list[str] = []
    archive = archive_of(mirror_with(tmp_path, source_deb()).root.as_uri(), tmp_path / "cache", said)
    first = ensure_built(recipe, archive)
    said.clear()
    assert ensure_built(recipe, archive) == first
    assert said == []
    recipe.fragment.write_text("CONFIG_PPC32=y\nCONFIG_SMP=y\n")
    second = ensure_built(recipe, archive)
    assert second.image != first.image
    assert said == ["configuring tiny"], "the source is unpacked only once"
    (tools / "cross-gcc").write_text("#!/bin/sh\necho 'cross-gcc (Test) 13'\n")
    assert ensure_built(recipe, archive).image not in (first.image, second.image)


def test_lost_options_end_the_build(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    archive = archive_of(mirror_with(tmp_path, source_deb()).root.as_uri(), tmp_path / "cache")
    recipe.fragment.write_text("CONFIG_REFUSED_A=y\nCONFIG_KEPT=y\nCONFIG_REFUSED_B=y\n")
    with pytest.raises(RunError) as caught:
        ensure_built(recipe, archive)
    assert "does not take CONFIG_REFUSED_A (y wanted, not set got) and CONFIG_REFUSED_B (" in str(caught.value)
    assert list((tmp_path / "cache/kernels").iterdir()) == []


def test_an_error_of_the_compiler_ends_the_build(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    archive = archive_of(mirror_with(tmp_path, source_deb(broken="")).root.as_uri(), tmp_path / "cache")
    with pytest.raises(RunError) as caught:
        ensure_built(recipe, archive)
    log = tmp_path / "cache/logs/build-tiny.log"
    assert str(caught.value) == (
        f"Building the kernel tiny failed (init/main.c:1:1: error: expected expression); the log is {log}."
    )
    assert "  CC      init/main.o\n" in log.read_text()
    assert list((tmp_path / "cache/kernels").iterdir()) == []


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    archive = archive_of(mirror_with(tmp_path, source_deb(endless="")).root.as_uri(), tmp_path / "cache")

    def interrupt(line: str) -> None:
        if line == "building tiny: 2 files made (init/slow.o)":
            raise KeyboardInterrupt

    archive.progress = interrupt
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ensure_built(recipe, archive, jobs=JobServer(1))
    assert time.monotonic() - started < 60
    assert list((tmp_path / "cache/kernels").iterdir()) == []
    # What was killed takes a moment to go on a busy machine.
    until = time.monotonic() + 5
    while (left := [line for line in command_lines() if str(tmp_path) in line]) and time.monotonic() < until:
        time.sleep(0.01)
    assert left == []


def command_lines() -> list[str]:
    """The command lines of all running processes."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return lines


def test_missing_tools_are_named_with_their_packages(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    archive = archive_of("file:///nowhere", tmp_path / "cache")
    for name in ("flex", "bc", "cross-gcc"):
        (tools / name).unlink()
    with pytest.raises(RunError) as caught:
        ensure_built(recipe, archive)
    assert str(caught.value) == (
        "Building the kernel tiny needs flex, bc and cross-gcc, not installed here; "
        "on Debian, `apt-get install flex bc gcc-cross` brings what is missing."
    )


def test_missing_headers_are_named_too(tools: Path, recipe: BuildRecipe) -> None:
    assert missing_tools(recipe) == {}
    (tools / "gcc").write_text("#!/bin/sh\nwhile read -r line; do case $line in *gelf.h*) exit 1;; esac; done\n")
    assert missing_tools(replace(recipe, headers={"gelf.h": "libelf-dev"})) == {"the header gelf.h": "libelf-dev"}


def test_headers_of_a_program_are_those_of_its_own_compiler(tools: Path, recipe: BuildRecipe) -> None:
    (tools / "gcc").write_text("#!/bin/sh\nexit 1\n")
    (tools / f"{recipe.cross_compile}gcc").write_text("#!/bin/sh\nexit 0\n")
    assert missing_tools(replace(recipe, arch="um")) == {}
    assert missing_tools(recipe) == {"the header stdlib.h": "libc6-dev"}


def test_the_newest_source_of_a_release(tmp_path: Path, recipe: BuildRecipe) -> None:
    archive = archive_of(mirror_with(tmp_path, b"").root.as_uri(), tmp_path / "cache")
    found = {release: find_source(replace(recipe, release=release), archive) for release in ("7", "7.2", "6.12")}
    assert {release: (suite, package.version) for release, (suite, package) in found.items()} == {
        "7": ("trixie", "7.3.4-1"),
        "7.2": ("sid", "7.2.13-1"),
        "6.12": ("trixie", "6.12.9-1"),
    }
    with pytest.raises(InputError, match="Debian trixie and sid has no linux-source package of release 8"):
        find_source(replace(recipe, release="8"), archive)
    many = replace(recipe, release="9.9", suites=("trixie", "sid", "forky", "bookworm"))
    with pytest.raises(InputError) as caught:
        find_source(many, archive)
    assert str(caught.value) == (
        "No suite of Debian has a linux-source package of release 9.9; "
        "there are linux-source-6.12, linux-source-7.2 and linux-source-7.3."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (deb({"./usr/src/README": b""}), "holds no source tarball"),
        (deb({"./usr/src/linux-source-7.3.tar.xz": b"no xz"}), "is damaged"),
        (deb({"./usr/src/linux-source-7.3.tar.xz": lzma.compress(b"no tar" * 999)}), "could not be unpacked"),
    ],
)
def test_source_packages_that_hold_no_source(tmp_path: Path, recipe: BuildRecipe, content: bytes, reason: str) -> None:
    archive = archive_of(mirror_with(tmp_path, content).root.as_uri(), tmp_path / "cache")
    suite, package = find_source(recipe, archive)
    with pytest.raises((VerificationError, RunError), match=reason):
        source_tree(package, suite, archive)
    assert list((tmp_path / "cache/sources").iterdir()) == []


def test_a_cache_that_kbuild_cannot_work_in(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    archive = archive_of(mirror_with(tmp_path, source_deb()).root.as_uri(), tmp_path / "the cache")
    with pytest.raises(RunError, match="kbuild takes no path with blanks or colons"):
        ensure_built(recipe, archive)


def test_the_fragments_that_ship_ask_for_what_a_capture_needs() -> None:
    table = load_kernel_table(data_directory("qemu-images"))
    requests = [one for one in expand_source("set:full", table) if isinstance(one, BuildRequest)]
    assert len(requests) == 16
    for request in requests:
        lines = request.recipe.fragment.read_text(encoding="utf-8").splitlines()
        for needed in ("BLK_DEV_INITRD", "BINFMT_ELF", "PRINTK", "TTY", "PROC_FS", "COMPAT_32BIT_TIME", "POSIX_TIMERS"):
            assert f"CONFIG_{needed}=y" in lines, (request.name, needed)
        assert "# CONFIG_MODULES is not set" in lines
        assert "# CONFIG_NET is not set" in lines
