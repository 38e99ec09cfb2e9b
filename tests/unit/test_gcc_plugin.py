"""Passes that a compiler must do without: the plugin is built, the compiler is told, and the record says so."""

from __future__ import annotations

import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fake_mirror import FakeMirror, archive_of, deb, tarball
from small_builds import MAKEFILE, stand_in_tools, tiny_recipe

from vdsocat.errors import RunError
from vdsocat.kernels.build import ensure_built
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.gcc_plugin import DisabledPasses
from vdsocat.kernels.kbuild import BuildRecipe, missing_tools


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins: a compiler that knows where it has its headers, and a g++ that writes its words into what it makes."""
    directory = stand_in_tools(tmp_path, monkeypatch)
    headers = tmp_path / "plugin" / "include"
    headers.mkdir(parents=True)
    (headers / "gcc-plugin.h").touch()
    told = f"case $1 in -print-file-name=plugin) echo {headers.parent};; *) echo 'cross-gcc (Test) 12';; esac"
    write_script(directory / "cross-gcc", told)
    write_script(directory / "g++", 'while [ "$1" != -o ]; do said="$said $1"; shift; done; echo "$said $3" > "$2"')
    return directory


@pytest.fixture
def recipe(tmp_path: Path) -> BuildRecipe:
    plugin = tmp_path / "without.cc"
    plugin.write_text("the plugin\n")
    return replace(
        tiny_recipe(tmp_path), disabled_passes=DisabledPasses(("rtl-a_1", "rtl-b"), plugin, "gcc-plugin-dev")
    )


@pytest.fixture
def archive(tmp_path: Path) -> DebianArchive:
    """A source whose kernel is what the compiler was told, and the plugin that it was told of."""
    makefile = MAKEFILE.replace("$(SECRET)", "$(KCFLAGS)") + "\t@cat $(O)/without.so >> $(O)/vmlinux\n"
    packed = tarball({"linux-source-7.3/Makefile": makefile.encode()})
    mirror = FakeMirror(tmp_path / "mirror")
    for suite in ("trixie", "sid"):
        content = deb({"./usr/src/linux-source-7.3.tar.xz": lzma.compress(packed)})
        mirror.add(suite, "amd64", "linux-source-7.3", "7.3.4-1", content, own_arch="all")
        mirror.publish(suite)
    return archive_of(mirror.root.as_uri(), tmp_path / "cache")


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    path.chmod(0o755)


def test_the_compiler_is_told_by_a_plugin(
    tmp_path: Path, tools: Path, recipe: BuildRecipe, archive: DebianArchive
) -> None:
    (tools / "cat").symlink_to("/bin/cat")
    files = ensure_built(recipe, archive)
    told, plugin = files.image.read_text().splitlines()
    *_, load, first, second = told.split(" ")
    assert load.startswith("-fplugin=/")
    assert load.endswith("/objects/without.so")
    assert (first, second) == ("-fplugin-arg-without-rtl-a_1", "-fplugin-arg-without-rtl-b")
    headers, source = tmp_path / "plugin/include", tmp_path / "without.cc"
    assert plugin.split() == ["-shared", "-fPIC", "-fno-rtti", "-O1", "-I", str(headers), str(source)]
    assert files.compiler == "cross-gcc (Test) 12, without rtl-a_1 and rtl-b"


def test_another_pass_or_another_plugin_makes_another_kernel(
    tools: Path, recipe: BuildRecipe, archive: DebianArchive
) -> None:
    (tools / "cat").symlink_to("/bin/cat")
    passes = recipe.disabled_passes
    assert passes
    built = [ensure_built(recipe, archive).image]
    built.append(ensure_built(replace(recipe, disabled_passes=replace(passes, names=("rtl-b",))), archive).image)
    passes.plugin.write_text("another plugin\n")
    built.append(ensure_built(recipe, archive).image)
    assert len(set(built)) == 3


def test_what_a_plugin_needs_is_named_with_its_packages(tmp_path: Path, tools: Path, recipe: BuildRecipe) -> None:
    assert missing_tools(recipe) == {}
    (tmp_path / "plugin/include/gcc-plugin.h").unlink()
    (tools / "g++").unlink()
    assert missing_tools(recipe) == {"g++": "g++", "the header gcc-plugin.h of cross-gcc": "gcc-plugin-dev"}
    (tools / "cross-gcc").unlink()
    assert missing_tools(recipe) == {"g++": "g++", "cross-gcc": "gcc-cross"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'In file x:' >&2; echo 'gmp.h: fatal error: no such file' >&2; exit 1",
            "gmp.h: fatal error: no such file",
        ),
        ("echo 'out of memory' >&2; exit 1", "out of memory"),
        ("exit 1", "no reason given"),
    ],
)
def test_a_plugin_that_does_not_compile_ends_the_build(
    tmp_path: Path, tools: Path, recipe: BuildRecipe, archive: DebianArchive, script: str, reason: str
) -> None:
    write_script(tools / "g++", script)
    with pytest.raises(RunError) as caught:
        ensure_built(recipe, archive)
    assert str(caught.value) == f"The plugin {tmp_path / 'without.cc'} does not compile for cross-gcc ({reason})."
    assert list((tmp_path / "cache/kernels").iterdir()) == []
