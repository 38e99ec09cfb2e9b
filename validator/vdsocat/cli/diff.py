"""vdsocat diff: what two releases, or two kernels, export otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vdsocat.catalog.history import (
    HASH_TABLES,
    VDSO,
    Told,
    changes_between,
    spell_change,
    spell_styles,
    words_of_export,
)
from vdsocat.catalog.model import Catalog
from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease
from vdsocat.images import SeenImage, images_of
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("abi", "subject", "change")
_Row = dict[str, str | None]


@click.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--abi", "abi_names", multiple=True, help="Only of this ABI. May be given several times.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@kernel_options
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str,
    abi_names: tuple[str, ...],
    format_: str,
    mirror: str | None,
    offline: bool,
) -> None:
    """What B exports otherwise than A: status 0 if nothing, 1 if something.

    A and B are both releases, such as 5.10 and 7.3, as the catalogue has them; or both SOURCEs: kernel images, vDSO
    files, captures, debian:SUITE/ARCH, built:NAME. Nothing is booted.
    """
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    wanted = {catalog.abi(name).name for name in abi_names} or set(catalog.abis)
    releases = [_release(text) for text in (old, new)]
    if None not in releases:
        rows = [row for row in _between_releases(catalog, *releases) if row["abi"] in wanted]  # type: ignore[arg-type]
    elif releases == [None, None]:
        access = KernelAccess(settings, mirror, offline)
        rows = list(_between_images(_images(old, access, catalog), _images(new, access, catalog), wanted))
    else:
        kernel, release = (new, old) if releases[0] else (old, new)
        raise InputError(
            f"{release} is a release and {kernel} is none: `vdsocat check {kernel}` holds a kernel to its release"
        )
    if rows or format_ != "table":
        click.echo(render_listing(rows, _COLUMNS, "diff", format_, terminal_width()))
    context.exit(1 if rows else 0)


def _release(text: str) -> KernelRelease | None:
    if Path(text).exists():
        return None
    try:
        return KernelRelease.parse(text)
    except ValueError:
        return None


def _between_releases(catalog: Catalog, old: KernelRelease, new: KernelRelease) -> Iterator[_Row]:
    for subject, change in changes_between(catalog, old, new):
        yield {"abi": subject.abi, "subject": subject.name, "change": change}


def _images(source: str, access: KernelAccess, catalog: Catalog) -> tuple[SeenImage, ...]:
    with StatusLine(sys.stderr, 1) as status:
        return images_of(source, access.static_sources(catalog), status.tell)


def _between_images(old: tuple[SeenImage, ...], new: tuple[SeenImage, ...], wanted: set[str]) -> Iterator[_Row]:
    """What changed in each ABI that either has an image of; two images of one ABI are told together."""
    for abi in dict.fromkeys(one.abi for one in (*old, *new) if one.abi in wanted):
        before, after = (_told([one for one in images if one.abi == abi]) for images in (old, new))
        for subject in dict.fromkeys((*before, *after)):
            change = spell_change(before.get(subject, []), after.get(subject, []))
            if change:
                yield {"abi": abi, "subject": subject, "change": change}


def _told(images: list[SeenImage]) -> dict[str, list[Told]]:
    told: dict[str, list[Told]] = {}
    for one in images:
        told.setdefault(VDSO, []).append(Told({"soname": one.image.soname or ""}))
        told.setdefault(HASH_TABLES, []).append(Told({"styles": spell_styles(one.image.hash_styles)}))
        for export in one.image.exports:
            told.setdefault(export.name or "(unnamed)", []).append(Told(words_of_export(export)))
    return told
