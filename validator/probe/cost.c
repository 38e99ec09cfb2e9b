/* Measures what a call of each function of the vDSO costs, and what the system call costs that it stands in for.
 *
 * QEMU's -icount makes the time of the machine advance by a fixed amount with each instruction, so a clock counts
 * instructions. It may count them in steps, the kernel may have a wrong idea of its rate (a Malta board learns it from a
 * real-time clock, a PowerMac from a timer), and a timer's interrupt costs instructions that are nobody's. So calls are
 * measured in loops, long enough that a step does not count; a run of nops tells what one instruction is worth; and each
 * loop runs several times: the least is the one that nothing interrupted. And whoever adds two times may have to carry a
 * second: the clocks' seconds begin together, and nothing is measured while one begins. */
#include "cost.h"

#include "cases.h"
#include "child.h"
#include "clocks.h"
#include "elf.h"
#include "special_cases.h"
#include "system.h"
#include "vdso.h"

#define COST_SECONDS 5
#define LONGEST_SYMBOL 64
#define CLOCK_MONOTONIC_RAW 4

/* The kernel begins a second at a tick, and a row takes some milliseconds; in nanoseconds of a second. */
#define SECOND_BEGUN 30000000
#define SECOND_ENDS 850000000
/* How far CLOCK_REALTIME is behind CLOCK_MONOTONIC then, so that their difference is added without a carry. */
#define BEHIND 1000000

/* A loop of so many calls makes an error of less than 1/STEP_SHARE instruction of a step of the clock. The number of calls
 * is a power of two: it must not hang on the last digit of a step of 16 ns or 1 ns, such as clocks have. */
#define STEP_SHARE 7
#define LEAST_CALLS 16
#define MOST_CALLS 4096
/* arm64 draws a random number at each system call (arch/arm64/kernel/syscall.c in 0ccfdcf968b3), and the kernel makes them
 * a batch at a time: only some of the loops pay for the fewest batches. */
#define LOOPS 8
#define READINGS 32
/* Of a difference between two differences of times that the kernel rounds down to nanoseconds. */
#define ROUNDING 2
/* Shorter than a kernel's tick, with which an interrupt comes. */
#define SCALE_NANOSECONDS 1000000
#define MOST_TURNS 0x100000
#define NOPS 64
/* include/uapi/linux/sched.h */
#define SCHED_FIFO 1
/* A fourth of what the vDSO makes at a time (`batch` in include/vdso/getrandom.h, v7.3): each loop makes as much of it. */
#define RANDOM_BYTES 24
/* The kernel copies up to the next line of the cache, and then by lines (arch/powerpc/lib/copy_32.S in v7.3), and where the
 * stack begins is random. */
#define LARGEST_CACHE_LINE 128

#ifndef TCSBRK
#define TCSBRK 0x5409
#endif

typedef word enter_function(word what, word first, word second, word third, word fourth, word fifth);

/* Calls of the same shape: `enter` takes an address or a system call's number. */
struct loop {
	enter_function *enter;
	word what;
	word first, second, third, fourth, fifth;
	u32 calls;
};

/* `nops` instructions took `nanoseconds`; `step` is the clock's. */
struct scale {
	u32 calls;
	u32 nops;
	u32 nanoseconds;
	u32 step;
};

/* The system call of a function; ABIs of the second set alone have only that. */
#define EITHER(plain, time64) ((plain) != SYS_ABSENT ? (plain) : (time64))

#ifndef SYS_time
#define SYS_time SYS_ABSENT
#endif

/* CLOCK_REALTIME, MONOTONIC, MONOTONIC_RAW, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI */
static const s32 all_clocks[] = { 0, 1, 4, 5, 6, 7, 11 };
/* A fine clock, and a coarse one. */
static const s32 two_clocks[] = { 1, 6 };

