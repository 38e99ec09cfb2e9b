"""An erratum: what a document prints, what is right instead, and where the catalogue has that from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.model import Source
from vdsocat.exports import KernelRelease


class Kind(StrEnum):
    """In which way a document and the catalogue differ."""

    WRONG = "wrong"  # the document said what was not so on its own day
    MISSING = "missing"  # it was silent about what was so
    OUTDATED = "outdated"  # kernels have changed since; no error of the document


@dataclass(frozen=True, slots=True)
class Erratum:
    """One difference. `section` is None for a sentence on all ABIs, `printed` where nothing is printed.

    `subject` is the symbol, or what the sentence is about.
    """

    rule: str
    kind: Kind
    section: str | None
    abis: tuple[str, ...]
    subject: str
    printed: str | None
    right: str
    sources: tuple[Source, ...]

    @property
    def place(self) -> tuple[str, str | None, tuple[str, ...], str]:
        """What makes two errata of different releases the same one."""
        return self.rule, self.section, self.abis, self.subject


def merge_abis(errata: Iterable[Erratum]) -> tuple[Erratum, ...]:
    """The errata with those made one that differ in nothing but the ABI, and in where its file has it from."""
    merged: dict[Erratum, Erratum] = {}
    for one in errata:
        key = replace(one, abis=(), sources=())
        earlier = merged.get(key)
        if earlier is not None:
            one = replace(
                one,
                abis=(*earlier.abis, *one.abis),
                sources=tuple(dict.fromkeys((*earlier.sources, *one.sources))),
            )
        merged[key] = one
    return tuple(merged.values())


def agrees(bound: Bound, release: KernelRelease) -> bool:
    """Whether a release that somebody gives for a change can be the right one, as far as the catalogue has settled it.

    A stable release that took the change over is right as well.
    """
    if bound.before is not None:
        return bound.before < release <= bound.after
    return release == bound.after or release in bound.backports


def spell_bound(bound: Bound) -> str:
    """The release of a change in words: Linux 5.11; Linux 2.6.18 or earlier, after 2.6.12."""
    if bound.before is not None:
        return f"Linux {bound.after} or earlier, after {bound.before}"
    if bound.backports:
        return f"Linux {bound.after} (stable: {', '.join(map(str, bound.backports))})"
    return f"Linux {bound.after}"
