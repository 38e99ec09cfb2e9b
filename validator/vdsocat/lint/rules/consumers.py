"""Rules about consumers: that they look symbols up in what the catalogue has."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import CATALOG, LintInput, Problem

_CONSUMERS = f"{CATALOG}consumers/"


def consumer_abis(given: LintInput) -> Iterator[Problem]:
    """Lookups and properties are for ABIs that the catalogue has; an audit cannot judge any other."""
    for name, document in given.below(_CONSUMERS).items():
        for key in ("properties", "lookups"):
            for number, row in enumerate(document.get(key, ())):
                for abi in row.get("abis", ()):
                    if abi not in given.catalog.abis:
                        hint = did_you_mean(abi, given.catalog.abis)
                        yield Problem(name, (key, number), f"there is no ABI {abi!r}{hint}")


def properties_of_no_lookup(given: LintInput) -> Iterator[Problem]:
    """A property that only some symbols need names symbols that the consumer looks up."""
    for name, document in given.below(_CONSUMERS).items():
        names: set[str] = set()
        for row in document["lookups"]:
            names |= {row["symbol"]} if "symbol" in row else set()
            names |= {*row.get("symbols", ()), *row.get("tried", ())}
        for number, row in enumerate(document.get("properties", ())):
            for symbol in row.get("symbols", ()):
                if symbol not in names:
                    text = f"no lookup is for {symbol!r}{did_you_mean(symbol, names)}"
                    yield Problem(name, ("properties", number), text)


def repeated_lookups(given: LintInput) -> Iterator[Problem]:
    """A lookup is listed once."""
    for name, document in given.below(_CONSUMERS).items():
        for number, row in enumerate(document["lookups"]):
            if row in document["lookups"][:number]:
                yield Problem(name, ("lookups", number), "is there twice.")


RULES = (consumer_abis, properties_of_no_lookup, repeated_lookups)
