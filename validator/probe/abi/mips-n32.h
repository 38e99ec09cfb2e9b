/* MIPS n32: 32-bit pointers and time in 64-bit registers. */
#ifndef ABI_MIPS_N32_H
#define ABI_MIPS_N32_H

#define ABI_WIDE_TIME 0
#define ABI_CALLS_IN_ASSEMBLY
/* arch/mips/include/uapi/asm/{errno,signal,ioctls,siginfo}.h */
#define ENOSYS 89
#define SIGCHLD 18
#define TCSBRK 0x5405
#define ABI_SIGINFO_CODE 1
#define ABI_SIGACTION_FLAGS_FIRST

#define N32 6000

/* arch/mips/kernel/syscalls/syscall_n32.tbl, v6.1 */
#define SYS_read (N32 + 0)
#define SYS_write (N32 + 1)
#define SYS_close (N32 + 3)
#define SYS_openat (N32 + 251)
#define SYS_ioctl (N32 + 15)
#define SYS_getdents64 (N32 + 299)
#define SYS_pipe2 (N32 + 291)
#define SYS_ppoll (N32 + 265)
#define SYS_clone (N32 + 55)
#define SYS_execve (N32 + 57)
#define SYS_exit (N32 + 58)
#define SYS_waitid (N32 + 241)
#define SYS_kill (N32 + 60)
#define SYS_getpid (N32 + 38)
#define SYS_uname (N32 + 61)
#define SYS_syslog (N32 + 101)
#define SYS_mount (N32 + 160)
#define SYS_reboot (N32 + 164)
#define SYS_gettimeofday (N32 + 94)
#define SYS_clock_gettime (N32 + 226)
#define SYS_clock_getres (N32 + 227)
#define SYS_getcpu (N32 + 275)
#define SYS_sched_setaffinity (N32 + 195)
#define SYS_sched_getaffinity (N32 + 196)
#define SYS_sched_setscheduler (N32 + 141)
#define SYS_prctl (N32 + 153)
#define SYS_ptrace (N32 + 99)
#define SYS_rt_sigaction (N32 + 13)
#define SYS_setitimer (N32 + 36)
#define SYS_ppoll_time64 (N32 + 414)
#define SYS_clock_gettime64 (N32 + 403)
#define SYS_clock_getres_time64 (N32 + 406)

#endif
