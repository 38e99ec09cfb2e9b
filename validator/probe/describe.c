/* What a process can say about itself: its ABI, its kernel, auxv, mappings and the vDSO's bytes. */
#include "describe.h"

#include "child.h"
#include "elf.h"
#include "special_cases.h"
#include "system.h"
#include "vdso.h"

#define BYTES_PER_FRAME 120
/* A longer line of /proc/self/maps is cut: only its path is of any length. */
#define LONGEST_MAP_LINE 140
/* CS_NAME_LEN (kernel/time/clocksource.c). */
#define LONGEST_CLOCKSOURCE 32

/* Defined by the linker: the ELF header that this very process was started from. */
extern const struct elf_header __ehdr_start __attribute__((visibility("hidden")));

unsigned long auxv_value(const struct auxv_entry *auxv, unsigned long type)
{
	for (; auxv->type != AT_NULL; auxv++)
		if (auxv->type == type)
			return auxv->value;
	return 0;
}

void say_hello(struct speaker *speaker, const struct auxv_entry *auxv)
{
	frame_begin(speaker, "hello");
	put_unsigned(speaker, __ehdr_start.machine);
	put_unsigned(speaker, 32u * __ehdr_start.ident[EI_CLASS]);
	put_text(speaker, __ehdr_start.ident[EI_DATA] == ELFDATA2LSB ? "little" : "big");
	put_unsigned(speaker, auxv_value(auxv, AT_PAGESZ));
	frame_end(speaker);
}

static void say_uname_field(struct speaker *speaker, const char *field, const char *value)
{
	frame_begin(speaker, "uname");
	put_text(speaker, field);
	put_base64(speaker, (const u8 *)value, string_length(value));
	frame_end(speaker);
}

static void say_uname(struct speaker *speaker)
{
	struct new_utsname name;

	if (system_call(SYS_uname, WORD(&name), 0, 0, 0, 0) < 0)
		return;
	say_uname_field(speaker, "sysname", name.sysname);
	say_uname_field(speaker, "release", name.release);
	say_uname_field(speaker, "version", name.version);
	say_uname_field(speaker, "machine", name.machine);
}

static void say_auxv(struct speaker *speaker, const struct auxv_entry *auxv)
{
	for (; auxv->type != AT_NULL; auxv++) {
		frame_begin(speaker, "auxv");
		put_unsigned(speaker, auxv->type);
		put_hex(speaker, auxv->value);
		frame_end(speaker);
	}
}

/* Reads a hexadecimal number and moves past it and the byte behind it. */
static unsigned long read_hex(const u8 **at)
{
	unsigned long value = 0;

	for (;;) {
		u8 byte = *(*at)++;

		if (byte >= '0' && byte <= '9')
			value = value * 16 + (byte - '0');
		else if (byte >= 'a' && byte <= 'f')
			value = value * 16 + (byte - 'a' + 10);
		else
			return value;
	}
}

static void say_map_line(struct speaker *speaker, const u8 *line, u32 length, struct vdso_image *image)
{
	const u8 *at = line;
	unsigned long address = (unsigned long)image->base;
	unsigned long start = read_hex(&at);
	unsigned long end = read_hex(&at);

	if (start <= address && address < end)
		image->length = end - address;
	frame_begin(speaker, "map");
	put_base64(speaker, line, length);
	frame_end(speaker);
}

/* Says every mapping, and finds the length of the one that holds the vDSO, whatever its name. */
static void say_maps(struct speaker *speaker, struct vdso_image *image)
{
	u8 chunk[512], line[LONGEST_MAP_LINE + 1];
	u32 length = 0;
	word got, fd = open_for_reading("/proc/self/maps");

	if (fd < 0)
		return;
	while ((got = read_bytes((s32)fd, chunk, sizeof(chunk))) > 0) {
		for (word at = 0; at < got; at++) {
			if (chunk[at] != '\n') {
				if (length < LONGEST_MAP_LINE)
					line[length++] = chunk[at];
				continue;
			}
			line[length] = 0;
			say_map_line(speaker, line, length, image);
			length = 0;
		}
	}
	close_file((s32)fd);
}

