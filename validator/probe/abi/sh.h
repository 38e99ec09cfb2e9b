/* 32-bit SuperH: its table of system calls (arch/sh/kernel/syscalls/syscall.tbl, v6.1) has the numbers of i386's. */
#ifndef ABI_SH_H
#define ABI_SH_H

#include "i386.h"

#define SYS_umask 60

/* arch/sh/include/uapi/asm/ioctls.h */
#define TCSBRK 0x741d

#endif
