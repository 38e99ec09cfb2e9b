"""vdsocat diff: what two releases, or two kernels, export otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from vdsocat.capture import Capture
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
from vdsocat.images import SeenImage, captures_of, images_in
from vdsocat.judging.cost import compare_costs, have_costs
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("abi", "subject", "change")
_CAPTURE = "capture"
_Row = dict[str, str | None]


@click.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--abi", "abi_names", multiple=True, help="Only of this ABI. May be given several times.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--cost-threshold",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="Tell calls whose cost changed by more than this.",
)
@kernel_options
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str,
    abi_names: tuple[str, ...],
    format_: str,
    cost_threshold: float,
    mirror: str | None,
    offline: bool,
) -> None:
    """What B exports otherwise than A: status 0 if nothing, 1 if something.

    A and B are both releases, such as 5.10 and 7.3, as the catalogue has them; or both SOURCEs: kernel images, vDSO
    files, captures, debian:SUITE/ARCH, built:NAME; or both directories of captures (`vdsocat check --out`), whose files
    are compared by their names. Nothing is booted. What calls cost is compared where both captures have it (--cost).
    """
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    wanted = {catalog.abi(name).name for name in abi_names} or set(catalog.abis)
    columns: tuple[str, ...] = _COLUMNS
    releases = [_release(text) for text in (old, new)]
    if None not in releases:
        rows = [row for row in _between_releases(catalog, *releases) if row["abi"] in wanted]  # type: ignore[arg-type]
    elif releases == [None, None]:
        comparison = _Comparison(KernelAccess(settings, mirror, offline), catalog, wanted, cost_threshold / 100)
        if _holds_captures(old) and _holds_captures(new):
            columns = (_CAPTURE, *_COLUMNS)
            rows = list(comparison.between_directories(Path(old), Path(new)))
        else:
            rows = list(comparison.between_sources(old, new))
    else:
        kernel, release = (new, old) if releases[0] else (old, new)
        raise InputError(
            f"{release} is a release and {kernel} is none: `vdsocat check {kernel}` holds a kernel to its release"
        )
    if rows or format_ != "table":
        click.echo(render_listing(rows, columns, "diff", format_, terminal_width()))
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


def _holds_captures(source: str) -> bool:
    """Whether it is a directory of captures; a build tree may hold JSON, but has its kernel beside it."""
    path = Path(source)
    return path.is_dir() and any(path.glob("*.json")) and not (path / "vmlinux").exists()


@dataclass(frozen=True)
class _Comparison:
    """How two sources are compared: the ABIs that are wanted, and the share of a cost whose change is told."""

    access: KernelAccess
    catalog: Catalog
    wanted: set[str]
    cost_threshold: float

    def between_directories(self, old: Path, new: Path) -> Iterator[_Row]:
        """The rows of all captures, by their files' names; a file that only one of them has is a row too."""
        before, after = ({path.name for path in directory.glob("*.json")} for directory in (old, new))
        for name in sorted(before | after):
            if name not in after or name not in before:
                change = "is gone" if name in before else "appears"
                yield {_CAPTURE: name, "abi": None, "subject": _CAPTURE, "change": change}
                continue
            for row in self.between_sources(str(old / name), str(new / name)):
                yield {_CAPTURE: name, **row}

    def between_sources(self, old: str, new: str) -> Iterator[_Row]:
        """What they export otherwise, and then what costs more or less."""
        before, after = self._captures(old), self._captures(new)
        yield from _between_images(self._images(before), self._images(after), self.wanted)
        if have_costs(before) != have_costs(after):
            without = new if have_costs(before) else old
            click.echo(f"{without} was not made with `vdsocat check --cost`: no costs are compared.", err=True)
        for change in compare_costs(before, after, self.cost_threshold):
            if change.abi in self.wanted:
                yield {"abi": change.abi, "subject": change.subject, "change": change.sentence_part()}

    def _captures(self, source: str) -> tuple[Capture, ...]:
        with StatusLine(sys.stderr, 1) as status:
            return tuple(captures_of(source, self.access.static_sources(self.catalog), status.tell))

    def _images(self, captures: Sequence[Capture]) -> tuple[SeenImage, ...]:
        return tuple(image for capture in captures for image in images_in(capture, self.catalog))


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
