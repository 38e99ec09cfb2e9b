"""Recognising kernel images: one built header for each format, its damaged twins, and files that are no kernels."""

from __future__ import annotations

import bz2
import gzip
import os
import random
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from elf_builder import ImageSpec, Symbol, build_image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_packing import COMPRESSORS, devicetree, fit, lz4_frame, lzop, uimage

from vdsocat.errors import InputError
from vdsocat.kernels.decompression import Payload, join_unpacked, unpack
from vdsocat.kernels.image import (
    KernelImage,
    bootable_payload,
    identify_kernel,
    quick_payload,
    read_release,
    unpack_kernel,
)

RELEASE = "6.1.0-50-test"
BANNER = f"Linux version {RELEASE} (someone@somewhere) #1 SMP\n\0".encode()
NOISE = random.Random(1).randbytes(35_000)
FILLER = NOISE.hex().encode()  # compressible, so that the banner does not show through compression
KERNEL = FILLER + BANNER + FILLER


def pe_header(machine: int, size: int) -> bytes:
    """PE signature, COFF header with an empty optional header, and one section that ends at `size`."""
    section = b".text\0\0\0" + struct.pack("<IIII", size, 0, size - 0x200, 0x200) + bytes(16)
    return b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, 0, 0) + section


def with_fields(data: bytes, fields: dict[int, bytes]) -> bytes:
    """The data with bytes replaced at some offsets."""
    image = bytearray(data)
    for offset, content in fields.items():
        image[offset : offset + len(content)] = content
    return bytes(image)


def efi_stub(data: bytes, machine: int) -> bytes:
    """The data with MZ, a pointer to a PE header at 0x40, and that header."""
    return with_fields(data, {0: b"MZ", 0x3C: struct.pack("<I", 0x40), 0x40: pe_header(machine, len(data))})


def arm64_image(*, big: bool = False, stub: bool = True) -> bytes:
    data = with_fields(bytes(0x200) + KERNEL, {0x10: struct.pack("<QQ", 1 << 25, 0xA | big), 0x38: b"ARM\x64"})
    return efi_stub(data, 0xAA64) if stub else data


def riscv_image(*, load_offset: int = 0x200000, machine: int | None = 0x5064) -> bytes:
    fields = {8: struct.pack("<QQQI", load_offset, 1 << 25, 0, 2), 0x30: b"RISCV\0\0\0RSC\x05"}
    data = with_fields(bytes(0x200) + KERNEL, fields)
    return efi_stub(data, machine) if machine else data


def loongarch_image() -> bytes:
    return with_fields(efi_stub(bytes(0x200) + KERNEL, 0x6264), {0x38: b"\xcd\x23\x82\x81"})


