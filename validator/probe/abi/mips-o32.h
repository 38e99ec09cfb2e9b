/* MIPS o32. */
#ifndef ABI_MIPS_O32_H
#define ABI_MIPS_O32_H

#define ABI_WIDE_TIME 0
#define ABI_CALLS_IN_ASSEMBLY
/* arch/mips/include/uapi/asm/{errno,signal,ioctls,siginfo}.h */
#define ENOSYS 89
#define SIGCHLD 18
#define TCSBRK 0x5405
#define ABI_SIGINFO_CODE 1
#define ABI_SIGACTION_FLAGS_FIRST

#define O32 4000

/* arch/mips/kernel/syscalls/syscall_o32.tbl, v6.1 */
#define SYS_read (O32 + 3)
#define SYS_write (O32 + 4)
#define SYS_close (O32 + 6)
#define SYS_openat (O32 + 288)
#define SYS_ioctl (O32 + 54)
#define SYS_getdents64 (O32 + 219)
#define SYS_pipe2 (O32 + 328)
#define SYS_ppoll (O32 + 302)
#define SYS_clone (O32 + 120)
#define SYS_execve (O32 + 11)
#define SYS_exit (O32 + 1)
#define SYS_waitid (O32 + 278)
#define SYS_kill (O32 + 37)
#define SYS_getpid (O32 + 20)
#define SYS_uname (O32 + 122)
#define SYS_syslog (O32 + 103)
#define SYS_mount (O32 + 21)
#define SYS_reboot (O32 + 88)
#define SYS_gettimeofday (O32 + 78)
#define SYS_clock_settime (O32 + 262)
#define SYS_clock_gettime (O32 + 263)
#define SYS_clock_getres (O32 + 264)
#define SYS_getcpu (O32 + 312)
#define SYS_sched_setaffinity (O32 + 239)
#define SYS_sched_getaffinity (O32 + 240)
#define SYS_sched_setscheduler (O32 + 160)
#define SYS_prctl (O32 + 192)
#define SYS_ptrace (O32 + 26)
#define SYS_rt_sigaction (O32 + 194)
#define SYS_setitimer (O32 + 104)
#define SYS_time (O32 + 13)
#define SYS_ppoll_time64 (O32 + 414)
#define SYS_clock_gettime64 (O32 + 403)
#define SYS_clock_getres_time64 (O32 + 406)

#endif
