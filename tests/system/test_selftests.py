"""The kernel's own vDSO selftests and our rules, in the same boots of the same kernels: they agree, or we know why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kernel_source import source_of
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
from vdsocat.guest.run import BootPlan, plan_boot
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import AbiJudgement, judge_capture
from vdsocat.judging.pages import rule_pages
from vdsocat.kernels.static import locate_vdso_images
from vdsocat.kernels.table import ensure_kernel
from vdsocat.sources import kernel_of

PLAN: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "selftests.yaml").read_text())

_GETTIMEOFDAY = "__kernel_gettimeofday"
# bti c; mov x0, #-22; ret
_RETURN_EINVAL = bytes.fromhex("5f2403d5 a0028092 c0035fd6")

SETTINGS = Settings.from_environment(None, None, os.environ)


@pytest.fixture(scope="module")
def source() -> Path:
    """The kernel's source."""
    return source_of(PLAN["source"])


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
    plan = _plan(wanted["kernel"])
    capture, console = boot_beside_probes(plan, binaries, directory)
    judged = {one.abi: one for one in judge_capture(capture, SETTINGS.load_catalog()).abis}
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


def test_defects_are_found_by_both_and_a_lost_symbol_by_ours_alone(source: Path, tmp_path: Path) -> None:
    """An arm64 kernel whose image has no name for clock_getres, and a gettimeofday that says EINVAL."""
    binaries = build_selftests(_programs("arm64"), source, "arm64", "aarch64-linux-gnu-", tmp_path / "aarch64")
    plan = _plan("arm64-newest")
    kernel = tmp_path / "kernel"
    payload = plan.command[plan.command.index("-kernel") + 1]
    kernel.write_bytes(_with_defects(Path(payload).read_bytes()))
    command = tuple(str(kernel) if word == payload else word for word in plan.command)
    beside = {("aarch64", name): content for name, content in binaries.items()}
    capture, console = boot_beside_probes(replace(plan, command=command), beside, tmp_path)
    judged = next(one for one in judge_capture(capture, SETTINGS.load_catalog()).abis if one.abi == "aarch64")
    comparisons = _compare_all("aarch64", _programs("arm64"), read_outputs(console), judged)
    failed_by_both = {
        (one.theirs.program, one.theirs.function) for one in comparisons if one.agrees and one.ours == "fail"
    }
    assert failed_by_both == {
        (program, "gettimeofday") for program in ("vdso_test_abi", "vdso_test_correctness", "vdso_test_gettimeofday")
    }
    differ = {(one.theirs.function, one.theirs.verdict, one.ours) for one in comparisons if one.is_disagreement}
    assert differ == {("clock_getres", "skip", "fail")}


def test_every_program_of_the_kernel_is_run_or_left_out_with_a_reason(source: Path) -> None:
    there = {path.stem for path in (source / "tools/testing/selftests/vDSO").glob("vdso_*test_*.c")}
    assert there == PLAN["programs"].keys() | PLAN["left_out"].keys()


def test_the_rules_of_the_table_exist() -> None:
    named = {rule for program in PLAN["programs"].values() for rule in program["rules"]}
    assert named <= rule_pages().keys()


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


def _plan(kernel: str) -> BootPlan:
    access = KernelAccess(SETTINGS)
    (request,) = access.expand(kernel)
    files = ensure_kernel(request, access.archive, access.table)
    return plan_boot(kernel_of(kernel, files), access.static_sources(SETTINGS.load_catalog()).boot)


def _with_defects(kernel: bytes) -> bytes:
    """The kernel with another name for clock_getres in the image of aarch64, and a gettimeofday that says -EINVAL."""
    (image,) = (one for one in locate_vdso_images(kernel) if _GETTIMEOFDAY in {each.name for each in one.image.exports})
    patched = bytearray(kernel)
    code = image.offset + next(one.value for one in image.image.exports if one.name == _GETTIMEOFDAY)
    patched[code : code + len(_RETURN_EINVAL)] = _RETURN_EINVAL
    name = image.offset + image.data.index(b"\0__kernel_clock_getres\0")
    patched[name + 1 : name + 3] = b"XX"
    return bytes(patched)


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
