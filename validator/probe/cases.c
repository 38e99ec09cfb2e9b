/* Runs the cases of each function in children, and says what became of them. */
#include "cases.h"

#include "child.h"
#include "signals.h"
#include "system.h"

/* Of all cases; one that hangs is what takes so long. */
#define CASES_SECONDS 5
#define LARGEST_ERRNO 4095
/* Of the argument of a case with what joins it, and of how a case ended that did not come to its end. */
#define LONGEST_ARGUMENT 12
#define LONGEST_ENDING 12

/* What a child hands over: how far the case has come, and how many bytes of fields follow. */
struct record {
	u8 state;
	u8 length;
};
enum { BEGUN, COMPLETE, CRASHED };

/* What the speaker's unfinished frame is about; NULL where there is none. */
struct open_frame {
	struct speaker *speaker;
	const struct tried *tried;
};

static const struct test_case *next_case(const struct case_group *group)
{
	return &group->tried->function->cases[group->next];
}

/* Puts an end to a function whose cases are all done; false when there is none left. */
static bool find_next(struct case_group *group)
{
	while (group->count && group->next >= group->tried->function->case_count) {
		group->tried++;
		group->count--;
		group->next = 0;
	}
	return group->count != 0;
}

/* What this child is at. */
static struct {
	struct case_group group;
	struct speaker said;
	s32 report_fd;
	word process;
	bool handed_over; /* the case may crash from here on */
} running;

static void hand(s32 fd, u8 state, const struct speaker *said)
{
	u8 bytes[sizeof(struct record) + FRAME_LIMIT];
	struct record record = { state, (u8)said->length };

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), said->line, record.length);
	write_bytes(fd, bytes, (u32)sizeof(record) + record.length);
}

void hand_over(const struct subject *subject, const struct speaker *said)
{
	hand(subject->report_fd, BEGUN, said);
	running.handed_over = 1;
}

bool put_failure(struct speaker *said, s64 returned)
{
	if (returned == 0)
		return 0;
	if (returned < 0 && returned >= -LARGEST_ERRNO) {
		put_error(said, (s32)-returned);
	} else {
		put_text(said, "returned:");
		add_signed(said, returned);
	}
	return 1;
}

void put_returned(struct speaker *said, s64 returned)
{
	if (!put_failure(said, returned))
		put_unsigned(said, 0);
}

void put_lacking(struct speaker *said, const char *what)
{
	for (u32 field = 0; field < 2; field++) {
		put_text(said, "lacking:");
		add_text(said, what);
	}
}

static void run_rest(void)
{
	for (; find_next(&running.group); running.group.next++) {
		struct subject subject = running.group.tried->subject;
		const struct test_case *test = next_case(&running.group);

		subject.report_fd = running.report_fd;
		running.said.length = 0;
		running.handed_over = 0;
		test->run(&subject, test->argument, &running.said);
		hand(running.report_fd, COMPLETE, &running.said);
	}
	running.handed_over = 0;
	if (running.group.paths)
		try_paths(running.group.paths, running.report_fd);
}

#ifdef SYS_rt_sigaction
/* A crash that a case was prepared for costs no further child: the next cases run on top of it, and nobody returns to what
 * crashed. Any other ends the child, and so does one in a child of its own. */
static void go_on_after_crash(s32 number)
{
	if (!running.handed_over || running.group.tried->function->crash_lasts || process_id() != running.process) {
		handle_signals(number, NULL, 0);
		signal_process((s32)process_id(), number);
		return;
	}
	running.handed_over = 0;
	running.said.length = 0;
	hand(running.report_fd, CRASHED, &running.said);
	running.group.next++;
	run_rest();
	exit_process(0);
}
#endif

void run_cases(const void *argument, s32 report_fd)
{
	running.group = *(const struct case_group *)argument;
	running.said.name = "";
	running.report_fd = report_fd;
	running.process = process_id();
#ifdef SYS_rt_sigaction
	handle_signals(SIGSEGV, go_on_after_crash, SA_NODEFER);
#endif
	run_rest();
}

static void end_frame(struct open_frame *open)
{
	if (open->tried)
		frame_end(open->speaker);
	open->tried = NULL;
}

/* Cases of one function share a frame as long as there is room: `length` is that of the fields to follow. */
static void begin_case(struct open_frame *open, const struct case_group *group, u32 length)
{
	const struct test_case *test = next_case(group);
	struct speaker *speaker = open->speaker;

	length += string_length(test->name) + LONGEST_ARGUMENT;
	if (open->tried != group->tried || frame_room(speaker) < length) {
		end_frame(open);
		frame_begin(speaker, "case");
		put_text(speaker, group->tried->subject.symbol);
		open->tried = group->tried;
	}
	put_text(speaker, test->name);
	if (test->argument != NO_ARGUMENT) {
		add_text(speaker, "/");
		add_signed(speaker, test->argument);
	}
}

