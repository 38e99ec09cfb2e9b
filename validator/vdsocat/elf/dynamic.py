"""What an ELF image's dynamic segment says: symbols, their versions, and the hash tables that find them."""

from __future__ import annotations

from dataclasses import dataclass

from vdsocat.elf.layout import ElfLayout, dynamic_tag_name
from vdsocat.exports import Binding, SymbolType

_TYPES = {
    0: SymbolType.NOTYPE,
    1: SymbolType.OBJECT,
    2: SymbolType.FUNC,
    3: SymbolType.SECTION,
    4: SymbolType.FILE,
    5: SymbolType.COMMON,
    6: SymbolType.TLS,
    10: SymbolType.IFUNC,
}
_BINDINGS = {0: Binding.LOCAL, 1: Binding.GLOBAL, 2: Binding.WEAK, 10: Binding.UNIQUE}
_WIDE_HASH_MACHINES = ("EM_S390", "EM_ALPHA", "EM_36902")  # 0x9026 is Alpha's e_machine in practice
_VERSION_INDEX = 0x7FFF
_HIDDEN = 0x8000
_BASE_VERSION = 1
SHN_UNDEF = 0
SHN_ABS = 0xFFF1


@dataclass(frozen=True, slots=True)
class DynamicSymbol:
    """One entry of .dynsym; `section` is st_shndx, `value` st_value as stored, `hidden` "not the default version"."""

    name: str
    version: str | None
    hidden: bool
    type: SymbolType
    binding: Binding
    section: int
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class VersionDefinition:
    """One version node (LSB, "Version Definition Section"); flag 1 marks the base, which names the object itself."""

    name: str
    index: int
    flags: int
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HashTable:
    """A symbol hash table: `chains` holds the symbol indexes of each bucket, `symbols` how many symbols it implies.

    `stored` gives the hash value that DT_GNU_HASH keeps of a symbol index; DT_HASH keeps none.
    """

    style: str
    symbols: int
    chains: tuple[tuple[int, ...], ...]
    stored: dict[int, int]

    def finds(self, index: int, name: str) -> bool:
        """Whether a lookup of `name` arrives at symbol `index`, as a dynamic linker would do it."""
        value = sysv_hash(name) if self.style == "sysv" else gnu_hash(name)
        if not self.chains or index not in self.chains[value % len(self.chains)]:
            return False
        return self.style == "sysv" or self.stored[index] | 1 == value | 1


def sysv_hash(name: str) -> int:
    """The hash of DT_HASH (gABI, "Hash Table Section")."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value >> 24 & 0xF0)) & 0x0FFFFFFF
    return value


def gnu_hash(name: str) -> int:
    """The hash of DT_GNU_HASH (binutils, bfd_elf_gnu_hash)."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def has_wide_hash_words(machine: str, elf_class: int) -> bool:
    """Whether the words of DT_HASH have 64 bits, by e_machine's EM_ name and the class: 64-bit s390 and Alpha."""
    return elf_class == 64 and machine in _WIDE_HASH_MACHINES


def read_dynamic_tags(layout: ElfLayout) -> tuple[tuple[str | int, int], ...]:
    """The entries of PT_DYNAMIC up to DT_NULL, by DT_ name (or number); ImageError if there is none or no end."""
    segment = next((segment for segment in layout.segments if segment.type == "PT_DYNAMIC"), None)
    if segment is None:
        raise layout.malformed("it has no PT_DYNAMIC segment, so it exports nothing")
    codes, size = ("QQ", 16) if layout.elf_class == 64 else ("II", 8)
    tags: list[tuple[str | int, int]] = []
    for offset in range(segment.offset, segment.offset + segment.filesz - size + 1, size):
        tag, value = layout.unpack(codes, offset, "its dynamic segment")
        if tag == 0:
            return tuple(tags)
        tags.append((dynamic_tag_name(tag, layout.machine), value))
    raise layout.malformed("its dynamic segment has no DT_NULL at the end")


