"""The rules about code at known places: what a signal handler returned to, and x86's page at a fixed address."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elf_builder import Symbol
from small_catalog import small_catalog
from small_images import i386_image

from vdsocat.capture import AbiCapture, Case
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.defects import Defect
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Area, AreaEntry, CatalogExport, NamedMapping
from vdsocat.elf.image import read_vdso_image
from vdsocat.exports import KernelRelease
from vdsocat.judging.behaviour import KnownDefects
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.places import judge_gateway, judge_signal_returns, judge_vsyscall

PASS, FAIL, UNKNOWN, ABSENT = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.EXPECTED_ABSENT
ADDRESS = 0xB7F00000
MAPPINGS = (
    "b7e00000-b7e01000 r-xp 00000000 00:00 0 [sigpage]",
    "b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]",
    "bff00000-bff21000 rwxp 00000000 00:00 0 [stack]",
)
PLAIN, WITH_SIGINFO = (
    Symbol("__kernel_sigreturn", "LINUX_2.5", value=0x810),
    Symbol("__kernel_rt_sigreturn", "LINUX_2.5", value=0x820),
)
CLOCK = Symbol("__vdso_clock_gettime", "LINUX_2.5")
PAGE = NamedMapping("[sigpage]", "trampolines", Interval(Bound.parse("3.11")))


def catalogued(symbol: Symbol, function: str) -> CatalogExport:
    """An export like one of the small catalogue's, of another name and function."""
    entry = small_catalog().abi("i386").exports[0]
    return replace(entry, export=replace(entry.export, name=symbol.name), function=function)


def landed(
    place: str | None,
    outcome: str = "0",
    kind: int = 0,
    symbols: tuple[Symbol, ...] = (PLAIN, WITH_SIGINFO),
    page: NamedMapping = PAGE,
) -> Finding:
    data = i386_image((CLOCK, *symbols))
    abi = replace(
        small_catalog().abi("i386"),
        exports=(catalogued(PLAIN, "sigreturn"), catalogued(WITH_SIGINFO, "rt_sigreturn")),
        mappings=(page,),
    )
    seen = AbiCapture(
        "i386",
        "little",
        "complete",
        address=ADDRESS,
        image=data,
        mappings=MAPPINGS,
        cases=(Case("signal", f"landing/{kind}", place, outcome),),
    )
    known = KnownDefects((), abi, KernelRelease((6, 1)), KernelFacts("native", {}))
    (finding,) = judge_signal_returns(seen, abi, read_vdso_image(data), known)
    return finding


@pytest.mark.parametrize(
    ("place", "kind", "verdict", "words"),
    [
        ("0xb7f00810", 0, PASS, "it returned to __kernel_sigreturn"),
        ("0xb7f00820", 1, PASS, "it returned to __kernel_rt_sigreturn"),
        ("0xb7f00820", 0, FAIL, "did not return to __kernel_sigreturn"),
        ("0xb7f00810", 1, FAIL, "did not return to __kernel_rt_sigreturn"),
        ("0xb7f00821", 1, FAIL, "did not return to __kernel_rt_sigreturn"),
        ("0xb7e00000", 1, FAIL, "did not return to __kernel_rt_sigreturn"),
    ],
)
def test_a_handler_returns_to_the_landing_pad_of_its_kind(place: str, kind: int, verdict: Verdict, words: str) -> None:
    finding = landed(place, kind=kind)
    assert (finding.rule, finding.verdict) == ("SIGNAL-RETURN", verdict)
    assert words in finding.reason


def test_an_abi_with_one_landing_pad_uses_it_for_both_kinds() -> None:
    assert landed("0xb7f00820", kind=0, symbols=(WITH_SIGINFO,)).verdict is PASS


@pytest.mark.parametrize(
    ("place", "verdict", "words"),
    [
        ("0xb7f00830", PASS, "into the image, which names no landing pad"),
        ("0xb7e00040", PASS, "[sigpage]"),
        ("0xbff00040", PASS, "to the stack"),
        ("0x12345678", Verdict.REVIEW, "an address without a mapping"),
    ],
)
def test_an_image_without_landing_pads_leaves_other_places(place: str, verdict: Verdict, words: str) -> None:
    finding = landed(place, symbols=())
    assert finding.verdict is verdict
    assert words in finding.reason


def test_a_page_that_is_not_for_this_release_is_for_review() -> None:
    page = replace(PAGE, interval=Interval(Bound.parse("3.11"), Bound.parse("5.0")))
    assert landed("0xb7e00040", symbols=(), page=page).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("place", "outcome", "verdict", "words"),
    [
        ("0xb7f00810", "signal:11", FAIL, "SIGSEGV"),
        ("0xb7f00810", "hang", FAIL, "did not come back"),
        ("0xb7f00810", "3", FAIL, "3 results of what was interrupted were wrong"),
        (None, "died", UNKNOWN, "without an answer"),
        ("lacking:timer", "lacking:timer", ABSENT, "no interval timer"),
    ],
)
def test_what_became_of_the_interrupted_counts_first(
    place: str | None, outcome: str, verdict: Verdict, words: str
) -> None:
    finding = landed(place, outcome)
    assert finding.verdict is verdict
    assert words in finding.reason


