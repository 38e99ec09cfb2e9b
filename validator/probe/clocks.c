/* The time functions: what they fill in, and the system calls that they stand in for. */
#include "clocks.h"

#include "system.h"

bool is_wide(enum shape shape)
{
	return shape == TIMESPEC64 || ABI_WIDE_TIME;
}

/* 32-bit kernels may lack either of two calls: those with 64-bit time came with Linux 5.1, the plain ones go with
 * CONFIG_COMPAT_32BIT_TIME. */
static word ask(word plain, word time64, s32 clock, bool wide, union answer *answer)
{
	struct narrow_time *narrow = &answer->narrow;
	struct wide_time other;
	word result = -ENOSYS;

	if (wide == ABI_WIDE_TIME && plain != SYS_ABSENT)
		result = system_call(plain, clock, WORD(answer), 0, 0, 0);
	if (result != -ENOSYS || time64 == SYS_ABSENT)
		return result;
	result = system_call(time64, clock, WORD(&other), 0, 0, 0);
	if (result == 0 && wide) {
		answer->wide = other;
	} else if (result == 0) {
		narrow->seconds = (s32)other.seconds;
		narrow->fraction = (s32)other.fraction;
	} else if (result == -ENOSYS && wide && plain != SYS_ABSENT) {
		struct narrow_time old;

		result = system_call(plain, clock, WORD(&old), 0, 0, 0);
		answer->wide.seconds = old.seconds;
		answer->wide.fraction = old.fraction;
	}
	return result;
}

word ask_clock(s32 clock, bool wide, union answer *answer)
{
	return ask(SYS_clock_gettime, SYS_clock_gettime64, clock, wide, answer);
}

word ask_resolution(s32 clock, bool wide, union answer *answer)
{
	return ask(SYS_clock_getres, SYS_clock_getres_time64, clock, wide, answer);
}

struct wide_time widen(enum shape shape, const union answer *answer)
{
#ifdef ABI_NARROW_MICROSECONDS
	if (shape == TIMEVAL)
		return (struct wide_time){ answer->wide.seconds, *(const s32 *)&answer->wide.fraction };
#endif
	if (is_wide(shape))
		return answer->wide;
	return (struct wide_time){ answer->narrow.seconds, answer->narrow.fraction };
}

int compare_times(struct wide_time one, struct wide_time other)
{
	if (one.seconds != other.seconds)
		return one.seconds < other.seconds ? -1 : 1;
	if (one.fraction != other.fraction)
		return one.fraction < other.fraction ? -1 : 1;
	return 0;
}
