/* The time calls of 64-bit ABIs that use the generic table: aarch64, riscv64, loongarch64. */
#ifndef ABI_GENERIC64_H
#define ABI_GENERIC64_H

#include "generic.h"

#define ABI_WIDE_TIME 1

/* include/uapi/asm-generic/unistd.h, v6.1 */
#define SYS_ppoll 73
#define SYS_gettimeofday 169
#define SYS_clock_settime 112
#define SYS_clock_gettime 113
#define SYS_clock_getres 114
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
