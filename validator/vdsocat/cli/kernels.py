"""vdsocat kernels: what kernels there are to check, fetched from Debian or built."""

from __future__ import annotations

import click

from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.kernels.table import list_kernels
from vdsocat.report.listing import FORMATS, render_listing


@click.group()
def kernels() -> None:
    """List, fetch and build kernels."""


@kernels.command("list")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_obj
def list_(settings: Settings, format_: str) -> None:
    """The kernels that have names, and what the cache has of them."""
    access = KernelAccess(settings, offline=True)
    rows = [
        {
            "kernel": row.name,
            "sets": ", ".join(row.sets),
            "cached": row.cached.version if row.cached else None,
            "source": row.source,
        }
        for row in list_kernels(access.table, access.archive.cache)
    ]
    click.echo(render_listing(rows, ("kernel", "sets", "cached", "source"), "kernels", format_, terminal_width()))


@kernels.command()
@click.argument("sources", metavar="SOURCE…", nargs=-1, required=True)
@kernel_options
@click.pass_obj
def fetch(settings: Settings, sources: tuple[str, ...], mirror: str | None, offline: bool) -> None:
    """Put kernels into the cache and print where they are; kernels to build are built."""
    _ensure(settings, sources, mirror, offline)


@kernels.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@kernel_options
@click.pass_obj
def build(settings: Settings, names: tuple[str, ...], mirror: str | None, offline: bool) -> None:
    """Build kernels that no distribution offers (the built: sources), and print where they are."""
    _ensure(settings, tuple(f"built:{name.removeprefix('built:')}" for name in names), mirror, offline)


def _ensure(settings: Settings, sources: tuple[str, ...], mirror: str | None, offline: bool) -> None:
    access = KernelAccess(settings, mirror, offline)
    for source in sources:
        for request in access.expand(source):
            files = access.ensure(request, lambda text: click.echo(text, err=True))
            click.echo(f"{request.name}\t{files.release}\t{files.image}")
