"""Rules for what a document says of whole ABIs: its general sentences, sonames, sections, and ports that are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vdsocat.audits.erratum import Erratum, Kind, agrees, spell_bound
from vdsocat.audits.symbol_history import (
    SymbolHistory,
    commits_first,
    covered,
    histories,
    last_end,
    sources_of,
    sources_of_end,
)
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.document import Document, PrintedSoname, Section, Statement
from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Abi, Catalog, Source
from vdsocat.exports import KernelRelease

# How a function may report errors and still be called as C calls.
_C_ERRORS = ("negative-errno", "none")
_MODES = ("native", "compat")


@dataclass(frozen=True, slots=True)
class Reading:
    """A document, and the catalogue at the release that it is held against."""

    document: Document
    catalog: Catalog
    release: KernelRelease

    def mapped_abis(self) -> Iterator[Abi]:
        """The ABIs whose processes have a vDSO in the release."""
        for abi in self.catalog.sorted_abis():
            if has_image(abi, self.release):
                yield abi


def has_image(abi: Abi, release: KernelRelease) -> bool:
    """Whether kernels of the release run the ABI and map a vDSO for it, whatever the conditions."""
    run = covered([host.interval for host in abi.hosts], release)
    return bool(run and covered([one.interval for one in abi.vdso], release))


def statement_errata(reading: Reading) -> Iterator[Erratum]:
    """What the general sentences have wrong, one erratum per ABI."""
    for statement in reading.document.statements:
        if statement.states is not None:
            yield from STATEMENT_RULES[statement.states](reading, statement)


def differs_natively_and_as_compat(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """Symbols that only some of the kernels that run an ABI export."""
    for abi in reading.mapped_abis():
        modes = {host.mode for host in abi.hosts if host.interval.covers(reading.release)}
        if len(modes) < len(_MODES):
            continue
        known = histories(abi).values()
        depending = {one.symbol: _only_mode(one, reading.release) for one in known}
        for mode in _MODES:
            symbols = sorted(symbol for symbol, only in depending.items() if only == mode)
            if symbols:
                entries = [one.standing(reading.release) for one in known if one.symbol in symbols]
                right = f"exported only where kernels run the ABI as {mode}: {', '.join(symbols)}"
                known_from = sources_of(entry for some in entries for entry in some)
                yield _on_all(statement, abi, right, known_from)


def calls_unlike_c(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """Functions that are not called, or do not report errors, as C functions do."""
    for abi in reading.mapped_abis():
        for convention in abi.conventions:
            if convention.errors not in _C_ERRORS:
                functions = ", ".join(convention.functions) or "its functions"
                yield _on_all(statement, abi, f"{functions}: {convention.text}", convention.sources)


def exports_without_version(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """Symbols without a version node."""
    for abi in reading.mapped_abis():
        bare = [
            entry for entry in abi.exports if entry.export.version is None and entry.interval.covers(reading.release)
        ]
        if bare:
            right = "without a version: " + ", ".join(sorted({entry.export.name for entry in bare}))
            yield _on_all(statement, abi, right, tuple(source for entry in bare for source in entry.sources))


def not_found_by_ehdr(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """A vDSO that the auxiliary vector does not name; an ABI whose vector is not recorded is not judged."""
    for abi in reading.mapped_abis():
        entries = [one for one in abi.auxv if one.tag == "AT_SYSINFO_EHDR"]
        if abi.auxv and covered([one.interval for one in entries], reading.release) is False:
            right = "there is no AT_SYSINFO_EHDR"
            yield _on_all(statement, abi, right, tuple(source for one in abi.auxv for source in one.sources))


def symbols_that_went(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """Symbols that were taken out of a version that is still there. What was added breaks nobody and does not count."""
    for abi in reading.mapped_abis():
        gone = {}
        for history in histories(abi).values():
            end = history.end(reading.release)
            if end is not None:
                gone[history] = f"{history.symbol} in {spell_bound(end)}"
        if gone:
            known_from = sources_of_end(entry for history in gone for entry in history.entries)
            yield _on_all(statement, abi, f"removed: {', '.join(gone.values())}", known_from)


def older_vdso(reading: Reading, statement: Statement) -> Iterator[Erratum]:
    """The first vDSO of all, if it came with another release than the one that is named."""
    images = [(one, abi) for abi in reading.catalog.sorted_abis() for one in abi.vdso]
    if statement.release is None or not images:
        return
    first, abi = min(images, key=lambda image: image[0].interval.since.after)
    if not agrees(first.interval.since, statement.release):
        right = f"{abi.name} has had one since {spell_bound(first.interval.since)}"
        yield _on_all(statement, abi, right, first.sources)


STATEMENT_RULES: dict[str, Callable[[Reading, Statement], Iterator[Erratum]]] = {
    "same-natively-and-as-compat": differs_natively_and_as_compat,
    "c-calling-convention": calls_unlike_c,
    "symbols-are-versioned": exports_without_version,
    "found-by-at-sysinfo-ehdr": not_found_by_ehdr,
    "symbol-sets-are-stable": symbols_that_went,
    "vdso-since": older_vdso,
}


def soname_errata(reading: Reading) -> Iterator[Erratum]:
    """Sonames that are others, and ABIs that a table of sonames leaves out."""
    if not reading.document.sonames:
        return
    printed = {abi: row for row in reading.document.sonames for abi in row.abis}
    for abi in reading.mapped_abis():
        images = [one for one in abi.vdso if one.interval.covers(reading.release) and one.soname]
        sonames = list(dict.fromkeys(one.soname for one in images if one.soname))
        row = printed.get(abi.name)
        if sonames and (row is None or sonames != [row.soname]):
            known_from = tuple(dict.fromkeys(source for one in images for source in one.sources))
            yield _soname_erratum(abi, row, sonames, known_from)


def _soname_erratum(abi: Abi, row: PrintedSoname | None, sonames: list[str], known_from: tuple[Source, ...]) -> Erratum:
    kind = Kind.WRONG if row is not None and row.soname not in sonames else Kind.MISSING
    printed = f"{row.printed} {row.soname}" if row is not None else None
    right = " or ".join(sonames)
    return Erratum("DOC-SONAME", kind, None, (abi.name,), "soname", printed, right, known_from)


def section_errata(reading: Reading) -> Iterator[Erratum]:
    """ABIs that a document with sections on ABIs has no section on."""
    if not reading.document.sections:
        return
    for abi in reading.catalog.sorted_abis():
        areas = [area for area in abi.areas if area.interval.covers(reading.release)]
        run = covered([host.interval for host in abi.hosts], reading.release)
        if reading.document.covers(abi.name) or not run or not (has_image(abi, reading.release) or areas):
            continue
        known = [one.symbol for one in histories(abi).values() if one.present(reading.release)]
        known += [point.symbol for area in areas for point in area.entries if point.interval.covers(reading.release)]
        places = [one.sources for one in abi.vdso if one.interval.covers(reading.release)]
        places += [area.sources for area in areas]
        known_from = tuple(dict.fromkeys(source for sources in places for source in sources))
        right = f"{len(known)} symbols: {', '.join(known)}" if known else "a vDSO without symbols"
        yield Erratum("DOC-SECTION", Kind.MISSING, None, (abi.name,), abi.title, None, right, known_from)


def port_errata(section: Section, abi: Abi, release: KernelRelease) -> Iterator[Erratum]:
    """The release in which the kernel stopped running the ABI."""
    hosts = [host.interval for host in abi.hosts]
    end, printed = last_end(hosts, release), section.port_removed
    known_from = commits_first(source for host in reversed(abi.hosts) for source in reversed(host.sources))
    if printed is not None and printed <= release and covered(hosts, release):
        kind, right = Kind.WRONG, "kernels still run it"
    elif end is not None and printed is None:
        kind, right = Kind.MISSING, f"removed in {spell_bound(end)}"
    elif end is not None and printed is not None and not agrees(end, printed):
        kind, right = Kind.WRONG, f"removed in {spell_bound(end)}"
    else:
        return
    text = f"removed in Linux {printed}" if printed else None
    yield Erratum("DOC-PORT", kind, section.heading, (abi.name,), "port", text, right, known_from)


def _on_all(statement: Statement, abi: Abi, right: str, known_from: tuple[Source, ...]) -> Erratum:
    each_once = tuple(dict.fromkeys(known_from))
    return Erratum("DOC-GENERAL", Kind.WRONG, None, (abi.name,), statement.about, statement.text, right, each_once)


def _only_mode(history: SymbolHistory, release: KernelRelease) -> str | None:
    """The one way of running the ABI in which the symbol is exported; None where it is not known to be so."""
    standing: list[Interval] = [one.interval for one in history.entries if one.interval.covers(release)]
    possible = [
        mode
        for mode in _MODES
        if any(one.when is None or one.when.decide(KernelFacts(mode)) is not False for one in standing)
    ]
    return possible[0] if len(possible) == 1 else None
