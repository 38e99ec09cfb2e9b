/* 32-bit PA-RISC. */
#ifndef ABI_PARISC_H
#define ABI_PARISC_H

#include "hppa.h"

#define ABI_WIDE_TIME 0
#define SYS_ppoll_time64 414
#define SYS_clock_gettime64 403
#define SYS_clock_getres_time64 406

#endif
