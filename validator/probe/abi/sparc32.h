/* 32-bit SPARC. */
#ifndef ABI_SPARC32_H
#define ABI_SPARC32_H

#include "sparc.h"

#define ABI_WIDE_TIME 0
#define SYS_time 231
#define SYS_ppoll_time64 414
#define SYS_clock_gettime64 403
#define SYS_clock_getres_time64 406

#endif
