"""The prebuilt probes: what their files are, and what they say when they run on this machine."""

from __future__ import annotations

import base64
import ctypes
import errno
import hashlib
import json
import os
import platform
import re
import runpy
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from vdsocat.errors import InputError
from vdsocat.guest import probe_files
from vdsocat.guest.probe_files import load_probe, probe_name, probe_names, probe_record

ROOT = Path(__file__).resolve().parents[2]
PREBUILT = ROOT / "validator" / "vdsocat" / "probes"
BUILD = ROOT / "validator" / "probe" / "build.py"
LARGEST = 50 * 1024

# Name: e_machine, ELF class, e_flags, and the bits of e_flags that the kernel or a linker looks at.
PROBES = {
    "aarch64-be": ("EM_AARCH64", 64, 0, 0),
    "aarch64-le": ("EM_AARCH64", 64, 0, 0),
    "arm-be": ("EM_ARM", 32, 0x05800000, 0xFF800000),  # with EF_ARM_BE8
    "arm-le": ("EM_ARM", 32, 0x05000000, 0xFF000000),  # EABI version 5
    "i386-le": ("EM_386", 32, 0, 0),
    "loongarch64-le": ("EM_LOONGARCH", 64, 0x41, 0xC7),  # soft-float, object ABI 1
    "mips-n32-be": ("EM_MIPS", 32, 0x20000020, 0xF000F020),  # MIPS III, EF_MIPS_ABI2
    "mips-n32-le": ("EM_MIPS", 32, 0x20000020, 0xF000F020),
    "mips-n64-be": ("EM_MIPS", 64, 0x20000000, 0xF000F020),
    "mips-n64-le": ("EM_MIPS", 64, 0x20000000, 0xF000F020),
    "mips-o32-be": ("EM_MIPS", 32, 0x10001000, 0xF000F020),  # MIPS II, E_MIPS_ABI_O32
    "mips-o32-le": ("EM_MIPS", 32, 0x10001000, 0xF000F020),
    "parisc-be": ("EM_PARISC", 32, 0x210, 0xFFFF),  # PA-RISC 1.1
    "parisc64-be": ("EM_PARISC", 64, 0x80214, 0x8FFFF),  # PA-RISC 2.0, wide
    "ppc32-be": ("EM_PPC", 32, 0, 0),
    "ppc32-le": ("EM_PPC", 32, 0, 0),
    "ppc64-be": ("EM_PPC64", 64, 1, 3),  # ELFv1
    "ppc64-le": ("EM_PPC64", 64, 2, 3),  # ELFv2
    "riscv32-le": ("EM_RISCV", 32, 0, 0x6),  # soft-float
    "riscv64-le": ("EM_RISCV", 64, 0, 0x6),
    "s390-be": ("EM_S390", 32, 0, 0),
    "s390x-be": ("EM_S390", 64, 0, 0),
    "um-i386-le": ("EM_386", 32, 0, 0),
    "um-x86-64-le": ("EM_X86_64", 64, 0, 0),
    "sh-be": ("EM_SH", 32, 0x11, 0x1F),  # no FPU
    "sh-le": ("EM_SH", 32, 0x11, 0x1F),
    "sparc32-be": ("EM_SPARC32PLUS", 32, 0x100, 0xFFF00),  # V8+
    "sparc64-be": ("EM_SPARCV9", 64, 0, 0xFFF00),
    "x32-le": ("EM_X86_64", 32, 0, 0),
    "x86-64-le": ("EM_X86_64", 64, 0, 0),
}

PF_X = 1
VAL_GNU_MIPS_ABI_FP_SOFT = 3


@dataclass(frozen=True)
class Frame:
    """One frame of a probe, its checksum already verified."""

    sequence: int
    type: str
    fields: list[str]


def read_frames(output: bytes, speaker: str) -> list[Frame]:
    """All frames of the output, which must hold nothing else and come from one speaker without a gap."""
    frames = []
    for line in output.split(b"\n")[:-1]:
        body, _, crc = line.rpartition(b" ")
        assert len(line) <= 240
        assert f"{zlib.crc32(body):08x}" == crc.decode()
        marker, said_by, sequence, frame_type, *fields = body.decode().split(" ")
        assert (marker, said_by) == ("@vdsocat", speaker)
        frames.append(Frame(int(sequence), frame_type, fields))
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert frames[-1].type == "end"
    assert frames[-1].fields == [str(len(frames))]
    return frames


