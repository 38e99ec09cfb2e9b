/* x86: the entry to the kernel with six arguments, the unlocking of robust futexes, and enclaves that refuse. */
#include "special_cases.h"
#include "system.h"

#if defined(__x86_64__) || defined(__i386__)

#define OWNER 4711u
#define FUTEX_WAITERS 0x80000000u
#define PENDING 0x1122334455667788ull

static void put_unlocked(struct speaker *said, u32 returned, u32 lock, u64 pending)
{
	put_unsigned(said, returned);
	add_text(said, ",");
	add_signed(said, lock);
	add_text(said, pending == PENDING ? ",kept" : pending == 0 ? ",cleared" : (u32)pending == 0 ? ",low" : ",damaged");
}

/* A lock that its owner holds alone (0) is released, one of somebody else (1) or one with waiters (2) is left as it is.
 * The pending operation is cleared, 64 bits or 32 of it, if and only if the lock was released
 * (arch/x86/entry/vdso/common/vfutex.c). */
static void try_unlock(const struct subject *subject, s32 kind, bool narrow, struct speaker *said)
{
	u32 lock = kind == 0 ? OWNER : kind == 1 ? OWNER + 1 : OWNER | FUTEX_WAITERS;
	u64 pending = PENDING;
	u32 returned;

	put_unsigned(said, lock);
	add_text(said, ",");
	add_signed(said, kind ? lock : 0);
	add_text(said, kind ? ",kept" : narrow ? ",low" : ",cleared");
	hand_over(subject, said);
	returned = (u32)call_vdso(subject->code, WORD(&lock), OWNER, WORD(&pending), 0, 0);
	put_unlocked(said, returned, lock, pending);
}

static void run_unlock32(const struct subject *subject, s32 kind, struct speaker *said)
{
	try_unlock(subject, kind, 1, said);
}

static const struct test_case unlock32_cases[] = {
	{ "unlock", 0, run_unlock32 },
	{ "unlock", 1, run_unlock32 },
	{ "unlock", 2, run_unlock32 },
};

#ifdef __x86_64__
static void run_unlock64(const struct subject *subject, s32 kind, struct speaker *said)
{
	try_unlock(subject, kind, 0, said);
}

static const struct test_case unlock64_cases[] = {
	{ "unlock", 0, run_unlock64 },
	{ "unlock", 1, run_unlock64 },
	{ "unlock", 2, run_unlock64 },
};
#endif

#if defined(__x86_64__) && !defined(__ILP32__)
/* struct sgx_enclave_run (arch/x86/include/uapi/asm/sgx.h): 256 bytes, the last 216 reserved */
struct enclave_run {
	u64 words[32];
};
#define EENTER 2
#define EINVAL 22

static void call_enclave(const struct subject *subject, u32 leaf, struct enclave_run *run, struct speaker *said)
{
	put_error(said, EINVAL);
	hand_over(subject, said);
	put_returned(said, ((s32(*)(u64, u64, u64, u32, u64, u64, struct enclave_run *))subject->code)(0, 0, 0, leaf, 0,
												      0, run));
}

/* Leaves of ENCLU that enter no enclave. */
static void run_bad_leaf(const struct subject *subject, s32 leaf, struct speaker *said)
{
	struct enclave_run run;

	memset(&run, 0, sizeof(run));
	call_enclave(subject, (u32)leaf, &run, said);
}

/* The last reserved word is set: refused before the processor sees it. */
static void run_reserved(const struct subject *subject, s32 leaf, struct speaker *said)
{
	struct enclave_run run;

	memset(&run, 0, sizeof(run));
	run.words[31] = 1;
	call_enclave(subject, (u32)leaf, &run, said);
}

static const struct test_case enclave_cases[] = {
	{ "enclave-leaf", 0, run_bad_leaf },
	{ "enclave-leaf", 4, run_bad_leaf },
	{ "enclave-leaf", -1, run_bad_leaf },
	{ "enclave-reserved", EENTER, run_reserved },
};
#endif

#ifdef __i386__
#define SYS_mmap2 192
#define PAGE 4096

/* Fills memory with what a page of this program is, by mmap2(2), whose sixth argument is the page. */
static word map_page(unsigned long entry, s32 fd, u32 page)
{
	struct {
		unsigned long entry, page;
	} hidden = { entry, page };
	word returned = SYS_mmap2;

	/* %ebp is the sixth argument, and no register is left for the address. */
	__asm__ volatile("pushl %%ebp\n\t"
			 "pushl %%ebx\n\t"
			 "movl (%%ecx), %%ebx\n\t"
			 "movl 4(%%ecx), %%ebp\n\t"
			 "pushl %%ebx\n\t"
			 "xorl %%ebx, %%ebx\n\t"
			 "movl $4096, %%ecx\n\t"
			 "call *(%%esp)\n\t"
			 "addl $4, %%esp\n\t"
			 "popl %%ebx\n\t"
			 "popl %%ebp"
			 : "+a"(returned)
			 : "c"(&hidden), "d"(PROT_READ), "S"(MAP_PRIVATE), "D"(fd)
			 : "memory", "cc");
	return returned;
}

static bool read_second_page(u8 *page)
{
	s32 fd = (s32)open_for_reading("/proc/self/exe");
	bool read = fd >= 0 && read_bytes(fd, page, PAGE) == PAGE && read_bytes(fd, page, PAGE) == PAGE;

	close_file(fd);
	return read;
}

/* The second page of this program, as read and as mapped, by its checksum. */
static void run_six_arguments(const struct subject *subject, s32 argument, struct speaker *said)
{
	u8 page[PAGE];
	s32 fd;
	word mapped;

	(void)argument;
	if (!read_second_page(page)) {
		put_lacking(said, "proc");
		return;
	}
	put_unsigned(said, crc32(0, page, PAGE));
	hand_over(subject, said);
	fd = (s32)open_for_reading("/proc/self/exe");
	mapped = map_page(subject->code, fd, 1);
	if (is_error(mapped))
		put_error(said, (s32)-mapped);
	else
		put_unsigned(said, crc32(0, (const u8 *)mapped, PAGE));
}

/* What no system call has as its number is refused as it is by int $0x80. */
static void run_no_call(const struct subject *subject, s32 number, struct speaker *said)
{
	word returned = number;

	put_returned(said, system_call(number, 0, 0, 0, 0, 0));
	hand_over(subject, said);
	__asm__ volatile("call *%1" : "+a"(returned) : "r"(subject->code) : "memory", "cc");
	put_returned(said, returned);
}

static const struct test_case entry_cases[] = {
	{ "six-arguments", NO_ARGUMENT, run_six_arguments },
	{ "no-call", 100000, run_no_call },
};
#endif

const struct function arch_functions[] = {
	{ .name = "futex_robust_list32_try_unlock", CASES(unlock32_cases) },
#ifdef __x86_64__
	{ .name = "futex_robust_list64_try_unlock", CASES(unlock64_cases) },
#endif
#if defined(__x86_64__) && !defined(__ILP32__)
	{ .name = "sgx_enter_enclave", CASES(enclave_cases) },
#endif
#ifdef __i386__
	{ .name = "vsyscall", CASES(entry_cases) },
#endif
};
const u32 arch_function_count = COUNT(arch_functions);
#endif
