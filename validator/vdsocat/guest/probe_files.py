"""The prebuilt probes of the package: their names, their bytes, their record in the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from vdsocat.errors import InputError

_DIRECTORY = resources.files("vdsocat") / "probes"


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """What the manifest says about one probe: size in bytes, compiler and linker as they call themselves."""

    abi: str
    endianness: str
    sha256: str
    size: int
    compiler: str
    linker: str
    flags: str


@cache
def _read_manifest() -> dict[str, ProbeRecord]:
    try:
        probes = json.loads((_DIRECTORY / "manifest.json").read_text(encoding="utf-8"))["probes"]
        return {name: ProbeRecord(**record) for name, record in probes.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the probes' manifest cannot be read ({error}); reinstall vdsocat, or run make probes"
        ) from None


def probe_name(abi: str, endianness: str) -> str:
    """The name of the probe of an ABI: ("ppc64", "big") is "ppc64-be"."""
    return f"{abi}-{ {'little': 'le', 'big': 'be'}[endianness] }"


def probe_names() -> tuple[str, ...]:
    """All prebuilt probes, sorted."""
    return tuple(sorted(_read_manifest()))


def probes_of(abis: Sequence[str], endianness: str) -> tuple[str, ...]:
    """The probes that there are of these ABIs, in their order; an ABI without one is left to be reported silent."""
    names = (probe_name(abi, endianness) for abi in abis)
    return tuple(name for name in names if name in _read_manifest())


def probe_record(name: str) -> ProbeRecord:
    """The manifest's record of a probe; InputError if there is no such probe."""
    try:
        return _read_manifest()[name]
    except KeyError:
        raise InputError(f"there is no probe {name}; there are {', '.join(probe_names())}") from None


def load_probe(name: str) -> bytes:
    """The probe's ELF file; InputError if it is unknown, missing, or not what the manifest's checksum says."""
    record = probe_record(name)
    try:
        content = (_DIRECTORY / name).read_bytes()
    except OSError as error:
        raise InputError(
            f"the probe {name} cannot be read ({error.strerror}); reinstall vdsocat, or run make probes"
        ) from None
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise InputError(
            f"the probe {name} is damaged: its checksum is not the manifest's; reinstall vdsocat, or run make probes"
        )
    return content
