/* Finds whether a function enters the kernel, without a clock: a seccomp filter answers its system calls with an errno
 * that nothing else has, and the function's callers see it or not. Where there are no filters, a tracer counts. */
#include "cases.h"

#include "system.h"

#define PATH_SECONDS 5
/* A function that falls back now and then shows in so many calls; so many are few enough for every boot. */
#define CALLS 3

/* Above all that the kernel uses, below MAX_ERRNO. */
#define MAGIC_ERRNO 3999

/* include/uapi/linux/prctl.h, seccomp.h, bpf_common.h */
#define PR_SET_SECCOMP 22
#define PR_SET_NO_NEW_PRIVS 38
#define SECCOMP_MODE_FILTER 2
#define SECCOMP_RET_ERRNO 0x00050000
#define SECCOMP_RET_ALLOW 0x7fff0000
#define LOAD_WORD 0x20
#define JUMP_IF_EQUAL 0x15
#define RETURN 0x06

/* include/uapi/linux/ptrace.h */
#define PTRACE_TRACEME 0
#define PTRACE_PEEKDATA 2
#define PTRACE_SYSCALL 24
#define PTRACE_SETOPTIONS 0x4200
#define PTRACE_O_EXITKILL 0x100000
#define SIGTRAP 5
/* A signal whose number is the same everywhere, and that the tracer keeps from being delivered. */
#define SIGKEEPER 14 /* SIGALRM */

/* include/uapi/linux/filter.h */
struct sock_filter {
	u16 code;
	u8 if_true;
	u8 if_false;
	u32 operand;
};

struct sock_fprog {
	u16 length;
	const struct sock_filter *filter;
};

/* The system calls that functions fall back to. x32's image is made from the code of x86-64 and makes its calls. */
#ifdef X32
#define BOTH(number) number, (number) - X32
#else
#define BOTH(number) number
#endif
static const s32 numbers[] = {
	BOTH(SYS_clock_gettime), BOTH(SYS_clock_getres), BOTH(SYS_gettimeofday), BOTH(SYS_getcpu),
	SYS_clock_gettime64, SYS_clock_getres_time64,
#ifdef SYS_time
	BOTH(SYS_time),
#endif
#ifdef SYS_getrandom
	BOTH(SYS_getrandom),
#endif
};
#define NUMBERS COUNT(numbers)

/* How often CALLS calls entered the kernel (a call may try two system calls), or why nobody knows. */
typedef u8 way;
#define UNTRIED 0xff
#define LACKING 0xfe
#define HUNG 0xfd
#define DIED 0xfc

/* What a child tries: `count` paths of a group from the one numbered `first` on. */
struct stretch {
	const struct path_group *group;
	u32 first, count;
};

/* What it reports: the errno of the filter where there is no tracer either, and what it found of each. */
struct report {
	s32 error;
	way ways[MOST_PATHS];
};

static word install_filter(void)
{
	struct sock_filter filter[NUMBERS + 3];
	struct sock_fprog program = { NUMBERS + 3, filter };
	word result;

	/* The number is at offset 0 of struct seccomp_data. */
	filter[0] = (struct sock_filter){ LOAD_WORD, 0, 0, 0 };
	for (u32 index = 0; index < NUMBERS; index++)
		filter[1 + index] =
			(struct sock_filter){ JUMP_IF_EQUAL, (u8)(NUMBERS - index), 0, (u32)numbers[index] };
	filter[NUMBERS + 1] = (struct sock_filter){ RETURN, 0, 0, SECCOMP_RET_ALLOW };
	filter[NUMBERS + 2] = (struct sock_filter){ RETURN, 0, 0, SECCOMP_RET_ERRNO | MAGIC_ERRNO };
	result = system_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (result < 0)
		return result;
	return system_call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, WORD(&program), 0, 0);
}

/* Makes ready what calls need; the ways of those for which that cannot be had are LACKING. */
static void prepare(const struct stretch *stretch, way *ways)
{
	for (u32 index = 0; index < stretch->count; index++) {
		const struct tried *tried = stretch->group->paths[stretch->first + index].tried;

		ways[index] = tried->function->prepare && !tried->function->prepare(&tried->subject) ? LACKING : 0;
	}
}

