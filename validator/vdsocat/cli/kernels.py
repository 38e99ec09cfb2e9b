"""vdsocat kernels: what kernels there are to check, fetched from Debian or built."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from vdsocat.cli.kernel_options import BuildOptions, KernelAccess, build_options, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.errors import MissingToolsError, RunError
from vdsocat.kernels.table import list_kernels
from vdsocat.report.listing import FORMATS, render_listing


@click.group()
def kernels() -> None:
    """List, fetch and build kernels."""


@kernels.command("list", short_help="The kernels that have names, and which are in the cache.")
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


@kernels.command(short_help="What was booted of every system, and why no more.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "--into",
    "page",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Write the list, as Markdown, between the two marks in this page.",
)
@click.pass_obj
def systems(settings: Settings, format_: str, page: Path | None) -> None:
    """Every ABI on every kernel that runs it: what was booted, what was only read or emulated, and why.

    The release and the date are of the newest kernel that was booted, or else read; where there was none, the date says
    when that was last looked into. A provider's column says since which of its releases it maps a vDSO of its own.
    """
    from vdsocat.report.systems import render_systems, system_columns, system_rows, with_systems

    catalog = settings.load_catalog()
    rows = system_rows(catalog, settings.catalog_root, settings.cache)
    columns = system_columns(catalog)
    if page is not None:
        page.write_text(with_systems(page.read_text("utf-8"), page, render_systems(rows, columns)), "utf-8")
        return
    click.echo(render_listing(rows, columns, "systems", format_, terminal_width()))


@kernels.command(short_help="Put kernels into the cache, and print where they are.")
@click.argument("sources", metavar="SOURCE…", nargs=-1, required=True)
@kernel_options
@click.pass_obj
def fetch(settings: Settings, sources: tuple[str, ...], mirror: str | None, offline: bool) -> None:
    """Put kernels into the cache and print where they are; kernels to build are built."""
    _ensure(KernelAccess(settings, mirror, offline), sources)


@kernels.command("build", short_help="Build kernels (built:), and print where they are.")
@click.argument("names", metavar="NAME…", nargs=-1)
@click.option("--all", "every", is_flag=True, help="One for each architecture: what set:tree has.")
@build_options
@kernel_options
@click.pass_obj
def build_kernels(
    settings: Settings,
    names: tuple[str, ...],
    every: bool,
    build: BuildOptions,
    mirror: str | None,
    offline: bool,
) -> None:
    """Build kernels (the built: sources), and print where they are. `vdsocat check --tree` builds and checks them."""
    if bool(names) is every:
        raise click.UsageError("Name the kernels to build, or say --all.")
    build.require_tree()
    sources = ("set:tree",) if every else tuple(f"built:{name.removeprefix('built:')}" for name in names)
    _ensure(KernelAccess(settings, mirror, offline, build), sources)


def _ensure(access: KernelAccess, sources: tuple[str, ...]) -> None:
    """Have each kernel, and print where it is; one that cannot be had does not keep the others from it.

    RunError at the end, when there are any of those.
    """
    requests = [request for source in sources for request in access.expand(source)]
    failed: dict[str, RunError] = {}
    with StatusLine(sys.stderr, len(requests)) as status:
        for request in requests:
            try:
                files = access.ensure(request, status.tell)
            except RunError as error:
                if len(requests) == 1:
                    raise
                failed[request.name] = error
                with status.paused():
                    click.echo(error.sentence(), err=True)
            else:
                with status.paused():
                    click.echo(f"{request.name}\t{files.release}\t{files.image}")
            status.ended()
    if failed:
        raise RunError(_tell_failed(failed))


def _tell_failed(failed: Mapping[str, RunError]) -> str:
    packages = {one for error in failed.values() if isinstance(error, MissingToolsError) for one in error.packages}
    remedy = (
        f"; on Debian, `apt-get install {' '.join(sorted(packages))}` brings what is not installed" if packages else ""
    )
    return f"There is no kernel {', '.join(failed)}{remedy}."
