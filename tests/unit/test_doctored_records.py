"""The rules on a whole record against doctored records: each is caught by the rule meant for it, and by no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elf_builder import FUNC, NOTYPE, WEAK, Symbol
from small_catalog import small_documents
from small_images import CLOCK, GETCPU, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import Call, Capture, KuserPage
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.judging import compare, judge, placement, rules
from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import judge_capture

Doctor = Callable[[Capture], Capture]

ADDRESS, ENTRY = 0xB7F00000, 0x800
DATA, CODE = (
    "b7efc000-b7f00000 r--p 00000000 00:00 0 [vvar]",
    "b7f00000-b7f02000 r-xp 00000000 00:00 0 [vdso]",
)
REALTIME = Call("__vdso_clock_gettime", clock=0, before=1000, returned=0, value=1500, after=2000)
INVALID = Call("__vdso_clock_gettime", clock=99, returned=-22, syscall_errno=22)
CPU = Call("__vdso_getcpu", before=1, returned=0, value=1, after=1)
CALLS = (REALTIME, INVALID, CPU)


def strict_catalog() -> Catalog:
    """The small catalogue, with facts of i386 for every rule."""
    documents = small_documents()
    source = [{"tag": "v6.1", "path": "arch/x86"}]
    always: dict[str, Any] = {"since": "2.6.0", "source": source}
    documents["abis/i386.yaml"] |= {
        "hash": [{"styles": ["sysv", "gnu"], **always}],
        "auxv": [{"tag": "AT_SYSINFO_EHDR", **always}, {"tag": "AT_SYSINFO", **always}],
        "mappings": [
            {"mapping": "[vdso]", "holds": "code", **always},
            {"mapping": "[vvar]", "holds": "data", **always},
        ],
        "areas": [{"area": "kuser", "kind": "fixed-page", "address": 0xFFFF0000, **always, "entries": []}],
    }
    return assemble_catalog(documents)


CATALOG = strict_catalog()


def clean(symbols: tuple[Symbol, ...] = I386_SYMBOLS, **image: Any) -> Capture:
    """What booting a kernel captures with which nothing is wrong; `image` changes its vDSO."""
    return i386_capture(
        i386_image(symbols, **{"entry": ENTRY, **image}),
        auxv=((33, ADDRESS), (32, ADDRESS + ENTRY)),
        mappings=(DATA, CODE),
        calls=CALLS,
        kuser=KuserPage(True, 5),
    )


def caught(capture: Capture) -> dict[str, set[Verdict]]:
    """What is remarked of a record: rules with their verdicts."""
    found: dict[str, set[Verdict]] = {}
    for finding in judge_capture(capture, CATALOG).findings():
        if finding.verdict not in (Verdict.PASS, Verdict.EXPECTED_ABSENT):
            found.setdefault(finding.rule, set()).add(finding.verdict)
    return found


def symbols(*changed: Symbol) -> Doctor:
    return lambda capture: clean(changed)


def image(**changes: Any) -> Doctor:
    return lambda capture: clean(**changes)


def bytes_of_image(offset: int, replacement: bytes) -> Doctor:
    def doctor(capture: Capture) -> Capture:
        data = capture.abis[0].image
        assert data is not None
        return _with(capture, image=data[:offset] + replacement + data[offset + len(replacement) :])

    return doctor


def record(**changes: Any) -> Doctor:
    return lambda capture: _with(capture, **changes)


def call(good: Call, **changes: Any) -> Doctor:
    """One of the calls ends otherwise."""
    return record(calls=tuple(replace(one, **changes) if one == good else one for one in CALLS))


def on_64_bit(capture: Capture) -> Capture:
    """The same from a 64-bit kernel, whose configuration leaves 32-bit programs out."""
    return replace(capture, provenance=replace(capture.provenance, kernel_bits=64))


def an_old_symbol_back(capture: Capture) -> Capture:
    time = Call("__vdso_time", before=100, returned=100, value=100, after=100)
    return _with(clean((*I386_SYMBOLS, Symbol("__vdso_time", "LINUX_2.6"))), calls=(*CALLS, time))


def _with(capture: Capture, **changes: Any) -> Capture:
    return replace(capture, abis=(replace(capture.abis[0], **changes),))


NO_IMAGE: dict[str, Any] = {"image": None, "address": None, "mappings": (DATA,), "auxv": ()}

DOCTORED: list[tuple[str, str, Verdict, Doctor]] = [
    ("a symbol lost", "SYM-MISSING", Verdict.FAIL, symbols(CLOCK, SIGRETURN)),
    ("a name blanked", "SYM-MISSING", Verdict.FAIL, symbols(CLOCK, replace(GETCPU, blanked=True), SIGRETURN)),
    ("a version renamed", "SYM-VERSION", Verdict.FAIL, symbols(CLOCK, replace(GETCPU, version="LINUX_9.9"), SIGRETURN)),
    ("versions swapped", "SYM-VERSION", Verdict.FAIL, symbols(CLOCK, GETCPU, replace(SIGRETURN, version="LINUX_2.6"))),
    ("a type given", "SYM-TYPE", Verdict.FAIL, symbols(CLOCK, GETCPU, replace(SIGRETURN, type=FUNC))),
    ("a type lost", "SYM-TYPE", Verdict.FAIL, symbols(CLOCK, replace(GETCPU, type=NOTYPE), SIGRETURN)),
    ("made weak", "SYM-BINDING", Verdict.REVIEW, symbols(CLOCK, replace(GETCPU, binding=WEAK), SIGRETURN)),
    ("one symbol more", "SYM-NEW", Verdict.REVIEW, symbols(*I386_SYMBOLS, Symbol("__vdso_futex", "LINUX_2.6"))),
    ("a version more", "SYM-NEW", Verdict.REVIEW, symbols(*I386_SYMBOLS, replace(GETCPU, version="LINUX_2.5"))),
    ("an old symbol back", "SYM-UNEXPECTED", Verdict.REVIEW, an_old_symbol_back),
    ("without the option", "SYM-UNEXPECTED", Verdict.REVIEW,
     symbols(*I386_SYMBOLS, Symbol("__vdso_getrandom", "LINUX_2.6"))),
    ("the option is not known", "SYM-ABSENT", Verdict.UNKNOWN, lambda capture: replace(capture, config=None)),
    ("another soname", "ELF-SONAME", Verdict.FAIL, image(soname="linux-vdso.so.1")),
    ("no soname", "ELF-SONAME", Verdict.FAIL, image(soname=None)),
    ("DT_HASH dropped", "ELF-HASH-STYLE", Verdict.FAIL, image(hash_styles=("gnu",))),
    ("DT_GNU_HASH dropped", "ELF-HASH-STYLE", Verdict.FAIL, image(hash_styles=("sysv",))),
    ("of another machine", "ELF-IDENTITY", Verdict.FAIL, bytes_of_image(18, b"\x28\x00")),
    ("no ELF", "ELF-READABLE", Verdict.FAIL, bytes_of_image(0, b"\x7fFLE")),
    ("does not start", "ABI-RUNS", Verdict.FAIL,
     lambda capture: _with(i386_capture(None), outcome="exec-failed", detail=8)),
    ("died in the middle", "ABI-RUNS", Verdict.FAIL, record(outcome="signal", detail=11)),
    ("never finished", "ABI-RUNS", Verdict.FAIL, record(outcome="hang")),
    ("failed", "ABI-RUNS", Verdict.FAIL, record(outcome="exit", detail=1)),
    ("runs what it should not", "ABI-RUNS", Verdict.REVIEW, on_64_bit),
    ("a page gone", "AREA-PRESENT", Verdict.FAIL, record(kuser=KuserPage(False))),
    ("a clock a second late", "CALL-VALUE", Verdict.FAIL, call(REALTIME, value=1500 + 10**9)),
    ("a clock behind", "CALL-VALUE", Verdict.FAIL, call(REALTIME, value=999)),
    ("another CPU", "CALL-VALUE", Verdict.FAIL, call(CPU, value=0)),
    ("no value", "CALL-VALUE", Verdict.UNKNOWN, call(CPU, value=None)),
    ("an error of its own", "CALL-RETURN", Verdict.FAIL, call(REALTIME, returned=-22)),
    ("an errno without sign", "CALL-RETURN", Verdict.FAIL, call(REALTIME, returned=22)),
    ("another errno", "CALL-RETURN", Verdict.UNKNOWN, call(INVALID, returned=-38)),
    ("crashed", "CALL-RETURN", Verdict.FAIL, call(CPU, failure="crash", signal=11)),
    ("never came back", "CALL-RETURN", Verdict.FAIL, call(CPU, failure="hang")),
    ("not called", "CALL-MADE", Verdict.UNKNOWN, record(calls=(REALTIME, INVALID))),
    ("within a mapping", "MAP-VDSO", Verdict.FAIL, record(mappings=(DATA, CODE.replace("b7f00", "b7eff", 1)))),
    ("leads beside the entry", "AUXV-TAG", Verdict.FAIL, record(auxv=((33, ADDRESS), (32, ADDRESS + ENTRY + 4)))),
    ("without the entry", "AUXV-TAG", Verdict.FAIL, record(auxv=((33, ADDRESS),))),
    ("data can be executed", "MAP-NAME", Verdict.FAIL, record(mappings=(DATA.replace("r--p", "r-xp"), CODE))),
    ("another name", "MAP-NAME", Verdict.FAIL, record(mappings=(DATA.replace("[vvar]", "[data]"), CODE))),
]  # fmt: skip


def test_a_clean_record_trips_no_rule() -> None:
    assert caught(clean()) == {}


@pytest.mark.parametrize(("rule", "verdict", "doctor"), [row[1:] for row in DOCTORED], ids=[row[0] for row in DOCTORED])
def test_a_doctored_record_is_caught_by_its_rule_alone(rule: str, verdict: Verdict, doctor: Doctor) -> None:
    assert caught(doctor(clean())) == {rule: {verdict}}


def test_a_vdso_that_is_not_mapped_is_caught_with_what_leads_to_it() -> None:
    found = caught(record(**NO_IMAGE)(clean()))
    assert found.pop("VDSO-PRESENT") == {Verdict.FAIL}
    assert set(found) <= {"AUXV-TAG", "MAP-NAME"}


def test_a_vdso_where_none_should_be_is_caught() -> None:
    catalog = small_documents()
    catalog["abis/i386.yaml"]["vdso"][0]["until"] = "6.0"
    findings = judge_capture(clean(), assemble_catalog(catalog)).findings()
    assert [one.verdict for one in findings if one.rule == "VDSO-PRESENT"] == [Verdict.REVIEW]


def test_every_rule_on_records_is_broken_by_some_doctored_record() -> None:
    """The rules are those whose name a module gives to a finding; those on the image have their own suite."""
    named = set().union(*map(_rules_named_in, (compare, judge, placement, rules)))
    assert named - {rule for _, rule, _, _ in DOCTORED} == {"VDSO-PRESENT", "SYM-PRESENT"}


def _rules_named_in(module: Any) -> set[str]:
    """The first arguments of calls that are spelt like rules: Finding("CALL-VALUE", …)."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    firsts = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    texts = [one.value for one in firsts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return {text for text in texts if re.fullmatch(r"[A-Z]+(-[A-Z]+)+", text)}
