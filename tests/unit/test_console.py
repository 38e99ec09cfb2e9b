"""The framed console: frames survive chunking and printk, and damage of every kind is named."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from consoles import PANIC, PRINTK, boot_lines, frame, probe_lines
from hypothesis import given
from hypothesis import strategies as st

from vdsocat.guest.console import Frame, Transcript

LINES = boot_lines(image=bytes(range(256)) * 2)
FRAMES = sum(line.startswith(b"@vdsocat") for line in LINES)
# printk as it looks, and worse: binary, and text that resembles a frame without being marked as one.
JUNK = st.one_of(
    st.just(PRINTK),
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"").replace(b"@", b"") + b"\r\n"),
    st.just(b"vdsocat i386-le 3 data 0 AAAA 00000000\n"),
    st.just(b"\r\n"),
)


def feed(*pieces: bytes) -> Transcript:
    transcript = Transcript()
    for piece in pieces:
        list(transcript.feed(piece))
    return transcript


def chunks_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(st.integers(0, 10**6), max_size=30))
def test_frames_survive_any_chunking(cuts: list[int]) -> None:
    assert feed(*chunks_of(b"".join(LINES), cuts)) == feed(b"".join(LINES))


def test_frames_survive_byte_by_byte() -> None:
    data = b"".join(LINES)
    transcript = feed(*(data[i : i + 1] for i in range(len(data))))
    assert transcript.finished
    assert transcript.missing() is None
    assert sum(map(len, transcript.frames.values())) == FRAMES


@given(st.lists(st.tuples(st.integers(0, len(LINES)), JUNK), max_size=12))
def test_whole_lines_in_between_do_no_harm(junk: list[tuple[int, bytes]]) -> None:
    lines = list(LINES)
    for place, line in sorted(junk, reverse=True, key=lambda one: one[0]):
        lines.insert(place, line)
    transcript = feed(b"".join(lines))
    assert transcript.frames == feed(b"".join(LINES)).frames
    assert transcript.finished
    assert transcript.missing() is None


@given(st.integers(0, len(LINES) - 1), st.data())
def test_any_changed_byte_of_a_frame_is_noticed(number: int, data: st.DataObject) -> None:
    line = LINES[number]
    if not line.startswith(b"@vdsocat"):
        return
    place = data.draw(st.integers(len("@vdsocat "), len(line.rstrip()) - 1))
    byte = data.draw(st.integers(0x21, 0x7E).filter(lambda value: value != line[place]))
    broken = [*LINES]
    broken[number] = line[:place] + bytes([byte]) + line[place + 1 :]
    transcript = feed(b"".join(broken))
    assert transcript.missing() is not None or not transcript.finished


@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=3))
def test_a_lost_frame_is_noticed(lost: set[int]) -> None:
    transcript = feed(b"".join(line for number, line in enumerate(LINES) if number not in lost))
    frames_lost = any(LINES[number].startswith(b"@vdsocat") for number in lost)
    noticed = transcript.missing() is not None or not transcript.finished or transcript.supervisor() is None
    # A probe's own last frame is missed by collect_abis, which knows that the probe ended well.
    if frames_lost and len(LINES) - 4 not in lost:
        assert noticed


def test_a_frame_is_split_into_speaker_sequence_type_and_fields() -> None:
    (one,) = Transcript().feed(frame("x86-64-le", 0, "hello", 62, 64, "little", 4096))
    assert one == Frame("x86-64-le", 0, "hello", ("62", "64", "little", "4096"))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r\r\n", b" \r\n"])
def test_every_line_ending_that_consoles_make(ending: bytes) -> None:
    line = frame("a", 0, "end", 1).rstrip() + ending
    assert feed(line).finished


def test_a_frame_after_unfinished_printk_is_found() -> None:
    transcript = feed(b"[    1.0] usb 1-1: new " + frame("a", 0, "end", 1))
    assert transcript.of("a") == [Frame("a", 0, "end", ("1",))]
    assert transcript.missing() is None


def test_only_new_frames_are_given_out() -> None:
    transcript = Transcript()
    first, second = frame("a", 0, "hello", 1), frame("a", 1, "end", 2)
    assert [one.type for one in transcript.feed(first + second[:10])] == ["hello"]
    assert [one.type for one in transcript.feed(second[10:])] == ["end"]
    assert list(transcript.feed(b"")) == []


def replaced(number: int, line: bytes) -> Transcript:
    lines = probe_lines()
    lines[number] = line
    return feed(b"".join(lines))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (frame("i386-le", 2, "uname", "x").replace(b" x ", b" y "), "frame 2 of i386-le has a wrong checksum"),
        (b"@vdsocat i386-le 2 una" + PRINTK, "a line of the probe is garbled: '@vdsocat i386-le 2 una["),
        (b"@vdsocat \r\n", "garbled"),
        (b"", "i386-le jumped from frame 1 to 3"),
        (frame("i386-le", 1, "uname", "x"), "i386-le jumped from frame 1 to 1"),
    ],
)
def test_damage_is_named_by_its_first_sign(line: bytes, words: str) -> None:
    transcript = replaced(2, line)
    assert transcript.finished
    assert words in str(transcript.missing())


def test_a_kernel_built_by_a_namesake_is_no_frame() -> None:
    transcript = feed(b"Linux version 6.1.0 (user@vdsocat) (gcc 12)\r\n", *probe_lines())
    assert transcript.missing() is None


def test_a_wrong_count_is_damage() -> None:
    lines = probe_lines()
    lines[-1] = frame("i386-le", len(lines) - 1, "end", len(lines) + 3)
    transcript = feed(b"".join(lines))
    assert transcript.missing() == f"i386-le sent {len(lines) + 3} frames, of which {len(lines)} arrived"


def test_the_record_ends_with_the_supervisor_or_the_only_speaker() -> None:
    assert feed(b"".join(probe_lines())).finished
    lines = boot_lines()
    assert not feed(b"".join(lines[:-1])).finished
    transcript = feed(b"".join(lines))
    assert transcript.finished
    assert transcript.supervisor() == "i386-le/init"


def test_a_panic_is_kept_as_the_kernel_said_it() -> None:
    transcript = feed(b"".join(boot_lines()[:3]), PANIC)
    assert transcript.panic == "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b"
    assert not transcript.finished


def test_an_endless_line_does_not_fill_the_memory() -> None:
    transcript = Transcript()
    for _ in range(100):
        assert list(transcript.feed(b"x" * 4096)) == []
    assert len(transcript._pending) <= 4096
    assert [one.type for one in transcript.feed(b"\n" + frame("a", 0, "end", 1))] == ["end"]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_garbage_is_no_frame(pieces: list[bytes]) -> None:
    assert feed(*pieces).frames == {}
