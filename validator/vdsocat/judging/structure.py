"""Rules about how an image is built: what it exports may be right, and the image still break whoever loads it.

Each rule is a function that yields what is wrong, in words; its docstring is its page in docs/rules/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vdsocat.elf.image import Segment, VdsoImage
from vdsocat.exports import Export, KernelRelease, SymbolType
from vdsocat.judging.finding import Finding, Verdict

_ELFOSABI_NONE = 0
_ELFOSABI_GNU = 3
_VERSION_BASE = 1
_LARGEST_NOTED_PATCH_LEVEL = 255
_LOADS = ("r-x",)
_LOADS_OF_ITANIUM = ("r--", "--x")
_DESCRIPTOR_SIZE = 32


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """An image with what its rules ask for: the kernel.org release, None of another provider's image."""

    image: VdsoImage
    release: KernelRelease | None


@dataclass(frozen=True, slots=True)
class StructureRule:
    """A rule with its name and what it looks at; `linux_only` where only the kernel promises it."""

    name: str
    subject: str
    faults: Callable[[JudgedImage], Iterator[str]]
    linux_only: bool

    @property
    def page(self) -> str:
        """The docstring: what is checked, why, by which source, and how to see it oneself."""
        return self.faults.__doc__ or ""


def judge_structure(judged: JudgedImage) -> Iterator[Finding]:
    """A finding for each rule that is for images of this provider."""
    for rule in RULES:
        if rule.linux_only and judged.release is None:
            continue
        faults = list(rule.faults(judged))
        verdict = Verdict.FAIL if faults else Verdict.PASS
        yield Finding(rule.name, verdict, rule.subject, "; ".join(faults) or "as it must be")


def elf_type(judged: JudgedImage) -> Iterator[str]:
    """The image is a shared object (ET_DYN).

    Why: every consumer treats it as one; the kernel maps it at an address of its own choice.
    Source: arch/x86/tools/vdso2c.h (v7.3) refuses any other input.
    Reproduce: `readelf -h IMAGE`
    """
    if judged.image.elf_type != "ET_DYN":
        yield f"it is {judged.image.elf_type}, not ET_DYN"


def os_abi(judged: JudgedImage) -> Iterator[str]:
    """EI_OSABI is 0, System V; on PA-RISC it is 3, GNU, as of every file that is linked for Linux there.

    Why: CRIU refused images with 3, which a linker sets for some symbol types (criu 2d2168fc, issue 2751).
    Source: CRIU's criu/pie/util-vdso.c compares the first bytes of the image. PA-RISC: ELF_OSABI
    in arch/parisc/include/asm/elf.h (v7.3), which the kernel gives to core files too.
    Reproduce: `readelf -h IMAGE`
    """
    expected = _ELFOSABI_GNU if judged.image.machine == "EM_PARISC" else _ELFOSABI_NONE
    if judged.image.osabi != expected:
        yield f"EI_OSABI is {judged.image.osabi}, not {expected}"


def loaded_segment(judged: JudgedImage) -> Iterator[str]:
    """There is one PT_LOAD, at offset 0 and address 0, as long in memory as in the file; two on Itanium.

    Why: the kernel maps the pages of the image as they are and runs no loader. Consumers find everything by adding to
    the address of the first byte; glibc took the load bias from the first PT_LOAD alone (glibc 9021707c, bug 32583).
    Source: arch/x86/tools/vdso2c.h (v7.3): "multiple PT_LOAD segs", "PT_LOAD in wrong place", "cannot handle memsz !=
    filesz"; PHDRS of every vdso.lds.S (v7.3) has one PT_LOAD with FILEHDR. Itanium: PHDRS of
    arch/ia64/kernel/gate.lds.S (v5.10) has two with FILEHDR, the same bytes to read and to execute.
    Reproduce: `readelf -lW IMAGE`
    """
    loads, number = _loads(judged.image), len(_promised_loads(judged.image))
    if len(loads) != number:
        yield f"there are {len(loads)} PT_LOAD segments, not {number}"
    for load in loads[:number]:
        if load.offset != 0:
            yield f"PT_LOAD is at offset {load.offset:#x}, not 0"
        if load.memsz != load.filesz:
            yield f"PT_LOAD has {load.memsz} bytes in memory and {load.filesz} in the file"


