"""The rules about what few ABIs have: each verdict of each kind of case, in the rule's own words."""

from __future__ import annotations

import pytest

from vdsocat.capture import Case
from vdsocat.judging.behaviour import judge_cases
from vdsocat.judging.finding import Finding, Verdict

PASS, FAIL, UNKNOWN, ABSENT = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.EXPECTED_ABSENT


def judge(name: str, kernel: str | None, vdso: str) -> Finding:
    (finding,) = judge_cases((Case("__vdso_f", name, kernel, vdso),))
    return finding


@pytest.mark.parametrize(
    ("name", "kernel", "vdso", "rule", "verdict", "words"),
    [
        ("random-parameters", "1..4096", "144", "CALL-RANDOM", PASS, "tells the size"),
        ("random-parameters", "1..4096", "0", "CALL-RANDOM", FAIL, "no size"),
        ("random-parameters", "1..4096", "4097", "CALL-RANDOM", FAIL, "no size"),
        ("random-parameters", "1..4096", "errno:38", "CALL-RANDOM", FAIL, "no size"),
        ("random-memory", "0", "0", "CALL-RANDOM", PASS, "mmap takes"),
        ("random-memory", "0", "errno:22", "CALL-RANDOM", FAIL, "mmap does not take"),
        ("random-length/97", "97", "97", "CALL-RANDOM", PASS, "agrees"),
        ("random-length/97", "97", "96", "CALL-RANDOM", FAIL, "does not say"),
        ("random-length/7", "7", "7,spilt", "CALL-RANDOM", FAIL, "does not say"),
        ("random-length/7", "lacking:entropy", "lacking:entropy", "CALL-RANDOM", ABSENT, "no random numbers yet"),
        ("random-state/1", "32", "signal:11", "CALL-RANDOM", FAIL, "SIGSEGV"),
        ("random-flags/8", "errno:22", "errno:22", "CALL-RANDOM", PASS, "refused like"),
        ("random-flags/8", "errno:22", "32", "CALL-RANDOM", FAIL, "does not say"),
        ("random-twice", "different", "different", "RANDOM-REPEAT", PASS, "differ"),
        ("random-twice", "different", "same", "RANDOM-REPEAT", FAIL, "given twice"),
        ("random-fork", "different", "same", "RANDOM-REPEAT", FAIL, "given twice"),
        ("random-fork", "different", "hang", "RANDOM-REPEAT", FAIL, "did not come back"),
        ("helper/1", "done,22", "done,22", "KUSER-HELPER", PASS, "does what it is for"),
        ("helper/1", "done,22", "done,11", "KUSER-HELPER", FAIL, "does not do"),
        ("helper/0", "refused,11", "done,22", "KUSER-HELPER", FAIL, "does not do"),
        ("helper", "0", "signal:4", "KUSER-HELPER", FAIL, "SIGILL"),
        ("hwprobe/0", "cpus:1,3:1,-1:0", "cpus:1,3:1,-1:0", "CALL-HWPROBE", PASS, "agrees"),
        ("hwprobe/0", "cpus:1,3:1,-1:0", "cpus:1,3:1,99:0", "CALL-HWPROBE", FAIL, "does not say"),
        ("hwprobe/2", "errno:22", "cpus:0,3:1", "CALL-HWPROBE", FAIL, "does not say"),
        ("written-code", "11,22", "11,22", "CALL-CODE", PASS, "last runs"),
        ("written-code", "11,22", "11,11", "CALL-CODE", FAIL, "not do what was written last"),
        ("timebase", "512000000", "512000000", "CALL-TIMEBASE", PASS, "/proc/cpuinfo"),
        ("timebase", "512000000", "511999999", "CALL-TIMEBASE", FAIL, "not the one in /proc/cpuinfo"),
        ("timebase", "1..9999999999", "0", "CALL-TIMEBASE", FAIL, "not the one"),
        ("system-call-map/17", "absent", "absent", "CALL-SYSCALL-MAP", PASS, "agrees with the call"),
        ("system-call-map/20", "present", "absent", "CALL-SYSCALL-MAP", FAIL, "does not agree"),
        ("system-call-map/20", "present", "outside", "CALL-SYSCALL-MAP", FAIL, "does not agree"),
        ("six-arguments", "2546273714", "2546273714", "CALL-ENTRY", PASS, "as int $0x80 does"),
        ("six-arguments", "2546273714", "errno:22", "CALL-ENTRY", FAIL, "did not make the call"),
        ("no-call/100000", "errno:38", "0", "CALL-ENTRY", FAIL, "did not make the call"),
        ("from-handler/83", "83", "83", "CALL-ENTRY", PASS, "as trapa does"),
        ("from-handler/83", "83", "18", "CALL-ENTRY", FAIL, "did not make the call as trapa"),
        ("from-handler/83", "83", "signal:11", "CALL-ENTRY", FAIL, "SIGSEGV"),
        ("enclave-leaf/0", "errno:22", "errno:22", "CALL-ENCLAVE", PASS, "refused before"),
        ("enclave-leaf/0", "errno:22", "0", "CALL-ENCLAVE", FAIL, "not refused"),
        ("enclave-reserved/2", "errno:22", "signal:4", "CALL-ENCLAVE", FAIL, "SIGILL"),
        ("unlock/0", "4711,0,cleared", "4711,0,cleared", "CALL-UNLOCK", PASS, "as they must be"),
        ("unlock/0", "4711,0,cleared", "4711,0,kept", "CALL-UNLOCK", FAIL, "something else"),
        ("unlock/2", "5,5,kept", "5,0,cleared", "CALL-UNLOCK", FAIL, "something else"),
        ("unlock/2", None, "died", "CALL-UNLOCK", UNKNOWN, "ended without an answer"),
    ],
)
def test_a_case_is_judged_by_its_kind(
    name: str, kernel: str | None, vdso: str, rule: str, verdict: Verdict, words: str
) -> None:
    finding = judge(name, kernel, vdso)
    assert (finding.rule, finding.verdict) == (rule, verdict)
    assert words in finding.reason
    assert finding.subject == f"__vdso_f {name}"


@pytest.mark.parametrize("name", ["landing/0", "landing/1", "vsyscall", "vsyscall/1"])
def test_cases_that_need_more_than_themselves_are_left_to_their_rules(name: str) -> None:
    assert list(judge_cases((Case("signal", name, "0x1000", "0"),))) == []
