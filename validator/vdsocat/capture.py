"""The record of one run: who provided the vDSO, where it was seen, and what every ABI's probe reported."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vdsocat.command_line import read_parameters
from vdsocat.costs import Costs, costs_from_json, costs_to_json
from vdsocat.errors import InputError

SCHEMA = "vdsocat-capture/1"
_DEBIAN_VERSION = re.compile(r"\bDebian (\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a vDSO function between two calls of the system call it stands for.

    `clock` is a clock id for the clock_gettime family, else None. `before`, `value` and `after` are nanoseconds for
    clocks and gettimeofday, seconds for time, a CPU number for getcpu; None where that call failed, with the
    errno in `syscall_errno`. `returned` is what the vDSO function returned, errors as -errno.
    `failure` is None, "crash" (then `signal` says which) or "hang".
    """

    symbol: str
    clock: int | None = None
    before: int | None = None
    returned: int | None = None
    value: int | None = None
    after: int | None = None
    syscall_errno: int | None = None
    failure: str | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a function, as the probe put it: what it must agree with, and what the function said.

    `name` is the kind of the case, with the argument behind a slash where it has one ("clock/2"). Both answers are
    "errno:N", a value or several joined by commas; `kernel` can be a range "low..high", and "lacking:WHAT" for both
    says that there was nothing to try the case on. `kernel` is None where the case ended before it was known; `vdso` is
    "signal:N", "hang" or "died" where the function did not come back.
    """

    symbol: str
    name: str
    kernel: str | None
    vdso: str


@dataclass(frozen=True, slots=True)
class TakenPath:
    """Whether the calls of a function entered the kernel.

    `ways` has "vdso", "fallback" or "mixed" by argument ("-" where the function has none to choose), "hang" or "died"
    for a call that did not come back. It is empty when that could not be found out, for the errno in `unknown`.
    """

    symbol: str
    ways: Mapping[str, str]
    unknown: int | None = None


@dataclass(frozen=True, slots=True)
class KuserPage:
    """arm's kuser helper page: whether it is mapped, and the helper version word at 0xffff0ffc."""

    present: bool
    version: int | None = None


@dataclass(frozen=True, slots=True)
class AbiCapture:
    """What one ABI's probe reported.

    `outcome` is "complete", "exec-failed", "signal", "exit", "hang" or "silent"; `detail` is the errno, signal or
    status that goes with it. `image` is the vDSO as mapped at `address`, None when nothing is mapped. With the outcome
    "static" no probe ran: `image` is what the kernel's own file carries for the ABI; `also_fits` names other ABIs that
    an image in a file of its own may as well be of. `carried` are the images for the ABI in the file of a kernel that
    was booted, None where nobody looked. `clocksource` is the current one, None where the kernel does not tell. `costs`
    is None where nobody asked for them, and where no vDSO is mapped.
    """

    abi: str
    endianness: str
    outcome: str
    detail: int | None = None
    machine: int | None = None
    elf_class: int | None = None
    page_size: int | None = None
    uname: Mapping[str, str] = field(default_factory=dict)
    auxv: tuple[tuple[int, int], ...] = ()
    mappings: tuple[str, ...] = ()
    address: int | None = None
    image: bytes | None = None
    kuser: KuserPage | None = None
    calls: tuple[Call, ...] = ()
    cases: tuple[Case, ...] = ()
    paths: tuple[TakenPath, ...] = ()
    clocksource: str | None = None
    costs: Costs | None = None
    also_fits: tuple[str, ...] = ()
    carried: tuple[bytes, ...] | None = None

    @property
    def is_static(self) -> bool:
        """Whether the image was read from the kernel's file, and nothing was booted."""
        return self.outcome == "static"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a capture comes from. Digests are SHA-256 in hex, `seconds` is wall time from start to end record.

    `phases` are seconds by part of the work (vdsocat.guest.timing), as far as they are known; `skipped` says what was
    left out of the plain way to boot (`--stock`). `boot_key` stands for all that
    decides what the boot shows (vdsocat.guest.known_boots).
    """

    source: str
    date: str
    provider: str
    provider_version: str | None = None
    vdsocat: str | None = None
    kernel_arch: str | None = None
    kernel_bits: int | None = None
    kernel_path: str | None = None
    kernel_sha256: str | None = None
    kernel_package: str | None = None
    kernel_package_version: str | None = None
    kernel_package_architecture: str | None = None
    kernel_package_sha256: str | None = None
    kernel_suite: str | None = None
    config_sha256: str | None = None
    machine: str | None = None
    qemu_version: str | None = None
    command: tuple[str, ...] = ()
    probes: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    boot_key: str | None = None

    @property
    def kernel_parameters(self) -> dict[str, str] | None:
        """The names on the kernel's command line with their values, the last one of each; None when nobody noted it."""
        if "-append" not in self.command:
            return None
        return read_parameters(self.command[self.command.index("-append") + 1])


