/* Writes frames on standard output: text fields, base64, CRC-32. */
#include "frames.h"

#include "system.h"

/* A space and 8 digits are kept for the checksum. */
#define PAYLOAD_LIMIT (FRAME_LIMIT - 9)

/* A table made at its first use is a kilobyte less of each probe; with a smaller one, sums would take a tenth of the time
 * that a probe runs. */
static const u32 *crc_table(void)
{
	static u32 table[256];

	for (u32 byte = 0; !table[255] && byte < 256; byte++) {
		table[byte] = byte;
		for (u32 bit = 0; bit < 8; bit++)
			table[byte] = (table[byte] >> 1) ^ (table[byte] & 1 ? 0xedb88320 : 0);
	}
	return table;
}

u32 crc32(u32 crc, const u8 *bytes, u32 size)
{
	const u32 *table = crc_table();

	crc = ~crc;
	while (size--)
		crc = (crc >> 8) ^ table[(crc ^ *bytes++) & 255];
	return ~crc;
}

static void append(struct speaker *speaker, char byte)
{
	if (speaker->length < PAYLOAD_LIMIT)
		speaker->line[speaker->length++] = (u8)byte;
}

void add_text(struct speaker *speaker, const char *text)
{
	while (*text)
		append(speaker, *text++);
}

/* Without division: 32-bit ABIs would need libgcc for it. */
static void append_decimal(struct speaker *speaker, u64 value, u32 width)
{
	static const u64 powers[20] = {
		1ull, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull, 100000000ull, 1000000000ull,
		10000000000ull, 100000000000ull, 1000000000000ull, 10000000000000ull, 100000000000000ull,
		1000000000000000ull, 10000000000000000ull, 100000000000000000ull, 1000000000000000000ull,
		10000000000000000000ull,
	};
	bool started = 0;

	/* Few numbers have more than 32 bits. */
	for (s32 place = value >> 32 ? 19 : 9; place >= 0; place--) {
		char digit = '0';

		while (value >= powers[place]) {
			value -= powers[place];
			digit++;
			/* Keeps gcc from turning the loop into a division. */
			__asm__("" : "+r"(digit));
		}
		started |= digit != '0' || place == 0 || (u32)place < width;
		if (started)
			append(speaker, digit);
	}
}

static void append_hex(struct speaker *speaker, u32 value, bool padded)
{
	bool started = padded;

	for (u32 place = 0; place < 8; place++) {
		u32 digit = value >> 28;

		value <<= 4;
		started |= digit != 0 || place == 7;
		if (started)
			append(speaker, "0123456789abcdef"[digit]);
	}
}

void frame_begin(struct speaker *speaker, const char *type)
{
	speaker->length = 0;
	add_text(speaker, "@vdsocat ");
	add_text(speaker, speaker->name);
	put_unsigned(speaker, speaker->sequence++);
	put_text(speaker, type);
}

u32 frame_room(const struct speaker *speaker)
{
	return PAYLOAD_LIMIT - speaker->length;
}

void put_text(struct speaker *speaker, const char *text)
{
	append(speaker, ' ');
	add_text(speaker, text);
}

void put_unsigned(struct speaker *speaker, u64 value)
{
	append(speaker, ' ');
	append_decimal(speaker, value, 1);
}

void add_signed(struct speaker *speaker, s64 value)
{
	if (value < 0)
		append(speaker, '-');
	append_decimal(speaker, value < 0 ? 0 - (u64)value : (u64)value, 1);
}

void put_signed(struct speaker *speaker, s64 value)
{
	append(speaker, ' ');
	add_signed(speaker, value);
}

void put_hex(struct speaker *speaker, u64 value)
{
	u32 high = (u32)(value >> 32);

	put_text(speaker, "0x");
	if (high)
		append_hex(speaker, high, 0);
	append_hex(speaker, (u32)value, high != 0);
}

void put_crc(struct speaker *speaker, u32 crc)
{
	append(speaker, ' ');
	append_hex(speaker, crc, 1);
}

void put_base64(struct speaker *speaker, const u8 *bytes, u32 size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	append(speaker, ' ');
	for (u32 at = 0; at < size; at += 3) {
		u32 left = size - at;
		u32 group = (u32)bytes[at] << 16;

		if (left > 1)
			group |= (u32)bytes[at + 1] << 8;
		if (left > 2)
			group |= bytes[at + 2];
		append(speaker, digits[group >> 18]);
		append(speaker, digits[(group >> 12) & 63]);
		append(speaker, left > 1 ? digits[(group >> 6) & 63] : '=');
		append(speaker, left > 2 ? digits[group & 63] : '=');
	}
}

void add_fixed_point(struct speaker *speaker, s64 whole, u64 fraction, u32 digits, const char *tail)
{
	add_signed(speaker, whole);
	append(speaker, '.');
	append_decimal(speaker, fraction, digits);
	add_text(speaker, tail);
}

void put_fixed_point(struct speaker *speaker, s64 whole, u64 fraction, u32 digits, const char *tail)
{
	append(speaker, ' ');
	add_fixed_point(speaker, whole, fraction, digits, tail);
}

void put_error(struct speaker *speaker, s32 error)
{
	put_text(speaker, "errno:");
	append_decimal(speaker, (u32)error, 1);
}

/* A console can take part of a line, or none for now. */
static bool write_all(const u8 *bytes, u32 size)
{
	while (size) {
		word written = write_bytes(1, bytes, size);

		if (written > 0) {
			bytes += written;
			size -= (u32)written;
		} else if (written == -EAGAIN) {
			sleep_milliseconds(1);
		} else if (written != -EINTR) {
			return 0;
		}
	}
	return 1;
}

void frame_end(struct speaker *speaker)
{
	u32 crc = crc32(0, speaker->line, speaker->length);
	u8 *end = speaker->line + speaker->length;

	*end++ = ' ';
	for (u32 place = 0; place < 8; place++) {
		*end++ = (u8)"0123456789abcdef"[crc >> 28];
		crc <<= 4;
	}
	*end++ = '\n';
	if (!write_all(speaker->line, (u32)(end - speaker->line)))
		speaker->failed = 1;
}

void break_line(struct speaker *speaker)
{
	if (!write_all((const u8 *)"\n", 1))
		speaker->failed = 1;
}
