"""The one comparison: what is expected of a set of exports against what an image shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.intervals import Decision, State, decide_any
from vdsocat.catalog.model import CatalogExport
from vdsocat.exports import Export, ExportSet, KernelRelease
from vdsocat.judging.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class ExpectedSymbol:
    """What is expected of one symbol name: `exports` are the forms it must be there in (usually one).

    `possible` are forms that may be there although nothing decides it. `decision` says why.
    """

    name: str
    decision: Decision
    exports: tuple[Export, ...]
    possible: tuple[Export, ...]


def resolve_expected(
    entries: Sequence[CatalogExport], release: KernelRelease, facts: KernelFacts
) -> tuple[ExpectedSymbol, ...]:
    """What the catalogue's entries say for one release under these facts: one record per symbol name."""
    by_name: dict[str, list[CatalogExport]] = {}
    for entry in entries:
        by_name.setdefault(entry.export.name, []).append(entry)
    return tuple(_resolve_symbol(name, tuple(group), release, facts) for name, group in by_name.items())


def _resolve_symbol(
    name: str, entries: tuple[CatalogExport, ...], release: KernelRelease, facts: KernelFacts
) -> ExpectedSymbol:
    states = [(entry.export, entry.interval.decide(release, facts).state) for entry in entries]
    return ExpectedSymbol(
        name=name,
        decision=decide_any(tuple(entry.interval for entry in entries), release, facts),
        exports=tuple(export for export, state in states if state is State.PRESENT),
        possible=tuple(export for export, state in states if state is State.UNKNOWN),
    )


def compare_exports(expected: Sequence[ExpectedSymbol], seen: ExportSet) -> Iterator[Finding]:
    """One finding for each expected symbol, and one for each symbol of the image that nobody expected."""
    for symbol in expected:
        yield from _compare_symbol(symbol, seen)
    known = {symbol.name: symbol for symbol in expected}
    for export in seen:
        if export.name and (export.name not in known or _is_second_form(export, known[export.name], seen)):
            yield judge_new(export, seen)


def _is_second_form(export: Export, symbol: ExpectedSymbol, seen: ExportSet) -> bool:
    """Whether it stands beside the forms that the catalogue has, all of which are there, under one more version."""
    versions = {form.version for form in symbol.exports + symbol.possible}
    present = {form.version for form in seen.named(symbol.name)}
    return (
        bool(symbol.exports) and export.version not in versions and {one.version for one in symbol.exports} <= present
    )


def _compare_symbol(symbol: ExpectedSymbol, seen: ExportSet) -> Iterator[Finding]:
    found = seen.named(symbol.name)
    if symbol.exports:
        for export in symbol.exports:
            if found:
                yield _compare_form(export, found, symbol.decision)
            else:
                yield judge_missing(export, symbol.decision, blanked=seen.named(""))
    elif not found:
        yield judge_absent(symbol)
    elif symbol.possible:
        form = next((one for one in symbol.possible if one.version == found[0].version), symbol.possible[0])
        yield _compare_form(form, found, symbol.decision)
    else:
        yield judge_unexpected(symbol, found[0])


def _compare_form(expected: Export, found: tuple[Export, ...], decision: Decision) -> Finding:
    same_version = [export for export in found if export.version == expected.version]
    if not same_version:
        return judge_version(expected, found[0])
    export = same_version[0]
    if export.type is not expected.type:
        return judge_type(expected, export)
    if export.binding is not expected.binding:
        return judge_binding(expected, export)
    return judge_present(expected, export, decision)


def judge_present(expected: Export, seen: Export, decision: Decision) -> Finding:
    """SYM-PRESENT: the image exports a symbol as the catalogue says: name, version, type and binding.

    Why: it is what every consumer finds the function by; a compliance report names what is there, not only what fails.
    Source: VERSION in every vdso.lds.S (v7.3), and the catalogue's entry, which names commits.
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`
    """
    return Finding("SYM-PRESENT", Verdict.PASS, expected.versioned_name, decision.reason, seen=_spell(seen))


def judge_missing(expected: Export, decision: Decision, blanked: tuple[Export, ...] = ()) -> Finding:
    """SYM-MISSING: a symbol that the catalogue expects of this release and configuration is not there.

    Why: whoever looks it up takes the system call, many times slower, and says nothing; an assertion of rustix fails
    where powerpc has no getcpu. The kernel's own selftests skip it (ksft_test_result_skip() in vdso_test_abi.c).
    Source: Documentation/ABI/stable/vdso (v7.3), by which the set of symbols of a version stays; the catalogue's entry
    names commits. arm blanks names at boot where it has no usable counter (patch_vdso() in arch/arm/kernel/vdso.c).
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`
    """
    reason = f"it must be there ({decision.reason})"
    if any(export.version == expected.version for export in blanked):
        reason += "; the image has unnamed symbols, which is how a kernel blanks names at boot"
    return Finding("SYM-MISSING", Verdict.FAIL, expected.versioned_name, reason, expected=_spell(expected))


