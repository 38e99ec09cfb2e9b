/* The time functions beyond the clocks of calls.c: every other clock id, resolutions, null and bad pointers, and order. */
#include "affinity.h"
#include "cases.h"
#include "system.h"

/* Readings of a clock in a row; more would show in the time of every boot. */
#define ROUNDS 30
#define MOVES 20
/* Of the slowest, with CONFIG_HZ=100; in milliseconds. */
#define TWO_TICKS 20

/* Asks the kernel for a clock's time or resolution with a pointer as it is. */
static word ask_at(word plain, word time64, bool wide, s32 clock, word pointer)
{
	word result = -ENOSYS;

	if (wide == ABI_WIDE_TIME && plain != SYS_ABSENT)
		result = system_call(plain, clock, pointer, 0, 0, 0);
	if (result == -ENOSYS && time64 != SYS_ABSENT)
		result = system_call(time64, clock, pointer, 0, 0, 0);
	return result;
}

static void add_time(struct speaker *said, enum shape shape, const union answer *answer)
{
	struct wide_time time = widen(shape, answer);
	/* What no function wrote may be any number. */
	u64 fraction = is_wide(shape) ? (u64)time.fraction : (u32)time.fraction;

	add_fixed_point(said, time.seconds, fraction, 9, "");
}

static void put_time(struct speaker *said, s64 returned, enum shape shape, const union answer *answer)
{
	if (put_failure(said, returned))
		return;
	put_text(said, "");
	add_time(said, shape, answer);
}

static word call_clock(const struct subject *subject, s32 clock, union answer *answer)
{
	memset(answer, UNWRITTEN, sizeof(*answer));
	return (s32)call_vdso(subject->code, clock, WORD(answer), 0, 0, 0);
}

static void run_clock(const struct subject *subject, s32 clock, struct speaker *said)
{
	union answer before, answered, after;
	word first = ask_clock(clock, is_wide(subject->shape), &before);
	word returned = call_clock(subject, clock, &answered);
	word second = ask_clock(clock, is_wide(subject->shape), &after);

	put_time(said, first, subject->shape, &before);
	if (first == 0 && second == 0) {
		add_text(said, "..");
		add_time(said, subject->shape, &after);
	}
	put_time(said, returned, subject->shape, &answered);
}

static bool tell_the_same(enum shape shape, const union answer *one, const union answer *other)
{
	struct wide_time first = widen(shape, one), second = widen(shape, other);

	return first.seconds == second.seconds && first.fraction == second.fraction;
}

/* A kernel goes over to high resolution some time after its boot, and tells the vDSO so at the tick that follows
 * (hrtimer_switch_to_hres() in kernel/time/hrtimer.c, update_vsyscall() in kernel/time/vsyscall.c, v7.3). */
static void run_resolution(const struct subject *subject, s32 clock, struct speaker *said)
{
	union answer kernels, answered;
	word result = ask_resolution(clock, is_wide(subject->shape), &kernels);
	word returned = call_clock(subject, clock, &answered);

	if (result == 0 && returned == 0 && !tell_the_same(subject->shape, &kernels, &answered)) {
		sleep_milliseconds(TWO_TICKS);
		result = ask_resolution(clock, is_wide(subject->shape), &kernels);
		returned = call_clock(subject, clock, &answered);
	}
	put_time(said, result, subject->shape, &kernels);
	put_time(said, returned, subject->shape, &answered);
}

static void run_resolution_null(const struct subject *subject, s32 clock, struct speaker *said)
{
	put_returned(said, ask_at(SYS_clock_getres, SYS_clock_getres_time64, is_wide(subject->shape), clock, 0));
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, clock, 0, 0, 0, 0));
}

static void run_bad_clock_pointer(const struct subject *subject, s32 clock, struct speaker *said)
{
	put_returned(said, ask_at(SYS_clock_gettime, SYS_clock_gettime64, is_wide(subject->shape), clock, BAD_POINTER));
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, clock, BAD_POINTER, 0, 0, 0));
}

static void run_bad_resolution_pointer(const struct subject *subject, s32 clock, struct speaker *said)
{
	put_returned(said,
		     ask_at(SYS_clock_getres, SYS_clock_getres_time64, is_wide(subject->shape), clock, BAD_POINTER));
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, clock, BAD_POINTER, 0, 0, 0));
}

