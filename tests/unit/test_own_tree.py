"""Kernels built from a tree of the user's own: beside it, again where something changed, only from what is a tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from outcomes import Command
from small_builds import MAKEFILE, stand_in_tools, tiny_recipe
from small_catalog import small_catalog
from small_images import i386_capture, i386_image

from vdsocat.cache import Cache
from vdsocat.errors import InputError, MissingToolsError, RunError
from vdsocat.guest.known_boots import of_kernel
from vdsocat.guest.run import KernelUnderTest
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.kbuild import BuildRecipe
from vdsocat.kernels.own_tree import build_from_tree, objects_directory, read_own_tree
from vdsocat.report.table import draw_lacking
from vdsocat.report.timings import draw_seconds

Build = Callable[..., KernelFiles]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return stand_in_tools(tmp_path, monkeypatch)


@pytest.fixture
def recipe(tmp_path: Path, tools: Path) -> BuildRecipe:
    return tiny_recipe(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that counts in made.log, beside it, what make was asked for."""
    return small_tree(tmp_path / "linux")


def small_tree(directory: Path) -> Path:
    for name in ("arch/powerpc", "scripts", ".git"):
        (directory / name).mkdir(parents=True)
    (directory / "Makefile").write_text(f"$(shell echo $(MAKECMDGOALS) >> $(CURDIR)/../made.log)\n{MAKEFILE}")
    (directory / "Kconfig").write_text("")
    (directory / "arch/powerpc/Kconfig").write_text("")
    return directory


@pytest.fixture
def build(tmp_path: Path, tree: Path, recipe: BuildRecipe) -> Build:
    """Looks at the tree as it is now and builds it; what is said comes into `said`."""

    def build(said: list[str] | None = None, recipe: BuildRecipe = recipe) -> KernelFiles:
        progress = (lambda text: None) if said is None else said.append
        return build_from_tree(recipe, read_own_tree(tree), Cache(tmp_path / "cache"), progress)

    return build


def made(tmp_path: Path) -> list[str]:
    """What make was asked for since the last time."""
    log = tmp_path / "made.log"
    goals = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return goals


def contents(tree: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in tree.rglob("*")}


ALL = ["allnoconfig", "olddefconfig", "vmlinux"]


def test_it_is_built_beside_the_tree_and_says_so(tree: Path, build: Build) -> None:
    before = contents(tree)
    said: list[str] = []
    files = build(said)
    assert contents(tree) == before
    assert files.image.read_text().startswith("powerpc cross- ")
    assert (files.package, files.suite, files.sha256) == (None, None, None)
    assert files.build_seconds is not None
    assert files.release == "7.3.4-vdsocat"
    assert "configuring tiny" in said


def test_an_unchanged_tree_is_not_built_again(tmp_path: Path, tree: Path, build: Build) -> None:
    first = build()
    assert made(tmp_path) == ALL
    # Neither a commit nor a look at the files changes what is built.
    (tree / ".git/HEAD").write_text("of another branch")
    again = build()
    assert made(tmp_path) == []
    assert replace(again, build_seconds=first.build_seconds) == first


@pytest.mark.parametrize(
    ("change", "goals"),
    [
        (lambda tree: (tree / "init.c").write_text("new, and nobody has committed it"), ["vmlinux"]),
        (lambda tree: os.utime(tree / "Makefile", ns=(1, 1)), ["vmlinux"]),
        (
            lambda tree: (tree / "scripts").rmdir() or (tree / "scripts").symlink_to(tree.parent / "scripts"),
            ["vmlinux"],
        ),
        (lambda tree: (tree / "arch/powerpc/Kconfig").write_text("config PPC\n"), ALL),
        (lambda tree: (tree.parent / "tiny.config").write_text("CONFIG_PPC64=y\n"), ALL),
        (lambda tree: (tree.parent / "bin/cross-gcc").write_text("#!/bin/sh\necho 'cross-gcc (Test) 13'\n"), ALL),
        (
            lambda tree: next((tree.parent / "cache/trees").glob("*/*/vmlinux")).write_text("of somebody else"),
            ["vmlinux"],
        ),
        (lambda tree: next((tree.parent / "cache/trees").glob("*/*/vmlinux")).unlink(), ALL),
    ],
    ids=["new-file", "time", "link", "kconfig", "fragment", "compiler", "other-kernel", "no-kernel"],
)
def test_what_changed_is_made_again(
    tmp_path: Path, tree: Path, build: Build, change: Callable[[Path], object], goals: list[str]
) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/one").write_text("")
    build()
    made(tmp_path)
    change(tree)
    build()
    assert made(tmp_path) == goals
    build()
    assert made(tmp_path) == []


