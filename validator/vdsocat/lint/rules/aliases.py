"""Rules about symbols that are other names of a symbol."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import LintInput, Problem, abi_file


def dangling_aliases(given: LintInput) -> Iterator[Problem]:
    """alias_of names another symbol of the same ABI that is no alias itself."""
    for abi in given.catalog.abis.values():
        names = {entry.export.name for entry in abi.exports}
        aliases = {entry.export.name for entry in abi.exports if entry.alias_of is not None}
        for number, entry in enumerate(abi.exports):
            if entry.alias_of is None:
                continue
            place = ("exports", number)
            if entry.alias_of not in names:
                hint = did_you_mean(entry.alias_of, names)
                yield Problem(abi_file(abi), place, f"alias of {entry.alias_of!r}, which is no export{hint}")
            elif entry.alias_of in aliases:
                yield Problem(abi_file(abi), place, f"alias of {entry.alias_of!r}, which is an alias too.")


def mismatched_aliases(given: LintInput) -> Iterator[Problem]:
    """An alias is in the image for as long as its symbol, under its version and condition: they share one address."""
    for abi in given.catalog.abis.values():
        known = {(entry.export.name, entry.export.version, entry.interval, entry.function) for entry in abi.exports}
        names = {entry.export.name for entry in abi.exports}
        for number, entry in enumerate(abi.exports):
            twin = (entry.alias_of, entry.export.version, entry.interval, entry.function)
            if entry.alias_of in names and twin not in known:
                text = f"no entry of {entry.alias_of} has the same function, version, releases and condition."
                yield Problem(abi_file(abi), ("exports", number), text)


RULES = (dangling_aliases, mismatched_aliases)
