"""The options and the access to kernels that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from vdsocat.cache import Cache
from vdsocat.catalog.files import data_directory
from vdsocat.cli.settings import Settings
from vdsocat.kernels.apt_sources import debian_mirror, read_apt_sources
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.table import KernelRequest, KernelTable, ensure_kernel, expand_source, load_kernel_table

_APT = Path("/etc/apt")


def kernel_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --mirror and --offline to a command."""
    mirror = click.option(
        "--mirror", metavar="URL", help="Fetch from this Debian mirror [default: the one that apt is configured with]."
    )
    offline = click.option("--offline", is_flag=True, help="Use only what is in the cache.")
    return mirror(offline(command))


@dataclass(frozen=True)
class KernelAccess:
    """The table of kernels, and the archive that they are fetched from."""

    table: KernelTable
    archive: DebianArchive

    def expand(self, source: str) -> tuple[KernelRequest, ...]:
        """The kernels that a SOURCE means; see vdsocat.kernels.table.expand_source."""
        return expand_source(source, self.table)

    def ensure(self, request: KernelRequest, progress: Callable[[str], None]) -> KernelFiles:
        """The files of a kernel, fetched or built if need be; `progress` is told what is being done."""
        return ensure_kernel(request, replace(self.archive, progress=progress), self.table)


def kernel_access(settings: Settings, mirror: str | None, offline: bool) -> KernelAccess:
    """The kernels, as the options and the configuration of apt say."""

    def mirror_of(suite: str) -> str:
        return mirror or debian_mirror(read_apt_sources(_APT), suite)

    archive = DebianArchive(Cache(settings.cache), mirror_of, offline=offline)
    return KernelAccess(load_kernel_table(data_directory("qemu-images")), archive)
