"""Answering a question for one kernel configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdsocat.asking.answer import Answer, answer_at_release, asked_release
from vdsocat.asking.question import Question
from vdsocat.capture import parse_config
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.model import Catalog
from vdsocat.catalog.query import SymbolState, states_of
from vdsocat.command_line import told_at_boot
from vdsocat.errors import InputError, misspelt
from vdsocat.exports import KernelRelease

# The first line of a .config, from the mainmenu of the kernel's Kconfig.
_HEADER = re.compile(r"^# Linux/(\S+) (\S+) Kernel Configuration", re.MULTILINE)

# "Additional ARCH settings" of the kernel's Makefile: the directory that another value of ARCH means.
_DIRECTORIES = {
    "i386": "x86",
    "x86_64": "x86",
    "sparc32": "sparc",
    "sparc64": "sparc",
    "parisc64": "parisc",
    "sh64": "sh",
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """A kernel's .config: its options, the kernel's arch directory and width in bits, and its release if it says so."""

    arch: str
    bits: int
    release: str | None
    options: Mapping[str, str]


def read_configuration(path: Path) -> Configuration:
    """Read a .config; InputError when it cannot be read, or is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    options, header = parse_config(text), _HEADER.search(text)
    if not options or header is None:
        raise InputError(f"{path}: is no kernel configuration; a .config begins with '# Linux/ARCH RELEASE Kernel …'.")
    arch = _DIRECTORIES.get(header[1], header[1])
    # Alpha, 64-bit Itanium and s390 had no CONFIG_64BIT of their own at first; all who have both widths do.
    return Configuration(arch, 64 if options.get("CONFIG_64BIT") == "y" else 32, header[2], options)


def answer_for_configuration(question: Question, catalog: Catalog, index: dict[str, Any]) -> Answer:
    """What the kernel with the configuration that the question names exports, at its release or at --kernel.

    InputError when the file is no configuration, or of an architecture that the catalogue has not.
    """
    assert question.config is not None
    configuration = read_configuration(Path(question.config))
    if configuration.arch not in catalog.architectures:
        hint = misspelt(configuration.arch, catalog.architectures)
        raise InputError(f"{question.config}: there is no kernel architecture {hint}")
    if question.kernel is None and question.date is None:
        question.kernel = configuration.release
    release = asked_release(question, index["releases"])

    def states(name: str, mode: str) -> list[SymbolState] | None:
        abi = catalog.abis[name]
        hosts = [host for host in abi.hosts_on(configuration.arch, configuration.bits) if host.mode == mode]
        if not hosts:
            return None
        facts = KernelFacts(mode, configuration.options, parameters=told_at_boot({}, configuration.options))
        return list(states_of(abi, KernelRelease(release), facts, hosts))

    return answer_at_release(question, index, release, states)
