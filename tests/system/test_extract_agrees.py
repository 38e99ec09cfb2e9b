"""What `extract` reads out of the kernels' files against what their processes saw, on every kernel of the matrix."""

from __future__ import annotations

import io
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from command_line import Matrix, vdsocat
from elftools.elf.elffile import ELFFile
from test_matrix import ROWS, WITHOUT_IMAGE

from vdsocat.capture import read_capture

# Rows whose code the kernel rewrites before it maps it: the CPUs of their machines have what the tables ask for.
# Elsewhere there is no table, or nothing of it holds on the machine.
REWRITTEN = {
    ("amd64-6.1", "x86-64"), ("amd64-6.1", "i386"), ("amd64-6.1", "x32"), ("i386-6.1", "i386"),
    ("amd64-newest", "x86-64"), ("amd64-newest", "i386"), ("amd64-newest", "x32"),
    ("arm64-newest", "aarch64"), ("arm64-be", "aarch64"), ("s390x-newest", "s390x"), ("ppc32", "ppc32"),
}  # fmt: skip
# The kernel has a second image for machines that check where branches land (CONFIG_RISCV_USER_CFI).
ALTERNATIVES = {("riscv64-newest", "riscv64"): 2}
# User Mode Linux maps the page of its own program that the image lies in, with what lies behind it (docs/findings.md).
NOT_ALONE = ("um-x86-64", "um-x86-64")
SEEN = [row for row, runs in ROWS.items() if runs and row not in WITHOUT_IMAGE]


@pytest.fixture(scope="module")
def extracted(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[bytes]]:
    """The images that the command line writes out of each kernel's file, by kernel and ABI."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for kernel in sorted({kernel for kernel, _ in ROWS}):
        directory = tmp_path_factory.mktemp("images")
        run = vdsocat("extract", kernel, "--offline", "--format", "json", "--out", str(directory))
        assert run.returncode == 0, f"{kernel}: {run.stderr}"
        for image in json.loads(run.stdout)["images"]:
            found.setdefault((kernel, image["abi"]), []).append(Path(image["file"]).read_bytes())
    return found


@pytest.fixture(scope="module")
def mapped(matrix: Matrix) -> dict[tuple[str, str], bytes]:
    """The images as processes saw them, by kernel and ABI."""
    captures = [read_capture(path) for path in sorted(matrix.captures.glob("*.json"))]
    return {
        (capture.provenance.source, abi.abi): abi.image
        for capture in captures
        for abi in capture.abis
        if abi.image is not None
    }


@pytest.mark.parametrize("row", SEEN, ids="/".join)
def test_the_carried_image_is_the_mapped_one(
    row: tuple[str, str], extracted: dict[tuple[str, str], list[bytes]], mapped: dict[tuple[str, str], bytes]
) -> None:
    carried = extracted[row]
    assert len(carried) == ALTERNATIVES.get(row, 1)
    seen = mapped[row]
    behind = seen[len(carried[0]) :].strip(b"\0")
    assert bool(behind) == (row == NOT_ALONE)
    seen = seen[: len(carried[0])] if behind else seen
    differing = min((_differing(one, seen) for one in carried), key=len)
    assert (len(differing) > 0) == (row in REWRITTEN)
    if differing:
        (image,) = carried
        sections = Counter(_section(image, at) for at in differing)
        assert set(sections) == {".text"}
        assert len(differing) < 100, "a few instructions, of four bytes or a bit more"


@pytest.mark.parametrize("row", SEEN, ids="/".join)
def test_check_says_how_the_mapped_image_differs(row: tuple[str, str], matrix: Matrix) -> None:
    findings = [one for one in matrix.row(*row)["findings"] if one["rule"] == "MAP-CARRIED"]
    if row == NOT_ALONE:
        assert [one["subject"] for one in findings] == ["behind the image"]
        return
    assert [one["verdict"] for one in findings] == ["pass"]
    (finding,) = findings
    assert ("byte for byte" in finding["reason"]) == (row not in REWRITTEN)
    assert ("one of the 2 images" in finding["reason"]) == (row in ALTERNATIVES)


def test_nothing_is_carried_that_no_process_sees(
    extracted: dict[tuple[str, str], list[bytes]], mapped: dict[tuple[str, str], bytes]
) -> None:
    assert set(extracted) == set(mapped) == set(SEEN)


def _differing(carried: bytes, seen: bytes) -> list[int]:
    padded = carried.ljust(len(seen), b"\0")
    assert len(padded) == len(seen), "the mapping is shorter than the image"
    return [at for at in range(len(seen)) if padded[at] != seen[at]]


@cache
def _sections(image: bytes) -> list[tuple[str, int, int]]:
    elf = ELFFile(io.BytesIO(image))
    return [
        (one.name, one["sh_offset"], one["sh_size"]) for one in elf.iter_sections() if one["sh_type"] != "SHT_NOBITS"
    ]


def _section(image: bytes, at: int) -> str:
    return next((name for name, start, size in _sections(image) if start <= at < start + size), "none")
