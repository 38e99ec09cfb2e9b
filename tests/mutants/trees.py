"""A copy of a kernel's source tree to plant defects in, and the builds of it, which make again only what they must."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planted import Mutant

from vdsocat.kernels.build import find_source, source_tree
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.job_server import JobServer
from vdsocat.kernels.kbuild import BuildRecipe, KernelBuild, require_tools
from vdsocat.kernels.own_tree import objects_directory


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree whose files are links to the `pristine` one's until a defect is planted in them."""

    pristine: Path
    directory: Path

    @property
    def source(self) -> Path:
        """Where the copy is."""
        return self.directory / "linux"

    @contextlib.contextmanager
    def planted(self, mutant: Mutant) -> Iterator[None]:
        """The tree with the defect of a mutant in it; RunError when the source has no place for it."""
        try:
            for edit in mutant.edits:
                text = (self.source / edit.file).read_text(encoding="utf-8")
                self._replace(edit.file, edit.applied_to(text))
            yield
        finally:
            self.heal(mutant)

    def heal(self, mutant: Mutant) -> None:
        """Put back the files that a mutant changes, where they differ, as new ones, which make notices."""
        for edit in mutant.edits:
            original = (self.pristine / edit.file).read_text(encoding="utf-8")
            if (self.source / edit.file).read_text(encoding="utf-8") != original:
                self._replace(edit.file, original)

    def _replace(self, name: str, text: str) -> None:
        """Write a file anew; what it was a link to stays as it is."""
        path = self.source / name
        path.unlink()
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def source_copy(recipe: BuildRecipe, archive: DebianArchive) -> Iterator[Tree]:
    """The tree of a recipe's source in the archive's cache, for one run at a time."""
    require_tools(recipe)
    suite, package = find_source(recipe, archive)
    pristine = source_tree(package, suite, archive)
    parts = ("mutants", f"{package.name}-{package.sha256[:12]}")

    def link(directory: Path) -> None:
        archive.progress(f"copying {package.name}")
        shutil.copytree(pristine, directory / "linux", symlinks=True, copy_function=os.link)

    directory = archive.cache.directory(*parts, make=link)
    with archive.cache.lock(*parts, waiting=lambda: archive.progress("waiting for another run on the same source")):
        yield Tree(pristine, directory)


def build_in(tree: Tree, recipe: BuildRecipe, archive: DebianArchive) -> KernelBuild:
    """A recipe's build of a tree, where `vdsocat check --tree` has its own."""
    log = archive.cache.path("logs", f"mutants-{recipe.name}.log")
    objects = objects_directory(recipe, tree.source, archive.cache)
    return KernelBuild(recipe, tree.source, objects, log, archive.progress, JobServer())