def test_what_links_lead_to_is_looked_at(tmp_path: Path, tree: Path, build: Build) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_text("")
    (tree / "lib").symlink_to(tmp_path / "elsewhere")
    (tree / "itself").symlink_to(tree)
    (tree / "nowhere").symlink_to(tmp_path / "nowhere")
    build()
    made(tmp_path)
    (tmp_path / "elsewhere/file").write_text("changed")
    build()
    assert made(tmp_path) == ["vmlinux"]


def test_a_tree_that_does_not_compile_is_named_with_its_error(tmp_path: Path, tree: Path, build: Build) -> None:
    (tree / "broken").write_text("")
    for _ in range(2):
        with pytest.raises(
            RunError, match=r"Building the kernel tiny failed \(.*expected expression.*the log is .*tree-tiny\.log"
        ):
            build()
    (tree / "broken").unlink()
    assert build().image.exists()


def test_what_is_no_tree_is_refused(tmp_path: Path, tree: Path) -> None:
    read_own_tree(tree)
    with pytest.raises(InputError, match=r"is no source tree of Linux \(there is no Makefile\)"):
        read_own_tree(tmp_path)


def test_a_tree_that_was_built_in_is_refused_with_the_command_that_cleans_it(tree: Path) -> None:
    (tree / "arch/powerpc/include/generated").mkdir(parents=True)
    with pytest.raises(InputError) as caught:
        read_own_tree(tree)
    assert str(caught.value) == (
        f"{tree}: was built in (there is arch/powerpc/include/generated), and its Makefile now builds nothing beside; "
        f"`make -C {tree} ARCH=powerpc mrproper` removes what was made, and .config."
    )
    (tree / ".config").write_text("")
    with pytest.raises(InputError, match=rf"there is \.config.*`make -C {tree} mrproper`"):
        read_own_tree(tree)


