"""The headers that an architecture's boot loader reads: one reader for each, none of which unpacks a kernel."""

from __future__ import annotations

from vdsocat.elf.layout import Endianness
from vdsocat.errors import InputError
from vdsocat.kernels.decompression import Payload, compression_at, unpacked_beginning
from vdsocat.kernels.header import Contents, KernelHeader

_PE_MACHINES = {  # include/linux/pe.h, IMAGE_FILE_MACHINE_*
    0x014C: ("x86", 32),
    0x8664: ("x86", 64),
    0x01C2: ("arm", 32),
    0xAA64: ("arm64", 64),
    0x5032: ("riscv", 32),
    0x5064: ("riscv", 64),
    0x6232: ("loongarch", 32),
    0x6264: ("loongarch", 64),
}
_LINUX_PE_MAGIC = 0x818223CD  # include/linux/pe.h
_SH_MAGIC = 0x400000F0  # a status register with a processor in privileged mode
_BYTE_ORDERS: tuple[Endianness, ...] = ("little", "big")
_ZBOOT_COMPRESSIONS = {"gzip", "lz4", "lzma", "lzo", "xz", "zstd", "zstd22"}


def _pe_machine(contents: Contents) -> tuple[str, int] | None:
    """Kernel arch and bits of an EFI stub's PE header, checking that all its sections are in the file."""
    if contents.data[:2] != b"MZ":
        return None
    start = contents.number(4, 0x3C)
    if contents.data[start : start + 4] != b"PE\0\0":
        return None
    sections = start + 24 + contents.number(2, start + 20)
    for i in range(contents.number(2, start + 6)):
        size, offset = (contents.number(4, sections + 40 * i + field) for field in (16, 20))
        contents.require(offset + size, f"section {i + 1} of its PE header")
    return _PE_MACHINES.get(contents.number(2, start + 4))


def _read_zboot(contents: Contents) -> KernelHeader | None:
    """EFI zboot, "MZ\\0\\0zimg": drivers/firmware/efi/libstub/zboot-header.S."""
    data = contents.data
    if data[:8] != b"MZ\0\0zimg":
        return None
    offset, size = contents.number(4, 8), contents.number(4, 12)
    compression = bytes(data[24:32]).split(b"\0")[0].decode("ascii", "replace")
    contents.require(offset + size, "its compressed payload")
    machine = _pe_machine(contents)
    if machine is None or compression not in _ZBOOT_COMPRESSIONS:
        raise InputError(
            f"{contents.subject} is damaged: its EFI zboot header names compression {compression!r} "
            f"and machine {machine and machine[0]}"
        )
    payload = Payload(offset, offset + size, "zstd" if compression == "zstd22" else compression)
    return KernelHeader("efi-zboot", machine[0], machine[1], "little", None, payload)


def _read_x86(contents: Contents) -> KernelHeader | None:
    """bzImage or old zImage: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"."""
    data = contents.data
    if data[0x202:0x206] != b"HdrS" or data[0x1FE:0x200] != b"\x55\xaa":
        return None
    protocol = contents.number(2, 0x206)
    if protocol < 0x208:
        raise InputError(
            f"{contents.subject} is a kernel of 2.6.25 or older (boot protocol {protocol:#x}): too old here"
        )
    setup_size = ((contents.number(1, 0x1F1) or 4) + 1) * 512
    code_end = setup_size + contents.number(4, 0x1F4) * 16
    contents.require(code_end, "the kernel that its header promises")
    start = setup_size + contents.number(4, 0x248)
    end = start + contents.number(4, 0x24C)
    contents.require(end, "its compressed payload")
    compression = compression_at(data, start)
    payload = Payload(start, end, compression) if compression else None
    if protocol >= 0x20C:
        bits = 64 if contents.number(2, 0x236) & 1 else 32
    else:  # before xloadflags only the kernel itself tells
        beginning = unpacked_beginning(data, payload, 64) if payload else b""
        if beginning[:4] != b"\x7fELF":
            raise InputError(f"{contents.subject} does not tell whether it is a 32-bit or a 64-bit kernel")
        bits = 64 if beginning[4] == 2 else 32
    release = None
    if pointer := contents.number(2, 0x20E):
        text = bytes(data[pointer + 0x200 : pointer + 0x400]).split(b"\0")[0].decode("ascii", "replace")
        release = text.split(" ")[0] or None
    name = "bzImage" if contents.number(1, 0x211) & 1 else "zImage"
    return KernelHeader(name, "x86", bits, "little", release, payload)


