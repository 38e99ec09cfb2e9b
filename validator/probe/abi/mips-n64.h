/* MIPS n64. */
#ifndef ABI_MIPS_N64_H
#define ABI_MIPS_N64_H

#define ABI_WIDE_TIME 1
#define ABI_CALLS_IN_ASSEMBLY
/* arch/mips/include/uapi/asm/{errno,signal,ioctls,siginfo}.h */
#define ENOSYS 89
#define SIGCHLD 18
#define TCSBRK 0x5405
#define ABI_SIGINFO_CODE 1
#define ABI_SIGACTION_FLAGS_FIRST

#define N64 5000

/* arch/mips/kernel/syscalls/syscall_n64.tbl, v6.1 */
#define SYS_read (N64 + 0)
#define SYS_write (N64 + 1)
#define SYS_close (N64 + 3)
#define SYS_openat (N64 + 247)
#define SYS_ioctl (N64 + 15)
#define SYS_getdents64 (N64 + 308)
#define SYS_pipe2 (N64 + 287)
#define SYS_ppoll (N64 + 261)
#define SYS_clone (N64 + 55)
#define SYS_execve (N64 + 57)
#define SYS_exit (N64 + 58)
#define SYS_waitid (N64 + 237)
#define SYS_kill (N64 + 60)
#define SYS_getpid (N64 + 38)
#define SYS_uname (N64 + 61)
#define SYS_syslog (N64 + 101)
#define SYS_mount (N64 + 160)
#define SYS_reboot (N64 + 164)
#define SYS_gettimeofday (N64 + 94)
#define SYS_clock_settime (N64 + 221)
#define SYS_clock_gettime (N64 + 222)
#define SYS_clock_getres (N64 + 223)
#define SYS_getcpu (N64 + 271)
#define SYS_sched_setaffinity (N64 + 195)
#define SYS_sched_getaffinity (N64 + 196)
#define SYS_sched_setscheduler (N64 + 141)
#define SYS_prctl (N64 + 153)
#define SYS_ptrace (N64 + 99)
#define SYS_rt_sigaction (N64 + 13)
#define SYS_setitimer (N64 + 36)
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
