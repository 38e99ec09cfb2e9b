"""Rules for the rows that a document prints of a symbol, and for the symbols that it prints no row of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vdsocat.audits.erratum import Erratum, Kind, agrees, spell_bound
from vdsocat.audits.symbol_history import Entry, SymbolHistory, histories, last_end, sources_of, sources_of_end, stem
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.document import Claim, Section
from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Abi, Source
from vdsocat.exports import KernelRelease


@dataclass(frozen=True, slots=True)
class Printed:
    """A row of a table, the catalogue's symbol that it speaks of, and the release that both are held against."""

    section: Section
    abi: Abi
    claim: Claim
    history: SymbolHistory
    release: KernelRelease

    def named(self, text: str) -> str:
        """The text, beginning with the symbol's right name where the row has another."""
        return text if self.history.symbol == self.claim.symbol else f"{self.history.symbol}: {text}"

    def erratum(
        self, rule: str, kind: Kind, printed: str | None, right: str, known_from: tuple[Source, ...] | None = None
    ) -> Erratum:
        """An erratum on the row, known from the given sources (default: of the entries that hold in the release)."""
        sources = sources_of(self.history.standing(self.release)) if known_from is None else known_from
        return Erratum(rule, kind, self.section.heading, (self.abi.name,), self.claim.symbol, printed, right, sources)


RowRule = Callable[[Printed], Iterator[Erratum]]


def symbol_errata(section: Section, abi: Abi, release: KernelRelease) -> Iterator[Erratum]:
    """What a section has wrong of an ABI's symbols, and of its entry points where it has a table of them."""
    exported = histories(abi)
    named = yield from _rows(section, abi, section.claims, None, release)
    if section.unprefixed is not None:
        named |= yield from _unprefixed(section, abi, section.unprefixed, exported, release)
    yield from _missing(section, abi, named, exported, release)
    if section.entries is not None:
        named = yield from _rows(section, abi, section.entries.claims, section.entries.kind, release)
        yield from _missing(section, abi, named, histories(abi, section.entries.kind), release)


def _rows(
    section: Section,
    abi: Abi,
    claims: tuple[Claim, ...],
    area_kind: str | None,
    release: KernelRelease,
) -> Generator[Erratum, None, set[str]]:
    """Judge each row, of ELF symbols or of an area's entry points; returned are the symbols that the rows speak of."""
    known = histories(abi, area_kind)
    named = set()
    for claim in claims:
        history = known.get(claim.symbol) or _twin(claim.symbol, known)
        if history is None:
            right = "never exported" if area_kind is None else "no entry point"
            yield _extra(section, abi, claim.symbol, spell_claim(claim), right, area_kind)
            continue
        named.add(history.symbol)
        for rule in ROW_RULES:
            yield from rule(Printed(section, abi, claim, history, release))
    return named


def wrong_prefix(row: Printed) -> Iterator[Erratum]:
    """The same name is there under another prefix."""
    if row.history.symbol != row.claim.symbol:
        yield row.erratum("DOC-PREFIX", Kind.WRONG, row.claim.symbol, row.history.symbol)


def wrong_version(row: Printed) -> Iterator[Erratum]:
    """The symbol carries another version node."""
    standing = row.history.standing(row.release)
    versions = list(dict.fromkeys(entry.version for entry in standing if entry.version))
    if row.claim.version is not None and versions and row.claim.version not in versions:
        yield row.erratum("DOC-VERSION", Kind.WRONG, row.claim.version, " or ".join(versions))


def wrong_offset(row: Printed) -> Iterator[Erratum]:
    """The entry point is elsewhere in its page."""
    offsets = [entry.offset for entry in row.history.standing(row.release) if entry.offset is not None]
    if row.claim.offset is not None and offsets and row.claim.offset not in offsets:
        right = " or ".join(f"{offset:#x}" for offset in offsets)
        yield row.erratum("DOC-OFFSET", Kind.WRONG, f"{row.claim.offset:#x}", right)


def wrong_since(row: Printed) -> Iterator[Erratum]:
    """The release that is printed is not the one that brought the symbol, or the symbol had not come yet."""
    of_version = tuple(one for one in row.history.entries if one.version == row.claim.version)
    history = replace(row.history, entries=of_version) if of_version else row.history
    begin, since = history.begin, row.claim.since
    early = since is None and begin.passed(row.release) is False
    if early or (since is not None and not agrees(begin, since)):
        printed = f"exported since Linux {since}" if since else "no release"
        right = f"exported since {spell_bound(begin)}"
        yield row.erratum("DOC-SINCE", Kind.WRONG, printed, right, sources_of(history.first()))


def wrong_until(row: Printed) -> Iterator[Erratum]:
    """The symbol is gone and the row does not say so, or says another release.

    Where no kernel runs the ABI any more, that is told once for the section and not of each symbol.
    """
    end, until = row.history.end(row.release), row.claim.until
    known_from = sources_of_end(row.history.entries)
    if end is None:
        if until is not None and until <= row.release and row.history.present(row.release):
            yield row.erratum("DOC-UNTIL", Kind.WRONG, f"removed in Linux {until}", "still exported")
    elif until is None and last_end([host.interval for host in row.abi.hosts], row.release) is None:
        right = row.named(f"removed in {spell_bound(end)}")
        yield row.erratum("DOC-UNTIL", Kind.WRONG, "exported", right, known_from)
    elif until is not None and not agrees(end, until):
        right = f"removed in {spell_bound(end)}"
        yield row.erratum("DOC-UNTIL", Kind.WRONG, f"removed in Linux {until}", right, known_from)