def run_probe(name: str, prepare: Callable[[], None] | None = None) -> list[Frame]:
    result = subprocess.run(
        [PREBUILT / name], stdout=subprocess.PIPE, preexec_fn=prepare, close_fds=False, timeout=60, check=True
    )
    return read_frames(result.stdout, name)


def fields_of(frames: list[Frame], frame_type: str) -> list[list[str]]:
    return [frame.fields for frame in frames if frame.type == frame_type]


def cases_of(frames: list[Frame]) -> list[tuple[str, str, str, str]]:
    """Symbol, name, what the kernel says, what the function says; a frame holds several of one symbol."""
    return [
        (symbol, *fields[at : at + 3])
        for symbol, *fields in fields_of(frames, "case")
        for at in range(0, len(fields), 3)
    ]


def read_image(frames: list[Frame]) -> bytes:
    """The vDSO's bytes, their length and checksum verified."""
    ((_, length),) = fields_of(frames, "vdso")
    image = b""
    for offset, encoded in fields_of(frames, "data"):
        # What is left out is zero.
        assert int(offset) >= len(image)
        piece = base64.b64decode(encoded, validate=True)
        assert any(piece)
        image = image.ljust(int(offset), b"\0") + piece
    image = image.ljust(int(length), b"\0")
    assert len(image) == int(length)
    assert fields_of(frames, "vdso-end") == [[f"{zlib.crc32(image):08x}"]]
    return image


def nanoseconds(value: str) -> int:
    assert re.fullmatch(r"\d+\.\d{9}", value)
    return int(value.replace(".", ""))


def require_x86_64() -> None:
    assert platform.machine() == "x86_64", (
        f"these tests run the x86-64 probe on the host, and this host is {platform.machine()}; run them on x86-64"
    )


# What the files are


def test_there_is_a_probe_for_every_abi() -> None:
    assert probe_names() == tuple(sorted(PROBES))
    assert {path.name for path in PREBUILT.iterdir()} == {*PROBES, "manifest.json"}


@pytest.mark.parametrize("name", PROBES)
def test_probe_is_what_its_manifest_says(name: str) -> None:
    content = (PREBUILT / name).read_bytes()
    record = probe_record(name)
    assert hashlib.sha256(content).hexdigest() == record.sha256
    assert len(content) == record.size <= LARGEST
    assert load_probe(name) == content
    assert probe_name(record.abi, record.endianness) == name
    assert record.compiler
    assert record.linker


def test_probes_are_built_from_these_sources() -> None:
    build = runpy.run_path(str(BUILD))
    manifest = json.loads((PREBUILT / "manifest.json").read_text())
    assert manifest["sources"] == build["digest_sources"](), "the probe's sources have changed; run make probes"
    assert {recipe.name for recipe in build["read_recipes"](BUILD.parent / "probes.toml")} == set(PROBES)


@pytest.mark.parametrize("name", PROBES)
def test_probe_is_an_elf_file_of_its_abi(name: str) -> None:
    machine, elf_class, flags, mask = PROBES[name]
    with (PREBUILT / name).open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_machine"] == machine
        assert elf.elfclass == elf_class
        assert elf.little_endian == name.endswith("-le")
        assert elf["e_type"] == "ET_EXEC"
        assert elf["e_flags"] & mask == flags


@pytest.mark.parametrize("name", PROBES)
def test_probe_is_static_stripped_and_has_no_executable_stack(name: str) -> None:
    with (PREBUILT / name).open("rb") as file:
        elf = ELFFile(file)
        segments = list(elf.iter_segments())
        types = [segment["p_type"] for segment in segments]
        (stack,) = (segment for segment in segments if segment["p_type"] == "PT_GNU_STACK")
        assert stack["p_flags"] & PF_X == 0
        assert not {"PT_INTERP", "PT_DYNAMIC", "PT_NOTE", "PT_TLS"} & set(types)
        assert not any(segment["p_type"] == "PT_LOAD" and segment["p_flags"] & 3 == 3 for segment in segments)
        assert elf.get_section_by_name(".symtab") is None


@pytest.mark.parametrize("name", [name for name in PROBES if name.startswith("mips")])
def test_mips_probe_asks_for_no_fpu(name: str) -> None:
    """arch/mips/kernel/elf.c reads fp_abi, byte 7 of the .MIPS.abiflags section."""
    with (PREBUILT / name).open("rb") as file:
        section = ELFFile(file).get_section_by_name(".MIPS.abiflags")
        assert section.data()[7] == VAL_GNU_MIPS_ABI_FP_SOFT


