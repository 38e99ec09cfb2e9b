/* The parts of ELF that the probe reads, for its own class (gABI, chapters 4 and 5). */
#ifndef ELF_H
#define ELF_H

#include "types.h"

#define EI_CLASS 4
#define EI_DATA 5
#define ELFDATA2LSB 1

#define PT_LOAD 1
#define PT_DYNAMIC 2

#define DT_NULL 0
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_STRSZ 10

#define SHN_UNDEF 0

#define AT_NULL 0
#define AT_PAGESZ 6
#define AT_SYSINFO_EHDR 33

struct elf_header {
	u8 ident[16];
	u16 type;
	u16 machine;
	u32 version;
	unsigned long entry;
	unsigned long phoff;
	unsigned long shoff;
	u32 flags;
	u16 ehsize;
	u16 phentsize;
	u16 phnum;
	u16 shentsize;
	u16 shnum;
	u16 shstrndx;
};

#if __SIZEOF_POINTER__ == 8

struct elf_segment {
	u32 type;
	u32 flags;
	u64 offset;
	u64 vaddr;
	u64 paddr;
	u64 filesz;
	u64 memsz;
	u64 align;
};

struct elf_symbol {
	u32 name;
	u8 info;
	u8 other;
	u16 shndx;
	u64 value;
	u64 size;
};

#else

struct elf_segment {
	u32 type;
	u32 offset;
	u32 vaddr;
	u32 paddr;
	u32 filesz;
	u32 memsz;
	u32 flags;
	u32 align;
};

struct elf_symbol {
	u32 name;
	u32 value;
	u32 size;
	u8 info;
	u8 other;
	u16 shndx;
};

#endif

struct elf_dynamic {
	unsigned long tag;
	unsigned long value;
};

#endif
