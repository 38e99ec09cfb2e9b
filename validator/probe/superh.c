/* SuperH: the entry to the kernel, which does not return to its caller but runs on into __kernel_sigreturn. */
#include "special_cases.h"
#include "system.h"

#ifdef __sh__

#define SIGUSR1 10

/* abi/sh.S: a handler that goes to `entry` with the stack as it found it, for umask(2) with `entry_mask`. */
void enter_from_handler(s32 number);
unsigned long entry, entry_mask;

/* A handler sets the mask by the entry; behind the entry, sigreturn finds the handler's frame and ends it. What the mask was
 * set to before, by trapa, and what it is then, by itself. */
static void run_from_handler(const struct subject *subject, s32 mask, struct speaker *said)
{
	/* struct sigaction: flags, restorer and mask are 0. */
	unsigned long action[8] = { (unsigned long)enter_from_handler };

	system_call(SYS_umask, mask, 0, 0, 0, 0);
	put_unsigned(said, (u64)system_call(SYS_umask, 0, 0, 0, 0, 0));
	hand_over(subject, said);
	entry = subject->code;
	entry_mask = (unsigned long)mask;
	system_call(SYS_rt_sigaction, SIGUSR1, WORD(action), 0, 8, 0);
	system_call(SYS_kill, system_call(SYS_getpid, 0, 0, 0, 0, 0), SIGUSR1, 0, 0, 0);
	put_unsigned(said, (u64)system_call(SYS_umask, 0, 0, 0, 0, 0));
}

static const struct test_case entry_cases[] = {
	{ "from-handler", 83, run_from_handler },
};

const struct function arch_functions[] = {
	{ .name = "vsyscall", CASES(entry_cases) },
};
const u32 arch_function_count = COUNT(arch_functions);
#endif
