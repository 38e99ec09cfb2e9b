"""SOURCE arguments: what a kernel file, a capture, `host`, `qemu-user:ABI` or a named kernel stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vdsocat.capture import Capture, read_capture
from vdsocat.catalog.model import Catalog
from vdsocat.check import BootTask, CheckTask, Progress, Task
from vdsocat.costs import Costs
from vdsocat.errors import InputError
from vdsocat.guest.job import BootJob
from vdsocat.guest.run import BootPlan, BootSettings, KernelUnderTest, plan_boot
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.kernels.build_tree import BuildTree, read_build_tree
from vdsocat.kernels.directory import kernels_in
from vdsocat.kernels.image import identify_kernel
from vdsocat.kernels.static import is_vdso_image
from vdsocat.static_capture import capture_image_file, capture_kernel, capture_linked_images

if TYPE_CHECKING:
    from vdsocat.kernels.files import KernelFiles
    from vdsocat.kernels.table import KernelRequest

_QEMU_USER = "qemu-user:"
_LARGEST_VDSO = 4 << 20
_PACKAGE = b"!<arch>\ndebian-binary"


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What turning a SOURCE into a capture needs.

    `expand` resolves a SOURCE that is no file into kernels, `ensure` fetches or builds one; `logs` is the directory
    for console logs; `config` overrides the configuration of a kernel given as a file; `excluded` are names of kernels
    that are left out of sets. With `static` nothing is booted: kernels are judged by the images that they carry.
    With `cost` what is booted measures what calls cost, too. Captures that the cache keeps are not
    looked at when boots are to be made `again`; `earlier` finds the capture of a source that an unfinished run left.
    `name` is what results call the source, where that is not its own name.
    """

    boot: BootSettings
    catalog: Catalog
    expand: Callable[[str], Sequence[KernelRequest]]
    ensure: Callable[[KernelRequest, Progress], KernelFiles]
    logs: Path
    config: Path | None = None
    excluded: frozenset[str] = frozenset()
    static: bool = False
    cost: bool = False
    again: bool = False
    earlier: Callable[[str], Capture | None] = lambda source: None
    name: str | None = None

    def requests(self, source: str) -> Iterator[KernelRequest]:
        """The kernels that a SOURCE means, without the excluded ones."""
        return (request for request in self.expand(source) if request.name not in self.excluded)


def tasks_for(sources: Sequence[str], settings: SourceSettings) -> Iterator[Task]:
    """The tasks that the sources stand for, in order. InputError for a source that cannot be any of the forms."""
    for source in sources:
        if source == "host":
            yield CheckTask(settings.name or source, lambda stop, progress: _capture_host(settings))
        elif source.startswith(_QEMU_USER):
            for abi in _emulated_abis(source.removeprefix(_QEMU_USER), settings):
                yield CheckTask(
                    settings.name or f"{_QEMU_USER}{abi}",
                    lambda stop, progress, abi=abi: _capture_qemu_user(abi, settings),  # type: ignore[misc]
                )
        elif _is_file(source):
            yield from _tasks_for_path(Path(source), settings)
        else:
            for request in settings.requests(source):
                yield _task_for_named(request, settings)


def plans_for(tasks: Iterable[Task], progress: Progress) -> Iterator[BootPlan]:
    """The boots that the tasks would run, prepared but not begun (`--dry-run`)."""
    for task in tasks:
        if not isinstance(task, BootTask):
            raise InputError(f"{task.source}: is not booted, so there is no QEMU command to print.")
        job = task.job(StopRequest(), progress)
        yield plan_boot(job.kernel, job.settings, job.cost)


def looks_like_path(source: str) -> bool:
    """Whether a source can only be a path: those have a slash, and no colon as the named forms have."""
    return ("/" in source and ":" not in source) or source.startswith((".", "/"))


