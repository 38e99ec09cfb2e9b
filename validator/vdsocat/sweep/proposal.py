"""Proposed entries of the catalogue for exports that it does not know yet, from the kernels that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vdsocat.catalog.evidence import AbiEvidence, Evidence, Sighting
from vdsocat.catalog.model import Catalog
from vdsocat.exports import Binding, Export, KernelRelease, SymbolType
from vdsocat.judging.evidence import export_from_text
from vdsocat.sweep.summary import Found

# The prefixes of arch/*/…/*.lds.S.
_PREFIXES = ("__vdso_", "__kernel_", "__cmsg_", "__")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry for `catalog/abis/ABI.yaml`, as YAML text that is ready to paste."""

    abi: str
    symbol: str
    text: str


def propose_entries(findings: Iterable[Found], evidence: Evidence, catalog: Catalog) -> Iterator[Proposal]:
    """An entry for each export that findings call new, since the release that the evidence first shows it in."""
    done: set[tuple[str, str]] = set()
    for abi, _, finding in findings:
        if finding.rule != "SYM-NEW" or finding.seen is None or (abi, finding.seen) in done:
            continue
        done.add((abi, finding.seen))
        export = export_from_text(finding.seen)
        if evidence.of(abi).seen(export.name, export.version):
            yield Proposal(abi, export.name, _spell(export, evidence.of(abi), catalog))


def _spell(export: Export, evidence: AbiEvidence, catalog: Catalog) -> str:
    seen = evidence.seen(export.name, export.version)
    first, last = seen[0], seen[-1]
    before = [
        one for one in evidence.found_absent(export.name, export.version) if one.parsed_release < first.parsed_release
    ]
    function = _function(export.name)
    known = "" if function in catalog.functions else "  # not in functions.yaml yet"
    lines = [f"  - symbol: {export.name}", f"    function: {function}{known}"]
    if export.version:
        lines.append(f"    version: {export.version}")
    if export.type is not SymbolType.FUNC:
        lines.append(f"    type: {export.type}")
    if export.binding is not Binding.GLOBAL:
        lines.append(f"    binding: {export.binding}")
    lines += [f"    since: {_since(first, before[-1] if before else None, catalog)}", "    source:"]
    if before:
        lines.append(f'      - {{kernel: "{_name(before[-1])}", note: "without it"}}')
    lines += [f'      - {{kernel: "{_name(one)}"}}' for one in dict.fromkeys((first, last))]
    return "\n".join(lines) + "\n"


def _since(first: Sighting, before: Sighting | None, catalog: Catalog) -> str:
    mainline = first.parsed_release.mainline
    if before is None:
        return f'"{mainline}"  # or earlier: no older kernel was looked at'
    without = before.parsed_release.mainline
    if without == mainline:
        return f'"{mainline}"  # or a stable release of it: {before.release} is without it, {first.release} is not'
    between = [one for one in catalog.releases if without < KernelRelease.parse(one) < mainline]
    return f'["{without}", "{mainline}"]' if between else f'"{mainline}"'


def _function(symbol: str) -> str:
    """The generic name: the symbol's without the prefix that architectures put before it."""
    prefix = next((one for one in _PREFIXES if symbol.startswith(one)), "")
    return symbol.removeprefix(prefix)


def _name(seen: Sighting) -> str:
    return f"{seen.kernel} {seen.version}, {seen.architecture}"
