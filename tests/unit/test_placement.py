"""The rules about mappings and the auxiliary vector: each verdict of each rule on a made-up process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_catalog import small_catalog
from small_images import i386_image

from vdsocat.capture import AbiCapture
from vdsocat.catalog.conditions import Condition, KernelFacts
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import AuxvEntry, NamedMapping
from vdsocat.elf.image import read_vdso_image
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.placement import judge_placement

ADDRESS = 0xB7F00000
DATA = "b7efc000-b7f00000 r--p 00000000 00:00 0 [vvar]"
CODE = "b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]"
IMAGE = i386_image(entry=0x800)


def interval(since: str = "2.6.0", until: str | None = None, when: str | None = None) -> Interval:
    return Interval(Bound.parse(since), Bound.parse(until) if until else None, Condition(when) if when else None)


def findings(
    auxv: Any = ((33, ADDRESS), (32, ADDRESS + 0x800)),
    mappings: tuple[str, ...] = (DATA, CODE),
    auxv_entries: tuple[AuxvEntry, ...] = (
        AuxvEntry("AT_SYSINFO_EHDR", interval()),
        AuxvEntry("AT_SYSINFO", interval()),
    ),
    named: tuple[NamedMapping, ...] = (
        NamedMapping("[vdso]", "code", interval()),
        NamedMapping("[vvar]", "data", interval()),
    ),
    **more: Any,
) -> dict[tuple[str, str], Finding]:
    values: dict[str, Any] = {"address": ADDRESS, "image": IMAGE, "page_size": 4096} | more
    seen = AbiCapture("i386", "little", "complete", auxv=auxv, mappings=mappings, **values)
    abi = replace(small_catalog().abi("i386"), auxv=auxv_entries, mappings=named)
    image = read_vdso_image(IMAGE) if seen.image else None
    judged = judge_placement(seen, abi, image, KernelRelease((6, 1)), KernelFacts("native", {}))
    return {(finding.rule, finding.subject): finding for finding in judged}


def test_a_process_as_it_must_be_passes_every_rule() -> None:
    assert {key: finding.verdict for key, finding in findings().items()} == dict.fromkeys(
        [("MAP-VDSO", "mapping"), ("AUXV-TAG", "AT_SYSINFO_EHDR"), ("AUXV-TAG", "AT_SYSINFO"),
         ("MAP-NAME", "[vdso]"), ("MAP-NAME", "[vvar]")],
        Verdict.PASS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mappings", "address", "said"),
    [
        ((DATA, CODE.replace("r-xp", "rwxp")), ADDRESS, "is rwxp, not r-x"),
        ((DATA, CODE.replace("r-xp", "r--p")), ADDRESS, "is r--p, not r-x"),
        ((DATA,), ADDRESS, "no line of /proc/self/maps holds it"),
        ((DATA, CODE), ADDRESS + 0x1000, "begins at 0xb7f00000"),
        ((DATA, CODE), ADDRESS + 0x10, "is not the start of a page"),
        ((), ADDRESS, "no line"),
    ],
)
def test_a_mapping_that_is_wrong_fails(mappings: tuple[str, ...], address: int, said: str) -> None:
    finding = findings(mappings=mappings, address=address)["MAP-VDSO", "mapping"]
    assert finding.verdict is Verdict.FAIL
    assert said in finding.reason


@pytest.mark.parametrize(
    ("auxv", "entry", "verdict"),
    [
        (((33, ADDRESS),), interval(), Verdict.FAIL),
        (((33, ADDRESS),), interval(until="6.0"), Verdict.EXPECTED_ABSENT),
        (((33, ADDRESS),), interval(when="machine:x"), Verdict.UNKNOWN),
        (((33, ADDRESS), (32, 0)), interval(), Verdict.FAIL),
        (((33, ADDRESS), (32, ADDRESS + 0x800)), interval(until="6.0"), Verdict.REVIEW),
        (((33, ADDRESS), (32, ADDRESS + 0x800)), interval(when="machine:x"), Verdict.PASS),
        (((33, ADDRESS), (32, ADDRESS + 0x804)), interval(), Verdict.FAIL),
    ],
)
def test_an_entry_of_the_auxiliary_vector_follows_the_catalogue(auxv: Any, entry: Interval, verdict: Verdict) -> None:
    judged = findings(auxv=auxv, auxv_entries=(AuxvEntry("AT_SYSINFO", entry),))
    assert judged["AUXV-TAG", "AT_SYSINFO"].verdict is verdict


def test_an_entry_that_leads_elsewhere_says_where_to() -> None:
    finding = findings(auxv=((33, ADDRESS + 0x1000), (32, 5)))["AUXV-TAG", "AT_SYSINFO_EHDR"]
    assert (finding.verdict, finding.expected, finding.seen) == (Verdict.FAIL, "0xb7f00000", "0xb7f01000")


@pytest.mark.parametrize(
    ("line", "entry", "verdict"),
    [
        (None, interval(), Verdict.FAIL),
        (None, interval(until="6.0"), Verdict.EXPECTED_ABSENT),
        (None, interval(when="machine:x"), Verdict.UNKNOWN),
        (DATA, interval(until="6.0"), Verdict.REVIEW),
        (DATA, interval(), Verdict.PASS),
        (DATA, interval(when="machine:x"), Verdict.PASS),
        (DATA.replace("r--p", "r-xp"), interval(), Verdict.FAIL),
        (DATA.replace("r--p", "rw-p"), interval(), Verdict.FAIL),
    ],
)
def test_a_named_mapping_follows_the_catalogue(line: str | None, entry: Interval, verdict: Verdict) -> None:
    mappings = (CODE,) if line is None else (line, CODE)
    judged = findings(mappings=mappings, named=(NamedMapping("[vvar]", "data", entry),))
    assert judged["MAP-NAME", "[vvar]"].verdict is verdict


def test_a_mapping_whose_contents_nobody_recorded_may_be_anything() -> None:
    judged = findings(mappings=(DATA.replace("r--p", "---p"), CODE), named=(NamedMapping("[vvar]", None, interval()),))
    assert judged["MAP-NAME", "[vvar]"].verdict is Verdict.PASS


def test_lines_that_are_cut_short_are_passed_over() -> None:
    assert findings(mappings=("b7f0", "x-y r-xp 0 0 0", CODE, DATA))["MAP-VDSO", "mapping"].verdict is Verdict.PASS


def test_without_an_image_only_what_leads_to_it_is_judged() -> None:
    judged = findings(image=None, address=None, auxv=(), mappings=())
    assert {(key, finding.verdict) for key, finding in judged.items()} == {
        (("AUXV-TAG", "AT_SYSINFO_EHDR"), Verdict.FAIL),
        (("AUXV-TAG", "AT_SYSINFO"), Verdict.FAIL),
    }


def test_what_a_page_held_in_other_releases_says_nothing_of_this_one() -> None:
    named = (
        NamedMapping("[vvar]", "code", interval("2.6.0", "5.3")),
        NamedMapping("[vvar]", "data", interval("5.3")),
        NamedMapping("[vvar]", "code", interval("6.2")),
    )
    assert findings(named=named)["MAP-NAME", "[vvar]"].verdict is Verdict.PASS
    executable = findings(named=named, mappings=(DATA.replace("r--p", "r-xp"), CODE))["MAP-NAME", "[vvar]"]
    assert (executable.verdict, executable.reason) == (Verdict.FAIL, "it is r-xp, not r--")
