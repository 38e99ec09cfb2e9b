"""Properties of an image beside its symbols that consumers rely on: whether an ABI, or one image, has them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from vdsocat.catalog.consumer import PropertyKind, ReliedProperty
from vdsocat.catalog.model import Abi
from vdsocat.elf.dynamic import has_wide_hash_words
from vdsocat.elf.image import VdsoImage

_SHT_DYNSYM = "SHT_DYNSYM"
_TAGS = {"sysv": "DT_HASH", "gnu": "DT_GNU_HASH"}


@dataclass(frozen=True, slots=True)
class Lack:
    """A property that images of an ABI lack: `since` is the kernel release, `passed` that it is so no more."""

    reason: str
    since: str | None = None
    passed: bool = False


def catalogued_lacks(relied: ReliedProperty, abi: Abi) -> Iterator[Lack]:
    """Where the catalogue says that images of the ABI lack it; nothing for kinds that only an image can tell."""
    match relied.kind:
        case PropertyKind.HASH:
            for one in abi.hash_styles:
                if not set(one.styles) & set(relied.needs):
                    condition = f", if {one.interval.when}" if one.interval.when else ""
                    stretch = f"{one.interval.spell_releases()}{condition}"
                    reason = f"the image has {_tags(one.styles)} alone {stretch}, and {_tags(relied.needs)} is wanted"
                    yield Lack(reason, str(one.interval.since), passed=one.interval.until is not None)
        case PropertyKind.HASH_WORDS:
            if has_wide_hash_words(abi.elf.machine, abi.elf.elf_class) and "64" not in relied.needs:
                yield Lack("the words of DT_HASH have 64 bits here, and are read as 32-bit ones")
        case PropertyKind.BYTE_ORDER:
            if not set(relied.needs) & set(abi.elf.endianness):
                yield Lack(f"the image is {' or '.join(abi.elf.endianness)} endian, not {' or '.join(relied.needs)}")
        case PropertyKind.SONAME:
            yield from _other_sonames(relied, abi)


def _other_sonames(relied: ReliedProperty, abi: Abi) -> Iterator[Lack]:
    """One for each name that the image has or had in place of those wanted."""
    for soname in dict.fromkeys(one.soname for one in abi.vdso if one.soname not in (None, *relied.needs)):
        named = [one.interval for one in abi.vdso if one.soname == soname]
        since = min((one.since for one in named), key=lambda bound: bound.after)
        passed = all(one.until is not None for one in named)
        reason = f"the image {'was' if passed else 'is'} called {soname}, and {' or '.join(relied.needs)} is wanted"
        yield Lack(reason, str(since), passed)


def lack_of_image(relied: ReliedProperty, image: VdsoImage, data: bytes) -> str | None:
    """What an image lacks of it, in words, or None where it has it; `data` are the image's bytes.

    Symbol types are judged with the lookups, not here.
    """
    match relied.kind:
        case PropertyKind.HASH:
            if not set(image.hash_styles) & set(relied.needs):
                return f"the image has {_tags(image.hash_styles) or 'no hash table'}, and not {_tags(relied.needs)}"
        case PropertyKind.HASH_WORDS:
            wide = "sysv" in image.hash_styles and has_wide_hash_words(image.machine, image.elf_class)
            if wide and "64" not in relied.needs:
                return "the words of DT_HASH have 64 bits, and are read as 32-bit ones"
        case PropertyKind.VERDEF:
            if not image.verdefs:
                return "the image has no DT_VERDEF"
        case PropertyKind.OSABI:
            if str(image.osabi) not in relied.needs:
                return f"EI_OSABI is {image.osabi}, not {' or '.join(relied.needs)}"
        case PropertyKind.BYTE_ORDER:
            if image.endianness not in relied.needs:
                return f"the image is {image.endianness} endian, not {' or '.join(relied.needs)}"
        case PropertyKind.SEGMENTS:
            loaded = sum(segment.type == "PT_LOAD" for segment in image.segments)
            if str(loaded) not in relied.needs:
                return f"the image has {loaded} PT_LOAD segments, not {' or '.join(relied.needs)}"
        case PropertyKind.SEGMENT_FLAGS:
            first = next((segment.flags for segment in image.segments if segment.type == "PT_LOAD"), "")
            if not {"r", "x"} <= set(first):
                return "the first PT_LOAD segment is not readable and executable"
        case PropertyKind.SECTION_HEADERS:
            if not has_dynsym_header(data):
                return "the image has no section header of .dynsym"
        case PropertyKind.SONAME:
            if image.soname not in relied.needs:
                return f"the image is called {image.soname}, not {' or '.join(relied.needs)}"
    return None


def has_dynsym_header(data: bytes) -> bool:
    """Whether the section headers lie in the bytes and one is of type SHT_DYNSYM."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        return any(section["sh_type"] == _SHT_DYNSYM for section in ELFFile(io.BytesIO(data)).iter_sections())
    except (ELFError, UnicodeDecodeError):
        return False


def _tags(styles: tuple[str, ...]) -> str:
    return " or ".join(_TAGS[style] for style in styles)
