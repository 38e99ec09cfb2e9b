"""A thousand damaged kernels: each is one clear sentence or an answer; none hangs, fills memory or writes elsewhere."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from fake_mirror import deb
from harm import bounded, files_beside, is_shown
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from kernel_packing import COMPRESSORS, fit, lz4_frame, uimage
from outcomes import Command
from small_images import i386_image, vmlinux
from test_kernel import KERNELS, bzimage, zboot

VMLINUX = vmlinux(images=[i386_image()])
SOUND = {
    **{name: data for name, (data, _) in KERNELS.items()},
    **{f"bzImage with a vDSO, {name}": bzimage(name, bits=32, kernel=VMLINUX) for name in COMPRESSORS},
    **{f"vmlinux with a vDSO, {name}": pack(VMLINUX) for name, pack in COMPRESSORS.items()},
    "vmlinux with a vDSO": VMLINUX,
    "vmlinux with a vDSO as an lz4 frame": lz4_frame(VMLINUX),
    "zboot with a vDSO": zboot(kernel=VMLINUX),
    "uImage with a vDSO": uimage(gzip.compress(VMLINUX), packing=1),
    "FIT with a vDSO": fit(gzip.compress(VMLINUX), compression="gzip"),
    "vDSO": i386_image(),
    **{f".deb{suffix}": deb({"./boot/vmlinuz-6.1": VMLINUX}, suffix) for suffix in (".xz", ".zst", ".gz", "")},
    ".deb with names that lead elsewhere": deb({"../../../boot/vmlinuz-6.1": VMLINUX, "/boot/vmlinuz-6.2": VMLINUX}),
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


@pytest.mark.long
@seed(5)
@settings(
    max_examples=1000, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
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
