/* The CPUs that this process may run on. */
#include "affinity.h"

#include "system.h"

/* Enough for any CONFIG_NR_CPUS, for the kernel refuses a mask that is too short. */
#define MASK_BITS 8192
#define WORD_BITS (8 * (s32)sizeof(unsigned long))
#define MASK_WORDS (MASK_BITS / WORD_BITS)

/* The kernel says how many bytes it wrote; to look at all the others would take as long as everything else about CPUs. */
s32 find_cpus(s32 *lowest, s32 *highest)
{
	unsigned long mask[MASK_WORDS];
	word bytes = system_call(SYS_sched_getaffinity, 0, sizeof(mask), WORD(mask), 0, 0);

	if (bytes < 0)
		return (s32)-bytes;
	*lowest = -1;
	for (s32 cpu = 0; cpu < (s32)bytes * 8; cpu++) {
		if (!(mask[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1))
			continue;
		if (*lowest < 0)
			*lowest = cpu;
		*highest = cpu;
	}
	return *lowest < 0 ? ESRCH : 0;
}

/* The kernel takes CPUs behind the end of a mask for not allowed. */
word allow_cpus(s32 one, s32 other)
{
	unsigned long mask[MASK_WORDS];
	unsigned long bytes = ((unsigned long)(one > other ? one : other) / WORD_BITS + 1) * sizeof(mask[0]);

	memset(mask, 0, bytes);
	mask[one / WORD_BITS] |= 1ul << (one % WORD_BITS);
	mask[other / WORD_BITS] |= 1ul << (other % WORD_BITS);
	return system_call(SYS_sched_setaffinity, 0, (word)bytes, WORD(mask), 0, 0);
}
