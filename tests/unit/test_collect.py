"""From frames to records: what each probe said, what became of it, and contradictions that end a run."""

from __future__ import annotations

import base64
import zlib

import pytest
from consoles import Speaker, base64_of, boot_lines, probe_lines

from vdsocat.capture import Call, Case, KuserPage, TakenPath
from vdsocat.errors import RunError
from vdsocat.guest.collect import collect_abis
from vdsocat.guest.console import Transcript

IMAGE = bytes(range(256)) * 3
I386 = ("i386", "little")


def transcript_of(*lines: bytes) -> Transcript:
    transcript = Transcript()
    list(transcript.feed(b"".join(lines)))
    return transcript


def collect_one(*extra: tuple[object, ...]) -> object:
    (record,) = collect_abis(transcript_of(*probe_lines(extra=extra)), [I386])
    return record


def test_a_record_holds_all_that_the_probe_said() -> None:
    (record,) = collect_abis(transcript_of(*boot_lines(IMAGE)), [I386])
    assert (record.abi, record.endianness, record.outcome, record.detail) == ("i386", "little", "complete", None)
    assert (record.machine, record.elf_class, record.page_size) == (3, 32, 4096)
    assert record.uname == {"sysname": "Linux", "release": "6.1.0-50-686", "version": "#1 SMP", "machine": "i686"}
    assert record.auxv == ((33, 0xB7F00000),)
    assert record.mappings == ("b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]",)
    assert (record.address, record.image) == (0xB7F00000, IMAGE)


def test_no_vdso_is_no_image() -> None:
    (record,) = collect_abis(transcript_of(*probe_lines(image=None)), [I386])
    assert (record.address, record.image) == (None, None)


def test_calls_are_read_in_their_units() -> None:
    call = ("call", "__vdso_clock_gettime", 1, "12.000000001", 0, "12.000000002", "12.999999999")
    (record,) = collect_abis(
        transcript_of(
            *probe_lines(
                extra=[
                    call,
                    ("call", "__vdso_getcpu", "-", 3, 0, 3, 3),
                    ("call", "__vdso_clock_gettime", 12, "errno:22", -22, "-", "errno:22"),
                    ("crash", "__vdso_time", 11),
                    ("hang", "__vdso_gettimeofday"),
                ]
            )
        ),
        [I386],
    )
    assert record.calls == (
        Call("__vdso_clock_gettime", 1, 12 * 10**9 + 1, 0, 12 * 10**9 + 2, 12 * 10**9 + 999999999),
        Call("__vdso_getcpu", None, 3, 0, 3, 3),
        Call("__vdso_clock_gettime", 12, None, -22, None, None, syscall_errno=22),
        Call("__vdso_time", failure="crash", signal=11),
        Call("__vdso_gettimeofday", failure="hang"),
    )


def test_cases_paths_and_the_clock_source_are_read() -> None:
    (record,) = collect_abis(
        transcript_of(
            *probe_lines(
                extra=[
                    ("clocksource", "tsc"),
                    ("case", "__vdso_clock_gettime", "clock/2", "0.000000001..0.000000003", "0.000000002"),
                    ("case", "__vdso_clock_gettime", "clock/12", "errno:22", "errno:22", "clock/33", "-", "signal:11"),
                    ("path", "__vdso_clock_gettime", "1=vdso", "2=fallback", "-2=mixed"),
                    ("path", "__vdso_getcpu", "-=vdso"),
                    ("path", "__vdso_time", "unknown:22"),
                    ("clocksource", "hpet"),
                ]
            )
        ),
        [I386],
    )
    assert record.clocksource == "tsc>hpet"
    assert record.cases == (
        Case("__vdso_clock_gettime", "clock/2", "0.000000001..0.000000003", "0.000000002"),
        Case("__vdso_clock_gettime", "clock/12", "errno:22", "errno:22"),
        Case("__vdso_clock_gettime", "clock/33", None, "signal:11"),
    )
    assert record.paths == (
        TakenPath("__vdso_clock_gettime", {"1": "vdso", "2": "fallback", "-2": "mixed"}),
        TakenPath("__vdso_getcpu", {"-": "vdso"}),
        TakenPath("__vdso_time", {}, 22),
    )


@pytest.mark.parametrize(
    "frame",
    [
        ("case", "x"),
        ("case", "x", "clock/2", "1"),
        ("case", "x", "null", "0", "0", "null"),
        ("path",),
        ("path", "x", "unknown:what"),
    ],
)
def test_a_frame_that_is_cut_ends_the_run(frame: tuple[object, ...]) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        collect_one(frame)


