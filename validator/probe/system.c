/* The system calls that the probe makes, with the differences between ABIs settled. */
#include "system.h"

#define AT_FDCWD (-100)
#define O_WRONLY 1 /* the same everywhere */
#define P_PID 1
#define WSTOPPED 2
#define WEXITED 4

/* siginfo_t is si_signo, si_errno, si_code, except on MIPS, which swaps the last two; si_status follows si_pid and
 * si_uid, which start at 12, or at 16 where the union holds 64-bit pointers (include/uapi/asm-generic/siginfo.h). */
#ifndef ABI_SIGINFO_CODE
#define ABI_SIGINFO_CODE 2
#endif
#define SIGINFO_STATUS (__SIZEOF_POINTER__ == 8 ? 6 : 5)

word write_bytes(s32 fd, const void *bytes, u32 size)
{
	return system_call(SYS_write, fd, WORD(bytes), (word)size, 0, 0);
}

word read_bytes(s32 fd, void *bytes, u32 size)
{
	word got;

	do
		got = system_call(SYS_read, fd, WORD(bytes), (word)size, 0, 0);
	while (got == -EINTR);
	return got;
}

word open_for_reading(const char *path)
{
	return system_call(SYS_openat, AT_FDCWD, WORD(path), 0, 0, 0);
}

word open_for_writing(const char *path)
{
	return system_call(SYS_openat, AT_FDCWD, WORD(path), O_WRONLY, 0, 0);
}

void close_file(s32 fd)
{
	system_call(SYS_close, fd, 0, 0, 0, 0);
}

word make_pipe(s32 ends[2])
{
	return system_call(SYS_pipe2, WORD(ends), 0, 0, 0, 0);
}

/* clone(2) with only an exit signal. s390 takes the (null) stack first (CONFIG_CLONE_BACKWARDS2). */
word fork_process(void)
{
#ifdef ABI_CLONE_STACK_FIRST
	return system_call(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return system_call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

word execute(const char *path, const char *option)
{
	const char *arguments[3] = { path, option, NULL };

	return system_call(SYS_execve, WORD(path), WORD(arguments), WORD(arguments + 2), 0, 0);
}

word process_id(void)
{
	return system_call(SYS_getpid, 0, 0, 0, 0, 0);
}

void signal_process(s32 pid, s32 number)
{
	system_call(SYS_kill, pid, number, 0, 0, 0);
}

void kill_process(s32 pid)
{
	signal_process(pid, SIGKILL);
}

/* waitid(2), for riscv32 has no wait4. */
static void wait_until(s32 pid, s32 events, s32 *code, s32 *status)
{
	s32 info[32] = { 0 };
	word result;

	do
		result = system_call(SYS_waitid, P_PID, pid, WORD(info), events, 0);
	while (result == -EINTR);
	*code = info[ABI_SIGINFO_CODE];
	*status = info[SIGINFO_STATUS];
}

void wait_for(s32 pid, s32 *code, s32 *status)
{
	wait_until(pid, WEXITED, code, status);
}

void wait_for_stop(s32 pid, s32 *code, s32 *status)
{
	wait_until(pid, WEXITED | WSTOPPED, code, status);
}

void exit_process(s32 status)
{
	for (;;)
		system_call(SYS_exit, status, 0, 0, 0, 0);
}

/* ppoll(2) on one descriptor or none (fd < 0). The kernel leaves the time that remains in `timeout`.
 * 32-bit ABIs have ppoll_time64 since Linux 5.1, and ppoll only before that or with CONFIG_COMPAT_32BIT_TIME. */
word poll_readable(s32 fd, struct wide_time *timeout)
{
	struct pollfd entry = { fd, POLLIN, 0 };
	word result = -ENOSYS;

	if (SYS_ppoll_time64 != SYS_ABSENT)
		result = system_call(SYS_ppoll_time64, WORD(&entry), 1, WORD(timeout), 0, 0);
	if (result == -ENOSYS && SYS_ppoll != SYS_ABSENT) {
#if ABI_WIDE_TIME
		result = system_call(SYS_ppoll, WORD(&entry), 1, WORD(timeout), 0, 0);
#else
		struct narrow_time narrow = { (s32)timeout->seconds, (s32)timeout->fraction };

		result = system_call(SYS_ppoll, WORD(&entry), 1, WORD(&narrow), 0, 0);
		timeout->seconds = narrow.seconds;
		timeout->fraction = narrow.fraction;
#endif
	}
	return result;
}

void sleep_milliseconds(u32 milliseconds)
{
	struct wide_time timeout = { 0, (s64)(s32)(milliseconds * 1000000u) };

	poll_readable(-1, &timeout);
}
