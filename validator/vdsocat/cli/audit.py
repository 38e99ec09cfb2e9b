"""vdsocat audit: what consumers look up, held against the catalogue or against one kernel."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Verdict
from vdsocat.report.listing import FORMATS, render_listing

if TYPE_CHECKING:
    from vdsocat.audits.audit import AuditFinding
    from vdsocat.audits.kernel_audit import AuditedImage
    from vdsocat.catalog.consumer import Consumer
    from vdsocat.catalog.model import Abi, Catalog
    from vdsocat.images import SeenImage

_COLUMNS = ("consumer", "abi", "verdict", "subject", "finding")
_ALL_COLUMNS = (
    "consumer",
    "consumer_release",
    "abi",
    "kernel",
    "verdict",
    "rule",
    "subject",
    "purpose",
    "since",
    "finding",
    "fallback",
    "source",
)
_UNUSED_COLUMNS = ("abi", "symbol", "version", "function", "since", "condition")
_SHOWN = (Verdict.FAIL, Verdict.REVIEW)


@click.command(short_help="Which lookups of libcs and runtimes find no symbol.")
@click.argument("consumers", metavar="[CONSUMER…]", nargs=-1)
@click.option("--consumer", "more", multiple=True, metavar="CONSUMER", help="The same as an argument.")
@click.option("--abi", "abi_names", metavar="ABI", multiple=True, help="Only this ABI (may be given several times).")
@click.option("--kernel", metavar="RELEASE|SOURCE", help="Judge one release, such as 6.12, or the images of a kernel.")
@click.option("--unused", is_flag=True, help="List instead what kernels export and none of the consumers looks up.")
@click.option("--verbose", "-v", is_flag=True, help="Tell every finding, passes too.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The kernel's .config, for a kernel given as a file.",
)
@kernel_options
@click.pass_context
def audit(
    context: click.Context,
    consumers: tuple[str, ...],
    more: tuple[str, ...],
    abi_names: tuple[str, ...],
    kernel: str | None,
    unused: bool,
    verbose: bool,
    format_: str,
    config: Path | None,
    mirror: str | None,
    offline: bool,
) -> None:
    """Which lookups of libcs, runtimes and tools never match, or lose their symbol.

    CONSUMER is a name such as musl, or one of its releases, such as musl@1.2.5. Without --kernel all releases that the
    catalogue knows are judged; SOURCE is what `vdsocat check` takes, and nothing is booted.
    """
    from vdsocat.catalog.consumer import load_consumers, select_consumers

    settings: Settings = context.obj
    catalog = settings.load_catalog()
    chosen = select_consumers(load_consumers(settings.catalog_root, settings.cache), (*consumers, *more))
    abis = [catalog.abi(name) for name in abi_names] or list(catalog.sorted_abis())
    if unused:
        rows = list(_unused_rows(chosen, abis))
        click.echo(render_listing(rows, _UNUSED_COLUMNS, "audit-unused", format_, terminal_width()))
        return
    lacking = None
    if kernel is None:
        rows = list(_catalogue_rows(chosen, abis, catalog))
    elif (release := _release(kernel)) is not None:
        rows = list(_release_rows(chosen, abis, catalog, release, kernel))
    else:
        images = _images(kernel, KernelAccess(settings, mirror, offline), catalog, config, abis)
        rows = list(_image_rows(chosen, images, catalog))
        lacking = None if images else f"{kernel}: has no vDSO image of these ABIs, so every lookup fails."
    shown = [row for row in rows if verbose or row["verdict"] in _SHOWN]
    columns = _COLUMNS if format_ in ("table", "markdown") else _ALL_COLUMNS
    if shown or format_ != "table":
        click.echo(render_listing(shown, columns, "audit", format_, terminal_width()))
    counts = Counter(row["verdict"] for row in rows)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    click.echo(lacking or told or "nothing to judge", err=True)
    context.exit(1 if lacking or counts[Verdict.FAIL] else 0)


Row = dict[str, str | None]


def _catalogue_rows(consumers: Sequence[Consumer], abis: Sequence[Abi], catalog: Catalog) -> Iterator[Row]:
    from vdsocat.audits.audit import audit as audit_catalogue

    for consumer in consumers:
        for abi in abis:
            yield from (_row(one, consumer) for one in audit_catalogue(consumer, abi, catalog))


def _release_rows(
    consumers: Sequence[Consumer], abis: Sequence[Abi], catalog: Catalog, release: KernelRelease, kernel: str
) -> Iterator[Row]:
    from vdsocat.audits.kernel_audit import audit_release

    for consumer in consumers:
        for abi in abis:
            yield from (_row(one, consumer, kernel) for one in audit_release(consumer, abi, catalog, release))


def _image_rows(
    consumers: Sequence[Consumer], images: Sequence[tuple[str, AuditedImage]], catalog: Catalog
) -> Iterator[Row]:
    from vdsocat.audits.kernel_audit import audit_image

    for consumer in consumers:
        told: list[Row] = []
        for kernel, image in images:
            rows = [_row(one, consumer, kernel) for one in audit_image(consumer, image, catalog)]
            told += [row for row in rows if row not in told]  # Alternative images of an ABI agree in most.
        yield from told


def _unused_rows(consumers: Sequence[Consumer], abis: Sequence[Abi]) -> Iterator[Row]:
    from vdsocat.audits.audit import unused_exports

    for abi in abis:
        for entry in unused_exports(consumers, abi):
            yield {
                "abi": abi.name,
                "symbol": entry.export.name,
                "version": entry.export.version,
                "function": entry.function,
                "since": str(entry.interval.since),
                "condition": str(entry.interval.when) if entry.interval.when else None,
            }


def _row(finding: AuditFinding, consumer: Consumer, kernel: str | None = None) -> Row:
    return {
        "consumer": finding.consumer,
        "consumer_release": consumer.release,
        "abi": finding.abi,
        "kernel": kernel,
        "verdict": finding.verdict,
        "rule": finding.rule,
        "subject": finding.subject,
        "purpose": finding.purpose,
        "since": finding.since,
        "finding": finding.reason,
        "fallback": finding.fallback,
        "source": "; ".join(map(str, finding.sources)),
    }


def _release(kernel: str) -> KernelRelease | None:
    """A release, unless the word is a file or the name of a kernel."""
    if Path(kernel).exists():
        return None
    try:
        return KernelRelease.parse(kernel)
    except ValueError:
        return None


def _images(
    source: str, access: KernelAccess, catalog: Catalog, config: Path | None, abis: Sequence[Abi]
) -> list[tuple[str, AuditedImage]]:
    """The images of the ABIs asked for, with the name of the kernel that each belongs to."""
    from vdsocat.images import images_of

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            click.echo(text, err=True)

    names = {abi.name for abi in abis}
    seen = (one for one in images_of(source, access.static_sources(catalog, config), tell) if one.abi in names)
    return [(one.provenance.source, _audited(one, catalog)) for one in seen]


def _audited(seen: SeenImage, catalog: Catalog) -> AuditedImage:
    """The image for the audit; the release of another provider says nothing of a kernel."""
    from vdsocat.audits.kernel_audit import AuditedImage

    of_linux = seen.provenance.provider == "linux" and seen.release is not None
    release = KernelRelease.parse(seen.release or "") if of_linux else None
    return AuditedImage(catalog.abi(seen.abi), seen.mode, release, seen.config, seen.image, seen.data)