def bzimage(compression: str = "xz", *, bits: int = 64, protocol: int = 0x20F, kernel: bytes = b"") -> bytes:
    payload = COMPRESSORS[compression](kernel or elf_kernel(bits=bits))
    code = bytes(64) + payload
    code += bytes(-len(code) % 16)
    setup_sectors = 4
    version = f"{RELEASE} (someone) #1 SMP".encode() + b"\0"
    fields = {
        0x1F1: bytes([setup_sectors]),
        0x1F4: struct.pack("<I", len(code) // 16),
        0x1FE: b"\x55\xaa",
        0x202: b"HdrS" + struct.pack("<H", protocol),
        0x20E: struct.pack("<H", 0x300),
        0x211: b"\1",
        0x236: struct.pack("<H", 1 if bits == 64 else 0),
        0x248: struct.pack("<II", 64, len(payload)),
        0x500: version,
    }
    return with_fields(bytes((setup_sectors + 1) * 512), fields) + code


def zimage(*, big: bool = False, be8: bool = True, compression: str = "gzip", stub: bool = False) -> bytes:
    body = bytes(0x200) + COMPRESSORS[compression](KERNEL)
    order = ">" if big and not be8 else "<"
    mark = b"\4\3\2\1" if big else b"\1\2\3\4"
    data = with_fields(body, {0x24: struct.pack(order + "III", 0x016F2818, 0, len(body)) + mark})
    return efi_stub(data, 0x01C2) if stub else data


def sh_zimage(*, big: bool = False) -> bytes:
    """The decompressor's code with the two status registers that it states, and the head of a bzImage that is none."""
    registers = struct.pack(">II" if big else "<II", 0x500000F0, 0x400000F0)
    return with_fields(bytes(0x400), {0xB8: registers, 0x202: b"HdrS\2\2", 0x211: b"\1"}) + COMPRESSORS["gzip"](KERNEL)


def elf_kernel(
    *,
    bits: int = 64,
    machine: int = 62,
    big: bool = False,
    kind: int = 2,
    extra: int | None = None,
    body: bytes = KERNEL,
) -> bytes:
    """An ELF file with one PT_LOAD, and one more program header of a given type."""
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([bits // 32, 2 if big else 1, 1]) + bytes(9)
    address = "Q" if bits == 64 else "I"
    sizes = (64, 56) if bits == 64 else (52, 32)
    types = [1] if extra is None else [1, extra]
    start = sizes[0] + len(types) * sizes[1]
    header = struct.pack(
        f"{order}HHI{address}{address}{address}IHHHHHH",
        kind,
        machine,
        1,
        0,
        sizes[0],
        0,
        0,
        sizes[0],
        sizes[1],
        len(types),
        0,
        0,
        0,
    )
    segments = b""
    for number in types:
        if bits == 64:
            segments += struct.pack(order + "IIQQQQQQ", number, 5, start, 0, 0, len(body), len(body), 4096)
        else:
            segments += struct.pack(order + "IIIIIIII", number, start, 0, 0, len(body), len(body), 5, 4096)
    return ident + header + segments + body


def zboot(compression: str = "gzip", machine: int = 0x6264, kernel: bytes = b"") -> bytes:
    payload = COMPRESSORS[compression](kernel or loongarch_image())
    head = bytes(0x200)
    name = b"zstd22" if compression == "zstd" else compression.encode()
    data = with_fields(efi_stub(head + payload, machine), {2: b"\0\0zimg", 8: struct.pack("<II", 0x200, len(payload))})
    return with_fields(data, {24: name + b"\0", 0x38: b"\xcd\x23\x82\x81"})


def s390_image(*, version: bool = True) -> bytes:
    fields = {0x10008: b"S390EP"}
    if version:
        fields |= {0x10428: struct.pack(">Q", 0x18000), 0x18000: f"{RELEASE} (someone) #1".encode() + b"\0"}
    data = with_fields(bytes(0x20000), fields) + COMPRESSORS["gzip"](KERNEL)
    return data + bytes(-len(data) % 4096) + bytes(4096 - 8) + b"\0\0\0\x20zIPL" if version else data


def written(directory: Path, data: bytes) -> Path:
    path = directory / "vmlinuz"
    path.write_bytes(data)
    return path


def identified(directory: Path, data: bytes) -> KernelImage:
    return identify_kernel(written(directory, data))


def refused(path: Path) -> str:
    """The one sentence with which identify_kernel refuses a file, without its path at the start."""
    with pytest.raises(InputError) as caught:
        identify_kernel(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


KERNELS: dict[str, tuple[bytes, tuple[str, str, int, str, str | None]]] = {
    "x86-64": (bzimage(), ("bzImage", "x86", 64, "little", RELEASE)),
    "i386": (bzimage(bits=32), ("bzImage", "x86", 32, "little", RELEASE)),
    "x86-64 before xloadflags": (bzimage(protocol=0x20A), ("bzImage", "x86", 64, "little", RELEASE)),
    "i386 before xloadflags": (
        bzimage(protocol=0x208, kernel=elf_kernel(bits=32, machine=3)),
        ("bzImage", "x86", 32, "little", RELEASE),
    ),
    "arm": (zimage(), ("zImage", "arm", 32, "little", None)),
    "arm with EFI stub": (zimage(stub=True), ("zImage", "arm", 32, "little", None)),
    "arm BE8": (zimage(big=True), ("zImage", "arm", 32, "big", None)),
    "arm BE32": (zimage(big=True, be8=False), ("zImage", "arm", 32, "big", None)),
    "arm without mark": (with_fields(zimage(), {0x30: bytes(4)}), ("zImage", "arm", 32, "little", None)),
    "arm with device tree behind": (zimage() + bytes(999), ("zImage", "arm", 32, "little", None)),
    "arm64": (arm64_image(), ("Image", "arm64", 64, "little", RELEASE)),
    "arm64 without EFI": (arm64_image(stub=False), ("Image", "arm64", 64, "little", RELEASE)),
    "arm64 big-endian": (arm64_image(big=True), ("Image", "arm64", 64, "big", RELEASE)),
    "arm64 before 3.17, big-endian": (
        with_fields(arm64_image(stub=False), {8: struct.pack(">QQ", 0x80000, 0)}),
        ("Image", "arm64", 64, "big", RELEASE),
    ),
    "arm64 before 3.17": (
        with_fields(arm64_image(stub=False), {8: struct.pack("<QQ", 0x80000, 0)}),
        ("Image", "arm64", 64, "little", RELEASE),
    ),
    "riscv64": (riscv_image(), ("Image", "riscv", 64, "little", RELEASE)),
    "riscv64 without EFI": (riscv_image(machine=None), ("Image", "riscv", 64, "little", RELEASE)),
    "riscv32": (riscv_image(load_offset=0x400000, machine=None), ("Image", "riscv", 32, "little", RELEASE)),
    "riscv32 with EFI": (riscv_image(load_offset=0x400000, machine=0x5032), ("Image", "riscv", 32, "little", RELEASE)),
    "loongarch64": (loongarch_image(), ("Image", "loongarch", 64, "little", RELEASE)),
    "loongarch64 zboot": (zboot(), ("efi-zboot", "loongarch", 64, "little", None)),
    "arm64 zboot": (zboot(machine=0xAA64, kernel=arm64_image()), ("efi-zboot", "arm64", 64, "little", None)),
    "s390x": (s390_image(), ("s390-image", "s390", 64, "big", RELEASE)),
    "s390x before parmarea": (s390_image(version=False), ("s390-image", "s390", 64, "big", None)),
    "ppc64le": (elf_kernel(machine=21), ("vmlinux", "powerpc", 64, "little", RELEASE)),
    "ppc32": (elf_kernel(machine=20, bits=32, big=True), ("vmlinux", "powerpc", 32, "big", RELEASE)),
    "x86 vmlinux": (elf_kernel(), ("vmlinux", "x86", 64, "little", RELEASE)),
    "relocatable vmlinux": (elf_kernel(machine=183, kind=3, extra=2), ("vmlinux", "arm64", 64, "little", RELEASE)),
    "mips": (elf_kernel(machine=8, bits=32, big=True), ("vmlinux", "mips", 32, "big", RELEASE)),
    "mips vmlinuz": (
        elf_kernel(machine=8, body=bytes(100) + COMPRESSORS["xz"](KERNEL)),
        ("vmlinuz", "mips", 64, "little", RELEASE),
    ),
    "sh": (sh_zimage(), ("zImage", "sh", 32, "little", None)),
    "sh big-endian": (sh_zimage(big=True), ("zImage", "sh", 32, "big", None)),
    "parisc": (elf_kernel(machine=15, bits=32, big=True), ("vmlinux", "parisc", 32, "big", RELEASE)),
    "sparc64": (elf_kernel(machine=43, big=True), ("vmlinux", "sparc", 64, "big", RELEASE)),
    "Image.gz": (gzip.compress(arm64_image()), ("Image.gz", "arm64", 64, "little", None)),
    "Image.zst": (COMPRESSORS["zstd"](riscv_image()), ("Image.zst", "riscv", 64, "little", None)),
    "Image.lzma": (COMPRESSORS["lzma"](arm64_image()), ("Image.lzma", "arm64", 64, "little", None)),
    "vmlinux.xz": (COMPRESSORS["xz"](elf_kernel(machine=8)), ("vmlinux.xz", "mips", 64, "little", None)),
    "vmlinux.bz2": (bz2.compress(elf_kernel(machine=50)), ("vmlinux.bz2", "ia64", 64, "little", None)),
    "uImage": (uimage(zimage()), ("uImage", "arm", 32, "little", None)),
    "Image.lz4": (COMPRESSORS["lz4"](arm64_image()), ("Image.lz4", "arm64", 64, "little", None)),
    "Image.lz4 as a frame": (lz4_frame(arm64_image()), ("Image.lz4", "arm64", 64, "little", None)),
    "Image.lzo": (lzop(arm64_image()), ("Image.lzo", "arm64", 64, "little", None)),
    "FIT gzip": (fit(gzip.compress(arm64_image()), compression="gzip"), ("FIT", "arm64", 64, "little", None)),
    "FIT with data behind": (fit(arm64_image(), behind=True), ("FIT", "arm64", 64, "little", None)),
    "uImage gzip": (uimage(gzip.compress(arm64_image()), packing=1), ("uImage", "arm64", 64, "little", None)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_every_format_is_recognised(name: str, tmp_path: Path) -> None:
    data, expected = KERNELS[name]
    image = identified(tmp_path, data)
    assert (image.format, image.arch, image.bits, image.endianness, image.release) == expected
    assert image.path == tmp_path / "vmlinuz"


@pytest.mark.parametrize("name", KERNELS)
def test_the_release_is_found_in_the_compressed_kernel_if_not_before(name: str, tmp_path: Path) -> None:
    image = identified(tmp_path, KERNELS[name][0])
    assert read_release(image) == RELEASE


UNPACKED = {
    "loongarch64 zboot": loongarch_image(),
    "arm64 zboot": arm64_image(),
    "Image.gz": arm64_image(),
    "Image.zst": riscv_image(),
    "Image.lzma": arm64_image(),
    "vmlinux.xz": elf_kernel(machine=8),
    "vmlinux.bz2": elf_kernel(machine=50),
    "Image.lz4": arm64_image(),
    "Image.lz4 as a frame": arm64_image(),
    "uImage": zimage(),
    "uImage gzip": arm64_image(),
    "FIT gzip": arm64_image(),
    "FIT with data behind": arm64_image(),
    "Image.lzo": arm64_image(),
}


@pytest.mark.parametrize("name", KERNELS)
def test_what_qemu_can_start_stays_and_the_rest_is_unpacked(name: str, tmp_path: Path) -> None:
    image = identified(tmp_path, KERNELS[name][0])
    payload = bootable_payload(image, tmp_path / "unpacked")
    if name in UNPACKED:
        assert not image.bootable
        assert payload.read_bytes() == UNPACKED[name]
        assert list((tmp_path / "unpacked").iterdir()) == [payload]
        assert read_release(identify_kernel(payload)) == RELEASE
    else:
        assert image.bootable
        assert payload == image.path
        assert not (tmp_path / "unpacked").exists()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_vmlinux_of_superh_is_read_and_not_started(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    image = identified(tmp_path, pack(elf_kernel(machine=42, bits=32)))
    assert (image.arch, image.bits, image.bootable, read_release(image)) == ("sh", 32, False, RELEASE)
    with pytest.raises(InputError, match="cannot be started: QEMU's board for SuperH starts a zImage alone"):
        bootable_payload(image, tmp_path / "unpacked")


def test_what_has_the_head_of_a_bzimage_and_no_more_is_no_kernel(tmp_path: Path) -> None:
    refused(written(tmp_path, with_fields(sh_zimage(), {0xB8: bytes(8)})))


def riscv_vmlinux(*, gap: int = 0x1000) -> bytes:
    """Two segments at the top of the address space, the second `gap` bytes behind the first, and one without bytes."""
    first, second, base = KERNEL, b"data of the kernel", 0xFFFFFFFF80000000
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, base, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    start = 64 + 3 * 56
    places = [(base + len(first) + gap, start + len(first), second), (base, start, first), (0, start, b"")]
    for address, offset, content in places:
        header += struct.pack("<IIQQQQQQ", 1, 5, offset, address, 0, len(content), len(content), 4096)
    return header + first + second


def test_a_riscv_vmlinux_is_started_as_the_memory_image_that_it_loads(tmp_path: Path) -> None:
    image = identified(tmp_path, riscv_vmlinux())
    assert (image.format, image.arch, image.bootable) == ("vmlinux", "riscv", False)
    payload = bootable_payload(image, tmp_path / "flat")
    assert payload.read_bytes() == KERNEL + bytes(0x1000) + b"data of the kernel"
    assert list((tmp_path / "flat").iterdir()) == [payload]


def test_a_riscv_vmlinux_whose_segments_lie_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its segments are 0x10000000 bytes apart"):
        bootable_payload(identified(tmp_path, riscv_vmlinux(gap=1 << 28)), tmp_path / "flat")


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_self_extracting_kernels_are_unpacked_on_request(compression: str, tmp_path: Path) -> None:
    assert unpack_kernel(identified(tmp_path, bzimage(compression)), tmp_path).read_bytes() == elf_kernel()
    assert unpack_kernel(identified(tmp_path, zimage(compression=compression)), tmp_path).read_bytes() == KERNEL
    vmlinuz = elf_kernel(machine=8, body=bytes(100) + COMPRESSORS[compression](KERNEL))
    assert unpack_kernel(identified(tmp_path, vmlinuz), tmp_path).read_bytes() == KERNEL
    unpacked = unpack_kernel(identified(tmp_path, zboot(compression) if compression != "bzip2" else zboot()), tmp_path)
    assert unpacked.read_bytes() == loongarch_image()


def test_unpacking_an_uncompressed_kernel_gives_itself(tmp_path: Path) -> None:
    image = identified(tmp_path, arm64_image())
    assert unpack_kernel(image, tmp_path / "unpacked") == image.path


def test_kernels_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    names = set()
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        names.add(bootable_payload(identified(tmp_path / part, zboot()), tmp_path / "unpacked"))
    assert len(names) == 2


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    image = identified(tmp_path, zboot())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"file/.*unpacked cannot be written: "):
        bootable_payload(image, tmp_path / "file")


TRUNCATED = {
    "x86-64": "is truncated: the kernel that its header promises ends at byte",
    "i386": "is truncated: the kernel that its header promises ends at byte",
    "arm": "is truncated: its zImage ends at byte",
    "arm BE32": "is truncated: its zImage ends at byte",
    "arm64": "is truncated: section 1 of its PE header ends at byte",
    "riscv64": "is truncated: section 1 of its PE header ends at byte",
    "loongarch64": "is truncated: section 1 of its PE header ends at byte",
    "loongarch64 zboot": "is truncated: its compressed payload ends at byte",
    "s390x": 'is truncated: an s390 kernel 6.1.0-50-test ends with the trailer "zIPL"',
    "ppc64le": "is truncated: its PT_LOAD segment ends at byte",
    "mips vmlinuz": "is truncated: its PT_LOAD segment ends at byte",
    "uImage": "is truncated: its uImage data ends at byte",
}


@pytest.mark.parametrize("name", TRUNCATED)
@pytest.mark.parametrize("part", [0.6, 0.99])
def test_a_truncated_kernel_is_refused(name: str, part: float, tmp_path: Path) -> None:
    data = KERNELS[name][0]
    assert TRUNCATED[name] in refused(written(tmp_path, data[: int(len(data) * part)]))


@pytest.mark.parametrize("name", ["arm64 without EFI", "riscv64 without EFI", "riscv32"])
def test_an_image_without_any_stated_size_must_still_hold_the_banner(name: str, tmp_path: Path) -> None:
    data = KERNELS[name][0]
    assert 'holds no "Linux version" text: it is truncated' in refused(written(tmp_path, data[: len(data) // 3]))


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_cut_within_its_header_is_refused(name: str, tmp_path: Path) -> None:
    refused(written(tmp_path, KERNELS[name][0][:48]))


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("left", [0.2, 0.999])
def test_a_truncated_compressed_kernel_is_refused_when_it_is_unpacked(
    compression: str, left: float, tmp_path: Path
) -> None:
    data = COMPRESSORS[compression](arm64_image() + random.Random(2).randbytes(2 << 20))
    path = written(tmp_path, data[: int(len(data) * left)])
    with pytest.raises(InputError, match=r"is truncated: ") as caught:
        bootable_payload(identify_kernel(path), tmp_path / "unpacked")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "unpacked").exists() or list((tmp_path / "unpacked").iterdir()) == []


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_a_damaged_payload_is_refused_when_it_is_unpacked(compression: str, tmp_path: Path) -> None:
    data = bytearray(bzimage(compression))
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    image = identified(tmp_path, bytes(data))
    with pytest.raises(InputError, match=rf"vmlinuz is (damaged|truncated): its {compression} data"):
        unpack_kernel(image, tmp_path / "unpacked")


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_what_unpacks_to_too_much_is_refused(compression: str) -> None:
    data = COMPRESSORS[compression](bytes(9 << 20))
    pieces = unpack(data, Payload(0, len(data), compression), "bomb", limit=8 << 20)
    with pytest.raises(InputError, match="bomb unpacks to more than 8 MiB, which is no kernel"):
        assert all(len(piece) <= 40 << 20 for piece in pieces)


@pytest.mark.parametrize(
    ("compression", "module", "package"),
    [("lz4", "lz4", "lz4"), ("lzo", "lzallright", "lzallright"), ("zstd", "zstandard", "zstandard")],
)
def test_a_library_that_is_not_installed_is_named(
    compression: str, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    told = f"is compressed with {compression}, which takes the Python package {package}: pip install {package}"
    assert told in refused(written(tmp_path, COMPRESSORS[compression](arm64_image())))
    for kernel in (bzimage(compression), zimage(compression=compression)):
        image = identified(tmp_path, kernel)
        assert image.bootable
        with pytest.raises(InputError, match=told):
            unpack_kernel(image, tmp_path)


@pytest.mark.parametrize("inner", [zimage(), zimage(compression="lzo")])
@pytest.mark.parametrize("wrap", [uimage, fit], ids=["uImage", "FIT"])
def test_a_packed_self_extracting_kernel_is_unpacked_twice_or_started_as_it_is(
    inner: bytes, wrap: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    image = identified(tmp_path, wrap(inner))
    assert (image.arch, image.bits, image.is_wrapped) == ("arm", 32, True)
    assert unpack_kernel(image, tmp_path).read_bytes() == KERNEL
    assert bootable_payload(image, tmp_path).read_bytes() == inner


@pytest.mark.parametrize("flags", [0, 0x1, 0x2, 0x3, 0x100, 0x303, 0x40, 0x800])
@pytest.mark.parametrize("version", [0x0939, 0x1040])
def test_all_headers_of_lzop_are_read(flags: int, version: int) -> None:
    data = (FILLER * 5)[:300_000] + NOISE * 20
    packed = lzop(data, flags=flags, version=version)
    for behind in (b"", b"\xff" * 99):
        assert join_unpacked(packed + behind, Payload(0, len(packed + behind), "lzo"), "it") == data


@pytest.mark.parametrize("size", [8 << 20, (8 << 20) + 5, 16 << 20])
@pytest.mark.parametrize("behind", ["nothing", "its size", "zeroes", "another stream"])
def test_the_end_of_legacy_lz4_is_found(size: int, behind: str) -> None:
    data = (FILLER * (size // len(FILLER) + 1))[:size]
    packed = COMPRESSORS["lz4"](data)
    tail, more = {
        "nothing": (b"", b""),
        "its size": (struct.pack("<I", size) + b"and more", b""),
        "zeroes": (bytes(99), b""),
        "another stream": (COMPRESSORS["lz4"](b"abc"), b"abc"),
    }[behind]
    assert join_unpacked(packed + tail, Payload(0, len(packed + tail), "lz4"), "it") == data + more


def test_a_vmlinux_bin_is_told_by_the_vdso_that_it_carries(tmp_path: Path) -> None:
    vdso = build_image(ImageSpec((Symbol("__kernel_getcpu", "LINUX_2.6.15"),), machine=20, elf_class=32, big=True)).data
    raw = KERNEL + bytes(999) + vdso
    for data, name in ((raw, "raw"), (gzip.compress(raw), "raw.gz"), (uimage(bz2.compress(raw), packing=2), "uImage")):
        image = identified(tmp_path, data)
        assert (image.format, image.arch, image.bits, image.endianness) == (name, "powerpc", 32, "big")
        assert (image.release, read_release(image)) == (RELEASE, RELEASE)
        assert unpack_kernel(image, tmp_path).read_bytes() == raw
        if name == "uImage":
            assert bootable_payload(image, tmp_path) == image.path
        else:
            with pytest.raises(InputError, match="cannot be started: it has no header"):
                bootable_payload(image, tmp_path)


@pytest.mark.parametrize("extra", [None, 3])
def test_user_mode_linux_is_a_program_and_a_kernel(extra: int | None, tmp_path: Path) -> None:
    image = identified(tmp_path, elf_kernel(body=KERNEL + b"User Mode Linux v%s\n", extra=extra))
    assert (image.format, image.arch, image.bits, image.release) == ("linux", "um", 64, RELEASE)
    assert unpack_kernel(image, tmp_path) == image.path


def test_an_s390_kernel_that_is_not_compressed_is_its_own_kernel(tmp_path: Path) -> None:
    plain = s390_image()[:0x20000] + KERNEL + s390_image()[-4096:]
    assert unpack_kernel(identified(tmp_path, plain), tmp_path).read_bytes() == plain


def test_magic_numbers_in_the_code_before_the_payload_do_not_mislead(tmp_path: Path) -> None:
    constants = b"\x02\x21\x4c\x18 \xfd7zXZ\x00 \x1f\x8b\x08\x00 "
    image = identified(tmp_path, elf_kernel(machine=8, body=constants + COMPRESSORS["xz"](KERNEL)))
    assert (image.format, image.release) == ("vmlinuz", RELEASE)


def shared_object() -> bytes:
    return build_image(ImageSpec((Symbol("f"),))).data


NO_KERNELS = {
    "empty": (b"", "is empty"),
    "text": (b"# a comment\nkey: value\n", "it is a text file"),
    "script": (b"#!/bin/sh\nexit 0\n", "it is a script"),
    "package": (b"!<arch>\ndebian-binary   1", "it is a Debian package"),
    "library": (b"!<arch>\n/               ", "it is a static library"),
    "initramfs": (b"070701" + b"0" * 104, "it is a cpio archive, such as an initramfs"),
    "zeroes": (bytes(4096), "it starts with zeroes"),
    "noise": (b"\x80\x81\x82\x83" + NOISE, "it starts with 80 81 82 83"),
    "windows program": (efi_stub(bytes(4096), 0x8664), "it is a PE file"),
    "module": (elf_kernel(kind=1), "it is a relocatable object, such as a kernel module"),
    "core": (elf_kernel(kind=4), "it is a core dump"),
    "program": (elf_kernel(extra=3), "it is an ordinary program or library for EM_X86_64"),
    "shared object": (shared_object(), "it is a shared object or static program for EM_X86_64"),
    "static program": (elf_kernel(body=FILLER), 'it is an ELF file without a "Linux version" text for EM_X86_64'),
    "program with compressed data": (
        elf_kernel(body=gzip.compress(FILLER)),
        'it is an ELF file without a "Linux version" text for EM_X86_64',
    ),
    "program with an lz4 constant": (
        elf_kernel(body=FILLER + b"\x02\x21\x4c\x18"),
        'it is an ELF file without a "Linux version" text for EM_X86_64',
    ),
    "unknown machine": (elf_kernel(machine=0x1234), "is an ELF file for EM_4660, which is no architecture"),
    "compressed text": (gzip.compress(b"hello\n" * 99), "is no kernel image: it is a text file"),
    "compressed nothing": (gzip.compress(b""), "its gzip data are empty"),
    "damaged gzip": (b"\x1f\x8b\x08\x00" + NOISE, "is damaged: its gzip data do not unpack"),
    "kernel of 2.6.25": (bzimage(protocol=0x207), "is a kernel of 2.6.25 or older (boot protocol 0x207)"),
    "bzImage with unknown payload before xloadflags": (
        with_fields(bzimage(protocol=0x20A), {0xA00 + 64: bytes(16)}),
        "does not tell whether it is a 32-bit or a 64-bit kernel",
    ),
    "riscv of unknown width": (riscv_image(load_offset=0, machine=None), "32 or 64 bits unknown"),
    "zboot of unknown machine": (
        zboot(machine=0x1234),
        "its EFI zboot header names compression 'gzip' and machine None",
    ),
    "zboot of unknown compression": (with_fields(zboot(), {24: b"snappy\0"}), "names compression 'snappy'"),
    "uImage ramdisk": (uimage(zimage(), kind=3), "is a uImage, but no Linux kernel (os 5, type 3)"),
    "uImage of something": (uimage(NOISE), "is no kernel image: it starts with"),
    "uImage with another byte": (
        with_fields(uimage(zimage()), {300: b"!!"}),
        "the checksum of its uImage data is wrong",
    ),
    "uImage with another header": (with_fields(uimage(zimage()), {9: b"!"}), "the checksum of its uImage header is"),
    "FIT of something": (fit(NOISE), "is no kernel image: it starts with"),
    "FIT with another byte": (fit(zimage())[:9000] + b"!" + fit(zimage())[9001:], "has another crc32 hash"),
    "FIT with a wrong digest": (
        fit(zimage(), **{"hash-2": {"algo": "sha256", "value": bytes(32)}}),
        "has another sha256 hash",
    ),
    "FIT without data": (fit(b"", behind=True, **{"data-size": bytes(12)}), "the kernel of its FIT image has no data"),
    "FIT that lies about its data": (
        fit(b"", behind=True, **{"data-size": 1 << 30}),
        "the kernel of its FIT image ends",
    ),
    "FIT of another system": (fit(zimage(), os="plan9"), "is a FIT image with a kernel of plan9, not of Linux"),
    "FIT packed strangely": (fit(zimage(), compression="snappy"), "a kernel compressed with 'snappy'"),
    "FIT without a kernel": (
        devicetree({"images": {"fdt": {"type": "flat_dt"}}}),
        "it is a FIT image without a kernel",
    ),
    "devicetree": (devicetree({"model": "a board"}), "it is a devicetree blob, but no FIT image"),
    "devicetree that breaks off": (
        with_fields(devicetree({"model": "a board"}), {56: b"\0\0\0\7"}),
        "it begins like a devicetree blob and does not go on like one",
    ),
    "devicetree with a property that is too long": (
        with_fields(devicetree({"model": "a board"}), {68: b"\0\1\0\0"}),
        "it begins like a devicetree blob and does not go on like one",
    ),
    "devicetree cut short": (devicetree({"model": "a board"})[:60], "its devicetree blob ends at byte"),
    "packed again and again": (
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(arm64_image())))),
        "is packed again and again, which no kernel is",
    ),
    "banner without an architecture": (KERNEL, "nothing else in it tells the architecture of the Linux 6.1.0-50-test"),
    "arm64 without banner": (
        efi_stub(with_fields(bytes(4096), {0x10: b"\1", 0x38: b"ARM\x64"}), 0xAA64),
        'holds no "Linux version" text',
    ),
}


@pytest.mark.parametrize("name", NO_KERNELS)
def test_a_file_that_is_no_kernel_gets_one_sentence(name: str, tmp_path: Path) -> None:
    data, expected = NO_KERNELS[name]
    assert expected in refused(written(tmp_path, data))


def test_a_missing_file_a_directory_and_a_device(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing").endswith("nothing does not exist")
    assert refused(tmp_path).endswith("is a directory, not a kernel image")
    assert refused(Path("/dev/null")).endswith("is no regular file")


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, b"x")

    def denied(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", denied)
    assert refused(path).endswith("cannot be read: Permission denied")


@given(st.sampled_from(sorted(KERNELS)), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_headers_are_read_or_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    image = bytearray(KERNELS[name][0])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 0x2FF), st.integers(0, 255)), min_size=1, max_size=6)):
        image[at] = value
    path = written(tmp_path, bytes(image))
    try:
        bootable_payload(identify_kernel(path), tmp_path / "unpacked")
    except InputError as error:
        assert str(path) in str(error)


def test_gzip_trailers_are_checked(tmp_path: Path) -> None:
    data = gzip.compress(arm64_image())
    wrong = data[:-8] + struct.pack("<I", zlib.crc32(b"other")) + data[-4:]
    with pytest.raises(InputError, match="is damaged: its gzip data do not unpack"):
        bootable_payload(identified(tmp_path, wrong), tmp_path / "unpacked")


def elf_note(owner: bytes, kind: int) -> bytes:
    """An ELF note with four bytes in it."""
    name = owner + b"\0"
    return struct.pack("<III", len(name), 4, kind) + name + bytes(-len(name) % 4) + b"\0\0\0\1"


@pytest.mark.parametrize(
    ("kernel", "quick"),
    [
        (elf_kernel(extra=4, body=elf_note(b"Xen", 18)), True),
        (elf_kernel(extra=4, body=elf_note(b"Xen", 2) + elf_note(b"Xen", 18)), True),
        (elf_kernel(extra=4, body=elf_note(b"Xen", 2)), False),
        (elf_kernel(extra=4, body=elf_note(b"GNU", 18)), False),
        (elf_kernel(), False),
        (KERNEL, False),
    ],
)
def test_a_kernel_with_a_pvh_entry_starts_without_unpacking_itself(tmp_path: Path, kernel: bytes, quick: bool) -> None:
    image = identified(tmp_path, bzimage(kernel=kernel + bytes(1 << 17)))
    payload = quick_payload(image, tmp_path / "payload")
    assert (payload == image.path) is not quick
    if quick:
        assert payload.read_bytes().startswith(kernel)


def test_what_was_unpacked_is_taken_again_until_the_kernel_changes(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    image = identified(tmp_path, bzimage(kernel=elf_kernel(extra=1) + bytes(1 << 17)))
    first = unpack_kernel(image, payload)
    written = first.stat().st_mtime_ns
    assert unpack_kernel(image, payload) == first
    assert first.stat().st_mtime_ns == written
    image.path.write_bytes(bzimage(kernel=elf_kernel(extra=2) + bytes(1 << 18)))
    second = unpack_kernel(identify_kernel(image.path), payload)
    assert second.stat().st_size > 1 << 18
    assert list(payload.iterdir()) == [second]


SIZES = {0x34: struct.pack("<II", 0x45454545, 0x100), 0x100: struct.pack("<6I", 6, 0x5A534C4B, 9, 9, 0x208000, 9)}


@pytest.mark.parametrize("big", [False, True])
def test_an_arm_kernel_is_put_where_it_would_put_itself(tmp_path: Path, big: bool) -> None:
    image = identified(tmp_path, with_fields(zimage(big=big), SIZES))
    entered = quick_payload(image, tmp_path / "payload", 0x40000000)
    header, kernel = entered.read_bytes()[:64], entered.read_bytes()[64:]
    magic, size, load, entry = struct.unpack(">I8xIII40x", header)
    assert (magic, size, load, entry) == (0x27051956, len(KERNEL), 0x40208000, 0x40208000)
    assert header[28:32] == bytes([5, 2, 2, 0]), "Linux, arm, kernel, not compressed"
    assert kernel == KERNEL
    assert quick_payload(image, tmp_path / "payload") == image.path, "memory may begin anywhere"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {0x34: bytes(8)},
        {0x38: struct.pack("<I", 1 << 30)},
        {0x100: struct.pack("<I", 4)},
        {0x104: bytes(4)},
    ],
    ids=["no table", "no magic", "table outside", "table without the word", "another table"],
)
def test_an_arm_kernel_that_does_not_say_where_unpacks_itself(tmp_path: Path, fields: dict[int, bytes]) -> None:
    image = identified(tmp_path, with_fields(zimage(), {**SIZES, **fields} if fields else {}))
    assert quick_payload(image, tmp_path / "payload", 0x40000000) == image.path


def test_a_damaged_arm_kernel_is_refused(tmp_path: Path) -> None:
    image = identified(tmp_path, with_fields(zimage(), {**SIZES, 0x300: bytes(64)}))
    with pytest.raises(InputError, match="holds no compressed kernel that vdsocat can find"):
        quick_payload(image, tmp_path / "payload", 0x40000000)


def test_other_formats_start_as_they_would_anyway(tmp_path: Path) -> None:
    image = identified(tmp_path, riscv_image())
    assert quick_payload(image, tmp_path / "payload", 0x40000000) == image.path