/* How often, of many readings one after the other, one was before the last: none is what must be. */
struct order {
	struct wide_time last;
	u32 steps_back;
	word failure;
};

static void read_in_order(struct order *order, word returned, struct wide_time time)
{
	if (returned != 0) {
		order->failure = returned;
		return;
	}
	if (compare_times(time, order->last) < 0)
		order->steps_back++;
	order->last = time;
}

static void read_vdso(struct order *order, const struct subject *subject, s32 clock)
{
	union answer answer;
	word returned = call_clock(subject, clock, &answer);

	read_in_order(order, returned, widen(subject->shape, &answer));
}

static void read_kernel(struct order *order, const struct subject *subject, s32 clock)
{
	union answer answer;
	word returned = ask_clock(clock, is_wide(subject->shape), &answer);

	read_in_order(order, returned, widen(subject->shape, &answer));
}

static void put_order(struct speaker *said, const struct order *order)
{
	put_unsigned(said, 0);
	if (!put_failure(said, order->failure))
		put_unsigned(said, order->steps_back);
}

static void run_never_back(const struct subject *subject, s32 clock, struct speaker *said)
{
	struct order order = { { 0, 0 }, 0, 0 };

	for (u32 round = 0; round < ROUNDS; round++)
		read_vdso(&order, subject, clock);
	put_order(said, &order);
}

/* The function and the system call in turn. */
static void run_beside_kernel(const struct subject *subject, s32 clock, struct speaker *said)
{
	struct order order = { { 0, 0 }, 0, 0 };

	for (u32 round = 0; round < ROUNDS / 2; round++) {
		read_vdso(&order, subject, clock);
		read_kernel(&order, subject, clock);
	}
	put_order(said, &order);
}

/* A coarse clock is the fine one at the last tick: it is never ahead. */
static void run_coarse_behind(const struct subject *subject, s32 fine, struct speaker *said)
{
	s32 coarse = fine == CLOCK_REALTIME ? CLOCK_REALTIME_COARSE : CLOCK_MONOTONIC_COARSE;
	u32 steps_back = 0;
	struct order order = { { 0, 0 }, 0, 0 };

	for (u32 round = 0; round < ROUNDS / 2; round++) {
		order.last = (struct wide_time){ 0, 0 };
		read_vdso(&order, subject, coarse);
		read_vdso(&order, subject, fine);
		steps_back += order.steps_back;
		order.steps_back = 0;
	}
	order.steps_back = steps_back;
	put_order(said, &order);
}

static void run_migrating(const struct subject *subject, s32 clock, struct speaker *said)
{
	struct order order = { { 0, 0 }, 0, 0 };
	s32 cpus[2];

	if (find_cpus(&cpus[0], &cpus[1]) != 0) {
		put_lacking(said, "affinity");
		return;
	}
	if (cpus[0] == cpus[1]) {
		put_lacking(said, "second-cpu");
		return;
	}
	for (u32 move = 0; move < MOVES; move++) {
		allow_cpus(cpus[move & 1], cpus[move & 1]);
		read_vdso(&order, subject, clock);
	}
	allow_cpus(cpus[0], cpus[1]);
	put_order(said, &order);
}

/* include/uapi/linux/time.h */
struct timezone {
	s32 minutes_west;
	s32 dst_time;
};

static void put_timezone(struct speaker *said, s64 returned, const struct timezone *zone)
{
	if (put_failure(said, returned))
		return;
	put_signed(said, zone->minutes_west);
	add_text(said, ",");
	add_signed(said, zone->dst_time);
}

/* With a time and a time zone (1), or with the time zone alone (0). */
static void run_timezone(const struct subject *subject, s32 with_time, struct speaker *said)
{
	union answer time;
	word at = with_time ? WORD(&time) : 0;
	struct timezone kernels, zone;
	word returned;

	if (SYS_gettimeofday == SYS_ABSENT) {
		put_lacking(said, "system-call");
		return;
	}
	memset(&zone, UNWRITTEN, sizeof(zone));
	returned = system_call(SYS_gettimeofday, at, WORD(&kernels), 0, 0, 0);
	put_timezone(said, returned, &kernels);
	hand_over(subject, said);
	returned = (s32)call_vdso(subject->code, at, WORD(&zone), 0, 0, 0);
	put_timezone(said, returned, &zone);
}

