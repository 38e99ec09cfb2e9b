"""The table of named kernels, and the way from a SOURCE (debian:…, built:…, set:…, a name) to kernels on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vdsocat.cache import Cache
from vdsocat.documents import read_documents
from vdsocat.errors import InputError, RunError, did_you_mean
from vdsocat.kernels.build import ensure_built
from vdsocat.kernels.debian import ArchitectureError, DebianArchive, NotCachedError, StaleIndexError, SuiteError
from vdsocat.kernels.download import FetchError
from vdsocat.kernels.files import KernelFiles, cached_kernels
from vdsocat.kernels.gcc_plugin import DisabledPasses
from vdsocat.kernels.job_server import JobServer
from vdsocat.kernels.kbuild import BuildRecipe
from vdsocat.kernels.packages import (
    KernelPackage,
    fetch_kernel,
    flavours,
    is_of_release,
    kernel_packages,
    version_key,
)

SOURCE_FORMS = "debian:SUITE/ARCH[/FLAVOUR], built:NAME, set:NAME"


@dataclass(frozen=True, slots=True)
class DebianArchitecture:
    """One of Debian's architectures: the flavour to take when none is named, and other names of it."""

    name: str
    flavour: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DebianRequest:
    """A kernel to take from Debian, of `release` ("7", "6.1", None for any).

    It is the newest one in all the suites, or with `first` the newest one in the first suite that has any.
    """

    name: str
    suites: tuple[str, ...]
    architecture: str
    flavour: str | None
    release: str | None = None
    first: bool = False

    def __str__(self) -> str:
        where = f"{'+'.join(self.suites)}/{self.architecture}"
        return f"debian:{where}{'/' + self.flavour if self.flavour else ''}"


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A kernel to build."""

    name: str
    recipe: BuildRecipe

    def __str__(self) -> str:
        return f"built:{self.name}"


KernelRequest = DebianRequest | BuildRequest


@dataclass(frozen=True, slots=True)
class NamedKernel:
    """An entry of the table, and the sets that it belongs to."""

    request: KernelRequest
    sets: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.request.name


@dataclass(frozen=True, slots=True)
class KernelTable:
    """qemu-images/kernels.yaml: `kernels` in the order in which a set runs, `sets` by name with what each is for."""

    kernels: tuple[NamedKernel, ...]
    sets: dict[str, str]
    architectures: tuple[DebianArchitecture, ...]
    suites: tuple[str, ...]

    def architecture(self, name: str) -> DebianArchitecture | None:
        """The architecture of this name or alias."""
        return next((one for one in self.architectures if name == one.name or name in one.aliases), None)

    def named(self, name: str) -> NamedKernel | None:
        """The entry of this name."""
        return next((one for one in self.kernels if one.name == name), None)


@dataclass(frozen=True, slots=True)
class KernelRow:
    """An entry of the table for a list: `cached` is its newest kernel in the cache, None when there is none."""

    name: str
    source: str
    release: str | None
    sets: tuple[str, ...]
    cached: KernelFiles | None


def load_kernel_table(directory: Path, cache: Path | None = None) -> KernelTable:
    """The table in `directory` (qemu-images), with its kconfig fragments; InputError names what is wrong with it."""
    path = directory / "kernels.yaml"
    raw = read_documents(directory, (path.name,), cache)[path.name]
    table = KernelTable(
        kernels=tuple(
            NamedKernel(_request_from_document(entry, directory), tuple(entry.get("sets", ())))
            for entry in raw["kernels"]
        ),
        sets={entry["set"]: entry["about"] for entry in raw["sets"]},
        architectures=tuple(
            DebianArchitecture(entry["arch"], entry["flavour"], tuple(entry.get("aliases", ())))
            for entry in raw["architectures"]
        ),
        suites=tuple(raw["suites"]),
    )
    _check_table(table, path)
    return table


def expand_source(source: str, table: KernelTable) -> tuple[KernelRequest, ...]:
    """The kernels that a SOURCE means, in the order to run them; nothing is fetched.

    Accepts debian:SUITE/ARCH[/FLAVOUR] (the newest of several suites where SUITE is written a+b), built:NAME, set:NAME
    and the name of an entry of the table; InputError, with a did-you-mean, for anything else.
    """
    kind, _, rest = source.partition(":")
    if kind == "debian":
        return (_debian_request(source, rest, table),)
    if kind == "built":
        built = {one.name: one.request for one in table.kernels if isinstance(one.request, BuildRequest)}
        if rest not in built:
            raise InputError(_no_such("kernel to build", rest, built))
        return (built[rest],)
    if kind == "set":
        if rest not in table.sets:
            raise InputError(_no_such("set of kernels", rest, table.sets))
        return tuple(one.request for one in table.kernels if rest in one.sets)
    named = table.named(source)
    if named is None:
        known = [one.name for one in table.kernels]
        raise InputError(
            f"{source!r} is no kernel that qemu-images/kernels.yaml names{did_you_mean(source, known)} "
            f"A kernel can also be given as {SOURCE_FORMS}, or as a file."
        )
    return (named.request,)


def from_source(request: KernelRequest, package: str, table: KernelTable) -> KernelRequest:
    """The same kernel, if it is one to build, from a source package of any suite; InputError for another name."""
    if not isinstance(request, BuildRequest):
        return request
    release = package.removeprefix("linux-source-")
    if not re.fullmatch(r"linux-source-\d+\.\d+", package):
        raise InputError(f"{package!r} is no package of the kernel's source: they are called linux-source-6.12, say.")
    return replace(request, recipe=replace(request.recipe, release=release, suites=table.suites))


def resolve_debian(request: DebianRequest, archive: DebianArchive, table: KernelTable) -> KernelPackage:
    """The newest kernel package that Debian's indexes have for a request.

    Of several suites, one is passed over that the mirror has not got, or not for this architecture, or whose index
    there is not genuine; the archive's `progress` is told of the latter. When none has a kernel that fits: InputError
    with what there is, StaleIndexError, or NotCachedError. FetchError and VerificationError as for a suite's Release.
    """
    refusals: list[InputError | RunError] = []
    found: list[KernelPackage] = []
    for suite in request.suites:
        try:
            found.append(_newest_in_suite(request, suite, archive, table))
        except (InputError, NotCachedError, StaleIndexError) as error:
            refusals.append(error)
            if isinstance(error, StaleIndexError) and len(request.suites) > 1:
                where = f"Debian {suite}/{request.architecture}"
                archive.progress(f"passing over {where}: the mirror's index does not match its signed Release")
        if found and request.first:
            break
    if found:
        return max(found, key=lambda one: version_key(one.package.version))
    if len(refusals) == 1:
        raise refusals[0]
    reasons = f"No suite has a kernel for {request.name}: {' '.join(str(error) for error in refusals)}"
    if all(isinstance(error, InputError) for error in refusals):
        raise InputError(reasons)
    raise FetchError(reasons)


def ensure_kernel(
    request: KernelRequest, archive: DebianArchive, table: KernelTable, jobs: JobServer | None = None
) -> KernelFiles:
    """The files of one kernel, fetched or built unless the archive's cache has them; the archive's `progress` is told.

    `jobs` are what builds share. InputError when there is no such kernel, RunError when it could not be had.
    """
    if isinstance(request, BuildRequest):
        return ensure_built(request.recipe, archive, jobs)
    return fetch_kernel(resolve_debian(request, archive, table), archive)


def list_kernels(table: KernelTable, cache: Cache) -> tuple[KernelRow, ...]:
    """The entries of the table, with what the cache holds of each; nothing is fetched."""
    cached = tuple(cached_kernels(cache))
    return tuple(
        KernelRow(
            name=one.name,
            source=str(one.request),
            release=one.request.recipe.release if isinstance(one.request, BuildRequest) else one.request.release,
            sets=one.sets,
            cached=next((files for files in cached if _serves(files, one.request)), None),
        )
        for one in table.kernels
    )


def _serves(files: KernelFiles, request: KernelRequest) -> bool:
    if isinstance(request, BuildRequest):
        return files.source == str(request)
    return (
        files.version is not None
        and files.suite in request.suites
        and files.architecture == request.architecture
        and files.flavour == request.flavour
        and is_of_release(files.version, request.release)
    )


def _debian_request(source: str, rest: str, table: KernelTable) -> DebianRequest:
    parts = rest.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise InputError(f"{source!r} is not of the form debian:SUITE/ARCH[/FLAVOUR], such as debian:bookworm/amd64.")
    suite, architecture, flavour = parts[0], parts[1], parts[2] if len(parts) == 3 else None
    known = table.architecture(architecture)
    return DebianRequest(
        name=source,
        suites=tuple(suite.split("+")),
        architecture=known.name if known else architecture,
        flavour=flavour,
    )


def _newest_in_suite(request: DebianRequest, suite: str, archive: DebianArchive, table: KernelTable) -> KernelPackage:
    architecture = request.architecture
    try:
        packages = archive.linux_packages(suite, architecture)
    except SuiteError as error:
        raise SuiteError(f"{str(error)[:-1]}{_near(suite, table.suites, 'Debian has')}") from None
    except ArchitectureError as error:
        there = archive.release(suite).architectures
        raise ArchitectureError(f"{str(error)[:-1]}{did_you_mean(architecture, there)}") from None
    kernels = kernel_packages(packages, suite, architecture)
    if not kernels:
        raise InputError(f"Debian {suite} has no kernel packages for {architecture}.")
    flavour = request.flavour or _default_flavour(kernels, architecture, suite, table)
    fitting = [one for one in kernels if one.flavour == flavour]
    if not fitting:
        raise InputError(
            f"Debian {suite}/{architecture} has no kernel of flavour {flavour!r}"
            + _near(flavour, flavours(kernels), "It has")
        )
    fitting = [one for one in fitting if is_of_release(one.package.version, request.release)]
    if not fitting:
        raise InputError(f"Debian {suite}/{architecture} has no {flavour} kernel of release {request.release}.")
    if archive.offline:
        fitting = [one for one in fitting if archive.cache.path(*one.cache_parts).is_dir()] or fitting
    return fitting[-1]


def _default_flavour(kernels: tuple[KernelPackage, ...], architecture: str, suite: str, table: KernelTable) -> str:
    there = flavours(kernels)
    known = table.architecture(architecture)
    if known and known.flavour in there:
        return known.flavour
    plain = flavours(one for one in kernels if not one.is_special)
    if len(plain) == 1:
        return plain[0]
    raise InputError(
        f"Debian {suite}/{architecture} has kernels of the flavours {', '.join(there)}; "
        f"name one, such as debian:{suite}/{architecture}/{there[0]}."
    )


def _near(wrong: str, right: tuple[str, ...], there_is: str) -> str:
    """The end of a sentence about a wrong name, with all the right ones."""
    return f"{did_you_mean(wrong, right)} {there_is} {', '.join(right)}."


def _no_such(kind: str, wrong: str, right: Any) -> str:
    return f"There is no {kind} named {wrong!r}" + _near(wrong, tuple(right), "There are")


def _request_from_document(entry: dict[str, Any], directory: Path) -> KernelRequest:
    if "debian" in entry:
        raw = entry["debian"]
        return DebianRequest(
            name=entry["kernel"],
            suites=tuple(raw["suites"]),
            architecture=raw["arch"],
            flavour=raw["flavour"],
            release=raw.get("release"),
            first=raw.get("take") == "first",
        )
    raw = entry["build"]
    return BuildRequest(
        name=entry["kernel"],
        recipe=BuildRecipe(
            name=entry["kernel"],
            arch=raw["arch"],
            cross_compile=raw["cross_compile"],
            compiler_package=raw["compiler_package"],
            fragment=directory / "kconfig" / f"{entry['kernel']}.config",
            suites=tuple(raw["suites"]),
            release=raw["release"],
            headers=raw.get("headers", {}),
            image=raw.get("image", "vmlinux"),
            variables=raw.get("variables", {}),
            tools=raw.get("tools", {}),
            disabled_passes=_disabled_passes(raw, directory),
        ),
    )


def _disabled_passes(raw: dict[str, Any], directory: Path) -> DisabledPasses | None:
    if "disabled_passes" not in raw:
        return None
    plugin = directory / "gcc-plugin" / "disabled_passes.cc"
    return DisabledPasses(tuple(raw["disabled_passes"]), plugin, raw["plugin_package"])


def _check_table(table: KernelTable, path: Path) -> None:
    names = [one.name for one in table.kernels]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: the kernel {name} is there twice.")
    for kernel in table.kernels:
        for one in kernel.sets:
            if one not in table.sets:
                raise InputError(f"{path}: the kernel {kernel.name} is in the set {one!r}, which is not among `sets`.")
        if isinstance(kernel.request, BuildRequest) and not kernel.request.recipe.fragment.is_file():
            raise InputError(f"{path}: the kernel {kernel.name} has no fragment {kernel.request.recipe.fragment}.")
