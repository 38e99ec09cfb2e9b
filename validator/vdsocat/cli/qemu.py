"""vdsocat qemu: newer QEMUs out of Debian's packages, in the cache, without root."""

from __future__ import annotations

import click

from vdsocat.cache import Cache
from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.guest.fetched_qemu import fetched_qemus
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu_packages import DEFAULT_SUITE, fetch_qemu
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("package", "version", "suite", "directory")


@click.group()
def qemu() -> None:
    """List and fetch QEMUs, such as one that is newer than the host's."""


@qemu.command("list", short_help="The QEMUs in the cache, the newest first.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_obj
def list_(settings: Settings, format_: str) -> None:
    """The QEMUs in the cache, the newest first; each directory may be given as --qemu."""
    rows = [
        {
            "package": one.package,
            "version": one.version,
            "suite": one.suite,
            "directory": str(one.directory),
            "programs": ", ".join(one.programs),
        }
        for one in fetched_qemus(Cache(settings.cache))
    ]
    click.echo(render_listing(rows, _COLUMNS, "qemu", format_, terminal_width()))


@qemu.command(short_help="Put a QEMU into the cache, ready to run.")
@click.argument("names", metavar="[NAME]…", nargs=-1)
@click.option(
    "--suite",
    metavar="SUITE",
    default=DEFAULT_SUITE,
    show_default=True,
    help="The Debian suite to take it from, such as trixie.",
)
@kernel_options
@click.pass_obj
def fetch(settings: Settings, names: tuple[str, ...], suite: str, mirror: str | None, offline: bool) -> None:
    """Put a QEMU into the cache and print where it is, ready to run.

    NAME is a Debian package (qemu-user, qemu-system-misc) or a program (qemu-system-hppa). Without one, all that
    machines and qemu-user: sources use are fetched.
    """
    archive = KernelAccess(settings, mirror, offline).archive
    archive.progress = lambda text: click.echo(text, err=True)
    if not names:
        machines = load_machines(data_directory("qemu-images") / "machines", settings.cache)
        names = (*sorted({machine.qemu for machine in machines if machine.qemu}), "qemu-user")
    seen = set()
    for name in names:
        fetched = fetch_qemu(name, suite, archive)
        if fetched.directory not in seen:
            seen.add(fetched.directory)
            click.echo(f"{fetched.package}\t{fetched.version}\t{fetched.directory}")
