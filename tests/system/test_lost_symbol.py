"""A kernel built by hand against one that users have, and `git bisect run` on the commits of its linker script."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import vdsocat
from kernel_source import recipe_of
from planted import Mutant, read_mutants
from trees import Tree, build_in, source_copy

from vdsocat.kernels.kbuild import BuildRecipe, KernelBuild

STOCK = "riscv64-newest"
LOST = "__vdso_flush_icache"
SCRIPT = "arch/riscv/kernel/vdso/vdso.lds.S"
(DROPPED,) = (mutant for mutant in read_mutants() if mutant.name == "riscv64-symbol-dropped")


@dataclass(frozen=True)
class Scratch:
    """A kernel's source tree, and what is built of it with `make O=…`."""

    tree: Tree
    build: KernelBuild
    recipe: BuildRecipe

    @property
    def make(self) -> list[str]:
        """make, as somebody types it who builds this kernel by hand."""
        return [
            "make", "-s", "-C", str(self.tree.source), f"O={self.build.objects}", "-j2", f"ARCH={self.recipe.arch}",
            f"CROSS_COMPILE={self.recipe.cross_compile}", "LOCALVERSION=-vdsocat", "vmlinux",
        ]  # fmt: skip

    def written(self, mutant: Mutant) -> str:
        """The linker script with the defect of a mutant in it."""
        (edit,) = mutant.edits
        assert edit.file == SCRIPT
        return edit.applied_to((self.tree.pristine / SCRIPT).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    """A tree that is built once, and of which a change of the linker script makes little again."""
    recipe, archive = recipe_of("built:riscv64")
    with source_copy(recipe, archive) as tree:
        tree.heal(DROPPED)
        build = build_in(tree, recipe, archive)
        build.configure()
        build.compile()
        try:
            yield Scratch(tree, build, recipe)
        finally:
            tree.heal(DROPPED)


def test_a_symbol_that_a_build_lost_is_named_within_ten_seconds(scratch: Scratch) -> None:
    stock = vdsocat("kernels", "fetch", STOCK)
    assert stock.returncode == 0, stock.stderr
    with scratch.tree.planted(DROPPED):
        subprocess.run(scratch.make, check=True, capture_output=True)
    # Seconds of a processor, of vdsocat and of all that it started: they are the same on a machine that is busy.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = vdsocat("check", f"{scratch.build.objects}/", "--baseline", STOCK, "--offline")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert run.returncode == 1, run.stderr
    assert re.search(rf"^incompatible +riscv64 +SYM-MISSING +{LOST} +is gone$", run.stdout, re.MULTILINE), run.stdout
    assert seconds < 10


class Repository:
    """A git repository, outside of the tree, that has the linker script alone."""

    def __init__(self, directory: Path, work_tree: Path) -> None:
        self._environment = os.environ | {"GIT_DIR": str(directory), "GIT_WORK_TREE": str(work_tree)}
        self._environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "LC_ALL": "C"}
        self._work_tree = work_tree
        self("init", "-q")

    def __call__(self, *words: str) -> str:
        identity = ("-c", "user.name=A Developer", "-c", "user.email=developer@example.org")
        run = subprocess.run(
            ["git", *identity, *words], env=self._environment, cwd=self._work_tree,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def commit(self, text: str, message: str) -> str:
        """Commit this text of the linker script; the commit's name."""
        path = self._work_tree / SCRIPT
        path.unlink()
        path.write_text(text, encoding="utf-8")
        self("add", "-f", SCRIPT)
        self("commit", "-q", "-m", message)
        return self("rev-parse", "HEAD").strip()


def test_git_bisect_finds_the_commit_and_skips_what_cannot_be_built(scratch: Scratch, tmp_path: Path) -> None:
    clean = (scratch.tree.pristine / SCRIPT).read_text(encoding="utf-8")
    lacking = scratch.written(DROPPED)
    # What the preprocessor refuses ends a build; an error of the linker does not (docs/ci/regressions.md).
    broken = lacking.replace("PHDRS\n{", "#error\nPHDRS\n{", 1)
    assert len({clean, lacking, broken}) == 3
    git = Repository(tmp_path / "git", scratch.tree.source)
    good = git.commit(clean, "riscv: vdso: as it was")
    subprocess.run(scratch.make, check=True, capture_output=True)
    kept = vdsocat("check", str(scratch.build.objects), "--out", str(tmp_path / "good"))
    assert kept.returncode == 0, kept.stdout + kept.stderr
    culprit = git.commit(lacking, "riscv: vdso: Tidy up the version script")
    git.commit(broken, "riscv: vdso: Does not build")
    git.commit(lacking, "riscv: vdso: Builds again")
    bad = git.commit(lacking.replace(" * This controls", " * It controls"), "riscv: vdso: A word")
    judge = tmp_path / "judge.sh"
    judge.write_text(
        f"{' '.join(scratch.make)} || exit 125\n"
        f"{sys.executable} -c 'from vdsocat.cli import main; main()' "
        f"check --bisect {scratch.build.objects} --baseline {tmp_path}/good\n"
    )
    git("bisect", "start", bad, good)
    said = git("bisect", "run", "sh", str(judge))
    assert f"{culprit} is the first bad commit" in said, said
    assert "riscv: vdso: Tidy up the version script" in said
    log = git("bisect", "log")
    assert re.search(r"^# skip: .*Does not build$", log, re.MULTILINE), log
