"""A thousand damaged console logs: accidents to bytes and lines, and frames with right checksums that lie."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from consoles import PANIC, PRINTK, base64_of, boot_lines, frame
from fake_qemu import make_fake_qemu
from harm import a_thousand_times, bounded, files_beside, is_shown
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Command
from small_images import i386_image, write_vmlinux

from vdsocat.documents import schema_problems
from vdsocat.guest.boot import BootEnd, run_guest
from vdsocat.report.formats import DOCUMENT_FORMATS

EXTRA = (
    ("call", "__vdso_clock_gettime", 1, "12.000000001", 0, "12.000000002", "12.999999999"),
    ("call", "__vdso_getcpu", "-", 3, 0, 3, 3),
    ("crash", "__vdso_time", 11),
    ("hang", "__vdso_gettimeofday"),
    ("clocksource", "tsc"),
    ("case", "__vdso_getcpu", "null", "0", "0", "bad-pointer", "errno:14", "signal:11"),
    ("path", "__vdso_clock_gettime", "1=vdso"),
    ("kuser", "absent"),
)
LINES = boot_lines(i386_image(), extra=EXTRA)
KINDS = (
    "hello",
    "uname",
    "auxv",
    "map",
    "vdso",
    "data",
    "vdso-end",
    "child",
    "end",
    *sorted({one[0] for one in EXTRA}),
)
HOSTILE = "\x1b[31m\u202e\x00<script>x</script>|`::error::\r\nok 1 # SKIP ../../../elsewhere"
FIELDS = st.one_of(
    st.sampled_from(
        ("-1", "0", "9" * 5000, "0x" + "f" * 5000, "-", "none", "nan", "1e999", "../../../elsewhere", "i386-le")
    ),
    st.sampled_from(("errno:9", "errno:x", "unknown:", "1.000000001", "-0.000000000", str(1 << 64), "16777217", "<b>")),
    st.just(base64_of(HOSTILE)),
    st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode() or "="),
    st.text("\x1b\u202eabc/.<>&|`@#=:0123456789", min_size=1, max_size=40),
)


def spoken(line: bytes) -> list[str]:
    """Speaker, kind and fields of a frame."""
    _, speaker, _, kind, *fields, _ = line.decode().split()
    return [speaker, kind, *fields]


@st.composite
def lying(draw: st.DrawFn) -> list[bytes]:
    """A console on which some frames say something else, numbered and summed as if they were right."""
    frames: list[Any] = [spoken(line) if line.startswith(b"@vdsocat") else line for line in LINES]
    places = [at for at, one in enumerate(frames) if not isinstance(one, bytes)]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.sampled_from(places))
        words = list(frames[at])
        match draw(st.sampled_from(("field", "field", "kind", "more", "fewer", "speaker"))):
            case "field" if len(words) > 2:
                words[draw(st.integers(2, len(words) - 1))] = draw(FIELDS)
            case "kind":
                words[1] = draw(st.sampled_from(KINDS))
            case "more":
                words += draw(st.lists(FIELDS, min_size=1, max_size=3))
            case "fewer":
                del words[draw(st.integers(2, len(words))) :]
            case "speaker":
                words[0] = draw(st.sampled_from(("i386-le", "i386-le/init", "x86-64-le", "../x", "\u202e")))
        frames[at] = words
    counts: dict[str, int] = {}
    said = []
    for one in frames:
        if isinstance(one, bytes):
            said.append(one)
            continue
        speaker, kind, *fields = one
        counts[speaker] = counts.get(speaker, -1) + 1
        if kind == "end" and draw(st.booleans()):
            fields = [str(counts[speaker] + 1)]
        said.append(frame(speaker, counts[speaker], kind, *fields))
    return said


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """All that a console said, after up to five accidents to its lines and bytes."""
    lines = draw(lying())
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(("lose", "repeat", "move", "printk", "panic", "binary", "long"))):
            case "lose":
                del lines[at : at + draw(st.integers(1, 10))]
            case "repeat":
                lines[at:at] = lines[at : at + draw(st.integers(1, 10))]
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "printk":
                lines.insert(at, PRINTK)
            case "panic":
                lines.insert(at, PANIC)
            case "binary":
                lines.insert(at, draw(st.binary(max_size=300)))
            case "long":
                lines.insert(at, draw(st.sampled_from((b"x", b"@vdsocat ", b"\0"))) * (1 << 20))
        if not lines:
            return b""
    data = bytearray(b"".join(lines))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("byte", "cut", "lose", "insert"))):
            case "byte":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[at:]
            case "lose":
                del data[at : at + draw(st.integers(1, 500))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=50))
    return bytes(data)


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that takes the place of a guest's console."""
    path = tmp_path / "console"

    def replay(command: Sequence[str], *arguments: Any, **named: Any) -> BootEnd:
        return run_guest(["cat", str(path)], *arguments, **named)

    monkeypatch.setattr("vdsocat.guest.run.run_guest", replay)
    return path


@a_thousand_times
@given(damaged(), st.sampled_from(("table", *DOCUMENT_FORMATS)))
def test_a_damaged_console(vdsocat: Command, tmp_path: Path, console: Path, data: bytes, format_: str) -> None:
    console.write_bytes(data)
    qemu = tmp_path / "qemu"
    if not qemu.exists():
        make_fake_qemu(qemu)
    kernel, out = write_vmlinux(tmp_path / "vmlinux"), tmp_path / "a" / "b" / "out"
    before = files_beside(tmp_path, out)
    with bounded():
        outcome = vdsocat("check", "--qemu", qemu, "--stock", "--again", "--format", format_, "--out", out, kernel)
    # 2 where the kernel's release is none.
    assert outcome.status in (0, 1, 2, 3), (outcome.status, outcome.err)
    assert is_shown(outcome.err)
    assert "Traceback" not in outcome.err
    if outcome.status > 1:
        assert outcome.err.startswith(f"vdsocat: {kernel}: ")
        assert outcome.err.count("\n") == 1 and outcome.err.endswith(".\n")
    if format_ == "json":
        assert list(schema_problems(json.loads(outcome.out), "report")) == []
    elif format_ != "html":
        assert is_shown(outcome.out)
    assert files_beside(tmp_path, out) == before
    captures = list(out.glob("*.json"))
    assert len(captures) <= 1
    for path in captures:
        assert list(schema_problems(json.loads(path.read_text()), "capture")) == []
        path.unlink()
