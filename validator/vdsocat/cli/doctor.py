"""vdsocat doctor: what is installed, what is missing, and what each missing thing costs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.errors import VdsocatError
from vdsocat.guest.machines import load_machines
from vdsocat.guest.programs import QEMU_USER_TARGETS
from vdsocat.guest.qemu import debian_package, qemu_finder, qemu_version, version_key
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("tool", "found", "needed_for")


@click.command()
@click.option(
    "--qemu",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Look for QEMU's binaries in this directory instead of PATH.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_context
def doctor(context: click.Context, qemu: Path | None, format_: str) -> None:
    """Say what is installed, and what each missing thing costs. Status 3 if no kernel can be booted."""
    settings: Settings = context.obj
    rows = [*_systems(settings, qemu), *_users(qemu), *_fetching(), *_building(settings)]
    click.echo(render_listing(rows, _COLUMNS, "doctor", format_, terminal_width()))
    bootable = any(row["found"] for row in rows if (row["tool"] or "").startswith("qemu-system-"))
    context.exit(0 if bootable else 3)


def _systems(settings: Settings, directory: Path | None) -> Iterator[dict[str, str | None]]:
    abis: dict[str, list[str]] = {}
    least: dict[str, str] = {}
    for machine in load_machines(data_directory("qemu-images") / "machines", settings.cache):
        abis.setdefault(machine.qemu, []).extend(machine.abis)
        if machine.least_qemu:
            least[machine.qemu] = machine.least_qemu
    for binary, names in sorted(abis.items()):
        version = _version(binary, directory)
        needed_for = f"booting {', '.join(dict.fromkeys(names))}"
        if version and binary in least and version_key(version) < version_key(least[binary]):
            needed_for += f"; this one is too old, {least[binary]} and newer do"
        yield _row(binary, version, needed_for, debian_package(binary))


def _users(directory: Path | None) -> Iterator[dict[str, str | None]]:
    found: dict[str, list[str]] = {}
    for probe, target in QEMU_USER_TARGETS.items():
        found.setdefault(_version(f"qemu-{target}", directory) or "", []).append(probe)
    for version, probes in sorted(found.items(), reverse=True):
        hint = ""
        if version and version_key(version) < (8, 2):
            hint = "; this one maps no vDSO, 8.2 and newer do"
        yield _row("qemu-user", version or None, f"check qemu-user:ABI for {len(probes)} probes{hint}", "qemu-user")


def _fetching() -> Iterator[dict[str, str | None]]:
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    yield _row("gpgv", _found("gpgv"), "checking the signature of what is fetched from Debian", "gpgv")
    yield _row(
        "keyring",
        "yes" if keyring.is_file() else None,
        "checking the signature of what is fetched from Debian",
        "debian-archive-keyring",
    )


def _building(settings: Settings) -> Iterator[dict[str, str | None]]:
    from vdsocat.kernels.table import BuildRequest

    for named in KernelAccess(settings, offline=True).table.kernels:
        if isinstance(named.request, BuildRequest):
            recipe = named.request.recipe
            compiler = f"{recipe.cross_compile}gcc"
            yield _row(compiler, _found(compiler), f"building the kernel {named.name}", recipe.compiler_package)
    for tool in ("make", "flex", "bison", "bc"):
        yield _row(tool, _found(tool), "building kernels", tool)


def _row(tool: str, found: str | None, needed_for: str, package: str) -> dict[str, str | None]:
    return {
        "tool": tool,
        "found": found,
        "needed_for": needed_for if found else f"MISSING, so no {needed_for}; Debian package {package}",
    }


def _found(command: str) -> str | None:
    return "yes" if shutil.which(command) else None


def _version(binary: str, directory: Path | None) -> str | None:
    try:
        return qemu_version(qemu_finder(directory)(binary))
    except VdsocatError:
        return None
