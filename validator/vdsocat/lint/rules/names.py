"""Rules about what an ABI is called."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import LintInput, Problem, abi_file


def ambiguous_abi_names(given: LintInput) -> Iterator[Problem]:
    """A name or alias stands for one ABI only, whatever its case: the order of files must not decide whose it is."""
    owners: dict[str, str] = {}
    for abi in given.catalog.abis.values():
        for name in (abi.name, *abi.aliases):
            owner = owners.setdefault(name.lower(), abi.name)
            if owner != abi.name:
                yield Problem(abi_file(abi), ("aliases",), f"the name {name!r} already stands for {owner}.")


def unknown_elf_machines(given: LintInput) -> Iterator[Problem]:
    """The ELF machine is one that pyelftools (and so the gABI registry) knows: images are recognised by it."""
    from elftools.elf.enums import ENUM_E_MACHINE

    for abi in given.catalog.abis.values():
        if abi.elf.machine not in ENUM_E_MACHINE:
            hint = did_you_mean(abi.elf.machine, ENUM_E_MACHINE)
            yield Problem(abi_file(abi), ("elf", "machine"), f"{abi.elf.machine} is no ELF machine{hint}")


RULES = (ambiguous_abi_names, unknown_elf_machines)
