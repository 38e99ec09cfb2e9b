"""pytest --vdsocat-kernel, run by pytest's own means of testing plugins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from elf_builder import Symbol
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import Case, capture_to_json
from vdsocat.cli import settings

pytest_plugins = ["pytester"]


@pytest.fixture
def plugged(pytester: pytest.Pytester, catalog_root: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A directory without tests, in which the plugin knows the small catalogue."""
    monkeypatch.setattr(settings, "data_path", lambda kind: str(catalog_root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    return pytester


def write(directory: Path, name: str, symbols: Sequence[Symbol] = I386_SYMBOLS, *cases: Case) -> Path:
    path = directory / f"{name}.json"
    path.write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols), cases=cases))), encoding="utf-8")
    return path


def test_a_kernel_has_a_test_for_each_symbol_and_rule_of_each_abi(plugged: pytest.Pytester) -> None:
    write(plugged.path, "good", I386_SYMBOLS, Case("__vdso_getcpu", "null/1", "0", "0"))
    run = plugged.runpytest_inprocess("--vdsocat-kernel=good.json", "-v")
    assert run.ret == 0, run.stdout.str()
    told = run.stdout.str()
    for what in ("__vdso_getcpu", "__vdso_clock_gettime", "ELF-SONAME", "MAP-VDSO"):
        assert told.count(f"i386 native::{what} PASSED") == 1, told


def test_what_fails_is_a_failed_test_with_its_sentence(plugged: pytest.Pytester) -> None:
    write(plugged.path, "bad", (CLOCK, SIGRETURN))
    run = plugged.runpytest_inprocess("--vdsocat-kernel=bad.json")
    assert run.ret == 1
    assert run.parseoutcomes()["failed"] == 1
    run.stdout.fnmatch_lines(["SYM-MISSING __vdso_getcpu@@LINUX_2.6: it must be there (since 6.0) *"])
    assert "Traceback" not in run.stdout.str()
    assert "pytest_plugin.py" not in run.stdout.str()


def test_tests_of_a_kernel_are_chosen_by_name(plugged: pytest.Pytester) -> None:
    write(plugged.path, "bad", (CLOCK, SIGRETURN))
    run = plugged.runpytest_inprocess("--vdsocat-kernel=bad.json", "-k", "clock_gettime")
    outcomes = run.parseoutcomes()
    assert (run.ret, outcomes["passed"]) == (0, 1)
    assert outcomes["deselected"] > 10


def test_they_run_beside_other_tests(plugged: pytest.Pytester) -> None:
    plugged.makepyfile("def test_it(): pass")
    write(plugged.path, "good")
    run = plugged.runpytest_inprocess("--vdsocat-kernel=good.json", "-v")
    assert run.ret == 0
    run.stdout.fnmatch_lines_random(["*::test_it PASSED*", "*i386 native::__vdso_getcpu PASSED*"])


def test_a_baseline_decides_what_fails(plugged: pytest.Pytester) -> None:
    write(plugged.path, "old")
    write(plugged.path, "bad", (CLOCK, SIGRETURN))
    run = plugged.runpytest_inprocess("--vdsocat-kernel=bad.json", "--vdsocat-baseline=old.json", "-v")
    outcomes = run.parseoutcomes()
    assert (run.ret, outcomes["failed"], outcomes["xfailed"]) == (1, 1, 1)
    run.stdout.fnmatch_lines(["*against test-kernel::i386::__vdso_getcpu FAILED*"])
    run.stdout.fnmatch_lines(["SYM-MISSING __vdso_getcpu: is gone"])
    same = plugged.runpytest_inprocess("--vdsocat-kernel=bad.json", "--vdsocat-baseline=bad.json", "-v")
    assert same.ret == 0
    same.stdout.fnmatch_lines(["*against test-kernel::no change PASSED*"])


def test_what_is_waived_is_expected_to_fail(plugged: pytest.Pytester) -> None:
    write(plugged.path, "bad", (CLOCK, SIGRETURN))
    (plugged.path / "w.yaml").write_text("waivers: [{symbol: __vdso_getcpu, reason: nobody needs it}]")
    run = plugged.runpytest_inprocess("--vdsocat-kernel=bad.json", "--vdsocat-waivers=w.yaml", "-rx")
    assert (run.ret, run.parseoutcomes()["xfailed"]) == (0, 1)
    assert "waived: nobody needs it" in run.stdout.str()


@pytest.mark.parametrize("source", ["nowhere/vmlinux", "garbage.json", "debain:trixie/arm64"])
def test_a_kernel_that_cannot_be_judged_is_one_failed_test(plugged: pytest.Pytester, source: str) -> None:
    (plugged.path / "garbage.json").write_text("{")
    run = plugged.runpytest_inprocess(f"--vdsocat-kernel={source}")
    assert (run.ret, run.parseoutcomes()) == (1, {"failed": 1})
    assert source.partition(":")[0] in run.stdout.str()
    assert "Traceback" not in run.stdout.str()


def test_a_wrong_file_of_waivers_is_one_failed_test(plugged: pytest.Pytester) -> None:
    write(plugged.path, "good")
    (plugged.path / "w.yaml").write_text("waivers: [{rul: SYM-TYPE, reason: r}]")
    run = plugged.runpytest_inprocess("--vdsocat-kernel=good.json", "--vdsocat-waivers=w.yaml")
    assert (run.ret, run.parseoutcomes()) == (1, {"failed": 1})
    run.stdout.fnmatch_lines(["*unknown key 'rul'; did you mean 'rule'*"])


def test_it_costs_nothing_when_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    program = (
        "import sys, pytest\n"
        "status = pytest.main(['-q', '-p', 'no:cacheprovider', 'test_it.py'])\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'vdsocat'))\n"
        "sys.exit(status)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "['vdsocat', 'vdsocat.pytest_plugin']"
