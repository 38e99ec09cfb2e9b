/* powerpc: the frequency of the time base, the map of system calls, and code that was just written. */
#include "special_cases.h"
#include "system.h"

#ifdef __powerpc__

/* A register pair holds 64 bits on 32-bit ABIs; call_vdso leaves the second as it is. What the pointer holds is hidden
 * from the compiler, which would not call it as what it is not. */
static u64 call_for_u64(const struct subject *subject)
{
	void *volatile code = (void *)call_vdso;

	return ((u64(*)(unsigned long, word, word, word, word, word))code)(subject->code, 0, 0, 0, 0, 0);
}

/* Reads the digits behind `timebase<blanks>:` (show_cpuinfo() of arch/powerpc/kernel/setup-common.c); 0 without it. */
static u64 timebase_of_cpuinfo(void)
{
	static const char key[] = "timebase";
	char chunk[512];
	u32 matched = 0;
	u64 value = 0;
	word got, fd = open_for_reading("/proc/cpuinfo");

	while (fd >= 0 && (got = read_bytes((s32)fd, chunk, sizeof(chunk))) > 0) {
		for (word at = 0; at < got; at++) {
			char byte = chunk[at];

			if (matched < sizeof(key) - 1)
				matched = byte == key[matched] ? matched + 1 : byte == key[0];
			else if (byte >= '0' && byte <= '9')
				value = value * 10 + (u64)(byte - '0');
			else if (value)
				break;
		}
		if (value)
			break;
	}
	close_file((s32)fd);
	return value;
}

static void run_frequency(const struct subject *subject, s32 argument, struct speaker *said)
{
	u64 told = timebase_of_cpuinfo();

	(void)argument;
	if (told)
		put_unsigned(said, told);
	else
		put_text(said, "1..9999999999");
	put_unsigned(said, call_for_u64(subject));
}

/* The map has a bit for each system call that is one, the first in the highest bit of the first word. */
static void run_map(const struct subject *subject, s32 number, struct speaker *said)
{
	u32 count = 0;
	const u32 *map;

	put_text(said, system_call(number, 0, 0, 0, 0, 0) == -ENOSYS ? "absent" : "present");
	hand_over(subject, said);
	map = (const u32 *)(unsigned long)call_vdso(subject->code, WORD(&count), 0, 0, 0, 0);
	if (count <= (u32)number)
		put_text(said, "outside");
	else
		put_text(said, map[number >> 5] & 0x80000000 >> (number & 31) ? "present" : "absent");
}

/* The number of calls is not asked for: the map is the same. */
static void run_map_null(const struct subject *subject, s32 argument, struct speaker *said)
{
	u32 count;
	word map;

	(void)argument;
	map = call_vdso(subject->code, WORD(&count), 0, 0, 0, 0);
	put_unsigned(said, 0);
	hand_over(subject, said);
	put_returned(said, map - call_vdso(subject->code, 0, 0, 0, 0, 0));
}

/* li r3, number; blr */
word call_written(const struct subject *subject, u32 *code, s32 number)
{
	code[0] = 0x38600000 | (u32)number;
	code[1] = 0x4e800020;
	call_vdso(subject->code, WORD(code), WORD(code + 2), 0, 0, 0);
	return call_vdso((unsigned long)code, 0, 0, 0, 0, 0);
}

static const struct test_case frequency_cases[] = { { "timebase", NO_ARGUMENT, run_frequency } };
/* getpid and gettimeofday are there, break and tuxcall never were, and clock_gettime64 (403) only for 32 bits, so that
 * the map of the other ABI shows; the others depend on the kernel (arch/powerpc/kernel/syscalls/syscall.tbl). */
static const struct test_case map_cases[] = {
	{ "system-call-map", SYS_getpid, run_map },
	{ "system-call-map", SYS_gettimeofday, run_map },
	{ "system-call-map", 17, run_map },
	{ "system-call-map", 224, run_map },
	{ "system-call-map", SYS_getcpu, run_map },
	{ "system-call-map", SYS_getrandom, run_map },
	{ "system-call-map", 403, run_map },
	{ "null", NO_ARGUMENT, run_map_null },
};
static const struct test_case written_cases[] = { { "written-code", NO_ARGUMENT, run_written_code } };

const struct function arch_functions[] = {
	{ .name = "get_tbfreq", CASES(frequency_cases) },
	{ .name = "get_syscall_map", CASES(map_cases) },
	{ .name = "sync_dicache", CASES(written_cases) },
};
const u32 arch_function_count = COUNT(arch_functions);
#endif
