/* Runs a function in a child process; the end of a pipe tells the end of the child, so one ppoll is the deadline. */
#include "child.h"

#include "system.h"

/* Reads until end of file; false when the time is up first. */
static bool read_report(s32 fd, u32 seconds, u8 *report, u32 report_size, u32 *reported)
{
	struct wide_time left = { seconds, 0 };
	u8 excess[16];
	word got;

	*reported = 0;
	do {
		word ready = poll_readable(fd, &left);
		bool full = *reported == report_size;

		if (ready == -EINTR) {
			got = 1;
			continue;
		}
		if (ready == 0)
			return 0;
		/* ready < 0: a kernel without any ppoll has no deadline, but still an answer. */
		if (full)
			got = read_bytes(fd, excess, sizeof(excess));
		else
			got = read_bytes(fd, report + *reported, report_size - *reported);
		if (got > 0 && !full)
			*reported += (u32)got;
	} while (got > 0);
	return 1;
}

struct ending run_in_child(void (*body)(const void *argument, s32 report_fd), const void *argument, u32 seconds,
			   void *report, u32 report_size)
{
	struct ending ending = { ENDED_UNSTARTED, 0, 0 };
	s32 ends[2], code;
	word pid;
	bool in_time;

	pid = make_pipe(ends);
	if (pid < 0) {
		ending.status = (s32)-pid;
		return ending;
	}
	pid = fork_process();
	if (pid == 0) {
		close_file(ends[0]);
		body(argument, ends[1]);
		exit_process(0);
	}
	close_file(ends[1]);
	if (pid < 0) {
		ending.status = (s32)-pid;
		close_file(ends[0]);
		return ending;
	}
	in_time = read_report(ends[0], seconds, report, report_size, &ending.reported);
	close_file(ends[0]);
	if (!in_time)
		kill_process((s32)pid);
	wait_for((s32)pid, &code, &ending.status);
	if (code == CLD_EXITED)
		ending.how = ENDED_EXIT;
	else if (!in_time && ending.status == SIGKILL)
		ending.how = ENDED_HANG;
	else
		ending.how = ENDED_SIGNAL;
	return ending;
}
