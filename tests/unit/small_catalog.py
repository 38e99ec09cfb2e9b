"""A small catalogue for tests: three ABIs whose facts are made up, in the shape of the real files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Catalog

_TEXTS = {
    "abis/i386.yaml": """
abi: i386
name: 32-bit x86
aliases: [ia32, i686]
elf: {machine: EM_386, class: 32, endianness: [little]}
hosts:
  - {kernel: x86, bits: 32, mode: native, since: "2.6.0", source: [{tag: v6.1, path: arch/x86/Kconfig}]}
  - kernel: x86
    bits: 64
    mode: compat
    since: "2.6.0"
    when: CONFIG_IA32_EMULATION
    source: [{tag: v6.1, path: arch/x86/Kconfig}]
vdso:
  - since: "2.6.0"
    soname: linux-gate.so.1
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso32/vdso32.lds.S}]
exports:
  - symbol: __vdso_clock_gettime
    function: clock_gettime
    version: LINUX_2.6
    since: "3.15"
    source: [{commit: 7a59ed415f5b57469e22e41fc4188d5399e0b194, path: arch/x86/vdso/vdso32/vclock_gettime.c}]
  - symbol: __vdso_getcpu
    function: getcpu
    version: LINUX_2.6
    since: "6.0"
    note: It came late.
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso32/vdso32.lds.S}]
  - symbol: __kernel_sigreturn
    function: sigreturn
    version: LINUX_2.5
    type: NOTYPE
    since: "2.6.0"
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso32/vdso32.lds.S}]
  - symbol: __vdso_time
    function: time
    version: LINUX_2.6
    since: "3.15"
    until: "6.0"
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso32/vdso32.lds.S}]
  - symbol: __vdso_getrandom
    function: getrandom
    version: LINUX_2.6
    since: "5.1"
    when: CONFIG_VDSO_GETRANDOM
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso32/vdso32.lds.S}]
""",
    "abis/x86-64.yaml": """
abi: x86-64
name: 64-bit x86
aliases: [amd64, x86_64]
elf: {machine: EM_X86_64, class: 64, endianness: [little]}
hosts:
  - {kernel: x86, bits: 64, mode: native, since: "2.6.0", source: [{tag: v6.1, path: arch/x86/Kconfig}]}
vdso:
  - since: "2.6.23"
    soname: linux-vdso.so.1
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso.lds.S}]
exports:
  - symbol: __vdso_clock_gettime
    function: clock_gettime
    version: LINUX_2.6
    since: "2.6.23"
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso.lds.S}]
  - symbol: clock_gettime
    function: clock_gettime
    version: LINUX_2.6
    binding: WEAK
    alias_of: __vdso_clock_gettime
    since: "2.6.23"
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso.lds.S}]
  - symbol: __vdso_getcpu
    function: getcpu
    version: LINUX_2.6
    since: ["5.1", "5.3"]
    source: [{tag: v6.1, path: arch/x86/entry/vdso/vdso.lds.S}]
""",
    "abis/arm.yaml": """
abi: arm
name: 32-bit ARM
aliases: [armhf]
elf: {machine: EM_ARM, class: 32, endianness: [little, big]}
hosts:
  - {kernel: arm, bits: 32, mode: native, since: "2.6.0", source: [{tag: v6.1, path: arch/arm/Kconfig}]}
  - kernel: arm64
    bits: 64
    mode: compat
    since: "3.15"
    when: CONFIG_COMPAT
    source: [{tag: v6.1, path: arch/arm64/Kconfig}]
vdso:
  - since: "4.1"
    when: CONFIG_VDSO or compat
    soname: linux-vdso.so.1
    source: [{tag: v6.1, path: arch/arm/vdso/vdso.lds.S}]
areas:
  - area: kuser
    kind: fixed-page
    address: 0xffff0000
    mapping: "[vectors]"
    since: "2.6.0"
    when: CONFIG_KUSER_HELPERS
    source: [{tag: v6.1, path: arch/arm/kernel/entry-armv.S}]
    entries:
      - symbol: __kuser_get_tls
        function: kuser_get_tls
        offset: 0xfe0
        since: "2.6.0"
        source: [{tag: v6.1, path: arch/arm/kernel/entry-armv.S}]
exports:
  - symbol: __vdso_clock_gettime
    function: clock_gettime
    version: LINUX_2.6
    since: "4.1"
    when: machine:arch-timer-usable
    source: [{tag: v6.1, path: arch/arm/vdso/vdso.lds.S}]
""",
    "architectures.yaml": """
architectures:
  - {architecture: x86, name: x86, since: "2.6.24", source: [{tag: v6.1, path: arch/x86/Kconfig}]}
  - {architecture: alpha, name: Alpha, since: "2.6.0", none: It never had one., source: [{tag: v6.1, path: arch/alpha}]}
""",
    "functions.yaml": """
functions:
  - {function: clock_gettime, prototype: "int clock_gettime(clockid_t, struct timespec *)", syscall: clock_gettime,
     manual: clock_gettime(2), summary: Reads a clock., callable: true}
  - {function: getcpu, syscall: getcpu, manual: getcpu(2), summary: Says on which CPU it runs., callable: true}
  - {function: time, syscall: time, summary: Reads the seconds., callable: true}
  - {function: getrandom, syscall: getrandom, summary: Gives random bytes., callable: true}
  - {function: sigreturn, summary: Ends a signal handler., callable: false}
  - {function: kuser_get_tls, summary: Reads the thread pointer., callable: true}
""",
    "releases.yaml": """
sources:
  table: {what: a table of releases}
releases:
  - {release: "2.6.0", date: "2003-12-17", source: [table]}
  - {release: "2.6.23", date: "2007-10-09", source: [table]}
  - {release: "3.15", date: "2014-06-08", source: [table]}
  - {release: "4.1", date: "2015-06-21", source: [table]}
  - {release: "5.1", date: "2019-05-05", source: [table]}
  - {release: "5.3", date: "2019-09-15", source: [table]}
  - {release: "6.0", unknown: nobody wrote it down, source: []}
  - {release: "6.1", date: "2022-12-11", source: [table]}
""",
}

_DOCUMENTS = {path: yaml.safe_load(text) for path, text in _TEXTS.items()}


def small_documents() -> dict[str, Any]:
    """The documents by their path under catalog/, fresh ones that a test may change."""
    return copy.deepcopy(_DOCUMENTS)


def small_catalog() -> Catalog:
    """The catalogue that the documents make."""
    return assemble_catalog(small_documents())


def write_catalog(root: Path, documents: dict[str, Any] | None = None) -> Path:
    """Write the documents as YAML files under `root` and return it."""
    for path, document in (documents or _DOCUMENTS).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return root
