"""The workflow files of docs/ci: they conform to the public schemas, and what they run is there and does its work."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from elf_builder import Symbol
from lxml import etree
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import capture_to_json
from vdsocat.cli.group import cli
from vdsocat.documents import data_directory, schema_problems
from vdsocat.guest.machines import Machine, load_machines
from vdsocat.guest.qemu import debian_package
from vdsocat.kernels.kbuild import missing_tools
from vdsocat.kernels.table import BuildRequest, expand_source, load_kernel_table

DIRECTORY = Path(__file__).parents[2] / "docs" / "ci"
GITHUB = yaml.safe_load((DIRECTORY / "github.yml").read_text())
GITLAB = yaml.safe_load((DIRECTORY / "gitlab.yml").read_text())["vdso"]
QEMU_IMAGES = data_directory("qemu-images")
TABLE = load_kernel_table(QEMU_IMAGES)


@pytest.mark.parametrize(("file", "schema"), [("github.yml", "github-workflows"), ("gitlab.yml", "gitlab-ci")])
def test_a_workflow_conforms_to_the_public_schema(file: str, schema: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    assert subprocess.run([*command, DIRECTORY / file], capture_output=True, check=False).returncode == 0
    broken = tmp_path / file
    broken.write_text((DIRECTORY / file).read_text().replace("matrix:", "matricks:"))
    assert subprocess.run([*command, broken], capture_output=True, check=False).returncode == 1


SCRIPTS = {
    **{
        f"github {name}, {step['name']}": step["run"]
        for name, job in GITHUB["jobs"].items()
        for step in job["steps"]
        if "run" in step
    },
    **{f"gitlab {key}": "\n".join(GITLAB[key]) for key in ("before_script", "script", "after_script")},
}


def in_shell(script: str, kernel: str = "x86-64") -> str:
    """A script with GitHub's expressions and GitLab's variables of the matrix put in."""
    return (
        script.replace("${{ matrix.kernel }}", kernel).replace("$KERNEL", kernel).replace("${{ matrix.packages }}", "")
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_one_of_the_shell(name: str) -> None:
    assert "${{" not in in_shell(SCRIPTS[name])
    subprocess.run(["bash", "-n"], input=in_shell(SCRIPTS[name]), text=True, check=True)


def commands() -> Iterator[list[str]]:
    """The words of each call of vdsocat in the scripts."""
    for script in SCRIPTS.values():
        for call in re.findall(r"(?:^|(?<=do )|(?<=&& )) *vdsocat ([^|>)\n]*)", in_shell(script), re.MULTILINE):
            yield shlex.split(call.replace("${form%:*}", "junit"))


def test_each_call_has_options_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    calls = list(commands())
    assert [call[0] for call in calls] == ["check", "check", "report", "check", "check", "report", "report"]
    for verb, *words in calls:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        context = command.make_context(verb, words)
        assert not [name for name in context.params if name.startswith("--")]


def kernels() -> list[tuple[str, str, list[str]]]:
    """Each kernel of the two matrices, and the packages that are installed for it."""
    ours = [
        ("github", one["kernel"], one["packages"]) for one in GITHUB["jobs"]["boot"]["strategy"]["matrix"]["include"]
    ]
    ours += [("gitlab", one["KERNEL"], one["PACKAGES"]) for one in GITLAB["parallel"]["matrix"]]
    for_all = {"github": SCRIPTS["github boot, Install"], "gitlab": SCRIPTS["gitlab before_script"]}
    return [(where, kernel, f"{for_all[where]} {packages}".split()) for where, kernel, packages in ours]


def machine_of(kernel: str) -> Machine:
    name = {"ppc32": "ppc"}.get(kernel, kernel)
    return next(one for one in load_machines(QEMU_IMAGES / "machines") if one.name == name)


def runs_on_debian_12(machine: Machine) -> bool:
    """Whether its QEMU, which is 7.2, boots the machine; or nothing has to."""
    return machine.least_qemu is None or tuple(map(int, machine.least_qemu.split("."))) <= (7, 2)


@pytest.mark.parametrize(("where", "kernel", "packages"), kernels(), ids=lambda value: str(value)[:20])
def test_what_a_kernel_is_built_and_booted_with_is_installed(
    where: str, kernel: str, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = expand_source(f"built:{kernel}", TABLE)
    assert isinstance(request, BuildRequest)
    recipe, machine = request.recipe, machine_of(kernel)
    monkeypatch.setattr("shutil.which", lambda _: None)
    wanted = {*missing_tools(recipe).values(), *recipe.headers.values()} - {"tar"}
    assert recipe.compiler_package in wanted
    if machine.qemu:
        wanted.add(debian_package(machine.qemu))
    assert wanted - {*packages} == set()


def test_the_matrices_have_every_kernel_for_trees_that_the_image_can_boot() -> None:
    old_enough = {one.name for one in TABLE.kernels if "tree" in one.sets and runs_on_debian_12(machine_of(one.name))}
    assert {kernel for where, kernel, _ in kernels() if where == "github"} == old_enough
    assert {kernel for where, kernel, _ in kernels() if where == "gitlab"} == old_enough


def test_the_report_is_written_in_each_form_and_the_comment_is_the_summary(catalog_root: Path, tmp_path: Path) -> None:
    """GitHub's script, run as GitHub runs it, on what two jobs left."""
    for directory, symbols in (("base", I386_SYMBOLS), ("results", (CLOCK, SIGRETURN))):
        write_capture(tmp_path / directory, symbols)
    run = run_script(tmp_path, SCRIPTS["github report, Report"], catalog_root)
    assert run.returncode == 0, run.stderr
    summary = (tmp_path / "summary").read_text()
    assert summary == (tmp_path / "vdso.md").read_text()
    assert "the vDSO lost something since the baseline" in summary
    assert (tmp_path / "vdso.html").read_text().startswith("<!doctype html>")
    assert etree.parse(tmp_path / "vdso.xml").getroot().get("failures") == "1"
    assert (tmp_path / "vdso.ktap").read_text().startswith("KTAP version 1\n")
    assert list(schema_problems(json.loads((tmp_path / "vdso.json").read_text()), "report")) == []


