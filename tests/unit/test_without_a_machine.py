"""What needs no machine, for the ABIs that nothing here boots: the catalogue, documents, consumers and history."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import yaml
from outcomes import Command

from vdsocat.documents import data_directory

ROOT = data_directory("catalog").parent
UNBOOTED = yaml.safe_load((ROOT / "catalog" / "unbooted.yaml").read_text("utf-8"))["unbooted"]
NAMED = sorted({abi for entry in UNBOOTED for abi in entry["abis"]})
# arch/ia64/kernel/gate.lds.S (v5.10): VERSION
GATE = {"__kernel_syscall_via_break", "__kernel_syscall_via_epc", "__kernel_sigtramp"}
Ask = Callable[..., str]


@pytest.fixture
def ask(vdsocat: Command) -> Ask:
    """What a command prints of the real catalogue; its status must be 0, or 1 where it is asked for differences."""

    def run(*arguments: object) -> str:
        outcome = vdsocat("--catalog", ROOT / "catalog", *arguments)
        assert outcome.status in ((0, 1) if arguments[0] in ("errata", "diff", "audit") else (0,)), outcome.err
        return outcome.out

    return run


def symbols(listed: str) -> dict[str, dict[str, str | None]]:
    """The rows of a query by their symbols."""
    return {row["symbol"]: row for row in json.loads(listed)["rows"]}


def test_every_verb_answers_for_every_abi(ask: Ask) -> None:
    for abi in NAMED:
        assert ask("show", abi).startswith(f"{abi}: ")
        assert f" {abi} " in ask("history", abi)
        assert symbols(ask("query", "--abi", abi, "--format", "json", "*"))
        assert "held against Linux" in ask("errata", "--abi", abi)
        ask("audit", "--abi", abi)


def test_itanium_has_its_gate_until_it_is_gone(ask: Ask) -> None:
    def gate(release: str) -> set[str]:
        listed = symbols(ask("query", "--abi", "ia64", "--kernel", release, "--format", "json", "*"))
        return {name for name, row in listed.items() if row["version"] == "LINUX_2.5" and row["state"] == "present"}

    assert (gate("2.5.72"), gate("2.5.73"), gate("6.6"), gate("6.7")) == (set(), GATE, GATE, set())
    lost = ask("diff", "6.6", "6.7", "--abi", "ia64")
    assert all(re.search(rf"incompatible +ia64 +SYM-MISSING +{name} +is gone", lost) for name in GATE)
    assert "run natively only from 2.5.0 until 6.7" in ask("query", "--lacking", "--abi", "ia64", "vsyscall")


def test_the_manual_page_is_told_that_itanium_is_gone(ask: Ask) -> None:
    said = ask("errata", "--abi", "ia64")
    assert "removed in Linux 6.7" in said
    assert "cf8e8658100d" in said


def test_blackfin_has_its_fixed_code_until_it_is_gone_as_the_manual_page_says(ask: Ask) -> None:
    told = symbols(ask("query", "--abi", "bfin", "--format", "json", "*"))
    assert told["sigreturn_stub"]["version"] == "fixed-code+0x400"
    assert {row["until"] for row in told.values()} == {"4.17"}
    assert ask("diff", "4.16", "4.17", "--abi", "bfin").count("is gone") > len(told)
    # "bfin (Blackfin) functions (port removed in Linux 4.17)": vdso.7 of man-pages 6.03
    assert ": 0\n  wrong, 0 missing" in ask("errata", "--abi", "bfin")


def test_every_reason_has_its_proof() -> None:
    """docs/impossible.md has a section for each ABI, with its name in the heading."""
    page = (ROOT / "docs" / "impossible.md").read_text("utf-8")
    headings = " ".join(line for line in page.splitlines() if line.startswith("## "))
    assert [abi for abi in NAMED if not re.search(rf"\b{abi}\b", headings)] == []
