"""Running a guest to its end, whatever that is, and leaving nothing of it behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from consoles import PANIC, PRINTK, boot_lines, frame
from fake_qemu import BABBLE, LEAVE, START_CHILD, STAY, FakeQemu, make_fake_qemu

from vdsocat.errors import RunError
from vdsocat.guest.boot import BootEnd, require_complete, run_guest
from vdsocat.guest.stop import InterruptedRunError, StopRequest


@pytest.fixture(autouse=True)
def short_wait_after_a_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdsocat.guest.boot._AFTER_PANIC_SECONDS", 0.2)


GOOD = boot_lines(b"image" * 100)
CUT = GOOD[:10]


def boot(tmp_path: Path, console: Sequence[bytes], then: str = STAY, deadline: float = 30) -> tuple[BootEnd, FakeQemu]:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(console), then)
    started = time.monotonic()
    end = run_guest([str(qemu.program)], deadline, tmp_path / "console.log")
    assert time.monotonic() - started < 5
    assert qemu.is_gone()
    return end, qemu


def refused(end: BootEnd, deadline: float = 30) -> str:
    with pytest.raises(RunError) as refusal:
        require_complete(end, deadline, Path("/logs/console.log"))
    sentence = str(refusal.value)
    assert "/logs/console.log" in sentence
    assert sentence.endswith(".")
    return sentence


def test_the_last_record_ends_a_guest_that_would_stay(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, GOOD)
    assert end.outcome == "complete"
    assert require_complete(end, 30, None).finished
    assert (tmp_path / "console.log").read_bytes() == b"".join(GOOD)


def test_the_last_record_is_enough_when_the_guest_powers_off(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, GOOD, then="exit 0")
    assert end.outcome == "complete"


def test_a_panic_ends_the_run_and_gives_the_kernel_s_line(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [*CUT, PANIC])
    assert end.outcome == "panic"
    assert end.seconds < 3
    assert refused(end).startswith(
        "The kernel panicked: Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b; "
    )


def test_a_panic_that_ends_qemu_is_a_panic(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [PANIC], then="exit 0")
    assert end.outcome == "panic"


def test_a_panic_after_the_last_record_does_no_harm(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [*GOOD, PANIC])
    assert end.outcome == "complete"


def test_a_guest_that_hangs_is_ended_at_its_deadline(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, CUT, deadline=0.4)
    assert end.outcome == "deadline"
    assert 0.4 <= end.seconds < 2
    assert "stopped speaking and was ended at its deadline of 0 s" in refused(end, 0.4)


def test_a_guest_that_never_speaks_is_ended_at_its_deadline(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [], deadline=0.4)
    assert end.outcome == "deadline"
    assert "(the console stayed empty)" in refused(end, 0.4)


def test_garbage_without_end_is_ended_at_its_deadline_with_its_last_words(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [b"\xff\x00\xfe" * 100], then=BABBLE, deadline=0.5)
    assert end.outcome == "deadline"
    sentence = refused(end, 0.5)
    assert "said nothing that the probe would say" in sentence
    assert "last words: nonsense nonsense" in sentence


def test_an_early_exit_is_told_with_its_status(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [PRINTK, b"qemu: could not load kernel\n"], then=LEAVE)
    assert (end.outcome, end.exit_status) == ("exit", 7)
    sentence = refused(end)
    assert "QEMU ended by itself with status 7 before the probe's last record" in sentence
    assert "qemu: could not load kernel" in sentence


def test_what_qemu_says_on_stderr_is_in_the_log(tmp_path: Path) -> None:
    end, _ = boot(tmp_path, [], then="echo 'unknown machine type' >&2; exit 1")
    assert "unknown machine type" in refused(end)
    assert b"unknown machine type" in (tmp_path / "console.log").read_bytes()


@pytest.mark.parametrize(
    ("console", "words"),
    [
        ([*GOOD[:5], GOOD[5].replace(b" uname ", b" unane "), *GOOD[6:]], "has a wrong checksum"),
        ([*GOOD[:5], *GOOD[6:]], "i386-le jumped from frame"),
        ([*GOOD[:5], GOOD[5][:20] + b"\r\n", *GOOD[6:]], "a line of the probe is garbled"),
        ([*GOOD[:-1], frame("i386-le/init", 3, "end", 9)], "i386-le/init sent 9 frames, of which 4 arrived"),
    ],
)
def test_a_damaged_record_says_which_damage(tmp_path: Path, console: list[bytes], words: str) -> None:
    end, _ = boot(tmp_path, console)
    assert end.outcome == "complete"
    sentence = refused(end)
    assert sentence.startswith("The probe's record arrived damaged: ")
    assert words in sentence


def test_a_program_that_is_not_there_points_to_doctor(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"qemu-system-none cannot be started \(No such file.*vdsocat doctor"):
        run_guest([str(tmp_path / "qemu-system-none")], 5)


def test_a_wrapper_s_child_is_ended_too(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD), then="wait", before=START_CHILD)
    assert run_guest([str(qemu.program)], 30).outcome == "complete"
    assert qemu.is_gone()
    assert qemu.is_gone("child")


def test_being_told_to_stop_ends_the_guest(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(CUT))
    stop = StopRequest()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    with pytest.raises(InterruptedRunError):
        run_guest([str(qemu.program)], 30, stop=stop)
    assert time.monotonic() - started < 3
    assert qemu.is_gone()


def test_a_killed_vdsocat_leaves_no_guest(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(CUT))
    code = f"from vdsocat.guest.boot import run_guest; run_guest([{str(qemu.program)!r}], 60)"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        qemu.pid()
        process.kill()
    assert qemu.is_gone()


def test_an_exception_of_who_listens_ends_the_guest(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD))

    def interrupt(one: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_guest([str(qemu.program)], 30, on_frame=interrupt)
    assert qemu.is_gone()


def test_frames_are_handed_out_as_they_come(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD))
    kinds: list[str] = []
    run_guest([str(qemu.program)], 30, on_frame=lambda one: kinds.append(one.type))
    assert kinds[:2] == ["hello", "child"]
    assert kinds[-1] == "end"
