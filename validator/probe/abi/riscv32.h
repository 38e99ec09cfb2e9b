/* riscv32: 64-bit time only, in the calls that other 32-bit ABIs have as a second set. */
#ifndef ABI_RISCV32_H
#define ABI_RISCV32_H

#include "generic.h"

#define ABI_WIDE_TIME 1

/* include/uapi/asm-generic/unistd.h, v6.1 */
#define SYS_ppoll SYS_ABSENT
#define SYS_gettimeofday SYS_ABSENT
#define SYS_clock_gettime SYS_ABSENT
#define SYS_clock_getres SYS_ABSENT
#define SYS_ppoll_time64 414
#define SYS_clock_gettime64 403
#define SYS_clock_getres_time64 406

#endif
