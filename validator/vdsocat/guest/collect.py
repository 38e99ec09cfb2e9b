"""From the frames of a console to what each ABI's probe reported."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vdsocat.capture import AbiCapture, Call, Case, KuserPage, TakenPath
from vdsocat.errors import RunError
from vdsocat.guest.console import Frame, Transcript
from vdsocat.guest.probe_files import probe_name

_LARGEST_IMAGE = 16 << 20
_NUMBER = re.compile(r"(-?\d+)(?:\.(\d{9}))?\Z")
_FATES = ("exec-failed", "signal", "exit", "hang")
_WAYS = ("vdso", "fallback", "mixed", "lacking", "hang", "died")


def collect_abis(transcript: Transcript, expected: Iterable[tuple[str, str]]) -> tuple[AbiCapture, ...]:
    """One record per expected (ABI, endianness), in that order, whatever became of its probe.

    RunError when what a probe said contradicts itself (a damaged image, a field that cannot be read).
    """
    fates = _fates(transcript)
    return tuple(_collect(transcript, abi, endianness, fates) for abi, endianness in expected)


def _fates(transcript: Transcript) -> dict[str, tuple[str, int | None]]:
    """What the supervisor said of each child's end: (outcome, detail)."""
    supervisor = transcript.supervisor()
    fates: dict[str, tuple[str, int | None]] = {}
    for frame in transcript.of(supervisor) if supervisor else []:
        if frame.type == "child" and len(frame.fields) >= 2 and frame.fields[1] != "started":
            name, outcome, *detail = frame.fields
            try:
                fates[name] = (_one_of(_FATES, outcome), int(detail[0]) if detail else None)
            except ValueError as error:
                raise RunError(f"The record of {supervisor} cannot be read: {error}.") from None
    return fates


def _collect(transcript: Transcript, abi: str, endianness: str, fates: dict[str, tuple[str, int | None]]) -> AbiCapture:
    speaker = probe_name(abi, endianness)
    frames = transcript.of(speaker)
    complete = bool(frames) and frames[-1].type == "end"
    outcome, detail = fates.get(speaker, ("complete", None) if complete else ("silent", None))
    if (outcome, detail) == ("exit", 0):
        if not complete:
            raise RunError(f"The record of {speaker} is incomplete: it ended well, but its last frame did not arrive.")
        outcome, detail = "complete", None
    try:
        return _read_frames(AbiCapture(abi, endianness, outcome, detail), frames)
    except (ValueError, IndexError, TypeError, binascii.Error) as error:
        raise RunError(f"The record of {speaker} cannot be read: {error}.") from None


def _read_frames(empty: AbiCapture, frames: list[Frame]) -> AbiCapture:
    values: dict[str, Any] = {}
    uname: dict[str, str] = {}
    auxv: list[tuple[int, int]] = []
    mappings: list[str] = []
    calls: list[Call] = []
    cases: list[Case] = []
    paths: list[TakenPath] = []
    image = bytearray()
    for frame in frames:
        fields = frame.fields
        match frame.type:
            case "hello":
                values |= {
                    "machine": int(fields[0]),
                    "elf_class": int(_one_of(("32", "64"), fields[1])),
                    "page_size": int(fields[3]),
                }
                if fields[2] != empty.endianness:
                    raise ValueError(f"it says that it is {fields[2]}-endian")
            case "uname":
                uname[fields[0]] = _text(fields[1])
            case "auxv":
                auxv.append((int(fields[0]), _address(fields[1])))
            case "map":
                mappings.append(_text(fields[0]))
            case "vdso" if fields[0] != "none":
                values["address"] = _address(fields[0])
                image = bytearray(_size(fields[1]))
            case "data":
                _place(image, int(fields[0]), base64.b64decode(fields[1], validate=True))
            case "vdso-end":
                if f"{binascii.crc32(image):08x}" != fields[0]:
                    raise ValueError("the image of the vDSO has a wrong checksum")
                values["image"] = bytes(image)
            case "kuser":
                values["kuser"] = KuserPage(fields[0] == "present", int(fields[1]) if len(fields) > 1 else None)
            case "call":
                calls.append(_call(fields))
            case "crash":
                calls.append(Call(fields[0], failure="crash", signal=int(fields[1])))
            case "hang":
                calls.append(Call(fields[0], failure="hang"))
            case "clocksource":
                values["clocksource"] = ">".join(filter(None, (values.get("clocksource"), fields[0])))
            case "case":
                cases += _cases(*fields)
            case "path":
                paths.append(_path(*fields))
    if "address" in values and "image" not in values and empty.outcome == "complete":
        raise ValueError("the image of the vDSO is incomplete")
    return replace(
        empty,
        uname=uname,
        auxv=tuple(auxv),
        mappings=tuple(mappings),
        calls=tuple(calls),
        cases=tuple(cases),
        paths=tuple(paths),
        **values,
    )


def _one_of(known: tuple[str, ...], text: str) -> str:
    if text not in known:
        raise ValueError(f"{text!r} is none of {', '.join(known)}")
    return text


def _address(text: str) -> int:
    address = int(text, 16)
    if not 0 <= address < 1 << 64:
        raise ValueError(f"{text[:20]!r} is no number of 64 bits")
    return address


def _size(text: str) -> int:
    size = int(text)
    if size > _LARGEST_IMAGE:
        raise ValueError(f"a vDSO of {size} bytes is announced")
    return size


def _place(image: bytearray, offset: int, piece: bytes) -> None:
    if offset + len(piece) > len(image):
        raise ValueError("a piece of the vDSO lies outside the announced image")
    image[offset : offset + len(piece)] = piece


def _text(field: str) -> str:
    return base64.b64decode(field, validate=True).decode("utf-8", "replace")


def _call(fields: tuple[str, ...]) -> Call:
    symbol, clock, before, returned, value, after = fields
    failed = [int(text.partition(":")[2]) for text in (before, after) if text.startswith("errno:")]
    return Call(
        symbol=symbol,
        clock=None if clock == "-" else int(clock),
        before=_value(before),
        returned=int(returned),
        value=_value(value),
        after=_value(after),
        syscall_errno=failed[0] if failed else None,
    )


def _cases(symbol: str, *tried: str) -> list[Case]:
    """Cases of one function: of each its name, what it must agree with, what the function says."""
    if not tried or len(tried) % 3:
        raise ValueError(f"the cases of {symbol} are cut")
    threes = [tried[at : at + 3] for at in range(0, len(tried), 3)]
    return [Case(symbol, name, None if kernel == "-" else kernel, vdso) for name, kernel, vdso in threes]


def _path(symbol: str, *ways: str) -> TakenPath:
    if ways and ways[0].startswith("unknown:"):
        return TakenPath(symbol, {}, int(ways[0].removeprefix("unknown:")))
    taken = (one.partition("=") for one in ways)
    return TakenPath(symbol, {argument: _one_of(_WAYS, way) for argument, _, way in taken})


def _value(text: str) -> int | None:
    """Nanoseconds of `sec.nnnnnnnnn`, or a plain number; None for `-` and `errno:N`."""
    if text == "-" or text.startswith("errno:"):
        return None
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no value")
    seconds, nanoseconds = match.groups()
    return int(seconds) if nanoseconds is None else int(seconds) * 10**9 + int(nanoseconds)
