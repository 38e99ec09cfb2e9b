/* 64-bit SPARC. */
#ifndef ABI_SPARC64_H
#define ABI_SPARC64_H

#include "sparc.h"

#define ABI_WIDE_TIME 1
/* struct __kernel_old_timeval has an int behind its long (arch/sparc/include/uapi/asm/posix_types.h). */
#define ABI_NARROW_MICROSECONDS
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
