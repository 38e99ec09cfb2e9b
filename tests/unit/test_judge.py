"""Whole captures judged: each difference gives exactly its finding, naming the symbol."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from elf_builder import FUNC, WEAK, Symbol
from small_catalog import small_catalog
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image, notes

from vdsocat.capture import AbiCapture, Call, Capture, KuserPage
from vdsocat.catalog.model import Catalog, provider_from_document
from vdsocat.errors import InputError, RunError
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import Judgement, judge_capture
from vdsocat.judging.result import CheckResult

CATALOG = small_catalog()
NEW = Symbol("__vdso_brand_new", "LINUX_2.6")
# Passing and expected absences say that all is well; CALL-MADE only says that these captures hold no calls.
QUIET = (Verdict.PASS, Verdict.EXPECTED_ABSENT)

# What differs, as the image's symbols; the finding; the exit status; the exit status with --strict.
DIFFERENCES: list[tuple[str, tuple[Symbol, ...], tuple[str, Verdict, str], int, int]] = [
    ("missing", (CLOCK, SIGRETURN), ("SYM-MISSING", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6"), 1, 1),
    (
        "another version",
        (CLOCK, replace(GETCPU, version="LINUX_9.9"), SIGRETURN),
        ("SYM-VERSION", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6"),
        1,
        1,
    ),
    (
        "another type",
        (CLOCK, GETCPU, replace(SIGRETURN, type=FUNC)),
        ("SYM-TYPE", Verdict.FAIL, "__kernel_sigreturn@@LINUX_2.5"),
        1,
        1,
    ),
    ("one more", (*I386_SYMBOLS, NEW), ("SYM-NEW", Verdict.REVIEW, "__vdso_brand_new@@LINUX_2.6"), 0, 1),
    (
        "another binding",
        (replace(CLOCK, binding=WEAK), GETCPU, SIGRETURN),
        ("SYM-BINDING", Verdict.REVIEW, "__vdso_clock_gettime@@LINUX_2.6"),
        0,
        1,
    ),
]
IDS = [one[0] for one in DIFFERENCES]


def remarkable(judgement: Judgement) -> list[tuple[str, Verdict, str]]:
    return [
        (finding.rule, finding.verdict, finding.subject)
        for finding in judgement.findings()
        if finding.verdict not in QUIET and finding.rule != "CALL-MADE"
    ]


def by_rule(judgement: Judgement, rule: str) -> Finding:
    (finding,) = [finding for finding in judgement.findings() if finding.rule == rule]
    return finding


def test_a_capture_that_agrees_has_nothing_to_remark() -> None:
    judgement = judge_capture(i386_capture(i386_image()), CATALOG)
    assert remarkable(judgement) == []
    assert not judgement.failed
    assert sum(finding.rule == "SYM-PRESENT" for finding in judgement.findings()) == 3


@pytest.mark.parametrize(("what", "symbols", "finding", "status", "strict"), DIFFERENCES, ids=IDS)
def test_a_difference_gives_exactly_its_finding(
    what: str, symbols: tuple[Symbol, ...], finding: tuple[str, Verdict, str], status: int, strict: int
) -> None:
    judgement = judge_capture(i386_capture(i386_image(symbols)), CATALOG)
    assert remarkable(judgement) == [finding]
    result = CheckResult("test", judgement)
    assert (result.exit_status(), result.exit_status(strict=True)) == (status, strict)
    assert judgement.failed == (status == 1)


def test_the_release_decides_what_is_expected() -> None:
    older = Symbol("__vdso_time", "LINUX_2.6")
    capture = i386_capture(i386_image((CLOCK, older, SIGRETURN), notes=notes("5.10")), release="5.10.0-30-686")
    assert remarkable(judge_capture(capture, CATALOG)) == []
    assert remarkable(judge_capture(i386_capture(i386_image((CLOCK, older, SIGRETURN))), CATALOG)) == [
        ("SYM-MISSING", Verdict.FAIL, "__vdso_getcpu@@LINUX_2.6"),
        ("SYM-UNEXPECTED", Verdict.REVIEW, "__vdso_time@@LINUX_2.6"),
    ]


def test_the_configuration_decides_conditions_and_its_absence_leaves_them_unknown() -> None:
    capture = i386_capture(i386_image())
    with_option = replace(capture, config="CONFIG_VDSO_GETRANDOM=y\n")
    assert remarkable(judge_capture(with_option, CATALOG)) == [
        ("SYM-MISSING", Verdict.FAIL, "__vdso_getrandom@@LINUX_2.6")
    ]
    assert remarkable(judge_capture(replace(capture, config=None), CATALOG)) == [
        ("SYM-ABSENT", Verdict.UNKNOWN, "__vdso_getrandom")
    ]


def test_the_mode_is_that_of_the_kernel_that_hosts_the_abi() -> None:
    capture = i386_capture(i386_image())
    on_64_bit = replace(
        capture,
        provenance=replace(capture.provenance, kernel_bits=64),
        config="CONFIG_IA32_EMULATION=y\n",
    )
    (abi,) = judge_capture(on_64_bit, CATALOG).abis
    assert (abi.mode, abi.verdict) == ("compat", Verdict.UNKNOWN)
    assert judge_capture(capture, CATALOG).abis[0].mode == "native"


def test_an_abi_that_the_kernel_does_not_start_is_one_finding() -> None:
    capture = i386_capture(i386_image())
    on_64_bit = replace(
        capture,
        provenance=replace(capture.provenance, kernel_bits=64),
        abis=(*capture.abis, AbiCapture("x86-64", "little", "exec-failed", 8)),
        config="",
    )
    judged = judge_capture(on_64_bit, CATALOG).abis[1]
    assert [(finding.rule, finding.verdict) for finding in judged.findings] == [("ABI-RUNS", Verdict.FAIL)]
    assert judged.image is None


def test_a_row_without_a_vdso_by_right_says_so() -> None:
    capture = i386_capture(None, release="2.4.37")
    (abi,) = judge_capture(replace(capture, abis=(replace(capture.abis[0], outcome="complete"),)), CATALOG).abis
    assert abi.verdict is Verdict.REVIEW  # 2.4 runs no i386, as the small catalogue has it
    on_arm = replace(
        capture,
        provenance=replace(capture.provenance, kernel_arch="arm"),
        abis=(AbiCapture("arm", "little", "complete", uname={"release": "3.2.0"}, kuser=KuserPage(True, 5)),),
        config="CONFIG_KUSER_HELPERS=y\n",
    )
    assert judge_capture(on_arm, CATALOG).abis[0].verdict is Verdict.EXPECTED_ABSENT


def test_no_vdso_where_there_must_be_one_fails() -> None:
    judgement = judge_capture(i386_capture(None), CATALOG)
    assert remarkable(judgement) == [("VDSO-PRESENT", Verdict.FAIL, "vDSO")]


@pytest.mark.parametrize("image", [b"", b"\x7fELF", b"not an image at all", i386_image()[:200]])
def test_an_image_that_cannot_be_read_fails_with_the_reader_s_sentence(image: bytes) -> None:
    finding = by_rule(judge_capture(i386_capture(image), CATALOG), "ELF-READABLE")
    assert finding.verdict is Verdict.FAIL
    assert finding.reason


def test_another_soname_fails() -> None:
    judgement = judge_capture(i386_capture(i386_image(soname="linux-vdso.so.1")), CATALOG)
    assert remarkable(judgement) == [("ELF-SONAME", Verdict.FAIL, "soname")]


def test_an_image_of_another_byte_order_fails() -> None:
    judgement = judge_capture(i386_capture(i386_image(big=True, notes=notes(order=">"))), CATALOG)
    assert remarkable(judgement) == [("ELF-IDENTITY", Verdict.FAIL, "ELF header")]


def test_the_kuser_page_is_judged_beside_the_image() -> None:
    capture = Capture(
        provenance=replace(i386_capture(None).provenance, kernel_arch="arm"),
        abis=(
            AbiCapture("arm", "little", "complete", uname={"release": "6.1.0"}, kuser=KuserPage(False)),
        ),
        config="CONFIG_KUSER_HELPERS=y\n",
    )  # fmt: skip
    judgement = judge_capture(capture, CATALOG)
    assert by_rule(judgement, "AREA-PRESENT").verdict is Verdict.FAIL
    assert by_rule(judgement, "VDSO-PRESENT").verdict is Verdict.EXPECTED_ABSENT
    assert "CONFIG_VDSO=n" in by_rule(judgement, "VDSO-PRESENT").reason


def test_without_a_release_nothing_can_be_judged() -> None:
    with pytest.raises(RunError, match=r"^test-kernel: no probe reported the kernel's release\.$"):
        judge_capture(i386_capture(None, uname={}), CATALOG)


def test_a_release_that_is_none_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"^test-kernel: .*'next' is no kernel release"):
        judge_capture(i386_capture(None, uname={"release": "next"}), CATALOG)


def test_an_abi_that_the_catalogue_has_not_is_bad_input() -> None:
    capture = i386_capture(None)
    with pytest.raises(InputError, match="There is no ABI 'i368'"):
        judge_capture(replace(capture, abis=(replace(capture.abis[0], abi="i368"),)), CATALOG)


EMULATOR: dict[str, Any] = {
    "provider": "qemu-user",
    "name": "QEMU user-mode emulation",
    "abis": [
        {
            "abi": "i386",
            "since": "8.2",
            "soname": "linux-gate.so.1",
            "source": [{"note": "made up"}],
            "exports": [{"symbol": "__vdso_clock_gettime", "function": "clock_gettime", "version": "LINUX_2.6"}],
        }
    ],
    "none": [{"abis": ["arm"], "reason": "nobody wrote one."}],
    "defects": [
        {
            "defect": "wrong-clock",
            "abis": ["i386"],
            "symbols": ["__vdso_clock_gettime"],
            "rules": ["CALL-RETURN"],
            "since": "9.0",
            "until": "11.0",
            "summary": "It fails.",
            "source": [{"note": "made up"}],
        }
    ],
}


def emulated(
    image: bytes | None, version: str, abi: str = "i386", provider: str = "qemu-user", **more: Any
) -> Judgement:
    catalog = Catalog(
        CATALOG.abis, CATALOG.functions, CATALOG.releases, {"qemu-user": provider_from_document(EMULATOR)}
    )
    capture = i386_capture(image, release="6.1.0-host")
    provenance = replace(
        capture.provenance, provider=provider, provider_version=version, kernel_arch=None, kernel_bits=None
    )
    return judge_capture(Capture(provenance, (replace(capture.abis[0], abi=abi, **more),)), catalog)


def test_an_emulator_is_held_to_what_it_offers_not_to_a_kernel() -> None:
    judgement = emulated(i386_image((CLOCK,)), "10.0.13")
    assert remarkable(judgement) == []
    assert judgement.release == "10.0.13"
    assert remarkable(emulated(i386_image((CLOCK, GETCPU)), "10.0.13")) == [
        ("SYM-NEW", Verdict.REVIEW, "__vdso_getcpu@@LINUX_2.6")
    ]
    assert remarkable(emulated(i386_image((GETCPU,)), "10.0.13"))[0][0] == "SYM-MISSING"


def test_an_emulator_of_before_its_vdso_has_none() -> None:
    judgement = emulated(None, "7.2.22")
    assert remarkable(judgement) == []
    finding = by_rule(judgement, "VDSO-PRESENT")
    assert finding.verdict is Verdict.EXPECTED_ABSENT
    assert "8.2" in finding.reason
    assert by_rule(emulated(None, "8.2"), "VDSO-PRESENT").verdict is Verdict.FAIL


def test_an_emulator_without_a_vdso_for_the_abi_says_why() -> None:
    finding = by_rule(emulated(None, "10.0", abi="arm", machine=None), "VDSO-PRESENT")
    assert finding.verdict is Verdict.EXPECTED_ABSENT
    assert "nobody wrote one." in finding.reason


@pytest.mark.parametrize(
    ("version", "verdict"), [("8.2", Verdict.FAIL), ("10.0.2", Verdict.KNOWN_DEFECT), ("11.0", Verdict.FAIL)]
)
def test_a_defect_of_an_emulator_explains_its_rules_on_its_releases(version: str, verdict: Verdict) -> None:
    failed = Call("__vdso_clock_gettime", 0, before=1, returned=-22, value=1, after=1)
    finding = by_rule(emulated(i386_image((CLOCK,)), version, calls=(failed,)), "CALL-RETURN")
    assert (finding.verdict, finding.defect) == (verdict, "wrong-clock" if verdict is Verdict.KNOWN_DEFECT else None)


def test_a_provider_that_the_catalogue_has_not_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"'qemu-usr'.*did you mean 'qemu-user'\?"):
        emulated(None, "10.0", provider="qemu-usr")


@pytest.mark.parametrize("change", [{"machine": 62}, {"elf_class": 64}])
def test_a_probe_of_another_abi_is_noticed_before_anything_is_judged(change: dict[str, Any]) -> None:
    capture = i386_capture(i386_image(I386_SYMBOLS), **change)
    with pytest.raises(RunError, match="the probe is the wrong one"):
        judge_capture(capture, CATALOG)


@pytest.mark.parametrize(("outcome", "detail"), [("signal", 11), ("hang", None), ("silent", None)])
def test_a_probe_that_never_reached_the_vdso_says_nothing_about_it(outcome: str, detail: int | None) -> None:
    capture = i386_capture(None, outcome=outcome, detail=detail)
    (abi,) = judge_capture(capture, CATALOG).abis
    assert [(finding.rule, finding.verdict) for finding in abi.findings] == [("ABI-RUNS", Verdict.FAIL)]
