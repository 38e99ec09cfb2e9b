/* Runs the cases of each function in children, and says what became of them. */
#include "cases.h"

#include "child.h"
#include "system.h"

#define CASES_SECONDS 5
#define LONGEST_SYMBOL 64
/* Of a child: all that its cases put. A case that finds no room for its fields would look like a crash. */
#define REPORT_SIZE 8192
#define LARGEST_ERRNO 4095

/* What a child hands over: whether the case ended, and how many bytes of fields follow. */
struct record {
	u8 complete;
	u8 length;
};

struct group {
	const struct subject *subject;
	const struct test_case *cases;
	u32 count;
};

static void hand(s32 fd, bool complete, const struct speaker *said)
{
	u8 bytes[sizeof(struct record) + FRAME_LIMIT];
	struct record record = { complete, (u8)said->length };

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), said->line, record.length);
	write_bytes(fd, bytes, (u32)sizeof(record) + record.length);
}

void hand_over(const struct subject *subject, const struct speaker *said)
{
	hand(subject->report_fd, 0, said);
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

static void run_cases(const void *argument, s32 report_fd)
{
	const struct group *group = argument;
	struct subject subject = *group->subject;
	struct speaker said = { .name = "" };

	subject.report_fd = report_fd;
	for (u32 index = 0; index < group->count; index++) {
		said.length = 0;
		group->cases[index].run(&subject, group->cases[index].argument, &said);
		hand(report_fd, 1, &said);
	}
}

static void begin_case(struct speaker *speaker, const struct subject *subject, const struct test_case *test)
{
	frame_begin(speaker, "case");
	put_text(speaker, subject->symbol);
	put_text(speaker, test->name);
	if (test->argument != NO_ARGUMENT) {
		add_text(speaker, "/");
		add_signed(speaker, test->argument);
	}
}

static void add_fields(struct speaker *speaker, const u8 *bytes, u32 length)
{
	char text[FRAME_LIMIT + 1];

	memcpy(text, bytes, length);
	text[length] = 0;
	add_text(speaker, text);
}

/* Says the cases that ended; how many, and where in the report the fields of the one that did not end begin. */
static u32 say_ended(struct speaker *speaker, const struct group *group, const u8 *report, u32 size, u32 *rest)
{
	struct record record;
	u32 ended = 0, at = 0;

	*rest = size;
	while (ended < group->count && size - at >= sizeof(record)) {
		memcpy(&record, report + at, sizeof(record));
		if (record.length > size - at - sizeof(record))
			break;
		if (record.complete) {
			begin_case(speaker, group->subject, &group->cases[ended++]);
			add_fields(speaker, report + at + sizeof(record), record.length);
			frame_end(speaker);
			*rest = size;
		} else {
			*rest = at;
		}
		at += (u32)sizeof(record) + record.length;
	}
	return ended;
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

void say_cases(struct speaker *speaker, const struct subject *subject, const struct test_case *cases, u32 count)
{
	struct group group = { subject, cases, count };
	struct record record;
	u8 report[REPORT_SIZE];
	u32 ended, rest;

	while (group.count) {
		struct ending ending = run_in_child(run_cases, &group, CASES_SECONDS, report, sizeof(report));

		ended = say_ended(speaker, &group, report, ending.reported, &rest);
		group.cases += ended;
		group.count -= ended;
		if (!group.count)
			return;
		begin_case(speaker, subject, group.cases);
		if (rest < ending.reported) {
			memcpy(&record, report + rest, sizeof(record));
			add_fields(speaker, report + rest + sizeof(record), record.length);
		} else {
			put_text(speaker, "-");
		}
		put_ending(speaker, &ending);
		frame_end(speaker);
		group.cases++;
		group.count--;
		/* What follows would only cost more time. */
		if (ending.how == ENDED_HANG || ending.how == ENDED_UNSTARTED)
			return;
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

void say_table(struct speaker *speaker, const struct vdso_image *image, const struct function *functions, u32 count)
{
	char symbol[LONGEST_SYMBOL];

	for (u32 index = 0; index < count; index++) {
		const struct function *function = &functions[index];
		struct subject subject = { image, symbol, 0, function->shape, -1 };

		subject.code = find_named(image, function->name, symbol);
		if (!subject.code)
			continue;
		say_cases(speaker, &subject, function->cases, function->case_count);
		if (function->path_count)
			say_paths(speaker, &subject, function->paths, function->path_count);
	}
}

void say_functions(struct speaker *speaker, const struct vdso_image *image)
{
	say_table(speaker, image, time_functions, time_function_count);
	say_table(speaker, image, cpu_functions, cpu_function_count);
}