def nothing_writable(judged: JudgedImage) -> Iterator[str]:
    """The loaded segment is readable and executable, and not writable; on Itanium one is the former, one the latter.

    Why: the pages are shared by all processes; a writable segment says that somebody means to relocate or store.
    Source: PHDRS of every vdso.lds.S (v7.3): text PT_LOAD FLAGS(5) or PF_RX. Itanium: FLAGS(4) and FLAGS(1) in
    arch/ia64/kernel/gate.lds.S (v5.10).
    Reproduce: `readelf -lW IMAGE`
    """
    promised = _promised_loads(judged.image)
    for number, load in enumerate(_loads(judged.image)):
        flags = promised[min(number, len(promised) - 1)]
        if load.flags != flags:
            yield f"PT_LOAD is {load.flags}, not {flags}"


def relocations(judged: JudgedImage) -> Iterator[str]:
    """There are no dynamic relocations.

    Why: nobody applies them. A function with one works from a wrong address, or crashes.
    Source: cmd_vdso_check of lib/vdso/Makefile.include (v7.3); arch/x86/tools/vdso2c.h (v7.3): "vdso image contains
    dynamic relocations".
    Reproduce: `readelf -rW IMAGE`
    """
    if judged.image.has_relocations:
        yield "it has dynamic relocations, which nobody applies"


def undefined_symbols(judged: JudgedImage) -> Iterator[str]:
    """Every symbol in .dynsym is defined.

    Why: nobody resolves them. A name that a version script lists and no object defines stays undefined with some
    linkers (ClangBuiltLinux issue 1756, riscv).
    Source: the vDSO is linked with -shared and nothing else: ld_flags of the vdso Makefiles (v7.3).
    Reproduce: `readelf --dyn-syms -W IMAGE`
    """
    if judged.image.undefined:
        yield f"undefined: {', '.join(judged.image.undefined)}"


def hash_tables(judged: JudgedImage) -> Iterator[str]:
    """There is a hash table, and each one that there is finds every export.

    Why: musl, and CRIU before its commit 8a06ca27, look symbols up through DT_HASH alone; others take either table. A
    table that misses a symbol hides it from its readers only.
    Source: gABI, "Hash Table Section"; binutils for DT_GNU_HASH. Which tables a release has is for ELF-HASH-STYLE.
    Reproduce: `readelf --dyn-syms --histogram -W IMAGE`
    """
    if not judged.image.hash_styles:
        yield "there is neither DT_HASH nor DT_GNU_HASH, so nobody can look a symbol up"
    for miss in judged.image.lookup_misses:
        yield f"a lookup through {'DT_HASH' if miss.style == 'sysv' else 'DT_GNU_HASH'} does not find {miss.symbol}"


def versions(judged: JudgedImage) -> Iterator[str]:
    """There are version definitions, one of them the base, and every export has a default version that they define.

    Why: glibc, musl and Go look symbols up with a version; Go reads DT_VERDEF without asking whether it is there
    (elfuse pull request 50). arm64's compat vDSO lost its node when ld.lld linked it (ClangBuiltLinux issue 1033).
    Source: VERSION in every vdso.lds.S (v7.3).
    Reproduce: `readelf -VW IMAGE`
    """
    image = judged.image
    defined = {one.name for one in image.verdefs if not one.flags & _VERSION_BASE}
    if not image.verdefs:
        yield "there are no version definitions"
    elif not any(one.flags & _VERSION_BASE for one in image.verdefs):
        yield "no version definition is the base"
    for export in image.exports:
        if export.version is None:
            yield f"{_name(export)} has no version"
        elif export.version not in defined:
            yield f"{_name(export)} has the version {export.version}, which nothing defines"
    hidden = [symbol.name for symbol in image.symbols if symbol.hidden]
    if hidden:
        yield f"not the default version: {', '.join(hidden)}"