VSYSCALL = "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]"


@pytest.mark.parametrize(
    ("mapped", "kernel", "vdso", "verdict"),
    [
        (True, "1795573164..1795573164", "1795573164", PASS),
        (True, "1795573164..1795573164", "1795573163", FAIL),
        (True, None, "signal:11", FAIL),
        (False, None, "signal:11", ABSENT),
        (False, "5..6", "5", Verdict.REVIEW),
    ],
)
def test_the_old_page_answers_where_it_is_mapped(mapped: bool, kernel: str | None, vdso: str, verdict: Verdict) -> None:
    seen = AbiCapture(
        "x86-64",
        "little",
        "complete",
        mappings=(VSYSCALL,) if mapped else (),
        cases=(Case("vtime", "vsyscall/0", kernel, vdso), Case("vtime", "null", "0", "0")),
    )
    (finding,) = judge_vsyscall(seen)
    assert (finding.rule, finding.subject, finding.verdict) == ("CALL-VSYSCALL", "vtime vsyscall/0", verdict)


@pytest.mark.parametrize(("image", "verdict"), [(None, ABSENT), (i386_image(), FAIL)])
def test_a_handler_that_faults_for_want_of_a_vdso_is_rightly_so(image: bytes | None, verdict: Verdict) -> None:
    case = Case("signal", "landing/0", "0xffcd8c80", "signal:11")
    seen = AbiCapture("i386", "little", "complete", address=ADDRESS, image=image, mappings=MAPPINGS, cases=(case,))
    abi = small_catalog().abi("i386")
    (finding,) = judge_signal_returns(seen, abi, read_vdso_image(image) if image else None, None)
    assert finding.verdict is verdict


SWAP, STORE = (
    AreaEntry("lws_compare_and_swap_2", "lws", 0xB0, Interval(Bound.parse("3.17")), ()),
    AreaEntry("lws_atomic_store", "lws", 0xB0, Interval(Bound.parse("5.17")), ()),
)
GATEWAY = Area("gateway", "gateway-page", 0, None, Interval(Bound.parse("2.5.0")), (), (SWAP, STORE))
LOST_SIZE = Defect(
    "lost-size", (), ("lws_atomic_store gateway-store/1",), Interval(Bound.parse("5.17")), "it loses the size",
    rule="GATEWAY-ENTRY", abis=("i386",),
)  # fmt: skip


def entered(
    case: Case, release: str, defects: tuple[Defect, ...] = (), areas: tuple[Area, ...] = (GATEWAY,)
) -> Finding:
    facts, at = KernelFacts("native"), KernelRelease.parse(release)
    known = KnownDefects(defects, replace(small_catalog().abi("i386"), areas=areas), at, facts)
    seen = AbiCapture("parisc", "big", "complete", cases=(case, Case("lws_atomic_store", "null", "0", "0")))
    (finding,) = known.explain(judge_gateway(seen, areas, at, facts))
    assert (finding.rule, finding.subject) == ("GATEWAY-ENTRY", f"{case.symbol} {case.name}")
    return finding


@pytest.mark.parametrize(
    ("symbol", "kernel", "vdso", "release", "verdict", "words"),
    [
        ("lws_atomic_store", "0,118", "0,118", "6.1", PASS, "does what it is for"),
        ("lws_atomic_store", "0,118", "0,17", "6.1", FAIL, "does not do what it is for"),
        ("lws_atomic_store", "0,118", "errno:14", "6.1", FAIL, "does not do what it is for"),
        ("lws_atomic_store", "0,118", "errno:251", "6.1", FAIL, "as if there were none"),
        ("lws_atomic_store", "0,118", "errno:251", "5.10", ABSENT, "refused with ENOSYS"),
        ("lws_compare_and_swap_2", "0,118", "errno:251", "5.10", FAIL, "as if there were none"),
        ("of_no_catalogue", "0,118", "errno:251", "5.10", ABSENT, "nobody says that it is there"),
        ("lws_entry", "errno:251", "errno:251", "6.1", PASS, "does what it is for"),
        ("lws_atomic_store", "0,118", "signal:11", "6.1", FAIL, "died of SIGSEGV"),
        ("lws_atomic_store", "0,118", "hang", "6.1", FAIL, "did not come back"),
        ("linux_gateway_entry", "lacking:pipe", "lacking:pipe", "6.1", ABSENT, "not tried"),
    ],
)
def test_entries_of_a_gateway_page(
    symbol: str, kernel: str, vdso: str, release: str, verdict: Verdict, words: str
) -> None:
    finding = entered(Case(symbol, "gateway-store/0", kernel, vdso), release)
    assert finding.verdict is verdict
    assert words in finding.reason


def test_what_a_known_defect_of_an_entry_explains_is_no_failure() -> None:
    wrong, right = (Case("lws_atomic_store", "gateway-store/1", "0,118", said) for said in ("0,17", "0,118"))
    assert entered(wrong, "6.1", (LOST_SIZE,)).verdict is Verdict.KNOWN_DEFECT
    assert entered(right, "6.1", (LOST_SIZE,)).verdict is Verdict.REVIEW
    assert entered(wrong, "5.10", (LOST_SIZE,)).verdict is FAIL
