"""Real kernels of every architecture, booted and judged; what they must show is written out here."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from command_line import Matrix
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

from vdsocat.capture import read_capture
from vdsocat.documents import schema_problems

# Every (kernel, ABI) pair that the matrix must have; True where the kernel runs the ABI.
ROWS = {
    ("amd64-6.1", "x86-64"): True,
    ("amd64-6.1", "i386"): True,
    ("amd64-6.1", "x32"): True,
    ("i386-6.1", "i386"): True,
    ("arm64-6.1", "aarch64"): True,
    ("arm64-6.1", "arm"): True,
    ("armhf-6.1", "arm"): True,
    ("mipsel-6.1", "mips-o32"): True,
    ("mips64el-6.1", "mips-n64"): True,
    ("mips64el-6.1", "mips-n32"): True,
    ("mips64el-6.1", "mips-o32"): True,
    ("ppc64el-6.1", "ppc64"): True,
    ("ppc64el-6.1", "ppc32"): False,
    ("s390x-6.1", "s390x"): True,
    ("s390x-6.1", "s390"): True,
    ("amd64-newest", "x86-64"): True,
    ("amd64-newest", "i386"): True,
    ("amd64-newest", "x32"): True,
    ("arm64-newest", "aarch64"): True,
    ("arm64-newest", "arm"): True,
    ("armhf-newest", "arm"): True,
    ("ppc64el-newest", "ppc64"): True,
    ("ppc64el-newest", "ppc32"): False,
    ("riscv64-newest", "riscv64"): True,
    ("riscv64-newest", "riscv32"): False,
    ("s390x-newest", "s390x"): True,
    ("s390x-newest", "s390"): False,
    ("loong64-newest", "loongarch64"): True,
    ("ppc32", "ppc32"): True,
    ("ppc64", "ppc64"): True,
    ("ppc64", "ppc32"): True,
    ("ppc64le", "ppc64"): True,
    ("ppc64le", "ppc32"): True,
    ("mips64", "mips-n64"): True,
    ("mips64", "mips-n32"): True,
    ("mips64", "mips-o32"): True,
    ("riscv64", "riscv64"): True,
    ("riscv64", "riscv32"): True,
    ("riscv32", "riscv32"): True,
    ("mips", "mips-o32"): True,
    ("arm-be", "arm"): True,
    ("arm64-be", "aarch64"): True,
    ("arm64-be", "arm"): True,
    ("parisc", "parisc"): True,
    ("parisc64", "parisc64"): True,
    ("parisc64", "parisc"): True,
    ("sparc64", "sparc64"): True,
    ("sparc64", "sparc32"): True,
    ("sh4", "sh"): True,
    ("sh4eb", "sh"): True,
    ("um-x86-64", "um-x86-64"): True,
    ("um-i386", "um-i386"): True,
}

# Programs of these ABIs run, and no image is mapped into them: User Mode Linux has none for 32 bits, and COMPAT_VDSO of
# arch/arm64/Kconfig depends on !CPU_BIG_ENDIAN (v6.12).
WITHOUT_IMAGE = {("um-i386", "um-i386"), ("arm64-be", "arm")}

# Read from the version scripts and Makefiles of Linux 6.1 and 7.3, not from the catalogue.
_PPC32 = (
    "get_syscall_map", "gettimeofday", "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
    "time", "get_tbfreq", "sync_dicache", "sigtramp32", "sigtramp_rt32", "getcpu", "getrandom",
)  # fmt: skip
EXPORTS = {
    ("amd64-6.1", "x86-64"): {
        *(
            f"{prefix}{name}@LINUX_2.6"
            for prefix in ("", "__vdso_")
            for name in ("clock_gettime", "gettimeofday", "getcpu", "time", "clock_getres")
        ),
        "__vdso_sgx_enter_enclave@LINUX_2.6",
    },
    ("amd64-6.1", "x32"): {
        f"__vdso_{name}@LINUX_2.6" for name in ("clock_gettime", "gettimeofday", "getcpu", "time", "clock_getres")
    },
    ("i386-6.1", "i386"): {
        *(
            f"__vdso_{name}@LINUX_2.6"
            for name in ("clock_gettime", "gettimeofday", "time", "clock_getres", "clock_gettime64")
        ),
        *(f"__kernel_{name}@LINUX_2.5" for name in ("vsyscall", "sigreturn", "rt_sigreturn")),
    },
    ("arm64-6.1", "aarch64"): {
        f"__kernel_{name}@LINUX_2.6.39" for name in ("rt_sigreturn", "gettimeofday", "clock_gettime", "clock_getres")
    },
    ("armhf-6.1", "arm"): {
        f"__vdso_{name}@LINUX_2.6" for name in ("clock_gettime", "gettimeofday", "clock_getres", "clock_gettime64")
    },
    ("mipsel-6.1", "mips-o32"): {
        f"__vdso_{name}@LINUX_2.6" for name in ("clock_gettime", "gettimeofday", "clock_getres", "clock_gettime64")
    },
    ("mips64el-6.1", "mips-n64"): {
        f"__vdso_{name}@LINUX_2.6" for name in ("clock_gettime", "gettimeofday", "clock_getres")
    },
    ("ppc64el-6.1", "ppc64"): {
        f"__kernel_{name}@LINUX_2.6.15"
        for name in (
            "get_syscall_map", "gettimeofday", "clock_gettime", "clock_getres", "get_tbfreq",
            "sync_dicache", "sigtramp_rt64", "getcpu", "time",
        )
    },
    ("loong64-newest", "loongarch64"): {
        f"__vdso_{name}@LINUX_5.10"
        for name in ("clock_gettime", "clock_getres", "gettimeofday", "getcpu", "getrandom", "rt_sigreturn")
    },
    ("arm-be", "arm"): {
        f"__vdso_{name}@LINUX_2.6" for name in ("clock_gettime", "gettimeofday", "clock_getres", "clock_gettime64")
    },
    ("mips", "mips-o32"): {
        f"__vdso_{name}@LINUX_2.6"
        for name in ("clock_gettime", "gettimeofday", "clock_getres", "clock_gettime64", "clock_getres_time64")
    },
    ("arm64-be", "aarch64"): {
        f"__kernel_{name}@LINUX_2.6.39"
        for name in ("rt_sigreturn", "gettimeofday", "clock_gettime", "clock_getres", "getrandom")
    },
    ("um-x86-64", "um-x86-64"): {
        f"{prefix}{name}@LINUX_2.6"
        for prefix in ("", "__vdso_")
        for name in ("clock_gettime", "gettimeofday", "time")
    },
    ("riscv64", "riscv64"): {
        f"__vdso_{name}@LINUX_4.15"
        for name in (
            "rt_sigreturn", "gettimeofday", "clock_gettime", "clock_getres", "getrandom", "getcpu", "flush_icache",
            "riscv_hwprobe",
        )
    },
    ("riscv32", "riscv32"): {
        f"__vdso_{name}@LINUX_4.15" for name in ("rt_sigreturn", "getcpu", "flush_icache", "riscv_hwprobe")
    },
    ("riscv64", "riscv32"): {f"__vdso_{name}@LINUX_4.15" for name in ("rt_sigreturn", "getcpu", "flush_icache")},
    ("s390x-6.1", "s390x"): {
        f"__kernel_{name}@LINUX_2.6.29"
        for name in (
            "gettimeofday", "clock_gettime", "clock_getres", "getcpu", "restart_syscall", "rt_sigreturn", "sigreturn",
        )
    },
    ("parisc", "parisc"): {
        f"__vdso_{name}@LINUX_6.11" for name in ("gettimeofday", "clock_gettime", "clock_gettime64")
    },
    ("parisc64", "parisc64"): {
        *(f"__vdso_{name}@LINUX_6.11" for name in ("gettimeofday", "clock_gettime")),
        # the code behind the descriptors, for which no version script asks
        *(f".__vdso_{name}@None" for name in ("gettimeofday", "clock_gettime")),
        *(f".__kernel_{name}@None" for name in ("sigtramp_rt", "restart_syscall")),
    },
    ("sparc64", "sparc64"): {
        f"{prefix}{name}@LINUX_2.6" for prefix in ("", "__vdso_") for name in ("clock_gettime", "gettimeofday")
    },
    ("sparc64", "sparc32"): {
        f"{prefix}{name}@LINUX_2.6"
        for prefix in ("", "__vdso_")
        for name in ("clock_gettime", "clock_gettime64", "gettimeofday")
    },
    ("sh4", "sh"): {f"__kernel_{name}@LINUX_2.6" for name in ("vsyscall", "sigreturn", "rt_sigreturn")},
    ("sh4eb", "sh"): {f"__kernel_{name}@LINUX_2.6" for name in ("vsyscall", "sigreturn", "rt_sigreturn")},
    ("ppc32", "ppc32"): {f"__kernel_{name}@LINUX_2.6.15" for name in _PPC32},
    ("ppc64le", "ppc32"): {f"__kernel_{name}@LINUX_2.6.15" for name in _PPC32},
}  # fmt: skip


# Traced defects of kernels of the matrix, each with its section in docs/findings.md.
KNOWN_DEFECTS = (
    "parisc-lws-size",
    "parisc-note",
    "parisc64-build-id",
    "parisc64-code-symbols",
    "parisc64-descriptors",
    "parisc64-unversioned",
    "aux-clock-resolution",
    "riscv-compat-affinity",
    "riscv-hwprobe-unchecked",
    "um-kernel-memory-behind-vdso",
)


def test_no_finding_is_a_fail_and_none_is_left_open_but_for_known_defects(matrix: Matrix) -> None:
    open_findings = [
        f"{kernel['source']} {row['abi']}: {finding['rule']} {finding['subject']}: {finding['reason']}"
        for kernel in matrix.report["kernels"]
        for row in kernel["abis"]
        for finding in row["findings"]
        if finding["verdict"] in ("fail", "review", "unknown")
        or (finding["verdict"] == "known-defect" and finding["defect"] not in KNOWN_DEFECTS)
    ]
    not_judged = [f"{one['source']}: {one['error']}" for one in matrix.report["kernels"] if one["error"]]
    assert (open_findings, not_judged, matrix.exit_status) == ([], [], 0)


@pytest.mark.parametrize(("kernel", "abi"), ROWS, ids=lambda value: str(value))
def test_every_pair_of_kernel_and_abi_has_a_row(matrix: Matrix, kernel: str, abi: str) -> None:
    row = matrix.row(kernel, abi)
    ran = {finding["verdict"] for finding in row["findings"] if finding["rule"] == "ABI-RUNS"}
    assert ran == ({"pass"} if ROWS[kernel, abi] else {"expected-absent"})
    assert (row["vdso"] is not None) == (ROWS[kernel, abi] and (kernel, abi) not in WITHOUT_IMAGE)


@pytest.mark.parametrize(("kernel", "abi"), EXPORTS, ids=lambda value: str(value))
def test_the_image_exports_what_the_kernel_source_lists(matrix: Matrix, kernel: str, abi: str) -> None:
    exports = matrix.row(kernel, abi)["vdso"]["exports"]
    assert {f"{one['symbol']}@{one['version']}" for one in exports} == EXPORTS[kernel, abi]


def test_pyelftools_sees_the_same_exports_in_every_captured_image(matrix: Matrix) -> None:
    images = 0
    for path in sorted(matrix.captures.glob("*.json")):
        capture = read_capture(path)
        for abi in capture.abis:
            if abi.image is None:
                continue
            images += 1
            reported = matrix.row(capture.provenance.source, abi.abi)["vdso"]["exports"]
            ours = {(one["symbol"], one["version"], one["type"], one["binding"]) for one in reported}
            assert ours == _exports_by_section_headers(abi.image), f"{path.name} {abi.abi}"
    assert images == sum(ROWS.values()) - len(WITHOUT_IMAGE)


def test_the_vdso_was_called_on_every_abi_that_has_something_to_call(matrix: Matrix) -> None:
    for (kernel, abi), runs in ROWS.items():
        if not runs or (kernel, abi) in WITHOUT_IMAGE:
            continue
        row = matrix.row(kernel, abi)
        names = {one["symbol"].removeprefix("__vdso_").removeprefix("__kernel_") for one in row["vdso"]["exports"]}
        calls = [one for one in row["findings"] if one["rule"] == "CALL-VALUE" and one["verdict"] == "pass"]
        if "clock_gettime" in names:
            assert len(calls) >= 7, f"{kernel} {abi}: only {len(calls)} calls agree with the system call"
        else:
            assert abi in ("s390", "riscv32", "sh"), f"{kernel} {abi} exports no clock_gettime"


@pytest.mark.parametrize("kernel", ["sh4", "sh4eb"])
def test_superh_is_entered_and_its_signals_return(matrix: Matrix, kernel: str) -> None:
    found = {
        (one["rule"], one["subject"]): one["verdict"]
        for one in matrix.row(kernel, "sh")["findings"]
        if one["rule"] in ("CALL-ENTRY", "SIGNAL-RETURN")
    }
    assert found == {
        ("CALL-ENTRY", "__kernel_vsyscall from-handler/83"): "pass",
        ("SIGNAL-RETURN", "signal landing/0"): "pass",
        ("SIGNAL-RETURN", "signal landing/1"): "pass",
    }


def test_little_endian_ppc32_is_what_its_programs_take_it_for(matrix: Matrix) -> None:
    """Numbers of two registers, words of the map, pads that signals land on: all of them in the other byte order."""
    (image,) = (
        one.image
        for path in matrix.captures.glob("*.json")
        if (capture := read_capture(path)).provenance.source == "ppc64le"
        for one in capture.abis
        if one.abi == "ppc32"
    )
    header = ELFFile(io.BytesIO(image or b"")).header
    assert (header.e_machine, header.e_ident.EI_CLASS, header.e_ident.EI_DATA, header.e_flags) == (
        "EM_PPC", "ELFCLASS32", "ELFDATA2LSB", 0,
    )  # fmt: skip
    row = matrix.row("ppc64le", "ppc32")
    assert (row["endianness"], row["mode"]) == ("little", "compat")
    passed = {(one["rule"], one["subject"]) for one in row["findings"] if one["verdict"] == "pass"}
    assert passed >= {
        ("CALL-TIMEBASE", "__kernel_get_tbfreq timebase"),
        *(("CALL-SYSCALL-MAP", f"__kernel_get_syscall_map system-call-map/{call}") for call in (17, 20, 78, 224, 403)),
        *(("SIGNAL-RETURN", f"signal landing/{info}") for info in (0, 1)),
    }


def test_arm_has_its_kuser_helpers(matrix: Matrix) -> None:
    for kernel in ("armhf-6.1", "arm64-6.1", "arm-be", "arm64-be"):
        kuser = matrix.row(kernel, "arm")["kuser"]
        assert kuser["present"]
        assert kuser["version"] >= 5


def test_captures_and_report_keep_to_their_schemas(matrix: Matrix) -> None:
    assert list(schema_problems(matrix.report, "report")) == []
    captures = sorted(matrix.captures.glob("*.json"))
    assert len(captures) == len({kernel for kernel, _ in ROWS})
    for path in captures:
        assert list(schema_problems(json.loads(path.read_text()), "capture")) == [], path.name


def test_provenance_is_complete(matrix: Matrix) -> None:
    wanted = ("kernel_sha256", "kernel_package", "kernel_package_version", "kernel_package_sha256", "config_sha256")
    for kernel in matrix.report["kernels"]:
        provenance: dict[str, Any] = kernel["provenance"]
        missing = [key for key in (*wanted, "machine", "date", "seconds") if not provenance[key]]
        assert missing == [], kernel["source"]
        # User Mode Linux is started without QEMU.
        assert (provenance["qemu_version"] is None) == (provenance["kernel_arch"] == "um"), kernel["source"]
        assert provenance["probes"] and provenance["command"][0].startswith("/")


def _exports_by_section_headers(image: bytes) -> set[tuple[str, str | None, str, str]]:
    """The defined dynamic symbols as pyelftools reads them, by section headers; version symbols are left out."""
    elf = ELFFile(io.BytesIO(image))
    sections = list(elf.iter_sections())
    table = next(one for one in sections if isinstance(one, SymbolTableSection) and one.name == ".dynsym")
    versions = next(one for one in sections if isinstance(one, GNUVerSymSection))
    definitions = next(one for one in sections if isinstance(one, GNUVerDefSection))
    names = {
        definition["vd_ndx"]: next(iter(auxiliaries)).name for definition, auxiliaries in definitions.iter_versions()
    }
    found = set()
    for symbol, version in zip(table.iter_symbols(), versions.iter_symbols(), strict=True):
        info = symbol["st_info"]
        if symbol["st_shndx"] == "SHN_UNDEF" or info["bind"] == "STB_LOCAL" or symbol.name in names.values():
            continue
        index = version["ndx"]
        found.add(
            (
                symbol.name,
                names[index & 0x7FFF] if isinstance(index, int) else None,
                info["type"].removeprefix("STT_"),
                info["bind"].removeprefix("STB_"),
            )
        )
    return found
