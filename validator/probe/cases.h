/* Cases: one call of a function beside what it must agree with, and whether a call enters the kernel.
 *
 * A function is a row of a table (struct function), its cases and paths are tables too. The cases of all functions run one
 * after the other in a child, and their paths behind them. A crash or a hang is what the case says, and the next child goes
 * on behind it, or after a crash behind hand_over the same child. */
#ifndef CASES_H
#define CASES_H

#include "child.h"
#include "clocks.h"
#include "vdso.h"

/* A case or path without an argument. */
#define NO_ARGUMENT (-0x7fffffff - 1)
/* An address that no process has anything at, and that every type may lie at (mmap_min_addr). */
#define BAD_POINTER 0x10

struct subject {
	const struct vdso_image *image;
	const char *symbol;
	unsigned long code;
	enum shape shape; /* of time functions */
	s32 report_fd; /* set in the child */
};

/* `run` puts two fields: what the function must agree with (what the system call says), and what the function says.
 * A field is `errno:<n>`, a value, or, as the first, a range `<low>..<high>`; see also put_failure and put_lacking. */
struct test_case {
	const char *name; /* said as name, or name/argument */
	s32 argument;
	void (*run)(const struct subject *subject, s32 argument, struct speaker *said);
};

/* `call` calls the function once and returns what it returned. The system calls it may fall back to are to be in the
 * list of paths.c. */
struct path_case {
	s32 argument; /* said as it is, or as `-` */
	word (*call)(const struct subject *subject, s32 argument);
};

struct function {
	const char *name; /* the symbol's, without __vdso_ or __kernel_ */
	enum shape shape;
	const struct test_case *cases;
	u32 case_count;
	const struct path_case *paths;
	u32 path_count;
	/* Makes ready, in the process that calls, what calls for paths need; false where that cannot be had. Left out
	 * where they need nothing. */
	bool (*prepare)(const struct subject *subject);
	/* The next case would suffer from a crash of the last one if it ran in the same process. */
	bool crash_lasts;
};

/* A function that the image has. */
struct tried {
	struct subject subject;
	const struct function *function;
};

/* What is no function of an image: its symbol, and its address if it is called at one. */
#define ENTRY(name, address, table) \
	{ { .symbol = name, .code = address, .report_fd = -1 }, &(const struct function){ CASES(table) } }

struct table {
	const struct function *functions;
	const u32 *count;
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define CASES(table) .cases = table, .case_count = COUNT(table)
#define PATHS(table) .paths = table, .path_count = COUNT(table)

/* The tables of time_cases.c and cpu_cases.c; special_cases.h has those of few ABIs. */
extern const struct function time_functions[];
extern const u32 time_function_count;
extern const struct function cpu_functions[];
extern const u32 cpu_function_count;

#define LONGEST_SYMBOL 64
/* Finds the functions of a table that the image exports, and their symbols; how many there are. */
u32 find_tried(const struct vdso_image *image, const struct table *table, struct tried *tried,
	       char symbols[][LONGEST_SYMBOL], u32 room);

/* Paths one after the other, of the same function or of several. */
#define MOST_PATHS 64
struct path_group {
	struct {
		const struct tried *tried;
		const struct path_case *path;
	} paths[MOST_PATHS];
	u32 count;
};

void find_paths(const struct tried *tried, u32 count, struct path_group *group);
/* Tries all paths in the child that calls it (paths.c). */
void try_paths(const struct path_group *group, s32 report_fd);
/* Says a `path` for each function: for each argument whether the calls of it entered the kernel. */
void say_paths(struct speaker *speaker, const struct path_group *group, struct attempt *attempt);

/* The cases from the one numbered `next` of the first function on; if there are `paths`, a child tries them next. */
struct case_group {
	const struct tried *tried;
	u32 count;
	u32 next;
	const struct path_group *paths;
};

/* Runs a `struct case_group` in a child. */
void run_cases(const void *argument, s32 report_fd);
/* Says its cases in `case` frames. */
void say_cases(struct speaker *speaker, struct case_group group, struct attempt *attempt);

/* The address of __vdso_<name> or __kernel_<name>; 0 if there is neither. */
unsigned long find_function(const struct vdso_image *image, const char *name);

/* Hands the parent what a case has put so far: a case that may crash does it before it calls the function. */
void hand_over(const struct subject *subject, const struct speaker *said);
/* Puts `errno:<n>` or `returned:<n>` and says true; false when 0 was returned, and the answer is still to be put. */
bool put_failure(struct speaker *said, s64 returned);
/* For functions that answer nothing but success: `0`, or as above. */
void put_returned(struct speaker *said, s64 returned);
/* Puts both fields of a case that has nothing to be tried on: `lacking:<what>`, twice. */
void put_lacking(struct speaker *said, const char *what);

#endif
