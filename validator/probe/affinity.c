/* The CPUs that this process may run on. */
#include "affinity.h"

#include "system.h"

/* Enough for any CONFIG_NR_CPUS, for the kernel refuses a mask that is too short. */
#define MASK_BITS 8192
#define WORD_BITS (8 * (s32)sizeof(unsigned long))
#define MASK_WORDS (MASK_BITS / WORD_BITS)

s32 find_cpus(s32 *lowest, s32 *highest)
{
	unsigned long mask[MASK_WORDS] = { 0 };
	word result = system_call(SYS_sched_getaffinity, 0, sizeof(mask), WORD(mask), 0, 0);

	if (result < 0)
		return (s32)-result;
	*lowest = -1;
	for (s32 cpu = 0; cpu < MASK_BITS; cpu++) {
		if (!(mask[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1))
			continue;
		if (*lowest < 0)
			*lowest = cpu;
		*highest = cpu;
	}
	return *lowest < 0 ? ESRCH : 0;
}

word allow_cpus(s32 one, s32 other)
{
	unsigned long mask[MASK_WORDS] = { 0 };

	mask[one / WORD_BITS] |= 1ul << (one % WORD_BITS);
	mask[other / WORD_BITS] |= 1ul << (other % WORD_BITS);
	return system_call(SYS_sched_setaffinity, 0, sizeof(mask), WORD(mask), 0, 0);
}
