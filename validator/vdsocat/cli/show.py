"""vdsocat show: one ABI, or one of its symbols, in full."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from vdsocat.catalog.evidence import AbiEvidence, Evidence
from vdsocat.catalog.intervals import Interval, State
from vdsocat.catalog.model import Abi, Catalog
from vdsocat.catalog.query import Exported, entries_of
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.errors import InputError, did_you_mean
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("symbol", "version", "type", "since", "until", "condition")


@click.command()
@click.argument("abi_name", metavar="ABI")
@click.argument("symbol", required=False)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_obj
def show(settings: Settings, abi_name: str, symbol: str | None, format_: str) -> None:
    """What an ABI exports, or everything known of one of its symbols."""
    catalog = settings.load_catalog()
    abi = catalog.abi(abi_name)
    names = None if symbol is None else _symbol_names(abi, symbol)
    rows = list(_rows(abi, names))
    if format_ != "table":
        click.echo(render_listing(rows, (*_COLUMNS, "function", "binding", "source", "note"), "show", format_))
    elif symbol is None:
        for text in _introduce(abi):
            click.echo(_filled(text))
        click.echo()
        click.echo(render_listing(rows, _COLUMNS, "show", format_, terminal_width()))
        for text in _remarks(abi):
            click.echo("\n" + _filled(text))
    else:
        evidence = Evidence(settings.catalog_root, settings.cache).of(abi.name)
        described = zip(rows, entries_of(abi, names), strict=True)
        click.echo("\n\n".join(_describe(catalog, row, _looks(entry, evidence)) for row, entry in described))


def _filled(text: str) -> str:
    return textwrap.fill(text, terminal_width(), subsequent_indent="  ", break_on_hyphens=False)


def _symbol_names(abi: Abi, wanted: str) -> frozenset[str]:
    names = {one.symbol for one in entries_of(abi)} | {one.function for one in entries_of(abi)}
    if wanted not in names:
        raise InputError(f"{abi.name} has no symbol or function {wanted!r}{did_you_mean(wanted, names)}")
    return frozenset({wanted})


def _rows(abi: Abi, names: frozenset[str] | None) -> Iterator[dict[str, str | None]]:
    for one in entries_of(abi, names):
        yield {
            "symbol": one.symbol,
            "function": one.function,
            "version": one.where,
            "type": one.type,
            "binding": one.binding,
            "since": str(one.interval.since),
            "until": str(one.interval.until) if one.interval.until else None,
            "condition": str(one.interval.when) if one.interval.when else one.detail,
            "source": "; ".join(map(str, one.sources)),
            "note": one.note,
        }


def _introduce(abi: Abi) -> Iterator[str]:
    """A line for each thing that an ABI has beside its symbols."""
    yield f"{abi.name}: {abi.title}" + (f" (also called {', '.join(abi.aliases)})" if abi.aliases else "")
    yield f"ELF {abi.elf.machine}, {abi.elf.elf_class}-bit, {' or '.join(abi.elf.endianness)} endian"
    for host in abi.hosts:
        yield _stretch(f"run by {host.kernel} {host.bits}-bit kernels as {host.mode}", host.interval)
    for image in abi.vdso:
        yield _stretch(f"vDSO {image.soname or 'without a soname'}", image.interval)
    if not abi.vdso:
        yield "never had an ELF vDSO"
    for tables in abi.hash_styles:
        yield _stretch(f"hash tables {' and '.join(tables.styles)}", tables.interval)
    for entry in abi.auxv:
        yield _stretch(entry.tag, entry.interval)
    for mapping in abi.mappings:
        yield _stretch(f"mapping {mapping.name}" + (f" of {mapping.holds}" if mapping.holds else ""), mapping.interval)
    for area in abi.areas:
        where = f" at {area.address:#x}" if area.address is not None else ""
        yield _stretch(f"{area.kind} {area.name}{where}", area.interval)


def _stretch(what: str, interval: Interval) -> str:
    return f"{what} {interval.spell_releases()}" + (f", if {interval.when}" if interval.when else "")


def _remarks(abi: Abi) -> Iterator[str]:
    """What is to be said below the symbols."""
    for convention in abi.conventions:
        functions = ", ".join(convention.functions) or "all other functions"
        yield f"Calling {functions}: {convention.text}"
    for about, reason in abi.unknowns:
        yield f"Not known: {about} ({reason})"


def _describe(catalog: Catalog, row: dict[str, str | None], looks: dict[str, str]) -> str:
    function = catalog.functions[row["function"] or ""]
    lines = [
        f"{row['symbol']}@@{row['version']}"
        if "+" not in (row["version"] or "+")
        else f"{row['symbol']} at {row['version']}"
    ]
    facts = {
        "function": f"{function.name}: {function.summary}",
        "prototype": function.prototype,
        "system call": function.syscall,
        "manual page": function.manual,
        "callable": "yes" if function.callable else "no, it is a landing pad",
        "type": f"{row['type']} {row['binding']}" if row["type"] else None,
        "since": f"{row['since']} ({catalog.releases.get(row['since'] or '') or 'date not known'})",
        "until": row["until"],
        "condition": row["condition"],
        "source": row["source"],
        "note": row["note"],
        **looks,
    }
    for name, value in facts.items():
        if value:
            lines += textwrap.wrap(
                f"{name + ':':<13}{value}",
                terminal_width(),
                initial_indent="  ",
                subsequent_indent=" " * 15,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _looks(entry: Exported, evidence: AbiEvidence) -> dict[str, str]:
    """The kernels nearest to an entry's bounds: the newest that was seen to have the symbol, and those without it."""
    interval = entry.interval
    seen = [
        one
        for one in evidence.seen(entry.symbol, entry.where)
        if interval.decide(one.parsed_release, one.facts).state is not State.ABSENT
    ]
    # A kernel without any image says nothing of the symbol's own history.
    absent = [one for one in evidence.found_absent(entry.symbol, entry.where) if one.image_sha256 is not None]
    before = [one for one in absent if interval.since.passed(one.parsed_release) is False]
    after = [one for one in absent if interval.until and interval.until.passed(one.parsed_release) is True]
    kernels = len({one.kernel_key for one in seen})
    nearest = {
        "last seen": seen[-1] if seen else None,
        "without it": before[-1] if before else None,
        "gone from": after[0] if after else None,
    }
    spelled = {name: f"{one.release} in {one}, {one.date}" for name, one in nearest.items() if one is not None}
    if kernels > 1:
        spelled["last seen"] += f"; in {kernels} kernels since {seen[0].release}"
    return spelled