static const struct costed_function {
	const char *name;
	s32 number;
	const s32 *clocks;
	u32 clock_count;
	bool random; /* takes a buffer and a state */
} functions[] = {
	{ "clock_gettime", EITHER(SYS_clock_gettime, SYS_clock_gettime64), all_clocks, COUNT(all_clocks), 0 },
	{ "clock_gettime64", SYS_clock_gettime64, all_clocks, COUNT(all_clocks), 0 },
	{ "clock_getres", EITHER(SYS_clock_getres, SYS_clock_getres_time64), two_clocks, COUNT(two_clocks), 0 },
	{ "clock_getres_time64", SYS_clock_getres_time64, two_clocks, COUNT(two_clocks), 0 },
	{ "gettimeofday", SYS_gettimeofday, NULL, 0, 0 },
	{ "time", SYS_time, NULL, 0, 0 },
	{ "getcpu", SYS_getcpu, NULL, 0, 0 },
#ifdef SYS_getrandom
	{ "getrandom", SYS_getrandom, NULL, 0, 1 },
#endif
};

struct measured {
	bool lacking; /* numbers for a state, or the state */
	s64 vdso_result, kernel_result;
	u64 vdso, kernel;
};

struct task {
	unsigned long code;
	const struct costed_function *function;
	s32 clock;
	u32 calls;
};

static word do_nothing(word first, word second, word third, word fourth, word fifth)
{
	(void)first, (void)second, (void)third, (void)fourth, (void)fifth;
	return 0;
}

static word enter_nothing(word what, word first, word second, word third, word fourth, word fifth)
{
	(void)what, (void)first, (void)second, (void)third, (void)fourth, (void)fifth;
	return 0;
}

/* The same function but for the nops: two loops of the compiler's might differ in more. */
static word enter_nops(word what, word first, word second, word third, word fourth, word fifth)
{
	(void)what, (void)first, (void)second, (void)third, (void)fourth, (void)fifth;
	__asm__ volatile(".rept 64\n\tnop\n\t.endr");
	return 0;
}

static word enter_vdso(word what, word first, word second, word third, word fourth, word fifth)
{
	return call_vdso((unsigned long)what, first, second, third, fourth, fifth);
}

static unsigned long code_of_nothing(void)
{
#if defined(_CALL_ELF) && _CALL_ELF == 1
	/* A pointer to a function points to a descriptor, and that to the code. */
	return *(unsigned long *)do_nothing;
#elif defined(ABI_DESCRIPTORS)
	return ((unsigned long *)do_nothing)[2];
#else
	return (unsigned long)do_nothing;
#endif
}

static struct wide_time read_clock(void)
{
	union answer answer;

	ask_clock(CLOCK_MONOTONIC_RAW, ABI_WIDE_TIME, &answer);
	return widen(TIMESPEC, &answer);
}

static u64 elapsed(struct wide_time since, struct wide_time until)
{
	return (u64)((s64)(s32)(until.seconds - since.seconds) * 1000000000 + until.fraction - since.fraction);
}

__attribute__((noinline)) static u64 run_loop(const struct loop *loop)
{
	struct wide_time started = read_clock();

	for (u32 call = 0; call < loop->calls; call++)
		loop->enter(loop->what, loop->first, loop->second, loop->third, loop->fourth, loop->fifth);
	return elapsed(started, read_clock());
}

static u64 least_of(const struct loop *loop)
{
	u64 least = ~0ull;

	/* Three in a row that agree are not enough: some 700 instructions of the kernel's are in each loop of system calls
	 * for a while on a PowerMac. */
	for (u32 index = 0; index < LOOPS; index++) {
		u64 took = run_loop(loop);

		if (took < least)
			least = took;
	}
	return least;
}

/* How long so many turns of a loop take. */
#define TIME_TURNS(turns, body) ({ \
	struct wide_time started = read_clock(); \
	for (u32 turn = 0; turn < (turns); turn++) \
		__asm__ volatile(body); \
	elapsed(started, read_clock()); \
})

/* The least difference between the durations of loops that are an instruction longer, and another: a step of the
 * clock, or an instruction. */
