/* What an ABI has to be tried on: every ABI may have the functions of time and CPU, few have the others. One child runs all
 * of it, as long as nothing crashes or hangs that was not expected to. */
#include "special_cases.h"

#include "calls.h"
#include "system.h"

/* A kernel without a hang takes less than a second under QEMU. Three functions that hang, in each of the parts, are told
 * within PROBE_SECONDS (supervise.c). */
#define ALL_SECONDS 5
#define MOST_TRIED 24

static const struct table tables[] = {
	{ time_functions, &time_function_count },
	{ cpu_functions, &cpu_function_count },
#ifdef SYS_getrandom
	{ random_functions, &random_function_count },
#endif
#if defined(__powerpc__) || defined(__riscv) || defined(__i386__) || defined(__x86_64__) || defined(__sh__)
	{ arch_functions, &arch_function_count },
#endif
};

/* What is no function of an image; the last row has none. */
static const struct {
	const struct tried *tried;
	const u32 *count;
} entries[] = {
#if defined(SYS_rt_sigaction) && !defined(ABI_SA_RESTORER)
	{ signal_entries, &signal_entry_count },
#endif
#if defined(__x86_64__) && !defined(__ILP32__) && !defined(ABI_USER_MODE)
	{ vsyscall_entries, &vsyscall_entry_count },
#endif
#ifdef ABI_GATEWAY_PAGE
	{ gateway_entries, &gateway_entry_count },
#endif
	{ NULL, NULL },
};

struct everything {
	struct calls calls;
	struct case_group cases;
};

static void try_everything(const void *argument, s32 report_fd)
{
	const struct everything *everything = argument;

	make_calls(&everything->calls, report_fd);
	run_cases(&everything->cases, report_fd);
}

static u32 find_everything(const struct vdso_image *image, struct tried *tried, char symbols[][LONGEST_SYMBOL])
{
	u32 found = 0;

	for (u32 index = 0; image->base && index < COUNT(tables); index++)
		found += find_tried(image, &tables[index], tried + found, symbols + found, MOST_TRIED - found);
	for (u32 index = 0; entries[index].tried; index++)
		for (u32 entry = 0; entry < *entries[index].count && found < MOST_TRIED; entry++)
			tried[found++] = entries[index].tried[entry];
	return found;
}

void say_behaviour(struct speaker *speaker, const struct vdso_image *image)
{
	struct call calls[MOST_CALLS];
	struct tried tried[MOST_TRIED];
	char symbols[MOST_TRIED][LONGEST_SYMBOL];
	struct path_group paths;
	struct attempt attempt;
	u32 count = find_everything(image, tried, symbols);
	struct everything everything = {
		.calls = { calls, image->base ? find_calls(image, calls) : 0 },
		.cases = { tried, count, 0, &paths },
	};

	if (!everything.calls.count && !count)
		return;
	find_paths(tried, count, &paths);
	begin_shared(&attempt, try_everything, &everything, ALL_SECONDS);
	say_calls(speaker, everything.calls, &attempt);
	say_cases(speaker, everything.cases, &attempt);
	say_paths(speaker, &paths, &attempt);
}
