"""A tree of the kernel with one line less in one architecture's linker script, held to the catalogue as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from command_line import vdsocat
from kernel_source import recipe_of
from planted import read_mutants
from trees import Tree, source_copy

from vdsocat.documents import schema_problems

# Two kernels of set:tree, three ABIs in both byte orders; the others take the same way, and minutes each to build.
# The objects of riscv64 are those of test_lost_symbol.
KERNELS = ("riscv64", "ppc64")
SYMBOL = "__vdso_flush_icache"
(DROPPED,) = (mutant for mutant in read_mutants() if mutant.name == "riscv64-symbol-dropped")


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    """A copy of the kernel's source, for this test alone while it runs."""
    with source_copy(*recipe_of("built:riscv64")) as copy:
        for mutant in read_mutants():
            copy.heal(mutant)
        yield copy


def check(tree: Tree) -> tuple[int, dict[str, Any]]:
    """The exit status and the report of a round, all of whose kernels were booted."""
    names = [f"built:{name}" for name in KERNELS]
    run = vdsocat("check", "--tree", str(tree.source), *names, "--again", "--format", "json")
    assert run.stdout, run.stderr
    report = json.loads(run.stdout)
    assert list(schema_problems(report, "report")) == []
    assert [one["error"] for one in report["kernels"]] == [None] * len(KERNELS), run.stderr
    return run.returncode, report


def failures(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (kernel["source"], abi["abi"], finding["rule"])
        for kernel in report["kernels"]
        for abi in kernel["abis"]
        for finding in abi["findings"]
        if finding["verdict"] in ("fail", "review")
    }


def test_a_line_less_in_one_linker_script_fails_there_and_only_there(tree: Tree) -> None:
    with tree.planted(DROPPED):
        status, report = check(tree)
    assert failures(report) == {("riscv64", "riscv64", "SYM-MISSING"), ("riscv64", "riscv32", "SYM-MISSING")}
    assert status == 1
    assert SYMBOL in json.dumps(report)
    seconds = {one["source"]: one["seconds"] for one in report["kernels"]}
    assert sorted(seconds) == sorted(KERNELS)
    assert all(one["build"] > 0 and one["boot"] > 0 and one["check"] is not None for one in seconds.values()), seconds

    # The same tree without the defect, and then again: nothing is built where nothing changed.
    for _ in range(2):
        status, report = check(tree)
        assert failures(report) == set()
        assert status == 0
    assert all(one["seconds"]["build"] < 5 for one in report["kernels"]), report["kernels"]