static u32 find_step(void)
{
	u64 durations[2 * READINGS];
	u64 step = ~0ull;

	for (u32 index = 0; index < READINGS; index++) {
		durations[2 * index] = TIME_TURNS(index, "");
		durations[2 * index + 1] = TIME_TURNS(index, "nop");
	}
	for (u32 one = 0; one < 2 * READINGS; one++)
		for (u32 other = 0; other < 2 * READINGS; other++) {
			u64 difference = durations[one] - durations[other];

			if (durations[one] > durations[other] + ROUNDING && difference < step)
				step = difference;
		}
	return step > 0xffffffff ? 0xffffffff : (u32)step;
}

static struct scale find_scale(void)
{
	struct scale scale = { LEAST_CALLS, 0, 0, find_step() };
	struct loop loop = { .enter = enter_nops, .calls = 1 };

	while (loop.calls < MOST_TURNS && run_loop(&loop) < SCALE_NANOSECONDS)
		loop.calls *= 2;
	scale.nops = loop.calls * NOPS;
	scale.nanoseconds = (u32)least_of(&loop);
	loop.enter = enter_nothing;
	scale.nanoseconds -= (u32)least_of(&loop);
	while (scale.calls < MOST_CALLS &&
	       (u64)scale.calls * scale.nanoseconds < (u64)scale.step * STEP_SHARE * scale.nops)
		scale.calls *= 2;
	return scale;
}

static word call_once(const struct loop *loop)
{
	return loop->enter(loop->what, loop->first, loop->second, loop->third, loop->fourth, loop->fifth);
}

/* What calls of the function are given. False where getrandom has no state. */
static bool choose_arguments(const struct task *task, struct loop *loop, union answer *answer)
{
	loop->first = WORD(answer);
	if (task->function->clocks) {
		loop->first = task->clock;
		loop->second = WORD(answer);
	}
#ifdef SYS_getrandom
	if (task->function->random) {
		loop->second = RANDOM_BYTES;
		return fill_random_state(task->code, &loop->fourth, &loop->fifth);
	}
#endif
	return 1;
}

static void measure(const void *argument, s32 report_fd)
{
	const struct task *task = argument;
	union answer answer __attribute__((aligned(LARGEST_CACHE_LINE)));
	struct loop loop = { .enter = enter_vdso, .what = (word)task->code, .calls = task->calls };
	struct measured measured = { 0, 0, -ENOSYS, 0, 0 };

	measured.lacking = !choose_arguments(task, &loop, &answer);
	if (!measured.lacking) {
		measured.vdso_result = (s32)call_once(&loop);
		measured.vdso = least_of(&loop);
	}
	if (!measured.lacking && task->function->number != SYS_ABSENT) {
		loop.enter = system_call;
		loop.what = task->function->number;
		measured.kernel_result = call_once(&loop);
		measured.kernel = least_of(&loop);
	}
	write_bytes(report_fd, &measured, sizeof(measured));
}

/* Waits until all clocks are within a second, as far as align_clocks could see to it. */
static void await_middle_of_second(void)
{
	union answer answer;
	struct wide_time now;

	do {
		ask_clock(CLOCK_MONOTONIC, ABI_WIDE_TIME, &answer);
		now = widen(TIMESPEC, &answer);
		if (now.fraction >= SECOND_BEGUN && now.fraction < SECOND_ENDS)
			return;
		sleep_milliseconds(10);
	} while (1);
}

void align_clocks(void)
{
#ifdef SYS_clock_settime
	union answer answer;
	struct wide_time real, monotonic;
#if !ABI_WIDE_TIME
	struct narrow_time narrow;
#endif

	if (ask_clock(CLOCK_REALTIME, ABI_WIDE_TIME, &answer) != 0)
		return;
	real = widen(TIMESPEC, &answer);
	ask_clock(CLOCK_MONOTONIC, ABI_WIDE_TIME, &answer);
	monotonic = widen(TIMESPEC, &answer);
	real.fraction = monotonic.fraction - BEHIND;
	if (real.fraction < 0) {
		real.fraction += 1000000000;
		real.seconds--;
	}
#if ABI_WIDE_TIME
	system_call(SYS_clock_settime, CLOCK_REALTIME, WORD(&real), 0, 0, 0);
#else
	narrow = (struct narrow_time){ (s32)real.seconds, (s32)real.fraction };
	system_call(SYS_clock_settime, CLOCK_REALTIME, WORD(&narrow), 0, 0, 0);
#endif
#endif
}

