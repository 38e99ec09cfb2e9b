/* Finds whether a function enters the kernel, without a clock: a seccomp filter answers its system calls with an errno
 * that nothing else has, and the function's callers see it or not. Where there are no filters, a tracer counts. */
#include "cases.h"

#include "child.h"
#include "system.h"

#define PATH_SECONDS 5
/* A function that falls back now and then shows in so many calls; so many are few enough for every boot. */
#define CALLS 3
#define MOST_PATHS 32

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
#define PTRACE_SYSCALL 24
#define PTRACE_SETOPTIONS 0x4200
#define PTRACE_O_EXITKILL 0x100000
#define SIGTRAP 5
/* A signal whose number is the same everywhere, and that the tracer keeps from being delivered. */
#define SIGKEEPER 14 /* SIGALRM */
/* For the signal that the process sends itself. */
#define OWN_STOPS 2

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
};
#define NUMBERS COUNT(numbers)

struct group {
	const struct subject *subject;
	const struct path_case *paths;
	u32 count;
};

/* A child's report: the errno of the filter where there is no tracer either, then a byte per path. */
struct report {
	s32 error;
	u8 entered[MOST_PATHS]; /* how often CALLS calls entered the kernel; a call may try two system calls */
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

/* Calls that entered the kernel, of CALLS. */
static u8 count_entries(const struct group *group, u32 index)
{
	const struct path_case *path = &group->paths[index];
	u8 entered = 0;

	for (u32 call = 0; call < CALLS; call++)
		entered += (s32)path->call(group->subject, path->argument) == -MAGIC_ERRNO;
	return entered;
}

/* What the tracer lets run: each path between two signals that it sees. */
static void be_traced(const struct group *group)
{
	s32 pid = (s32)process_id();

	if (system_call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0, 0) < 0)
		exit_process(1);
	signal_process(pid, SIGKEEPER);
	for (u32 index = 0; index < group->count; index++) {
		count_entries(group, index);
		signal_process(pid, SIGKEEPER);
	}
	exit_process(0);
}

/* Lets the traced process run to its next signal or its end, and counts the times it stopped at a system call. */
static bool run_to_signal(s32 pid, u32 *stops)
{
	s32 code, status;

	for (*stops = 0;; ++*stops) {
		if (system_call(SYS_ptrace, PTRACE_SYSCALL, pid, 0, 0, 0) < 0)
			return 0;
		wait_for_stop(pid, &code, &status);
		if (code != CLD_TRAPPED)
			return 0;
		if (status != SIGTRAP)
			return status == SIGKEEPER;
	}
}

/* Kernels without seccomp filters: a tracer sees each system call twice, when it begins and when it ends. */
static void trace_paths(const struct group *group, s32 report_fd, s32 error)
{
	s32 code, status, pid = (s32)fork_process();
	u32 stops;

	if (pid == 0) {
		/* The end of the report is the end of the tracer, not that of this process. */
		close_file(report_fd);
		be_traced(group);
	}
	wait_for_stop(pid, &code, &status);
	if (pid < 0 || code != CLD_TRAPPED) {
		write_bytes(report_fd, &error, sizeof(error));
		return;
	}
	system_call(SYS_ptrace, PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL, 0);
	error = 0;
	write_bytes(report_fd, &error, sizeof(error));
	for (u32 index = 0; index < group->count && run_to_signal(pid, &stops); index++) {
		u8 entered = (u8)((stops - OWN_STOPS) / 2);

		write_bytes(report_fd, &entered, sizeof(entered));
	}
	kill_process(pid);
}

static void try_paths(const void *argument, s32 report_fd)
{
	const struct group *group = argument;
	s32 error = (s32)-install_filter();

	if (error) {
		trace_paths(group, report_fd, error);
		return;
	}
	write_bytes(report_fd, &error, sizeof(error));
	for (u32 index = 0; index < group->count; index++) {
		u8 entered = count_entries(group, index);

		write_bytes(report_fd, &entered, sizeof(entered));
	}
}

static void put_path(struct speaker *speaker, const struct path_case *path)
{
	if (path->argument == NO_ARGUMENT)
		put_text(speaker, "-");
	else
		put_signed(speaker, path->argument);
	add_text(speaker, "=");
}

void say_paths(struct speaker *speaker, const struct subject *subject, const struct path_case *paths, u32 count)
{
	struct group group = { subject, paths, count };
	struct report report;
	struct ending ending = run_in_child(try_paths, &group, PATH_SECONDS, &report, sizeof(report));
	u32 tried = ending.reported < sizeof(report.error) ? 0 : ending.reported - (u32)sizeof(report.error);

	frame_begin(speaker, "path");
	put_text(speaker, subject->symbol);
	if (ending.reported >= sizeof(report.error) && report.error) {
		put_text(speaker, "unknown:");
		add_signed(speaker, report.error);
		frame_end(speaker);
		return;
	}
	for (u32 index = 0; index < tried; index++) {
		u8 entered = report.entered[index];

		put_path(speaker, &paths[index]);
		add_text(speaker, entered == 0 ? "vdso" : entered >= CALLS ? "fallback" : "mixed");
	}
	if (tried < count) {
		put_path(speaker, &paths[tried]);
		add_text(speaker, ending.how == ENDED_HANG ? "hang" : "died");
	}
	frame_end(speaker);
}
