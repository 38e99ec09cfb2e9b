"""What every rule shares: what it looks at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vdsocat.catalog.evidence import AbiEvidence, evidence_from_document
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.documents import Place

CATALOG = "catalog/"
EVIDENCE = "catalog/evidence/"
MACHINES = "qemu-images/machines/"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: `place` leads there from the root of its document, and is () for the whole file."""

    file: str
    place: Place
    text: str


@dataclass(frozen=True)
class LintInput:
    """What rules look at: the files by name, such as "catalog/abis/i386.yaml", as text and as documents.

    Every document has passed its schema. The catalogue that they make is built when a rule first asks for it;
    it raises InputError for a condition or a release that cannot be read.
    """

    documents: Mapping[str, Any]
    texts: Mapping[str, str]

    def below(self, directory: str) -> dict[str, Any]:
        """The documents whose names begin so, with the whole name: "catalog/evidence/", MACHINES."""
        return {name: one for name, one in self.documents.items() if name.startswith(directory)}

    @cached_property
    def catalog(self) -> Catalog:
        """The ABIs, functions, releases, architectures and providers."""
        return assemble_catalog({name.removeprefix(CATALOG): one for name, one in self.below(CATALOG).items()})

    @cached_property
    def evidence(self) -> dict[str, AbiEvidence]:
        """What was seen on real kernels, by the name of the file."""
        return {name: evidence_from_document(one) for name, one in self.below(EVIDENCE).items()}


Rule = Callable[[LintInput], Iterator[Problem]]


def rule_name(rule: Rule) -> str:
    """What output and exemptions call the rule: `undated-releases`."""
    return rule.__name__.replace("_", "-")


def abi_file(abi: Abi) -> str:
    """The file that an ABI is in."""
    return f"{CATALOG}abis/{abi.name}.yaml"
