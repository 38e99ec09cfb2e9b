/* PA-RISC's gateway page: each of its entries is called at its address, with its own registers (abi/parisc.S). */
#include "special_cases.h"
#include "system.h"

#ifdef ABI_GATEWAY_PAGE

/* abi/parisc.S: an entry of the page each, and what is in %r28, in %r21, and in control register 27, when it is back. */
word call_lws_entry(word number, word first, word second, word third, word fourth, word *error);
word call_set_thread_pointer(word pointer);

/* arch/parisc/kernel/syscall.S, v7.3: numbers of light-weight system calls. */
#define LWS_COMPARE_AND_SWAP (sizeof(word) == 8) /* for each width its own */
#define LWS_COMPARE_AND_SWAP_SIZED 2
#define LWS_EXCHANGE 3
#define LWS_STORE 4
#define LWS_NUMBERS_BEYOND 1000

/* What %r28 and %r21 hold when a light-weight system call is back. */
struct lws_answer {
	word returned, error;
};

static struct lws_answer call_lws(word number, word first, word second, word third, word fourth)
{
	struct lws_answer answer;

	do
		answer.returned = call_lws_entry(number, first, second, third, fourth, &answer.error);
	while (answer.error == -EAGAIN);
	return answer;
}

/* Where an entry answers with an errno, that is the answer: false. */
static bool put_answer(struct speaker *said, struct lws_answer answer, u64 value)
{
	if (put_failure(said, answer.error))
		return 0;
	put_signed(said, answer.returned);
	add_text(said, ",");
	add_signed(said, (s64)value);
	return 1;
}

/* Against the word that is there (1), or against another (0): the word that was there is returned. */
static void run_compare_and_swap(const struct subject *subject, s32 matches, struct speaker *said)
{
	s32 place = 11;
	struct lws_answer answer;

	put_text(said, matches ? "11,22" : "11,11");
	hand_over(subject, said);
	answer = call_lws(LWS_COMPARE_AND_SWAP, WORD(&place), matches ? 11 : 33, 22, 0);
	put_answer(said, answer, (u64)place);
}

/* A value of 1 << size bytes, as a number. */
static u64 read_value(const void *at, s32 size)
{
	return size == 0 ? *(const u8 *)at :
	       size == 1 ? *(const u16 *)at :
	       size == 2 ? *(const u32 *)at :
			   *(const u64 *)at;
}

/* The variable lies between two others, which no operation may touch. */
struct surrounded {
	u64 before, value, behind;
};
static const struct surrounded filled = { 0x1111111111111111, 0x1122334455667788, 0x2222222222222222 };

static u64 value_or_damage(const struct surrounded *place, s32 size)
{
	u32 bytes = 1u << size;
	bool kept = place->before == filled.before && place->behind == filled.behind;

	for (u32 at = bytes; at < sizeof(place->value); at++)
		kept &= ((const u8 *)&place->value)[at] == ((const u8 *)&filled.value)[at];
	return kept ? read_value(&place->value, size) : 0;
}

static const u64 wanted = 0x7654321076543210;

static void run_sized_match(const struct subject *subject, s32 size, struct speaker *said)
{
	struct surrounded place = filled;
	struct lws_answer answer;

	put_text(said, "0,");
	add_signed(said, (s64)read_value(&wanted, size));
	hand_over(subject, said);
	answer = call_lws(LWS_COMPARE_AND_SWAP_SIZED, WORD(&place.value), WORD(&filled.value), WORD(&wanted), size);
	put_answer(said, answer, value_or_damage(&place, size));
}

/* What it is compared with differs in the last bit: refused is 1, whatever number the kernel returns for it. */
static void run_sized_mismatch(const struct subject *subject, s32 size, struct speaker *said)
{
	struct surrounded place = filled;
	u64 other = filled.value;
	struct lws_answer answer;

	((u8 *)&other)[(1 << size) - 1] ^= 1;
	put_text(said, "1,");
	add_signed(said, (s64)read_value(&filled.value, size));
	hand_over(subject, said);
	answer = call_lws(LWS_COMPARE_AND_SWAP_SIZED, WORD(&place.value), WORD(&other), WORD(&wanted), size);
	answer.returned = answer.returned != 0;
	put_answer(said, answer, value_or_damage(&place, size));
}

/* From 5.17 on the kernel takes the word that it finds at the address for the place of the code that it goes on with
 * (docs/findings.md, parisc-lws-size): 0 is the code for one byte, so the other sizes come out wrong, and nothing worse happens. */
static const struct surrounded emptied = { 0x1111111111111111, 0, 0x2222222222222222 };

/* What the bytes from the variable's first on are, those behind it too: none of them may change. */
static u64 whole_or_damage(const struct surrounded *place)
{
	return place->before == emptied.before && place->behind == emptied.behind ? place->value : ~0ull;
}

/* The first bytes of one value, and the others of another. */
static u64 joined(u64 first, u64 behind, s32 size)
{
	memcpy(&behind, &first, 1ul << size);
	return behind;
}

