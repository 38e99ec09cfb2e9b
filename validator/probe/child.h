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

typedef void child_body(const void *argument, s32 report_fd);

/* Calls body(argument, report_fd) in a forked child and waits at most `seconds` for the end of it and of everything
 * that inherits the report's descriptor. What the child writes to that descriptor lands in `report`. */
struct ending run_in_child(child_body *body, const void *argument, u32 seconds, void *report, u32 report_size);

/* Of all that there is to try. A child that finds no room would look like a hang. */
#define REPORT_SIZE 32768

/* What a child reported, and how it ended. One child may run several parts of what there is to try: each part takes what
 * it reported off the front, and as soon as one finds that the child did not get to its end, the child is no longer
 * shared: this part and those behind it go on with children of their own. */
struct attempt {
	struct ending ending;
	bool shared;
	u32 left; /* bytes, at `next` */
	const u8 *next;
	u8 report[REPORT_SIZE] __attribute__((aligned(8)));
};

void begin_shared(struct attempt *attempt, child_body *body, const void *argument, u32 seconds);
/* Runs a child unless the attempt is a shared one, which has run. */
void attempt_part(struct attempt *attempt, child_body *body, const void *argument, u32 seconds);
void take_off(struct attempt *attempt, u32 bytes);

#endif