@pytest.mark.parametrize("name", PROBES)
def test_probe_names_no_path_of_the_machine_that_built_it(name: str) -> None:
    content = (PREBUILT / name).read_bytes()
    assert b"/home" not in content
    assert b"/tmp" not in content
    assert b"/work" not in content


def test_unknown_probe_is_a_sentence() -> None:
    with pytest.raises(InputError, match="there is no probe vax-le; there are aarch64-be, aarch64-le"):
        load_probe("vax-le")


def test_damaged_probe_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "arm-le").write_bytes(load_probe("arm-le")[:-1])
    monkeypatch.setattr(probe_files, "_DIRECTORY", tmp_path)
    with pytest.raises(InputError, match="the probe arm-le is damaged"):
        load_probe("arm-le")
    with pytest.raises(InputError, match="the probe i386-le cannot be read"):
        load_probe("i386-le")


def test_build_names_the_packages_that_are_missing(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, BUILD, "--check", "mips-n32-be", "loongarch64-le"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == (
        "error: compilers are missing; install them with: apt-get install clang-19 gcc-mips64-linux-gnuabi64 lld-19\n"
    )


# What they say on this machine


def test_host_probe_describes_the_process() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le")
    uname = {field: base64.b64decode(value).decode() for field, value in fields_of(frames, "uname")}
    auxv = {int(key): int(value, 16) for key, value in fields_of(frames, "auxv")}
    maps = [base64.b64decode(line).decode() for (line,) in fields_of(frames, "map")]
    assert frames[0].type == "hello"
    assert frames[0].fields == ["62", "64", "little", str(os.sysconf("SC_PAGE_SIZE"))]
    assert uname == {field: getattr(os.uname(), field) for field in ("sysname", "release", "version", "machine")}
    assert auxv[6] == os.sysconf("SC_PAGE_SIZE")
    assert any("[stack]" in line for line in maps)
    assert any(len(line) == 140 or line.endswith("/x86-64-le") for line in maps)


def test_host_probe_sends_the_whole_vdso() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le")
    image = read_image(frames)
    maps = [base64.b64decode(line).decode() for (line,) in fields_of(frames, "map")]
    (mapping,) = (line for line in maps if line.endswith("[vdso]"))
    start, end = (int(address, 16) for address in mapping.split()[0].split("-"))
    assert fields_of(frames, "vdso") == [[hex(start), str(end - start)]]
    assert dict(fields_of(frames, "auxv"))["33"] == hex(start)
    assert image[:4] == b"\x7fELF"
    assert len(image) == end - start


def test_host_probe_calls_every_clock_between_two_system_calls() -> None:
    require_x86_64()
    calls = fields_of(run_probe("x86-64-le"), "call")
    clocks = [call for call in calls if call[0] == "__vdso_clock_gettime"]
    assert [call[1] for call in clocks] == ["0", "1", "4", "5", "6", "7", "11"]
    for _, _, before, returned, value, after in clocks:
        assert returned == "0"
        assert nanoseconds(before) <= nanoseconds(value) <= nanoseconds(after)
    others = {call[0]: call for call in calls if call[0] != "__vdso_clock_gettime"}
    assert set(others) == {"__vdso_gettimeofday", "__vdso_getcpu", "__vdso_time"}
    _, clock, before, returned, value, after = others["__vdso_gettimeofday"]
    assert (clock, returned) == ("-", "0")
    assert nanoseconds(before) <= nanoseconds(value) <= nanoseconds(after)
    assert nanoseconds(value) % 1000 == 0
    _, _, before, returned, value, after = others["__vdso_time"]
    assert before == returned == value == after or int(before) <= int(returned) == int(value) <= int(after)
    assert abs(int(value) - time.time()) < 60
    _, _, before, returned, value, after = others["__vdso_getcpu"]
    assert returned == "0"
    assert value in (before, after) or before != after


def test_host_probe_tries_cases_beside_the_system_call() -> None:
    require_x86_64()
    cases = {(symbol, name): (kernel, vdso) for symbol, name, kernel, vdso in cases_of(run_probe("x86-64-le"))}
    for clock in (12, 24, 32, 33, 64, 2147483647, -797):
        assert cases["__vdso_clock_gettime", f"clock/{clock}"] == ("errno:22", "errno:22")
    for clock in (2, 3, -6, -2):
        kernel, vdso = cases["__vdso_clock_gettime", f"clock/{clock}"]
        low, high = kernel.split("..")
        assert nanoseconds(low) <= nanoseconds(vdso) <= nanoseconds(high)
    for clock in (0, 1, 5):
        kernel, vdso = cases["__vdso_clock_getres", f"resolution/{clock}"]
        assert kernel == vdso == f"{time.clock_getres(clock):.9f}"
    assert cases["__vdso_clock_gettime", "never-back/1"] == ("0", "0")
    assert cases["__vdso_clock_gettime", "bad-pointer/1"] in (("errno:14", "signal:11"), ("errno:14", "errno:14"))
    assert cases["__vdso_clock_gettime", "bad-pointer/2"] == ("errno:14", "errno:14")
    assert cases["__vdso_gettimeofday", "null"] == ("0", "0")
    lowest, highest = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    assert cases["__vdso_getcpu", "pinned/0"][1].split(",")[0] == str(lowest)
    if highest > lowest:
        assert cases["__vdso_getcpu", "pinned/1"][1].split(",")[0] == str(highest)
    else:
        assert cases["__vdso_getcpu", "pinned/1"] == ("lacking:second-cpu",) * 2


def test_host_probe_tells_which_calls_enter_the_kernel() -> None:
    require_x86_64()
    paths = {symbol: ways for symbol, *ways in fields_of(run_probe("x86-64-le"), "path")}
    assert {"5=vdso", "6=vdso", "2=fallback", "3=fallback"} <= set(paths["__vdso_clock_gettime"])
    assert paths["__vdso_time"] == ["-=vdso"]
    assert paths.get("__vdso_getrandom", ["-=vdso"]) == ["-=vdso"]


@pytest.mark.parametrize("name", ["i386-le", "x32-le"])
def test_compat_probe_runs_or_the_kernel_says_that_it_cannot(name: str) -> None:
    """CONFIG_IA32_EMULATION and CONFIG_X86_X32_ABI (with syscall.x32=y) are the kernel's choice."""
    require_x86_64()
    try:
        frames = run_probe(name)
    except OSError as error:
        assert error.errno == errno.ENOEXEC
        return
    assert frames[0].fields[:3] == [{"i386-le": "3", "x32-le": "62"}[name], "32", "little"]
    if fields_of(frames, "vdso") != [["none"]]:
        assert read_image(frames)[:5] == b"\x7fELF\x01"
    for call in fields_of(frames, "call"):
        assert call[3] == "0" or call[0] == "__vdso_time"
    assert not fields_of(frames, "crash")
    assert not fields_of(frames, "hang")


# What they say when a call goes wrong: the system call beside it is made to fail, crash or never return

PR_SET_NO_NEW_PRIVS = 38
SYS_SECCOMP = 317
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
SECCOMP_RET_TRAP = 0x00030000
SECCOMP_RET_ERRNO = 0x00050000
SECCOMP_RET_USER_NOTIF = 0x7FC00000
SECCOMP_RET_ALLOW = 0x7FFF0000
SYS_MMAP = 9
SYS_PTRACE = 101
SYS_PRCTL = 157
SYS_CLOCK_GETRES = 229
SYS_GETCPU = 309


class BpfInstruction(ctypes.Structure):
    """struct sock_filter of include/uapi/linux/filter.h."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class BpfProgram(ctypes.Structure):
    """struct sock_fprog of include/uapi/linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(BpfInstruction)))


