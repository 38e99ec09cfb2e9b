"""check --baseline, --waivers and --bisect on the command line: what is told, and with which status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from consoles import PANIC, boot_lines, probe_lines
from elf_builder import Symbol
from fake_qemu import make_fake_qemu
from outcomes import Command
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image, write_vmlinux

from vdsocat.capture import capture_to_json
from vdsocat.documents import schema_problems

LACKING = (CLOCK, SIGRETURN)
NEW = Symbol("__vdso_brand_new", "LINUX_2.6")
EMULATOR = """
provider: qemu-user
name: QEMU user-mode emulation
abis:
  - abi: i386
    since: "6.0"
    soname: linux-gate.so.1
    exports: [{symbol: __vdso_clock_gettime, function: clock_gettime, version: LINUX_2.6}]
    source: [{note: made up}]
"""
WAIVER = "waivers: [{rule: SYM-MISSING, symbol: __vdso_getcpu, reason: nobody needs it}]\n"


def write_capture(path: Path, symbols: Sequence[Symbol] = I386_SYMBOLS, source: str = "test-kernel") -> Path:
    capture = i386_capture(i386_image(symbols))
    capture = replace(capture, provenance=replace(capture.provenance, source=source))
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(capture_to_json(capture)), encoding="utf-8")
    return path


def write_waivers(path: Path, text: str = WAIVER) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_capture(tmp_path / "old.json")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write_capture(tmp_path / "bad.json", LACKING)


def test_what_is_gone_since_the_baseline_is_named_and_status_1(vdsocat: Command, old: Path, bad: Path) -> None:
    outcome = vdsocat("check", bad, "--baseline", old)
    assert outcome.status == 1
    assert f"{bad} against test-kernel: 1 incompatible" in outcome.out
    assert "incompatible  i386  SYM-MISSING  __vdso_getcpu  is gone" in outcome.out


def test_a_fail_that_the_baseline_has_too_is_told_and_status_0(vdsocat: Command, bad: Path) -> None:
    outcome = vdsocat("check", bad, "--baseline", bad)
    assert outcome.status == 0
    assert "fail: SYM-MISSING" in outcome.out
    assert "against test-kernel: no change" in outcome.out


def test_what_is_new_is_status_1_when_strict(vdsocat: Command, tmp_path: Path, old: Path) -> None:
    new = write_capture(tmp_path / "new.json", (*I386_SYMBOLS, NEW))
    assert vdsocat("check", new, "--baseline", old).status == 0
    assert vdsocat("check", new, "--baseline", old, "--strict").status == 1


def test_the_changes_are_in_json_and_markdown(vdsocat: Command, old: Path, bad: Path) -> None:
    document = json.loads(vdsocat("check", bad, "--baseline", old, "--format", "json").out)
    assert list(schema_problems(document, "report")) == []
    assert document["kernels"][0]["regression"]["changes"][0]["subject"] == "__vdso_getcpu"
    assert document["exit_status"] == 1
    markdown = vdsocat("check", bad, "--baseline", old, "--format", "markdown").out
    assert "| incompatible | i386 | native | SYM-MISSING | __vdso_getcpu | is gone |" in markdown


def test_several_kernels_find_theirs_in_a_directory_of_captures(vdsocat: Command, tmp_path: Path, bad: Path) -> None:
    write_capture(tmp_path / "kept" / "one.json", source="one")
    write_capture(tmp_path / "kept" / "two.json", LACKING, source="two")
    new = [write_capture(tmp_path / f"new-{name}.json", LACKING, source=name) for name in ("one", "two")]
    outcome = vdsocat("check", *new, "--baseline", tmp_path / "kept")
    assert outcome.status == 1
    assert f"{new[0]} against one: 1 incompatible" in outcome.out
    assert f"{new[1]} against two: no change" in outcome.out
    third = vdsocat("check", bad, "--baseline", tmp_path / "kept")
    assert third.refused_in_one_sentence("several kernels of the baseline fit it (one, two)")


def test_a_baseline_that_cannot_be_used_is_one_sentence(vdsocat: Command, tmp_path: Path, bad: Path) -> None:
    garbage = tmp_path / "garbage.json"
    garbage.write_text("{")
    assert vdsocat("check", bad, "--baseline", garbage).refused_in_one_sentence("baseline cannot be used", str(garbage))
    nowhere = vdsocat("check", bad, "--baseline", tmp_path / "nowhere")
    assert nowhere.refused_in_one_sentence("baseline cannot be used", "nowhere")
    assert vdsocat("check", bad, "--baseline", "debain:trixie/arm64").status == 2


def test_a_waiver_makes_it_status_0_and_is_counted_and_printed(
    vdsocat: Command, tmp_path: Path, old: Path, bad: Path
) -> None:
    waivers = write_waivers(tmp_path / "waivers.yaml")
    for more in ((), ("--baseline", old)):
        outcome = vdsocat("check", bad, "--waivers", waivers, *more)
        assert outcome.status == 0, outcome
        assert "waived: SYM-MISSING __vdso_getcpu" in outcome.out
        assert "waivers: 1 used" in outcome.out
        assert "used: waiver 1 (SYM-MISSING, __vdso_getcpu), " in outcome.out
        assert outcome.err == ""
    assert vdsocat("diff", old, bad, "--waivers", waivers).status == 0
    document = json.loads(vdsocat("check", bad, "--waivers", waivers, "--format", "json").out)
    assert list(schema_problems(document, "report")) == []
    assert document["waivers"][0]["use"] == "used"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WAIVER, "waiver 1 (SYM-MISSING, __vdso_getcpu) matches nothing: take it out."),
        (WAIVER.replace("reason", "expires: 2020-01-31, reason"), "counts until 2020-01-31 only: it has expired."),
    ],
    ids=["stale", "expired"],
)
def test_a_stale_or_expired_waiver_is_rejected_after_all_is_told(
    vdsocat: Command, tmp_path: Path, old: Path, text: str, said: str
) -> None:
    waivers = write_waivers(tmp_path / "waivers.yaml", text)
    outcome = vdsocat("check", old, "--waivers", waivers)
    assert outcome.status == 2
    assert outcome.err.startswith(f"vdsocat: {waivers}: waiver 1 ")
    assert outcome.err.endswith(said + "\n")
    assert "1 source, 1 row" in outcome.out
    assert json.loads(vdsocat("check", old, "--waivers", waivers, "--format", "json").out)["exit_status"] == 2
    assert vdsocat("diff", old, old, "--waivers", waivers).status == 2


def test_a_fail_counts_before_a_rejected_waiver(vdsocat: Command, tmp_path: Path, bad: Path) -> None:
    waivers = write_waivers(tmp_path / "waivers.yaml", "waivers: [{rule: SYM-TYPE, reason: r}]\n")
    assert vdsocat("check", bad, "--waivers", waivers).status == 1


def test_a_wrong_file_of_waivers_is_refused_before_anything_runs(vdsocat: Command, tmp_path: Path, bad: Path) -> None:
    waivers = write_waivers(tmp_path / "waivers.yaml", "waivers: [{rul: SYM-TYPE, reason: r}]\n")
    assert vdsocat("check", bad, "--waivers", waivers).refused_in_one_sentence("unknown key 'rul'", "'rule'")
    missing = vdsocat("check", bad, "--waivers", tmp_path / "none.yaml")
    assert missing.refused_in_one_sentence("none.yaml: cannot be read")


def test_releases_are_waived_too(vdsocat: Command, tmp_path: Path) -> None:
    text = "waivers: [{abi: i386, symbol: __vdso_time, reason: nobody calls it}]\n"
    waivers = write_waivers(tmp_path / "waivers.yaml", text)
    outcome = vdsocat("diff", "5.1", "6.0", "--abi", "i386", "--waivers", waivers)
    assert outcome.status == 0
    assert "is gone (waived: nobody calls it)" in " ".join(outcome.out.split())


def test_good_and_bad_are_0_and_1_for_bisect(vdsocat: Command, tmp_path: Path, old: Path, bad: Path) -> None:
    assert vdsocat("check", "--bisect", old, "--baseline", old).status == 0
    assert vdsocat("check", "--bisect", bad, "--baseline", old).status == 1
    assert vdsocat("check", "--bisect", bad, "--baseline", bad).status == 0
    assert vdsocat("check", "--bisect", bad).status == 1
    assert vdsocat("check", "--bisect", bad, "--waivers", write_waivers(tmp_path / "waivers.yaml")).status == 0


def test_a_waiver_for_what_an_old_commit_does_not_have_stops_no_bisection(
    vdsocat: Command, tmp_path: Path, old: Path
) -> None:
    assert vdsocat("check", "--bisect", old, "--waivers", write_waivers(tmp_path / "waivers.yaml")).status == 0


@pytest.mark.parametrize("console", [[*boot_lines(i386_image())[:8], PANIC], boot_lines(i386_image())[:8]])
def test_a_kernel_that_cannot_be_judged_is_skipped(vdsocat: Command, tmp_path: Path, console: list[bytes]) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(console))
    kernel = write_vmlinux(tmp_path / "vmlinux")
    assert vdsocat("check", "--bisect", "--deadline", 1, "--qemu", qemu.directory, kernel).status == 125


def test_a_kernel_that_was_not_built_is_skipped(vdsocat: Command, tmp_path: Path) -> None:
    (tmp_path / "O").mkdir()
    (tmp_path / "vmlinux").write_bytes(b"half a kernel")
    for what in (tmp_path / "O", tmp_path / "vmlinux", tmp_path / "nowhere/vmlinux"):
        assert vdsocat("check", "--bisect", what).status == 125


@pytest.mark.parametrize(
    "words",
    [
        ("--no-such-option",),
        ("--deadline", "soon"),
        ("--static", "--cost"),
        ("--baseline", "/nowhere/vmlinux"),
        ("--waivers", "/nowhere/waivers.yaml"),
        ("debain:trixie/arm64",),
    ],
)
def test_what_is_no_fault_of_the_commit_stops_the_bisection(
    vdsocat: Command, old: Path, words: tuple[str, ...]
) -> None:
    outcome = vdsocat("check", old, "--bisect", *words)
    assert outcome.status == 128
    assert outcome.err
    assert "Traceback" not in outcome.err
    assert vdsocat("check", old, *words).status in (2, 3)


def test_a_baseline_of_another_architecture_stops_the_bisection(vdsocat: Command, tmp_path: Path, old: Path) -> None:
    other = replace(i386_capture(i386_image()), abis=())
    path = tmp_path / "other.json"
    path.write_text(json.dumps(capture_to_json(other)))
    assert vdsocat("check", "--bisect", old, "--baseline", path).status == 128


def test_a_defect_of_our_own_is_not_the_commits(vdsocat: Command, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vdsocat.check.judge_capture", broken)
    assert vdsocat("check", "--bisect", old).status == 128
    plain = vdsocat("check", old)
    # Python's own status would be that of a kernel that fails.
    assert (plain.status, "ZeroDivisionError" in plain.err) == (3, True)


def test_the_word_after_two_dashes_is_a_source_and_no_option(vdsocat: Command) -> None:
    assert vdsocat("check", "--", "--bisect").status == 2


@pytest.mark.parametrize(("bits", "mode"), [(32, "native"), (64, "compat")])
def test_beside_a_kernel_only_the_abis_of_the_emulator_are_compared_however_it_runs_them(
    vdsocat: Command, tmp_path: Path, old: Path, catalog_root: Path, bits: int, mode: str
) -> None:
    (catalog_root / "providers").mkdir(exist_ok=True)
    (catalog_root / "providers" / "qemu-user.yaml").write_text(EMULATOR)
    console = b"".join(probe_lines(image=i386_image(LACKING)))
    make_fake_qemu(tmp_path / "qemu", console, "exit 0", "qemu-i386")
    rows = json.loads(old.read_text())
    rows["abis"].append({**rows["abis"][0], "abi": "x86-64", "image": None, "machine": None})
    rows["provenance"]["kernel_bits"] = bits
    kernel = tmp_path / "two-abis.json"
    kernel.write_text(json.dumps(rows))
    outcome = vdsocat("diff", "--format", "json", "--qemu", tmp_path / "qemu", kernel, "qemu-user:i386")
    assert outcome.status == 1, outcome.err
    found = json.loads(outcome.out)["rows"]
    assert {(row["abi"], row["mode"]) for row in found} == {("i386", mode)}
    assert any(row["rule"] == "SYM-MISSING" and row["subject"] == "__vdso_getcpu" for row in found)
