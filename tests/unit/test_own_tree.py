"""Kernels built from a tree of the user's own: beside it, again, and only from what is a tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import Command
from small_builds import MAKEFILE, stand_in_tools, tiny_recipe

from vdsocat.cache import Cache
from vdsocat.errors import InputError, RunError
from vdsocat.kernels.kbuild import BuildRecipe
from vdsocat.kernels.own_tree import build_from_tree, require_tree


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildRecipe:
    stand_in_tools(tmp_path, monkeypatch)
    return tiny_recipe(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    directory = tmp_path / "linux"
    for name in ("arch", "scripts"):
        (directory / name).mkdir(parents=True)
    (directory / "Makefile").write_text(MAKEFILE)
    (directory / "Kconfig").write_text("")
    return directory


def contents(tree: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in tree.rglob("*")}


def test_it_is_built_beside_the_tree_and_says_so(tmp_path: Path, tree: Path, recipe: BuildRecipe) -> None:
    before = contents(tree)
    said: list[str] = []
    files = build_from_tree(recipe, tree, Cache(tmp_path / "cache"), said.append)
    assert contents(tree) == before
    assert files.image.read_text().startswith("powerpc cross- ")
    assert (files.package, files.suite, files.sha256) == (None, None, None)
    assert files.build_seconds is not None
    assert "configuring tiny" in said


def test_a_second_build_keeps_the_objects_of_the_first(tmp_path: Path, tree: Path, recipe: BuildRecipe) -> None:
    cache = Cache(tmp_path / "cache")
    image = build_from_tree(recipe, tree, cache, lambda text: None).image
    (image.parent / "object.o").write_text("kept")
    assert build_from_tree(recipe, tree, cache, lambda text: None).image == image
    assert (image.parent / "object.o").exists()


def test_a_tree_that_does_not_compile_is_named_with_its_error(tmp_path: Path, tree: Path, recipe: BuildRecipe) -> None:
    (tree / "broken").write_text("")
    with pytest.raises(
        RunError, match=r"Building the kernel tiny failed \(.*expected expression.*the log is .*tree-tiny\.log"
    ):
        build_from_tree(recipe, tree, Cache(tmp_path / "cache"), lambda text: None)


def test_what_is_no_tree_is_refused(tmp_path: Path, tree: Path) -> None:
    require_tree(tree)
    with pytest.raises(InputError, match=r"is no source tree of Linux \(there is no Makefile\)"):
        require_tree(tmp_path)
    (tree / ".config").write_text("")
    with pytest.raises(InputError, match="was built in; kernels are built beside a clean tree"):
        require_tree(tree)


def test_the_command_line_names_what_is_wrong(vdsocat: Command, tmp_path: Path) -> None:
    missing = vdsocat("check", "--tree", tmp_path / "nowhere")
    assert missing.status == 2
    assert "nowhere' does not exist" in missing.err
    outcome = vdsocat("check", "--source", "linux-6.12", "built:ppc32")
    assert outcome.refused_in_one_sentence("'linux-6.12' is no package of the kernel's source")
    assert vdsocat("kernels", "build").status == 2
    assert vdsocat("kernels", "build", "--all", "ppc32").status == 2
