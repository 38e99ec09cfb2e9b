"""When a lookup finds its symbol: the catalogue's entries that it matches, over releases and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.consumer import Consumer, Lookup, PropertyKind
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Catalog, CatalogExport
from vdsocat.exports import KernelRelease, SymbolType


@dataclass(frozen=True, slots=True)
class LookupHistory:
    """What the catalogue says of a lookup: `stretches` in which its symbol is there, and those of what it requires.

    `never` says why it can match no release; it is None where some release has it. `other_type` tells of newer
    kernels that have the symbol with a type that the consumer does not accept.
    """

    lookup: Lookup
    stretches: tuple[Interval, ...]
    required: tuple[tuple[Interval, ...], ...] = ()
    never: str | None = None
    other_type: str | None = None

    @property
    def first(self) -> KernelRelease:
        """The first release that has it; only where some release has it."""
        return max(min(one.since.after for one in part) for part in self._parts())

    @property
    def lost(self) -> Bound | None:
        """The release from which on no kernel has it any more, whatever its configuration; None while some have it."""
        ends = [max(_ends(part), key=lambda bound: bound.after) for part in self._parts() if not _open(part)]
        return min(ends, key=lambda bound: bound.after) if ends else None

    @property
    def narrowed(self) -> tuple[Bound, tuple[str, ...]] | None:
        """The release from which on it needs facts that it did not need before, and those facts; None if there is none.

        Only what is needed without exception counts: a fact without which no kernel has the symbol.
        """
        changes = [change for part in self._parts() if (change := _narrowing(part)) is not None]
        return min(changes, key=lambda change: change[0].after) if changes else None

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions under which the newest kernels have it; empty where they have it without any."""
        return tuple(
            str(one.when)
            for part in self._parts()
            if not any(one.when is None for one in _open(part))
            for one in _open(part)
        )

    def _parts(self) -> tuple[tuple[Interval, ...], ...]:
        return (self.stretches, *self.required)


def history_of(lookup: Lookup, consumer: Consumer, abi: Abi, catalog: Catalog) -> LookupHistory:
    """What the catalogue says of a lookup in an ABI, symbol types that the consumer does not accept left out."""
    types = accepted_types(lookup, consumer)
    named = entries_named(abi, lookup.names, lookup.version)
    entries = [entry for entry in named if types is None or entry.export.type in types]
    required = tuple(
        tuple(_joined(entry.interval for entry in entries_named(abi, (name,), lookup.version)))
        for name in lookup.requires
    )
    refused = [entry for entry in named if entry not in entries]
    if entries and all(required):
        newer = [entry for entry in refused if entry.interval.until is None]
        stretches = tuple(_joined(entry.interval for entry in entries))
        return LookupHistory(lookup, stretches, required, other_type=_spell_types(newer, types) if newer else None)
    if refused and not entries:
        never = _spell_types(refused, types)
    elif entries:
        never = f"no release exports {' and '.join(lookup.requires)}, without which it is not used"
    else:
        never = _why_never(lookup, abi, catalog)
    return LookupHistory(lookup, (), never=never)


def entries_named(abi: Abi, names: Sequence[str], version: str | None) -> list[CatalogExport]:
    """The ABI's entries that a lookup of any of the names finds, where it looks at nothing but name and version."""
    return [entry for entry in abi.exports if entry.export.name in names and version in (None, entry.export.version)]


def accepted_types(lookup: Lookup, consumer: Consumer) -> frozenset[SymbolType] | None:
    """The symbol types that the consumer accepts for a lookup, or None where it does not look at them."""
    for one in consumer.properties:
        if one.kind is PropertyKind.SYMBOL_TYPE and one.concerns(lookup):
            return frozenset(map(SymbolType, one.needs))
    return None


def _spell_types(refused: Sequence[CatalogExport], types: frozenset[SymbolType] | None) -> str:
    seen = " and ".join(sorted({str(entry.export.type) for entry in refused}))
    return f"the symbol is {seen}, and {' or '.join(sorted(map(str, types or ())))} is wanted"


def _why_never(lookup: Lookup, abi: Abi, catalog: Catalog) -> str:
    """Wrong version, wrong name, or nothing of the kind."""
    if not abi.exports:
        return "no vDSO of this ABI ever exported anything"
    same_name = sorted({entry.export.version or "no version" for entry in entries_named(abi, lookup.names, None)})
    if same_name:
        return f"every release that exports it has it as {' or '.join(same_name)}"
    instead = counterparts(lookup, abi, catalog)
    if instead:
        return f"no release exports this name; the kernel has {' and '.join(instead)}"
    return "no release exports it, or anything of the kind"


def counterparts(lookup: Lookup, abi: Abi, catalog: Catalog) -> list[str]:
    """What the ABI exports, as NAME@@VERSION, that is the function looked up, by whatever name and version."""
    functions = {
        entry.function for other in catalog.abis.values() for entry in entries_named(other, lookup.names, None)
    }
    plain = [entry for entry in abi.exports if entry.alias_of is None and entry.function in functions]
    return sorted({entry.export.versioned_name for entry in plain})


def _joined(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """The stretches in order of time, those put together that follow each other under the same condition."""
    waiting: list[Interval] = []
    for one in sorted(intervals, key=lambda interval: interval.since.after):
        for position, earlier in enumerate(waiting):
            if earlier.until == one.since and str(earlier.when) == str(one.when):
                waiting[position] = replace(earlier, until=one.until)
                break
        else:
            waiting.append(one)
    yield from waiting


def _open(stretches: tuple[Interval, ...]) -> list[Interval]:
    return [one for one in stretches if one.until is None]


def _ends(stretches: tuple[Interval, ...]) -> list[Bound]:
    return [one.until for one in stretches if one.until is not None]


def _narrowing(stretches: tuple[Interval, ...]) -> tuple[Bound, tuple[str, ...]] | None:
    newest = _open(stretches)
    if not newest:
        return None
    begun = min((one.since for one in newest), key=lambda bound: bound.after)
    before = [one for one in stretches if one.until is not None and one.until.after == begun.after]
    if not before:
        return None
    needed, needed_now = _necessary(before), _necessary(newest)
    return (begun, tuple(sorted(needed_now - needed))) if needed < needed_now else None


def _necessary(stretches: list[Interval]) -> frozenset[str]:
    """What holds of every kernel for which one of the stretches does, such as "CONFIG_VDSO" or "not CONFIG_SMP"."""
    if any(one.when is None for one in stretches):
        return frozenset()
    conditions = [one.when for one in stretches if one.when is not None]
    named = sorted({fact for condition in conditions for fact in condition.facts()})
    kernels = [kernel for kernel in _kernels(named) if any(condition.decide(kernel) for condition in conditions)]
    always = {fact for fact in named if all(kernel.decide(fact) for kernel in kernels)}
    never = {f"not {fact}" for fact in named if not any(kernel.decide(fact) for kernel in kernels)}
    return frozenset(always | never)


def _kernels(named: Sequence[str]) -> Iterator[KernelFacts]:
    """Every combination of the facts that conditions name: a handful of options, so a few dozen at most."""
    free = [fact for fact in named if fact not in ("native", "compat")]
    for mode in ("native", "compat"):
        for values in product((True, False), repeat=len(free)):
            given = dict(zip(free, values, strict=True))
            yield KernelFacts(mode, {fact: "y" for fact, value in given.items() if value}, given)