def filter_getcpu(action: int, flags: int = 0) -> Callable[[], None]:
    """Something to run before exec, after which the system call getcpu has another outcome."""
    return filter_calls((SYS_GETCPU,), action, flags)


def filter_calls(numbers: Sequence[int], action: int, flags: int = 0) -> Callable[[], None]:
    """Something to run before exec, after which these system calls have another outcome."""
    instructions = (BpfInstruction * (len(numbers) + 3))(
        BpfInstruction(0x20, 0, 0, 0),  # load the system call's number
        *(BpfInstruction(0x15, len(numbers) - index, 0, number) for index, number in enumerate(numbers)),
        BpfInstruction(0x06, 0, 0, SECCOMP_RET_ALLOW),
        BpfInstruction(0x06, 0, 0, action),
    )
    program = BpfProgram(len(instructions), instructions)
    libc = ctypes.CDLL(None, use_errno=True)

    def install() -> None:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        result = libc.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(program))
        if result < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        if flags & SECCOMP_FILTER_FLAG_NEW_LISTENER:
            os.set_inheritable(result, True)

    return install


def test_system_call_that_fails_shows_its_errno() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le", filter_getcpu(SECCOMP_RET_ERRNO | errno.ENOSYS))
    (call,) = (call for call in fields_of(frames, "call") if call[0] == "__vdso_getcpu")
    assert call[1:4] == ["-", "errno:38", "0"]
    assert call[4].isdigit()
    assert call[5] == "errno:38"


