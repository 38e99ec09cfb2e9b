"""Builds vDSO-like ELF images for tests from the ELF specification, sharing no code with the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

NOTYPE, OBJECT, FUNC, SECTION = 0, 1, 2, 3
LOCAL, GLOBAL, WEAK = 0, 1, 2
UNDEFINED, TEXT, ABSOLUTE = 0, 10, 0xFFF1
DT = {
    "HASH": 4,
    "STRTAB": 5,
    "SYMTAB": 6,
    "RELA": 7,
    "RELASZ": 8,
    "STRSZ": 10,
    "SYMENT": 11,
    "SONAME": 14,
    "GNU_HASH": 0x6FFFFEF5,
    "VERSYM": 0x6FFFFFF0,
    "VERDEF": 0x6FFFFFFC,
    "VERDEFNUM": 0x6FFFFFFD,
}


@dataclass(frozen=True)
class Symbol:
    """One symbol to put into .dynsym; `version` is a name of ImageSpec.versions or None."""

    name: str
    version: str | None = None
    type: int = FUNC
    binding: int = GLOBAL
    section: int = TEXT
    value: int = 0x800
    size: int = 16
    hidden: bool = False
    blanked: bool = False


@dataclass(frozen=True)
class FrameRow:
    """What .eh_frame says of code: from its first byte to that after the last; where the search table has it."""

    start: int
    end: int
    augmentation: str = "zR"
    listed: int | None = None


@dataclass(frozen=True)
class ImageSpec:
    """What to build. `versions` maps each version node to its parents; `base` is the address of the first byte.

    `moved_by` is added to the pointers of the dynamic segment, as a relocating loader would.
    """

    symbols: Sequence[Symbol] = ()
    versions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    elf_class: int = 64
    big: bool = False
    machine: int = 62
    flags: int = 0
    soname: str | None = "linux-vdso.so.1"
    hash_styles: tuple[str, ...] = ("sysv", "gnu")
    hash_word: int = 4
    notes: tuple[tuple[str, int, bytes], ...] = ()
    note_align: int = 4
    section_headers: bool = False
    base: int = 0
    moved_by: int = 0
    relocations: int | None = None
    entry: int = 0
    loads: int = 1
    unwind: tuple[FrameRow, ...] = ()


@dataclass(frozen=True)
class Image:
    """The bytes, and where each table starts in them: "dynsym", "dynstr", "hash", "gnu_hash", "verdef" and so on."""

    data: bytes
    places: dict[str, int]

    def patched(self, offset: int, replacement: bytes) -> bytes:
        """The bytes with some of them replaced."""
        return self.data[:offset] + replacement + self.data[offset + len(replacement) :]


def system_v_hash(name: bytes) -> int:
    """The hash function as the System V ABI prints it."""
    h = 0
    for c in name:
        h = ((h << 4) + c) & 0xFFFFFFFF
        g = h & 0xF0000000
        if g:
            h ^= g >> 24
        h &= ~g
    return h


def djb_hash(name: bytes) -> int:
    """Bernstein's hash, which DT_GNU_HASH uses."""
    h = 5381
    for c in name:
        h = (h << 5) + h + c
    return h & 0xFFFFFFFF


def build_image(spec: ImageSpec) -> Image:
    """Lay out one PT_LOAD with all tables in it, a PT_DYNAMIC and, if there are notes, a PT_NOTE."""
    return _Builder(spec).build()


