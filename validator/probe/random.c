/* getrandom: its parameters, memory for its state, odd lengths, wrong arguments, and a fork. */
#include "child.h"
#include "special_cases.h"
#include "system.h"

#ifdef SYS_getrandom

#define STATE_SIZE_OF_QUERY (-1)
#define GRND_NONBLOCK 1
#define LARGEST 1500
/* How many bytes it is asked for, but where lengths are tried. */
#define SAMPLE 32
#define GUARD 0xa5

/* include/uapi/linux/random.h */
struct vgetrandom_opaque_params {
	u32 size_of_opaque_state;
	u32 mmap_prot;
	u32 mmap_flags;
	u32 reserved[13];
};

struct state {
	word address;
	u32 size;
};

static word call_random(const struct subject *subject, void *buffer, word length, word flags, word state, word size)
{
	return call_vdso(subject->code, WORD(buffer), length, flags, state, size);
}

static word ask_parameters(const struct subject *subject, struct vgetrandom_opaque_params *parameters)
{
	memset(parameters, UNWRITTEN, sizeof(*parameters));
	return call_random(subject, NULL, 0, 0, WORD(parameters), STATE_SIZE_OF_QUERY);
}

static void draw_patiently(const void *argument, s32 report_fd)
{
	u8 byte;

	(void)argument;
	(void)report_fd;
	system_call(SYS_getrandom, WORD(&byte), 1, 0, 0, 0);
}

/* A kernel that has just booted may have no random numbers yet; it makes some while somebody waits for them. */
static bool has_entropy(void)
{
	static bool waited;
	u8 byte;

	if (system_call(SYS_getrandom, WORD(&byte), 1, GRND_NONBLOCK, 0, 0) != -EAGAIN)
		return 1;
	if (waited)
		return 0;
	waited = 1;
	run_in_child(draw_patiently, NULL, 2, &byte, sizeof(byte));
	return has_entropy();
}

/* False, with both fields put, where the function does not say what memory it needs, or there is none. */
static bool make_state(const struct subject *subject, struct state *state, struct speaker *said)
{
	struct vgetrandom_opaque_params parameters;

	if (!has_entropy()) {
		put_lacking(said, "entropy");
		return 0;
	}
	if (ask_parameters(subject, &parameters) != 0) {
		put_lacking(said, "parameters");
		return 0;
	}
	state->size = parameters.size_of_opaque_state;
	state->address =
		map_memory(parameters.size_of_opaque_state, (s32)parameters.mmap_prot, (s32)parameters.mmap_flags);
	if (is_error(state->address)) {
		put_lacking(said, "state");
		return 0;
	}
	return 1;
}

/* The size of the state is the kernel's own affair; the flags are for mmap. */
static void run_parameters(const struct subject *subject, s32 argument, struct speaker *said)
{
	struct vgetrandom_opaque_params parameters;
	word returned;

	(void)argument;
	put_unsigned(said, 1);
	add_text(said, "..4096");
	returned = ask_parameters(subject, &parameters);
	if (put_failure(said, returned))
		return;
	put_unsigned(said, parameters.size_of_opaque_state);
}

/* mmap(2) takes what the function asks for: 0. */
static void run_memory(const struct subject *subject, s32 argument, struct speaker *said)
{
	struct vgetrandom_opaque_params parameters;
	word mapped;

	(void)argument;
	if (ask_parameters(subject, &parameters) != 0) {
		put_lacking(said, "parameters");
		return;
	}
	mapped = map_memory(parameters.size_of_opaque_state, (s32)parameters.mmap_prot, (s32)parameters.mmap_flags);
	put_unsigned(said, 0);
	put_returned(said, is_error(mapped) ? mapped : 0);
}

/* As many bytes as were asked for, and none behind them. */
static void run_length(const struct subject *subject, s32 length, struct speaker *said)
{
	u8 buffer[LARGEST + 8];
	struct state state;
	u32 spilt = 0;
	word returned;

	if (!make_state(subject, &state, said))
		return;
	memset(buffer, GUARD, sizeof(buffer));
	put_signed(said, system_call(SYS_getrandom, WORD(buffer), length, 0, 0, 0));
	memset(buffer, GUARD, sizeof(buffer));
	hand_over(subject, said);
	returned = call_random(subject, buffer, length, 0, state.address, (word)state.size);
	for (s32 at = length; at < (s32)sizeof(buffer); at++)
		spilt += buffer[at] != GUARD;
	put_signed(said, returned);
	if (spilt)
		add_text(said, ",spilt");
}

/* Falls back to the system call, which knows of no state. */
static void run_wrong_size(const struct subject *subject, s32 size, struct speaker *said)
{
	u8 buffer[SAMPLE];
	struct state state;

	if (!make_state(subject, &state, said))
		return;
	put_signed(said, system_call(SYS_getrandom, WORD(buffer), SAMPLE, 0, 0, 0));
	hand_over(subject, said);
	put_signed(said, call_random(subject, buffer, SAMPLE, 0, state.address, size));
}

