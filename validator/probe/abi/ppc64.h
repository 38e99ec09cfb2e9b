/* 64-bit PowerPC, ELFv1 (big-endian) and ELFv2 (little-endian). */
#ifndef ABI_PPC64_H
#define ABI_PPC64_H

#define ABI_WIDE_TIME 1
/* An error is a positive errno and CR0.SO set, in system calls and in the vDSO. */
#define ABI_CALLS_IN_ASSEMBLY
/* arch/powerpc/include/uapi/asm/ioctls.h */
#define TCSBRK 0x2000741d

/* arch/powerpc/kernel/syscalls/syscall.tbl, v6.1 */
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_openat 286
#define SYS_ioctl 54
#define SYS_getdents64 202
#define SYS_pipe2 317
#define SYS_ppoll 281
#define SYS_clone 120
#define SYS_execve 11
#define SYS_exit 1
#define SYS_waitid 272
#define SYS_kill 37
#define SYS_getpid 20
#define SYS_uname 122
#define SYS_syslog 103
#define SYS_mount 21
#define SYS_reboot 88
#define SYS_gettimeofday 78
#define SYS_clock_settime 245
#define SYS_clock_gettime 246
#define SYS_clock_getres 247
#define SYS_getcpu 302
#define SYS_sched_setaffinity 222
#define SYS_sched_getaffinity 223
#define SYS_sched_setscheduler 156
#define SYS_prctl 171
#define SYS_ptrace 26
#define SYS_rt_sigaction 173
#define SYS_setitimer 104
#define SYS_mmap 90
#define SYS_getrandom 359
#define SYS_time 13
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
