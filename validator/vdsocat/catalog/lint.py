"""Consistency of the catalogue: what a schema cannot say, as small rules with one signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Abi, Catalog, did_you_mean
from vdsocat.documents import read_yaml, schema_for, schema_problems
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file, relative to the directory that was linted."""

    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


@dataclass(frozen=True, slots=True)
class LintInput:
    """What rules look at: the catalogue, and the machines' files by path."""

    catalog: Catalog
    machines: Mapping[str, Mapping[str, Any]]


Rule = Callable[[LintInput], Iterator[Problem]]


def lint(catalog_root: Path, machines_root: Path) -> list[Problem]:
    """All problems of the files under both directories: the schemas' first, the rules' when the schemas have none."""
    documents: dict[str, Any] = {}
    problems: list[Problem] = []
    for root in (catalog_root, machines_root):
        for path in sorted(root.rglob("*.yaml")):
            name = f"{root.name}/{path.relative_to(root).as_posix()}"
            try:
                documents[name] = read_yaml(path)
                problems += [Problem(name, text) for text in schema_problems(documents[name], schema_for(path))]
            except InputError as error:
                problems.append(Problem(name, str(error)))
    if problems:
        return problems
    prefix = f"{catalog_root.name}/"
    catalog_documents = {name.removeprefix(prefix): one for name, one in documents.items() if name.startswith(prefix)}
    machines = {name: one for name, one in documents.items() if not name.startswith(prefix)}
    try:
        catalog = assemble_catalog(catalog_documents)
    except InputError as error:
        return [Problem(catalog_root.name, str(error))]
    problems += misplaced_files(catalog_documents)
    problems += repeated_entries(catalog_documents)
    for rule in RULES:
        problems += rule(LintInput(catalog, machines))
    return problems


def misplaced_files(documents: Mapping[str, Any]) -> Iterator[Problem]:
    """A file is named after the ABI, provider or document in it."""
    for name, document in documents.items():
        for key in ("abi", "provider", "document"):
            stem = Path(name).stem
            if "/" in name and isinstance(document, dict) and key in document and document[key] != stem:
                yield Problem(f"catalog/{name}", f"{key} is {document[key]!r} in a file named {stem!r}.")


def repeated_entries(documents: Mapping[str, Any]) -> Iterator[Problem]:
    """A function is defined once, a release dated once."""
    for name, key in (("functions.yaml", "function"), ("releases.yaml", "release")):
        seen = set()
        for entry in documents.get(name, {}).get(f"{key}s", ()):
            if entry[key] in seen:
                yield Problem(f"catalog/{name}", f"the {key} {entry[key]!r} is there twice.")
            seen.add(entry[key])


def ambiguous_abi_names(given: LintInput) -> Iterator[Problem]:
    """A name or alias stands for one ABI only."""
    owners: dict[str, str] = {}
    for abi in given.catalog.abis.values():
        for name in (abi.name, *abi.aliases):
            owner = owners.setdefault(name.lower(), abi.name)
            if owner != abi.name:
                yield Problem(_file(abi), f"the name {name!r} already stands for {owner}.")


def undated_releases(given: LintInput) -> Iterator[Problem]:
    """Every release that a bound names is listed, with its date or the reason for having none."""
    for abi in given.catalog.abis.values():
        for place, interval in _intervals(abi):
            for release in _releases(interval):
                if str(release.mainline) not in given.catalog.releases:
                    yield Problem(_file(abi), f"{place}: nobody dated release {release} (catalog/releases.yaml).")


def reversed_intervals(given: LintInput) -> Iterator[Problem]:
    """since comes before until, and the first of a pair before the second."""
    for abi in given.catalog.abis.values():
        for place, interval in _intervals(abi):
            for bound in _bounds(interval):
                if bound.before is not None and bound.before >= bound.after:
                    yield Problem(_file(abi), f"{place}: the pair {bound} is not in order.")
            if interval.until is not None and interval.since.after >= interval.until.after:
                yield Problem(_file(abi), f"{place}: since {interval.since} is not before until {interval.until}.")


def overlapping_intervals(given: LintInput) -> Iterator[Problem]:
    """Two entries for the same symbol and version do not claim the same releases under the same condition."""
    for abi in given.catalog.abis.values():
        for one, other in combinations(abi.exports, 2):
            same = (one.export.name, one.export.version) == (other.export.name, other.export.version)
            if (
                same
                and _conditions_meet(one.interval, other.interval)
                and _stretches_meet(one.interval, other.interval)
            ):
                yield Problem(
                    _file(abi),
                    f"{one.export.name}: two entries overlap ({one.interval.spell_releases()}; "
                    f"{other.interval.spell_releases()}).",
                )


def undefined_functions(given: LintInput) -> Iterator[Problem]:
    """Every function that an entry names is defined in functions.yaml."""
    for abi in given.catalog.abis.values():
        for symbol, function in _functions(abi):
            if function not in given.catalog.functions:
                hint = did_you_mean(function, given.catalog.functions)
                yield Problem(_file(abi), f"{symbol}: nobody defines the function {function!r}{hint}")


