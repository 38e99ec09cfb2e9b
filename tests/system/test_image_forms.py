"""Every form that a kernel can come in, on real kernels: what is in it is found, and each damaged twin is refused."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import vdsocat
from kernel_forms import COMMANDS, Workshop, run, tool
from outcomes import Command, in_process
from test_matrix import EXPORTS

# By ABI, as the kernels' version scripts list them: those of the matrix, and of Linux 7.3's arch/loongarch/vdso,
# arch/x86/um/vdso and arch/x86/entry/vdso/vdso64.
_I386 = {"i386": EXPORTS["i386-6.1", "i386"]}
_AMD64 = _I386 | {abi: EXPORTS["amd64-6.1", abi] for abi in ("x86-64", "x32")}
_ARM = {"arm": EXPORTS["armhf-6.1", "arm"]}
_ARM64 = _ARM | {"aarch64": EXPORTS["arm64-6.1", "aarch64"]}
_MIPSEL = {"mips-o32": EXPORTS["mipsel-6.1", "mips-o32"]}
_PPC64 = {"ppc64": EXPORTS["ppc64el-6.1", "ppc64"]}
_S390X = {
    "s390x": EXPORTS["s390x-6.1", "s390x"],
    "s390": {f"__kernel_compat_{name}@LINUX_2.6.29" for name in ("restart_syscall", "rt_sigreturn", "sigreturn")},
}
_PPC32 = {"ppc32": EXPORTS["ppc32", "ppc32"]}
_RISCV64 = {abi: EXPORTS["riscv64", abi] for abi in ("riscv64", "riscv32")}
_LOONGARCH = {
    "loongarch64": {
        f"__vdso_{name}@LINUX_5.10"
        for name in ("getcpu", "clock_getres", "clock_gettime", "gettimeofday", "getrandom", "rt_sigreturn")
    }
}
_UML = {
    "um-x86-64": {
        f"{prefix}{name}@LINUX_2.6" for prefix in ("", "__vdso_") for name in ("clock_gettime", "gettimeofday", "time")
    }
}
_X86_64 = {
    "x86-64": {
        *(
            f"{prefix}{name}@LINUX_2.6"
            for prefix in ("", "__vdso_")
            for name in ("clock_gettime", "gettimeofday", "getcpu", "time", "clock_getres", "getrandom")
        ),
        *(f"__vdso_futex_robust_list{bits}_try_unlock@LINUX_2.6" for bits in (32, 64)),
    }
}


@dataclass(frozen=True)
class Form:
    """How a form is made, the exports of its images by ABI, and the beginning of the release that it says.

    `checked` says that a byte changed anywhere in its kernel shows: the form or its payload has a checksum.
    """

    make: Callable[[Workshop], Path]
    images: dict[str, set[str]]
    release: str
    byte_order: str = "little"
    checked: bool = False
    cuttable: bool = True


def _packed(compression: str) -> bool:
    """Whether the compression has a checksum over what was packed; LZ4's legacy format and LZMA have none."""
    return compression not in ("lz4", "lzma")


