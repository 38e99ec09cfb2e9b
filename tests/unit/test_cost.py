"""What calls cost: read from hand-made frames, kept in captures, drawn, and compared."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from consoles import PANIC, Speaker, boot_lines
from fake_qemu import make_fake_qemu
from outcomes import Command, Outcome
from small_catalog import small_catalog
from small_images import i386_capture, i386_image, write_vmlinux

import vdsocat
from vdsocat.cache import Cache
from vdsocat.capture import AbiCapture, Capture, capture_from_json, capture_to_json
from vdsocat.costs import Cost, Costs
from vdsocat.documents import data_directory, schema_problems
from vdsocat.guest.console import Transcript
from vdsocat.guest.cost import collect_costs
from vdsocat.guest.job import BootJob, make_boot, prepare_boot
from vdsocat.guest.machines import Counted, LoneInstruction, load_machines
from vdsocat.guest.probe_files import probe_name
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings, KernelUnderTest
from vdsocat.guest.stop import StopRequest
from vdsocat.judging.cost import compare_costs
from vdsocat.judging.judge import judge_capture
from vdsocat.judging.result import CheckResult
from vdsocat.report.costs import draw_costs
from vdsocat.report.document import report_document
from vdsocat.report.markdown import render_markdown

# 100 calls; 2000 instructions take 1000 ns; the clock's step is 1 ns; an empty call of the vDSO takes 10 ns.
LOOP = ("cost-loop", 2000, 1000, 1, 100, 1000, 500)
GETTIME = "__vdso_clock_gettime"
FRAMES = (
    LOOP,
    # (3800 - 1000) / 100 calls are 28 ns, or 56 instructions; (20500 - 500) / 100 are 200 ns, or 400.
    ("cost", GETTIME, 1, 3800, 20500),
    # What a step of the clock makes of it is rounded away.
    ("cost", GETTIME, 6, 3812, 20490),
    ("cost", "__vdso_time", "-", 2000, "errno:38"),
    ("cost", "__vdso_getcpu", "-", "crash"),
    ("cost", "__vdso_getrandom", "-", "lacking"),
)
MEASURED = (
    Cost(GETTIME, 1, 56, 400),
    Cost(GETTIME, 6, 56, 400),
    Cost("__vdso_time", None, 20, None, "the system call returned errno:38"),
    Cost("__vdso_getcpu", reason="the call ended in a crash"),
    Cost(
        "__vdso_getrandom",
        reason="the kernel has no random numbers yet, or the function no state that can be made",
    ),
)
(I386,) = (one for one in load_machines(data_directory("qemu-images") / "machines") if one.name == "i386")
SEEN = AbiCapture("i386", "little", "complete", image=b"an image")


def cost_lines(frames: Sequence[Sequence[object]] = FRAMES) -> list[bytes]:
    """What a probe says that measures costs."""
    probe = Speaker("i386-le/cost")
    lines = [probe.say("hello", 3, 32, "little", 4096)]
    return [*lines, *(probe.say(*(str(part) for part in one)) for one in frames), probe.end()]


def transcript_of(lines: Sequence[bytes]) -> Transcript:
    transcript = Transcript()
    assert list(transcript.feed(b"".join(lines)))
    return transcript


def collected(*frames: Sequence[object]) -> Costs | None:
    return collect_costs(transcript_of(cost_lines(frames)), SEEN)


def capture_with(costs: Costs | None) -> Capture:
    capture = i386_capture(i386_image())
    return replace(capture, abis=(replace(capture.abis[0], costs=costs),))


def result_with(costs: Costs) -> CheckResult:
    return CheckResult("test-kernel", judge_capture(capture_with(costs), small_catalog()))


def test_costs_are_instructions_beyond_those_of_an_empty_call() -> None:
    assert collected(*FRAMES) == Costs(MEASURED)


def test_a_real_probe_s_frames_are_read() -> None:
    """Its numbers are no instructions here, where nothing counts them."""
    abi, endianness = {"x86_64": ("x86-64", "little"), "aarch64": ("aarch64", "little")}[platform.machine()]
    name = probe_name(abi, endianness)
    program = Path(vdsocat.__file__).parent / "probes" / name
    said = subprocess.run([program, "--cost"], capture_output=True, timeout=60, check=True).stdout
    costs = collect_costs(transcript_of([said]), replace(SEEN, abi=abi))
    assert costs is not None
    assert costs.unknown is None
    subjects = [one.subject for one in costs.measured]
    assert len(subjects) == len(set(subjects)) >= 10
    assert all(one.reason is None or one.reason.startswith("the system call") for one in costs.measured)


def test_a_clock_whose_steps_hide_an_instruction_gives_no_costs() -> None:
    costs = collected(("cost-loop", 2000, 1000, 20, 100, 1000, 500), *FRAMES[1:])
    assert costs == Costs(unknown="The guest's clock counts in steps of 20 ns, too coarse for a loop of 100 calls.")


def test_an_abi_without_an_image_has_no_costs() -> None:
    assert collect_costs(transcript_of(cost_lines()), replace(SEEN, image=None)) is None


def test_a_probe_that_did_not_come_to_its_end_is_unknown() -> None:
    expected = Costs(unknown="i386-le/cost did not come to its end under -icount.")
    assert collect_costs(transcript_of(cost_lines()[:-1]), SEEN) == expected


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (FRAMES[1:], "it does not say what an empty loop costs"),
        ([("cost-loop", 2000, 0, 1, 100, 1000, 500)], "it does not say what an instruction takes"),
        ([("cost-loop", "many")], "invalid literal"),
        ([LOOP, ("cost", GETTIME, 1, 3800, 20500, 7)], "too many values"),
    ],
)
def test_frames_that_make_no_sense_are_told(frames: Sequence[Sequence[object]], words: str) -> None:
    costs = collected(*frames)
    assert costs is not None
    assert costs.unknown is not None
    assert costs.unknown.startswith("What i386-le/cost said cannot be read: ")
    assert words in costs.unknown


@pytest.mark.parametrize("costs", [None, Costs(MEASURED), Costs(unknown="no QEMU")])
def test_costs_survive_a_capture_s_way_through_json(costs: Costs | None) -> None:
    document = json.loads(json.dumps(capture_to_json(capture_with(costs))))
    assert list(schema_problems(document, "capture")) == []
    assert capture_from_json(document, "here").abis[0].costs == costs


def test_a_capture_from_before_costs_is_read() -> None:
    document = capture_to_json(capture_with(None))
    del document["abis"][0]["costs"]
    assert capture_from_json(document, "here") == capture_with(None)


def test_costs_are_drawn_with_their_ratio_and_reasons() -> None:
    lines = "\n".join(draw_costs([result_with(Costs(MEASURED))], 120)).splitlines()
    assert lines[2].split() == ["KERNEL", "ABI", "FUNCTION", "VDSO", "SYSCALL", "RATIO"]
    assert lines[3].split() == ["test-kernel", "i386", GETTIME, "clock", "1", "56", "400", "7.1"]
    assert lines[5].split() == ["test-kernel", "i386", "__vdso_time", "20", "-", "-"]
    assert "unknown: cost of __vdso_getcpu on test-kernel i386: the call ended in a crash." in lines
    assert list(draw_costs([result_with(Costs(unknown="No QEMU."))], 120)) == [
        "unknown: costs of test-kernel i386: No QEMU."
    ]


def test_reports_carry_costs() -> None:
    document = report_document([result_with(Costs(MEASURED))], "2026-01-02")
    assert list(schema_problems(document, "report")) == []
    assert document["kernels"][0]["abis"][0]["costs"]["measured"][0] == {
        "symbol": GETTIME, "clock": 1, "vdso": 56, "syscall": 400,
    }  # fmt: skip
    text = render_markdown(document)
    assert f"| `{GETTIME}` | CLOCK_MONOTONIC | 56 | 400 | 7.1 |  |" in text
    assert "| `__vdso_getcpu` |  |  |  | - | the call ended in a crash |" in text
    unknown = render_markdown(report_document([result_with(Costs(unknown="No QEMU."))], "2026-01-02"))
    assert "Cost of calls: unknown. No QEMU." in unknown


def test_report_draws_costs_as_a_page(vdsocat: Command, tmp_path: Path) -> None:
    path = write_capture(tmp_path / "kernel.json", *MEASURED)
    page = vdsocat("report", "--format", "costs", path).out
    assert page.startswith("# What calls cost\n")
    assert f"| test-kernel | i386 | {GETTIME} clock 1 | 56 | 400 | 7.1 |" in page
    assert "* unknown: cost of __vdso_getcpu on test-kernel i386: the call ended in a crash." in page
    assert f"{GETTIME} clock 1" in vdsocat("report", "--format", "table", path).out


def changes(before: Cost, after: Cost, threshold: float = 0.1) -> list[tuple[str, str]]:
    pair = (capture_with(Costs((before,))),), (capture_with(Costs((after,))),)
    return [(one.subject, one.sentence_part()) for one in compare_costs(*pair, threshold)]


def test_a_call_that_got_dearer_by_more_than_the_threshold_is_told() -> None:
    assert changes(Cost(GETTIME, 1, 100, 400), Cost(GETTIME, 1, 130, 300)) == [
        (f"{GETTIME} clock 1", "vDSO call dearer by 30%: 130 instructions, was 100"),
        (f"{GETTIME} clock 1", "system call cheaper by 25%: 300 instructions, was 400"),
    ]


@pytest.mark.parametrize(("after", "count"), [(110, 0), (111, 1), (90, 0), (89, 1)])
def test_the_threshold_itself_is_no_change(after: int, count: int) -> None:
    assert len(changes(Cost("__vdso_getcpu", None, 100), Cost("__vdso_getcpu", None, after))) == count


def test_what_only_one_of_them_measured_is_not_compared() -> None:
    assert changes(Cost(GETTIME, 1, 100, 400), Cost(GETTIME, 5, 900, 900)) == []
    assert changes(Cost(GETTIME, 1, 100, 400), Cost(GETTIME, 1, reason="the call ended in a hang")) == []
    assert changes(Cost(GETTIME, 1, 0, 400), Cost(GETTIME, 1, 1, 400)) == [
        (f"{GETTIME} clock 1", "vDSO call dearer: 1 instructions, was 0")
    ]


def write_capture(path: Path, *costs: Cost) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(capture_to_json(capture_with(Costs(costs) if costs else None))), encoding="utf-8")
    return path


def test_diff_tells_costs_of_captures_and_is_status_1(vdsocat: Command, tmp_path: Path) -> None:
    old = write_capture(tmp_path / "old" / "kernel.json", Cost(GETTIME, 1, 100, 400))
    new = write_capture(tmp_path / "new" / "kernel.json", Cost(GETTIME, 1, 130, 400))
    outcome = vdsocat("diff", old, new, "--format", "json")
    assert outcome.status == 1
    assert json.loads(outcome.out)["rows"] == [
        {
            "kind": "incompatible",
            "abi": "i386",
            "rule": "CALL-COST",
            "mode": None,
            "subject": f"{GETTIME} clock 1",
            "change": "vDSO call dearer by 30%: 130 instructions, was 100",
        }
    ]
    assert vdsocat("diff", old, new, "--cost-threshold", "30").status == 0
    write_capture(tmp_path / "new" / "more.json")
    outcome = vdsocat("diff", old.parent, new.parent, "--format", "json")
    assert outcome.status == 1
    assert [(one["capture"], one["change"]) for one in json.loads(outcome.out)["rows"]] == [
        ("kernel.json", "vDSO call dearer by 30%: 130 instructions, was 100"),
        ("more.json", "appears"),
    ]


def test_diff_says_that_only_one_of_them_has_costs(vdsocat: Command, tmp_path: Path) -> None:
    old = write_capture(tmp_path / "old.json", Cost(GETTIME, 1, 100, 400))
    new = write_capture(tmp_path / "new.json")
    outcome = vdsocat("diff", old, new)
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err == "test-kernel was not made with `vdsocat check --cost`: no costs are compared.\n"


def check_costs(
    vdsocat: Command, directory: Path, counted: Sequence[bytes], plain: Sequence[bytes] = ()
) -> tuple[Outcome, dict[str, Any]]:
    """`check --cost` with a QEMU whose guest says the one where it counts and the other where not; with the capture."""
    qemu = make_fake_qemu(
        directory / "qemu",
        b"".join(plain),
        before="case \"$*\" in *-icount*) cat 'DIRECTORY/counted'; exec sleep 60;; esac",
    )
    (qemu.directory / "counted").write_bytes(b"".join(counted))
    (directory / "config").write_text("# CONFIG_VDSO_GETRANDOM is not set\n")
    kernel = write_vmlinux(directory / "vmlinux")
    words = ("--qemu", qemu.directory, "--out", directory / "out", "--config", directory / "config")
    outcome = vdsocat("check", "--cost", *words, kernel)
    (capture,) = (directory / "out").glob("*.json")
    return outcome, json.loads(capture.read_text())


def logs_in(directory: Path) -> list[str]:
    return sorted("plain" if one.name.endswith(".plain.log") else "first" for one in directory.glob("*.log"))


def test_one_boot_checks_and_measures(vdsocat: Command, tmp_path: Path) -> None:
    outcome, capture = check_costs(vdsocat, tmp_path, boot_lines(i386_image(), costs=cost_lines()))
    assert outcome.status == 0
    (abi,) = capture["abis"]
    assert abi["costs"]["measured"][0] == {"symbol": GETTIME, "clock": 1, "vdso": 56, "syscall": 400}
    assert abi["outcome"] == "complete"
    lines = [line.split()[-3:] for line in outcome.out.splitlines() if f"{GETTIME} clock 1" in line]
    assert lines == [["56", "400", "7.1"]]
    assert logs_in(tmp_path / "out") == ["first"]
    assert capture["provenance"]["skipped"]


def test_where_qemu_cannot_count_a_plain_boot_decides(vdsocat: Command, tmp_path: Path) -> None:
    outcome, capture = check_costs(vdsocat, tmp_path, [PANIC], boot_lines(i386_image()))
    assert outcome.status == 0
    (abi,) = capture["abis"]
    assert abi["costs"]["unknown"].startswith("The kernel panicked: Kernel panic - not syncing")
    assert abi["outcome"] == "complete"
    assert "unknown: costs of" in outcome.out
    assert logs_in(tmp_path / "out") == ["first", "plain"]
    assert (
        b"Kernel panic" in next(one for one in (tmp_path / "out").glob("*.log") if "plain" not in one.name).read_bytes()
    )
    assert capture["provenance"]["skipped"] == []
    assert "-icount" not in capture["provenance"]["command"]


def test_a_probe_that_dies_while_it_measures_is_still_checked(vdsocat: Command, tmp_path: Path) -> None:
    outcome, capture = check_costs(vdsocat, tmp_path, boot_lines(i386_image(), costs=cost_lines()[:3]))
    assert outcome.status == 0
    (abi,) = capture["abis"]
    assert abi["costs"] == {"unknown": "i386-le/cost did not come to its end under -icount.", "measured": []}
    assert abi["outcome"] == "complete"


def test_the_log_of_an_earlier_plain_boot_does_not_stay(vdsocat: Command, tmp_path: Path) -> None:
    check_costs(vdsocat, tmp_path, [PANIC], boot_lines(i386_image()))
    check_costs(vdsocat, tmp_path, boot_lines(i386_image(), costs=cost_lines()))
    assert logs_in(tmp_path / "out") == ["first"]


def test_where_only_a_newer_qemu_counts_the_boot_is_made_without(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(boot_lines(i386_image())))
    picky = replace(I386, counted=Counted(I386.args, least_qemu="10.0"))
    settings = BootSettings((picky,), Cache(tmp_path / "cache"), qemu_finder(qemu.directory))
    job = BootJob(KernelUnderTest("k", write_vmlinux(tmp_path / "vmlinux")), settings, tmp_path / "log", cost=True)
    (abi,) = make_boot(prepare_boot(job), StopRequest(), lambda text: None).capture.abis
    assert abi.outcome == "complete"
    assert abi.costs is not None
    assert str(abi.costs.unknown).startswith("qemu-system-i386 10.0 or newer is needed here, and ")
    assert "-icount" not in qemu.arguments()


def test_instructions_that_qemu_must_translate_alone_are_told_to_it(tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"".join(boot_lines(i386_image(), costs=cost_lines())))
    # The banner of the stand-in's kernel begins with "Linux ", at the address 0x100000.
    lone = LoneInstruction(int.from_bytes(b"Linu", "little"), 0xFFFFFFFF)
    kernel = KernelUnderTest("k", write_vmlinux(tmp_path / "vmlinux"))
    keys = []
    for place in ("here", "there"):
        settings = BootSettings(
            (replace(I386, counted=Counted(alone=lone)),), Cache(tmp_path / place), qemu_finder(qemu.directory)
        )
        prepared = prepare_boot(BootJob(kernel, settings, tmp_path / "log", cost=True))
        (abi,) = make_boot(prepared, StopRequest(), lambda text: None).capture.abis
        assert abi.costs is not None
        assert abi.costs.unknown is None
        keys.append(prepared.key)
        (told,) = (word for word in qemu.arguments() if "input-path=" in word)
        assert Path(told.partition("input-path=")[2]).read_bytes() == b"$Z1,100001,4#39+$c#63"
    assert keys[0] == keys[1]


def test_the_command_that_counts_is_the_one_printed(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", b"")
    kernel = write_vmlinux(tmp_path / "vmlinux")
    outcome = vdsocat("check", "--dry-run", "--cost", "--qemu", qemu.directory, kernel)
    (command,) = outcome.out.splitlines()
    assert command.endswith(" -- --cost' -icount shift=3,sleep=off -rtc base=2030-01-01,clock=vm")


def test_nothing_is_counted_where_nothing_is_booted(vdsocat: Command, tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux")
    assert vdsocat("check", "--static", "--cost", kernel).status == 2