/* Calls that entered the kernel, of CALLS. */
static way count_entries(const struct stretch *stretch, u32 index)
{
	const struct path_case *path = stretch->group->paths[stretch->first + index].path;
	const struct tried *tried = stretch->group->paths[stretch->first + index].tried;
	way entered = 0;

	for (u32 call = 0; call < CALLS; call++)
		entered += (s32)path->call(&tried->subject, path->argument) == -MAGIC_ERRNO;
	return entered;
}

/* The path that the traced process is at, counted from 1. The tracer looks whenever the process stops, which it does for
 * nothing else: each stop is two changes of processes. */
static volatile unsigned long current;

static void be_traced(const struct stretch *stretch, const way *ways)
{
	if (system_call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0, 0) < 0)
		exit_process(1);
	signal_process((s32)process_id(), SIGKEEPER);
	for (u32 index = 0; index < stretch->count; index++) {
		current = index + 1;
		if (ways[index] != LACKING)
			count_entries(stretch, index);
	}
	current = 0;
	exit_process(0);
}

/* Lets the traced process run to its end, and counts for each path the times it stopped at a system call; false when the
 * process did not come to its end. */
static bool count_stops(s32 pid, u32 stops[MOST_PATHS + 1])
{
	for (;;) {
		unsigned long at = 0;
		s32 code, status;

		if (system_call(SYS_ptrace, PTRACE_SYSCALL, pid, 0, 0, 0) < 0)
			return 0;
		wait_for_stop(pid, &code, &status);
		if (code != CLD_TRAPPED || status != SIGTRAP)
			return code == CLD_EXITED && status == 0;
		system_call(SYS_ptrace, PTRACE_PEEKDATA, pid, WORD(&current), WORD(&at), 0);
		if (at <= MOST_PATHS)
			stops[at]++;
	}
}

/* Kernels without seccomp filters: a tracer sees each system call twice, when it begins and when it ends. What it says is
 * all or, when the process died, nothing. */
static void trace_paths(const struct stretch *stretch, s32 report_fd, s32 error)
{
	u32 stops[MOST_PATHS + 1] = { 0 };
	struct report report = { 0 };
	s32 code, status, pid = (s32)fork_process();

	/* A child has nothing that was made ready for its parent (see random.c). */
	prepare(stretch, report.ways);
	if (pid == 0)
		be_traced(stretch, report.ways);
	wait_for_stop(pid, &code, &status);
	if (pid < 0 || code != CLD_TRAPPED) {
		write_bytes(report_fd, &error, sizeof(error));
		return;
	}
	system_call(SYS_ptrace, PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL, 0);
	if (!count_stops(pid, stops)) {
		kill_process(pid);
		write_bytes(report_fd, &report.error, sizeof(report.error));
		return;
	}
	for (u32 index = 0; index < stretch->count; index++)
		if (report.ways[index] != LACKING)
			report.ways[index] = (way)(stops[index + 1] / 2);
	write_bytes(report_fd, &report, (u32)sizeof(report.error) + stretch->count);
}

static void try_stretch(const void *argument, s32 report_fd)
{
	const struct stretch *stretch = argument;
	way ways[MOST_PATHS];
	s32 error;

	prepare(stretch, ways);
	error = (s32)-install_filter();
	if (error) {
		trace_paths(stretch, report_fd, error);
		return;
	}
	write_bytes(report_fd, &error, sizeof(error));
	for (u32 index = 0; index < stretch->count; index++) {
		if (ways[index] != LACKING)
			ways[index] = count_entries(stretch, index);
		write_bytes(report_fd, &ways[index], sizeof(ways[index]));
	}
}

void try_paths(const struct path_group *group, s32 report_fd)
{
	const struct stretch all = { group, 0, group->count };

	try_stretch(&all, report_fd);
}

