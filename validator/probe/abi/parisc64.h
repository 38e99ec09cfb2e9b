/* 64-bit PA-RISC. */
#ifndef ABI_PARISC64_H
#define ABI_PARISC64_H

#include "hppa.h"

#define ABI_WIDE_TIME 1
/* A function's symbol, and a pointer to it, is the address of a descriptor: 16 bytes, and then those of its code and of its
 * data. Nobody relocates those of the vDSO. */
#define ABI_DESCRIPTORS
#define ABI_CALLS_IN_ASSEMBLY
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