def test_the_report_of_nothing_fails(catalog_root: Path, tmp_path: Path) -> None:
    run = run_script(tmp_path, SCRIPTS["github report, Report"], catalog_root)
    assert run.returncode != 0


def test_gitlab_has_its_reports_after_a_failure(catalog_root: Path, tmp_path: Path) -> None:
    for directory, symbols in (("base", I386_SYMBOLS), ("results", (CLOCK, SIGRETURN))):
        write_capture(tmp_path / directory, symbols)
    script = SCRIPTS["gitlab after_script"].replace("/opt/vdsocat/bin", str(tmp_path / "bin"))
    assert run_script(tmp_path, script, catalog_root).returncode == 0
    (junit,) = {GITLAB["artifacts"]["reports"]["junit"]}
    assert etree.parse(tmp_path / junit).getroot().get("failures") == "1"
    assert {path for path in GITLAB["artifacts"]["paths"] if not (tmp_path / path).exists()} == set()


def write_capture(directory: Path, symbols: tuple[Symbol, ...]) -> None:
    directory.mkdir()
    (directory / "kernel.json").write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols)))))


def run_script(directory: Path, script: str, catalog_root: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as the services do (`bash -e -o pipefail`), with vdsocat on PATH."""
    program = directory / "bin" / "vdsocat"
    program.parent.mkdir()
    cache = catalog_root.parent / "cache"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from vdsocat.cli import main; main()' "
        f'--catalog {catalog_root} --cache {cache} "$@"\n'
    )
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(directory / "summary"),
    }
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