static bool is_zero(const u8 *bytes, u32 size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

static void say_vdso(struct speaker *speaker, const struct vdso_image *image)
{
	frame_begin(speaker, "vdso");
	if (!image->base) {
		put_text(speaker, "none");
		frame_end(speaker);
		return;
	}
	put_hex(speaker, (unsigned long)image->base);
	put_unsigned(speaker, image->length);
	frame_end(speaker);
	for (unsigned long offset = 0; offset < image->length; offset += BYTES_PER_FRAME) {
		unsigned long left = image->length - offset;

		u32 size = left < BYTES_PER_FRAME ? (u32)left : BYTES_PER_FRAME;

		/* Behind an image, its page is empty. */
		if (is_zero(image->base + offset, size))
			continue;
		frame_begin(speaker, "data");
		put_unsigned(speaker, offset);
		put_base64(speaker, image->base + offset, size);
		frame_end(speaker);
	}
	frame_begin(speaker, "vdso-end");
	put_crc(speaker, crc32(0, image->base, (u32)image->length));
	frame_end(speaker);
}

/* The kernel's current clock source, "" where it does not tell. */
static void read_clocksource(char name[LONGEST_CLOCKSOURCE + 1])
{
	word got, fd = open_for_reading("/sys/devices/system/clocksource/clocksource0/current_clocksource");

	name[0] = 0;
	if (fd < 0)
		return;
	got = read_bytes((s32)fd, name, LONGEST_CLOCKSOURCE);
	close_file((s32)fd);
	while (got > 0 && name[got - 1] <= ' ')
		got--;
	name[got > 0 ? got : 0] = 0;
}

static void say_clocksource(struct speaker *speaker, const char *name)
{
	if (!*name)
		return;
	frame_begin(speaker, "clocksource");
	put_text(speaker, name);
	frame_end(speaker);
}

/* The vDSO reads some clock sources itself; the others leave it nothing but the system call. A kernel that finds its
 * clock source unstable takes another while the functions are tried. */
static void try_functions(struct speaker *speaker, const struct vdso_image *image)
{
	char before[LONGEST_CLOCKSOURCE + 1], after[LONGEST_CLOCKSOURCE + 1];

	read_clocksource(before);
	say_clocksource(speaker, before);
	say_behaviour(speaker, image);
	read_clocksource(after);
	if (!strings_equal(before, after))
		say_clocksource(speaker, after);
}

#ifdef ABI_KUSER_VERSION
static void read_kuser_version(const void *address, s32 report_fd)
{
	u32 version = *(const volatile u32 *)address;

	write_bytes(report_fd, &version, sizeof(version));
}

/* The helper page is no mapping on every kernel, so only reading it tells (CONFIG_KUSER_HELPERS). */
static void say_kuser(struct speaker *speaker)
{
	u32 version;
	struct ending ending = run_in_child(read_kuser_version, (const void *)ABI_KUSER_VERSION, 2, &version,
					    sizeof(version));

	frame_begin(speaker, "kuser");
	if (ending.how == ENDED_EXIT && ending.reported == sizeof(version)) {
		put_text(speaker, "present");
		put_unsigned(speaker, version);
		frame_end(speaker);
		say_kuser_helpers(speaker, version);
	} else {
		put_text(speaker, "absent");
		frame_end(speaker);
	}
}
#endif

void say_end(struct speaker *speaker)
{
	u32 count = speaker->sequence + 1;

	frame_begin(speaker, "end");
	put_unsigned(speaker, count);
	frame_end(speaker);
}

void describe_process(struct speaker *speaker, const struct auxv_entry *auxv)
{
	struct vdso_image image = { (const u8 *)auxv_value(auxv, AT_SYSINFO_EHDR), 0 };

	say_hello(speaker, auxv);
	say_uname(speaker);
	say_auxv(speaker, auxv);
	say_maps(speaker, &image);
	if (image.base && !image.length)
		image.length = length_by_segments((unsigned long)image.base);
	say_vdso(speaker, &image);
#ifdef ABI_KUSER_VERSION
	say_kuser(speaker);
#endif
	if (image.base)
		try_functions(speaker, &image);
	else
		say_behaviour(speaker, &image);
	say_end(speaker);
}
