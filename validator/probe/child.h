/* Runs a function in a child process, so that a crash or a hang becomes a result. */
#ifndef CHILD_H
#define CHILD_H

#include "types.h"

enum how_ended {
	ENDED_EXIT,
	ENDED_SIGNAL,
	ENDED_HANG, /* did not end in time, and was killed */
	ENDED_UNSTARTED, /* no pipe or no process */
};

struct ending {
	enum how_ended how;
	s32 status; /* exit status, signal number, or errno */
	u32 reported; /* bytes of the report */
};

/* Calls body(argument, report_fd) in a forked child and waits at most `seconds` for the end of it and of everything
 * that inherits the report's descriptor. What the child writes to that descriptor lands in `report`. */
struct ending run_in_child(void (*body)(const void *argument, s32 report_fd), const void *argument, u32 seconds,
			   void *report, u32 report_size);

#endif