/* Both pointers as they are: null is allowed for either, and nowhere for none. */
static void run_day_pointers(const struct subject *subject, word time, word zone, struct speaker *said)
{
	if (SYS_gettimeofday == SYS_ABSENT) {
		put_lacking(said, "system-call");
		return;
	}
	put_returned(said, system_call(SYS_gettimeofday, time, zone, 0, 0, 0));
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, time, zone, 0, 0, 0));
}

static void run_day_null(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
	run_day_pointers(subject, 0, 0, said);
}

static void run_bad_day_pointer(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
	run_day_pointers(subject, BAD_POINTER, 0, said);
}

/* gettimeofday, and clock_gettime of the same image (or the system call), in turn; a microsecond is cut off. */
static void run_day_beside_clock(const struct subject *subject, s32 clock, struct speaker *said)
{
	struct subject clocks = { subject->image, "", find_function(subject->image, "clock_gettime"), TIMESPEC, -1 };
	struct order order = { { 0, 0 }, 0, 0 };
	union answer answer;

	for (u32 round = 0; round < ROUNDS / 2; round++) {
		struct wide_time day;
		word returned;

		if (clocks.code)
			read_vdso(&order, &clocks, clock);
		else
			read_kernel(&order, &clocks, clock);
		order.last.fraction -= 999;
		memset(&answer, UNWRITTEN, sizeof(answer));
		returned = (s32)call_vdso(subject->code, WORD(&answer), 0, 0, 0, 0);
		day = widen(TIMEVAL, &answer);
		day.fraction = (s64)((u64)(u32)day.fraction * 1000u);
		read_in_order(&order, returned, day);
	}
	put_order(said, &order);
}

/* Without a pointer, between two readings of the clock that it is. */
static void run_time_null(const struct subject *subject, s32 argument, struct speaker *said)
{
	union answer before, after;
	word result = ask_clock(CLOCK_REALTIME_COARSE, ABI_WIDE_TIME, &before);
	word returned;

	(void)argument;
	if (put_failure(said, result)) {
		put_lacking(said, "clock");
		return;
	}
	returned = call_vdso(subject->code, 0, 0, 0, 0, 0);
	ask_clock(CLOCK_REALTIME_COARSE, ABI_WIDE_TIME, &after);
	put_signed(said, widen(SECONDS, &before).seconds);
	add_text(said, "..");
	add_signed(said, widen(SECONDS, &after).seconds);
	put_signed(said, returned);
}

/* Many ABIs have no system call for time; the errno is the same everywhere (kernel/time/time.c). */
static void run_bad_time_pointer(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
#ifdef SYS_time
	put_returned(said, system_call(SYS_time, BAD_POINTER, 0, 0, 0, 0));
#else
	put_error(said, EFAULT);
#endif
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, BAD_POINTER, 0, 0, 0, 0));
}

static word call_clock_for_path(const struct subject *subject, s32 clock)
{
	union answer answer;

	return call_clock(subject, clock, &answer);
}

static word call_day_for_path(const struct subject *subject, s32 argument)
{
	union answer answer;

	(void)argument;
	return call_vdso(subject->code, WORD(&answer), 0, 0, 0, 0);
}

static word call_time_for_path(const struct subject *subject, s32 argument)
{
	(void)argument;
	return call_vdso(subject->code, 0, 0, 0, 0, 0);
}

/* In each table what may crash stands last, so that the least depends on going on after it.
 *
 * Clock ids: PROCESS_CPUTIME 2, THREAD_CPUTIME 3, REALTIME_ALARM 8, BOOTTIME_ALARM 9; 10 (SGI_CYCLE) and 12 to 15 are
 * nobody's, 16 to 23 are auxiliary clocks (include/uapi/linux/time.h). 32, 33 and 64 are 0 and 1 to a shift that
 * forgets their high bits. Negative ids are (~pid << 3) | kind or (~fd << 3) | 3 (include/linux/posix-timers.h): -6 and
 * -2 are the process's and the thread's own CPU time, -5 is descriptor 0, -797 is descriptor 99, which is not open. */
