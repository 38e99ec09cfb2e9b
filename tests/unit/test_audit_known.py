"""The real catalogue finds what is known from elsewhere to be wrong: each case was reported, or stands in a source.

Nothing here is read from the catalogue: the names, versions and verdicts are written out by hand.
"""

from __future__ import annotations

from functools import cache

import pytest

from vdsocat.audits.audit import AuditFinding, audit
from vdsocat.audits.kernel_audit import audit_release
from vdsocat.catalog.consumer import Consumer, load_consumers, select_consumers
from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.documents import data_directory
from vdsocat.exports import KernelRelease


@cache
def catalog() -> Catalog:
    return load_catalog(data_directory("catalog"))


@cache
def consumers() -> dict[str, Consumer]:
    return load_consumers(data_directory("catalog"))


def findings(consumer: str, abi: str) -> list[AuditFinding]:
    (chosen,) = select_consumers(consumers(), [consumer])
    return list(audit(chosen, catalog().abi(abi), catalog()))


def of_subject(consumer: str, abi: str, subject: str) -> AuditFinding:
    (found,) = (one for one in findings(consumer, abi) if one.subject == subject)
    return found


@pytest.mark.parametrize(
    ("consumer", "abi", "subject", "the_kernel_has"),
    [
        ("musl", "ppc32", "__kernel_clock_gettime64@LINUX_5.11", "LINUX_2.6.15"),
        ("rustix", "ppc32", "__kernel_clock_gettime64@LINUX_5.11", "LINUX_2.6.15"),
        ("rustix@0.33.0", "riscv64", "__kernel_clock_gettime@LINUX_4.15", "__vdso_clock_gettime@@LINUX_4.15"),
        ("glibc", "riscv32", "__vdso_getcpu@LINUX_5.4", "LINUX_4.15"),
        ("glibc", "riscv32", "__vdso_riscv_hwprobe@LINUX_5.4", "LINUX_4.15"),
        ("glibc@2.17", "ppc64", "__kernel_vdso_get_tbfreq@LINUX_2.6.15", "no release exports it"),
        ("ltp", "loongarch64", "__vdso_clock_gettime@LINUX_2.6", "LINUX_5.10"),
        ("ltp", "parisc", "__vdso_clock_gettime@LINUX_2.6", "LINUX_6.11"),
        ("ltp", "parisc", "__vdso_clock_gettime64@LINUX_2.6", "LINUX_6.11"),
        ("ltp", "ppc32", "__vdso_clock_gettime64@LINUX_2.6", "__kernel_clock_gettime64@@LINUX_2.6.15"),
        ("musl@1.2.4", "riscv64", "__vdso_flush_icache@LINUX_4.5", "LINUX_4.15"),
    ],
)
def test_lookups_that_can_never_match(consumer: str, abi: str, subject: str, the_kernel_has: str) -> None:
    found = of_subject(consumer, abi, subject)
    assert (found.rule, found.verdict) == ("LOOKUP-NEVER", "fail")
    assert the_kernel_has in found.reason


@pytest.mark.parametrize(
    ("consumer", "abi"),
    [("musl", "arm"), ("musl", "ppc32"), ("go", "arm"), ("go", "i386"), ("glibc", "ppc32")],
)
def test_without_32_bit_time_they_lose_the_clock(consumer: str, abi: str) -> None:
    lost = [one for one in findings(consumer, abi) if one.rule == "LOOKUP-NARROWED" and one.verdict == "fail"]
    assert any("clock_gettime" in one.subject and "CONFIG_COMPAT_32BIT_TIME" in one.reason for one in lost)


@pytest.mark.parametrize(("consumer", "abi"), [("musl", "i386"), ("musl", "mips-o32"), ("rustix", "arm")])
def test_without_32_bit_time_these_keep_the_clock(consumer: str, abi: str) -> None:
    assert [one for one in findings(consumer, abi) if one.verdict == "fail"] == []


@pytest.mark.parametrize(
    ("consumer", "abi"),
    [
        ("musl", "x86-64"),
        ("musl", "aarch64"),
        ("glibc", "x86-64"),
        ("glibc", "aarch64"),
        ("glibc", "riscv64"),
        ("glibc", "loongarch64"),
        ("go", "x86-64"),
        ("go", "riscv64"),
        ("rustix", "x86-64"),
        ("rustix", "riscv64"),
        ("bionic", "aarch64"),
        ("bionic", "riscv64"),
    ],
)
def test_nothing_is_wrong_where_nothing_was_reported(consumer: str, abi: str) -> None:
    assert [one for one in findings(consumer, abi) if one.verdict == "fail"] == []


def test_a_landing_pad_without_a_type_was_what_abseil_ran_into() -> None:
    """abseil-cpp issue 805: STT_FUNC was wanted of __kernel_rt_sigreturn, which is NOTYPE since Linux 5.8."""
    found = of_subject("abseil@20200923.0", "aarch64", "__kernel_rt_sigreturn@LINUX_2.6.39")
    assert (found.rule, found.verdict, found.since) == ("LOOKUP-LOST", "fail", "5.8")
    assert "the symbol is NOTYPE, and FUNC is wanted" in found.reason
    assert of_subject("abseil", "aarch64", "__kernel_rt_sigreturn@LINUX_2.6.39").verdict == "pass"


@pytest.mark.parametrize(("consumer", "loses"), [("musl@1.2.5", True), ("musl", False), ("zig", True), ("go", False)])
def test_arm64_dropped_the_old_hash_table(consumer: str, loses: bool) -> None:
    """Linux 48f6430505c0; musl's commit 1347154cdc5c, criu's 8a06ca27cc9a and rustix's 226840241248 answered it."""
    lost = [one for one in findings(consumer, "aarch64") if one.rule == "PROPERTY-HASH" and one.verdict == "fail"]
    assert bool(lost) is loses


def test_a_bug_of_criu_is_seen_on_the_only_big_endian_abi_alone() -> None:
    """criu 2d2168fc9c14 holds EI_DATA against ELFDATA2LSB."""
    assert [one.rule for one in findings("criu", "s390x") if one.verdict == "fail"] == ["PROPERTY-BYTE-ORDER"]
    assert [one for one in findings("criu@4.1", "s390x") if one.rule == "PROPERTY-BYTE-ORDER"] == []


def test_a_kernel_before_getrandom_is_no_fault_of_its_own() -> None:
    (glibc,) = select_consumers(consumers(), ["glibc"])
    found = audit_release(glibc, catalog().abi("x86-64"), catalog(), KernelRelease.parse("6.1"))
    verdicts = {one.purpose: str(one.verdict) for one in found}
    assert verdicts["getrandom"] == "expected-absent"
    assert verdicts["clock_gettime"] == "pass"
