"""Building the kernels of the table from a kernel tree of the user's own, again only where something changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.errors import InputError
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.job_server import JobServer
from vdsocat.kernels.kbuild import BuildRecipe, KernelBuild, compiler_version, require_tools, tool_versions

# What every tree of Linux has at its top, and few other trees have together.
_LANDMARKS = ("Makefile", "Kconfig", "arch", "scripts")
# Where the version control keeps its own: no part of a build.
_APART = (".git",)

# Beside the objects: what they were made of by the last build that ended well, and the mark of one that goes on.
_RECORD = "vdsocat-built.json"
_MARK = "vdsocat-building"
# Part of the record: to be raised when the way of building changes what comes out.
_BUILD_FORMAT = 1


@dataclass(frozen=True, slots=True)
class OwnTree:
    """A source tree of Linux as it was when it was looked at.

    `state` is a digest of the names, sizes and times of all its files, by which make, too, tells what changed;
    `kconfig` is one of those that decide how it can be configured.
    """

    path: Path
    state: str
    kconfig: str


def require_tree(path: Path) -> None:
    """InputError when it is no source tree of Linux, or was itself built in, which the kernel's Makefile refuses."""
    missing = [name for name in _LANDMARKS if not (path / name).exists()]
    if missing:
        raise InputError(f"{path}: is no source tree of Linux (there is no {missing[0]}).")
    for left in (path / ".config", path / "include/config", *path.glob("arch/*/include/generated")):
        if left.exists():
            found = left.relative_to(path)
            raise InputError(
                f"{path}: was built in (there is {found}), and its Makefile now builds nothing beside; "
                f"`make -C {path} {_architecture(found)}mrproper` removes what was made, and .config."
            )


def read_own_tree(path: Path) -> OwnTree:
    """Look at all files of a tree; a hundred thousand take a second. InputError as require_tree."""
    require_tree(path)
    state, kconfig = hashlib.sha256(), hashlib.sha256()
    root = path.resolve()
    try:
        for line, name in _files(str(root)):
            state.update(line)
            if name.startswith("Kconfig"):
                kconfig.update(line)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}).") from None
    return OwnTree(root, state.hexdigest(), kconfig.hexdigest())


def build_from_tree(
    recipe: BuildRecipe, tree: OwnTree, cache: Cache, progress: Callable[[str], None], jobs: JobServer | None = None
) -> KernelFiles:
    """The kernel of a recipe as the tree has it; nothing is written into the tree.

    Objects stay in the cache, so that make builds only what a change needs; where nothing changed since a build ended
    well, it is not even asked. RunError as `ensure_built` raises it.
    """
    require_tools(recipe)
    started = time.monotonic()
    parts = _parts(recipe, tree.path)
    with cache.lock(*parts, waiting=lambda: progress(f"waiting for another run that builds {recipe.name}")):
        log = cache.path("logs", f"tree-{recipe.name}.log")
        build = KernelBuild(recipe, tree.path, cache.path(*parts), log, progress, jobs or JobServer())
        fragment = hashlib.sha256(recipe.fragment.read_bytes()).hexdigest()
        _bring_up_to_date(build, tree, fragment)
        return KernelFiles(
            source=f"{tree.path}#{recipe.name}",
            image=build.kernel,
            config=build.config,
            package=None,
            version=None,
            architecture=None,
            flavour=recipe.name,
            suite=None,
            sha256=None,
            release=build.release,
            compiler=compiler_version(recipe),
            fragment_sha256=fragment,
            build_seconds=round(time.monotonic() - started, 2),
        )


def objects_directory(recipe: BuildRecipe, tree: Path, cache: Cache) -> Path:
    """Where the build of a recipe from a tree leaves what it makes."""
    return cache.path(*_parts(recipe, tree.resolve()))


def _parts(recipe: BuildRecipe, tree: Path) -> tuple[str, ...]:
    return "trees", hashlib.sha256(os.fsencode(tree)).hexdigest()[:12], recipe.name


@dataclass(frozen=True, slots=True)
class _Made:
    """What a kernel was made of, and the kernel's size and time as make left it."""

    configured: str
    tree: str
    image: tuple[int, int]


def _bring_up_to_date(build: KernelBuild, tree: OwnTree, fragment: str) -> None:
    """Configure and compile as far as the record of the last build says that something changed since."""
    mark = build.objects / _MARK
    if mark.exists():
        # That build was killed, so that objects can be half written, which make cannot see.
        build.progress(f"removing what a killed build of {build.recipe.name} left")
        shutil.rmtree(build.objects)
    recipe = asdict(build.recipe) | {"fragment": fragment, "suites": None, "release": None}
    passes = build.recipe.disabled_passes
    recipe["disabled_passes"] = [passes.names, passes.plugin.read_text(encoding="utf-8")] if passes else None
    configured = json.dumps([_BUILD_FORMAT, tool_versions(build.recipe), recipe, tree.kconfig], sort_keys=True)
    made = _read_made(build)
    if made is not None and made == _Made(configured, tree.state, _look_at(build.kernel)):
        return
    build.objects.mkdir(parents=True, exist_ok=True)
    (build.objects / _RECORD).unlink(missing_ok=True)
    mark.touch()
    try:
        if made is None or made.configured != configured:
            build.configure()
        build.compile()
    finally:
        # However it ended, make has ended with it, and has removed what it had not completed.
        mark.unlink(missing_ok=True)
    record = _Made(configured, tree.state, _look_at(build.kernel))
    (build.objects / _RECORD).write_text(json.dumps(asdict(record)), encoding="utf-8")


def _read_made(build: KernelBuild) -> _Made | None:
    """The record of the last build that ended well; None when there is none, or its kernel or configuration is gone."""
    try:
        raw = json.loads((build.objects / _RECORD).read_text(encoding="utf-8"))
        made = _Made(raw["configured"], raw["tree"], tuple(raw["image"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if build.kernel.is_file() and build.config.is_file() else None


def _look_at(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _files(root: str) -> Iterator[tuple[bytes, str]]:
    """What tells about each file of a tree whether it changed, and the file's name; OSError for what cannot be read.

    Links are followed as make follows them, also those to directories elsewhere.
    """
    tops = [root]
    for top in tops:
        yield from _files_below(top, tops)


def _files_below(directory: str, tops: list[str]) -> Iterator[tuple[bytes, str]]:
    with os.scandir(directory) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in _APART:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, tops)
            continue
        leads_nowhere = entry.is_symlink() and not Path(entry).exists()
        status = entry.stat(follow_symlinks=not leads_nowhere)
        yield os.fsencode(f"{entry.path}\0{status.st_mode}\0{status.st_size}\0{status.st_mtime_ns}\n"), entry.name
        if entry.is_symlink() and entry.is_dir():
            target = os.path.realpath(entry.path)
            if not any(Path(target).is_relative_to(top) for top in tops):
                tops.append(target)


def _architecture(left: Path) -> str:
    """The word for make that names the architecture, where a directory of it tells which."""
    return f"ARCH={left.parts[1]} " if left.parts[0] == "arch" else ""
