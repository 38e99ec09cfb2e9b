"""Evidence: which real kernels were seen to export what, kept in files that only programs write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vdsocat.catalog.conditions import KernelFacts, is_set
from vdsocat.documents import read_documents
from vdsocat.elf.image import VdsoImage
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease

_DIRECTORY = "evidence"
_HEADER = "# Written by `vdsocat sweep` and `vdsocat check --record`, and not to be edited.\n"
_WIDTH = 1 << 20  # of a line


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at one kernel, for one ABI.

    kernel, version, architecture   the package, its version and the distribution's word for the architecture; for a
                                    kernel built here "built:NAME", the version of its source package, its ARCH
    release         the kernel.org release
    mode            "native" or "compat"
    how             "static" or "mapped"
    date            ISO date of the look
    package_sha256, image_sha256    hex; the latter is None where there was no image
    config          options with their values ("n" where not set), those that conditions of the ABI name; None where
                    the configuration was not known
    parameters      those on the kernel's command line, with their values, that conditions of the ABI name; None where
                    there was none of them
    auxv            which of AT_SYSINFO and AT_SYSINFO_EHDR a process got; None where none was looked at
    mappings        the names of what the kernel had mapped into it, such as "[vdso]"; None likewise
    endianness      of the process, where no image tells it and the ABI has both byte orders; else None
    """

    kernel: str
    version: str
    architecture: str
    release: str
    mode: str
    how: str
    date: str
    package_sha256: str
    image_sha256: str | None = None
    config: tuple[tuple[str, str], ...] | None = None
    parameters: tuple[tuple[str, str], ...] | None = None
    auxv: tuple[str, ...] | None = None
    mappings: tuple[str, ...] | None = None
    endianness: str | None = None

    @property
    def kernel_key(self) -> tuple[str, str, str]:
        """What tells one kernel from another."""
        return self.kernel, self.version, self.architecture

    @property
    def way(self) -> tuple[str, tuple[tuple[str, str], ...] | None]:
        """What tells one look at a kernel from another."""
        return self.how, self.parameters

    @property
    def parsed_release(self) -> KernelRelease:
        """The release, to compare."""
        return KernelRelease.parse(self.release)

    @property
    def facts(self) -> KernelFacts:
        """What it tells of the kernel; options that were not recorded are not known."""
        options = {option: is_set(value) for option, value in self.config or ()}
        # Nobody gave a kernel that was only read a command line.
        parameters = dict(self.parameters) if self.parameters else {} if self.how == "static" else None
        return KernelFacts(self.mode, named=options, parameters=parameters)

    def __str__(self) -> str:
        return f"{self.kernel} {self.version} ({self.architecture}, {self.how})"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is compared of an image; `exports` are spelled "symbol@@version TYPE BINDING", in alphabetical order."""

    endianness: str
    soname: str | None
    hash_styles: tuple[str, ...]
    osabi: int
    exports: tuple[str, ...]

    @classmethod
    def of(cls, image: VdsoImage) -> ImageFacts:
        """The facts of an image."""
        exports = sorted(f"{one.versioned_name} {one.type} {one.binding}" for one in image.exports)
        return cls(image.endianness, image.soname, image.hash_styles, image.osabi, tuple(exports))

    def exports_symbol(self, symbol: str, version: str | None) -> bool:
        """Whether a symbol of this name and version node is exported, whatever its type."""
        versioned = f"{symbol}@@{version}" if version else symbol
        return any(one.split(" ", 1)[0] == versioned for one in self.exports)


@dataclass(frozen=True, slots=True)
class Observation:
    """A sighting with the image's facts, None where the kernel runs the ABI without an image."""

    sighting: Sighting
    facts: ImageFacts | None


@dataclass(frozen=True, slots=True)
class AbiEvidence:
    """All observations of one ABI, ordered by release, package version, architecture and kernel."""

    abi: str
    observations: tuple[Observation, ...] = ()

    def seen(self, symbol: str, version: str | None) -> tuple[Sighting, ...]:
        """The kernels that were seen to export a symbol, oldest release first."""
        return tuple(
            one.sighting for one in self.observations if one.facts and one.facts.exports_symbol(symbol, version)
        )

    def found_absent(self, symbol: str, version: str | None) -> tuple[Sighting, ...]:
        """The kernels that run the ABI and were seen not to export a symbol, oldest release first."""
        return tuple(
            one.sighting
            for one in self.observations
            if one.facts is None or not one.facts.exports_symbol(symbol, version)
        )

    def last_seen(self, symbol: str, version: str | None) -> Sighting | None:
        """The newest release that was seen to export a symbol."""
        return (self.seen(symbol, version) or (None,))[-1]

    def with_observations(self, new: Iterable[Observation]) -> AbiEvidence:
        """With these in place of what was known of the same kernels, seen the same way.

        An image that is the same again keeps its date, so that looking again changes nothing.
        """
        added = list(new)
        looked_at = {(one.sighting.kernel_key, one.sighting.way) for one in added}
        dates = {_lasting(one): one.sighting.date for one in self.observations}
        kept = [one for one in self.observations if (one.sighting.kernel_key, one.sighting.way) not in looked_at]
        for one in added:
            date = dates.get(_lasting(one), one.sighting.date)
            kept.append(replace(one, sighting=replace(one.sighting, date=date)))
        return AbiEvidence(self.abi, tuple(sorted(dict.fromkeys(kept), key=_order)))


