"""The rule about unwinding: whether a debugger or an exception finds its way out of each function of the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vdsocat.catalog.model import Abi
from vdsocat.elf.image import VdsoImage
from vdsocat.elf.layout import ImageError
from vdsocat.elf.unwind import UnwindEntry, read_unwind_entries
from vdsocat.exports import Export, KernelRelease, SymbolType
from vdsocat.judging.finding import Finding, Verdict

_RULE, _SUBJECT = "ELF-UNWIND", "unwind information"
_LANDING_PADS = ("sigreturn", "rt_sigreturn")
# endbr64: SYM_FUNC_START puts it before .cfi_startproc of vsgx.S, as in the image of Debian 6.12.118, amd64.
_ENDBR64 = b"\xf3\x0f\x1e\xfa"

# ABIs whose images describe every exported function, and the first release of which an image was read that does.
# x86-64, x32   -fasynchronous-unwind-tables in arch/x86/entry/vdso/Makefile (v5.10)
# i386          in arch/x86/entry/vdso/common/Makefile.include (v7.3)
# ppc32, ppc64  .cfi_startproc of every function (arch/powerpc/kernel/vdso/*.S, v6.12)
# s390x         arch/s390/kernel/vdso/Makefile (v7.3)
# loongarch64   arch/loongarch/vdso/Makefile (v7.3)
_COVERED_SINCE = {
    "x86-64": KernelRelease((5, 10)),
    "x32": KernelRelease((5, 10)),
    "i386": KernelRelease((7, 0)),
    "ppc32": KernelRelease((6, 1)),
    "ppc64": KernelRelease((6, 1)),
    "s390x": KernelRelease((7, 2)),
    "loongarch64": KernelRelease((7, 2)),
}
# ABIs that promise it only of the functions that are written in assembly, which have .cfi directives.
# i386    arch/x86/entry/vdso/vdso32/{sigreturn,system_call}.S (v6.1)
# riscv   arch/riscv/kernel/vdso/{getcpu,flush_icache,rt_sigreturn}.S (v7.3)
_RISCV_ASSEMBLY = frozenset({"getcpu", "riscv_flush_icache", "rt_sigreturn"})
_ASSEMBLY_SINCE = {
    "i386": (KernelRelease((6, 1)), frozenset({"vsyscall", "sigreturn", "rt_sigreturn"})),
    "riscv64": (KernelRelease((7, 2)), _RISCV_ASSEMBLY),
    "riscv32": (KernelRelease((7, 3)), _RISCV_ASSEMBLY),
}


def judge_unwinding(data: bytes, image: VdsoImage, abi: Abi, release: KernelRelease | None) -> Finding:
    """ELF-UNWIND: the search table leads to sound entries, to one for every function where the kernel promises it.

    The table is in order and says where its entries begin; they lie in the executable segment. A landing pad of signals
    shares the byte before it with nobody: unwinders look the return address up less 1, and would take the function
    that ends there for the caller. `release` is None of another provider's image.
    Every function is promised by x86, powerpc, s390x and loongarch64; by riscv only those written in assembly, for its
    C is compiled without (-fno-asynchronous-unwind-tables in arch/riscv/Makefile), and so it was with i386 until 6.19.
    No table is promised by aarch64, whose linker script throws .eh_frame away; by mips, which puts it into
    .debug_frame; by s390x until 6.12, which did not ask the linker for a table; by sparc, whose linker flags have no
    --eh-frame-hdr either; and by arm, whose own table (PT_ARM_EXIDX) this rule does not read; arm64's compat image has
    not even that.
    Why: backtraces, profilers and pthread_cancel end or crash in a function without an entry, or with a wrong one;
    arm64 took its directives for the landing pad out again for that (arch/arm64/kernel/vdso/sigreturn.S).
    Source: the flags in the Makefiles, /DISCARD/ in the linker scripts and the .cfi directives of each arch's vDSO
    (v7.3): arch/arm64/kernel/vdso/vdso.lds.S, arch/mips/vdso/{Makefile,sigreturn.S}, arch/sparc/vdso/Makefile,
    arch/arm/Makefile and others; that the byte before is in no function:
    arch/x86/entry/vdso/vdso32/sigreturn.S (v7.3), gcc bug 124050.
    Reproduce: `readelf --debug-dump=frames IMAGE`, and gdb's `backtrace` in a signal handler
    """
    try:
        entries = read_unwind_entries(data)
    except ImageError as error:
        return Finding(_RULE, Verdict.FAIL, _SUBJECT, str(error))
    promised = [export for export in image.exports if release is not None and _is_promised(export, abi, release)]
    if not entries:
        verdict = Verdict.FAIL if promised else Verdict.EXPECTED_ABSENT
        return Finding(
            _RULE, verdict, _SUBJECT, "there is no search table" + ("" if promised else ", nor a promise of one")
        )
    faults = [*_table_faults(entries, image), *_landing_faults(entries, image, abi)]
    faults += _coverage_faults(entries, promised, data)
    covered = "as it must be" if promised else "what it describes is sound"
    return Finding(_RULE, Verdict.FAIL if faults else Verdict.PASS, _SUBJECT, "; ".join(faults) or covered)


def _is_promised(export: Export, abi: Abi, release: KernelRelease) -> bool:
    if export.type not in (SymbolType.FUNC, SymbolType.NOTYPE):
        return False
    if abi.name in _COVERED_SINCE and not release < _COVERED_SINCE[abi.name]:
        return True
    since, functions = _ASSEMBLY_SINCE.get(abi.name, (release, frozenset()))
    function = next((one.function for one in abi.exports if one.export.name == export.name), None)
    return function in functions and not release < since


def _table_faults(entries: Sequence[UnwindEntry], image: VdsoImage) -> Iterator[str]:
    starts = [entry.listed for entry in entries]
    if starts != sorted(starts):
        yield "the search table is not in order"
    executable = [
        (one.vaddr - image.base, one.vaddr - image.base + one.memsz)
        for one in image.segments
        if one.type == "PT_LOAD" and "x" in one.flags
    ]
    for entry in entries:
        if entry.listed != entry.start:
            yield f"the search table has {entry.listed:#x} for an entry that begins at {entry.start:#x}"
        if not any(start <= entry.start <= entry.end <= end for start, end in executable):
            yield f"the entry of {entry.start:#x}…{entry.end:#x} is outside of the executable segment"


def _landing_faults(entries: Sequence[UnwindEntry], image: VdsoImage, abi: Abi) -> Iterator[str]:
    pads = {one.export.name for one in abi.exports if one.function in _LANDING_PADS}
    for export in image.exports:
        own, before = _entry_at(entries, export.value), _entry_at(entries, export.value - 1)
        if export.name in pads and own is not None and before not in (None, own):
            yield f"the byte before the landing pad {export.name} belongs to another function"


def _coverage_faults(entries: Sequence[UnwindEntry], promised: Sequence[Export], data: bytes) -> Iterator[str]:
    for export in promised:
        if _entry_at(entries, export.value) is not None:
            continue
        begun = _begun_within(entries, export)
        if begun is None:
            yield f"nothing describes {export.name}"
        elif data[export.value : begun.start] != _ENDBR64:
            yield f"the first {begun.start - export.value} bytes of {export.name} are described by nothing"


def _entry_at(entries: Sequence[UnwindEntry], address: int) -> UnwindEntry | None:
    return next((entry for entry in entries if entry.start <= address < entry.end), None)


def _begun_within(entries: Sequence[UnwindEntry], export: Export) -> UnwindEntry | None:
    return next((one for one in entries if export.value < one.start < export.value + export.size), None)