static void put_measured(struct speaker *speaker, s64 result, u64 took)
{
	if (result < 0)
		put_error(speaker, (s32)-result);
	else
		put_unsigned(speaker, took);
}

static void say_cost(struct speaker *speaker, const char *symbol, const struct task *task)
{
	struct measured measured;
	struct ending ending;

	await_middle_of_second();
	ending = run_in_child(measure, task, COST_SECONDS, &measured, sizeof(measured));
	frame_begin(speaker, "cost");
	put_text(speaker, symbol);
	if (task->function->clocks)
		put_signed(speaker, task->clock);
	else
		put_text(speaker, "-");
	if (ending.how == ENDED_EXIT && ending.reported == sizeof(measured) && measured.lacking) {
		put_text(speaker, "lacking");
	} else if (ending.how == ENDED_EXIT && ending.reported == sizeof(measured)) {
		put_measured(speaker, measured.vdso_result, measured.vdso);
		put_measured(speaker, measured.kernel_result, measured.kernel);
	} else {
		put_text(speaker, ending.how == ENDED_HANG ? "hang" : "crash");
	}
	frame_end(speaker);
}

/* Each architecture uses one of the prefixes (arch/<arch>/kernel/vdso/vdso.lds.S). */
static void say_function(struct speaker *speaker, const struct vdso_image *image, const char *prefix,
			 const struct costed_function *function, u32 calls)
{
	char symbol[LONGEST_SYMBOL];
	struct task task = { 0, function, 0, calls };
	u32 length = string_length(prefix);

	memcpy(symbol, prefix, length);
	memcpy(symbol + length, function->name, string_length(function->name) + 1);
	task.code = find_symbol(image, symbol);
	if (!task.code)
		return;
	if (!function->clocks)
		say_cost(speaker, symbol, &task);
	for (u32 clock = 0; clock < function->clock_count; clock++) {
		task.clock = function->clocks[clock];
		say_cost(speaker, symbol, &task);
	}
}

/* Interrupts are all that then comes between two instructions. Without the right to it the least of the loops is left. */
static void run_before_others(void)
{
	s32 priority = 1;

	system_call(SYS_sched_setscheduler, 0, SCHED_FIFO, WORD(&priority), 0, 0);
}

static void say_loop(struct speaker *speaker, struct scale scale)
{
	struct loop loop = { .enter = enter_vdso, .what = (word)code_of_nothing(), .calls = scale.calls };

	frame_begin(speaker, "cost-loop");
	put_unsigned(speaker, scale.nops);
	put_unsigned(speaker, scale.nanoseconds);
	put_unsigned(speaker, scale.step);
	put_unsigned(speaker, scale.calls);
	put_unsigned(speaker, least_of(&loop));
	loop.enter = enter_nothing;
	put_unsigned(speaker, least_of(&loop));
	frame_end(speaker);
}

void say_costs(struct speaker *speaker, const struct auxv_entry *auxv)
{
	struct vdso_image image = { (const u8 *)auxv_value(auxv, AT_SYSINFO_EHDR), 0 };
	struct scale scale;

	say_hello(speaker, auxv);
	if (image.base)
		image.length = length_by_segments((unsigned long)image.base);
	/* What a UART still sends interrupts. */
	system_call(SYS_ioctl, 1, TCSBRK, 1, 0, 0);
	run_before_others();
	scale = find_scale();
	say_loop(speaker, scale);
	for (u32 index = 0; index < COUNT(functions); index++) {
		say_function(speaker, &image, "__vdso_", &functions[index], scale.calls);
		say_function(speaker, &image, "__kernel_", &functions[index], scale.calls);
	}
	say_end(speaker);
}
