"""The kernel's own vDSO selftests and our rules, in the same boots of the same kernels: they agree, or we know why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from selftests import (
    Comparison,
    Output,
    Statement,
    boot_beside_probes,
    build_selftests,
    compare,
    read_outputs,
    statements_of,
)

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.settings import Settings
from vdsocat.guest.run import plan_boot
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import AbiJudgement, judge_capture
from vdsocat.kernels.build import find_source, source_tree
from vdsocat.kernels.table import BuildRequest, ensure_kernel
from vdsocat.sources import kernel_of

PLAN: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "selftests.yaml").read_text())
SETTINGS = Settings.from_environment(None, None, os.environ)


@pytest.fixture(scope="module")
def source() -> Path:
    """The kernel's source, fetched from Debian unless the cache has it."""
    access = KernelAccess(SETTINGS)
    (request,) = access.expand(PLAN["source"])
    assert isinstance(request, BuildRequest)
    suite, package = find_source(request.recipe, access.archive)
    return source_tree(package, suite, access.archive)


@pytest.fixture(scope="module", params=PLAN["runs"], ids=lambda run: run["kernel"])
def run(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A kernel booted with the selftests of some of its ABIs beside the probes, and both verdicts by ABI."""
    wanted, directory = request.param, tmp_path_factory.mktemp("selftests")
    binaries = {
        (one["abi"], name): content
        for one in wanted["abis"]
        for name, content in build_selftests(
            _programs(one["arch"]), source, one["arch"], one["compiler"], directory / one["abi"]
        ).items()
    }
    access = KernelAccess(SETTINGS)
    (kernel,) = access.expand(wanted["kernel"])
    files = ensure_kernel(kernel, access.archive, access.table)
    catalog = SETTINGS.load_catalog()
    plan = plan_boot(kernel_of(wanted["kernel"], files), access.static_sources(catalog).boot)
    capture, console = boot_beside_probes(plan, binaries, directory)
    judged = {one.abi: one for one in judge_capture(capture, catalog).abis}
    outputs = read_outputs(console)
    return {
        "abis": wanted["abis"],
        "started": {f"{abi}-{name}" for abi, name in binaries},
        "outputs": outputs,
        "comparisons": {
            one["abi"]: _compare_all(one["abi"], _programs(one["arch"]), outputs, judged[one["abi"]])
            for one in wanted["abis"]
        },
    }


def test_every_selftest_was_run(run: dict[str, Any]) -> None:
    assert run["outputs"].keys() == run["started"]


def test_verdicts_agree_or_are_explained(run: dict[str, Any]) -> None:
    explained = {_key(one): one["reason"] for one in PLAN["explained"]}
    differ = {
        one.key(abi) for abi, comparisons in run["comparisons"].items() for one in comparisons if one.is_disagreement
    }
    assert sorted(map(str, differ - explained.keys())) == []
    of_run = {one["abi"] for one in run["abis"]}
    unneeded = {key for key in explained if key[0] in of_run} - differ
    assert sorted(map(str, unneeded)) == [], "explanations that nothing needs any more"


def test_enough_is_compared(run: dict[str, Any]) -> None:
    for one in run["abis"]:
        comparisons = run["comparisons"][one["abi"]]
        compared = sum(comparison.agrees for comparison in comparisons)
        assert compared >= one["least"], f"{one['abi']}: {compared} of {len(comparisons)} verdicts of theirs met ours"


def test_every_program_of_the_kernel_is_run_or_left_out_with_a_reason(source: Path) -> None:
    there = {path.stem for path in (source / "tools/testing/selftests/vDSO").glob("vdso_*test_*.c")}
    assert there == PLAN["programs"].keys() | PLAN["left_out"].keys()


def test_a_missing_symbol_is_skipped_by_theirs_and_fails_with_ours() -> None:
    missing = Finding("SYM-MISSING", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6", "it must be there")
    output = Output(("Could not find __vdso_getcpu",), 4)
    (statement,) = statements_of("vdso_test_getcpu", output, "getcpu")
    found = compare(statement, AbiJudgement("x86-64", "little", "native", (missing,), None), ["CALL-VALUE"])
    assert (found.theirs.verdict, found.ours, found.is_disagreement) == ("skip", "fail", True)


def test_a_verdict_that_differs_is_a_disagreement() -> None:
    wrong = Finding("CALL-VALUE", Verdict.FAIL, "__vdso_clock_gettime(CLOCK_TAI)", "is not between")
    judged = AbiJudgement("x86-64", "little", "native", (wrong,), None)
    lines = ("ok 2 __vdso_clock_gettime CLOCK_TAI", "not ok 3 __vdso_clock_gettime CLOCK_REALTIME")
    good, bad = statements_of("vdso_test_abi", Output(lines, 1), None)
    assert compare(good, judged, ["CALL-VALUE"]).is_disagreement
    assert compare(bad, judged, ["CALL-VALUE"]).is_disagreement, "theirs fails and ours has no verdict"
    assert not compare(good, judged, ["CALL-RETURN"]).is_disagreement, "ours has no verdict on what is well"


def test_a_selftest_that_was_killed_is_not_ok() -> None:
    assert list(statements_of("vdso_test_abi", Output((), None), None)) == [
        Statement("vdso_test_abi", "", None, "not ok")
    ]


def _programs(arch: str) -> list[str]:
    return [name for name, about in PLAN["programs"].items() if about.get("arch", arch) == arch]


def _compare_all(abi: str, programs: list[str], outputs: dict[str, Output], judged: AbiJudgement) -> list[Comparison]:
    return [
        compare(statement, judged, PLAN["programs"][program]["rules"])
        for program in programs
        if f"{abi}-{program}" in outputs
        for statement in statements_of(program, outputs[f"{abi}-{program}"], PLAN["programs"][program].get("function"))
    ]


def _key(explained: dict[str, Any]) -> tuple[str, str, str, str | None, str]:
    return (
        explained["abi"],
        explained["program"],
        explained["function"],
        explained.get("clock"),
        explained["theirs"],
    )