def test_crash_of_a_call_is_a_frame_and_not_the_end() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le", filter_getcpu(SECCOMP_RET_TRAP))
    assert fields_of(frames, "crash") == [["__vdso_getcpu", "31"]]
    assert fields_of(frames, "call")[-1][0] == "__vdso_time"


def test_hang_of_a_call_is_a_frame_and_not_the_end() -> None:
    """The call waits for a supervisor that never answers."""
    require_x86_64()
    started = time.monotonic()
    frames = run_probe("x86-64-le", filter_getcpu(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER))
    assert fields_of(frames, "hang") == [["__vdso_getcpu"]]
    assert fields_of(frames, "call")[-1][0] == "__vdso_time"
    assert 1.9 < time.monotonic() - started < 30


def test_crash_of_a_case_is_what_it_says_and_the_next_are_tried() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le", filter_getcpu(SECCOMP_RET_TRAP))
    cases = [case[1:] for case in cases_of(frames) if case[0] == "__vdso_getcpu"]
    assert len(cases) > 2
    assert {(kernel, vdso) for _, kernel, vdso in cases} <= {("-", "signal:31"), ("lacking:second-cpu",) * 2}


def test_hang_of_a_case_is_what_it_says_and_the_next_are_left_out() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le", filter_getcpu(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER))
    assert [case for case in cases_of(frames) if case[0] == "__vdso_getcpu"] == [
        ("__vdso_getcpu", "pinned/0", "-", "hang")
    ]


def test_without_a_filter_a_tracer_tells_the_same() -> None:
    require_x86_64()
    refuse = filter_calls((SYS_PRCTL,), SECCOMP_RET_ERRNO | errno.EINVAL)
    traced = fields_of(run_probe("x86-64-le", refuse), "path")
    assert traced == fields_of(run_probe("x86-64-le"), "path")
    assert any(way.endswith("=fallback") for path in traced for way in path)


def test_traced_call_that_dies_is_found_among_the_others() -> None:
    require_x86_64()
    filters = (
        filter_calls((SYS_PRCTL,), SECCOMP_RET_ERRNO | errno.EINVAL),
        filter_calls((SYS_CLOCK_GETRES,), SECCOMP_RET_TRAP),
    )

    def install() -> None:
        for one in reversed(filters):
            one()

    paths = {symbol: ways for symbol, *ways in fields_of(run_probe("x86-64-le", install), "path")}
    assert "2=fallback" in paths["__vdso_clock_gettime"]
    assert paths["__vdso_clock_getres"][-1] == "2=died"
    assert paths["__vdso_time"] == ["-=vdso"]


def test_getrandom_without_a_state_is_not_called_for_its_path() -> None:
    require_x86_64()
    frames = run_probe("x86-64-le", filter_calls((SYS_MMAP,), SECCOMP_RET_ERRNO | errno.ENOMEM))
    paths = {symbol: ways for symbol, *ways in fields_of(frames, "path")}
    assert paths.get("__vdso_getrandom", ["-=lacking"]) == ["-=lacking"]


def test_without_filter_and_tracer_the_paths_are_unknown() -> None:
    require_x86_64()
    refuse = filter_calls((SYS_PRCTL, SYS_PTRACE), SECCOMP_RET_ERRNO | errno.EINVAL)
    paths = fields_of(run_probe("x86-64-le", refuse), "path")
    assert paths
    assert all(ways == ["unknown:22"] for _, *ways in paths)


def test_probe_whose_output_cannot_be_written_says_so_by_its_status() -> None:
    require_x86_64()
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run([PREBUILT / "x86-64-le"], stdout=full, check=False, timeout=60).returncode == 1
