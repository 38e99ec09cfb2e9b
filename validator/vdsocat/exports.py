"""The types everything else is made of: kernel releases, symbols, exports and sets of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering

from vdsocat.release_numbers import padded, parse_release_numbers


@total_ordering
@dataclass(frozen=True, slots=True)
class KernelRelease:
    """A kernel release, ordered as the kernel numbers them.

    `parts` has two to four numbers: (6, 1), (6, 1, 176), (2, 6, 15), (2, 6, 32, 71).
    A release candidate counts as the release it leads to: new exports enter in the merge window.
    """

    parts: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> KernelRelease:
        """Read "6.1", "v6.1.176", "6.12.107+deb13-amd64" or "7.3-rc2"; ValueError for anything else."""
        return cls(parse_release_numbers(text))

    @property
    def mainline(self) -> KernelRelease:
        """The mainline release that this one belongs to: 6.1.176 is of 6.1, 2.6.32.71 is of 2.6.32."""
        return KernelRelease(self.parts[:3] if self.parts[0] < 3 else self.parts[:2])

    def __lt__(self, other: KernelRelease) -> bool:
        return self._padded() < other._padded()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KernelRelease) and self._padded() == other._padded()

    def __hash__(self) -> int:
        return hash(self._padded())

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    def _padded(self) -> tuple[int, ...]:
        return padded(self.parts)


class SymbolType(StrEnum):
    """ELF symbol types (gABI, "Symbol Table") that a vDSO has been seen to export."""

    NOTYPE = "NOTYPE"
    OBJECT = "OBJECT"
    FUNC = "FUNC"
    SECTION = "SECTION"
    FILE = "FILE"
    COMMON = "COMMON"
    TLS = "TLS"
    IFUNC = "IFUNC"
    OTHER = "OTHER"


class Binding(StrEnum):
    """ELF symbol bindings (gABI, "Symbol Table")."""

    LOCAL = "LOCAL"
    GLOBAL = "GLOBAL"
    WEAK = "WEAK"
    UNIQUE = "UNIQUE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Export:
    """One symbol that an image of an ABI exports.

    `version` is the GNU version node ("LINUX_2.6.15") or None when the symbol carries none.
    `value` (offset from the image's load address) and `size` in bytes are 0 where only a claim is recorded.
    `name` is "" for a symbol that the kernel blanked at boot (arm without a usable counter).
    """

    name: str
    version: str | None
    type: SymbolType = SymbolType.FUNC
    binding: Binding = Binding.GLOBAL
    value: int = 0
    size: int = 0

    @property
    def versioned_name(self) -> str:
        """The name as linkers write it: __vdso_getcpu@@LINUX_2.6."""
        return f"{self.name}@@{self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class ExportSet:
    """What somebody says one ABI exports: `said_by` names who."""

    abi: str
    said_by: str
    exports: tuple[Export, ...]

    def __iter__(self) -> Iterator[Export]:
        return iter(self.exports)

    def named(self, name: str) -> tuple[Export, ...]:
        """All exports with this ELF name, in the order of the image."""
        return tuple(export for export in self.exports if export.name == name)
