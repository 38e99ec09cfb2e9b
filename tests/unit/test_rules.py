"""The rules beside the comparison: each verdict of each rule on a made-up observation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_catalog import small_catalog
from small_images import CLOCK, GETCPU, i386_image

from vdsocat.capture import AbiCapture, Call, Case, KuserPage
from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.intervals import Bound, Decision, Interval, State
from vdsocat.catalog.model import AreaEntry, HashStyles, VdsoInterval
from vdsocat.elf.image import read_vdso_image
from vdsocat.exports import KernelRelease
from vdsocat.judging import rules
from vdsocat.judging.finding import Finding, Verdict

CATALOG = small_catalog()
I386 = CATALOG.abi("i386")
(KUSER,) = CATALOG.abi("arm").areas
AT = KernelRelease((6, 1))
NATIVE = KernelFacts("native", {})
IMAGE = read_vdso_image(i386_image())


def seen(outcome: str = "complete", **more: Any) -> AbiCapture:
    return AbiCapture("i386", "little", outcome, **more)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [(State.PRESENT, Verdict.FAIL), (State.ABSENT, Verdict.EXPECTED_ABSENT), (State.UNKNOWN, Verdict.UNKNOWN)],
)
def test_a_refused_program_is_judged_by_what_the_catalogue_says(state: State, verdict: Verdict) -> None:
    (finding,) = rules.judge_abi_runs(seen("exec-failed", detail=8), I386, Decision(state, "needs CONFIG_A"))
    assert (finding.rule, finding.verdict, finding.subject) == ("ABI-RUNS", verdict, "i386")
    assert "Exec format error" in finding.reason
    assert "needs CONFIG_A" in finding.reason


@pytest.mark.parametrize(
    ("state", "verdict"),
    [(State.PRESENT, Verdict.PASS), (State.ABSENT, Verdict.REVIEW), (State.UNKNOWN, Verdict.PASS)],
)
def test_a_program_that_runs_passes_unless_the_catalogue_denies_it(state: State, verdict: Verdict) -> None:
    (finding,) = rules.judge_abi_runs(seen(), I386, Decision(state, "r"))
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("state", "image", "verdicts"),
    [
        (State.PRESENT, None, []),
        (State.PRESENT, b"image", []),
        (State.UNKNOWN, None, []),
        (State.ABSENT, None, [Verdict.EXPECTED_ABSENT]),
        (State.ABSENT, b"image", [Verdict.REVIEW]),
    ],
)
def test_without_a_boot_only_the_catalogue_says_that_an_abi_does_not_run(
    state: State, image: bytes | None, verdicts: list[Verdict]
) -> None:
    found = list(rules.judge_abi_runs(seen("static", image=image), I386, Decision(state, "needs CONFIG_A")))
    assert [one.verdict for one in found] == verdicts
    assert all("needs CONFIG_A" in one.reason for one in found)


@pytest.mark.parametrize(
    ("outcome", "detail", "words"),
    [
        ("signal", 11, "signal SIGSEGV"),
        ("signal", 200, "signal 200"),
        ("exit", 3, "exit status 3"),
        ("hang", None, "hang"),
        ("silent", None, "silent"),
    ],
)
def test_a_probe_that_does_not_finish_fails_and_says_how(outcome: str, detail: int | None, words: str) -> None:
    (finding,) = rules.judge_abi_runs(seen(outcome, detail=detail), I386, Decision(State.PRESENT, "r"))
    assert finding.verdict is Verdict.FAIL
    assert words in finding.reason


def vdso(since: str = "5.1", soname: str | None = "linux-gate.so.1", until: str | None = None) -> VdsoInterval:
    return VdsoInterval(Interval(Bound.parse(since), Bound.parse(until) if until else None), soname)


@pytest.mark.parametrize(
    ("intervals", "mapped", "verdict"),
    [
        ((vdso(),), True, Verdict.PASS),
        ((vdso(),), False, Verdict.FAIL),
        ((vdso("6.5"),), True, Verdict.REVIEW),
        ((vdso("6.5"),), False, Verdict.EXPECTED_ABSENT),
        ((), True, Verdict.REVIEW),
        ((), False, Verdict.EXPECTED_ABSENT),
    ],
)
def test_an_image_is_mapped_where_the_catalogue_says(
    intervals: tuple[VdsoInterval, ...], mapped: bool, verdict: Verdict
) -> None:
    capture = seen(image=b"x", address=0x1000) if mapped else seen()
    finding = rules.judge_vdso_present(capture, intervals, AT, NATIVE)
    assert (finding.rule, finding.verdict) == ("VDSO-PRESENT", verdict)
    assert (finding.seen == "1 bytes at 0x1000") is mapped


def test_an_undecided_image_that_is_absent_is_unknown() -> None:
    (conditional,) = CATALOG.abi("arm").vdso
    finding = rules.judge_vdso_present(seen(), (conditional,), AT, KernelFacts("native"))
    assert finding.verdict is Verdict.UNKNOWN
    assert "CONFIG_VDSO" in finding.reason


@pytest.mark.parametrize(("change", "verdict"), [({}, Verdict.PASS), ({"machine": "EM_ARM"}, Verdict.FAIL),
                                                 ({"elf_class": 64}, Verdict.FAIL)])  # fmt: skip
def test_the_image_is_of_the_abi(change: dict[str, Any], verdict: Verdict) -> None:
    assert rules.judge_identity(replace(IMAGE, **change), I386, "little").verdict is verdict
    assert rules.judge_identity(IMAGE, I386, "big").verdict is Verdict.FAIL


def test_the_soname_is_the_catalogued_one() -> None:
    def verdicts(*intervals: VdsoInterval) -> list[Verdict]:
        return [finding.verdict for finding in rules.judge_soname(IMAGE, intervals, AT, NATIVE)]

    assert verdicts(vdso()) == [Verdict.PASS]
    assert verdicts(vdso(soname="linux-vdso.so.1")) == [Verdict.FAIL]
    assert verdicts(vdso(soname="old.so", until="6.0"), vdso("6.0")) == [Verdict.PASS]
    assert verdicts(vdso(soname=None)) == []


@pytest.mark.parametrize(
    ("page", "config", "verdict"),
    [
        (KuserPage(True, 5), {"CONFIG_KUSER_HELPERS": "y"}, Verdict.PASS),
        (KuserPage(False), {"CONFIG_KUSER_HELPERS": "y"}, Verdict.FAIL),
        (KuserPage(True, 5), {}, Verdict.REVIEW),
        (KuserPage(False), {}, Verdict.EXPECTED_ABSENT),
        (KuserPage(True, 5), None, Verdict.PASS),
        (KuserPage(False), None, Verdict.UNKNOWN),
    ],
)
def test_the_kuser_page_is_there_where_the_catalogue_says(
    page: KuserPage, config: dict[str, str] | None, verdict: Verdict
) -> None:
    (finding,) = rules.judge_areas((KUSER,), seen(kuser=page), AT, KernelFacts("native", config))
    assert (finding.rule, finding.verdict) == ("AREA-PRESENT", verdict)
    if page.present:
        assert finding.seen == "helper version 5"


def test_an_area_that_no_probe_looks_at_is_unknown_with_the_reason() -> None:
    gateway = replace(KUSER, name="gateway")
    facts = KernelFacts("native", {"CONFIG_KUSER_HELPERS": "y"})
    (finding,) = rules.judge_areas((gateway,), seen(kuser=KuserPage(True, 5)), AT, facts)
    assert finding.verdict is Verdict.UNKNOWN
    assert "does not look" in finding.reason


@pytest.mark.parametrize(
    ("said", "verdict", "words"),
    [
        (("0", "errno:38"), Verdict.PASS, "2 of 2 calls"),
        (("signal:11", "0"), Verdict.PASS, "1 of 2 calls"),
        (("signal:11", "hang"), Verdict.FAIL, "0 of 2 calls"),
    ],
)
def test_an_area_whose_entries_were_called_is_there_if_any_call_came_back(
    said: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    entry = AreaEntry("entry", "lws", 0xB0, KUSER.interval, ())
    gateway = replace(KUSER, name="gateway", entries=(entry,))
    cases = tuple(Case("entry", f"gateway/{number}", "0", one) for number, one in enumerate(said))
    called = replace(seen(), cases=cases)
    (finding,) = rules.judge_areas((gateway,), called, AT, KernelFacts("native", {"CONFIG_KUSER_HELPERS": "y"}))
    assert finding.verdict is verdict
    assert words in (finding.seen or words)


VSYSCALL = replace(KUSER, name="vsyscall", mapping="[vsyscall]", entries=())
VSYSCALL_ENDED = replace(VSYSCALL, interval=Interval(Bound(KernelRelease((3, 0))), Bound(KernelRelease((4, 4)))))
VSYSCALL_OPTIONAL = replace(
    VSYSCALL, interval=Interval(Bound(KernelRelease((4, 4))), when=Condition("not boot:vsyscall=none"))
)
SHOWN = "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]"
OTHER = "7ffc0000-7ffe0000 rw-p 00000000 00:00 0    [stack]"


@pytest.mark.parametrize(
    ("maps", "parameters", "verdict"),
    [
        ((OTHER, SHOWN), {}, Verdict.PASS),
        ((OTHER, SHOWN), None, Verdict.PASS),
        ((OTHER, SHOWN), {"vsyscall": "none"}, Verdict.REVIEW),
        ((OTHER,), {}, Verdict.FAIL),
        ((OTHER,), None, Verdict.UNKNOWN),
        ((OTHER,), {"vsyscall": "none"}, Verdict.EXPECTED_ABSENT),
        ((), {}, Verdict.UNKNOWN),
        ((), {"vsyscall": "none"}, Verdict.EXPECTED_ABSENT),
    ],
)
def test_a_page_that_maps_shows_is_judged_by_it_once_for_all_its_stretches(
    maps: tuple[str, ...], parameters: dict[str, str] | None, verdict: Verdict
) -> None:
    facts = KernelFacts("native", parameters=parameters)
    page = replace(seen(), mappings=maps)
    (finding,) = rules.judge_areas((VSYSCALL_ENDED, VSYSCALL_OPTIONAL), page, AT, facts)
    assert (finding.rule, finding.verdict, finding.subject) == ("AREA-PRESENT", verdict, "vsyscall")


GOOD = Call("__vdso_clock_gettime", clock=1, before=100, returned=0, value=150, after=200)


def verdict_of(call: Call) -> tuple[str, Verdict]:
    finding = rules.judge_call(call)
    return finding.rule, finding.verdict


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("CALL-VALUE", Verdict.PASS)),
        ({"value": 100}, ("CALL-VALUE", Verdict.PASS)),
        ({"value": 200}, ("CALL-VALUE", Verdict.PASS)),
        ({"value": 99}, ("CALL-VALUE", Verdict.FAIL)),
        ({"value": 201}, ("CALL-VALUE", Verdict.FAIL)),
        ({"value": None}, ("CALL-VALUE", Verdict.UNKNOWN)),
        ({"returned": -22}, ("CALL-RETURN", Verdict.FAIL)),
        ({"returned": -22, "syscall_errno": 22, "before": None}, ("CALL-RETURN", Verdict.PASS)),
        ({"returned": -38, "syscall_errno": 22, "before": None}, ("CALL-RETURN", Verdict.UNKNOWN)),
        ({"returned": 0, "syscall_errno": 22, "before": None}, ("CALL-RETURN", Verdict.UNKNOWN)),
        ({"failure": "crash", "signal": 11}, ("CALL-RETURN", Verdict.FAIL)),
        ({"failure": "hang"}, ("CALL-RETURN", Verdict.FAIL)),
    ],
)
def test_a_call_agrees_with_the_system_call_around_it(change: dict[str, Any], expected: tuple[str, Verdict]) -> None:
    assert verdict_of(replace(GOOD, **change)) == expected


def test_a_call_is_named_with_its_clock_and_a_crash_with_its_signal() -> None:
    assert rules.judge_call(GOOD).subject == "__vdso_clock_gettime(CLOCK_MONOTONIC)"
    assert rules.judge_call(replace(GOOD, clock=99)).subject == "__vdso_clock_gettime(99)"
    assert rules.judge_call(replace(GOOD, clock=None)).subject == "__vdso_clock_gettime"
    assert "SIGSEGV" in rules.judge_call(Call("x", failure="crash", signal=11)).reason
    assert rules.judge_call(replace(GOOD, value=99)).expected == "100…200"


def test_a_probe_that_migrates_between_cpus_agrees_with_either() -> None:
    assert verdict_of(Call("__vdso_getcpu", before=3, returned=0, value=1, after=1))[1] is Verdict.PASS
    assert verdict_of(Call("__vdso_getcpu", before=3, returned=0, value=3, after=1))[1] is Verdict.PASS


def test_an_exported_function_that_was_not_called_is_unknown() -> None:
    image = read_vdso_image(i386_image((CLOCK, GETCPU)))
    findings: list[Finding] = list(rules.judge_calls_made(image, I386, seen(calls=(GOOD,))))
    assert [(one.rule, one.verdict, one.subject) for one in findings] == [
        ("CALL-MADE", Verdict.UNKNOWN, "__vdso_getcpu")
    ]


def test_the_hosts_of_an_abi_are_told_apart_by_arch_and_width() -> None:
    assert len(I386.hosts_on("x86", 64)) == 1
    assert I386.hosts_on("arm64", 64) == ()


@pytest.mark.parametrize(
    ("arch", "bits", "mode"),
    [("x86", 32, "native"), ("x86", 64, "compat"), ("arm64", 64, "compat"), (None, None, "unknown")],
)
def test_the_kernel_decides_how_an_abi_is_run(arch: str | None, bits: int | None, mode: str) -> None:
    assert I386.mode_on(arch, bits) == mode


def test_an_errno_that_lost_its_sign_fails() -> None:
    call = Call("__vdso_gettimeofday", before=10, returned=14, value=12, after=15)
    finding = rules.judge_call(call)
    assert (finding.rule, finding.verdict) == ("CALL-RETURN", Verdict.FAIL)
    assert "14" in finding.reason


def test_time_returns_its_value() -> None:
    assert rules.judge_call(Call("__vdso_time", before=100, returned=100, value=100, after=101)).verdict is Verdict.PASS


def test_signals_that_differ_between_architectures_are_given_by_number() -> None:
    assert "SIGSEGV" in rules.judge_call(Call("__vdso_time", failure="crash", signal=11)).reason
    assert "signal 10" in rules.judge_call(Call("__vdso_time", failure="crash", signal=10)).reason


def test_the_image_itself_is_no_other_page_of_its_name() -> None:
    page = replace(
        KUSER, name="trampolines", mapping="[vdso]", interval=Interval(Bound.parse("2.6"), Bound.parse("4.4"))
    )
    image_alone = ("7ffd0000-7ffd2000 r-xp 00000000 00:00 0 [vdso]",)
    shown = seen(image=b"image", address=0x7FFD0000, mappings=image_alone)
    (finding,) = rules.judge_areas((page,), shown, AT, NATIVE)
    assert finding.verdict is Verdict.EXPECTED_ABSENT
    beside = replace(shown, mappings=(*image_alone, "7fff0000-7fff1000 r-xp 00000000 00:00 0 [vdso]"))
    (finding,) = rules.judge_areas((page,), beside, AT, NATIVE)
    assert finding.verdict is Verdict.REVIEW


def styles(*names: str, when: str | None = None, until: str | None = None) -> HashStyles:
    interval = Interval(Bound.parse("2.6"), Bound.parse(until) if until else None, Condition(when) if when else None)
    return HashStyles(names, interval)


BY_LINKER = (styles("sysv", when="toolchain:sysv"), styles("gnu", when="not toolchain:sysv"))


@pytest.mark.parametrize(
    ("catalogued", "image", "verdict"),
    [
        ((styles("sysv", "gnu"),), ("gnu", "sysv"), Verdict.PASS),
        ((styles("sysv", "gnu"),), ("gnu",), Verdict.FAIL),
        ((styles("gnu"),), ("sysv", "gnu"), Verdict.FAIL),
        ((styles("sysv"),), (), Verdict.FAIL),
        ((styles("sysv", until="5.0"), styles("gnu")), ("sysv",), Verdict.FAIL),
        (BY_LINKER, ("sysv",), Verdict.PASS),
        (BY_LINKER, ("gnu",), Verdict.PASS),
        (BY_LINKER, ("sysv", "gnu"), Verdict.UNKNOWN),
        ((styles("gnu"), styles("sysv", when="CONFIG_OLD")), ("sysv",), Verdict.FAIL),
    ],
)
def test_hash_tables_are_those_of_the_release(
    catalogued: tuple[HashStyles, ...], image: tuple[str, ...], verdict: Verdict
) -> None:
    (finding,) = rules.judge_hash_styles(replace(IMAGE, hash_styles=image), catalogued, AT, NATIVE)
    assert (finding.rule, finding.verdict) == ("ELF-HASH-STYLE", verdict)
    assert finding.seen == ("+".join(sorted(image, reverse=True)) or "none")


@pytest.mark.parametrize("catalogued", [(), (styles("sysv", until="5.0"),)], ids=["none recorded", "none for it"])
def test_hash_tables_that_nobody_catalogued_are_not_judged(catalogued: tuple[HashStyles, ...]) -> None:
    assert list(rules.judge_hash_styles(IMAGE, catalogued, AT, NATIVE)) == []
