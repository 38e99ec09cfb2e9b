/* Frames: one text line each, `@vdsocat <speaker> <seq> <type> <payload…> <crc>`, written with one write(2). */
#ifndef FRAMES_H
#define FRAMES_H

#include "types.h"

/* No line is longer, the newline not counted. */
#define FRAME_LIMIT 240

struct speaker {
	const char *name;
	u32 sequence;
	bool failed; /* a frame could not be written */
	u32 length;
	u8 line[FRAME_LIMIT + 2];
};

/* Starts a frame of this type; put_* append a space and one field, frame_end adds the CRC and writes the line. */
void frame_begin(struct speaker *speaker, const char *type);
void put_text(struct speaker *speaker, const char *text);
void put_unsigned(struct speaker *speaker, u64 value);
void put_signed(struct speaker *speaker, s64 value);
void put_hex(struct speaker *speaker, u64 value);
void put_base64(struct speaker *speaker, const u8 *bytes, u32 size);
/* 8 lower-case hex digits. */
void put_crc(struct speaker *speaker, u32 crc);
/* `whole.fraction000`, the fraction padded to `digits` digits. */
void put_fixed_point(struct speaker *speaker, s64 whole, u64 fraction, u32 digits, const char *tail);
/* `errno:<n>` */
void put_error(struct speaker *speaker, s32 error);
/* The same without the space, to go on with a field. */
void add_text(struct speaker *speaker, const char *text);
void add_signed(struct speaker *speaker, s64 value);
void add_fixed_point(struct speaker *speaker, s64 whole, u64 fraction, u32 digits, const char *tail);
void frame_end(struct speaker *speaker);
/* How many bytes more a frame takes. */
u32 frame_room(const struct speaker *speaker);

/* Ends a line that somebody else may have left unfinished. An empty line is no frame. */
void break_line(struct speaker *speaker);

/* CRC-32 as in zlib (reflected polynomial 0xedb88320); start with 0. */
u32 crc32(u32 crc, const u8 *bytes, u32 size);

#endif