static const struct test_case clock_cases[] = {
	{ "clock", 2, run_clock },
	{ "clock", 3, run_clock },
	{ "clock", -6, run_clock },
	{ "clock", -2, run_clock },
	{ "clock", 8, run_clock },
	{ "clock", 9, run_clock },
	{ "clock", -5, run_clock },
	{ "clock", -797, run_clock },
	{ "clock", 10, run_clock },
	{ "clock", 12, run_clock },
	{ "clock", 16, run_clock },
	{ "clock", 24, run_clock },
	{ "clock", 32, run_clock },
	{ "clock", 33, run_clock },
	{ "clock", 64, run_clock },
	{ "clock", 0x7fffffff, run_clock },
	{ "never-back", 1, run_never_back },
	{ "never-back", 4, run_never_back },
	{ "never-back", 7, run_never_back },
	{ "beside-kernel", 1, run_beside_kernel },
	{ "coarse-behind", 0, run_coarse_behind },
	{ "coarse-behind", 1, run_coarse_behind },
	{ "migrating", 1, run_migrating },
	{ "bad-pointer", 2, run_bad_clock_pointer },
	{ "bad-pointer", 1, run_bad_clock_pointer },
};

static const struct test_case resolution_cases[] = {
	{ "resolution", 0, run_resolution },
	{ "resolution", 1, run_resolution },
	{ "resolution", 2, run_resolution },
	{ "resolution", 3, run_resolution },
	{ "resolution", 4, run_resolution },
	{ "resolution", 5, run_resolution },
	{ "resolution", 6, run_resolution },
	{ "resolution", 7, run_resolution },
	{ "resolution", 8, run_resolution },
	{ "resolution", 9, run_resolution },
	{ "resolution", 11, run_resolution },
	{ "resolution", 12, run_resolution },
	{ "resolution", 16, run_resolution },
	{ "resolution", 33, run_resolution },
	{ "resolution", -6, run_resolution },
	{ "resolution", -797, run_resolution },
	{ "null", 1, run_resolution_null },
	{ "null", 5, run_resolution_null },
	{ "null", 2, run_resolution_null },
	{ "null", 12, run_resolution_null },
	{ "bad-pointer", 2, run_bad_resolution_pointer },
	{ "bad-pointer", 1, run_bad_resolution_pointer },
};

static const struct test_case day_cases[] = {
	{ "timezone", 1, run_timezone },
	{ "timezone", 0, run_timezone },
	{ "null", NO_ARGUMENT, run_day_null },
	{ "beside-clock", 0, run_day_beside_clock },
	{ "bad-pointer", NO_ARGUMENT, run_bad_day_pointer },
};

static const struct test_case time_cases[] = {
	{ "null", NO_ARGUMENT, run_time_null },
	{ "bad-pointer", NO_ARGUMENT, run_bad_time_pointer },
};

static const struct path_case clock_paths[] = {
	{ 0, call_clock_for_path }, { 1, call_clock_for_path }, { 4, call_clock_for_path },
	{ 5, call_clock_for_path }, { 6, call_clock_for_path }, { 7, call_clock_for_path },
	{ 11, call_clock_for_path }, { 2, call_clock_for_path }, { 3, call_clock_for_path },
};
static const struct path_case day_paths[] = { { NO_ARGUMENT, call_day_for_path } };
static const struct path_case time_paths[] = { { NO_ARGUMENT, call_time_for_path } };

const struct function time_functions[] = {
	{ "clock_gettime", TIMESPEC, CASES(clock_cases), PATHS(clock_paths) },
	{ "clock_gettime64", TIMESPEC64, CASES(clock_cases), PATHS(clock_paths) },
	{ "clock_getres", TIMESPEC, CASES(resolution_cases), PATHS(clock_paths) },
	{ "clock_getres_time64", TIMESPEC64, CASES(resolution_cases), PATHS(clock_paths) },
	{ "gettimeofday", TIMEVAL, CASES(day_cases), PATHS(day_paths) },
	{ "time", SECONDS, CASES(time_cases), PATHS(time_paths) },
};
const u32 time_function_count = COUNT(time_functions);
