/* Calls the functions of the vDSO, each next to the system call, in a child. */
#ifndef CALLS_H
#define CALLS_H

#include "child.h"
#include "clocks.h"
#include "vdso.h"

/* Of images that export everything under both prefixes, which none does. */
#define MOST_CALLS 34

struct call {
	const char *symbol;
	unsigned long code;
	enum shape shape;
	s32 clock;
};

/* All calls of all functions, in the order in which they are made. */
struct calls {
	const struct call *next;
	u32 count;
};

/* Finds the calls of every time function that the image exports; how many there are. */
u32 find_calls(const struct vdso_image *image, struct call calls[MOST_CALLS]);
/* Makes calls, a `struct calls`, in a child. */
void make_calls(const void *argument, s32 report_fd);
/* Says `call`, `crash` or `hang` for each. */
void say_calls(struct speaker *speaker, struct calls calls, struct attempt *attempt);

#endif