def test_an_interrupted_build_goes_on_and_a_killed_one_begins_anew(
    tmp_path: Path, tree: Path, build: Build, recipe: BuildRecipe
) -> None:
    objects = objects_directory(recipe, tree, Cache(tmp_path / "cache"))
    (tree / "endless").write_text("")

    def interrupt(text: str) -> None:
        if text.startswith("building"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_from_tree(recipe, read_own_tree(tree), Cache(tmp_path / "cache"), interrupt)
    (tree / "endless").unlink()
    (objects / "object.o").write_text("whole")
    build()
    assert (objects / "object.o").exists()

    (objects / "vdsocat-building").touch()
    said: list[str] = []
    build(said)
    assert "removing what a killed build of tiny left" in said
    assert not (objects / "object.o").exists()


# A run of the command line on stand-ins: its kernels, its tree, and nothing of this computer's.
_RUN = """
import dataclasses, pathlib, sys
from vdsocat.cli import kernel_options
from vdsocat.kernels import table
from small_builds import tiny_recipe
here = pathlib.Path({here!r})
recipe = tiny_recipe(here)
names = {names!r}
requests = tuple(table.BuildRequest(name, dataclasses.replace(recipe, name=name, cross_compile=cross))
                 for name, cross in names.items())
table.expand_source = lambda source, known: requests
from vdsocat.cli import main
main()
"""


def command(tmp_path: Path, names: dict[str, str], *words: object) -> subprocess.Popen[str]:
    """vdsocat with kernels of these names, built by these cross-compilers."""
    script = _RUN.format(here=str(tmp_path), names=names)
    line = [sys.executable, "-c", script, "--cache", str(tmp_path / "cache"), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("verb", ["check", "kernels"])
def test_ctrl_c_ends_builds_and_what_waits_for_them(tmp_path: Path, tree: Path, tools: Path, verb: str) -> None:
    (tree / "endless").write_text("")
    words = ("check", "--static") if verb == "check" else ("kernels", "build", "--all")
    first = command(tmp_path, {"one": "cross-", "two": "cross-"}, *words, "--tree", tree)
    until = time.monotonic() + 60
    while "vmlinux" not in (tmp_path / "made.log").read_text() if (tmp_path / "made.log").exists() else True:
        assert time.monotonic() < until, first.communicate()
        time.sleep(0.05)
    second = command(tmp_path, {"one": "cross-"}, *words, "--tree", tree)
    assert second.stderr is not None
    assert "waiting for another run that builds one" in second.stderr.readline()
    for run in (second, first):
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        assert run.returncode == 130
    until = time.monotonic() + 5
    while (left := processes_below(tmp_path)) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []
    assert list((tmp_path / "cache").rglob("vdsocat-building")) == []


def processes_below(directory: Path) -> list[str]:
    """The command lines of running processes that name the directory."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(directory) in line:
            lines.append(line)
    return lines


def test_a_missing_compiler_does_not_stop_the_others(tmp_path: Path, tree: Path, tools: Path) -> None:
    run = command(tmp_path, {"a": "no-", "b": "cross-", "c": "none-"}, "kernels", "build", "--all", "--tree", tree)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 3
    assert [line.split("\t")[0] for line in out.splitlines()] == ["b"]
    assert "Building the kernel a needs no-gcc, not installed here" in err
    assert err.splitlines()[-1] == (
        "vdsocat: There is no kernel a, c; on Debian, `apt-get install gcc-cross` brings what is not installed."
    )


def test_one_sentence_tells_what_to_install_for_all(recipe: BuildRecipe, tools: Path, build: Build) -> None:
    with pytest.raises(MissingToolsError) as caught:
        build(recipe=replace(recipe, cross_compile="no-", compiler_package="gcc-no"))
    assert caught.value.packages == ("gcc-no",)
    lacking = [CheckResult(name, error="…", error_status=3, lacking=(f"gcc-{name}", "bc")) for name in ("sh", "arc")]
    assert list(draw_lacking(lacking[:1])) == []
    assert list(draw_lacking(lacking)) == [
        "On Debian, `apt-get install bc gcc-arc gcc-sh` brings what building these lacks: sh, arc."
    ]


def test_the_table_of_seconds_has_the_build_of_this_run_and_sums() -> None:
    def result(name: str, build: float, kept: bool) -> CheckResult:
        capture = i386_capture(i386_image())
        files = KernelUnderTest(source=name, image=Path("vmlinux"), config=None, build_seconds=build)
        built = of_kernel(replace(capture, provenance=replace(capture.provenance, seconds=1.5)), files)
        return CheckResult(name, judge_capture(built, small_catalog()), judging=0.25, kept=kept)

    lines = list(draw_seconds([result("ppc32", 2.5, False), result("arm", 0.125, True), CheckResult("sh", error="…")]))
    assert [line.split() for line in lines[1].splitlines()] == [
        ["SOURCE", "BUILD", "BOOT", "CHECK"],
        ["ppc32", "2.50", "1.50", "0.25"],
        ["arm", "0.12", "0.25"],
        ["together", "2.62", "1.50", "0.50"],
    ]
    assert list(draw_seconds([CheckResult("sh", error="…")])) == []


def test_the_command_line_names_what_is_wrong(vdsocat: Command, tmp_path: Path, tree: Path) -> None:
    missing = vdsocat("check", "--tree", tmp_path / "nowhere")
    assert missing.status == 2
    assert "nowhere' does not exist" in missing.err
    assert vdsocat("check", "--tree", tmp_path).refused_in_one_sentence("is no source tree of Linux")
    assert vdsocat("kernels", "build", "--all", "--tree", tmp_path).refused_in_one_sentence(
        "is no source tree of Linux"
    )
    (tree / ".config").write_text("")
    assert vdsocat("check", "--tree", tree).refused_in_one_sentence("was built in", "mrproper")
    outcome = vdsocat("check", "--source", "linux-6.12", "built:ppc32")
    assert outcome.refused_in_one_sentence("'linux-6.12' is no package of the kernel's source")
    both = vdsocat("check", "--source", "linux-source-6.12", "--tree", tree)
    assert (both.status, "name one" in both.err) == (2, True)
    assert vdsocat("kernels", "build").status == 2
    assert vdsocat("kernels", "build", "--all", "ppc32").status == 2
