"""Captures: a round trip through JSON loses nothing, and damaged ones are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_images import i386_capture, i386_image

from vdsocat.capture import (
    AbiCapture,
    Call,
    Capture,
    Case,
    KuserPage,
    Provenance,
    TakenPath,
    capture_from_json,
    capture_to_json,
    parse_config,
    read_capture,
)
from vdsocat.documents import schema_problems
from vdsocat.errors import InputError

TEXT = st.text(max_size=12)
NUMBER = st.integers(-(2**63), 2**64 - 1)
MAYBE = st.none() | NUMBER
CALLS = st.builds(
    Call,
    symbol=TEXT,
    clock=MAYBE,
    before=MAYBE,
    returned=MAYBE,
    value=MAYBE,
    after=MAYBE,
    syscall_errno=MAYBE,
    failure=st.sampled_from((None, "crash", "hang")),
    signal=MAYBE,
)
WAYS = st.dictionaries(TEXT, st.sampled_from(("vdso", "fallback", "mixed", "hang", "died")), max_size=3)
ABIS = st.builds(
    AbiCapture,
    abi=TEXT,
    endianness=st.sampled_from(("little", "big")),
    outcome=st.sampled_from(("complete", "exec-failed", "signal", "exit", "hang", "silent")),
    detail=MAYBE,
    machine=MAYBE,
    elf_class=st.sampled_from((None, 32, 64)),
    page_size=MAYBE,
    uname=st.dictionaries(TEXT, TEXT, max_size=3),
    auxv=st.lists(st.tuples(NUMBER, NUMBER), max_size=3).map(tuple),
    mappings=st.lists(TEXT, max_size=3).map(tuple),
    address=MAYBE,
    image=st.none() | st.binary(max_size=64),
    kuser=st.none() | st.builds(KuserPage, st.booleans(), MAYBE),
    calls=st.lists(CALLS, max_size=3).map(tuple),
    cases=st.lists(st.builds(Case, TEXT, TEXT, st.none() | TEXT, TEXT), max_size=3).map(tuple),
    paths=st.lists(st.builds(TakenPath, TEXT, WAYS, MAYBE), max_size=3).map(tuple),
    clocksource=st.none() | TEXT,
)
PROVENANCES = st.builds(
    Provenance,
    source=TEXT,
    date=TEXT,
    provider=TEXT,
    provider_version=st.none() | TEXT,
    kernel_arch=st.none() | TEXT,
    kernel_bits=st.sampled_from((None, 32, 64)),
    command=st.lists(TEXT, max_size=3).map(tuple),
    probes=st.dictionaries(TEXT, TEXT, max_size=2),
    seconds=st.none() | st.floats(0, 1000),
)
CAPTURES = st.builds(
    Capture,
    provenance=PROVENANCES,
    abis=st.lists(ABIS, min_size=1, max_size=2).map(tuple),
    config=st.none() | TEXT,
    facts=st.dictionaries(TEXT, st.booleans(), max_size=2),
)


@settings(max_examples=50, deadline=None)
@given(CAPTURES)
def test_a_trip_through_json_loses_nothing(capture: Capture) -> None:
    text = json.dumps(capture_to_json(capture))
    assert capture_from_json(json.loads(text), "a test") == capture


@settings(max_examples=25, deadline=None)
@given(CAPTURES)
def test_what_is_written_conforms_to_the_schema(capture: Capture) -> None:
    document = json.loads(json.dumps(capture_to_json(capture)))
    assert list(schema_problems(document, "capture")) == []


def written(**changes: Any) -> dict[str, Any]:
    document = capture_to_json(i386_capture(i386_image()))
    document.update(changes)
    return document


def test_an_empty_image_is_not_a_missing_one() -> None:
    capture = i386_capture(b"")
    assert capture_from_json(capture_to_json(capture), "a test").abis[0].image == b""


def test_a_capture_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    path.write_text(json.dumps(written()), encoding="utf-8")
    assert read_capture(path) == i386_capture(i386_image())


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is no capture of this version"),
        ({"schema": "vdsocat-capture/99"}, "is no capture of this version"),
        ({"schema": "vdsocat-report/1", "kernels": []}, "is no capture of this version"),
        ({"schema": "vdsocat-capture/1"}, "the key 'provenance' is missing"),
        (written(abis=[]), "abis: "),
        (written(fact={}), "unknown key 'fact'; did you mean 'facts'?"),
        (written(config="no base64!"), "the capture is damaged"),
        (written(config="aGVsbG8="), "the capture is damaged"),
    ],
)
def test_what_is_no_capture_is_refused_with_its_name(document: Any, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        capture_from_json(document, "here.json")
    assert str(refusal.value).startswith("here.json: ")
    assert words in str(refusal.value)


@pytest.mark.parametrize("cut", [1, 4, 40])
def test_a_packed_image_that_was_cut_short_is_damage(cut: int) -> None:
    document = written()
    packed = document["abis"][0]["image"]
    document["abis"][0]["image"] = packed[: -4 * cut]
    with pytest.raises(InputError, match=r"here\.json: the capture is damaged"):
        capture_from_json(document, "here.json")


def test_a_packed_field_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdsocat.capture._LARGEST_PACKED", 100)
    with pytest.raises(InputError, match="incomplete or too large"):
        capture_from_json(written(), "here.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"not json", b"[" * 100000])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "capture.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"capture\.json: is no JSON\."):
        read_capture(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file or directory\)\."):
        read_capture(tmp_path / "none.json")


def test_the_release_is_what_the_first_abi_that_could_ask_says() -> None:
    silent = AbiCapture("x32", "little", "exec-failed")
    capture = i386_capture(None, release="6.1.7")
    assert Capture(capture.provenance, (silent, *capture.abis)).release == "6.1.7"
    assert Capture(capture.provenance, (silent,)).release is None


def test_a_configuration_keeps_what_is_set() -> None:
    text = '#\n# Linux\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D="a=b c"\nCONFIG_E=0x10\nCONFIG_F=""\n'
    assert parse_config(text) == {
        "CONFIG_A": "y",
        "CONFIG_B": "m",
        "CONFIG_D": "a=b c",
        "CONFIG_E": "0x10",
        "CONFIG_F": "",
    }


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ((), None),
        (("qemu-system-i386", "-kernel", "bzImage"), None),
        (
            ("qemu-system-i386", "-append", "quiet vdso=1  root=UUID=1 vdso=0"),
            {"quiet": "", "vdso": "0", "root": "UUID=1"},
        ),
        (("qemu-system-i386", "-append", ""), {}),
    ],
)
def test_the_kernel_s_parameters_are_read_from_the_command(
    command: tuple[str, ...], expected: dict[str, str] | None
) -> None:
    assert Provenance("a", "2026-01-01", "linux", command=command).kernel_parameters == expected


def test_a_capture_from_before_cases_is_read_without_any() -> None:
    document = capture_to_json(i386_capture(i386_image()))
    for abi in document["abis"]:
        for key in ("cases", "paths", "clocksource"):
            del abi[key]
    for abi in capture_from_json(document, "old.json").abis:
        assert (abi.cases, abi.paths, abi.clocksource) == ((), (), None)
