"""What calls cost in real guests: whole numbers of instructions, the same in every run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import vdsocat

_Costs = dict[tuple[str, str, int | None], dict[str, Any]]


def count_instructions(kernel: str) -> _Costs:
    """What `check --cost` measures of a kernel, by ABI, symbol and clock."""
    run = vdsocat("check", kernel, "--again", "--cost", "--format", "json")
    (checked,) = json.loads(run.stdout)["kernels"]
    assert checked["error"] is None
    costs: _Costs = {}
    for row in checked["abis"]:
        if row["costs"] is None:
            continue
        assert row["costs"]["unknown"] is None, row["abi"]
        for one in row["costs"]["measured"]:
            costs[row["abi"], one["symbol"], one.get("clock")] = one
    return costs


@pytest.mark.parametrize(
    ("kernel", "abis", "gettime"),
    [
        ("arm64-6.1", {"aarch64", "arm"}, ("aarch64", "__kernel_clock_gettime", 1)),
        ("ppc64", {"ppc64", "ppc32"}, ("ppc64", "__kernel_clock_gettime", 1)),
        ("sparc64", {"sparc64", "sparc32"}, ("sparc64", "__vdso_clock_gettime", 1)),
        ("loong64-newest", {"loongarch64"}, ("loongarch64", "__vdso_clock_gettime", 1)),
        # Its copy_to_user() depends on where in a line of the cache an address lies.
        ("ppc32", {"ppc32"}, ("ppc32", "__kernel_clock_gettime", 1)),
    ],
)
def test_costs_repeat_to_the_digit(kernel: str, abis: set[str], gettime: tuple[str, str, int]) -> None:
    first, second = count_instructions(kernel), count_instructions(kernel)
    assert first == second
    assert {abi for abi, _, _ in first} == abis
    assert all(one.get("vdso") is not None for one in first.values())
    # A call that stays out of the kernel takes tens of instructions, one that enters it takes hundreds.
    assert 10 < first[gettime]["vdso"] < 100 < first[gettime]["syscall"] < 2000
