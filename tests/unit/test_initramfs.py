"""The initramfs, read back by an independent reader and by cpio(1)."""

from __future__ import annotations

import shutil
import stat
import subprocess
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from vdsocat.guest.initramfs import write_initramfs


@dataclass(frozen=True)
class Entry:
    """One entry of a cpio archive in the newc format."""

    name: str
    inode: int
    mode: int
    links: int
    modified: int
    device: tuple[int, int]
    content: bytes


def read_newc(archive: bytes) -> list[Entry]:
    """Parse by Documentation/driver-api/early-userspace/buffer-format.rst: 13 hex fields after the magic."""
    entries, at = [], 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        inode, mode, _, _, links, modified, size, _, _, major, minor, name_size, _ = fields
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at = -(-(at + 110 + name_size) // 4) * 4
        content = archive[at : at + size]
        assert len(content) == size
        at = -(-(at + size) // 4) * 4
        if name == b"TRAILER!!!\0":
            assert not archive[at:].strip(b"\0")
            return entries
        entries.append(Entry(name[:-1].decode(), inode, mode, links, modified, (major, minor), content))


NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)


@given(st.binary(max_size=300), st.dictionaries(NAMES, st.binary(max_size=50), max_size=4))
def test_what_was_put_in_comes_out(init: bytes, probes: dict[str, bytes]) -> None:
    entries = {entry.name: entry for entry in read_newc(write_initramfs(init, probes))}
    assert entries["init"].content == init
    found = {name.removeprefix("probes/"): entry for name, entry in entries.items() if name.startswith("probes/")}
    assert {name: entry.content for name, entry in found.items()} == probes
    assert all(stat.S_ISREG(entry.mode) and entry.mode & 0o111 == 0o111 for entry in found.values())


@given(st.dictionaries(NAMES, st.binary(max_size=8), max_size=4))
def test_every_directory_comes_before_what_is_in_it(probes: dict[str, bytes]) -> None:
    seen: set[str] = {""}
    for entry in read_newc(write_initramfs(b"", probes)):
        assert entry.name.rpartition("/")[0] in seen
        if stat.S_ISDIR(entry.mode):
            seen.add(entry.name)


def test_the_console_is_a_character_device_5_1() -> None:
    entries = {entry.name: entry for entry in read_newc(write_initramfs(b"", {}))}
    console = entries["dev/console"]
    assert stat.S_ISCHR(console.mode)
    assert console.device == (5, 1)
    assert {name for name, entry in entries.items() if stat.S_ISDIR(entry.mode)} == {"dev", "proc", "probes", "sys"}


def test_inodes_differ_and_times_are_zero() -> None:
    entries = read_newc(write_initramfs(b"x", {"a": b"1", "b": b"2"}))
    assert len({entry.inode for entry in entries}) == len(entries)
    assert {entry.modified for entry in entries} == {0}


def test_the_same_input_gives_the_same_bytes() -> None:
    one = write_initramfs(b"i", {"a": b"1", "b": b"2"})
    assert write_initramfs(b"i", {"b": b"2", "a": b"1"}) == one
    assert len(one) % 512 == 0


def test_cpio_lists_the_archive() -> None:
    assert shutil.which("cpio"), "this test needs cpio (Debian package cpio)"
    archive = write_initramfs(b"program", {"x86-64-le": b"probe"})
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True).stdout
    assert listed.decode().split() == ["dev", "proc", "probes", "sys", "dev/console", "init", "probes/x86-64-le"]