class DynamicSegment:
    """The tables that the dynamic tags point to, read once each."""

    def __init__(self, layout: ElfLayout, tags: tuple[tuple[str | int, int], ...]) -> None:
        self.layout = layout
        self.tags = dict(tags)
        size = self._required("DT_STRSZ")
        self._strings, _ = layout.locate(self._required("DT_STRTAB"), size, "the string table (DT_STRTAB)")
        self._strings_end = self._strings + size

    def _required(self, tag: str) -> int:
        if tag not in self.tags:
            raise self.layout.malformed(f"its dynamic segment has no {tag}")
        return self.tags[tag]

    def string(self, offset: int, what: str) -> str:
        """A string of DT_STRTAB."""
        if self._strings + offset >= self._strings_end:
            raise self.layout.malformed(f"the string of {what} is at {offset:#x}, behind the string table's end")
        return self.layout.text(self._strings + offset, self._strings_end, what)

    def soname(self) -> str | None:
        """DT_SONAME, if there is one."""
        return self.string(self.tags["DT_SONAME"], "DT_SONAME") if "DT_SONAME" in self.tags else None

    def hash_tables(self) -> tuple[HashTable, ...]:
        """DT_HASH and DT_GNU_HASH, as far as present; ImageError if broken or at odds about the number of symbols."""
        tables = []
        if "DT_HASH" in self.tags:
            tables.append(self._read_sysv_hash(self.tags["DT_HASH"]))
        if "DT_GNU_HASH" in self.tags:
            tables.append(self._read_gnu_hash(self.tags["DT_GNU_HASH"]))
        if len(tables) == 2:
            sysv, gnu = tables
            if gnu.symbols > sysv.symbols or (any(gnu.chains) and gnu.symbols != sysv.symbols):
                raise self.layout.malformed(
                    f"DT_HASH counts {sysv.symbols} dynamic symbols, but DT_GNU_HASH {gnu.symbols}"
                )
        return tuple(tables)

    def _read_sysv_hash(self, address: int) -> HashTable:
        """DT_HASH: bucket and chain counts, buckets, chains; 64-bit words on 64-bit s390 and Alpha (their psABIs)."""
        wide = has_wide_hash_words(self.layout.machine, self.layout.elf_class)
        code, word = ("Q", 8) if wide else ("I", 4)
        offset, available = self.layout.locate(address, 2 * word, "DT_HASH")
        buckets, chain_count = self.layout.unpack(2 * code, offset, "DT_HASH")
        if not buckets or (2 + buckets + chain_count) * word > available:
            raise self.layout.malformed(
                f"DT_HASH claims {buckets} buckets and {chain_count} symbols in at most {available} bytes"
            )
        heads = self.layout.unpack(f"{buckets}{code}", offset + 2 * word, "DT_HASH")
        following = self.layout.unpack(f"{chain_count}{code}", offset + (2 + buckets) * word, "DT_HASH")
        seen: set[int] = set()
        chains = []
        for head in heads:
            chain: list[int] = []
            index = head
            while index:
                if index >= chain_count:
                    raise self.layout.malformed(f"DT_HASH leads to symbol {index} of {chain_count}")
                if index in seen:
                    raise self.layout.malformed(f"DT_HASH leads to symbol {index} twice")
                seen.add(index)
                chain.append(index)
                index = following[index]
            chains.append(tuple(chain))
        return HashTable("sysv", chain_count, tuple(chains), {})

    def _read_gnu_hash(self, address: int) -> HashTable:
        """DT_GNU_HASH: header, Bloom filter, buckets, hash values whose lowest bit ends a chain (binutils)."""
        offset, available = self.layout.locate(address, 16, "DT_GNU_HASH")
        buckets, first, bloom_words, _ = self.layout.unpack("IIII", offset, "DT_GNU_HASH")
        bloom_size = bloom_words * self.layout.elf_class // 8
        values_at = 16 + bloom_size + buckets * 4
        if not buckets or not bloom_words or values_at > available:
            raise self.layout.malformed(
                f"DT_GNU_HASH claims {buckets} buckets and {bloom_words} filter words in at most {available} bytes"
            )
        heads = self.layout.unpack(f"{buckets}I", offset + 16 + bloom_size, "DT_GNU_HASH")
        limit = first + (available - values_at) // 4
        stored: dict[int, int] = {}
        chains = []
        for head in heads:
            chain: list[int] = []
            index = head
            while index:
                if not first <= index < limit:
                    raise self.layout.malformed(f"DT_GNU_HASH leads to symbol {index}, outside {first} to {limit - 1}")
                if index in stored:
                    raise self.layout.malformed(f"DT_GNU_HASH leads to symbol {index} twice")
                [value] = self.layout.unpack("I", offset + values_at + (index - first) * 4, "DT_GNU_HASH")
                stored[index] = value
                chain.append(index)
                index = 0 if value & 1 else index + 1
            chains.append(tuple(chain))
        return HashTable("gnu", max(stored, default=first - 1) + 1, tuple(chains), stored)

    def symbol_count(self, tables: tuple[HashTable, ...]) -> int:
        """How many entries .dynsym has, the null entry included.

        A GNU table that hashes nothing does not say; then, as without any table, .dynstr behind .dynsym is the bound.
        """
        for table in tables:
            if table.style == "sysv" or any(table.chains):
                return table.symbols
        start, _ = self.layout.locate(self._required("DT_SYMTAB"), 0, "the symbol table (DT_SYMTAB)")
        if start >= self._strings:
            raise self.layout.malformed("no hash table counts its symbols, nor do its strings follow them")
        return (self._strings - start) // self._symbol_size()

    def _symbol_size(self) -> int:
        size = 24 if self.layout.elf_class == 64 else 16
        if self.tags.get("DT_SYMENT", size) != size:
            raise self.layout.malformed(f"DT_SYMENT is {self.tags['DT_SYMENT']}, not {size}")
        return size

    def symbols(self, count: int, versions: tuple[VersionDefinition, ...]) -> tuple[DynamicSymbol, ...]:
        """All `count` entries of .dynsym, versions resolved through DT_VERSYM."""
        size = self._symbol_size()
        start, available = self.layout.locate(self._required("DT_SYMTAB"), 0, "the symbol table (DT_SYMTAB)")
        if count * size > available:
            raise self.layout.malformed(f"its {count} dynamic symbols do not fit in {available} bytes")
        indexes: tuple[int, ...] = (1,) * count
        if "DT_VERSYM" in self.tags:
            at, _ = self.layout.locate(self.tags["DT_VERSYM"], 2 * count, "the symbol versions (DT_VERSYM)")
            indexes = self.layout.unpack(f"{count}H", at, "DT_VERSYM")
        names = {version.index: version.name for version in versions if not version.flags & _BASE_VERSION}
        return tuple(self._symbol(start + i * size, i, indexes[i], names) for i in range(count))

    def _symbol(self, at: int, position: int, version_index: int, versions: dict[int, str]) -> DynamicSymbol:
        if self.layout.elf_class == 64:
            name_at, info, _, section, value, size = self.layout.unpack("IBBHQQ", at, "its symbol table")
        else:
            name_at, value, size, info, _, section = self.layout.unpack("IIIBBH", at, "its symbol table")
        name = self.string(name_at, f"dynamic symbol {position}")
        number = version_index & _VERSION_INDEX
        if number > 1 and number not in versions and section != SHN_UNDEF:
            raise self.layout.malformed(f"symbol {name!r} has version index {number}, which DT_VERDEF does not define")
        return DynamicSymbol(
            name,
            versions.get(number),
            bool(version_index & _HIDDEN),
            _TYPES.get(info & 0xF, SymbolType.OTHER),
            _BINDINGS.get(info >> 4, Binding.OTHER),
            section,
            value,
            size,
        )

    def version_definitions(self) -> tuple[VersionDefinition, ...]:
        """The DT_VERDEF chain; ImageError if it is cut short, overlong, overlapping or ambiguous."""
        if "DT_VERDEF" not in self.tags:
            return ()
        count = self._required("DT_VERDEFNUM")
        offset, available = self.layout.locate(self.tags["DT_VERDEF"], 0, "the version definitions (DT_VERDEF)")
        end = offset + available
        if count * 20 > available:
            raise self.layout.malformed(f"DT_VERDEFNUM is {count}, but there is room for {available // 20} definitions")
        definitions: list[VersionDefinition] = []
        names_left = available // 8
        while len(definitions) < count:
            if offset + 20 > end:
                raise self.layout.malformed(f"version definition {len(definitions) + 1} is behind the segment's end")
            revision, flags, index, name_count, _, names_at, step = self.layout.unpack("HHHHIII", offset, "DT_VERDEF")
            names_left -= name_count
            if revision != 1 or name_count == 0 or names_left < 0 or index in (0, *(d.index for d in definitions)):
                raise self.layout.malformed(
                    f"version definition {len(definitions) + 1} has revision {revision}, index {index} "
                    f"and {name_count} names"
                )
            name, *parents = self._version_names(offset + names_at, name_count, end)
            definitions.append(VersionDefinition(name, index, flags, tuple(parents)))
            if not step:
                break
            offset += step
        if len(definitions) != count:
            raise self.layout.malformed(f"DT_VERDEFNUM is {count}, but the chain has {len(definitions)} definitions")
        return tuple(definitions)

    def _version_names(self, offset: int, count: int, end: int) -> list[str]:
        names: list[str] = []
        while True:
            if offset + 8 > end:
                raise self.layout.malformed("the names of a version definition reach behind the segment's end")
            name_at, step = self.layout.unpack("II", offset, "DT_VERDEF")
            names.append(self.string(name_at, "a version definition"))
            if len(names) == count:
                return names
            if not step:
                raise self.layout.malformed(f"a version definition claims {count} names, but has {len(names)}")
            offset += step
