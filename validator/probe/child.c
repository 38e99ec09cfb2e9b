/* Runs a function in a child process. The end of one pipe tells the end of the child, so one ppoll is the deadline; its
 * report comes through another, which nobody waits at: a child that reports often does not wake its parent each time. */
#include "child.h"

#include "system.h"

/* Waits until nobody has the pipe's other end any more; false when the time is up first. */
static bool wait_for_end(s32 fd, u32 seconds)
{
	struct wide_time left = { seconds, 0 };
	u8 nothing;
	word ready;

	do
		ready = poll_readable(fd, &left);
	while (ready == -EINTR);
	/* A kernel without any ppoll has no deadline, but still an answer: reading waits, too. */
	if (ready < 0)
		read_bytes(fd, &nothing, sizeof(nothing));
	return ready != 0;
}

/* Reads what the pipe holds by now. A process that outlived its deadline may still have its other end. */
static u32 read_report(s32 fd, bool ended, u8 *report, u32 report_size)
{
	u32 reported = 0;
	word got;

	do {
		struct wide_time none = { 0, 0 };

		if (reported == report_size || (!ended && poll_readable(fd, &none) <= 0))
			break;
		got = read_bytes(fd, report + reported, report_size - reported);
		if (got > 0)
			reported += (u32)got;
	} while (got > 0);
	return reported;
}

static void close_pipe(const s32 ends[2])
{
	close_file(ends[0]);
	close_file(ends[1]);
}

/* 0 or -errno; none is left open in the latter case. */
static word make_pipes(s32 ending[2], s32 reporting[2])
{
	word result = make_pipe(ending);

	if (result < 0)
		return result;
	result = make_pipe(reporting);
	if (result < 0)
		close_pipe(ending);
	return result;
}

struct ending run_in_child(child_body *body, const void *argument, u32 seconds, void *report, u32 report_size)
{
	struct ending ending = { ENDED_UNSTARTED, 0, 0 };
	s32 lives[2], reports[2], code;
	word pid = make_pipes(lives, reports);
	bool in_time;

	if (pid < 0) {
		ending.status = (s32)-pid;
		return ending;
	}
	pid = fork_process();
	if (pid == 0) {
		close_file(lives[0]);
		close_file(reports[0]);
		body(argument, reports[1]);
		exit_process(0);
	}
	if (pid < 0) {
		ending.status = (s32)-pid;
		close_pipe(lives);
		close_pipe(reports);
		return ending;
	}
	close_file(lives[1]);
	close_file(reports[1]);
	in_time = wait_for_end(lives[0], seconds);
	if (!in_time)
		kill_process((s32)pid);
	wait_for((s32)pid, &code, &ending.status);
	ending.reported = read_report(reports[0], in_time, report, report_size);
	close_file(lives[0]);
	close_file(reports[0]);
	if (code == CLD_EXITED)
		ending.how = ENDED_EXIT;
	else if (!in_time && ending.status == SIGKILL)
		ending.how = ENDED_HANG;
	else
		ending.how = ENDED_SIGNAL;
	return ending;
}

void begin_shared(struct attempt *attempt, child_body *body, const void *argument, u32 seconds)
{
	attempt->shared = 0;
	attempt_part(attempt, body, argument, seconds);
	attempt->shared = 1;
}

void attempt_part(struct attempt *attempt, child_body *body, const void *argument, u32 seconds)
{
	if (attempt->shared)
		return;
	attempt->ending = run_in_child(body, argument, seconds, attempt->report, sizeof(attempt->report));
	attempt->next = attempt->report;
	attempt->left = attempt->ending.reported;
}

void take_off(struct attempt *attempt, u32 bytes)
{
	attempt->next += bytes;
	attempt->left -= bytes;
}
