/* Bytes and strings; gcc itself asks for memcpy and memset, even of a freestanding program. */
#include "types.h"

/* Keeps compilers from seeing memcpy or memset in the loops, and calling themselves. */
#define PLAIN_LOOP() __asm__ volatile("" : : : "memory")

void *memcpy(void *to, const void *from, unsigned long size)
{
	u8 *target = to;
	const u8 *source = from;

	while (size--) {
		*target++ = *source++;
		PLAIN_LOOP();
	}
	return to;
}

void *memset(void *to, int byte, unsigned long size)
{
	u8 *target = to;

	while (size--) {
		*target++ = (u8)byte;
		PLAIN_LOOP();
	}
	return to;
}

u32 string_length(const char *text)
{
	u32 length = 0;

	while (text[length])
		length++;
	return length;
}

int compare_strings(const char *one, const char *other)
{
	while (*one && *one == *other) {
		one++;
		other++;
	}
	return (u8)*one - (u8)*other;
}

bool strings_equal(const char *one, const char *other)
{
	return compare_strings(one, other) == 0;
}
