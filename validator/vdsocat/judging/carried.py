"""The image that processes see against the ones that the kernel's file carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vdsocat.capture import AbiCapture
from vdsocat.elf.layout import ImageError, read_layout
from vdsocat.elf.patches import PatchedPlace, patched_places
from vdsocat.judging.finding import Finding, Verdict

# arch/arm/kernel/vdso.c (v7.3), patch_vdso(): sets st_name of these functions to 0.
_BLANKED = "names that arm takes away at boot where the counter is of no use"


def judge_carried(seen: AbiCapture) -> Iterator[Finding]:
    """MAP-CARRIED: the mapped image is one that the kernel's file carries, but for what kernels change in it at boot.

    Explained are instructions that the image's own tables list (.altinstructions of x86, arm64 and s390,
    .alternative of riscv, __ftr_fixup of powerpc), and the names that arm blanks; where a kernel carries more than one
    image for an ABI, it chose one. Everything else that differs is to review, and so is what is not 0 behind the image.
    Why: what is judged without booting (`check --static`, `extract`) is worth as much as the mapped image is the
    carried one; and code in every process that nobody accounts for is what a rootkit would leave.
    Source: apply_alternatives() of arch/x86/entry/vdso/vma.c, apply_alternatives_vdso() of arch/arm64,
    apply_vdso_alternatives() of arch/riscv, vdso_apply_alternatives() of arch/s390, vdso_fixup_features() of
    arch/powerpc, patch_vdso() of arch/arm (v7.3).
    Reproduce: vdsocat extract KERNEL --out a; vdsocat extract CAPTURE --out b; cmp -l a/*.so b/*.so
    """
    if seen.carried is None or seen.image is None:
        return
    if not seen.carried:
        yield Finding("MAP-CARRIED", Verdict.REVIEW, "the image", "the kernel's file carries no image of this ABI")
        return
    differences = [(_differing(carried, seen.image), carried) for carried in seen.carried]
    differing, carried = min(differences, key=lambda one: len(one[0]))
    which = f"one of the {len(seen.carried)} images" if len(seen.carried) > 1 else "the image"
    unexplained, explanations = _explain(differing, carried, seen.image)
    if unexplained and unexplained[0] >= len(carried):
        yield Finding(
            "MAP-CARRIED",
            Verdict.REVIEW,
            "behind the image",
            f"{len(unexplained)} bytes are not 0, the first at {unexplained[0]:#x}; "
            f"the image in the kernel's file ends at {len(carried):#x}",
        )
    elif unexplained:
        yield Finding(
            "MAP-CARRIED",
            Verdict.REVIEW,
            "the image",
            f"it differs from {which} in the kernel's file in {len(unexplained)} bytes that nothing explains, "
            f"the first at {unexplained[0]:#x}",
        )
    elif differing:
        yield Finding(
            "MAP-CARRIED",
            Verdict.PASS,
            "the image",
            f"it is {which} in the kernel's file but for {len(differing)} bytes: {', '.join(explanations)}",
        )
    else:
        yield Finding("MAP-CARRIED", Verdict.PASS, "the image", f"it is {which} in the kernel's file, byte for byte")


def _differing(carried: bytes, mapped: bytes) -> list[int]:
    """Offsets of the bytes that differ; behind the carried image's end the mapping is to hold zeroes."""
    padded = carried.ljust(len(mapped), b"\0")
    if padded == mapped:
        return []
    return [at for at, byte in enumerate(padded) if mapped[at : at + 1] != bytes([byte])]


def _explain(differing: Sequence[int], carried: bytes, mapped: bytes) -> tuple[list[int], list[str]]:
    """The bytes that nothing explains, and what explains the others."""
    if not differing:
        return [], []
    places = [*patched_places(carried), *_blanked_names(carried, mapped)]
    unexplained, tables = [], set()
    for at in differing:
        place = next((one for one in places if one.start <= at < one.end), None)
        if place is None:
            unexplained.append(at)
        else:
            tables.add(place.named_by)
    return unexplained, [name if name == _BLANKED else f"instructions that its {name} lists" for name in sorted(tables)]


def _blanked_names(carried: bytes, mapped: bytes) -> Iterator[PatchedPlace]:
    """The name fields of arm's dynamic symbols that are 0 in the mapped image."""
    try:
        layout = read_layout(carried, "the carried image", None)
    except ImageError:
        return
    if layout.machine != "EM_ARM":
        return
    from vdsocat.elf.image import read_vdso_image

    count = len(read_vdso_image(carried).symbols)
    table = next((value for tag, value in read_vdso_image(carried).dynamic if tag == "DT_SYMTAB"), 0) - layout.base
    for index in range(1, count + 1):
        at = table + 16 * index
        if mapped[at : at + 4] == bytes(4):
            yield PatchedPlace(at, at + 4, _BLANKED)
