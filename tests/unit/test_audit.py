"""Audits: a lookup that never matches, one that loses its symbol, one that another stands in for; and properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from elf_builder import NOTYPE, Symbol
from small_catalog import small_documents
from small_consumers import lookup, relied, small_consumer
from small_images import CLOCK, GETCPU, SIGRETURN, i386_image

from vdsocat.audits.audit import AuditFinding, audit, unused_exports
from vdsocat.audits.kernel_audit import AuditedImage, audit_image, audit_release
from vdsocat.audits.relied_properties import has_dynsym_header
from vdsocat.catalog.consumer import Consumer
from vdsocat.catalog.files import assemble_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.elf.image import read_vdso_image
from vdsocat.exports import KernelRelease

SOURCE = [{"tag": "v6.1", "path": "arch/x86/Kconfig"}]
FAIL, PASS, REVIEW, ABSENT, UNKNOWN = "fail", "pass", "review", "expected-absent", "unknown"


def export(symbol: str, function: str, since: Any = "5.1", **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "function": function, "version": "LINUX_2.6", "since": since, "source": SOURCE} | more


def catalog_with(*exports: dict[str, Any], abi: str = "i386", **parts: Any) -> Catalog:
    """The small catalogue with more exports in an ABI, or with other parts of its file replaced."""
    documents = small_documents()
    document = documents[f"abis/{abi}.yaml"]
    document["exports"] += exports
    document.update(parts)
    return assemble_catalog(documents)


def findings(consumer: Consumer, catalog: Catalog, abi: str = "i386") -> list[AuditFinding]:
    return list(audit(consumer, catalog.abi(abi), catalog))


def told(found: Iterable[AuditFinding]) -> list[tuple[str, str]]:
    return [(one.rule, str(one.verdict)) for one in found]


def only(found: Iterable[AuditFinding]) -> AuditFinding:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (lookup(version="LINUX_5.11"), "every release that exports it has it as LINUX_2.6"),
        (lookup("__vdso_rt_sigreturn"), "no release exports it, or anything of the kind"),
        (lookup("clock_gettime"), "the kernel has __vdso_clock_gettime@@LINUX_2.6"),
        (lookup(requires=["__vdso_nothing"]), "no release exports __vdso_nothing, without which it is not used"),
    ],
)
def test_a_lookup_that_can_never_match(row: dict[str, Any], why: str) -> None:
    found = only(findings(small_consumer(row), catalog_with()))
    assert (found.rule, found.verdict) == ("LOOKUP-NEVER", FAIL)
    assert why in found.reason
    assert found.reason.endswith("it makes the system call")
    assert found.since is None


def test_nothing_matches_in_an_abi_without_exports() -> None:
    catalog = catalog_with(abi="arm", exports=[])
    found = only(findings(small_consumer(lookup(abis=["arm"])), catalog, "arm"))
    assert "no vDSO of this ABI ever exported anything" in found.reason


def test_a_test_that_is_skipped_counts_only_where_there_is_something_to_test() -> None:
    wrong = lookup("clock_gettime", fallback="skip")
    nothing = lookup("__vdso_rt_sigreturn", fallback="skip", purpose="other")
    ignored = lookup("clock_gettime", fallback="ignored", purpose="third")
    assert told(findings(small_consumer(wrong, nothing, ignored), catalog_with())) == [
        ("LOOKUP-NEVER", FAIL),
        ("LOOKUP-NEVER", ABSENT),
        ("LOOKUP-NEVER", ABSENT),
    ]


def test_a_symbol_of_another_type_is_not_found() -> None:
    row = lookup("__kernel_sigreturn", "LINUX_2.5")
    found = only(findings(small_consumer(row, properties=(relied("symbol-type", "FUNC"),)), catalog_with()))
    assert (found.rule, found.verdict) == ("LOOKUP-NEVER", FAIL)
    assert "the symbol is NOTYPE, and FUNC is wanted" in found.reason
    assert told(findings(small_consumer(row), catalog_with())) == [("LOOKUP-WINDOW", PASS)]


def test_a_symbol_that_changed_its_type_is_lost() -> None:
    catalog = catalog_with(
        export("__vdso_flush", "getcpu", until="6.0"), export("__vdso_flush", "getcpu", "6.0", type="NOTYPE")
    )
    row = lookup("__vdso_flush", fallback="assertion")
    found = only(findings(small_consumer(row, properties=(relied("symbol-type", "FUNC"),)), catalog))
    assert (found.rule, found.verdict, found.since) == ("LOOKUP-LOST", FAIL, "6.0")
    assert found.reason == (
        "matches no kernel since 6.0 (the symbol is NOTYPE, and FUNC is wanted); it fails an assertion"
    )
    assert told(findings(small_consumer(row), catalog)) == [("LOOKUP-WINDOW", REVIEW)]


def test_a_symbol_that_went_is_lost_unless_another_serves() -> None:
    went = lookup("__vdso_time", purpose="time")
    found = only(findings(small_consumer(went), catalog_with()))
    assert (found.rule, found.verdict, found.since) == ("LOOKUP-LOST", FAIL, "6.0")
    both = findings(small_consumer(went, lookup(purpose="time")), catalog_with())
    assert told(both) == [("LOOKUP-LOST", ABSENT), ("LOOKUP-WINDOW", PASS)]
    assert both[0].reason == "matches no kernel since 6.0; __vdso_clock_gettime@LINUX_2.6 serves"
    came_back = catalog_with(export("__vdso_time", "time", "6.1"))
    assert told(findings(small_consumer(went), came_back)) == [("LOOKUP-WINDOW", PASS)]


NARROWED = (
    export("__vdso_clock", "clock_gettime", until="6.0"),
    export("__vdso_clock", "clock_gettime", "6.0", when="CONFIG_COMPAT_32BIT_TIME"),
    export("__vdso_clock64", "clock_gettime"),
)


def test_a_lookup_loses_its_symbol_under_a_configuration() -> None:
    found = only(findings(small_consumer(lookup("__vdso_clock")), catalog_with(*NARROWED)))
    assert (found.rule, found.verdict, found.since) == ("LOOKUP-NARROWED", FAIL, "6.0")
    assert found.reason == "since 6.0 needs CONFIG_COMPAT_32BIT_TIME; without, it makes the system call"


def test_a_lookup_that_requires_the_symbol_is_lost_with_it() -> None:
    wide = lookup("__vdso_clock64")
    narrow = lookup("__vdso_clock")
    assert told(findings(small_consumer(wide, narrow), catalog_with(*NARROWED))) == [
        ("LOOKUP-WINDOW", PASS),
        ("LOOKUP-NARROWED", ABSENT),
    ]
    tied = lookup("__vdso_clock64", requires=["__vdso_clock"])
    assert told(findings(small_consumer(tied, narrow), catalog_with(*NARROWED))) == [
        ("LOOKUP-NARROWED", FAIL),
        ("LOOKUP-NARROWED", FAIL),
    ]


@pytest.mark.parametrize(
    ("before", "after", "narrowed"),
    [
        ("CONFIG_A", "CONFIG_A and CONFIG_B", True),
        ("(native and CONFIG_A) or compat", "CONFIG_B and ((native and CONFIG_A) or compat)", True),
        ("CONFIG_A", "CONFIG_A and not CONFIG_B", True),
        ("CONFIG_A", "CONFIG_B", False),
        ("CONFIG_A and CONFIG_B", "CONFIG_A", False),
        ("CONFIG_A", "CONFIG_A or CONFIG_B", False),
    ],
)
def test_only_a_condition_that_asks_for_more_narrows(before: str, after: str, narrowed: bool) -> None:
    catalog = catalog_with(
        export("__vdso_clock", "clock_gettime", until="6.0", when=before),
        export("__vdso_clock", "clock_gettime", "6.0", when=after),
    )
    found = only(findings(small_consumer(lookup("__vdso_clock")), catalog))
    assert (found.rule == "LOOKUP-NARROWED") is narrowed


def test_a_program_that_dies_of_an_older_kernel_is_for_review() -> None:
    row = lookup("__vdso_getcpu", fallback="assertion")
    found = only(findings(small_consumer(row), catalog_with()))
    assert (found.rule, found.verdict) == ("LOOKUP-WINDOW", REVIEW)
    assert found.reason == "matches since 6.0, otherwise it fails an assertion"
    random = only(findings(small_consumer(lookup("__vdso_getrandom")), catalog_with()))
    assert random.verdict == PASS
    assert "under the condition CONFIG_VDSO_GETRANDOM" in random.reason


def test_any_of_several_names_will_do() -> None:
    row = lookup(None, None, tried=["__kernel_getcpu", "__vdso_getcpu"])
    assert told(findings(small_consumer(row), catalog_with())) == [("LOOKUP-WINDOW", PASS)]


GNU_ALONE = [
    {"styles": ["sysv"], "since": "2.6.0", "until": "5.1", "source": SOURCE},
    {"styles": ["gnu"], "since": "5.1", "when": "toolchain:gnu-hash-default", "source": SOURCE},
    {"styles": ["sysv", "gnu"], "since": "5.1", "when": "not toolchain:gnu-hash-default", "source": SOURCE},
]


def test_a_hash_table_that_went() -> None:
    consumer = small_consumer(properties=(relied("hash", "sysv"),))
    _, found = findings(consumer, catalog_with(hash=GNU_ALONE))
    assert (found.rule, found.verdict, found.since) == ("PROPERTY-HASH", FAIL, "5.1")
    assert found.reason == (
        "the image has DT_GNU_HASH alone since 5.1, if toolchain:gnu-hash-default, and DT_HASH is wanted. "
        "Every lookup fails."
    )
    assert len(findings(small_consumer(properties=(relied("hash", "sysv", "gnu"),)), catalog_with(hash=GNU_ALONE))) == 1
    _, early = findings(small_consumer(properties=(relied("hash", "gnu"),)), catalog_with(hash=GNU_ALONE))
    assert early.verdict == ABSENT


@pytest.mark.parametrize(
    ("row", "lacking"),
    [
        (relied("soname", "linux-vdso.so.1"), True),
        (relied("soname", "linux-vdso.so.1", "linux-gate.so.1"), False),
        (relied("byte-order", "big"), True),
        (relied("byte-order", "little"), False),
        (relied("hash-words", "32"), False),
        (relied("osabi", "9"), False),
        (relied("soname", "x", abis=["arm"]), False),
    ],
)
def test_other_properties_that_the_catalogue_records(row: dict[str, Any], lacking: bool) -> None:
    rules = told(findings(small_consumer(properties=(row,)), catalog_with()))
    expected = [(f"PROPERTY-{row['property'].upper()}", FAIL)] if lacking else []
    assert rules == [("LOOKUP-WINDOW", PASS), *expected]


def test_a_soname_is_told_once_however_often_the_image_changed() -> None:
    image = {"since": "2.6.0", "soname": "linux-gate.so.1", "source": SOURCE}
    stretches = [image | {"until": "5.1", "soname": "linux-old.so.1"}, image | {"since": "5.1", "until": "6.0"}]
    catalog = catalog_with(vdso=[*stretches, image | {"since": "6.0", "when": "not boot:vdso32=0"}])
    _, *found = findings(small_consumer(properties=(relied("soname", "linux-vdso.so.1"),)), catalog)
    assert [(one.verdict, one.since, one.reason) for one in found] == [
        (ABSENT, "2.6.0", "the image was called linux-old.so.1, and linux-vdso.so.1 is wanted. Every lookup fails."),
        (FAIL, "5.1", "the image is called linux-gate.so.1, and linux-vdso.so.1 is wanted. Every lookup fails."),
    ]


def test_64_bit_words_of_a_hash_table() -> None:
    wide = catalog_with(elf={"machine": "EM_S390", "class": 64, "endianness": ["big"]})
    consumer = small_consumer(properties=(relied("hash-words", "32"),))
    assert told(findings(consumer, wide))[1:] == [("PROPERTY-HASH-WORDS", FAIL)]
    narrow = catalog_with(elf={"machine": "EM_S390", "class": 32, "endianness": ["big"]})
    assert told(findings(consumer, narrow))[1:] == []


def test_a_consumer_that_looks_nothing_up_in_an_abi_is_not_judged_there() -> None:
    consumer = small_consumer(lookup(), properties=(relied("soname", "x"),))
    assert findings(consumer, catalog_with(), "arm") == []


def test_exports_that_nobody_looks_up() -> None:
    consumer = small_consumer(lookup(), lookup("__vdso_getcpu", "LINUX_2.5"))
    abi = catalog_with().abi("i386")
    names = [entry.export.name for entry in unused_exports([consumer], abi)]
    assert names == ["__vdso_getcpu", "__kernel_sigreturn", "__vdso_getrandom"]


def seen(
    data: bytes, release: str | None = "6.1", config: dict[str, str] | None = None, catalog: Catalog | None = None
) -> tuple[AuditedImage, Catalog]:
    catalog = catalog or catalog_with()
    parsed = KernelRelease.parse(release) if release else None
    return AuditedImage(catalog.abi("i386"), "native", parsed, config or {}, read_vdso_image(data), data), catalog


def judge(consumer: Consumer, data: bytes, **more: Any) -> list[AuditFinding]:
    image, catalog = seen(data, **more)
    return list(audit_image(consumer, image, catalog))


def test_an_image_without_the_hash_table_that_is_wanted() -> None:
    consumer = small_consumer(properties=(relied("hash", "sysv"),))
    good, lost = judge(consumer, i386_image(hash_styles=("gnu",)))
    assert (good.rule, good.verdict) == ("LOOKUP-FOUND", PASS)
    assert (lost.rule, lost.verdict) == ("PROPERTY-HASH", FAIL)
    assert lost.reason == (
        "the image has DT_GNU_HASH, and not DT_HASH: tinylibc on i386 loses clock_gettime. Every lookup fails."
    )
    assert told(judge(consumer, i386_image())) == [("LOOKUP-FOUND", PASS)]


@pytest.mark.parametrize(
    ("row", "image", "words"),
    [
        (relied("osabi", "3"), {}, "EI_OSABI is 0, not 3"),
        (relied("byte-order", "big"), {}, "little endian, not big"),
        (relied("segments", "2"), {}, "1 PT_LOAD segments, not 2"),
        (relied("section-headers"), {}, "no section header of .dynsym"),
        (relied("soname", "linux-vdso.so.1"), {}, "called linux-gate.so.1, not linux-vdso.so.1"),
    ],
)
def test_an_image_without_another_property(row: dict[str, Any], image: dict[str, Any], words: str) -> None:
    _, lost = judge(small_consumer(properties=(row,)), i386_image(**image))
    assert lost.verdict == FAIL
    assert words in lost.reason


def test_a_program_that_does_without_nothing_is_said_to_refuse() -> None:
    _, lost = judge(small_consumer(properties=(relied("osabi", "3", fallback="refusal"),)), i386_image())
    assert lost.reason == "EI_OSABI is 0, not 3: tinylibc on i386 refuses to run. Every lookup fails."


@pytest.mark.parametrize(
    "row",
    [
        relied("osabi", "0", "3"),
        relied("segments", "1"),
        relied("verdef"),
        relied("section-headers"),
        relied("segment-flags", "read-execute"),
        relied("hash-words", "32"),
    ],
)
def test_an_image_with_the_property(row: dict[str, Any]) -> None:
    assert told(judge(small_consumer(properties=(row,)), i386_image(section_headers=True))) == [("LOOKUP-FOUND", PASS)]


def test_section_headers_that_lie_outside_the_bytes_do_not_count() -> None:
    data = i386_image(section_headers=True)
    assert has_dynsym_header(data)
    assert not has_dynsym_header(data[: int.from_bytes(data[0x20:0x24], "little")])
    assert not has_dynsym_header(b"\x7fELF")


def test_a_property_costs_nothing_where_nothing_would_be_found_anyway() -> None:
    consumer = small_consumer(lookup("__vdso_rt_sigreturn"), properties=(relied("verdef"), relied("osabi", "9")))
    assert told(judge(consumer, i386_image())) == [("LOOKUP-MISSED", ABSENT)]


@pytest.mark.parametrize(
    ("row", "symbols", "more", "verdict", "words"),
    [
        (lookup("__vdso_getcpu"), (CLOCK, SIGRETURN), {}, FAIL, "does not have it (the catalogue expects it)"),
        (lookup("__vdso_getrandom"), (CLOCK,), {}, FAIL, "needs CONFIG_VDSO_GETRANDOM (CONFIG_VDSO_GETRANDOM=n)"),
        (lookup("__vdso_time"), (CLOCK,), {}, FAIL, "gone since 6.0"),
        (lookup("__vdso_getcpu"), (CLOCK,), {"release": "5.1"}, ABSENT, "the kernel is older than 6.0"),
        (lookup("__vdso_getcpu", fallback="crash"), (CLOCK,), {"release": "5.1"}, REVIEW, "it crashes"),
        (lookup("__vdso_getcpu", fallback="ignored"), (CLOCK,), {}, ABSENT, "it does without"),
        (lookup("__vdso_getcpu"), (CLOCK,), {"release": None}, FAIL, "the image does not have it"),
        (lookup(), (Symbol(CLOCK.name, "LINUX_9.9"),), {}, FAIL, "it has __vdso_clock_gettime@@LINUX_9.9"),
        (lookup(version="LINUX_9.9"), (CLOCK,), {}, ABSENT, "no kernel has it"),
    ],
)
def test_what_an_image_does_not_have(
    row: dict[str, Any], symbols: tuple[Symbol, ...], more: dict[str, Any], verdict: str, words: str
) -> None:
    found = only(judge(small_consumer(row), i386_image(symbols), **more))
    assert (found.rule, found.verdict) == ("LOOKUP-MISSED", verdict)
    assert words in found.reason


def test_an_image_with_a_symbol_of_another_type() -> None:
    consumer = small_consumer(properties=(relied("symbol-type", "FUNC"),))
    found = only(judge(consumer, i386_image((Symbol(CLOCK.name, "LINUX_2.6", type=NOTYPE),))))
    assert found.verdict == FAIL
    assert "the symbol is NOTYPE, and FUNC is wanted" in found.reason


def test_in_an_image_too_another_lookup_may_serve() -> None:
    both = small_consumer(lookup("__vdso_time", fallback="lookup"), lookup())
    assert told(judge(both, i386_image())) == [("LOOKUP-FOUND", PASS)]
    tied = small_consumer(lookup(requires=["__vdso_time"]), lookup("__vdso_time"))
    assert told(judge(tied, i386_image((CLOCK, GETCPU)))) == [("LOOKUP-MISSED", FAIL)]


def at(consumer: Consumer, release: str, catalog: Catalog | None = None) -> list[AuditFinding]:
    catalog = catalog or catalog_with()
    return list(audit_release(consumer, catalog.abi("i386"), catalog, KernelRelease.parse(release)))


@pytest.mark.parametrize(
    ("row", "release", "verdict", "words"),
    [
        (lookup(), "5.1", PASS, "since 3.15"),
        (lookup(), "3.0", ABSENT, "not before 3.15"),
        (lookup("__vdso_time"), "6.1", FAIL, "gone since 6.0"),
        (lookup("__vdso_getrandom"), "6.1", UNKNOWN, "depends on CONFIG_VDSO_GETRANDOM"),
        (lookup(version="LINUX_9.9"), "6.1", ABSENT, "as LINUX_2.6"),
        (lookup("__vdso_getcpu", fallback="refusal"), "5.1", REVIEW, "it refuses to run"),
    ],
)
def test_one_release(row: dict[str, Any], release: str, verdict: str, words: str) -> None:
    found = only(at(small_consumer(row), release))
    assert found.verdict == verdict
    assert words in found.reason


def test_the_hash_table_of_one_release() -> None:
    consumer = small_consumer(properties=(relied("hash", "gnu"), relied("verdef"), relied("hash", "gnu", abis=["arm"])))
    catalog = catalog_with(hash=GNU_ALONE)
    assert told(at(consumer, "4.1", catalog))[1:] == [("PROPERTY-HASH", FAIL)]
    assert told(at(consumer, "6.1", catalog))[1:] == []
    sysv = small_consumer(properties=(relied("hash", "sysv"),))
    assert told(at(sysv, "6.1", catalog))[1:] == [("PROPERTY-HASH", UNKNOWN)]
    assert told(at(small_consumer(lookup(abis=["arm"]), properties=(relied("hash", "gnu"),)), "4.1", catalog)) == []
