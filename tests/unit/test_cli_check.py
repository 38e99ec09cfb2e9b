"""vdsocat check on the command line: statuses, sentences, and what is kept, for captures, boots and bad input."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from consoles import PANIC, boot_lines, frame
from elf_builder import FUNC, Symbol
from fake_qemu import BABBLE, LEAVE, STAY, make_fake_qemu
from outcomes import Command
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image, write_vmlinux

from vdsocat.capture import capture_to_json
from vdsocat.documents import schema_problems

GOOD = boot_lines(i386_image())
NEW = Symbol("__vdso_brand_new", "LINUX_2.6")
OTHER_VERSION = (CLOCK, replace(GETCPU, version="LINUX_9.9"), SIGRETURN)
OTHER_TYPE = (CLOCK, GETCPU, replace(SIGRETURN, type=FUNC))


def write_capture(path: Path, symbols: Sequence[Symbol] = I386_SYMBOLS) -> Path:
    path.write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols)))), encoding="utf-8")
    return path


def test_a_capture_that_conforms_is_status_0(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", write_capture(tmp_path / "capture.json"))
    assert outcome.status == 0
    assert "i386" in outcome.out
    assert ", 1 row: " in outcome.out.splitlines()[-1]
    assert "SYM-" not in outcome.out


@pytest.mark.parametrize(
    ("symbols", "words", "status", "strict"),
    [
        ((CLOCK, SIGRETURN), "fail: SYM-MISSING __vdso_getcpu@@LINUX_2.6: ", 1, 1),
        (OTHER_VERSION, "fail: SYM-VERSION __vdso_getcpu@@LINUX_2.6: ", 1, 1),
        (OTHER_TYPE, "fail: SYM-TYPE __kernel_sigreturn@@LINUX_2.5: ", 1, 1),
        ((*I386_SYMBOLS, NEW), "review: SYM-NEW __vdso_brand_new@@LINUX_2.6: ", 0, 1),
    ],
    ids=["missing", "another version", "another type", "one more"],
)
def test_a_difference_is_told_by_its_symbol_and_decides_the_status(
    vdsocat: Command, tmp_path: Path, symbols: tuple[Symbol, ...], words: str, status: int, strict: int
) -> None:
    path = write_capture(tmp_path / "capture.json", symbols)
    outcome = vdsocat("check", path)
    assert outcome.status == status
    assert words in " ".join(outcome.out.split())
    assert len(re.findall(r"(?:fail|review): SYM-", outcome.out)) == 1
    assert vdsocat("check", "--strict", path).status == strict


def test_a_failing_capture_is_status_1_beside_ones_that_conform(vdsocat: Command, tmp_path: Path) -> None:
    good = write_capture(tmp_path / "good.json")
    bad = write_capture(tmp_path / "bad.json", (CLOCK,))
    assert vdsocat("check", good, bad).status == 1


def test_json_on_stdout_is_only_json_and_conforms_to_its_schema(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--format", "json", write_capture(tmp_path / "capture.json", (CLOCK, SIGRETURN)))
    document = json.loads(outcome.out)
    assert outcome.status == document["exit_status"] == 1
    assert list(schema_problems(document, "report")) == []
    findings = document["kernels"][0]["abis"][0]["findings"]
    assert [one["subject"] for one in findings if one["verdict"] == "fail"] == ["__vdso_getcpu@@LINUX_2.6"]


def test_markdown_names_the_failing_symbol(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--format", "markdown", write_capture(tmp_path / "capture.json", (CLOCK, SIGRETURN)))
    assert outcome.status == 1
    assert "| fail | SYM-MISSING | __vdso_getcpu@@LINUX_2.6 |" in outcome.out


def test_verbose_tells_passes_too(vdsocat: Command, tmp_path: Path) -> None:
    path = write_capture(tmp_path / "capture.json")
    assert "pass: SYM-PRESENT" not in vdsocat("check", path).out
    assert "pass: SYM-PRESENT __vdso_getcpu@@LINUX_2.6" in vdsocat("check", "-v", path).out


@dataclass(frozen=True)
class Failure:
    """A guest that goes wrong: what its console says, what QEMU then does, and the words that tell it."""

    console: Sequence[bytes]
    words: str
    then: str = STAY


FAILURES = {
    "panic": Failure([*GOOD[:8], PANIC], "The kernel panicked: Kernel panic - not syncing: Attempted to kill init!"),
    "hang": Failure(GOOD[:8], "The guest stopped speaking and was ended at its deadline of 1 s"),
    "garbage": Failure([b"\xff\xfe\x00" * 50], "said nothing that the probe would say", then=BABBLE),
    "exit": Failure(GOOD[:8], "QEMU ended by itself with status 7 before the probe's last record", then=LEAVE),
    "checksum": Failure([*GOOD[:8], GOOD[8][:-3] + b"x\r\n", *GOOD[9:]], "arrived damaged: "),
    "changed": Failure([*GOOD[:4], GOOD[4].replace(b"uname", b"unane"), *GOOD[5:]], "has a wrong checksum"),
    "gap": Failure([*GOOD[:12], *GOOD[13:]], "i386-le jumped from frame"),
    "no supervisor": Failure([line for line in GOOD if b"/init " not in line], "nothing of what /init said arrived"),
    "count": Failure([*GOOD[:-1], frame("i386-le/init", 3, "end", 40)], "sent 40 frames, of which 4 arrived"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_guest_that_goes_wrong_is_status_3_within_its_deadline_and_says_which(
    vdsocat: Command, tmp_path: Path, failure: Failure
) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(failure.console), failure.then)
    started = time.monotonic()
    outcome = vdsocat("check", "--deadline", 1, "--qemu", qemu.directory, kernel)
    assert time.monotonic() - started < 5
    assert outcome.status == 3
    assert failure.words in outcome.err
    assert (outcome.out, outcome.err.count("\n")) == ("", 1)
    assert "Traceback" not in outcome.err
    assert qemu.is_gone()


def test_a_record_whose_image_is_truncated_is_status_3(vdsocat: Command, tmp_path: Path) -> None:
    image = i386_image()
    whole = boot_lines(image)
    # One piece less, with all that follows numbered as if it had never been sent.
    lines = boot_lines(image[:-100])
    assert len(lines) < len(whole)
    ends = next(number for number, line in enumerate(lines) if b" vdso-end " in line)
    announced = next(number for number, line in enumerate(lines) if b" vdso 0x" in line)
    lines[announced] = frame("i386-le", announced - 3, "vdso", "0xb7f00000", len(image))
    assert lines[ends].split()[2] == str(ends - 3).encode()
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(lines))
    outcome = vdsocat("check", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"))
    assert outcome.status == 3
    assert "The record of i386-le cannot be read: the image of the vDSO has a wrong checksum" in outcome.err


def test_a_boot_that_conforms_is_status_0_and_its_capture_and_log_are_kept(vdsocat: Command, tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    (tmp_path / "config").write_text("# CONFIG_VDSO_GETRANDOM is not set\n")
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD))
    out = tmp_path / "out"
    outcome = vdsocat("check", "--qemu", qemu.directory, "--out", out, kernel)
    assert outcome.status == 0, outcome
    (capture,) = out.glob("*.json")
    (log,) = out.glob("*.log")
    assert list(schema_problems(json.loads(capture.read_text()), "capture")) == []
    assert log.read_bytes() == b"".join(GOOD)
    assert not list(out.glob(".*"))
    # What was kept is judged alike, without QEMU.
    again = vdsocat("report", "--format", "json", out)
    assert again.status == 0
    assert json.loads(again.out)["kernels"][0]["release"].startswith("6.1.0")


def test_one_kernel_that_panics_leaves_the_others_judged(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", PANIC)
    good = write_capture(tmp_path / "good.json")
    outcome = vdsocat("check", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"), good)
    assert outcome.status == 3
    assert ", 1 row: " in outcome.out.splitlines()[-1]
    assert "1 source not judged" in outcome.out.splitlines()[-1]


def test_an_incomplete_run_is_told_on_stderr_when_stdout_is_json(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", PANIC)
    kernel = write_vmlinux(tmp_path / "vmlinux")
    outcome = vdsocat("check", "--format", "json", "--qemu", qemu.directory, kernel)
    document = json.loads(outcome.out)
    assert outcome.status == document["exit_status"] == 3
    assert "The kernel panicked" in document["kernels"][0]["error"]
    assert outcome.err.startswith(f"vdsocat: {kernel}: The kernel panicked")
    assert list(schema_problems(document, "report")) == []


def test_dry_run_prints_the_command_and_runs_nothing(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"")
    kernel = write_vmlinux(tmp_path / "vmlinux")
    outcome = vdsocat("check", "--dry-run", "--append", "loglevel=8", "--qemu", qemu.directory, kernel)
    assert outcome.status == 0
    (line,) = outcome.out.splitlines()
    assert line.startswith(f"{qemu.program} -M pc ")
    assert f"-kernel {kernel} " in line
    assert re.search("'console=ttyS0 panic=-1 quiet cryptomgr.notests .* loglevel=8'$", line)
    assert not (qemu.directory / "pid").exists()


def test_dry_run_of_a_stock_boot_tells_the_kernel_nothing_that_saves_time(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"")
    kernel = write_vmlinux(tmp_path / "vmlinux")
    outcome = vdsocat("check", "--stock", "--dry-run", "--qemu", qemu.directory, kernel)
    assert outcome.status == 0
    assert outcome.out.endswith("'console=ttyS0 panic=-1 quiet'\n")


# Leaves when it is told to save time, and boots when it is not.
ONLY_PLAIN = "grep -q notests 'DIRECTORY/arguments' && exit 9"


def test_a_kernel_that_comes_up_the_plain_way_alone_is_judged_by_that(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD), before=ONLY_PLAIN)
    kernel = write_vmlinux(tmp_path / "vmlinux")
    out = tmp_path / "out"
    assert vdsocat("check", "--out", out, "--qemu", qemu.directory, kernel).status == 0
    (capture,) = out.glob("*.json")
    provenance = json.loads(capture.read_text())["provenance"]
    assert provenance["skipped"] == []
    assert provenance["command"][-1] == "console=ttyS0 panic=-1 quiet"


def test_a_capture_says_what_was_skipped(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD))
    kernel = write_vmlinux(tmp_path / "vmlinux")
    for options, skipped in (((), 1), (("--stock",), 0)):
        out = tmp_path / f"out-{skipped}"
        assert vdsocat("check", *options, "--out", out, "--qemu", qemu.directory, kernel).status == 0
        (capture,) = out.glob("*.json")
        document = json.loads(capture.read_text())
        assert len(document["provenance"]["skipped"]) == skipped
        assert list(schema_problems(document, "capture")) == []


def test_timings_are_a_line_for_each_boot(vdsocat: Command, tmp_path: Path) -> None:
    console = b"vm_state_notify running 1 reason 9 (running)\n" + b"".join(GOOD)
    qemu = make_fake_qemu(tmp_path / "qemu", console)
    outcome = vdsocat("check", "--timings", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"))
    assert outcome.status == 0
    assert qemu.arguments()[-2:] == ["-trace", "vm_state_notify"]
    lines = outcome.out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("SOURCE"))
    assert lines[head].split() == ["SOURCE", "UNPACK", "QEMU", "PROBE", "STOP", "JUDGE"]
    assert len(lines[head + 1].split()) == 6


def test_json_has_the_seconds_of_this_run(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD))
    kernel = write_vmlinux(tmp_path / "vmlinux")
    reports = [json.loads(vdsocat("check", "--format", "json", "--qemu", qemu.directory, kernel).out) for _ in range(2)]
    (booted,), (kept,) = (report["kernels"] for report in reports)
    assert (booted["kept"], kept["kept"]) == (False, True)
    assert booted["seconds"]["build"] is None
    assert booted["seconds"]["boot"] > 0
    assert kept["seconds"]["boot"] is None
    assert kept["seconds"]["check"] is not None
    assert list(schema_problems(reports[1], "report")) == []


def test_what_is_not_booted_has_no_timings(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--timings", write_capture(tmp_path / "capture.json"))
    assert outcome.status == 0
    assert "Seconds by part" not in outcome.out
    for option in ("--stock", "--timings"):
        refusal = vdsocat("check", "--static", option, write_vmlinux(tmp_path / "vmlinux"))
        assert refusal.status == 2
        assert f"so {option} has no boot to be about" in refusal.err


def test_a_missing_qemu_is_status_3_and_names_the_package(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = vdsocat("check", "--qemu", tmp_path / "empty", write_vmlinux(tmp_path / "vmlinux"))
    assert outcome.status == 3
    assert "Debian has it in the package qemu-system-x86." in outcome.err


def truncated(path: Path) -> Path:
    write_vmlinux(path)
    path.write_bytes(path.read_bytes()[:70])
    return path


def no_kernel(path: Path) -> Path:
    path.write_text("This is a shopping list.\n")
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def without_machine(path: Path) -> Path:
    return write_vmlinux(path, "EM_BLACKFIN")


def no_capture(path: Path) -> Path:
    path.write_text('{"schema": "something/1"}')
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (truncated, "truncated"),
        (no_kernel, "is no kernel image: it is a text file"),
        (empty, "is empty"),
        (without_machine, "is a kernel for blackfin (32-bit, little-endian), for which there is no machine"),
        (no_capture, "is no capture of this version of vdsocat"),
        (lambda path: path, "does not exist"),
        (lambda path: path.parent, "is a directory"),
    ],
    ids=["truncated", "no kernel", "empty", "no machine", "no capture", "missing", "directory"],
)
def test_a_file_that_cannot_be_judged_is_status_2_and_one_sentence(
    vdsocat: Command, tmp_path: Path, make: object, words: str
) -> None:
    assert callable(make)
    path = make(tmp_path / "vmlinuz")
    outcome = vdsocat("check", "--format", "json", path)
    assert outcome.status == json.loads(outcome.out)["exit_status"] == 2
    (line,) = outcome.err.splitlines()
    assert words in line
    assert str(path) in line
    assert outcome.err.count(str(path)) == 1
    assert line.endswith((".", "?"))
    assert "Traceback" not in outcome.err


def test_alone_it_is_one_sentence_without_a_table(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", no_kernel(tmp_path / "list.txt"))
    assert outcome.refused_in_one_sentence("list.txt", "is no kernel image")


def test_among_others_it_is_a_row_that_says_why(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", write_capture(tmp_path / "capture.json"), no_kernel(tmp_path / "list.txt"))
    assert outcome.status == 2
    assert "not usable" in outcome.out
    assert "is no kernel image" in " ".join(outcome.out.split())


def test_a_directory_that_cannot_be_written_is_one_sentence(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = write_capture(tmp_path / "capture.json")
    outcome = vdsocat("check", "--out", tmp_path / "file" / "out", path)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert str(tmp_path / "file") in outcome.err