def unused_functions(given: LintInput) -> Iterator[Problem]:
    """Every function that is defined is exported by some ABI or provider."""
    used = {function for abi in given.catalog.abis.values() for _, function in _functions(abi)}
    for provider in given.catalog.providers.values():
        used |= {entry.function for abi in provider.abis for entry in abi.exports}
    for function in given.catalog.functions:
        if function not in used:
            yield Problem("catalog/functions.yaml", f"no ABI has the function {function!r}.")


def dangling_aliases(given: LintInput) -> Iterator[Problem]:
    """alias_of names a symbol of the same ABI."""
    for abi in given.catalog.abis.values():
        names = {entry.export.name for entry in abi.exports}
        for entry in abi.exports:
            if entry.alias_of is not None and entry.alias_of not in names:
                hint = did_you_mean(entry.alias_of, names)
                yield Problem(_file(abi), f"{entry.export.name}: alias of {entry.alias_of!r}, which is no export{hint}")


def exports_without_image(given: LintInput) -> Iterator[Problem]:
    """No symbol is older than the vDSO that it is exported by."""
    for abi in given.catalog.abis.values():
        if not abi.vdso and abi.exports:
            yield Problem(_file(abi), "there are exports, but no vdso entry says since when there is an image.")
            continue
        for entry in abi.exports:
            if entry.interval.since.after < min(one.interval.since.after for one in abi.vdso):
                yield Problem(
                    _file(abi), f"{entry.export.name}: is older than the vDSO ({entry.interval.spell_releases()})."
                )


def unknown_elf_machines(given: LintInput) -> Iterator[Problem]:
    """The ELF machine is one that pyelftools (and so the gABI registry) knows."""
    from elftools.elf.enums import ENUM_E_MACHINE

    for abi in given.catalog.abis.values():
        if abi.elf.machine not in ENUM_E_MACHINE:
            hint = did_you_mean(abi.elf.machine, ENUM_E_MACHINE)
            yield Problem(_file(abi), f"{abi.elf.machine} is no ELF machine{hint}")


def provider_abis(given: LintInput) -> Iterator[Problem]:
    """A provider speaks of ABIs that the catalogue has, and of functions that are defined."""
    for provider in given.catalog.providers.values():
        file = f"catalog/providers/{provider.name}.yaml"
        for name in (*(entry.abi for entry in provider.abis), *provider.without):
            if name not in given.catalog.abis:
                yield Problem(file, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
        for abi in provider.abis:
            for entry in abi.exports:
                if entry.function not in given.catalog.functions:
                    yield Problem(file, f"{entry.export.name}: nobody defines the function {entry.function!r}.")


def machine_abis(given: LintInput) -> Iterator[Problem]:
    """A machine's ABIs exist, and the catalogue says how its kernel runs each of them."""
    for file, machine in given.machines.items():
        if "abis" not in machine:
            continue
        kernel = machine["kernel"]
        for name in machine["abis"]:
            abi = given.catalog.abis.get(name)
            if abi is None:
                yield Problem(file, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
            elif not abi.hosts_on(kernel["arch"], kernel["bits"]):
                yield Problem(file, f"{name} has no host entry for {kernel['arch']}, {kernel['bits']}-bit.")


RULES: tuple[Rule, ...] = (
    ambiguous_abi_names,
    undated_releases,
    reversed_intervals,
    overlapping_intervals,
    undefined_functions,
    unused_functions,
    dangling_aliases,
    exports_without_image,
    unknown_elf_machines,
    provider_abis,
    machine_abis,
)


def _file(abi: Abi) -> str:
    return f"catalog/abis/{abi.name}.yaml"


def _intervals(abi: Abi) -> Iterator[tuple[str, Interval]]:
    for host in abi.hosts:
        yield f"host {host.kernel} {host.bits}", host.interval
    for one in abi.vdso:
        yield "vdso", one.interval
    for entry in abi.exports:
        yield entry.export.name, entry.interval
    for area in abi.areas:
        yield area.name, area.interval
        for point in area.entries:
            yield point.symbol, point.interval


def _functions(abi: Abi) -> Iterator[tuple[str, str]]:
    for entry in abi.exports:
        yield entry.export.name, entry.function
    for area in abi.areas:
        for point in area.entries:
            yield point.symbol, point.function


def _bounds(interval: Interval) -> Iterator[Bound]:
    yield interval.since
    if interval.until is not None:
        yield interval.until


def _releases(interval: Interval) -> Iterator[KernelRelease]:
    for bound in _bounds(interval):
        yield bound.after
        if bound.before is not None:
            yield bound.before


def _conditions_meet(one: Interval, other: Interval) -> bool:
    """Whether both may hold at once, as far as the texts tell: they are equal, or one is unconditional."""
    return one.when is None or other.when is None or str(one.when) == str(other.when)


def _stretches_meet(one: Interval, other: Interval) -> bool:
    def begins_before_end(first: Interval, second: Interval) -> bool:
        return second.until is None or first.since.after < second.until.after

    return begins_before_end(one, other) and begins_before_end(other, one)
