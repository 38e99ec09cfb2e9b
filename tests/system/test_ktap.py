"""What we write as KTAP, read by the kernel's own parser (tools/testing/kunit) out of Debian's linux-source."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import vdsocat
from kernel_source import source_of

KERNEL = "amd64-6.1"
# A panic's own words end a log for the parser, and the rest is what its lines look like.
HOSTILE = "x\nok 1 y # SKIP\n# Subtest: z\nKTAP version 1\n1..9 Kernel panic - not syncing: VFS: reboot: System halted"
READER = """
import json, sys
from kunit_parser import parse_run_tests
from kunit_printer import Printer
class Silent(Printer):
    def print(self, *words): pass
with open(sys.argv[1], encoding="utf-8") as file:
    test = parse_run_tests(file, Silent())
def told(test):
    return {"name": test.name, "status": test.status.name, "tests": [told(one) for one in test.subtests]}
counts = {key: value for key, value in vars(test.counts).items()}
print(json.dumps({"counts": counts, "tree": told(test)}))
"""


@pytest.fixture(scope="module")
def kunit() -> Path:
    """The kernel's tools/testing/kunit."""
    return source_of("built:riscv64") / "tools/testing/kunit"


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of a kernel that conforms."""
    directory = tmp_path_factory.mktemp("ktap")
    run = vdsocat("check", KERNEL, "--out", str(directory))
    assert run.returncode == 0, run.stderr
    return directory / f"{KERNEL}.json"


def read(kunit: Path, text: str, directory: Path) -> tuple[dict[str, int], dict[str, object], int]:
    """The parser's counts and its tree of tests, and the status of `kunit.py parse`."""
    path = directory / "results.ktap"
    path.write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(kunit), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", READER, str(path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said = json.loads(run.stdout)
    program = [sys.executable, str(kunit / "kunit.py"), "parse", str(path)]
    status = subprocess.run(program, env=environment, cwd=directory, capture_output=True, check=False).returncode
    return said["counts"], said["tree"], status


def results(text: str, word: str) -> int:
    """How many cases, three levels deep, have this result."""
    return len(re.findall(rf"^ {{8}}{word} \d+ (?!.* # SKIP )", text, re.MULTILINE))


def test_the_kernels_parser_reads_every_case_of_a_good_kernel(kunit: Path, capture: Path, tmp_path: Path) -> None:
    run = vdsocat("report", str(capture), "--format", "ktap")
    assert run.returncode == 0, run.stderr
    counts, tree, status = read(kunit, run.stdout, tmp_path)
    assert (counts["failed"], counts["crashed"], counts["errors"], status) == (0, 0, 0, 0)
    assert counts["passed"] == results(run.stdout, "ok") > 300
    (kernel,) = tree["tests"]  # type: ignore[misc]
    assert (kernel["name"], kernel["status"]) == (KERNEL, "SUCCESS")
    assert [abi["name"].split()[0] for abi in kernel["tests"]] == ["x86-64", "i386", "x32"]


def test_kunit_writes_kernelcis_json_of_it(kunit: Path, capture: Path, tmp_path: Path) -> None:
    """As docs/ci/kernelci.md has it."""
    ktap, written = tmp_path / "vdso.ktap", tmp_path / "vdso.json"
    ktap.write_text(vdsocat("report", str(capture), "--format", "ktap").stdout, encoding="utf-8")
    command = [sys.executable, str(kunit / "kunit.py"), "parse", f"--json={written}", str(ktap)]
    subprocess.run(command, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, cwd=tmp_path, check=True)
    (kernel,) = json.loads(written.read_text())["sub_groups"]
    assert kernel["name"] == KERNEL
    assert [abi["name"].split()[0] for abi in kernel["sub_groups"]] == ["x86-64", "i386", "x32"]
    said = [case["status"] for abi in kernel["sub_groups"] for case in abi["test_cases"]]
    assert said.count("PASS") == results(ktap.read_text(), "ok") > 300
    assert set(said) <= {"PASS", "SKIP"}


def test_the_kernels_parser_reads_every_case_of_a_bad_one_whatever_it_is_called(
    kunit: Path, capture: Path, tmp_path: Path
) -> None:
    document = json.loads(capture.read_text(encoding="utf-8"))
    document["provenance"]["source"] = HOSTILE
    case = document["abis"][0]["cases"][0]
    case["vdso"], case["kernel"] = HOSTILE, "0"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    unjudged = tmp_path / "unjudged.json"
    unjudged.write_text(json.dumps(document | {"provenance": document["provenance"] | {"provider": HOSTILE}}))
    run = vdsocat("report", str(broken), str(capture), str(unjudged), "--format", "ktap")
    assert run.returncode == 1, run.stderr
    counts, tree, status = read(kunit, run.stdout, tmp_path)
    assert (counts["passed"], counts["failed"]) == (results(run.stdout, "ok"), results(run.stdout, "not ok"))
    assert counts["failed"] >= 2
    assert (counts["crashed"], counts["errors"]) == (0, 0)
    assert status == 1
    assert [one["status"] for one in tree["tests"]] == ["FAILURE", "SUCCESS", "FAILURE"]  # type: ignore[attr-defined]