@pytest.mark.parametrize(
    ("fields", "page"), [(("present", 5), KuserPage(True, 5)), (("absent",), KuserPage(False, None))]
)
def test_the_kuser_page_is_present_with_its_version_or_absent(fields: tuple[object, ...], page: KuserPage) -> None:
    (record,) = collect_abis(transcript_of(*probe_lines(extra=[("kuser", *fields)])), [I386])
    assert record.kuser == page


@pytest.mark.parametrize(
    ("said", "outcome", "detail"),
    [
        (("exec-failed", 8), "exec-failed", 8),
        (("signal", 11), "signal", 11),
        (("exit", 3), "exit", 3),
        (("hang",), "hang", None),
    ],
)
def test_what_became_of_a_probe_is_what_the_supervisor_says(
    said: tuple[object, ...], outcome: str, detail: int | None
) -> None:
    init = Speaker("i386-le/init")
    lines = [init.say("hello", 3, 32, "little", 4096), init.say("child", "i386-le", "started")]
    lines += [init.say("child", "i386-le", *said), init.end()]
    (record,) = collect_abis(transcript_of(*lines), [I386])
    assert (record.outcome, record.detail) == (outcome, detail)


def test_every_expected_abi_has_a_record_in_the_order_asked_for() -> None:
    records = collect_abis(transcript_of(*boot_lines()), [("x86-64", "little"), I386, ("mips-o32", "big")])
    assert [(record.abi, record.endianness, record.outcome) for record in records] == [
        ("x86-64", "little", "silent"),
        ("i386", "little", "complete"),
        ("mips-o32", "big", "silent"),
    ]


def refused(*lines: bytes) -> str:
    with pytest.raises(RunError) as refusal:
        collect_abis(transcript_of(*lines), [I386])
    return str(refusal.value)


def vdso_lines(announced: int, *pieces: tuple[int, bytes], checksum: str | None = None) -> list[bytes]:
    """A record whose image is sent in these pieces."""
    speaker = Speaker("i386-le")
    lines = [speaker.say("hello", 3, 32, "little", 4096), speaker.say("vdso", "0x1000", announced)]
    lines += [speaker.say("data", at, base64.b64encode(piece).decode()) for at, piece in pieces]
    if checksum is not None:
        lines.append(speaker.say("vdso-end", checksum))
    return [*lines, speaker.end()]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (vdso_lines(4, (0, b"abcd"), checksum="00000000"), "wrong checksum"),
        (vdso_lines(8, (0, b"abcd"), checksum=f"{zlib.crc32(b'abcdefgh'):08x}"), "wrong checksum"),
        (vdso_lines(4, (0, b"abcd")), "the image of the vDSO is incomplete"),
        (vdso_lines(4, (2, b"abcd"), checksum="00000000"), "outside the announced image"),
        (vdso_lines(-4), "cannot be read"),
        (vdso_lines(1 << 60), "cannot be read"),
        (probe_lines(extra=[("data", 0, "AAAA")]), "outside the announced image"),
        (probe_lines(extra=[("data", 0, "!!!")]), "cannot be read"),
        (probe_lines(extra=[("auxv", "x", "0x1")]), "cannot be read"),
        (probe_lines(extra=[("auxv",)]), "cannot be read"),
        (probe_lines(extra=[("call", "__vdso_time", "-")]), "cannot be read"),
        (probe_lines(extra=[("call", "__vdso_time", "-", "1.5", 0, 1, 1)]), "'1.5' is no value"),
        (probe_lines(endianness="big"), "big-endian"),
    ],
)
def test_what_contradicts_itself_ends_the_run_and_names_the_speaker(lines: list[bytes], words: str) -> None:
    sentence = refused(*lines)
    assert sentence.startswith("The record of i386-le cannot be read: ")
    assert words in sentence
    assert sentence.endswith(".")


def test_a_fate_that_cannot_be_read_ends_the_run() -> None:
    init = Speaker("i386-le/init")
    lines = [init.say("hello", 3, 32, "little", 4096), init.say("child", "i386-le", "exit", "well"), init.end()]
    assert "cannot be read" in refused(*lines)


def test_a_probe_that_ended_well_but_whose_last_frames_are_lost_ends_the_run() -> None:
    init = Speaker("i386-le/init")
    lines = [init.say("hello", 3, 32, "little", 4096), init.say("child", "i386-le", "started")]
    lines += [*probe_lines()[:-2], init.say("child", "i386-le", "exit", 0), init.end()]
    assert "i386-le" in refused(*lines)


def test_text_that_is_no_utf_8_is_kept_readable() -> None:
    odd = base64.b64encode(b"6.1\xff").decode()
    (record,) = collect_abis(transcript_of(*probe_lines(extra=[("uname", "nodename", odd)])), [I386])
    assert record.uname["nodename"] == "6.1\ufffd"


def test_frames_of_a_later_protocol_are_passed_over() -> None:
    assert collect_one(("weather", "fine"), ("note", base64_of("x"))) == collect_one()
