"""Where a document disagrees with the catalogue: computed from both, never written down.

A document is held against the kernel release that was current on its own day. What only later releases made untrue is
told apart: it is no error of the document.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vdsocat.audits.erratum import Erratum, Kind, merge_abis
from vdsocat.audits.printed_statements import Reading, port_errata, section_errata, soname_errata, statement_errata
from vdsocat.audits.printed_symbols import symbol_errata
from vdsocat.catalog.document import Document
from vdsocat.catalog.model import Catalog
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease


@dataclass(frozen=True, slots=True)
class DocumentErrata:
    """A document's errata: held against release `at`, and for what has become untrue since, against `now`.

    `unchecked` are the remarks and sentences that no rule can hold against the catalogue: section, subject, text.
    """

    document: Document
    at: KernelRelease
    now: KernelRelease
    errata: tuple[Erratum, ...]
    unchecked: tuple[tuple[str | None, str, str], ...]

    def count(self, kind: Kind) -> int:
        """How many errata there are of a kind."""
        return sum(one.kind is kind for one in self.errata)

    @property
    def disagrees(self) -> bool:
        """Whether the document was wrong or silent on its own day."""
        return any(one.kind is not Kind.OUTDATED for one in self.errata)


def find_errata(
    document: Document, catalog: Catalog, now: KernelRelease, abis: frozenset[str] | None = None
) -> DocumentErrata:
    """Hold a document against the catalogue; `abis` are the ABIs asked for (None: all of them).

    InputError when the document speaks of an ABI that the catalogue has not, or is older than every dated release.
    """
    at = release_current_on(catalog, document.date)
    own = [one for one in _errata_at(document, catalog, at) if abis is None or abis & set(one.abis)]
    places = {one.place for one in own}
    since = [
        replace(one, kind=Kind.OUTDATED)
        for one in _errata_at(document, catalog, now)
        if now > at and one.place not in places and (abis is None or abis & set(one.abis))
    ]
    return DocumentErrata(document, at, now, merge_abis([*own, *since]), tuple(_unchecked(document)))


def release_current_on(catalog: Catalog, day: datetime.date) -> KernelRelease:
    """The newest mainline release of that day or before; InputError when the catalogue dates none so early."""
    text = day.isoformat()
    dated = [release for release, date in mainline_releases(catalog) if date is not None and date <= text]
    if not dated:
        raise InputError(f"The catalogue dates no kernel release of {text} or before.")
    return max(dated)


def newest_release(catalog: Catalog) -> KernelRelease:
    """The newest mainline release that the catalogue names."""
    return max(release for release, _ in mainline_releases(catalog))


def mainline_releases(catalog: Catalog) -> Iterator[tuple[KernelRelease, str | None]]:
    """The mainline releases of the catalogue with their ISO dates, None where the date is not known."""
    for text, date in catalog.releases.items():
        release = KernelRelease.parse(text)
        if release == release.mainline:
            yield release, date


def _errata_at(document: Document, catalog: Catalog, release: KernelRelease) -> Iterator[Erratum]:
    reading = Reading(document, catalog, release)
    yield from statement_errata(reading)
    yield from soname_errata(reading)
    for section in document.sections:
        for name in section.abis:
            abi = catalog.abi(name)
            yield from port_errata(section, abi, release)
            yield from symbol_errata(section, abi, release)
    yield from section_errata(reading)


def _unchecked(document: Document) -> Iterator[tuple[str | None, str, str]]:
    for statement in document.statements:
        if statement.states is None:
            yield None, statement.about, statement.text
    for section in document.sections:
        for about, text in section.remarks:
            yield section.heading, about, text
