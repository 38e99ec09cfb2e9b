/* Memory from mmap(2), which is called in different ways. */
#include "special_cases.h"
#include "system.h"

bool is_error(word returned)
{
	return returned < 0 && returned >= -4095;
}

#ifdef SYS_mmap
word map_memory(unsigned long size, s32 protection, s32 flags)
{
#ifdef ABI_MMAP_TAKES_STRUCTURE
	/* struct s390_mmap_arg_struct (arch/s390/kernel/syscall.c) */
	unsigned long arguments[6] = { 0, size, (unsigned long)protection, (unsigned long)flags, -1ul, 0 };

	return system_call(SYS_mmap, WORD(arguments), 0, 0, 0, 0);
#else
	return system_call_six(SYS_mmap, 0, (word)size, protection, flags, -1, 0);
#endif
}
#endif
