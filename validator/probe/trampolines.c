/* Signals: what a handler returns to, and whether what it interrupted goes on as if nothing had been. */
#include "signals.h"
#include "special_cases.h"
#include "system.h"

/* x86-64 and x32 call no handler without SA_RESTORER, and have no landing pads. */
#if defined(SYS_rt_sigaction) && !defined(ABI_SA_RESTORER)

#define ITIMER_REAL 0
/* A shorter one leaves the slowest machines no time between two signals. */
#define INTERVAL_MICROSECONDS 200
/* The second one is delivered only if the return from the first restored the signal mask. */
#define SIGNALS 2
#define LANES 12

static const struct subject *interrupted_subject;
static struct speaker *interrupted_speaker;
static volatile s32 delivered;

static void handle_signal(s32 number)
{
	(void)number;
	if (delivered++ == 0) {
		put_hex(interrupted_speaker,
			(unsigned long)__builtin_extract_return_addr(__builtin_return_address(0)));
		/* The return may crash. */
		hand_over(interrupted_subject, interrupted_speaker);
	}
}

/* Arithmetic that keeps more values than there are registers, so that it comes out wrong if any of them is lost. */
static u32 fill_registers(u32 seed)
{
	u32 lanes[LANES];

	for (u32 lane = 0; lane < LANES; lane++)
		lanes[lane] = seed += 0x9e3779b9;
	for (u32 round = 0; round < 64; round++) {
#pragma GCC unroll 12
		for (u32 lane = 0; lane < LANES; lane++)
			lanes[lane] += (lanes[(lane + 1) % LANES] << 7 | lanes[(lane + 1) % LANES] >> 25) ^ round;
	}
	for (u32 lane = 1; lane < LANES; lane++)
		lanes[0] ^= lanes[lane];
	return lanes[0];
}

/* Lets a timer interrupt arithmetic. What is put is the address that the handler returns to, and how many results
 * were wrong. */
static void run_landing(const struct subject *subject, s32 siginfo, struct speaker *said)
{
	/* struct __kernel_old_itimerval: seconds and microseconds of the interval, and of the first time. */
	word timer[4] = { 0, INTERVAL_MICROSECONDS, 0, INTERVAL_MICROSECONDS };
	const u32 expected = fill_registers(1);
	u32 wrong = 0;

	interrupted_subject = subject;
	interrupted_speaker = said;
	delivered = 0;
	if (handle_signals(SIGALRM, handle_signal, siginfo ? SA_SIGINFO : 0) < 0 ||
	    system_call(SYS_setitimer, ITIMER_REAL, WORD(timer), 0, 0, 0) < 0) {
		put_lacking(said, "timer");
		return;
	}
	while (delivered < SIGNALS)
		wrong += fill_registers(1) != expected;
	memset(timer, 0, sizeof(timer));
	system_call(SYS_setitimer, ITIMER_REAL, WORD(timer), 0, 0, 0);
	put_unsigned(said, wrong);
}

/* Without SA_SIGINFO (0) and with it (1): 32-bit ABIs have a frame and a landing pad for each. */
static const struct test_case landings[] = {
	{ "landing", 0, run_landing },
	{ "landing", 1, run_landing },
};

/* After a crash, its timer and its signal mask would be the next one's. */
static const struct function signal_function = { CASES(landings), .crash_lasts = 1 };
const struct tried signal_entries[] = { { { .symbol = "signal", .report_fd = -1 }, &signal_function } };
const u32 signal_entry_count = COUNT(signal_entries);
#endif
