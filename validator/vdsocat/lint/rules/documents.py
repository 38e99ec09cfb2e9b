"""Rules about transcribed documents: that they speak of what the catalogue has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vdsocat.documents import Place
from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import CATALOG, LintInput, Problem

_DOCUMENTS = f"{CATALOG}documents/"


def document_abis(given: LintInput) -> Iterator[Problem]:
    """A section speaks of ABIs that the catalogue has; errata would pass over any other without a word."""
    for name, document in given.below(_DOCUMENTS).items():
        for key in ("sections", "sonames"):
            for number, row in enumerate(document.get(key, ())):
                for abi in row["abis"]:
                    if abi not in given.catalog.abis:
                        hint = did_you_mean(abi, given.catalog.abis)
                        yield Problem(name, (key, number, "abis"), f"there is no ABI {abi!r}{hint}")


def document_functions(given: LintInput) -> Iterator[Problem]:
    """The function that we say a printed symbol stands for is defined."""
    for name, document in given.below(_DOCUMENTS).items():
        for place, claim in _claims(document):
            function = claim.get("function")
            if function is not None and function not in given.catalog.functions:
                hint = did_you_mean(function, given.catalog.functions)
                yield Problem(name, place, f"nobody defines the function {function!r}{hint}")


def repeated_editions(given: LintInput) -> Iterator[Problem]:
    """An edition is transcribed once, by itself or as one that prints the same as an earlier one."""
    seen: dict[tuple[str, str], str] = {}
    for name, document in given.below(_DOCUMENTS).items():
        family = document["document"].removesuffix(f"-{document['edition']}")
        editions: list[tuple[Place, str]] = [(("edition",), document["edition"])]
        for number, again in enumerate(document.get("also_printed_in", ())):
            editions += [(("also_printed_in", number, "editions"), edition) for edition in again["editions"]]
        for place, edition in editions:
            if (family, edition) in seen:
                text = f"edition {edition} of {family} is in {seen[family, edition]} already."
                yield Problem(name, place, text)
            seen.setdefault((family, edition), name)


RULES = (document_abis, document_functions, repeated_editions)


def _claims(document: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every row of every table, with its place."""
    for number, section in enumerate(document["sections"]):
        for inner, claim in enumerate(section["claims"]):
            yield ("sections", number, "claims", inner), claim
        for inner, entry in enumerate(section.get("area", {}).get("entries", ())):
            yield ("sections", number, "area", "entries", inner), entry