@dataclass(frozen=True, slots=True)
class Capture:
    """One run's record: enough to judge everything static again without booting.

    `config` is the kernel's own configuration text where it is known; `facts` are the named facts that the machine
    decides for conditions of the catalogue.
    """

    provenance: Provenance
    abis: tuple[AbiCapture, ...]
    config: str | None = None
    facts: Mapping[str, bool] = field(default_factory=dict)

    @property
    def release(self) -> str | None:
        """The kernel release as uname gave it to the first ABI that could ask."""
        return next((abi.uname["release"] for abi in self.abis if "release" in abi.uname), None)

    @property
    def upstream_release(self) -> str | None:
        """The kernel.org release that the kernel is made from.

        Debian's uname -r stays at 6.1.0 through all of 6.1.y and says the real release in uname -v
        ("#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-06-01)"); elsewhere uname -r is it.
        """
        versions = (abi.uname["version"] for abi in self.abis if "version" in abi.uname)
        match = _DEBIAN_VERSION.search(next(versions, ""))
        return match.group(1) if match else self.release


def parse_config(text: str) -> dict[str, str]:
    """CONFIG_ names to values of a kernel .config; options that are not set are missing from it."""
    options = {}
    for line in text.splitlines():
        if line.startswith("CONFIG_") and "=" in line:
            name, _, value = line.partition("=")
            options[name] = value.strip().strip('"')
    return options


def capture_to_json(capture: Capture) -> dict[str, Any]:
    """A capture as JSON values (schemas/capture.schema.json); images and configuration are packed as base64."""
    document: dict[str, Any] = {"schema": SCHEMA, "provenance": _plain(asdict(capture.provenance))}
    document["config"] = _pack(capture.config.encode()) if capture.config is not None else None
    document["facts"] = dict(capture.facts)
    document["abis"] = []
    for abi in capture.abis:
        raw = _plain(asdict(abi))
        raw["image"] = _pack(abi.image) if abi.image is not None else None
        raw["carried"] = [_pack(one) for one in abi.carried] if abi.carried is not None else None
        raw["costs"] = costs_to_json(abi.costs) if abi.costs is not None else None
        raw["calls"] = [{key: value for key, value in call.items() if value is not None} for call in raw["calls"]]
        document["abis"].append(raw)
    return document


def capture_from_json(document: Any, said_in: str) -> Capture:
    """The capture that a JSON document holds; InputError naming `said_in` when it holds none, or a damaged one."""
    from vdsocat.documents import schema_problems

    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"{said_in}: is no capture of this version of vdsocat ({SCHEMA}).")
    for problem in schema_problems(document, "capture"):
        raise InputError(f"{said_in}: {problem}")
    config = document["config"]
    return Capture(
        provenance=_provenance_from_json(document["provenance"]),
        abis=tuple(_abi_from_json(raw, said_in) for raw in document["abis"]),
        config=_unpack(config, said_in).decode("utf-8", "replace") if config is not None else None,
        facts=document["facts"],
    )


def read_capture(path: Path) -> Capture:
    """Read a capture file; InputError when it is none."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is no JSON.") from None
    return capture_from_json(document, str(path))


def _provenance_from_json(raw: Mapping[str, Any]) -> Provenance:
    sequences = {name: tuple(raw[name]) for name in ("command", "skipped") if name in raw}
    provenance: Provenance = _build(Provenance, {**raw, **sequences})
    return provenance


def _abi_from_json(raw: Mapping[str, Any], said_in: str) -> AbiCapture:
    values = dict(raw)
    values["auxv"] = tuple((kind, value) for kind, value in raw["auxv"])
    values["mappings"] = tuple(raw["mappings"])
    values["image"] = _unpack(raw["image"], said_in) if raw["image"] is not None else None
    values["kuser"] = KuserPage(**raw["kuser"]) if raw["kuser"] is not None else None
    values["calls"] = tuple(_build(Call, call) for call in raw["calls"])
    values["cases"] = tuple(Case(**case) for case in raw.get("cases", ()))
    values["paths"] = tuple(_build(TakenPath, path) for path in raw.get("paths", ()))
    carried = raw.get("carried")
    values["carried"] = tuple(_unpack(one, said_in) for one in carried) if carried is not None else None
    values["also_fits"] = tuple(raw.get("also_fits", ()))
    values["costs"] = costs_from_json(raw["costs"]) if raw.get("costs") is not None else None
    abi: AbiCapture = _build(AbiCapture, values)
    return abi


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    return kind(**{one.name: values[one.name] for one in fields(kind) if one.name in values})


def _plain(value: Any) -> Any:
    """The same value with tuples as lists, so that it compares equal after a trip through JSON."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


_LARGEST_PACKED = 16 << 20


def _unpack(text: str, said_in: str) -> bytes:
    try:
        data = zlib.decompressobj()
        content = data.decompress(base64.b64decode(text, validate=True), _LARGEST_PACKED)
    except (ValueError, zlib.error):
        raise InputError(f"{said_in}: the capture is damaged (a packed field cannot be unpacked).") from None
    if data.unconsumed_tail or not data.eof:
        raise InputError(f"{said_in}: the capture is damaged (a packed field is incomplete or too large).")
    return content
