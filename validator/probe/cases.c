/* Runs the cases of each function in children, and says what became of them. */
#include "cases.h"

#include "child.h"
#include "system.h"

/* Of all cases; one that hangs is what takes so long. */
#define CASES_SECONDS 5
#define LONGEST_SYMBOL 64
/* Of all tables together that an ABI has. */
#define MOST_TRIED 16
/* Of a child: all that its cases put. A case that finds no room for its fields would look like a crash. */
#define REPORT_SIZE 32768
#define LARGEST_ERRNO 4095

/* What a child hands over: whether the case ended, and how many bytes of fields follow. */
struct record {
	u8 complete;
	u8 length;
};

/* The cases from the one numbered `next` of the first function on. */
struct group {
	const struct tried *tried;
	u32 count;
	u32 next;
};

static const struct test_case *next_case(const struct group *group)
{
	return &group->tried->function->cases[group->next];
}

/* Puts an end to a function whose cases are all done; false when there is none left. */
static bool find_next(struct group *group)
{
	while (group->count && group->next >= group->tried->function->case_count) {
		group->tried++;
		group->count--;
		group->next = 0;
	}
	return group->count != 0;
}

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
	struct group group = *(const struct group *)argument;
	struct speaker said = { .name = "" };

	for (; find_next(&group); group.next++) {
		struct subject subject = group.tried->subject;

		subject.report_fd = report_fd;
		said.length = 0;
		next_case(&group)->run(&subject, next_case(&group)->argument, &said);
		hand(report_fd, 1, &said);
	}
}

static void begin_case(struct speaker *speaker, const struct group *group)
{
	const struct test_case *test = next_case(group);

	frame_begin(speaker, "case");
	put_text(speaker, group->tried->subject.symbol);
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

/* Says the cases that ended, and where in the report the fields of the one that did not end begin. */
static u32 say_ended(struct speaker *speaker, struct group *group, const u8 *report, u32 size)
{
	struct record record;
	u32 at = 0, rest = size;

	while (find_next(group) && size - at >= sizeof(record)) {
		memcpy(&record, report + at, sizeof(record));
		if (record.length > size - at - sizeof(record))
			break;
		if (record.complete) {
			begin_case(speaker, group);
			add_fields(speaker, report + at + sizeof(record), record.length);
			frame_end(speaker);
			group->next++;
			rest = size;
		} else {
			rest = at;
		}
		at += (u32)sizeof(record) + record.length;
	}
	return rest;
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

static void say_group(struct speaker *speaker, struct group group)
{
	u8 report[REPORT_SIZE];

	while (find_next(&group)) {
		struct ending ending = run_in_child(run_cases, &group, CASES_SECONDS, report, sizeof(report));
		u32 rest = say_ended(speaker, &group, report, ending.reported);

		if (!find_next(&group))
			return;
		begin_case(speaker, &group);
		if (rest < ending.reported) {
			struct record record;

			memcpy(&record, report + rest, sizeof(record));
			add_fields(speaker, report + rest + sizeof(record), record.length);
		} else {
			put_text(speaker, "-");
		}
		put_ending(speaker, &ending);
		frame_end(speaker);
		/* What follows of the same function would only cost more time. */
		if (ending.how == ENDED_HANG || ending.how == ENDED_UNSTARTED)
			group.next = group.tried->function->case_count;
		else
			group.next++;
	}
}

void say_cases(struct speaker *speaker, const struct subject *subject, const struct test_case *cases, u32 count)
{
	struct function function = { .cases = cases, .case_count = count };
	struct tried tried = { *subject, &function };

	say_group(speaker, (struct group){ &tried, 1, 0 });
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

void say_tables(struct speaker *speaker, const struct vdso_image *image, const struct table *tables, u32 count)
{
	struct tried tried[MOST_TRIED];
	char symbols[MOST_TRIED][LONGEST_SYMBOL];
	u32 found = 0;

	for (u32 index = 0; index < count; index++) {
		for (u32 row = 0; row < *tables[index].count && found < MOST_TRIED; row++) {
			const struct function *function = &tables[index].functions[row];
			unsigned long code = find_named(image, function->name, symbols[found]);

			if (!code)
				continue;
			tried[found].subject = (struct subject){ image, symbols[found], code, function->shape, -1 };
			tried[found].function = function;
			found++;
		}
	}
	say_group(speaker, (struct group){ tried, found, 0 });
	say_paths(speaker, tried, found);
}
