"""The symbol tables of a manual page as they should be at a release, in the page's own form and order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vdsocat import __version__
from vdsocat.audits.erratum import agrees
from vdsocat.audits.symbol_history import SymbolHistory, histories, last_end, sources_of, stem
from vdsocat.catalog.document import Claim, Document, Section
from vdsocat.catalog.intervals import Bound
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.exports import KernelRelease

_TEMPLATE = "symbol_tables.roff.j2"
_LINE = 72  # what a page of 80 columns leaves for a table
_GAP = 3  # columns that tbl puts between two
_UNBREAKABLE = re.compile(r"(?<!\S)(?=\S*(CONFIG_|__|removed|earlier))\S+")
_REMOVED = re.compile(r" \(port removed in Linux [\d.]+\)")
# How the facts of a condition read after "exported only".
_FACTS = (
    (re.compile(r"\bnot (CONFIG_\w+)"), r"without \1"),
    (re.compile(r"(?<!without )\b(CONFIG_\w+)"), r"with \1"),
    (re.compile(r"\bnative\b"), "natively"),
    (re.compile(r"\bcompat\b"), "as a compat ABI"),
    (re.compile(r"\bmachine:(\S+?)(?=[\s)]|$)"), r"on machines with \1"),
    (re.compile(r"\bboot:(\S+?)(?=[\s)]|$)"), r"booted with \1"),
    (re.compile(r"\btoolchain:(\S+?)(?=[\s)]|$)"), r"built by a toolchain with \1"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and where it is known from if the page prints it otherwise."""

    cells: tuple[str, ...]
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A condition, and the symbols that are under it."""

    text: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the sentence before it, one more that holds for all of its rows, and the notes after it."""

    sentence: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[Note, ...] = ()
    also: str | None = None

    @property
    def wide(self) -> bool:
        """Whether the table is too wide for a line."""
        widths = [max(len(row.cells[column]) for row in self.rows) for column in range(len(self.columns))]
        return sum(widths) + _GAP * (len(widths) - 1) > _LINE

    def content(self) -> tuple[object, ...]:
        """What two ABIs with one table have in common."""
        return self.columns, tuple(row.cells for row in self.rows), self.notes, self.also


@dataclass(frozen=True, slots=True)
class PageSection:
    """A section on one or several ABIs."""

    heading: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The tables of a page; `name` is its NAME line, `document` the edition that they correct."""

    title: str
    name: str
    document: str
    release: KernelRelease
    sonames: tuple[Row, ...]
    sections: tuple[PageSection, ...]


def corrected_page(document: Document, catalog: Catalog, release: KernelRelease) -> Page:
    """The tables of a document as of a release: its own sections in its own order, then those that it lacks."""
    covered = {name for section in document.sections for name in section.abis}
    lacking = [abi for abi in catalog.sorted_abis() if abi.name not in covered]
    sections = [*document.sections, *(Section(f"{abi.name} functions", (abi.name,), ()) for abi in lacking)]
    pages = [_page_section(section, catalog, release) for section in sections]
    title, _, summary = document.title.partition(" - ")
    return Page(
        title=title,
        name=f"{title.partition('(')[0]} - {summary}",
        document=document.name,
        release=release,
        sonames=tuple(_soname_rows(document, catalog, release)),
        sections=tuple(page for page in pages if page.tables),
    )


def render_page(page: Page) -> str:
    """The page as roff for the man macros and tbl, without a final newline."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vdsocat.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["roff"] = _roff
    environment.filters["cell"] = _cell
    environment.filters["file_name"] = _file_name
    environment.filters["comment"] = lambda text: text.replace("\n", " ")
    return environment.get_template(_TEMPLATE).render(page=page, version=__version__).rstrip("\n")


