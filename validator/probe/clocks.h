/* The time functions: what they fill in, and the system calls that they stand in for. */
#ifndef CLOCKS_H
#define CLOCKS_H

#include "frames.h"

/* include/uapi/linux/time.h */
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6

/* What a function fills in. */
enum shape {
	TIMESPEC, /* the ABI's plain struct timespec */
	TIMESPEC64, /* struct __kernel_timespec */
	TIMEVAL, /* the ABI's plain struct timeval */
	SECONDS, /* the ABI's plain time_t */
	CPU, /* unsigned */
};

/* What was filled in. An answer that a function says it gave, but did not write, shows as this pattern. */
#define UNWRITTEN 0x5a
union answer {
	struct narrow_time narrow;
	struct wide_time wide;
	u32 cpu;
	u8 room[64];
};

/* Whether this shape has 64-bit seconds. */
bool is_wide(enum shape shape);

/* Asks for CLOCK_* in the layout that `wide` says: 0 or -errno. */
word ask_clock(s32 clock, bool wide, union answer *answer);
/* Asks for the resolution of CLOCK_* likewise. */
word ask_resolution(s32 clock, bool wide, union answer *answer);

/* What was filled in, as 64-bit seconds with their fraction. */
struct wide_time widen(enum shape shape, const union answer *answer);
/* Below 0, 0, or above 0, as the one is before, the same as, or after the other. */
int compare_times(struct wide_time one, struct wide_time other);

#endif
