"""Probes run as programs: under a stand-in for QEMU's user mode, and on this machine's own kernel."""

from __future__ import annotations

import errno
import hashlib
import platform
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from consoles import probe_lines
from fake_qemu import FakeQemu, make_fake_qemu
from small_catalog import small_catalog

from vdsocat.capture import Capture
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest import programs
from vdsocat.guest.boot import StartError
from vdsocat.guest.machines import load_machines
from vdsocat.guest.probe_files import load_probe, probe_names
from vdsocat.guest.programs import QEMU_USER_TARGETS, capture_host, capture_qemu_user, emulated_abis
from vdsocat.guest.qemu import Qemu, qemu_finder

CATALOG = small_catalog()
MACHINES = load_machines(data_directory("qemu-images") / "machines")


def user(tmp_path: Path, console: bytes, abi: str = "i386", name: str = "qemu-i386", then: str = "exit 0") -> Capture:
    make_fake_qemu(tmp_path / "qemu", console, then, name)
    return capture_qemu_user(abi, CATALOG, qemu_finder(tmp_path / "qemu"))


def test_user_mode_names_the_emulator_as_provider(tmp_path: Path) -> None:
    capture = user(tmp_path, b"".join(probe_lines(image=b"image")))
    assert (capture.provenance.provider, capture.provenance.provider_version) == ("qemu-user", "7.2.22")
    assert capture.provenance.source == "qemu-user:i386"
    assert capture.provenance.kernel_arch is None
    (record,) = capture.abis
    assert (record.abi, record.outcome, record.image) == ("i386", "complete", b"image")


def test_the_emulator_runs_the_probe_and_its_digest_is_kept(tmp_path: Path) -> None:
    capture = user(tmp_path, b"".join(probe_lines()), then="exit 0")
    program, option = FakeQemu(tmp_path / "qemu", tmp_path / "qemu" / "qemu-i386").arguments()
    assert Path(program).name == "i386-le"
    assert option == "--host"
    assert not Path(program).exists()
    assert capture.provenance.probes == {"i386-le": hashlib.sha256(load_probe("i386-le")).hexdigest()}


def test_an_alias_and_a_byte_order_are_accepted(tmp_path: Path) -> None:
    lines = b"".join(probe_lines("arm-le", machine=40))
    capture = user(tmp_path, lines, "armhf/le", "qemu-arm-static")
    assert (capture.abis[0].abi, capture.abis[0].endianness) == ("arm", "little")


@pytest.mark.parametrize(
    ("abi", "words"),
    [
        ("i368", "There is no ABI 'i368' in the catalogue; did you mean"),
        ("i386/be", "'i386/be': i386 exists little-endian"),
        ("i386/xx", "'i386/xx': i386 exists little-endian"),
    ],
)
def test_an_abi_that_cannot_be_emulated_is_one_sentence(tmp_path: Path, abi: str, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        user(tmp_path, b"", abi)
    assert words in str(refusal.value)


def test_an_abi_that_no_emulator_knows_is_one_sentence(tmp_path: Path) -> None:
    abi = replace(CATALOG.abis["x86-64"], name="um-x86-64", aliases=())
    catalog = replace(CATALOG, abis={**CATALOG.abis, "um-x86-64": abi})
    with pytest.raises(InputError, match="no target for um-x86-64 little-endian"):
        capture_qemu_user("um-x86-64", catalog, qemu_finder(tmp_path))


def test_a_missing_emulator_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"There is no qemu-x86_64 in .*; Debian has it in the package qemu-user\."):
        user(tmp_path, b"", "x86-64")


def test_an_emulator_that_dies_of_a_signal_is_a_finding_not_an_error(tmp_path: Path) -> None:
    capture = user(tmp_path, b"".join(probe_lines()[:4]), then="kill -SEGV $$")
    assert (capture.abis[0].outcome, capture.abis[0].detail) == ("signal", 11)


def test_an_emulator_that_gives_up_is_a_run_that_was_not_completed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"status 7 before the probe's last record \(last words: .*bad CPU"):
        user(tmp_path, b"qemu: bad CPU\n", then="exit 7")


def test_an_emulator_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_DEADLINE_SECONDS", 0.4)
    with pytest.raises(RunError, match="was ended at its deadline"):
        user(tmp_path, b"", then="exec sleep 60")
    assert FakeQemu(tmp_path / "qemu", tmp_path).is_gone()


def test_all_means_every_target_that_there_is(tmp_path: Path) -> None:
    for name in ("qemu-i386", "qemu-ppc64", "qemu-ppc64le", "qemu-m68k"):
        make_fake_qemu(tmp_path, name=name)
    assert emulated_abis(qemu_finder(tmp_path)) == ("i386", "ppc64/be", "ppc64/le")


def test_all_of_no_emulator_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"There is no qemu-x86_64 in .*; Debian has it in the package qemu-user"):
        emulated_abis(qemu_finder(tmp_path))


def test_every_target_is_for_a_probe_that_exists() -> None:
    assert set(QEMU_USER_TARGETS) <= set(probe_names())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the host's own probes are those of its architecture")
def test_the_host_s_own_kernel_maps_a_vdso() -> None:
    capture = capture_host(MACHINES)
    assert (capture.provenance.provider, capture.provenance.kernel_arch) == ("linux", "x86")
    assert capture.release == platform.release()
    native = capture.abis[0]
    assert (native.abi, native.outcome, native.machine) == ("x86-64", "complete", 62)
    assert native.image is not None and native.image.startswith(b"\x7fELF")


def test_a_machine_without_probes_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "m68k")
    with pytest.raises(InputError, match=r"no probes for this machine's architecture \(m68k\)"):
        capture_host(MACHINES)


def test_a_program_that_the_kernel_refuses_is_an_abi_that_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = b"\x7fELF\x01\x02\x01" + bytes(9) + struct.pack(">HHI", 2, 21, 1) + bytes(64)
    monkeypatch.setattr(programs, "load_probe", lambda name: foreign)
    seen, _ = programs._run_probe(None, "ppc32-be")
    assert (seen.abi, seen.endianness, seen.outcome, seen.detail) == ("ppc32", "big", "exec-failed", errno.ENOEXEC)


def test_an_emulator_that_cannot_be_started_is_not_taken_for_that() -> None:
    with pytest.raises(StartError, match="/nowhere/qemu-arm cannot be started"):
        programs._run_probe(Qemu("/nowhere/qemu-arm"), "arm-le")
