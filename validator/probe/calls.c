/* Calls the functions of the vDSO, each next to the system call, in a child. */
#include "calls.h"

#include "system.h"

/* Of all calls; one that hangs is what takes so long. */
#define CALLS_SECONDS 2
#define NO_CLOCK (-1)

struct outcome {
	s32 error_before, error_after;
	s64 returned;
	union answer before, answered, after;
};

/* The system call that a function stands in for. Where the ABI has no gettimeofday, the real-time clock answers.
 * time(2) is CLOCK_REALTIME_COARSE without its fraction on every ABI (kernel/time/timekeeping.c,
 * ktime_get_real_seconds and ktime_get_coarse_real_ts64); many ABIs have no call for it. */
static s32 ask_kernel(const struct call *call, union answer *answer)
{
	word result = -ENOSYS;

	memset(answer, UNWRITTEN, sizeof(*answer));
	switch (call->shape) {
	case TIMESPEC:
		result = ask_clock(call->clock, ABI_WIDE_TIME, answer);
		break;
	case TIMESPEC64:
		result = ask_clock(call->clock, 1, answer);
		break;
	case TIMEVAL:
		if (SYS_gettimeofday != SYS_ABSENT)
			result = system_call(SYS_gettimeofday, WORD(answer), 0, 0, 0, 0);
		if (result == -ENOSYS) {
			result = ask_clock(CLOCK_REALTIME, ABI_WIDE_TIME, answer);
			if (ABI_WIDE_TIME)
				answer->wide.fraction = (s64)((u32)answer->wide.fraction / 1000);
			else
				answer->narrow.fraction = (s32)((u32)answer->narrow.fraction / 1000);
		}
		break;
	case SECONDS:
		result = ask_clock(CLOCK_REALTIME_COARSE, ABI_WIDE_TIME, answer);
		break;
	case CPU:
		result = system_call(SYS_getcpu, WORD(&answer->cpu), 0, 0, 0, 0);
		break;
	}
	return result < 0 ? (s32)-result : 0;
}

/* The functions return int, but for time, which returns a long: what else is in the register is not theirs. */
static s64 ask_vdso(const struct call *call, union answer *answer)
{
	memset(answer, UNWRITTEN, sizeof(*answer));
	switch (call->shape) {
	case TIMEVAL:
		return (s32)call_vdso(call->code, WORD(answer), 0, 0, 0, 0);
	case SECONDS:
		return call_vdso(call->code, WORD(answer), 0, 0, 0, 0);
	case CPU:
		return (s32)call_vdso(call->code, WORD(&answer->cpu), 0, 0, 0, 0);
	default:
		return (s32)call_vdso(call->code, call->clock, WORD(answer), 0, 0, 0);
	}
}

void make_calls(const void *argument, s32 report_fd)
{
	const struct calls *calls = argument;

	for (u32 index = 0; index < calls->count; index++) {
		const struct call *call = &calls->next[index];
		struct outcome outcome;

		outcome.error_before = ask_kernel(call, &outcome.before);
		outcome.returned = ask_vdso(call, &outcome.answered);
		outcome.error_after = ask_kernel(call, &outcome.after);
		write_bytes(report_fd, &outcome, sizeof(outcome));
	}
}

static void put_answer(struct speaker *speaker, enum shape shape, const union answer *answer)
{
	struct wide_time time = widen(shape, answer);
	u64 fraction = is_wide(shape) ? (u64)time.fraction : (u32)time.fraction;

	if (shape == CPU)
		put_unsigned(speaker, answer->cpu);
	else if (shape == SECONDS)
		put_signed(speaker, time.seconds);
	else if (shape == TIMEVAL)
		put_fixed_point(speaker, time.seconds, fraction, 6, "000");
	else
		put_fixed_point(speaker, time.seconds, fraction, 9, "");
}

static void put_kernel_answer(struct speaker *speaker, enum shape shape, s32 error, const union answer *answer)
{
	if (error)
		put_error(speaker, error);
	else
		put_answer(speaker, shape, answer);
}

