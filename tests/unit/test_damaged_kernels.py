"""A thousand damaged kernels: each is one clear sentence or an answer; none hangs, fills memory or writes elsewhere."""

from __future__ import annotations

import gzip
import lzma
import struct
import zlib
from pathlib import Path

import fake_mirror
import pytest
from fake_mirror import deb, tarball
from harm import a_thousand_times, bounded, files_beside, is_shown
from hypothesis import given
from hypothesis import strategies as st
from kernel_packing import COMPRESSORS, fit, lz4_frame, uimage
from outcomes import Command
from small_images import i386_image, vmlinux
from test_kernel import KERNELS, bzimage, zboot

VMLINUX = vmlinux(images=[i386_image()])
FIELDS = b"Package: linux-image-6.1.9-686\nVersion: 6.1.9-1\nArchitecture: i386\n"
CONTROL = tarball({"./control": FIELDS})
ELSEWHERE = tarball({"./control": FIELDS.replace(b"linux-image", b"../../elsewhere/linux-image")})


def package(*names: str, suffix: str = ".xz", control: bytes = CONTROL) -> bytes:
    return deb(dict.fromkeys(names, VMLINUX), suffix, control=control)


SOUND = {
    **{name: data for name, (data, _) in KERNELS.items()},
    **{f"bzImage with a vDSO, {name}": bzimage(name, bits=32, kernel=VMLINUX) for name in COMPRESSORS},
    **{f"vmlinux with a vDSO, {name}": pack(VMLINUX) for name, pack in COMPRESSORS.items()},
    "vmlinux with a vDSO": VMLINUX,
    "vmlinux with a vDSO as an lz4 frame": lz4_frame(VMLINUX),
    "zboot of another architecture": zboot(kernel=VMLINUX),
    "uImage with a vDSO": uimage(gzip.compress(VMLINUX), packing=1),
    "FIT with a vDSO": fit(gzip.compress(VMLINUX), compression="gzip"),
    "vDSO": i386_image(),
    **{
        f".deb{suffix} with a vDSO": package("./boot/vmlinuz-6.1", suffix=suffix)
        for suffix in (".xz", ".zst", ".gz", "")
    },
    ".deb with a name that leads elsewhere": package("./boot/vmlinuz-../../../../elsewhere"),
    ".deb with names that lead elsewhere": package("../../../boot/vmlinuz-6.1", "/boot/vmlinuz-6.2"),
    ".deb that calls itself something elsewhere": package("./boot/vmlinuz-6.1", control=ELSEWHERE),
    "vmlinux with a release that leads elsewhere": vmlinux(release="6.1/../../../elsewhere", images=[i386_image()]),
    "vmlinux with a release that is a path": vmlinux(release="6.1\x1b[31m/../../elsewhere", images=[i386_image()]),
}
NUMBERS = st.sampled_from((0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name of a kernel, and its bytes after one to four accidents, half of them in its first headers."""
    name = draw(st.sampled_from(sorted(SOUND)))
    data = bytearray(SOUND[name])
    for _ in range(draw(st.integers(1, 4))):
        last = max(len(data) - 1, 0)
        at = draw(st.one_of(st.integers(0, min(last, 0x400)), st.integers(0, last)))
        length = draw(st.one_of(st.integers(1, 16), st.integers(1, 1 << 16)))
        match draw(st.sampled_from(("byte", "number", "noise", "zeroes", "cut", "lose", "repeat", "insert"))):
            case "byte":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "number":
                form = draw(st.sampled_from(("<I", ">I", "<Q", ">Q", "<H", ">H")))
                size = struct.calcsize(form)
                value = draw(NUMBERS) & ((1 << 8 * size) - 1)
                data[at : at + size] = struct.pack(form, value)
            case "noise":
                data[at : at + 16] = draw(st.binary(min_size=1, max_size=16))
            case "zeroes":
                data[at : at + length] = bytes(len(data[at : at + length]))
            case "cut":
                del data[at:]
            case "lose":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length]
            case "insert":
                data[at:at] = draw(st.binary(max_size=64))
    return name, bytes(data)


@pytest.mark.parametrize("name", [name for name in SOUND if "with a vDSO" in name])
def test_what_is_not_damaged_is_read(vdsocat: Command, tmp_path: Path, name: str) -> None:
    path = tmp_path / "kernel.deb"
    path.write_bytes(SOUND[name])
    outcome = vdsocat("extract", path)
    assert (outcome.status, outcome.out.count("i386 (native, little-endian, static)")) == (0, 1)


def with_large_dictionary(packed: bytes) -> bytes:
    """xz data whose block says that they take a dictionary of 4 GiB."""
    head = bytearray(packed[12 : 12 + 4 * (packed[12] + 1)])
    head[head.index(0x21) + 2] = 40  # what follows the id of LZMA2 and the size of its properties
    head[-4:] = struct.pack("<I", zlib.crc32(head[:-4]))
    return packed[:12] + head + packed[12 + len(head) :]


def test_a_package_gets_no_more_memory_than_a_kernel(
    vdsocat: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake_mirror._COMPRESSORS, ".xz", lambda data: with_large_dictionary(lzma.compress(data)))
    path = tmp_path / "large.deb"
    path.write_bytes(package("./boot/vmlinuz-6.1"))
    with bounded():
        assert vdsocat("extract", path).refused_in_one_sentence("large.deb is no sound Debian package (Memory")


@a_thousand_times
@given(damaged(), st.sampled_from(("extract", "check")))
def test_a_damaged_kernel(vdsocat: Command, tmp_path: Path, kernel: tuple[str, bytes], verb: str) -> None:
    name, data = kernel
    path = tmp_path / "a" / "b" / f"kernel{'.deb' if name.startswith('.deb') else ''}"
    out = tmp_path / "a" / "b" / "out"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    before = files_beside(tmp_path, out)
    words = ("extract",) if verb == "extract" else ("check", "--static")
    with bounded():
        outcome = vdsocat(*words, path, "--out", out)
    assert outcome.status in ((0, 2) if verb == "extract" else (0, 1, 2))
    if outcome.status == 2:
        assert outcome.refused_in_one_sentence(path.name)
    assert "Traceback" not in outcome.err
    assert is_shown(outcome.out + outcome.err)
    assert files_beside(tmp_path, out) == before
    path.unlink()


@pytest.mark.parametrize("name", [name for name in SOUND if "elsewhere" in name or "is a path" in name])
def test_what_leads_elsewhere_stays_in_its_directory(vdsocat: Command, tmp_path: Path, name: str) -> None:
    path, out = tmp_path / "a" / "b" / "kernel.deb", tmp_path / "a" / "b" / "out"
    out.mkdir(parents=True)
    path.write_bytes(SOUND[name])
    before = files_beside(tmp_path, out)
    outcome = vdsocat("extract", path, "--out", out)
    assert outcome.status in (0, 2)
    assert files_beside(tmp_path, out) == before
    assert is_shown(outcome.out)
    assert len(list(out.iterdir())) == (outcome.status == 0)