def log_name(source: str) -> str:
    """A file name for what belongs to a source."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", source).strip("_") or "source"


def kernel_of(source: str, files: KernelFiles) -> KernelUnderTest:
    """A kernel in the cache as one to look at; `source` is what results call it."""
    return KernelUnderTest(
        source=source,
        image=files.image,
        config=files.config,
        package=files.package,
        package_version=files.version,
        package_architecture=files.architecture,
        package_sha256=files.sha256,
        suite=files.suite,
        build_seconds=files.build_seconds if files.package is None else None,
    )


def _is_file(source: str) -> bool:
    return Path(source).exists() or looks_like_path(source)


def _tasks_for_path(path: Path, settings: SourceSettings) -> Iterator[Task]:
    """One task for a file or a build tree, as many as it has kernels for another directory."""
    if not path.is_dir():
        yield _task_for_file(path, settings)
        return
    try:
        tree = read_build_tree(path)
        kernels = () if tree is not None else kernels_in(path, _is_source)
    except InputError as error:
        yield _refused(settings.name or str(path), error)
        return
    if tree is not None:
        yield _task_for_tree(tree, settings)
    for one in kernels:
        yield _task_for_file(one, replace(settings, name=None))


def _refused(name: str, error: InputError) -> Task:
    """A task that says why there is nothing to do, so that the other sources are not spoilt."""

    def capture(stop: StopRequest, progress: Progress) -> Capture:
        raise error

    return CheckTask(name, capture)


def _task_for_file(path: Path, settings: SourceSettings) -> Task:
    name = settings.name or str(path)
    if path.exists() and not path.is_file():
        # Of a pipe, whoever looks what is in it takes that away, and may wait for ever.
        return _refused(name, InputError(f"{path} is no regular file"))
    if _begins_with(path, b"{"):
        return CheckTask(name, lambda stop, progress: read_capture(path))
    if _is_vdso(path):
        return CheckTask(name, lambda stop, progress: capture_image_file(path, settings.catalog))
    return _task_for_kernel(name, lambda stop, progress: _kernel_at(path, settings), settings)


def _task_for_tree(tree: BuildTree, settings: SourceSettings) -> Task:
    name = settings.name or str(tree.root)
    if settings.static and not tree.images and tree.vdsos:
        return CheckTask(name, lambda stop, progress: capture_linked_images(tree, name, settings.catalog))

    def kernel(stop: StopRequest, progress: Progress) -> KernelUnderTest:
        found = KernelUnderTest(source=name, image=tree.image, config=settings.config or tree.config)
        if choice := tree.choice():
            progress(choice)
        return found

    return _task_for_kernel(name, kernel, settings)


def _task_for_named(request: KernelRequest, settings: SourceSettings) -> Task:
    def kernel(stop: StopRequest, progress: Progress) -> KernelUnderTest:
        def tell(text: str) -> None:
            # Fetching and building speak every second or two: there they can be stopped.
            if stop.is_set():
                raise InterruptedRunError
            progress(text)

        return kernel_of(request.name, settings.ensure(request, tell))

    return _task_for_kernel(settings.name or request.name, kernel, settings, to_build=str(request).startswith("built:"))


def _task_for_kernel(
    name: str,
    find: Callable[[StopRequest, Progress], KernelUnderTest],
    settings: SourceSettings,
    to_build: bool = False,
) -> Task:
    """To read a kernel, or to boot it; `find` fetches or builds it if need be."""

    def kernel(stop: StopRequest, progress: Progress) -> KernelUnderTest:
        return replace(find(stop, progress), source=name)

    def read(stop: StopRequest, progress: Progress) -> Capture:
        found = kernel(stop, progress)
        progress(f"reading {name}")
        return capture_kernel(found, settings.catalog)

    def job(stop: StopRequest, progress: Progress) -> BootJob:
        return BootJob(
            kernel=kernel(stop, progress),
            settings=settings.boot,
            log=settings.logs / f"{log_name(name)}.log",
            cost=settings.cost,
            again=settings.again,
            earlier=settings.earlier(name),
        )

    return CheckTask(name, read) if settings.static else BootTask(name, job, to_build)


def _kernel_at(path: Path, settings: SourceSettings) -> KernelUnderTest:
    """The kernel that a path means: the file itself, or the one in a .deb."""
    if _begins_with(path, _PACKAGE):
        from vdsocat.kernels.packages import unpack_package_file

        files = unpack_package_file(path, settings.boot.cache)
        return replace(kernel_of(str(path), files), config=settings.config or files.config)
    return KernelUnderTest(source=str(path), image=path, config=settings.config or _config_beside(path))


def _is_source(path: Path) -> bool:
    """Whether a file of a directory is a kernel by its contents, or a vDSO image in a file of its own."""
    if _begins_with(path, _PACKAGE):
        return False  # what is a kernel's package is named like one
    try:
        return _is_vdso(path) or identify_kernel(path) is not None
    except InputError:
        return False


def _config_beside(path: Path) -> Path | None:
    """The configuration that lies beside a kernel: config-RELEASE for vmlinuz-RELEASE, or .config."""
    release = re.match(r"vmlinu[xz]-(.+)\Z", path.name)
    names = ([f"config-{release.group(1)}"] if release else []) + [".config", "config"]
    return next((path.parent / name for name in names if (path.parent / name).is_file()), None)


def _begins_with(path: Path, mark: bytes) -> bool:
    """Whether the file's first bytes, white space aside, are these."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith(mark)
    except OSError:
        return False


def _is_vdso(path: Path) -> bool:
    """Whether it is a vDSO image; larger files than any such are not even read."""
    try:
        return path.stat().st_size <= _LARGEST_VDSO and is_vdso_image(path.read_bytes())
    except OSError:
        return False


def _capture_host(settings: SourceSettings) -> Capture:
    from vdsocat.guest.programs import capture_host

    return _uncounted(capture_host(settings.boot.machines), settings)


def _emulated_abis(abi: str, settings: SourceSettings) -> Sequence[str]:
    """The ABI itself, or those of all user-mode emulators that there are."""
    from vdsocat.guest.programs import emulated_abis

    return emulated_abis(settings.boot.qemu) if abi == "all" else (abi,)


def _capture_qemu_user(abi: str, settings: SourceSettings) -> Capture:
    from vdsocat.guest.programs import capture_qemu_user

    return _uncounted(capture_qemu_user(abi, settings.catalog, settings.boot.qemu), settings)


def _uncounted(capture: Capture, settings: SourceSettings) -> Capture:
    """The capture of what is not booted; where costs are wanted it says why there are none."""
    if not settings.cost:
        return capture
    costs = Costs(unknown="Instructions are counted in a machine of QEMU's alone (-icount), and this was not booted.")
    return replace(capture, abis=tuple(replace(abi, costs=costs) for abi in capture.abis))
