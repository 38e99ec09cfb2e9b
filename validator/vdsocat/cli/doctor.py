"""vdsocat doctor: what is installed, what is missing, and what each missing thing costs."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from vdsocat.cache import Cache
from vdsocat.catalog.model import Provider
from vdsocat.cli.kernel_options import KernelAccess, qemu_option
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.errors import VdsocatError
from vdsocat.guest.machines import Machine, load_machines
from vdsocat.guest.programs import QEMU_USER_TARGETS
from vdsocat.guest.qemu import FETCHED, Qemu, QemuFinder, debian_package, qemu_finder
from vdsocat.guest.qemu_targets import offered_targets, targets_with_vdso
from vdsocat.guest.qemu_version import version_key
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("tool", "found", "needed_for")
_Row = dict[str, str | None]


@click.command()
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@qemu_option
@click.pass_context
def doctor(context: click.Context, qemu: str | None, format_: str) -> None:
    """Say what is installed, and what each missing thing costs. Status 3 if no kernel can be booted."""
    settings: Settings = context.obj
    cache = Cache(settings.cache)
    finder = qemu_finder(qemu, cache)
    rows = [*_systems(settings, finder), *_users(finder), *_fetching(), *_building(settings)]
    provider = settings.load_catalog().providers.get("qemu-user")
    rows += _offered(finder, provider)
    if qemu is None:
        rows += _offered(qemu_finder(FETCHED, cache), provider)
    click.echo(render_listing(rows, _COLUMNS, "doctor", format_, terminal_width()))
    bootable = any(row["found"] for row in rows if (row["tool"] or "").startswith("qemu-system-"))
    context.exit(0 if bootable else 3)


def _systems(settings: Settings, finder: QemuFinder) -> Iterator[_Row]:
    machines = load_machines(data_directory("qemu-images") / "machines", settings.cache)
    for binary in sorted({machine.qemu for machine in machines if machine.qemu}):
        yield _system(binary, [machine for machine in machines if machine.qemu == binary], settings, finder)

    programs: dict[str, list[str]] = {}
    for machine in machines:
        if machine.host is not None:
            programs.setdefault(machine.host, []).extend(machine.abis)
    for host, names in programs.items():
        found_here = "yes" if platform.machine() == host else None
        needed_for = f"booting {', '.join(names)}: programs of {host} computers, without QEMU"
        yield {"tool": "User Mode Linux", "found": found_here, "needed_for": needed_for}


def _system(binary: str, machines: Sequence[Machine], settings: Settings, finder: QemuFinder) -> _Row:
    """A program with what it boots, and what an old one, or none, means for that and what to do then."""
    least = max((machine.least_qemu or "0" for machine in machines), key=version_key)
    found = _find(finder, binary, least) or _find(finder, binary)
    needed_for = f"booting {', '.join(dict.fromkeys(name for machine in machines for name in machine.abis))}"
    if finder.places is None and finder.where != FETCHED and found and _is_fetched(found, settings):
        needed_for += "; the fetched one, that of PATH being missing or too old"
    if found and not found.is_at_least(least):
        needed_for += f"; this one is too old, {least} and newer do: {finder.newer(binary)}"
    elif found:
        older = [machine.older for machine in machines if machine.older and not found.is_at_least(machine.older.before)]
        lost = dict.fromkeys(f"; before {one.before} without {one.loses}" for one in older)
        needed_for += "".join(lost)
    row = _row(binary, found.version if found else None, needed_for, debian_package(binary))
    instead = dict.fromkeys(machine.instead for machine in machines if machine.instead)
    if instead and not (found and found.is_at_least(least)):
        row["needed_for"] = " ".join([f"{(row['needed_for'] or '').removesuffix('.')}.", *instead])
    return row


def _is_fetched(qemu: Qemu, settings: Settings) -> bool:
    return Path(qemu.program).is_relative_to(settings.cache)


def _users(finder: QemuFinder) -> Iterator[_Row]:
    found: dict[str, list[str]] = {}
    for probe, target in QEMU_USER_TARGETS.items():
        qemu = _find(finder, f"qemu-{target}")
        found.setdefault((qemu.version if qemu else None) or "", []).append(probe)
    for version, probes in sorted(found.items(), reverse=True):
        yield _row("qemu-user", version or None, f"check qemu-user:ABI for {len(probes)} probes", "qemu-user")


def _offered(finder: QemuFinder, provider: Provider | None) -> Iterator[_Row]:
    """Which targets there are, and for which of those of user mode a vDSO is mapped."""
    for group in offered_targets(finder):
        told = ", ".join(group.targets)
        if group.mode == "user" and provider and group.version:
            mapped = targets_with_vdso(provider, group.version, group.targets)
            rest = [target for target in group.targets if target not in mapped]
            told = f"a vDSO for {', '.join(mapped) or 'none'}; none for {', '.join(rest) or 'no other'}"
        yield {"tool": f"QEMU {finder.where}, {group.mode} targets", "found": group.version, "needed_for": told}


def _fetching() -> Iterator[_Row]:
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    yield _row("gpgv", _found("gpgv"), "checking the signature of what is fetched from Debian", "gpgv")
    yield _row(
        "keyring",
        "yes" if keyring.is_file() else None,
        "checking the signature of what is fetched from Debian",
        "debian-archive-keyring",
    )


def _building(settings: Settings) -> Iterator[_Row]:
    from vdsocat.kernels.table import BuildRequest

    for named in KernelAccess(settings, offline=True).table.kernels:
        if isinstance(named.request, BuildRequest):
            recipe = named.request.recipe
            compiler = f"{recipe.cross_compile}gcc"
            yield _row(compiler, _found(compiler), f"building the kernel {named.name}", recipe.compiler_package)
    for tool in ("make", "flex", "bison", "bc"):
        yield _row(tool, _found(tool), "building kernels", tool)


def _row(tool: str, found: str | None, needed_for: str, package: str) -> _Row:
    return {
        "tool": tool,
        "found": found,
        "needed_for": needed_for if found else f"MISSING, so no {needed_for}; Debian package {package}",
    }


def _found(command: str) -> str | None:
    return "yes" if shutil.which(command) else None


def _find(finder: QemuFinder, binary: str, least: str | None = None) -> Qemu | None:
    try:
        return finder(binary, least)
    except VdsocatError:
        return None