class Evidence:
    """The evidence under a catalogue's directory, read when it is first asked for."""

    def __init__(self, catalog_root: Path, cache: Path | None = None) -> None:
        """`cache` is where the prepared form of the files may be kept."""
        self._directory = catalog_root / _DIRECTORY
        self._cache = cache

    def of(self, abi: str) -> AbiEvidence:
        """What is known of an ABI: nothing when no kernel of it was looked at. InputError for a bad file."""
        return self._by_abi.get(abi, AbiEvidence(abi))

    def __iter__(self) -> Iterator[AbiEvidence]:
        """The evidence of each ABI that there is any of, by name."""
        return iter(self._by_abi[abi] for abi in sorted(self._by_abi))

    @cached_property
    def _by_abi(self) -> dict[str, AbiEvidence]:
        documents = read_documents(self._directory, ("*.yaml",), self._cache) if self._directory.is_dir() else {}
        return {one.abi: one for one in map(evidence_from_document, documents.values())}

    def record(self, new: Mapping[str, Iterable[Observation]]) -> tuple[str, ...]:
        """Add observations by ABI and write the files that change, whole or not at all; which ABIs changed.

        InputError when a file cannot be written.
        """
        changed = []
        for abi, observations in sorted(new.items()):
            before = self.of(abi)
            after = before.with_observations(observations)
            if after != before:
                _write(self._directory / f"{abi}.yaml", spell_evidence(after))
                self._by_abi[abi] = after
                changed.append(abi)
        return tuple(changed)


def evidence_from_document(document: Mapping[str, Any]) -> AbiEvidence:
    """The evidence that a file holds (schemas/evidence.schema.json)."""
    observations = [Observation(_sighting(raw), None) for raw in document["without"]]
    for raw in document["images"]:
        facts = ImageFacts(raw["endianness"], raw["soname"], tuple(raw["hash"]), raw["osabi"], tuple(raw["exports"]))
        observations += [Observation(_sighting(seen), facts) for seen in raw["seen"]]
    return AbiEvidence(document["abi"], tuple(sorted(observations, key=_order)))


def spell_evidence(evidence: AbiEvidence) -> str:
    """The text of an ABI's file: the same for the same observations, whatever the order in which they came."""
    import yaml

    class OneToALine(list[str]):
        """A list of exports."""

    class InOneLine(dict[str, Any]):
        """A sighting."""

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Writes an export, or a sighting, to a line: a diff then shows which came."""

    Dumper.add_representer(
        OneToALine, lambda self, items: self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=False)
    )
    Dumper.add_representer(
        InOneLine, lambda self, items: self.represent_mapping("tag:yaml.org,2002:map", items, flow_style=True)
    )
    by_facts: dict[ImageFacts | None, list[Sighting]] = {}
    for one in evidence.observations:
        by_facts.setdefault(one.facts, []).append(one.sighting)
    document = {
        "abi": evidence.abi,
        "images": [
            {
                "endianness": facts.endianness,
                "soname": facts.soname,
                "hash": list(facts.hash_styles),
                "osabi": facts.osabi,
                "exports": OneToALine(facts.exports),
                "seen": [InOneLine(_row(sighting)) for sighting in sightings],
            }
            for facts, sightings in by_facts.items()
            if facts is not None
        ],
        "without": [InOneLine(_row(sighting)) for sighting in by_facts.get(None, ())],
    }
    text: str = yaml.dump(document, Dumper=Dumper, default_flow_style=None, sort_keys=False, width=_WIDTH)
    return _HEADER + text


def _sighting(raw: Mapping[str, Any]) -> Sighting:
    lists = {key: tuple(raw[key]) for key in ("auxv", "mappings") if key in raw}
    options = {key: tuple(raw[key].items()) for key in ("config", "parameters") if key in raw}
    return Sighting(**{**raw, **lists, **options})


def _row(sighting: Sighting) -> dict[str, Any]:
    values = {field: getattr(sighting, field) for field in Sighting.__slots__}
    for field in ("config", "parameters"):
        values[field] = dict(values[field]) if values[field] is not None else None
    for field in ("auxv", "mappings"):
        values[field] = list(values[field]) if values[field] is not None else None
    return {field: value for field, value in values.items() if value is not None}


def _lasting(one: Observation) -> Observation:
    """What stays the same when the same kernel is looked at on another day, or by another catalogue."""
    return replace(one, sighting=replace(one.sighting, date="", config=None))


def _order(one: Observation) -> tuple[Any, ...]:
    seen = one.sighting
    return seen.parsed_release, *seen.kernel_key, seen.how, seen.parameters or (), seen.mode, seen.image_sha256 or ""


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the evidence cannot be written ({error.strerror or error}).") from None
