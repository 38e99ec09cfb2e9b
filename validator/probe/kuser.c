/* arm's kuser helpers: each is called at its address, if the helper version of the page has it. */
#include "special_cases.h"
#include "system.h"

#ifdef ABI_KUSER_VERSION

/* arch/arm/include/uapi/asm/unistd.h; the same for 32-bit processes on arm64 */
#define SYS_set_tls 0x0f0005

/* Documentation/arch/arm/kernel_user_helpers.rst; the helpers keep to the calling convention of C. */
#define KUSER_CMPXCHG64 0xffff0f60
#define KUSER_MEMORY_BARRIER 0xffff0fa0
#define KUSER_CMPXCHG 0xffff0fc0
#define KUSER_GET_TLS 0xffff0fe0

static void run_get_tls(const struct subject *subject, s32 value, struct speaker *said)
{
	if (system_call(SYS_set_tls, value, 0, 0, 0, 0) < 0) {
		put_lacking(said, "system-call");
		return;
	}
	put_signed(said, value);
	put_signed(said, ((s32(*)(void))subject->code)());
}

static void put_exchange(struct speaker *said, bool refused, u64 value)
{
	put_text(said, refused ? "refused," : "done,");
	add_signed(said, (s64)value);
}

/* Against the value that is there (1), or against another (0). */
static void run_cmpxchg(const struct subject *subject, s32 matches, struct speaker *said)
{
	s32 place = 11;
	s32 refused;

	put_exchange(said, !matches, matches ? 22 : 11);
	refused = ((s32(*)(s32, s32, volatile s32 *))subject->code)(matches ? 11 : 33, 22, &place);
	put_exchange(said, refused != 0, (u64)place);
}

/* The values differ in either half: in the lower (2), in the upper (3), or not (1). */
static void run_cmpxchg64(const struct subject *subject, s32 kind, struct speaker *said)
{
	const s64 there = 0x1122334455667788, wanted = 0x0123456789abcdef;
	const s64 compared = kind == 1 ? there : kind == 2 ? there ^ 1 : there ^ ((s64)1 << 32);
	s64 place = there;
	s32 refused;

	put_exchange(said, kind != 1, (u64)(kind == 1 ? wanted : there));
	refused = ((s32(*)(const s64 *, const s64 *, volatile s64 *))subject->code)(&compared, &wanted, &place);
	put_exchange(said, refused != 0, (u64)place);
}

static void run_barrier(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
	put_unsigned(said, 0);
	hand_over(subject, said);
	((void (*)(void))subject->code)();
	put_unsigned(said, 0);
}

static const struct test_case tls_cases[] = { { "helper", 4711, run_get_tls }, { "helper", -4, run_get_tls } };
static const struct test_case cmpxchg_cases[] = { { "helper", 1, run_cmpxchg }, { "helper", 0, run_cmpxchg } };
static const struct test_case barrier_cases[] = { { "helper", NO_ARGUMENT, run_barrier } };
static const struct test_case cmpxchg64_cases[] = {
	{ "helper", 1, run_cmpxchg64 },
	{ "helper", 2, run_cmpxchg64 },
	{ "helper", 3, run_cmpxchg64 },
};

/* In the order in which they came. */
static const struct tried helpers[] = {
	ENTRY("__kuser_get_tls", KUSER_GET_TLS, tls_cases),
	ENTRY("__kuser_cmpxchg", KUSER_CMPXCHG, cmpxchg_cases),
	ENTRY("__kuser_memory_barrier", KUSER_MEMORY_BARRIER, barrier_cases),
	ENTRY("__kuser_cmpxchg64", KUSER_CMPXCHG64, cmpxchg64_cases),
};
static const u32 since[] = { 1, 2, 3, 5 };

void say_kuser_helpers(struct speaker *speaker, u32 version)
{
	struct attempt attempt;
	u32 count = 0;

	attempt.shared = 0;
	while (count < COUNT(helpers) && version >= since[count])
		count++;
	say_cases(speaker, (struct case_group){ helpers, count, 0, NULL }, &attempt);
}
#endif