static void run_exchange(const struct subject *subject, s32 size, struct speaker *said)
{
	struct surrounded place = emptied;
	u64 old = ~0ull;
	struct lws_answer answer;

	put_text(said, "0,");
	add_signed(said, (s64)joined(wanted, 0, size));
	add_text(said, ",");
	add_signed(said, (s64)joined(0, ~0ull, size));
	hand_over(subject, said);
	answer = call_lws(LWS_EXCHANGE, WORD(&place.value), size, WORD(&wanted), WORD(&old));
	if (put_answer(said, answer, whole_or_damage(&place))) {
		add_text(said, ",");
		add_signed(said, (s64)old);
	}
}

static void run_store(const struct subject *subject, s32 size, struct speaker *said)
{
	struct surrounded place = emptied;
	struct lws_answer answer;

	put_text(said, "0,");
	add_signed(said, (s64)joined(wanted, 0, size));
	hand_over(subject, said);
	answer = call_lws(LWS_STORE, WORD(&place.value), size, WORD(&wanted), 0);
	put_answer(said, answer, whole_or_damage(&place));
}

static void run_bad_lws_pointer(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
	put_error(said, EFAULT);
	hand_over(subject, said);
	put_answer(said, call_lws(LWS_COMPARE_AND_SWAP, BAD_POINTER, 0, 0, 0), 0);
}

static void run_lws_number(const struct subject *subject, s32 number, struct speaker *said)
{
	put_error(said, ENOSYS);
	hand_over(subject, said);
	put_answer(said, call_lws(number, 0, 0, 0, 0), 0);
}

/* The pointer is read back from the register that the entry writes. */
static void run_thread_pointer(const struct subject *subject, s32 pointer, struct speaker *said)
{
	put_signed(said, pointer);
	hand_over(subject, said);
	put_signed(said, call_set_thread_pointer(pointer));
}

/* The kernel tells a parent the number of its child; the child asks by the entry. */
static void run_process_id(const struct subject *subject, s32 argument, struct speaker *said)
{
	s32 ends[2], asked = -1, code, status;
	word pid;

	(void)argument;
	(void)subject;
	if (make_pipe(ends) < 0) {
		put_lacking(said, "pipe");
		return;
	}
	pid = fork_process();
	if (pid == 0) {
		asked = (s32)process_id();
		write_bytes(ends[1], &asked, sizeof(asked));
		exit_process(0);
	}
	read_bytes(ends[0], &asked, sizeof(asked));
	wait_for((s32)pid, &code, &status);
	put_signed(said, pid);
	put_signed(said, asked);
}

static void run_call_number(const struct subject *subject, s32 number, struct speaker *said)
{
	(void)subject;
	put_error(said, ENOSYS);
	put_returned(said, system_call(number, 0, 0, 0, 0, 0));
}

/* Symbols are the labels in arch/parisc/kernel/syscall.S. */
static const struct test_case lws_cases[] = {
	{ "gateway-compare", 1, run_compare_and_swap },
	{ "gateway-compare", 0, run_compare_and_swap },
	{ "gateway-number", LWS_NUMBERS_BEYOND, run_lws_number },
	{ "gateway-pointer", NO_ARGUMENT, run_bad_lws_pointer },
};
static const struct test_case sized_cases[] = {
	{ "gateway-match", 0, run_sized_match },
	{ "gateway-match", 1, run_sized_match },
	{ "gateway-match", 2, run_sized_match },
	{ "gateway-match", 3, run_sized_match },
	{ "gateway-mismatch", 0, run_sized_mismatch },
	{ "gateway-mismatch", 1, run_sized_mismatch },
	{ "gateway-mismatch", 2, run_sized_mismatch },
	{ "gateway-mismatch", 3, run_sized_mismatch },
};
static const struct test_case exchange_cases[] = {
	{ "gateway-exchange", 0, run_exchange },
	{ "gateway-exchange", 1, run_exchange },
	{ "gateway-exchange", 2, run_exchange },
	{ "gateway-exchange", 3, run_exchange },
};
static const struct test_case store_cases[] = {
	{ "gateway-store", 0, run_store },
	{ "gateway-store", 1, run_store },
	{ "gateway-store", 2, run_store },
	{ "gateway-store", 3, run_store },
};
static const struct test_case pointer_cases[] = {
	{ "gateway-register", 0x12345678, run_thread_pointer },
	{ "gateway-register", -4, run_thread_pointer },
};
static const struct test_case entry_cases[] = {
	{ "gateway-process", NO_ARGUMENT, run_process_id },
	{ "gateway-number", 9999, run_call_number },
};

const struct tried gateway_entries[] = {
	ENTRY("lws_entry", 0, lws_cases),
	ENTRY("lws_compare_and_swap_2", 0, sized_cases),
	ENTRY("lws_atomic_xchg", 0, exchange_cases),
	ENTRY("lws_atomic_store", 0, store_cases),
	ENTRY("set_thread_pointer", 0, pointer_cases),
	ENTRY("linux_gateway_entry", 0, entry_cases),
};
const u32 gateway_entry_count = COUNT(gateway_entries);
#endif