_NEWEST_BUILD = "7.3"
FORMS: dict[str, Form] = {
    "bzImage of x86-64": Form(lambda shop: shop.image("amd64-6.1"), _AMD64, "6.1", checked=True),
    "bzImage of i386": Form(lambda shop: shop.image("i386-6.1"), _I386, "6.1", checked=True),
    "zImage of arm": Form(lambda shop: shop.image("armhf-6.1"), _ARM, "6.1", checked=True),
    "Image of arm64": Form(lambda shop: shop.image("arm64-6.1"), _ARM64, "6.1"),
    "vmlinuz of mips": Form(lambda shop: shop.image("mipsel-6.1"), _MIPSEL, "6.1", checked=True),
    "bzImage of s390": Form(lambda shop: shop.image("s390x-6.1"), _S390X, "6.1", "big", checked=True),
    "vmlinux of ppc64el": Form(lambda shop: shop.image("ppc64el-6.1"), _PPC64, "6.1"),
    "EFI zboot of loongarch": Form(lambda shop: shop.image("loong64-newest"), _LOONGARCH, "7.", checked=True),
    "vmlinux with symbols": Form(lambda shop: shop.image("ppc32"), _PPC32, _NEWEST_BUILD, "big"),
    "vmlinux stripped": Form(
        lambda shop: shop.make(
            "ppc32/vmlinux.stripped",
            lambda path: path.write_bytes(_stripped(shop.image("ppc32"), path)),
        ),
        _PPC32, _NEWEST_BUILD, "big",
    ),
    "vmlinux of x86-64": Form(lambda shop: shop.vmlinux("amd64-6.1"), _AMD64, "6.1"),
    "Image of riscv": Form(
        lambda shop: shop.binary("riscv64", "riscv64-linux-gnu-"), _RISCV64, _NEWEST_BUILD, cuttable=False
    ),
    "vmlinux.bin of powerpc": Form(
        lambda shop: shop.binary("ppc32", "powerpc-linux-gnu-"), _PPC32, _NEWEST_BUILD, "big", cuttable=False
    ),
    **{
        f"Image.{suffix} of riscv": Form(
            lambda shop, name=name: shop.packed(shop.binary("riscv64", "riscv64-linux-gnu-"), name),
            _RISCV64, _NEWEST_BUILD, checked=_packed(name),
        )
        for name, (suffix, _) in COMMANDS.items()
    },
    **{
        f"vmlinux.{suffix} of powerpc": Form(
            lambda shop, name=name: shop.packed(shop.image("ppc32"), name),
            _PPC32, _NEWEST_BUILD, "big", checked=_packed(name),
        )
        for name, (suffix, _) in COMMANDS.items()
    },
    **{
        f"bzImage with {name}": Form(
            lambda shop, name=name: shop.bzimage("i386-6.1", name), _I386, "6.1", checked=_packed(name)
        )
        for name in COMMANDS
    },
    **{
        f"zImage with {name}": Form(
            lambda shop, name=name: shop.zimage("armhf-6.1", name), _ARM, "6.1", checked=_packed(name)
        )
        for name in COMMANDS
    },
    **{
        f"EFI zboot with {name}": Form(
            lambda shop, name=name: shop.zboot("loong64-newest", name),
            _LOONGARCH, "7.", checked=_packed(name),
        )
        for name in COMMANDS if name != "bzip2"
    },
    "uImage of a zImage": Form(lambda shop: shop.uimage(shop.image("armhf-6.1"), "arm"), _ARM, "6.1", checked=True),
    "uImage of a vmlinux.bin.gz": Form(
        lambda shop: shop.uimage(shop.binary("ppc32", "powerpc-linux-gnu-"), "ppc", "gzip"),
        _PPC32, _NEWEST_BUILD, "big", checked=True,
    ),
    **{
        f"uImage with {name}": Form(
            lambda shop, name=name: shop.uimage(shop.binary("riscv64", "riscv64-linux-gnu-"), "riscv", name),
            _RISCV64, _NEWEST_BUILD, checked=True,
        )
        for name in COMMANDS if name != "xz"
    },
    "FIT of a zImage": Form(lambda shop: shop.fit(shop.image("armhf-6.1"), "arm"), _ARM, "6.1", checked=True),
    "FIT with its data behind": Form(
        lambda shop: shop.fit(shop.binary("riscv64", "riscv64-linux-gnu-"), "riscv", "gzip", "-E"),
        _RISCV64, _NEWEST_BUILD, checked=True,
    ),
    **{
        f"FIT with {name}": Form(
            lambda shop, name=name: shop.fit(shop.binary("riscv64", "riscv64-linux-gnu-"), "riscv", name),
            _RISCV64, _NEWEST_BUILD, checked=True,
        )
        for name in COMMANDS if name != "xz"
    },
    **{
        f".deb packed with {name}": Form(
            lambda shop, name=name: shop.deb("mipsel-6.1", name), _MIPSEL, "6.1", checked=name != "none"
        )
        for name in ("xz", "zstd", "gzip", "none")
    },
    "O= tree of x86": Form(lambda shop: shop.tree("i386-6.1", "arch/x86/boot/bzImage"), _I386, "6.1"),
    "tree built in place": Form(lambda shop: shop.tree("ppc32", "vmlinux", source=True), _PPC32, _NEWEST_BUILD, "big"),
    "tree with linked vDSO images alone": Form(
        lambda shop: shop.linked("um", "arch/x86/um/vdso/"), _UML, _NEWEST_BUILD
    ),
    "vDSO .so of User Mode Linux": Form(
        lambda shop: shop.linked("um", "arch/x86/um/vdso/") / "arch/x86/um/vdso/vdso.so",
        _UML, _NEWEST_BUILD,
    ),
    "vDSO .so.dbg of User Mode Linux": Form(
        lambda shop: shop.linked("um", "arch/x86/um/vdso/") / "arch/x86/um/vdso/vdso.so.dbg",
        _UML, _NEWEST_BUILD,
    ),
    "vDSO .so of x86-64": Form(
        lambda shop: _one(shop.linked("x86", "arch/x86/entry/vdso/"), "vdso64.so"), _X86_64, _NEWEST_BUILD
    ),
    "vDSO .so.dbg of x86-64": Form(
        lambda shop: _one(shop.linked("x86", "arch/x86/entry/vdso/"), "vdso64.so.dbg"),
        _X86_64, _NEWEST_BUILD,
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("forms"))


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command line in this process."""
    with in_process(capsys, monkeypatch) as command:
        yield command


@pytest.mark.parametrize("name", FORMS)
def test_what_is_in_a_form_is_found_and_judged(name: str, shop: Workshop, run_here: Command, tmp_path: Path) -> None:
    form = FORMS[name]
    path = form.make(shop)
    extracted = run_here("extract", path, "--format", "json", "--out", tmp_path)
    assert extracted.status == 0, extracted.err
    images: list[dict[str, Any]] = json.loads(extracted.out)["images"]
    found: dict[str, set[str]] = {}
    for image in images:
        names = {f"{one['symbol']}@{one['version']}" for one in image["exports"]}
        assert found.setdefault(image["abi"], names) == names, "alternatives for one ABI export other symbols"
        assert (image["endianness"], Path(image["file"]).stat().st_size) == (form.byte_order, image["bytes"])
        assert image["release"].startswith(form.release)
    assert {abi: found[abi] for abi in form.images} == form.images
    assert set(found) - set(form.images) <= {"i386"}, "linked trees have the compat image beside the native one"
    checked = run_here("check", "--static", path, "--format", "json")
    assert checked.status == 0, checked.out
    (kernel,) = json.loads(checked.out)["kernels"]
    judged = {row["abi"] for row in kernel["abis"] if row["vdso"] is not None}
    assert judged == set(found)


def test_a_damaged_or_lying_form_is_one_sentence(
    damage: str, name: str, shop: Workshop, run_here: Command, tmp_path: Path
) -> None:
    path = FORMS[name].make(shop)
    twin = tmp_path / path.name
    twin.write_bytes(DAMAGES[damage][0](path.read_bytes()))
    for command in (("check", "--static"), ("extract",)):
        assert run_here(*command, twin).refused_in_one_sentence(twin.name)


@pytest.mark.parametrize(
    "name",
    [
        "Image of riscv",
        "Image.lz4 of riscv",
        "Image.lzo of riscv",
        "uImage with lzma",
        "FIT with zstd",
        "FIT of a zImage",
    ],
)
def test_what_is_packed_boots(name: str, shop: Workshop) -> None:
    form = FORMS[name]
    booted = vdsocat("check", str(form.make(shop)), "--format", "json")
    (kernel,) = json.loads(booted.stdout)["kernels"]
    assert kernel["error"] is None
    rows = {row["abi"]: row for row in kernel["abis"] if row["vdso"] is not None}
    assert set(rows) == set(form.images)
    for row in rows.values():
        carried = [one["reason"] for one in row["findings"] if one["rule"] == "MAP-CARRIED"]
        assert carried == ["it is the image in the kernel's file, byte for byte"]


@pytest.mark.parametrize("compression", COMMANDS)
def test_a_decompression_bomb_is_one_sentence(
    compression: str, shop: Workshop, run_here: Command, tmp_path: Path
) -> None:
    image = shop.binary("riscv64", "riscv64-linux-gnu-")
    suffix, command = COMMANDS[compression]
    bomb = tmp_path / f"Image.{suffix}"
    bomb.write_bytes(run(f"cat {image} <(head -c 600M /dev/zero) | {command}", b""))
    assert bomb.stat().st_size < 8 << 20
    assert run_here("check", "--static", bomb).refused_in_one_sentence("unpacks to more than 512 MiB")


def test_a_directory_of_kernels_is_judged_whole_and_a_damaged_one_in_it_told(
    shop: Workshop, run_here: Command, tmp_path: Path
) -> None:
    copies = {"vmlinuz-amd64": "amd64-6.1", "vmlinuz-mipsel": "mipsel-6.1", "kernel8.img": "arm64-6.1"}
    for name, source in copies.items():
        shutil.copyfile(shop.image(source), tmp_path / name)
    (tmp_path / "vmlinuz").symlink_to("vmlinuz-amd64")
    (tmp_path / "initrd.img").write_bytes(gzip.compress(b"070701 no kernel"))
    (tmp_path / "vmlinuz-damaged").write_bytes(_cut(shop.image("i386-6.1").read_bytes()))
    outcome = run_here("check", "--static", tmp_path, "--format", "json")
    kernels = {Path(one["source"]).name: one for one in json.loads(outcome.out)["kernels"]}
    assert set(kernels) == {"vmlinuz-amd64", "vmlinuz-mipsel", "kernel8.img", "vmlinuz-damaged"}
    assert "is truncated" in kernels["vmlinuz-damaged"]["error"]
    assert [name for name, one in kernels.items() if one["error"]] == ["vmlinuz-damaged"]
    assert outcome.status == 2


def test_a_tree_says_which_of_its_images_is_taken(shop: Workshop) -> None:
    tree = shop.tree("i386-6.1", "arch/x86/boot/bzImage")
    said = vdsocat("check", "--static", str(tree))
    assert said.returncode == 0
    assert f"{tree}: taking arch/x86/boot/bzImage; vmlinux is there, too" in said.stderr


def test_a_tree_without_a_kernel_is_one_sentence(shop: Workshop) -> None:
    tree = shop.linked("um", "arch/x86/um/vdso/")
    refused = vdsocat("check", str(tree))
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "in which no kernel is built yet: there is neither linux nor vmlinux" in refused.stderr


def _one(root: Path, name: str) -> Path:
    (found,) = root.rglob(name)
    return found


def _stripped(image: Path, beside: Path) -> bytes:
    copy = beside.with_suffix(".tmp")
    tool("powerpc-linux-gnu-strip", "--strip-all", "-o", copy, image)
    data = copy.read_bytes()
    copy.unlink()
    assert len(data) < image.stat().st_size
    return data


def _cut(data: bytes) -> bytes:
    return data[: len(data) * 6 // 10]


def _flipped(data: bytes) -> bytes:
    """With bits of one byte turned over, three fifths into the file, where every form has its kernel."""
    at = len(data) * 6 // 10
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def _number(form: str, at: int, value: int) -> Callable[[bytes], bytes]:
    def lying(data: bytes) -> bytes:
        size = struct.calcsize(form)
        return data[:at] + struct.pack(form, value) + data[at + size :]

    return lying


def _larger_section(data: bytes) -> bytes:
    """With SizeOfRawData of the first section of the EFI stub's PE header a gigabyte."""
    (header,) = struct.unpack_from("<I", data, 0x3C)
    (optional,) = struct.unpack_from("<H", data, header + 20)
    return _number("<I", header + 24 + optional + 16, 1 << 30)(data)


# What is done to a file, and to which forms. A memory image without sizes in its header may end anywhere.
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], list[str]]] = {
    "cut short": (_cut, [name for name, form in FORMS.items() if form.cuttable and "tree" not in name]),
    "a byte turned over": (_flipped, [name for name, form in FORMS.items() if form.checked]),
    "a payload longer than the file": (_number("<I", 0x24C, 1 << 30), ["bzImage of x86-64", "bzImage of i386"]),
    "a payload shorter than it is": (_number("<I", 0x24C, 1 << 20), ["bzImage of x86-64", "bzImage of i386"]),
    "a zImage that ends later": (_number("<I", 0x2C, 1 << 30), ["zImage of arm"]),
    "a zboot payload longer than the file": (_number("<I", 12, 1 << 30), ["EFI zboot of loongarch"]),
    "a zboot payload shorter than it is": (_number("<I", 12, 1 << 20), ["EFI zboot of loongarch"]),
    "a section behind the end": (_larger_section, ["Image of arm64"]),
    "a segment behind the end": (_number("<Q", 64 + 32, 1 << 40), ["vmlinux of ppc64el", "vmlinux of x86-64"]),
    "a uImage longer than the file": (_number(">I", 12, 1 << 30), ["uImage of a zImage"]),
    "a FIT longer than the file": (_number(">I", 4, 1 << 30), ["FIT of a zImage"]),
    "a FIT with its strings elsewhere": (_number(">I", 12, 1 << 30), ["FIT of a zImage"]),
    "a package with a member longer than the file": (
        lambda data: data.replace(b"debian-binary   ", b"debian-binary   ", 1)[:120] + b"9" * 8 + data[128:],
        [".deb packed with xz"],
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "damage" in metafunc.fixturenames:
        pairs = [(damage, name) for damage, (_, names) in DAMAGES.items() for name in names]
        metafunc.parametrize(("damage", "name"), pairs, ids=[f"{name}, {damage}" for damage, name in pairs])