/* Bits that the system call refuses, and those that it takes (include/uapi/linux/random.h). */
static void run_flags(const struct subject *subject, s32 flags, struct speaker *said)
{
	u8 buffer[SAMPLE];
	struct state state;
	word returned;

	if (!make_state(subject, &state, said))
		return;
	returned = system_call(SYS_getrandom, WORD(buffer), SAMPLE, flags, 0, 0);
	if (returned < 0)
		put_error(said, (s32)-returned);
	else
		put_signed(said, returned);
	hand_over(subject, said);
	returned = call_random(subject, buffer, SAMPLE, flags, state.address, (word)state.size);
	if (returned < 0)
		put_error(said, (s32)-returned);
	else
		put_signed(said, returned);
}

static bool same_bytes(const u8 *one, const u8 *other)
{
	u32 same = 0;

	for (u32 at = 0; at < SAMPLE; at++)
		same += one[at] == other[at];
	return same == SAMPLE;
}

static void put_likeness(struct speaker *said, const u8 *one, const u8 *other)
{
	put_text(said, same_bytes(one, other) ? "same" : "different");
}

static void run_two_calls(const struct subject *subject, s32 argument, struct speaker *said)
{
	u8 one[SAMPLE] = { 0 }, other[SAMPLE] = { 0 };
	struct state state;

	(void)argument;
	if (!make_state(subject, &state, said))
		return;
	put_text(said, "different");
	hand_over(subject, said);
	call_random(subject, one, SAMPLE, 0, state.address, (word)state.size);
	call_random(subject, other, SAMPLE, 0, state.address, (word)state.size);
	put_likeness(said, one, other);
}

struct forked {
	const struct subject *subject;
	const struct state *state;
};

static void draw_in_child(const void *argument, s32 report_fd)
{
	const struct forked *forked = argument;
	u8 drawn[SAMPLE] = { 0 };

	call_random(forked->subject, drawn, SAMPLE, 0, forked->state->address, (word)forked->state->size);
	write_bytes(report_fd, drawn, sizeof(drawn));
}

/* A child inherits the state with all that it would give next. */
static void run_fork(const struct subject *subject, s32 argument, struct speaker *said)
{
	u8 one[SAMPLE] = { 0 }, other[SAMPLE] = { 0 };
	struct state state;
	struct forked forked = { subject, &state };

	(void)argument;
	if (!make_state(subject, &state, said))
		return;
	put_text(said, "different");
	hand_over(subject, said);
	call_random(subject, one, SAMPLE, 0, state.address, (word)state.size);
	run_in_child(draw_in_child, &forked, 2, other, sizeof(other));
	call_random(subject, one, SAMPLE, 0, state.address, (word)state.size);
	put_likeness(said, one, other);
}

static const struct test_case cases[] = {
	{ "random-parameters", NO_ARGUMENT, run_parameters },
	{ "random-memory", NO_ARGUMENT, run_memory },
	{ "random-length", 0, run_length },
	{ "random-length", 1, run_length },
	{ "random-length", 7, run_length },
	{ "random-length", 97, run_length },
	{ "random-length", LARGEST, run_length },
	{ "random-state", 0, run_wrong_size },
	{ "random-state", 1, run_wrong_size },
	{ "random-state", 4096, run_wrong_size },
	{ "random-flags", 1, run_flags },
	{ "random-flags", 4, run_flags },
	{ "random-flags", 8, run_flags },
	{ "random-twice", NO_ARGUMENT, run_two_calls },
	{ "random-fork", NO_ARGUMENT, run_fork },
};

/* The first call fills a state from the kernel, and so does the first one of a child, or after the kernel has made new
 * random numbers for itself (lib/vdso/getrandom.c in v7.3). */
bool fill_random_state(unsigned long code, word *address, word *size)
{
	const struct subject subject = { .symbol = "", .code = code };
	struct speaker nobody = { .name = "" };
	struct state state;
	u8 buffer[SAMPLE];

	if (!make_state(&subject, &state, &nobody))
		return 0;
	*address = state.address;
	*size = (word)state.size;
	return call_random(&subject, buffer, SAMPLE, 0, *address, *size) == SAMPLE;
}

static word kept_state, kept_size;

static bool fill_kept_state(const struct subject *subject)
{
	return fill_random_state(subject->code, &kept_state, &kept_size);
}

static word call_for_path(const struct subject *subject, s32 argument)
{
	u8 buffer[SAMPLE];

	(void)argument;
	return call_random(subject, buffer, SAMPLE, 0, kept_state, kept_size);
}

static const struct path_case paths[] = { { NO_ARGUMENT, call_for_path } };

const struct function random_functions[] = {
	{ .name = "getrandom", CASES(cases), PATHS(paths), .prepare = fill_kept_state },
};
const u32 random_function_count = COUNT(random_functions);
#endif
