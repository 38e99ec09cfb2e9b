/* The CPUs that this process may run on. */
#ifndef AFFINITY_H
#define AFFINITY_H

#include "types.h"

/* The lowest and the highest CPU of the affinity mask; an errno where it cannot be asked for, else 0. */
s32 find_cpus(s32 *lowest, s32 *highest);
/* Keeps this process on two CPUs, or on one that is named twice: 0 or -errno. */
word allow_cpus(s32 one, s32 other);

#endif
