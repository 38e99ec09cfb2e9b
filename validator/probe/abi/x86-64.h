/* x86-64. */
#ifndef ABI_X86_64_H
#define ABI_X86_64_H

#define ABI_WIDE_TIME 1
/* arch/x86/include/uapi/asm/signal.h: without it no handler is called. */
#define ABI_SA_RESTORER 0x04000000

/* arch/x86/entry/syscalls/syscall_64.tbl, v6.1 */
#define SYS_read 0
#define SYS_write 1
#define SYS_close 3
#define SYS_openat 257
#define SYS_ioctl 16
#define SYS_getdents64 217
#define SYS_pipe2 293
#define SYS_ppoll 271
#define SYS_clone 56
#define SYS_execve 59
#define SYS_exit 60
#define SYS_waitid 247
#define SYS_kill 62
#define SYS_getpid 39
#define SYS_uname 63
#define SYS_syslog 103
#define SYS_mount 165
#define SYS_reboot 169
#define SYS_gettimeofday 96
#define SYS_clock_settime 227
#define SYS_clock_gettime 228
#define SYS_clock_getres 229
#define SYS_getcpu 309
#define SYS_sched_setaffinity 203
#define SYS_sched_getaffinity 204
#define SYS_sched_setscheduler 144
#define SYS_rt_sigaction 13
#define SYS_prctl 157
#define SYS_ptrace 101
#define SYS_mmap 9
#define SYS_getrandom 318
#define SYS_time 201
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
