"""Building the kernels of the table from a kernel tree of the user's own, again only where something changed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.errors import InputError
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.kbuild import BuildRecipe, KernelBuild, compiler_version, processors, require_tools

# What every tree of Linux has at its top, and few other trees have together.
_LANDMARKS = ("Makefile", "Kconfig", "arch", "scripts")


def require_tree(tree: Path) -> None:
    """InputError when a directory is no source tree of Linux, or was itself built in, which an O= build refuses."""
    missing = [name for name in _LANDMARKS if not (tree / name).exists()]
    if missing:
        raise InputError(f"{tree}: is no source tree of Linux (there is no {missing[0]}).")
    if (tree / ".config").exists() or (tree / "include" / "config").exists():
        raise InputError(f"{tree}: was built in; kernels are built beside a clean tree (`make mrproper` cleans it).")


def build_from_tree(
    recipe: BuildRecipe, tree: Path, cache: Cache, progress: Callable[[str], None], jobs: int | None = None
) -> KernelFiles:
    """The kernel of a recipe as `tree` has it now; nothing is written into the tree.

    Objects stay in the cache, so that make builds only what a change needs. InputError for what is no tree, RunError
    as `ensure_built` raises it.
    """
    require_tree(tree)
    require_tools(recipe)
    parts = ("trees", hashlib.sha256(os.fsencode(tree.resolve())).hexdigest()[:12], recipe.name)
    with cache.lock(*parts, waiting=lambda: progress(f"waiting for another run that builds {recipe.name}")):
        started = time.monotonic()
        log = cache.path("logs", f"tree-{recipe.name}.log")
        build = KernelBuild(recipe, tree.resolve(), cache.path(*parts), log, progress, jobs or processors())
        build.configure()
        build.compile()
        return KernelFiles(
            source=f"{tree}#{recipe.name}",
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
            fragment_sha256=hashlib.sha256(recipe.fragment.read_bytes()).hexdigest(),
            build_seconds=round(time.monotonic() - started, 1),
        )