def wrong_condition(row: Printed) -> Iterator[Erratum]:
    """The symbol is there where the row excludes it, or is not where the row includes it, or hangs on more."""
    standing = [one for one in row.history.entries if one.interval.covers(row.release)]
    modes = [
        mode
        for mode in row.abi.modes()
        if any(host.mode == mode and host.interval.covers(row.release) for host in row.abi.hosts)
    ]
    if not standing or not modes:
        return
    printed, right = spell_condition(row.claim), spell_conditions(standing)
    decided = [(_claimed(row.claim, mode), _holds(standing, mode)) for mode in modes]
    if row.claim.when is not None and any(_contradict(claimed, known) for claimed, known in decided):
        yield row.erratum("DOC-CONDITION", Kind.WRONG, printed, right, sources_of(standing))
    elif any(
        known is not True and (claimed or _facts(one.interval for one in standing) - _facts([row.claim]))
        for claimed, known in decided
    ):
        yield row.erratum("DOC-CONDITION", Kind.MISSING, printed, right, sources_of(standing))


ROW_RULES: tuple[RowRule, ...] = (wrong_prefix, wrong_version, wrong_offset, wrong_since, wrong_until, wrong_condition)


def _unprefixed(
    section: Section,
    abi: Abi,
    unprefixed: tuple[str, str],
    known: Mapping[str, SymbolHistory],
    release: KernelRelease,
) -> Generator[Erratum, None, set[str]]:
    """Judge the sentence that all of a section's symbols are there without their prefix too."""
    prefix, text = unprefixed
    named = set()
    for claim in section.claims:
        bare = claim.symbol.removeprefix(prefix)
        if bare in known and known[bare].present(release) is not False:
            named.add(bare)
        else:
            yield _extra(section, abi, bare, text, f"{claim.symbol} is not exported without its prefix", None)
    return named


def _missing(
    section: Section, abi: Abi, named: set[str], known: Mapping[str, SymbolHistory], release: KernelRelease
) -> Iterator[Erratum]:
    """The symbols that kernels of the release have and the section does not print."""
    for history in known.values():
        if history.symbol in named or not history.present(release):
            continue
        standing = history.standing(release)
        if section.unprefixed and all(one.alias_of == section.unprefixed[0] + history.symbol for one in standing):
            continue  # the sentence holds for it as soon as the symbol itself is printed
        right, known_from = spell_history(history, release), sources_of([*history.first(), *standing])
        yield Erratum(
            "DOC-MISSING", Kind.MISSING, section.heading, (abi.name,), history.symbol, None, right, known_from
        )


def _twin(symbol: str, known: Mapping[str, SymbolHistory]) -> SymbolHistory | None:
    """The symbol that differs in its prefix only, if there are several one that is no alias."""
    twins = [one for one in known.values() if stem(one.symbol) == stem(symbol)]
    return min(twins, key=lambda one: any(entry.alias_of for entry in one.entries), default=None)


def _claimed(claim: Claim, mode: str) -> bool | None:
    """Whether the row says that the symbol is there where kernels run the ABI so; None where it names a condition."""
    return True if claim.when is None else claim.when.decide(KernelFacts(mode))


def _contradict(claimed: bool | None, known: bool | None) -> bool:
    """Whether the symbol is there where the row excludes it, is not where it includes it, or hangs on nothing."""
    return (claimed is False) != (known is False) or (claimed is None and known is True)


def _facts(conditional: Iterable[Claim | Interval]) -> set[str]:
    """What the conditions name, other than how the ABI is run."""
    named = {fact for one in conditional if one.when for fact in one.when.facts()}
    return named - {"native", "compat"}


def _holds(entries: list[Entry], mode: str) -> bool | None:
    """Whether one of the entries holds where kernels run the ABI so; None where it hangs on something else."""
    facts = KernelFacts(mode)
    answers = [True if one.interval.when is None else one.interval.when.decide(facts) for one in entries]
    return True if True in answers else None if None in answers else False


def _extra(section: Section, abi: Abi, subject: str, printed: str, right: str, area_kind: str | None) -> Erratum:
    """An erratum on what the ABI never had; it is known from the sources of the image or the page as a whole."""
    places = [one.sources for one in abi.vdso] if area_kind is None else []
    places += [area.sources for area in abi.areas if area.kind == area_kind]
    known_from = tuple(dict.fromkeys(source for sources in places for source in sources))
    return Erratum("DOC-EXTRA", Kind.WRONG, section.heading, (abi.name,), subject, printed, right, known_from)


def spell_claim(claim: Claim) -> str:
    """A row as it is printed."""
    offset = f"{claim.offset:04x}" if claim.offset is not None else None
    return " ".join(part for part in (offset, claim.symbol, claim.version, claim.text) if part)


def spell_history(history: SymbolHistory, release: KernelRelease) -> str:
    """A symbol as it should be printed: name, version or offset, first release, condition."""
    standing = history.standing(release)
    words = [history.symbol]
    words += dict.fromkeys(one.version for one in standing if one.version)
    words += dict.fromkeys(f"at {one.offset:#x}" for one in standing if one.offset is not None)
    text = f"{' '.join(words)}, since {spell_bound(history.begin)}"
    conditional = all(one.interval.when for one in standing)
    return f"{text}, {spell_conditions(standing)}" if conditional else text


def spell_condition(claim: Claim) -> str:
    """A row's condition in words."""
    return f"only {claim.when}" if claim.when else "no condition"


def spell_conditions(entries: tuple[Entry, ...] | list[Entry]) -> str:
    """The condition of entries taken together, in words."""
    texts = dict.fromkeys(str(one.interval.when) if one.interval.when else "" for one in entries)
    return "always" if "" in texts else "only if " + " or ".join(texts)
