"""vdsocat diff: what two releases, or two kernels, export otherwise, and what that means for their users."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from vdsocat.capture import Capture
from vdsocat.catalog.history import changes_between
from vdsocat.catalog.model import Catalog
from vdsocat.cli.kernel_options import KernelAccess, kernel_options, qemu_option
from vdsocat.cli.places import terminal_width
from vdsocat.cli.regression import complain, cost_option, load_waivers, waiver_option
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.errors import InputError, RunError
from vdsocat.exports import KernelRelease
from vdsocat.images import captures_of, images_in
from vdsocat.judging.changes import Change, Kind, sort_difference
from vdsocat.judging.judge import AbiJudgement, Judgement, judge_capture
from vdsocat.judging.regression import Regression, compare_judgements
from vdsocat.judging.result import BAD_INPUT, CONFORMS, FAILED
from vdsocat.judging.waivers import WaiverBook
from vdsocat.kept import holds_captures
from vdsocat.report.listing import FORMATS, render_listing
from vdsocat.report.regression import COLUMNS, change_row, draw_waivers

_CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class _Found:
    """A change, and where: the file of the capture when two directories are compared."""

    change: Change
    capture: str | None = None

    def row(self) -> dict[str, str | None]:
        return change_row(self.change) if self.capture is None else {_CAPTURE: self.capture, **change_row(self.change)}


@click.command(short_help="What B has otherwise than A: releases, kernels, captures.")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--abi", "abi_names", metavar="ABI", multiple=True, help="Only of this ABI. May be given several times.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--strict", is_flag=True, help="Let a change to review count as an incompatible one.")
@waiver_option
@cost_option
@qemu_option
@kernel_options
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str,
    abi_names: tuple[str, ...],
    format_: str,
    strict: bool,
    waivers: Path | None,
    cost_threshold: float,
    qemu: str | None,
    mirror: str | None,
    offline: bool,
) -> None:
    """What B has otherwise than A: status 1 if anything is incompatible with A's users, else 0.

    A and B are both releases, such as 5.10 and 7.3, as the catalogue has them; or both SOURCEs: kernel images, vDSO
    files, captures, debian:SUITE/ARCH, built:NAME; or both directories of captures (`vdsocat check --out`), whose files
    are compared by their names. Nothing is booted; what was found by booting is compared where both captures have it,
    and so is what calls cost (--cost).
    """
    settings: Settings = context.obj
    catalog = settings.load_catalog()
    wanted = {catalog.abi(name).name for name in abi_names} or set(catalog.abis)
    book = WaiverBook(load_waivers(waivers, catalog))
    before, after = _release(old), _release(new)
    if before is not None and after is not None:
        found = list(_between_releases(catalog, before, after, wanted, book))
    elif before is None and after is None:
        comparison = _Comparison(
            KernelAccess(settings, mirror, offline, qemu=qemu), catalog, wanted, cost_threshold / 100, book
        )
        if holds_captures(Path(old)) and holds_captures(Path(new)):
            found = list(comparison.between_directories(Path(old), Path(new)))
        else:
            found = list(comparison.between_sources(old, new))
    else:
        kernel, release = (new, old) if before else (old, new)
        raise InputError(
            f"{release} is a release and {kernel} is none: `vdsocat check {kernel}` holds a kernel to its release"
        )
    columns = (_CAPTURE, *COLUMNS) if any(one.capture for one in found) else COLUMNS
    if found or format_ != "table":
        click.echo(render_listing([one.row() for one in found], columns, "diff", format_, terminal_width()))
    uses = tuple(book.uses())
    for line in draw_waivers(uses, terminal_width()):
        click.echo(line, err=format_ != "table")
    rejected = complain(uses)
    blamed = Regression("", tuple(one.change for one in found)).blames(strict)
    context.exit(FAILED if blamed else BAD_INPUT if rejected else CONFORMS)


def _comparable_abis(before: Sequence[Judgement], after: Sequence[Judgement]) -> set[str]:
    """The ABIs of both; beside a kernel an emulator counts with those that it was asked for."""
    ran, emulated = (
        {
            row.abi
            for one in (*before, *after)
            for row in one.abis
            if (one.capture.provenance.provider == "linux") is linux
        }
        for linux in (True, False)
    )
    return emulated if ran and emulated else ran | emulated


def _release(text: str) -> KernelRelease | None:
    if Path(text).exists():
        return None
    try:
        return KernelRelease.parse(text)
    except ValueError:
        return None


def _between_releases(
    catalog: Catalog, old: KernelRelease, new: KernelRelease, wanted: set[str], book: WaiverBook
) -> Iterator[_Found]:
    for abi in wanted:
        book.ask("", abi)
    changes = (sort_difference(one) for one in changes_between(catalog, old, new) if one.abi in wanted)
    order = list(Kind)
    for change in sorted(changes, key=lambda one: order.index(one.kind)):
        yield _Found(book.accept(change, "", str(new)))


@dataclass(frozen=True)
class _Comparison:
    """How two sources are compared: the ABIs that are wanted, the share of a cost whose change is told, the waivers."""

    access: KernelAccess
    catalog: Catalog
    wanted: set[str]
    cost_threshold: float
    book: WaiverBook

    def between_directories(self, old: Path, new: Path) -> Iterator[_Found]:
        """The changes of all captures, by their files' names; a file that only one of them has is one too."""
        before, after = ({path.name for path in directory.glob("*.json")} for directory in (old, new))
        for name in sorted(before | after):
            if name not in after or name not in before:
                gone = name in before
                kind = Kind.INCOMPATIBLE if gone else Kind.REVIEW
                change = Change(kind, "", "", "", _CAPTURE, "is gone" if gone else "appears")
                yield _Found(self.book.accept(change, name, ""), name)
                continue
            for found in self.between_sources(str(old / name), str(new / name)):
                yield _Found(found.change, name)

    def between_sources(self, old: str, new: str) -> Iterator[_Found]:
        """What became of the ABIs that are wanted, and then what costs more or less."""
        before, after = self._judgements(old), self._judgements(new)
        regression = compare_judgements(before, after, self.cost_threshold)
        for note in regression.notes:
            click.echo(note, err=True)
        wanted = self.wanted & _comparable_abis(before, after)
        for judgement in after:
            for row, seen in zip(judgement.abis, judgement.capture.abis, strict=True):
                self.book.ask(new, row.abi, row.mode, seen.is_static)
        release = after[0].release if after else ""
        for change in regression.changes:
            if change.abi in wanted:
                yield _Found(self.book.accept(change, new, release))

    def _judgements(self, source: str) -> list[Judgement]:
        with StatusLine(sys.stderr, 1) as status:
            captures = captures_of(source, self.access.static_sources(self.catalog), status.tell)
            return [self._judge(capture) for capture in captures]

    def _judge(self, capture: Capture) -> Judgement:
        """What a capture shows; of one that does not tell its release, such as a lone image, the images alone."""
        try:
            return judge_capture(capture, self.catalog)
        except RunError:
            images = {one.data: one for one in images_in(capture, self.catalog)}
        rows = []
        for seen in capture.abis:
            image = images.get(seen.image) if seen.image is not None else None
            mode = image.mode if image else "unknown"
            rows.append(AbiJudgement(seen.abi, seen.endianness, mode, (), image.image if image else None))
        return Judgement(capture, "unknown", tuple(rows))
