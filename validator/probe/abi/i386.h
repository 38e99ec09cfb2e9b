/* i386. */
#ifndef ABI_I386_H
#define ABI_I386_H

#define ABI_WIDE_TIME 0

/* arch/x86/entry/syscalls/syscall_32.tbl, v6.1 */
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_openat 295
#define SYS_ioctl 54
#define SYS_getdents64 220
#define SYS_pipe2 331
#define SYS_ppoll 309
#define SYS_clone 120
#define SYS_execve 11
#define SYS_exit 1
#define SYS_waitid 284
#define SYS_kill 37
#define SYS_getpid 20
#define SYS_uname 122
#define SYS_syslog 103
#define SYS_mount 21
#define SYS_reboot 88
#define SYS_gettimeofday 78
#define SYS_clock_settime 264
#define SYS_clock_gettime 265
#define SYS_clock_getres 266
#define SYS_getcpu 318
#define SYS_sched_setaffinity 241
#define SYS_sched_getaffinity 242
#define SYS_sched_setscheduler 156
#define SYS_prctl 172
#define SYS_ptrace 26
#define SYS_rt_sigaction 174
#define SYS_setitimer 104
#define SYS_time 13
#define SYS_ppoll_time64 414
#define SYS_clock_gettime64 403
#define SYS_clock_getres_time64 406

#endif