def _read_arm(contents: Contents) -> KernelHeader | None:
    """arm zImage: arch/arm/boot/compressed/head.S, "Magic numbers to help the loader", and vmlinux.lds.S.

    Big-endian (BE8) kernels keep the magic numbers little-endian; the word at 0x30 tells.
    """
    magic = contents.data[0x24:0x28]
    order: Endianness
    if magic == b"\x18\x28\x6f\x01":
        order = "little"
    elif magic == b"\x01\x6f\x28\x18":
        order = "big"
    else:
        return None
    contents.require(contents.number(4, 0x2C, order) - contents.number(4, 0x28, order), "its zImage")
    _pe_machine(contents)
    mark = contents.data[0x30:0x34]
    if mark not in (b"\x01\x02\x03\x04", b"\x04\x03\x02\x01"):
        mark = b"\x04\x03\x02\x01" if order == "big" else b"\x01\x02\x03\x04"  # kernels before the mark (3.17)
    return KernelHeader("zImage", "arm", 32, "little" if mark[0] == 1 else "big")


def _read_arm64(contents: Contents) -> KernelHeader | None:
    """arm64 Image: Documentation/arch/arm64/booting.rst, "Call the kernel image"."""
    if contents.data[0x38:0x3C] != b"ARM\x64":
        return None
    _pe_machine(contents)
    says_big = contents.number(8, 24) & 1 == 1
    # before 3.17 there is no image_size, and text_offset is 0x80000 in the kernel's byte order
    big = says_big if contents.number(8, 16) else contents.number(8, 8, "big") == 0x80000
    return KernelHeader("Image", "arm64", 64, "big" if big else "little", contents.required_release())


def _read_riscv(contents: Contents) -> KernelHeader | None:
    """riscv Image: Documentation/arch/riscv/boot-image-header.rst; the load offset is of arch/riscv/kernel/head.S."""
    if contents.data[0x38:0x3C] != b"RSC\x05" and contents.data[0x30:0x38] != b"RISCV\0\0\0":
        return None
    machine = _pe_machine(contents)
    load_offset = contents.number(8, 8)
    bits = machine[1] if machine else {0x200000: 64, 0x400000: 32}.get(load_offset)
    if bits is None:
        raise InputError(
            f"{contents.subject} is a riscv kernel with load offset {load_offset:#x}: 32 or 64 bits unknown"
        )
    big = contents.number(8, 24) & 1 == 1
    return KernelHeader("Image", "riscv", bits, "big" if big else "little", contents.required_release())


def _read_loongarch(contents: Contents) -> KernelHeader | None:
    """loongarch vmlinux.efi, a raw Image with an EFI stub: arch/loongarch/kernel/head.S."""
    if contents.data[:2] != b"MZ" or contents.data[0x38:0x3C] != _LINUX_PE_MAGIC.to_bytes(4, "little"):
        return None
    machine = _pe_machine(contents)
    if machine is None or machine[0] != "loongarch":
        return None
    return KernelHeader("Image", "loongarch", machine[1], "little", contents.required_release())


def _read_s390(contents: Contents) -> KernelHeader | None:
    """s390 bzImage: "S390EP" of arch/s390/boot/head.S, struct parmarea, and the trailer of boot/vmlinux.lds.S.

    The 31-bit kernels that ended with Linux 4.0 have the same mark; they are taken for 64-bit ones.
    """
    data = contents.data
    if data[0x10008:0x1000E] != b"S390EP":
        return None
    release = None
    pointer = contents.number(8, 0x10428, "big")
    if 0x10480 <= pointer < len(data):
        text = bytes(data[pointer : pointer + 200]).split(b"\0")[0].decode("ascii", "replace")
        release = text.split(" ")[0] or None
    if contents.complete and release is not None and b"\0\0\0\x20zIPL" not in data[-(64 << 10) :]:
        raise InputError(f'{contents.subject} is truncated: an s390 kernel {release} ends with the trailer "zIPL"')
    return KernelHeader("s390-image", "s390", 64, "big", release)


def _read_sh(contents: Contents) -> KernelHeader | None:
    """sh zImage: arch/sh/boot/compressed/head_32.S, the fake header of a bzImage and the word for kexec before it."""
    if contents.data[0x200:0x206] != b"\0\0HdrS":
        return None
    before = bytes(contents.data[:0x200])
    for order in _BYTE_ORDERS:
        if _SH_MAGIC.to_bytes(4, order) in before:
            return KernelHeader("zImage", "sh", 32, order)
    return None


BOOT_HEADERS = (
    _read_zboot,
    _read_x86,
    _read_arm,
    _read_arm64,
    _read_riscv,
    _read_loongarch,
    _read_s390,
    _read_sh,
)
