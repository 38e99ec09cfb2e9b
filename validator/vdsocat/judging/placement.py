"""Rules about where a booted kernel puts the vDSO: the auxiliary vector and the mappings of a process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vdsocat.capture import AbiCapture
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.intervals import State, decide_any
from vdsocat.catalog.model import Abi
from vdsocat.elf.image import VdsoImage
from vdsocat.exports import KernelRelease
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.rules import OF_WHAT_IS_ABSENT

# include/uapi/linux/auxvec.h
AUXV_TAGS = {"AT_SYSINFO": 32, "AT_SYSINFO_EHDR": 33}
# What the pages that hold code, data or trampolines may be used for.
_PERMISSIONS = {"code": "r-x", "data": "r--", "trampolines": "r-x"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of /proc/PID/maps: addresses are of the first byte and of that after the last."""

    start: int
    end: int
    permissions: str
    name: str


def judge_placement(
    seen: AbiCapture, abi: Abi, image: VdsoImage | None, release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """The findings of all rules of this module on what a process of the ABI saw."""
    mappings = parse_mappings(seen)
    if seen.image is not None and seen.address is not None:
        yield judge_mapping(seen.address, seen, mappings)
    yield from judge_auxv(seen, abi, image, release, facts)
    if mappings:
        yield from judge_mapping_names(mappings, abi, release, facts)


def judge_mapping(address: int, seen: AbiCapture, mappings: list[Mapping]) -> Finding:
    """MAP-VDSO: AT_SYSINFO_EHDR is the first byte of a mapping that is read and executed, never written.

    Why: debuggers, CRIU and sandboxes find the pages by their mapping and move or copy them whole; pages that can be
    written are a place for code to be put.
    Source: _install_special_mapping() with VM_READ | VM_EXEC in every arch's arch_setup_additional_pages() (v7.3).
    Reproduce: `grep -B2 vdso /proc/self/maps; LD_SHOW_AUXV=1 true`
    """
    faults = []
    here = next((one for one in mappings if one.start <= address < one.end), None)
    if seen.page_size and address % seen.page_size:
        faults.append(f"{address:#x} is not the start of a page")
    if here is None:
        faults.append("no line of /proc/self/maps holds it")
    else:
        if here.start != address:
            faults.append(f"its mapping begins at {here.start:#x}")
        if here.permissions[:3] != "r-x":
            faults.append(f"its mapping is {here.permissions}, not r-x")
    verdict = Verdict.FAIL if faults else Verdict.PASS
    return Finding(
        "MAP-VDSO", verdict, "mapping", "; ".join(faults) or "as it must be", seen=here.name if here else None
    )


def judge_auxv(
    seen: AbiCapture, abi: Abi, image: VdsoImage | None, release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """AUXV-TAG: the auxiliary vector has the entries that lead to the vDSO where the catalogue says so, and only there.

    Why: it is the only way to the vDSO; i386 enters the kernel through AT_SYSINFO in every glibc program.
    Source: ARCH_DLINFO of arch/*/include/asm/elf.h; the catalogue's `auxv` entries name commits.
    Reproduce: `LD_SHOW_AUXV=1 true`
    """
    values = dict(seen.auxv)
    for tag in dict.fromkeys(one.tag for one in abi.auxv):
        decision = decide_any(tuple(one.interval for one in abi.auxv if one.tag == tag), release, facts)
        value = values.get(AUXV_TAGS[tag])
        there = bool(value)
        match decision.state, there:
            case State.PRESENT, False:
                yield Finding("AUXV-TAG", Verdict.FAIL, tag, f"the process got none; {decision.reason}")
            case State.ABSENT, True:
                yield Finding("AUXV-TAG", Verdict.REVIEW, tag, f"it is there although {decision.reason}")
            case State.UNKNOWN, False:
                yield Finding("AUXV-TAG", Verdict.UNKNOWN, tag, decision.reason)
            case State.ABSENT, False:
                yield Finding("AUXV-TAG", Verdict.EXPECTED_ABSENT, tag, decision.reason)
            case _:
                yield _judge_auxv_value(tag, value or 0, seen, image)


def _judge_auxv_value(tag: str, value: int, seen: AbiCapture, image: VdsoImage | None) -> Finding:
    """AT_SYSINFO is the image's entry point; AT_SYSINFO_EHDR is where its bytes were read."""
    expected = seen.address
    if tag == "AT_SYSINFO":
        expected = None if image is None or image.entry is None else (seen.address or 0) + image.entry
    if expected is None or value == expected:
        return Finding("AUXV-TAG", Verdict.PASS, tag, "as it must be", seen=f"{value:#x}")
    return Finding("AUXV-TAG", Verdict.FAIL, tag, "it leads elsewhere", expected=f"{expected:#x}", seen=f"{value:#x}")


def judge_mapping_names(
    mappings: list[Mapping], abi: Abi, release: KernelRelease, facts: KernelFacts
) -> Iterator[Finding]:
    """MAP-NAME: /proc/PID/maps has the pages that the catalogue names, and they may be used as what they hold.

    Why: CRIU and gVisor tell the vDSO's pages by their names; when 6.13 divided [vvar] in two, CRIU stopped working
    (criu issue 2532). A page of data that is executable, or of code that can be written, is a hole.
    Source: the names in arch/*/kernel/vdso.c and lib/vdso/datastore.c; the catalogue's `mappings` entries name commits.
    Reproduce: `grep '\\[v' /proc/self/maps`
    """
    for name in dict.fromkeys(one.name for one in abi.mappings):
        entries = [one for one in abi.mappings if one.name == name]
        decision = decide_any(tuple(one.interval for one in entries), release, facts)
        found = [mapping for mapping in mappings if mapping.name == name]
        if not found:
            verdict = OF_WHAT_IS_ABSENT[decision.state]
            yield Finding("MAP-NAME", verdict, name, f"no mapping has the name; {decision.reason}")
        elif decision.state is State.ABSENT:
            yield Finding("MAP-NAME", Verdict.REVIEW, name, f"it is there although {decision.reason}")
        else:
            current = [one for one in entries if one.interval.covers(release) is not False]
            allowed = {_PERMISSIONS[one.holds] for one in current if one.holds}
            wrong = [one.permissions for one in found if allowed and one.permissions[:3] not in allowed]
            reason = f"it is {', '.join(wrong)}, not {' or '.join(sorted(allowed))}" if wrong else decision.reason
            yield Finding("MAP-NAME", Verdict.FAIL if wrong else Verdict.PASS, name, reason)


def parse_mappings(seen: AbiCapture) -> list[Mapping]:
    """The lines of /proc/self/maps that the probe could tell whole, in their order."""
    return [mapping for line in seen.mappings if (mapping := _parse_mapping(line)) is not None]


def _parse_mapping(line: str) -> Mapping | None:
    """A line of /proc/PID/maps, "start-end perms offset dev inode name"; None for one that is cut short."""
    fields = line.split(maxsplit=5)
    if len(fields) < 5:
        return None
    start, _, end = fields[0].partition("-")
    try:
        return Mapping(int(start, 16), int(end, 16), fields[1], fields[5] if len(fields) > 5 else "")
    except ValueError:
        return None
