/* riscv: what the hardware can do, of which CPUs, and code that was just written. */
#include "special_cases.h"
#include "system.h"

#ifdef __riscv

/* arch/riscv/include/uapi/asm/unistd.h */
#define SYS_riscv_hwprobe 258

/* arch/riscv/include/uapi/asm/hwprobe.h, and a key that is nobody's */
#define BASE_BEHAVIOR 3
#define IMA_EXT_0 4
#define ZICBOZ_BLOCK_SIZE 6
#define UNKNOWN_KEY 100000
#define WHICH_CPUS 1

struct riscv_hwprobe {
	s64 key;
	u64 value;
};

/* Which CPUs are asked about. */
enum question {
	ALL_CPUS, /* no set at all */
	FIRST_CPU,
	NO_CPUS, /* a set without any */
	SET_WITHOUT_SIZE,
	SIZE_WITHOUT_SET,
	BAD_FLAGS,
	ASK_WHICH, /* which of the first CPU has the behaviour that all have */
	ASK_WHICH_UNKNOWN, /* which have what nobody knows */
	ASK_WHICH_OF_NONE, /* a set of none stands for all */
};

struct asked {
	struct riscv_hwprobe pairs[4];
	u32 count;
	unsigned long cpus[16];
};

static void prepare(struct asked *asked, s32 question)
{
	static const s64 keys[] = { BASE_BEHAVIOR, IMA_EXT_0, UNKNOWN_KEY, ZICBOZ_BLOCK_SIZE };

	memset(asked, 0, sizeof(*asked));
	asked->count = question >= ASK_WHICH ? 1 : COUNT(keys);
	for (u32 index = 0; index < asked->count; index++)
		asked->pairs[index] = (struct riscv_hwprobe){ keys[index], 0 };
	if (question >= ASK_WHICH)
		asked->pairs[0] = question == ASK_WHICH_UNKNOWN ? (struct riscv_hwprobe){ UNKNOWN_KEY, 0 } :
								  (struct riscv_hwprobe){ BASE_BEHAVIOR, 1 };
	if (question != NO_CPUS && question != ASK_WHICH_OF_NONE)
		asked->cpus[0] = 1;
}

static word ask(const struct subject *subject, s32 question, struct asked *asked)
{
	word size = question == ALL_CPUS || question == SET_WITHOUT_SIZE ? 0 : sizeof(asked->cpus);
	word cpus = question == ALL_CPUS || question == SIZE_WITHOUT_SET ? 0 : WORD(asked->cpus);
	word flags = question == BAD_FLAGS ? 8 : question >= ASK_WHICH ? WHICH_CPUS : 0;

	prepare(asked, question);
	if (!subject)
		return system_call(SYS_riscv_hwprobe, WORD(asked->pairs), (word)asked->count, size, cpus, flags);
	return call_vdso(subject->code, WORD(asked->pairs), (word)asked->count, size, cpus, flags);
}

/* `key:value,…` and the set; a key that is unknown has become -1. */
static void put_asked(struct speaker *said, word returned, const struct asked *asked)
{
	if (put_failure(said, returned))
		return;
	put_text(said, "cpus:");
	add_signed(said, (s64)asked->cpus[0]);
	for (u32 index = 0; index < asked->count; index++) {
		add_text(said, ",");
		add_signed(said, asked->pairs[index].key);
		add_text(said, ":");
		add_signed(said, (s64)asked->pairs[index].value);
	}
}

static void run_hwprobe(const struct subject *subject, s32 question, struct speaker *said)
{
	struct asked asked;
	word returned = ask(NULL, question, &asked);

	put_asked(said, returned, &asked);
	hand_over(subject, said);
	returned = ask(subject, question, &asked);
	put_asked(said, returned, &asked);
}

/* li a0, number; ret */
word call_written(const struct subject *subject, u32 *code, s32 number)
{
	word returned;

	code[0] = 0x00000513 | (u32)number << 20;
	code[1] = 0x00008067;
	returned = call_vdso(subject->code, WORD(code), WORD(code + 2), 0, 0, 0);
	return returned ? returned : call_vdso((unsigned long)code, 0, 0, 0, 0, 0);
}

static const struct test_case hwprobe_cases[] = {
	{ "hwprobe", ALL_CPUS, run_hwprobe },
	{ "hwprobe", FIRST_CPU, run_hwprobe },
	{ "hwprobe", NO_CPUS, run_hwprobe },
	{ "hwprobe", SET_WITHOUT_SIZE, run_hwprobe },
	{ "hwprobe", SIZE_WITHOUT_SET, run_hwprobe },
	{ "hwprobe", BAD_FLAGS, run_hwprobe },
	{ "hwprobe", ASK_WHICH, run_hwprobe },
	{ "hwprobe", ASK_WHICH_UNKNOWN, run_hwprobe },
	{ "hwprobe", ASK_WHICH_OF_NONE, run_hwprobe },
};
static const struct test_case flush_cases[] = { { "written-code", NO_ARGUMENT, run_written_code } };

const struct function arch_functions[] = {
	{ .name = "riscv_hwprobe", CASES(hwprobe_cases) },
	{ .name = "flush_icache", CASES(flush_cases) },
};
const u32 arch_function_count = COUNT(arch_functions);
#endif