class _Builder:
    def __init__(self, spec: ImageSpec) -> None:
        self.spec = spec
        self.wide = spec.elf_class == 64
        self.body = bytearray()
        self.places: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.strings = bytearray(b"\0")
        self.symbols = self._in_hash_order()
        self.version_index = {name: i for i, (name, _) in enumerate(spec.versions, start=2)}

    def pack(self, codes: str, *values: int) -> bytes:
        return struct.pack((">" if self.spec.big else "<") + codes, *values)

    def _in_hash_order(self) -> list[Symbol]:
        """DT_GNU_HASH wants unhashed symbols first, then those of bucket 0, those of bucket 1, …"""
        hashed = [symbol for symbol in self.spec.symbols if self._is_hashed(symbol)]
        rest = [symbol for symbol in self.spec.symbols if not self._is_hashed(symbol)]
        if "gnu" in self.spec.hash_styles:
            hashed.sort(key=lambda symbol: djb_hash(symbol.name.encode()) % self._gnu_buckets())
        self.unhashed = len(rest) + 1
        return rest + hashed

    def _is_hashed(self, symbol: Symbol) -> bool:
        return symbol.section != UNDEFINED and symbol.binding != LOCAL

    def _gnu_buckets(self) -> int:
        return max(1, len(self.spec.symbols) // 2)

    def string(self, text: str) -> int:
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    def place(self, name: str, content: bytes, align: int = 8) -> None:
        self.body += b"\0" * (-len(self.body) % align)
        self.places[name] = len(self.body)
        self.sizes[name] = len(content)
        self.body += content

    def build(self) -> Image:
        spec = self.spec
        header_size, entry_size = (64, 56) if self.wide else (52, 32)
        segments = spec.loads + 1 + bool(spec.notes) + bool(spec.unwind)
        self.places["phdr"] = header_size
        self.body += bytes(header_size + segments * entry_size)
        if "sysv" in spec.hash_styles:
            self.place("hash", self._system_v_table())
        if "gnu" in spec.hash_styles:
            self.place("gnu_hash", self._gnu_table())
        self.place("dynsym", self._symbol_table())
        soname = self.string(spec.soname) if spec.soname else None
        definitions = self._version_definitions()
        self.place("dynstr", bytes(self.strings), 1)
        if spec.versions:
            self.place("versym", self._symbol_versions(), 2)
            self.place("verdef", definitions)
        self.place("dynamic", self._dynamic(soname))
        if spec.notes:
            self.place("note", self._notes())
        if spec.unwind:
            self.place("eh_frame_hdr", self._unwind_table(len(self.body) + -len(self.body) % 8))
        # Where the symbols are by default, for they are to be within the segment.
        self.body += bytes(max(0, Symbol.value - len(self.body)))
        self.place("text", b"\x90" * 64, 16)
        loaded = len(self.body)
        table, count = self._section_headers() if spec.section_headers else (0, 0)
        self.body[:header_size] = self._file_header(table, count, segments)
        self.body[header_size : header_size + segments * entry_size] = self._program_headers(loaded)
        return Image(bytes(self.body), self.places)

    def _file_header(self, table: int, count: int, segments: int) -> bytes:
        spec = self.spec
        ident = b"\x7fELF" + bytes([2 if self.wide else 1, 2 if spec.big else 1, 1]) + bytes(9)
        sizes = (64, 56, 64) if self.wide else (52, 32, 40)
        address = "Q" if self.wide else "I"
        return ident + self.pack(
            f"HHI{address}{address}{address}IHHHHHH",
            3,
            spec.machine,
            1,
            spec.entry,
            sizes[0],
            table,
            spec.flags,
            sizes[0],
            sizes[1],
            segments,
            sizes[2],
            count,
            max(count - 1, 0),
        )

    def _program_headers(self, loaded: int) -> bytes:
        headers = self._program_header(1, 5, 0, loaded, 0x1000) * self.spec.loads
        headers += self._program_header(2, 4, self.places["dynamic"], self.sizes["dynamic"], 8)
        if self.spec.notes:
            headers += self._program_header(4, 4, self.places["note"], self.sizes["note"], self.spec.note_align)
        if self.spec.unwind:
            headers += self._program_header(0x6474E550, 4, self.places["eh_frame_hdr"], self.sizes["eh_frame_hdr"], 4)
        return headers

    def _program_header(self, kind: int, flags: int, offset: int, size: int, align: int) -> bytes:
        address = self.spec.base + offset
        if self.wide:
            return self.pack("IIQQQQQQ", kind, flags, offset, address, address, size, size, align)
        return self.pack("IIIIIIII", kind, offset, address, address, size, size, flags, align)

    def _unwind_table(self, at: int) -> bytes:
        """.eh_frame_hdr at a file offset, with .eh_frame behind it, a CIE for each FDE; all addresses are relative."""
        rows = self.spec.unwind
        first = at + 12 + 8 * len(rows)
        frame, table = bytearray(), b""
        for row in rows:
            cie_at = len(frame)
            # Version 1, augmentation, code alignment 1, data alignment -4, return address column 16, pcrel sdata4.
            frame += self._frame_entry(0, b"\1" + row.augmentation.encode() + b"\0" + bytes([1, 0x7C, 16, 1, 0x1B]))
            fde_at = len(frame)
            here = first + fde_at
            body = self.pack("ii", row.start - (here + 8), row.end - row.start) + bytes(4)
            frame += self._frame_entry(fde_at + 4 - cie_at, body)
            table += self.pack("ii", (row.start if row.listed is None else row.listed) - at, here - at)
        # Version 1; pcrel sdata4, udata4, datarel sdata4.
        head = bytes([1, 0x1B, 0x03, 0x3B]) + self.pack("iI", first - (at + 4), len(rows))
        return head + table + bytes(frame)

    def _frame_entry(self, identity: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return self.pack("II", 4 + len(body), identity) + body

    def _symbol_table(self) -> bytes:
        table = bytes(24 if self.wide else 16)
        for symbol in self.symbols:
            name = self.string(symbol.name)
            if symbol.blanked:
                name = 0
            info = symbol.binding << 4 | symbol.type
            value = symbol.value if symbol.section in (UNDEFINED, ABSOLUTE) else self.spec.base + symbol.value
            if self.wide:
                table += self.pack("IBBHQQ", name, info, 0, symbol.section, value, symbol.size)
            else:
                table += self.pack("IIIBBH", name, value, symbol.size, info, 0, symbol.section)
        return table

    def _system_v_table(self) -> bytes:
        code = "Q" if self.spec.hash_word == 8 else "I"
        buckets = [0] * max(1, len(self.symbols) // 3)
        chains = [0] * (len(self.symbols) + 1)
        for index, symbol in enumerate(self.symbols, start=1):
            if self._is_hashed(symbol):
                bucket = system_v_hash(symbol.name.encode()) % len(buckets)
                chains[index], buckets[bucket] = buckets[bucket], index
        return self.pack(code * (2 + len(buckets) + len(chains)), len(buckets), len(chains), *buckets, *chains)

    def _gnu_table(self) -> bytes:
        count = self._gnu_buckets()
        hashes = [djb_hash(symbol.name.encode()) for symbol in self.symbols[self.unhashed - 1 :]]
        buckets, values, bloom = [0] * count, [], 0
        width = self.spec.elf_class
        for i, value in enumerate(hashes):
            bloom |= 1 << value % width | 1 << (value >> 5) % width
            if not buckets[value % count]:
                buckets[value % count] = self.unhashed + i
            last = i + 1 == len(hashes) or hashes[i + 1] % count != value % count
            values.append(value & ~1 | last)
        word = "Q" if self.wide else "I"
        return self.pack(f"IIII{word}{count}I{len(values)}I", count, self.unhashed, 1, 5, bloom, *buckets, *values)

    def _symbol_versions(self) -> bytes:
        indexes = [0]
        for symbol in self.symbols:
            index = self.version_index[symbol.version] if symbol.version else 1
            indexes.append(index | 0x8000 if symbol.hidden else index)
        return self.pack(f"{len(indexes)}H", *indexes)

    def _version_definitions(self) -> bytes:
        nodes = [(self.spec.soname or "base", (), 1, 1)]
        nodes += [(name, parents, index, 0) for index, (name, parents) in enumerate(self.spec.versions, start=2)]
        table = b""
        for position, (name, parents, index, flags) in enumerate(nodes):
            names = (name, *parents)
            step = 0 if position + 1 == len(nodes) else 20 + 8 * len(names)
            table += self.pack("HHHHIII", 1, flags, index, len(names), system_v_hash(name.encode()), 20, step)
            for i, text in enumerate(names):
                table += self.pack("II", self.string(text), 8 if i + 1 < len(names) else 0)
        return table

    def _dynamic(self, soname: int | None) -> bytes:
        spec = self.spec
        entries = [] if soname is None else [(DT["SONAME"], soname)]
        pointers = {"hash": "HASH", "gnu_hash": "GNU_HASH", "dynstr": "STRTAB", "dynsym": "SYMTAB", "versym": "VERSYM"}
        pointers["verdef"] = "VERDEF"
        for place, tag in pointers.items():
            if place in self.places:
                entries.append((DT[tag], spec.base + self.places[place] + spec.moved_by))
        entries += [(DT["STRSZ"], self.sizes["dynstr"]), (DT["SYMENT"], 24 if self.wide else 16)]
        if spec.versions:
            entries.append((DT["VERDEFNUM"], len(spec.versions) + 1))
        if spec.relocations is not None:
            entries += [(DT["RELA"], spec.base), (DT["RELASZ"], spec.relocations)]
        code = "QQ" if self.wide else "II"
        return b"".join(self.pack(code, tag, value) for tag, value in [*entries, (0, 0)])

    def _notes(self) -> bytes:
        table = b""
        for owner, kind, desc in self.spec.notes:
            name = owner.encode() + b"\0"
            table += self.pack("III", len(name), len(desc), kind) + name + b"\0" * (-len(name) % 4)
            table += desc + b"\0" * (-len(desc) % 4)
        return table

    def _section_headers(self) -> tuple[int, int]:
        """Null section, one per table (so that .text is section 10 when all are there), and .shstrtab."""
        kinds = {"hash": 5, "gnu_hash": 0x6FFFFFF6, "dynsym": 11, "dynstr": 3, "versym": 0x6FFFFFFF}
        kinds |= {"verdef": 0x6FFFFFFD, "dynamic": 6, "note": 7, "text": 1}
        names = {"gnu_hash": ".gnu.hash", "versym": ".gnu.version", "verdef": ".gnu.version_d"}
        present = [name for name in kinds if name in self.places]
        index = {name: i for i, name in enumerate(present, start=1)}
        links = {"hash": "dynsym", "gnu_hash": "dynsym", "dynsym": "dynstr", "versym": "dynsym"}
        links |= {"verdef": "dynstr", "dynamic": "dynstr"}
        entry_sizes = {"dynsym": 24 if self.wide else 16, "versym": 2, "dynamic": 16 if self.wide else 8}
        text = b"\0"
        rows = [(0,) * 10]
        for name in present:
            link = index[links[name]] if name in links else 0
            info = len(self.spec.versions) + 1 if name == "verdef" else 0
            offset, size = self.places[name], self.sizes[name]
            address = self.spec.base + offset
            rows.append((len(text), kinds[name], 2, address, offset, size, link, info, 8, entry_sizes.get(name, 0)))
            text += names.get(name, f".{name}").encode() + b"\0"
        own_name = len(text)
        text += b".shstrtab\0"
        self.place("shstrtab", text)
        rows.append((own_name, 3, 0, 0, self.places["shstrtab"], len(text), 0, 0, 1, 0))
        code = "IIQQQQIIQQ" if self.wide else "IIIIIIIIII"
        self.place("shdr", b"".join(self.pack(code, *row) for row in rows))
        return self.places["shdr"], len(rows)