/* Fields that a case put, in the report. */
struct part {
	const u8 *fields;
	u32 length;
};

static void add_fields(struct speaker *speaker, struct part part)
{
	char text[FRAME_LIMIT + 1];

	memcpy(text, part.fields, part.length);
	text[part.length] = 0;
	add_text(speaker, text);
}

/* Says how the child ended in place of what the function says: `signal:<n>`, `hang`, or `died`. */
static void put_ending(struct speaker *speaker, const struct ending *ending)
{
	if (ending->how == ENDED_HANG) {
		put_text(speaker, "hang");
	} else if (ending->how == ENDED_SIGNAL) {
		put_text(speaker, "signal:");
		add_signed(speaker, ending->status);
	} else {
		put_text(speaker, "died");
	}
}

static void say_ended(struct open_frame *open, struct case_group *group, struct part all)
{
	begin_case(open, group, all.length);
	add_fields(open->speaker, all);
	group->next++;
}

/* `begun` is what the case had put by then, if anything. */
static void say_failed(struct open_frame *open, struct case_group *group, struct part begun, const struct ending *ending)
{
	begin_case(open, group, begun.length + LONGEST_ENDING);
	if (begun.length)
		add_fields(open->speaker, begun);
	else
		put_text(open->speaker, "-");
	put_ending(open->speaker, ending);
	group->next++;
}

/* Says the cases that the report is whole about; what is left is what the next one had put, if anything. */
static struct part say_reported(struct open_frame *open, struct case_group *group, struct attempt *attempt)
{
	static const struct ending crash = { ENDED_SIGNAL, SIGSEGV, 0 };
	struct part begun = { NULL, 0 };

	while (find_next(group) && attempt->left >= sizeof(struct record)) {
		struct record record;
		struct part part;

		memcpy(&record, attempt->next, sizeof(record));
		if (record.length > attempt->left - sizeof(record))
			break;
		part = (struct part){ attempt->next + sizeof(record), record.length };
		take_off(attempt, (u32)sizeof(record) + record.length);
		if (record.state == BEGUN) {
			begun = part;
			continue;
		}
		if (record.state == COMPLETE)
			say_ended(open, group, part);
		else
			say_failed(open, group, begun, &crash);
		begun.length = 0;
	}
	return begun;
}

void say_cases(struct speaker *speaker, struct case_group group, struct attempt *attempt)
{
	struct open_frame open = { speaker, NULL };

	group.paths = NULL;
	while (find_next(&group)) {
		struct part begun;

		attempt_part(attempt, run_cases, &group, CASES_SECONDS);
		begun = say_reported(&open, &group, attempt);
		if (find_next(&group)) {
			enum how_ended how = attempt->ending.how;

			attempt->shared = 0;
			say_failed(&open, &group, begun, &attempt->ending);
			/* What follows of the same function would only cost more time. */
			if (how == ENDED_HANG || how == ENDED_UNSTARTED)
				group.next = group.tried->function->case_count;
		}
		end_frame(&open);
	}
}

/* Each architecture uses one of the prefixes (arch/<arch>/kernel/vdso/vdso.lds.S). */
static unsigned long find_prefixed(const struct vdso_image *image, const char *prefix, const char *name, char *symbol)
{
	u32 length = string_length(prefix);

	memcpy(symbol, prefix, length);
	memcpy(symbol + length, name, string_length(name) + 1);
	return find_symbol(image, symbol);
}

static unsigned long find_named(const struct vdso_image *image, const char *name, char *symbol)
{
	unsigned long code = find_prefixed(image, "__vdso_", name, symbol);

	return code ? code : find_prefixed(image, "__kernel_", name, symbol);
}

unsigned long find_function(const struct vdso_image *image, const char *name)
{
	char symbol[LONGEST_SYMBOL];

	return find_named(image, name, symbol);
}

u32 find_tried(const struct vdso_image *image, const struct table *table, struct tried *tried,
	       char symbols[][LONGEST_SYMBOL], u32 room)
{
	u32 found = 0;

	for (u32 row = 0; row < *table->count && found < room; row++) {
		const struct function *function = &table->functions[row];
		unsigned long code = find_named(image, function->name, symbols[found]);

		if (!code)
			continue;
		tried[found].subject = (struct subject){ image, symbols[found], code, function->shape, -1 };
		tried[found].function = function;
		found++;
	}
	return found;
}