static void say_call(struct speaker *speaker, const struct call *call, const struct outcome *outcome)
{
	frame_begin(speaker, "call");
	put_text(speaker, call->symbol);
	if (call->clock == NO_CLOCK)
		put_text(speaker, "-");
	else
		put_signed(speaker, call->clock);
	put_kernel_answer(speaker, call->shape, outcome->error_before, &outcome->before);
	put_signed(speaker, outcome->returned);
	if (outcome->returned && call->shape != SECONDS)
		put_text(speaker, "-");
	else
		put_answer(speaker, call->shape, &outcome->answered);
	put_kernel_answer(speaker, call->shape, outcome->error_after, &outcome->after);
	frame_end(speaker);
}

static void say_failure(struct speaker *speaker, const struct call *call, const struct ending *ending)
{
	frame_begin(speaker, ending->how == ENDED_HANG ? "hang" : "crash");
	put_text(speaker, call->symbol);
	if (ending->how != ENDED_HANG)
		put_signed(speaker, ending->how == ENDED_SIGNAL ? ending->status : 0);
	frame_end(speaker);
}

static void pass_over(struct calls *calls)
{
	calls->next++;
	calls->count--;
}

void say_calls(struct speaker *speaker, struct calls calls, struct attempt *attempt)
{
	while (calls.count) {
		const char *symbol;

		attempt_part(attempt, make_calls, &calls, CALLS_SECONDS);
		while (calls.count && attempt->left >= sizeof(struct outcome)) {
			/* Outcomes are the first of a report, whose alignment is theirs. */
			say_call(speaker, calls.next, (const struct outcome *)attempt->next);
			take_off(attempt, sizeof(struct outcome));
			pass_over(&calls);
		}
		if (!calls.count)
			return;
		attempt->shared = 0;
		symbol = calls.next->symbol;
		say_failure(speaker, calls.next, &attempt->ending);
		pass_over(&calls);
		/* The other clocks would only cost more time. */
		while (attempt->ending.how == ENDED_HANG && calls.count && calls.next->symbol == symbol)
			pass_over(&calls);
	}
}

u32 find_calls(const struct vdso_image *image, struct call calls[MOST_CALLS])
{
	/* Each architecture uses one of the prefixes (arch/<arch>/kernel/vdso/vdso.lds.S). */
	static const struct {
		const char *symbol;
		enum shape shape;
		bool clocks;
	} functions[] = {
		{ "__vdso_clock_gettime", TIMESPEC, 1 },
		{ "__kernel_clock_gettime", TIMESPEC, 1 },
		{ "__vdso_clock_gettime64", TIMESPEC64, 1 },
		{ "__kernel_clock_gettime64", TIMESPEC64, 1 },
		{ "__vdso_gettimeofday", TIMEVAL, 0 },
		{ "__kernel_gettimeofday", TIMEVAL, 0 },
		{ "__vdso_getcpu", CPU, 0 },
		{ "__kernel_getcpu", CPU, 0 },
		{ "__vdso_time", SECONDS, 0 },
		{ "__kernel_time", SECONDS, 0 },
	};
	/* REALTIME, MONOTONIC, MONOTONIC_RAW, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI */
	static const s32 clocks[] = { 0, 1, 4, 5, 6, 7, 11 };
	u32 count = 0;

	for (u32 index = 0; index < sizeof(functions) / sizeof(functions[0]); index++) {
		struct call call = { functions[index].symbol, 0, functions[index].shape, NO_CLOCK };

		call.code = find_symbol(image, call.symbol);
		if (!call.code)
			continue;
		if (!functions[index].clocks) {
			calls[count++] = call;
			continue;
		}
		for (u32 clock = 0; clock < sizeof(clocks) / sizeof(clocks[0]); clock++) {
			call.clock = clocks[clock];
			calls[count++] = call;
		}
	}
	return count;
}