def symbol_places(judged: JudgedImage) -> Iterator[str]:
    """Every export of code begins and ends within the executable segment.

    A function of 64-bit PA-RISC is a descriptor of 32 bytes, whatever size its symbol has, which is that of the code.
    Why: consumers call the address without a look at it; tracers and profilers take the size for the function's.
    Source: .text is in the only PT_LOAD of every vdso.lds.S (v7.3); Elf64_Fdesc in arch/parisc/include/asm/elf.h
    (v7.3).
    Reproduce: `readelf --dyn-syms -lW IMAGE`
    """
    image = judged.image
    code = [
        (load.vaddr - image.base, load.vaddr - image.base + load.memsz) for load in _loads(image) if "x" in load.flags
    ]
    for export in image.exports:
        if export.type in (SymbolType.FUNC, SymbolType.NOTYPE):
            end = export.value + (_DESCRIPTOR_SIZE if _is_descriptor(export, image) else export.size)
            if not any(start <= export.value and end <= stop for start, stop in code):
                yield f"{_name(export)} is at {export.value:#x}…{end:#x}, outside of the executable segment"


def linux_note(judged: JudgedImage) -> Iterator[str]:
    """The "Linux" note has the release of the kernel.

    Why: programs that must know the kernel's version take it from here, for uname can be set to lie; cilium/ebpf does
    (its pull requests 489 and 500). The last number stops at 255.
    Source: ELFNOTE_START(Linux, 0, "a") .long LINUX_VERSION_CODE in note.S or note.c of every vDSO, and
    LINUX_VERSION_CODE in the top-level Makefile (v7.3). SuperH has none: arch/sh/kernel/vsyscall/Makefile (v7.3) links
    vsyscall-note.o into vsyscall-dummy.o, and not into the image. Nor has Itanium: arch/ia64/kernel/Makefile.gate
    (v5.10) links gate.o alone.
    Reproduce: `readelf -nW IMAGE`
    """
    noted, release = judged.image.linux_release, judged.release
    if noted is None:
        if judged.image.machine not in ("EM_SH", "EM_IA_64"):
            yield 'there is no "Linux" note'
    elif release is not None:
        numbers = (*release.parts, 0)[:3]
        if noted.parts != (*numbers[:2], min(numbers[2], _LARGEST_NOTED_PATCH_LEVEL)):
            yield f"the note says {noted}, the kernel is {release}"


def build_id(judged: JudgedImage) -> Iterator[str]:
    """There is a build ID, except on Itanium.

    Why: debuggers and profilers find the vDSO's debug information, which `make vdso_install` installs, by it.
    Source: --build-id=sha1 in the ld flags of every vdso Makefile (v7.3). arch/ia64/kernel/Makefile.gate (v5.10) asks
    for none.
    Reproduce: `readelf -nW IMAGE`
    """
    if not judged.image.build_id and judged.image.machine != "EM_IA_64":
        yield "there is no build ID"


RULES = (
    StructureRule("ELF-TYPE", "ELF header", elf_type, linux_only=False),
    StructureRule("ELF-OSABI", "ELF header", os_abi, linux_only=True),
    StructureRule("ELF-LOAD", "segments", loaded_segment, linux_only=True),
    StructureRule("ELF-WRITABLE", "segments", nothing_writable, linux_only=True),
    StructureRule("ELF-RELOCATIONS", "dynamic segment", relocations, linux_only=True),
    StructureRule("ELF-UNDEFINED", "symbols", undefined_symbols, linux_only=False),
    StructureRule("ELF-HASH", "hash tables", hash_tables, linux_only=False),
    StructureRule("ELF-VERSIONS", "versions", versions, linux_only=False),
    StructureRule("ELF-SYMBOL-PLACE", "symbols", symbol_places, linux_only=False),
    StructureRule("ELF-LINUX-NOTE", "notes", linux_note, linux_only=True),
    StructureRule("ELF-BUILD-ID", "notes", build_id, linux_only=True),
)


def _promised_loads(image: VdsoImage) -> tuple[str, ...]:
    """The permissions of each PT_LOAD that the linker script makes."""
    return _LOADS_OF_ITANIUM if image.machine == "EM_IA_64" else _LOADS


def _loads(image: VdsoImage) -> list[Segment]:
    return [segment for segment in image.segments if segment.type == "PT_LOAD"]


def _is_descriptor(export: Export, image: VdsoImage) -> bool:
    return (image.machine, image.elf_class, export.type) == ("EM_PARISC", 64, SymbolType.FUNC)


def _name(export: Export) -> str:
    return export.name or "an unnamed symbol"