/* How many ways a child found, and the errno for which there are none. What a shared child reports is about all paths. */
static u32 find_stretch(const struct stretch *stretch, struct attempt *attempt, way *ways, s32 *error)
{
	u32 found;

	attempt_part(attempt, try_stretch, stretch, PATH_SECONDS);
	attempt->shared = 0;
	if (attempt->left < sizeof(*error))
		return 0;
	memcpy(error, attempt->next, sizeof(*error));
	found = attempt->left - (u32)sizeof(*error);
	if (found > stretch->count)
		found = stretch->count;
	memcpy(ways, attempt->next + sizeof(*error), found);
	return found;
}

/* Where a child did not come to its end, its tracer does not know at which path: then each has a child of its own. */
static s32 find_ways(const struct path_group *group, struct attempt *attempt, way *ways)
{
	struct stretch stretch = { group, 0, group->count };
	s32 error = 0;

	memset(ways, UNTRIED, group->count);
	while (stretch.first < group->count) {
		u32 found = find_stretch(&stretch, attempt, ways + stretch.first, &error);

		if (error)
			return error;
		if (!found && stretch.count > 1) {
			stretch.count = 1;
			continue;
		}
		stretch.first += found;
		if (found < stretch.count) {
			const struct tried *tried = group->paths[stretch.first].tried;

			ways[stretch.first] = attempt->ending.how == ENDED_HANG ? HUNG : DIED;
			/* The function's other paths would only cost more time. */
			while (stretch.first < group->count && group->paths[stretch.first].tried == tried)
				stretch.first++;
		}
		if (stretch.count > group->count - stretch.first)
			stretch.count = group->count - stretch.first;
	}
	return 0;
}

/* What was made ready for calls may have been spoilt before they were made, once in a long while. */
static void try_again(const struct path_group *group, struct attempt *attempt, way *ways)
{
	for (u32 index = 0; index < group->count; index++) {
		struct stretch stretch = { group, index, 1 };
		s32 error = 0;

		if (group->paths[index].tried->function->prepare && ways[index] && ways[index] <= DIED)
			find_stretch(&stretch, attempt, &ways[index], &error);
	}
}

static void put_way(struct speaker *speaker, const struct path_case *path, way found)
{
	if (path->argument == NO_ARGUMENT)
		put_text(speaker, "-");
	else
		put_signed(speaker, path->argument);
	add_text(speaker, "=");
	add_text(speaker, found == 0	   ? "vdso" :
			  found == LACKING ? "lacking" :
			  found == HUNG	   ? "hang" :
			  found == DIED	   ? "died" :
			  found < CALLS	   ? "mixed" :
					     "fallback");
}

static void say_ways(struct speaker *speaker, const struct path_group *group, const way *ways, s32 error)
{
	for (u32 index = 0; index < group->count; index++) {
		const struct tried *tried = group->paths[index].tried;

		if (!index || tried != group->paths[index - 1].tried) {
			frame_begin(speaker, "path");
			put_text(speaker, tried->subject.symbol);
			if (error) {
				put_text(speaker, "unknown:");
				add_signed(speaker, error);
			}
		}
		if (!error && ways[index] != UNTRIED)
			put_way(speaker, group->paths[index].path, ways[index]);
		if (index + 1 == group->count || tried != group->paths[index + 1].tried)
			frame_end(speaker);
	}
}

void find_paths(const struct tried *tried, u32 count, struct path_group *group)
{
	group->count = 0;
	for (u32 index = 0; index < count; index++) {
		const struct function *function = tried[index].function;

		for (u32 path = 0; path < function->path_count && group->count < MOST_PATHS; path++) {
			group->paths[group->count].tried = &tried[index];
			group->paths[group->count++].path = &function->paths[path];
		}
	}
}

void say_paths(struct speaker *speaker, const struct path_group *group, struct attempt *attempt)
{
	way ways[MOST_PATHS];
	s32 error = find_ways(group, attempt, ways);

	if (!error)
		try_again(group, attempt, ways);
	say_ways(speaker, group, ways, error);
}