def judge_version(expected: Export, seen: Export) -> Finding:
    """SYM-VERSION: a symbol is there under another version than the catalogue's.

    Why: glibc, musl and Go compare the version, so for them the function is gone. musl looked for clock_gettime64 at
    LINUX_5.11 on powerpc, where it is at LINUX_2.6.15, and never found it; ld.lld dropped arm64's LINUX_2.6
    (ClangBuiltLinux issue 1033).
    Source: VERSION in every vdso.lds.S (v7.3), and the catalogue's entry, which names commits.
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -VW IMAGE`
    """
    return _differs("SYM-VERSION", Verdict.FAIL, expected, seen, "it has another version")


def judge_type(expected: Export, seen: Export) -> Finding:
    """SYM-TYPE: a symbol has another ELF type than the catalogue's, NOTYPE in place of FUNC for one.

    Why: consumers ask for STT_FUNC. An assertion of abseil failed on kernels whose __kernel_rt_sigreturn was STT_NOTYPE
    (abseil-cpp issue 805); the kernel's own parser takes FUNC alone (check_sym() in parse_vdso.c).
    Source: SYM_FUNC_START and its like (include/linux/linkage.h, v7.3) give assembly its type.
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`
    """
    return _differs("SYM-TYPE", Verdict.FAIL, expected, seen, "it has another symbol type")


def judge_binding(expected: Export, seen: Export) -> Finding:
    """SYM-BINDING: a symbol is weak where the catalogue has it global, or the other way round.

    Why: parsers take either, so nothing breaks; but it tells that the function is now an alias, or no longer one.
    Source: the weak aliases of arch/x86/entry/vdso/common/vclock_gettime.c (v7.3), and the catalogue's entry.
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`
    """
    return _differs("SYM-BINDING", Verdict.REVIEW, expected, seen, "it has another binding")


def judge_absent(symbol: ExpectedSymbol) -> Finding:
    """SYM-ABSENT: a symbol is not there, and the catalogue says why, or cannot tell whether it should be.

    Why: absence is a verdict, never a skip: a symbol that is gone by configuration and one that was lost look the same
    to whoever does not ask for the reason.
    Source: the catalogue's entry: its releases, and the condition under which it is there.
    Reproduce: `vdsocat show ABI SYMBOL` beside the kernel's configuration
    """
    absent = symbol.decision.state is State.ABSENT
    verdict = Verdict.EXPECTED_ABSENT if absent else Verdict.UNKNOWN
    return Finding("SYM-ABSENT", verdict, symbol.name, symbol.decision.reason)


def judge_unexpected(symbol: ExpectedSymbol, seen: Export) -> Finding:
    """SYM-UNEXPECTED: a symbol is there although the catalogue says that this release or configuration has none.

    Why: either the catalogue is wrong, or a distribution took a change from another release; both want a person.
    Source: the catalogue's entry, which names commits.
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`
    """
    reason = f"it is there although the catalogue says otherwise: {symbol.decision.reason}"
    return Finding("SYM-UNEXPECTED", Verdict.REVIEW, seen.versioned_name, reason, seen=_spell(seen))


def judge_new(export: Export, seen: ExportSet) -> Finding:
    """SYM-NEW: the image exports a symbol, or a version of one, that the catalogue does not know.

    Why: an export is ABI from the first release on; this is the moment at which its name and version can still change.
    Source: Documentation/ABI/stable/vdso (v7.3): "the set of symbols with any given version and the ABI of those
    symbols is considered stable".
    Reproduce: `vdsocat extract SOURCE`, then `readelf --dyn-syms -W IMAGE`; the commit is the one that changed VERSION
    """
    reason = f"{seen.said_by} exports it and the catalogue does not know it"
    return Finding("SYM-NEW", Verdict.REVIEW, export.versioned_name, reason, seen=_spell(export))


def _differs(rule: str, verdict: Verdict, expected: Export, seen: Export, reason: str) -> Finding:
    return Finding(rule, verdict, expected.versioned_name, reason, expected=_spell(expected), seen=_spell(seen))


def _spell(export: Export) -> str:
    return f"{export.versioned_name} {export.type} {export.binding}"
