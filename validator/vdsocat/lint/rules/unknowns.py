"""Rules about what the catalogue says it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vdsocat.catalog.model import Abi
from vdsocat.errors import did_you_mean
from vdsocat.lint.facts import facts
from vdsocat.lint.problem import LintInput, Problem, abi_file

# A word that only a symbol, a function, a version node or an option is written like.
_NAME = re.compile(r"\b_*[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9.]*[A-Za-z0-9])+\b")


def unknowns_about_nothing(given: LintInput) -> Iterator[Problem]:
    """An unknown speaks of symbols, functions and version nodes that the ABI has; others were renamed or mistyped."""
    for abi in given.catalog.abis.values():
        names = _names(abi)
        for number, (about, _) in enumerate(abi.unknowns):
            for name in _NAME.findall(about):
                if not name.startswith(("CONFIG_", "AT_", "STT_", "DT_")) and name not in names:
                    text = f"speaks of {name!r}, which the ABI does not have{did_you_mean(name, names)}"
                    yield Problem(abi_file(abi), ("unknowns", number), text)


RULES = (unknowns_about_nothing,)


def _names(abi: Abi) -> set[str]:
    names = {abi.name, *abi.aliases}
    for fact in facts(abi):
        names.add(fact.name)
        if fact.kind in ("exports", "entries"):
            names.add(fact.entry.function)
        if fact.kind == "exports":
            names.add(fact.entry.export.version)
    return names