def _roff(text: str) -> str:
    """Text that roff prints as it is, and in which it breaks no name at a line's end."""
    escaped = text.replace("\\", "\\e").replace("\n", " ")
    escaped = _UNBREAKABLE.sub(r"\\%\g<0>", escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _file_name(text: str) -> str:
    """A name whose hyphens are to be typed."""
    return _roff(text).replace("-", "\\-")


def _cell(text: str, wide: bool) -> str:
    """A cell of a table, as a text block that tbl may break into lines where the table is wide."""
    return f"T{{\n.na\n{_roff(text)}\nT}}" if wide and " " in text else _roff(text)


def _page_section(section: Section, catalog: Catalog, release: KernelRelease) -> PageSection:
    abis = [catalog.abi(name) for name in section.abis]
    tables: list[tuple[list[str], Table]] = []
    for abi, table in _tables(section, abis, release):
        for names, other in tables:
            if other.content() == table.content():
                names.append(abi.name)
                break
        else:
            tables.append(([abi.name], table))
    named = [
        table if len(names) == len(abis) else replace(table, sentence=f"{table.sentence[:-1]} ({', '.join(names)}).")
        for names, table in tables
    ]
    return PageSection(_heading(section, abis, release), tuple(named))


def _heading(section: Section, abis: Sequence[Abi], release: KernelRelease) -> str:
    """The section's heading, with the release that removed the port if no kernel runs any of its ABIs any more."""
    ends = [last_end([host.interval for host in abi.hosts], release) for abi in abis]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return _REMOVED.sub("", section.heading)
    end = max(known, key=lambda bound: bound.after)
    if section.port_removed is not None and agrees(end, section.port_removed):
        return section.heading
    return f"{_REMOVED.sub('', section.heading)} (port removed in {_spell(end)})"


def _tables(section: Section, abis: Sequence[Abi], release: KernelRelease) -> Iterator[tuple[Abi, Table]]:
    """The tables of symbols of all ABIs, then those of entry points."""
    for abi in abis:
        exported = [one for one in _arrived(histories(abi).values(), release) if not _is_bare_alias(one, section)]
        if exported:
            yield abi, _symbol_table(section, abi, _in_order(exported, section.claims), release)
    for abi in abis:
        for kind, claims in _entry_kinds(section, abi):
            points = _in_order(_arrived(histories(abi, kind).values(), release), claims)
            if points:
                yield abi, _entry_table(claims, abi, points, release)


def _symbol_table(section: Section, abi: Abi, exported: Sequence[SymbolHistory], release: KernelRelease) -> Table:
    return Table(
        "The table below lists the symbols exported by the vDSO.",
        ("symbol", "version"),
        tuple(_symbol_rows(section.claims, abi, exported, release)),
        tuple(_notes(exported, release)),
        _also_unprefixed(section, abi, exported, release),
    )


def _entry_kinds(section: Section, abi: Abi) -> Iterator[tuple[str, tuple[Claim, ...]]]:
    """The kinds of entry points that the section has a table of; all, where it has no table at all."""
    if section.entries is not None:
        yield section.entries.kind, section.entries.claims
    elif not section.claims:
        for kind in dict.fromkeys(area.kind for area in abi.areas):
            yield kind, ()


def _arrived(known: Iterable[SymbolHistory], release: KernelRelease) -> list[SymbolHistory]:
    """The symbols that had come by the release, each version of a symbol by itself."""
    return [
        replace(one, entries=entries)
        for one in known
        for version in dict.fromkeys(entry.version for entry in one.entries)
        if (entries := tuple(entry for entry in one.entries if entry.version == version))
        and any(entry.interval.since.passed(release) is not False for entry in entries)
    ]


def _is_bare_alias(one: SymbolHistory, section: Section) -> bool:
    """Whether a sentence of the section stands for the row."""
    return section.unprefixed is not None and all(
        entry.alias_of == section.unprefixed[0] + one.symbol for entry in one.entries
    )


def _in_order(known: Sequence[SymbolHistory], claims: Sequence[Claim]) -> list[SymbolHistory]:
    """The page's order, as far as it goes."""
    printed = [stem(claim.symbol) for claim in claims]
    return sorted(
        known, key=lambda one: printed.index(stem(one.symbol)) if stem(one.symbol) in printed else len(printed)
    )


def _symbol_rows(
    claims: Sequence[Claim], abi: Abi, known: Sequence[SymbolHistory], release: KernelRelease
) -> Iterator[Row]:
    printed = {(claim.symbol, " ".join(filter(None, (claim.version, claim.text)))) for claim in claims}
    for one in known:
        version = one.entries[0].version or ""
        cells = (one.symbol, " ".join(filter(None, (version, _spell_life(one, abi, release)))))
        comment = None if cells in printed else _comment(one, abi, release)
        yield Row(cells, comment)


def _entry_table(claims: Sequence[Claim], abi: Abi, points: Sequence[SymbolHistory], release: KernelRelease) -> Table:
    texts = {claim.symbol: claim.text or claim.symbol for claim in claims}
    with_offset = any(entry.offset is not None for one in points for entry in one.entries)
    rows = []
    for one in points:
        text = " ".join(filter(None, (texts.get(one.symbol, one.symbol), _spell_end(one, abi, release))))
        offset = one.standing(release)[0].offset
        cells = (f"{offset:04x}" if offset is not None else "", text) if with_offset else (text,)
        rows.append(Row(cells, None if text in texts.values() else _comment(one, abi, release)))
    columns = ("offset", "function") if with_offset else ("function",)
    return Table("The table below lists the functions available.", columns, tuple(rows))


def _notes(known: Sequence[SymbolHistory], release: KernelRelease) -> Iterator[Note]:
    """The conditions under which symbols of the release are exported."""
    by_condition: dict[str, list[str]] = {}
    for one in known:
        holding = [entry.interval for entry in one.entries if entry.interval.covers(release)]
        if holding and all(interval.when for interval in holding):
            text = " or ".join(dict.fromkeys(_spell_when(str(interval.when)) for interval in holding))
            by_condition.setdefault(text, []).append(one.symbol)
    for text, symbols in by_condition.items():
        yield Note(f"Exported only {text}:", tuple(symbols))


def _also_unprefixed(
    section: Section, abi: Abi, exported: Sequence[SymbolHistory], release: KernelRelease
) -> str | None:
    """The section's sentence on names without a prefix, with its exceptions."""
    if section.unprefixed is None:
        return None
    prefix, text = section.unprefixed
    aliases = {name for name, one in histories(abi).items() if not name.startswith(prefix) and one.present(release)}
    without = [
        one.symbol for one in exported if one.present(release) and one.symbol.removeprefix(prefix) not in aliases
    ]
    if not without:
        return text
    return text.replace("All of these symbols", f"All of these symbols except {_spell_list(without)}", 1)


def _soname_rows(document: Document, catalog: Catalog, release: KernelRelease) -> Iterator[Row]:
    told = set()
    for printed in document.sonames:
        texts: dict[str, list[str]] = {}
        for name in printed.abis:
            told.add(name)
            texts.setdefault(_spell_sonames(catalog.abi(name), release), []).append(name)
        for text, names in texts.items():
            if text:
                yield Row((printed.printed if len(texts) == 1 else ", ".join(names), text))
    for abi in catalog.sorted_abis():
        text = _spell_sonames(abi, release)
        if abi.name not in told and text:
            yield Row((abi.name, text))


def _spell_sonames(abi: Abi, release: KernelRelease) -> str:
    """The sonames of the release, then the earlier ones; empty where none is known."""
    begun = [one for one in abi.vdso if one.soname and one.interval.since.passed(release) is not False]
    now = list(dict.fromkeys(one.soname for one in begun if one.interval.covers(release) is not False and one.soname))
    last = now or [one.soname for one in begun[-1:] if one.soname]
    earlier = {one.soname: one.interval.until for one in begun if one.soname not in last and one.interval.until}
    words = " or ".join(last)
    return words + "".join(f" ({soname} before {_spell(until)})" for soname, until in earlier.items())


def _spell_life(one: SymbolHistory, abi: Abi, release: KernelRelease) -> str | None:
    """When it came, if that was later than the ABI, and when it went."""
    since = f"exported since {_spell(one.begin)}"
    later = one.begin.after > min(host.interval.since.after for host in abi.hosts)
    end = _spell_end(one, abi, release)
    if not later:
        return end
    return f"({since}, {end[1:-1]})" if end else f"({since})"


def _spell_end(one: SymbolHistory, abi: Abi, release: KernelRelease) -> str | None:
    """When it went, unless that was with the ABI."""
    end, port = one.end(release), last_end([host.interval for host in abi.hosts], release)
    if end is None or (port is not None and end.after >= port.after):
        return None
    return f"(removed in {_spell(end)})"


def _spell_list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _spell(bound: Bound) -> str:
    return f"Linux {bound.after}" + (" or earlier" if bound.before is not None else "")


def _spell_when(text: str) -> str:
    for pattern, words in _FACTS:
        text = pattern.sub(words, text)
    return text


def _comment(one: SymbolHistory, abi: Abi, release: KernelRelease) -> str:
    sources = sources_of(one.standing(release))
    return f"{abi.name}: {sources[0]}" if sources else f"{abi.name}: {one.symbol}"
