/* rt_sigaction(2), with the differences between ABIs settled. */
#include "signals.h"

#include "system.h"

#ifdef SYS_rt_sigaction
/* struct sigaction of include/linux/signal_types.h as far as it differs: restorer and mask, in whatever order, are 0.
 * MIPS has the flags first, and a mask of 128 bits. */
struct action {
#ifdef ABI_SIGACTION_FLAGS_FIRST
	u32 flags;
	void (*handler)(s32 number);
#else
	void (*handler)(s32 number);
	unsigned long flags;
#endif
	unsigned long rest[8];
};
#ifdef ABI_SIGACTION_FLAGS_FIRST
#define SIGNAL_SET_SIZE 16
#else
#define SIGNAL_SET_SIZE 8
#endif

word handle_signals(s32 number, void (*handler)(s32 number), u32 flags)
{
	struct action action;

	memset(&action, 0, sizeof(action));
	action.handler = handler;
	action.flags = flags;
#ifdef ABI_SA_RESTORER
	action.flags |= ABI_SA_RESTORER;
#endif
	return system_call(SYS_rt_sigaction, number, WORD(&action), 0, SIGNAL_SET_SIZE, 0);
}
#endif
