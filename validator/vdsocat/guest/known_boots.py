"""Captures of boots, kept by what decides them, so that an unchanged kernel need not be booted again."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from vdsocat import __version__
from vdsocat.cache import Cache
from vdsocat.capture import SCHEMA, Capture, capture_to_json, read_capture
from vdsocat.documents import read_schema
from vdsocat.errors import InputError
from vdsocat.guest.alone import INPUT
from vdsocat.guest.machines import INITRD
from vdsocat.guest.run import BootPlan, KernelUnderTest, read_config

_DIRECTORY = "captures"
# A hundred megabytes or so; `git bisect` alone makes a new kernel at each step.
_MOST = 1000


def boot_key(plan: BootPlan) -> str:
    """A digest of all that decides what a planned boot shows.

    That is the kernel's bytes and configuration, the probes, the machine, QEMU's version and container, the words of
    the commands (where files lie is no part of them), and vdsocat with what its captures have; the deadline is not.
    """
    config = read_config(plan.kernel)
    container = plan.qemu.image if plan.qemu else None
    decides = {
        "vdsocat": [__version__, SCHEMA, read_schema("capture")],
        "kernel": plan.kernel_sha256,
        "config": hashlib.sha256(config.encode()).hexdigest() if config is not None else None,
        "probes": dict(plan.probes),
        "machine": asdict(plan.machine) | {"deadline": None, "seconds": None},
        "qemu": [plan.qemu_version, container.identity if container else None],
        "command": _without_places(plan.command, plan),
        "skipped": list(plan.skipped),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _without_places(command: Sequence[str], plan: BootPlan) -> list[str]:
    """The words without the places of files: what the kernel's file and the probes hold is told beside them."""
    words = list(command[1:])
    for option in ("-kernel", "-initrd"):
        if option in words[:-1]:
            at = words.index(option) + 1
            words[at] = "as it is" if words[at] == str(plan.kernel.image) else "prepared"
    words = [INITRD if word.startswith(INITRD) else word for word in words]
    return [word.partition(INPUT)[0] for word in words]


def find_kept(cache: Cache, key: str) -> Capture | None:
    """The capture that was kept under this key; None when there is none, or none that can be read."""
    path = _path(cache, key)
    try:
        capture = read_capture(path) if path.is_file() else None
    except InputError:
        return None
    return capture if capture is not None and capture.provenance.boot_key == key else None


def keep_capture(cache: Cache, capture: Capture) -> None:
    """Keep a capture that has a key; the oldest ones go when there are too many.

    One without what it was to measure is not kept, nor any when they cannot be written: that costs time, nothing else.
    """
    key = capture.provenance.boot_key
    if key is None or any(abi.costs is not None and abi.costs.unknown for abi in capture.abis):
        return
    path = _path(cache, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_capture(capture, path)
        kept = list(path.parent.glob("[!.]*.json"))
        if len(kept) > _MOST:
            for old in sorted(kept, key=lambda one: one.stat().st_mtime)[:-_MOST]:
                old.unlink(missing_ok=True)
    except OSError:
        return


def of_kernel(capture: Capture, kernel: KernelUnderTest) -> Capture:
    """The capture as that of a kernel with the same bytes: its name, its place and its build may be others."""
    phases = {name: seconds for name, seconds in capture.provenance.phases.items() if name != "build"}
    if kernel.build_seconds is not None:
        phases = {"build": kernel.build_seconds, **phases}
    return replace(
        capture,
        provenance=replace(
            capture.provenance,
            source=kernel.source,
            kernel_path=str(kernel.image),
            kernel_package=kernel.package,
            kernel_package_version=kernel.package_version,
            kernel_package_architecture=kernel.package_architecture,
            kernel_package_sha256=kernel.package_sha256,
            kernel_suite=kernel.suite,
            phases=phases,
        ),
    )


def write_capture(capture: Capture, path: Path) -> None:
    """Write the capture whole or not at all; OSError when that cannot be done."""
    # Two threads, or two runs, may write the same one.
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        partial.write_text(json.dumps(capture_to_json(capture)), encoding="utf-8")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _path(cache: Cache, key: str) -> Path:
    return cache.path(_DIRECTORY, f"{key}.json")
