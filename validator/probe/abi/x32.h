/* x32: 32-bit pointers in 64-bit registers; time has 64 bits in the plain calls, and there are no others. */
#ifndef ABI_X32_H
#define ABI_X32_H

#define ABI_WIDE_TIME 1
#define ABI_WORD long long
/* arch/x86/include/uapi/asm/signal.h: without it no handler is called. */
#define ABI_SA_RESTORER 0x04000000

/* __X32_SYSCALL_BIT */
#define X32 0x40000000

/* arch/x86/entry/syscalls/syscall_64.tbl, v6.1 */
#define SYS_read (X32 + 0)
#define SYS_write (X32 + 1)
#define SYS_close (X32 + 3)
#define SYS_openat (X32 + 257)
#define SYS_ioctl (X32 + 514)
#define SYS_getdents64 (X32 + 217)
#define SYS_pipe2 (X32 + 293)
#define SYS_ppoll (X32 + 271)
#define SYS_clone (X32 + 56)
#define SYS_execve (X32 + 520)
#define SYS_exit (X32 + 60)
#define SYS_waitid (X32 + 529)
#define SYS_kill (X32 + 62)
#define SYS_getpid (X32 + 39)
#define SYS_uname (X32 + 63)
#define SYS_syslog (X32 + 103)
#define SYS_mount (X32 + 165)
#define SYS_reboot (X32 + 169)
#define SYS_gettimeofday (X32 + 96)
#define SYS_clock_gettime (X32 + 228)
#define SYS_clock_getres (X32 + 229)
#define SYS_getcpu (X32 + 309)
#define SYS_sched_setaffinity (X32 + 203)
#define SYS_sched_getaffinity (X32 + 204)
#define SYS_sched_setscheduler (X32 + 144)
#define SYS_rt_sigaction (X32 + 512)
#define SYS_prctl (X32 + 157)
#define SYS_ptrace (X32 + 521)
#define SYS_time (X32 + 201)
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
