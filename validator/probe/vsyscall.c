/* x86-64's page at a fixed address: gettimeofday, time and getcpu of old, whatever the kernel makes of calls to it.
 * x32 can call it too, but no mapping of its processes says so. */
#include "affinity.h"
#include "special_cases.h"
#include "system.h"

#if defined(__x86_64__) && !defined(__ILP32__)

/* arch/x86/include/uapi/asm/vsyscall.h */
#define VSYSCALL 0xffffffffff600000ull
#define SLOT(number) (VSYSCALL + 0x400 * (number))

static word call_at(unsigned long address, word first, word second)
{
	return ((word(*)(word, word, word))address)(first, second, 0);
}

static void run_day(const struct subject *subject, s32 argument, struct speaker *said)
{
	struct wide_time before, day, after;
	word returned;

	(void)subject;
	(void)argument;
	memset(&day, UNWRITTEN, sizeof(day));
	system_call(SYS_gettimeofday, WORD(&before), 0, 0, 0, 0);
	returned = call_at(SLOT(0), WORD(&day), 0);
	system_call(SYS_gettimeofday, WORD(&after), 0, 0, 0, 0);
	put_fixed_point(said, before.seconds, (u64)before.fraction, 6, "000..");
	add_fixed_point(said, after.seconds, (u64)after.fraction, 6, "000");
	if (!put_failure(said, returned))
		put_fixed_point(said, day.seconds, (u64)day.fraction, 6, "000");
}

/* The seconds that are returned, which are those of the last tick, with a place for them (1) and without (0). */
static void run_time(const struct subject *subject, s32 with_place, struct speaker *said)
{
	union answer before, after;
	s64 stored = 0;
	word returned;

	ask_clock(CLOCK_REALTIME_COARSE, 1, &before);
	returned = call_at(SLOT(1), with_place ? WORD(&stored) : 0, 0);
	ask_clock(CLOCK_REALTIME_COARSE, 1, &after);
	(void)subject;
	put_signed(said, before.wide.seconds);
	add_text(said, "..");
	add_signed(said, after.wide.seconds);
	put_signed(said, with_place ? stored : returned);
}

static void run_cpu(const struct subject *subject, s32 argument, struct speaker *said)
{
	u32 kernels[2], cpu[2] = { ~0u, ~0u };
	s32 lowest, highest;
	word returned;

	(void)argument;
	if (find_cpus(&lowest, &highest) != 0 || allow_cpus(lowest, lowest) < 0) {
		put_lacking(said, "affinity");
		return;
	}
	system_call(SYS_getcpu, WORD(&kernels[0]), WORD(&kernels[1]), 0, 0, 0);
	put_unsigned(said, kernels[0]);
	add_text(said, ",");
	add_signed(said, kernels[1]);
	hand_over(subject, said);
	returned = call_at(SLOT(2), WORD(&cpu[0]), WORD(&cpu[1]));
	if (put_failure(said, returned))
		return;
	put_unsigned(said, cpu[0]);
	add_text(said, ",");
	add_signed(said, cpu[1]);
}

static const struct test_case day_cases[] = { { "vsyscall", NO_ARGUMENT, run_day } };
static const struct test_case time_cases[] = { { "vsyscall", 0, run_time }, { "vsyscall", 1, run_time } };
static const struct test_case cpu_cases[] = { { "vsyscall", NO_ARGUMENT, run_cpu } };

const struct tried vsyscall_entries[] = {
	ENTRY("vgettimeofday", 0, day_cases),
	ENTRY("vtime", 0, time_cases),
	ENTRY("vgetcpu", 0, cpu_cases),
};
const u32 vsyscall_entry_count = COUNT(vsyscall_entries);
#endif
