"""The command line as a process of its own: signals, pipes, terminals, and what it loads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from consoles import boot_lines
from elf_builder import Symbol
from fake_qemu import START_CHILD, make_fake_qemu
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image, write_vmlinux

from vdsocat.capture import capture_to_json
from vdsocat.documents import schema_problems

GOOD = boot_lines(i386_image())


def write_capture(path: Path, symbols: Sequence[Symbol] = I386_SYMBOLS) -> Path:
    path.write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols)))), encoding="utf-8")
    return path


def start(catalog_root: Path, *arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    cache = catalog_root.parent / "cache"
    return subprocess.Popen(
        [sys.executable, "-c", "from vdsocat.cli import main; main()",
         "--catalog", str(catalog_root), "--cache", str(cache), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        start_new_session=True,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interrupted_check_leaves_no_qemu_behind(catalog_root: Path, tmp_path: Path, number: signal.Signals) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD[:8]))
    process = start(catalog_root, "check", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"))
    qemu.pid()
    assert not qemu_is_gone_now(qemu.pid())
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert qemu.is_gone()
    assert "Traceback" not in err


def qemu_is_gone_now(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_two_interrupts_leave_no_qemu_behind_either(catalog_root: Path, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD[:8]))
    process = start(catalog_root, "check", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"))
    qemu.pid()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert qemu.is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_what_had_ended_before_the_run_was_cut_short_is_complete_and_a_resumed_run_takes_it(
    catalog_root: Path, tmp_path: Path, number: signal.Signals
) -> None:
    stays = """case "$*" in *stays*) exec sleep 60 ;; esac"""
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD), before=stays)
    ends, other = write_vmlinux(tmp_path / "ends"), write_vmlinux(tmp_path / "stays", release="6.1.0-51-686")
    out = tmp_path / "out"
    arguments = ["check", "--qemu", qemu.directory, "--out", out]
    process = start(catalog_root, *arguments, "--jobs", 2, ends, other)
    deadline = time.monotonic() + 30
    while not list(out.glob("*_ends.json")) or not list(out.glob("*_stays.log")):
        assert time.monotonic() < deadline, "nothing ended"
        time.sleep(0.02)
    process.send_signal(number)
    said, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "ends" in said and "1 row" not in said
        assert "Interrupted: 1 of 2 sources had ended, and are complete; " in err
        assert f"with --out {out} --resume the rest is done." in err
    (kept,) = out.glob("*.json")
    assert list(schema_problems(json.loads(kept.read_text()), "capture")) == []
    # The stand-in would boot both; now that it lets the other end, it boots that alone.
    qemu.program.write_text(qemu.program.read_text().replace(stays, 'echo "$*" >> booted'))
    again = start(catalog_root, *arguments, "--again", "--resume", ends, other, cwd=tmp_path)
    said, err = again.communicate(timeout=30)
    assert again.returncode == 0, (said, err)
    assert "1 of 2 kernels were not booted again" in said
    (booted,) = (tmp_path / "booted").read_text().splitlines()
    assert f"-kernel {other} " in booted


def test_no_qemu_outlives_a_vdsocat_that_is_killed(catalog_root: Path, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(GOOD[:8]), START_CHILD + "\nwait")
    process = start(catalog_root, "check", "--qemu", qemu.directory, write_vmlinux(tmp_path / "vmlinux"))
    qemu.pid("child")
    time.sleep(0.3)  # The shell that watches over it starts after it.
    process.kill()
    process.communicate(timeout=10)
    assert qemu.is_gone()
    assert qemu.is_gone("child")


@pytest.mark.parametrize("arguments", [["query", "*", "--format", "json"], ["check", "capture.json"], ["--help"]])
def test_a_reader_that_goes_away_is_told_as_other_programs_do(
    catalog_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_capture(tmp_path / "capture.json")
    process = start(catalog_root, *arguments)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(10) == 128 + signal.SIGPIPE
    assert err == ""


def test_there_is_no_colour_in_a_pipe(catalog_root: Path, tmp_path: Path) -> None:
    process = start(catalog_root, "check", write_capture(tmp_path / "capture.json"), TERM="xterm-256color")
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "\x1b" not in out + err


def on_a_terminal(catalog_root: Path, *arguments: object, **environment: str) -> str:
    """What a command writes to a terminal."""
    import pty

    leader, follower = pty.openpty()
    cache = catalog_root.parent / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", "from vdsocat.cli import main; main()",
         "--catalog", str(catalog_root), "--cache", str(cache), *map(str, arguments)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm"} | environment,
    )  # fmt: skip
    os.close(follower)
    written = b""
    try:
        while piece := os.read(leader, 65536):
            written += piece
    except OSError:
        pass  # Linux reports the other end's closing as EIO.
    finally:
        os.close(leader)
        process.wait(10)
    return written.decode()


def test_a_terminal_gets_colour_unless_it_is_not_wanted(catalog_root: Path, tmp_path: Path) -> None:
    path = write_capture(tmp_path / "capture.json", (CLOCK, SIGRETURN))
    coloured = re.compile(r"\x1b\[[0-9;]*m")
    environment = {"NO_COLOR": ""}
    assert coloured.search(on_a_terminal(catalog_root, "check", path, **environment))
    assert not coloured.search(on_a_terminal(catalog_root, "check", path, NO_COLOR="1"))


def test_a_query_does_not_load_what_it_does_not_use(catalog_root: Path) -> None:
    start(catalog_root, "query", "getcpu").communicate(timeout=10)
    code = (
        "import sys; from vdsocat.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'yaml', 'jsonschema', 'rich', 'jinja2', 'elftools', 'click', 'dataclasses', 'pathlib', 'typing'}\n"
        "print(sorted(set(sys.modules) & heavy), file=sys.stderr)"
    )
    cache = catalog_root.parent / "cache"
    command = [sys.executable, "-c", code, "--catalog", str(catalog_root), "--cache", str(cache), "query", "getcpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
