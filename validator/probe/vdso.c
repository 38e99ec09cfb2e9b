/* Finds symbols in the vDSO as mapped, whatever state it is in. */
#include "vdso.h"

#include "elf.h"

/* No vDSO has come near these; they bound the work on a damaged one. */
#define MOST_SEGMENTS 32
#define MOST_DYNAMIC_ENTRIES 128
#define MOST_SYMBOLS 4096
#define LONGEST_IMAGE 0x1000000

/* Copies from an offset, for a damaged image can hold unaligned and outlying ones. */
static bool copy_from(const struct vdso_image *image, unsigned long offset, void *to, u32 size)
{
	if (offset > image->length || image->length - offset < size)
		return 0;
	memcpy(to, image->base + offset, size);
	return 1;
}

static bool read_segment(const struct vdso_image *image, const struct elf_header *header, u32 index,
			 struct elf_segment *segment)
{
	if (index >= header->phnum || index >= MOST_SEGMENTS)
		return 0;
	return copy_from(image, header->phoff + index * sizeof(*segment), segment, sizeof(*segment));
}

unsigned long length_by_segments(unsigned long base)
{
	/* The headers are in the first page, which exists. */
	struct vdso_image image = { (const u8 *)base, 0x1000 };
	struct elf_header header;
	struct elf_segment segment;
	unsigned long first = 0, end = 0;

	copy_from(&image, 0, &header, sizeof(header));
	for (u32 index = 0; read_segment(&image, &header, index, &segment); index++) {
		if (segment.type != PT_LOAD)
			continue;
		if (end == 0)
			first = segment.vaddr - segment.offset;
		if (segment.vaddr + segment.memsz > end)
			end = segment.vaddr + segment.memsz;
	}
	return end - first > LONGEST_IMAGE ? 0 : end - first;
}

/* Where a name of the dynamic section's string table is the one that is looked for. */
static bool names(const struct vdso_image *image, unsigned long offset, const char *name)
{
	char byte;

	do {
		if (!copy_from(image, offset++, &byte, 1) || byte != *name)
			return 0;
	} while (*name++);
	return 1;
}

/* The kernel leaves link-time addresses in the dynamic section; qemu-user relocates them. */
static unsigned long offset_of(const struct vdso_image *image, unsigned long first, unsigned long address)
{
	unsigned long distance = address - (unsigned long)image->base;

	return distance < image->length ? distance : address - first;
}

unsigned long find_symbol(const struct vdso_image *image, const char *name)
{
	struct elf_header header;
	struct elf_segment segment;
	struct elf_dynamic entry;
	struct elf_symbol symbol;
	unsigned long first = 0, dynamic = 0, strings = 0, symbols = 0, symbols_end;
	bool loaded = 0;

	if (!copy_from(image, 0, &header, sizeof(header)))
		return 0;
	for (u32 index = 0; read_segment(image, &header, index, &segment); index++) {
		if (segment.type == PT_LOAD && !loaded) {
			first = segment.vaddr - segment.offset;
			loaded = 1;
		}
		if (segment.type == PT_DYNAMIC)
			dynamic = segment.offset;
	}
	if (!dynamic)
		return 0;
	for (u32 index = 0; index < MOST_DYNAMIC_ENTRIES; index++) {
		if (!copy_from(image, dynamic + index * sizeof(entry), &entry, sizeof(entry)) || entry.tag == DT_NULL)
			break;
		if (entry.tag == DT_STRTAB)
			strings = offset_of(image, first, entry.value);
		if (entry.tag == DT_SYMTAB)
			symbols = offset_of(image, first, entry.value);
	}
	if (!strings || !symbols)
		return 0;

	/* No hash table is needed to count symbols (s390x has 64-bit hash words): linkers put .dynstr behind .dynsym.
	 * What else lies between the two is not taken for a symbol, for it would have to spell the name. */
	symbols_end = strings > symbols ? strings : image->length;
	for (u32 index = 1; index < MOST_SYMBOLS; index++) {
		unsigned long at = symbols + index * sizeof(symbol);

		if (at >= symbols_end || !copy_from(image, at, &symbol, sizeof(symbol)))
			break;
		if (symbol.shndx == SHN_UNDEF || !names(image, strings + symbol.name, name))
			continue;
#ifdef ABI_DESCRIPTORS
		if (!copy_from(image, symbol.value - first + 2 * sizeof(u64), &symbol.value, sizeof(symbol.value)))
			break;
#endif
		if (symbol.value - first < image->length)
			return (unsigned long)image->base + (symbol.value - first);
	}
	return 0;
}
