"""The options and the access to kernels that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vdsocat.cli.collected import collected
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory

if TYPE_CHECKING:
    from vdsocat.catalog.model import Catalog
    from vdsocat.kernels.debian import DebianArchive
    from vdsocat.kernels.files import KernelFiles
    from vdsocat.kernels.job_server import JobServer
    from vdsocat.kernels.own_tree import OwnTree
    from vdsocat.kernels.table import KernelRequest, KernelTable
    from vdsocat.sources import SourceSettings

_APT = Path("/etc/apt")


def kernel_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --mirror and --offline to a command."""
    mirror = click.option(
        "--mirror", metavar="URL", help="Fetch from this Debian mirror [default: the one that apt is configured with]."
    )
    offline = click.option("--offline", is_flag=True, help="Use only what is in the cache.")
    return mirror(offline(command))


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What kernels are built from: a `tree` of the user's own, the Debian package `source`, or as their recipes say."""

    tree: Path | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        """UsageError when both are named."""
        if self.tree is not None and self.source is not None:
            raise click.UsageError("--tree and --source both say what to build from: name one.")

    def default_sources(self) -> tuple[str, ...]:
        """What is meant where no SOURCE is named."""
        return ("set:tree",) if self.tree or self.source else ()

    def require_tree(self) -> None:
        """InputError when the tree is none that kernels are built from, before anything is done."""
        if self.tree is not None:
            from vdsocat.kernels.own_tree import require_tree

            require_tree(self.tree)


build_options = collected(
    "build",
    BuildOptions,
    (
        click.option(
            "--tree",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            metavar="DIR",
            help="Build the built: kernels from this kernel tree.",
        ),
        click.option(
            "--source", metavar="PACKAGE", help="Build them from this package of Debian's, such as linux-source-6.12."
        ),
    ),
)


def qemu_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --qemu to a command."""
    return click.option(
        "--qemu",
        metavar="WHERE",
        help="Take QEMU not from PATH but from a directory, `fetched` (vdsocat qemu), docker:IMAGE, podman:IMAGE.",
    )(command)


@dataclass(frozen=True)
class KernelAccess:
    """The table of kernels, and the archive that they are fetched from, as the options and apt's configuration say.

    What fetching takes is loaded only when a kernel is asked for by name: a third of a check's start-up.
    """

    settings: Settings
    mirror: str | None = None
    offline: bool = False
    build: BuildOptions = BuildOptions()
    qemu: str | None = None

    @cached_property
    def table(self) -> KernelTable:
        """The named kernels."""
        from vdsocat.kernels.table import load_kernel_table

        return load_kernel_table(data_directory("qemu-images"), self.settings.cache)

    @cached_property
    def archive(self) -> DebianArchive:
        """Debian's archive behind the cache."""
        from vdsocat.cache import Cache
        from vdsocat.kernels.debian import DebianArchive

        return DebianArchive(Cache(self.settings.cache), self._mirror_of, offline=self.offline)

    @cached_property
    def own_tree(self) -> OwnTree | None:
        """The tree of the user's own, as it was when it was first asked for; None when there is none."""
        if self.build.tree is None:
            return None
        from vdsocat.kernels.own_tree import read_own_tree

        return read_own_tree(self.build.tree)

    def expand(self, source: str) -> tuple[KernelRequest, ...]:
        """The kernels that a SOURCE means; see vdsocat.kernels.table.expand_source."""
        from vdsocat.kernels.table import expand_source, from_source

        requests = expand_source(source, self.table)
        if self.own_tree is not None or self.build.source is None:
            return requests
        moved = tuple(from_source(request, self.build.source, self.table) for request in requests)
        self._require_source(moved)
        return moved

    def ensure(self, request: KernelRequest, progress: Callable[[str], None]) -> KernelFiles:
        """The files of a kernel, fetched or built if need be; `progress` is told what is being done."""
        from vdsocat.kernels.table import BuildRequest, ensure_kernel

        if self.own_tree is not None and isinstance(request, BuildRequest):
            from vdsocat.kernels.own_tree import build_from_tree

            return build_from_tree(request.recipe, self.own_tree, self.archive.cache, progress, self._jobs)
        return ensure_kernel(request, replace(self.archive, progress=progress), self.table, self._jobs)

    def static_sources(self, catalog: Catalog, config: Path | None = None) -> SourceSettings:
        """What `vdsocat.images.images_of` needs; `config` is the configuration of a kernel given as a file."""
        from vdsocat.cache import Cache
        from vdsocat.guest.machines import load_machines
        from vdsocat.guest.qemu import qemu_finder
        from vdsocat.guest.run import BootSettings
        from vdsocat.sources import SourceSettings

        cache = Cache(self.settings.cache)
        machines = load_machines(data_directory("qemu-images") / "machines", self.settings.cache)
        boot = BootSettings(machines, cache, qemu_finder(self.qemu, cache))
        return SourceSettings(boot, catalog, self.expand, self.ensure, cache.path("logs"), config, static=True)

    @cached_property
    def _jobs(self) -> JobServer:
        """What all builds of this run share."""
        from vdsocat.kernels.job_server import JobServer

        return JobServer()

    def _require_source(self, requests: Sequence[KernelRequest]) -> None:
        """InputError, once for all the kernels that are to be built from the same package, when there is none."""
        from vdsocat.kernels.build import find_source
        from vdsocat.kernels.table import BuildRequest

        for request in requests:
            if isinstance(request, BuildRequest):
                find_source(request.recipe, self.archive)
                return

    def _mirror_of(self, suite: str) -> str:
        from vdsocat.kernels.apt_sources import debian_mirror, read_apt_sources

        return self.mirror or debian_mirror(read_apt_sources(_APT), suite)
