"""The source of a kernel that the table names, for tests that build something else out of it."""

from __future__ import annotations

import os
from pathlib import Path

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.settings import Settings
from vdsocat.kernels.build import find_source, source_tree
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.kbuild import BuildRecipe
from vdsocat.kernels.table import BuildRequest


def recipe_of(kernel: str) -> tuple[BuildRecipe, DebianArchive]:
    """The recipe of a kernel to build ("built:riscv64"), and the archive that its source is in."""
    kernels = KernelAccess(Settings.from_environment(None, None, os.environ))
    (request,) = kernels.expand(kernel)
    assert isinstance(request, BuildRequest)
    return request.recipe, kernels.archive


def source_of(kernel: str) -> Path:
    """The tree that the kernel is built from, fetched from Debian unless the cache has it."""
    recipe, archive = recipe_of(kernel)
    suite, package = find_source(recipe, archive)
    return source_tree(package, suite, archive)
