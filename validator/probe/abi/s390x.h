/* s390x. */
#ifndef ABI_S390X_H
#define ABI_S390X_H

#define ABI_WIDE_TIME 1
#define ABI_CLONE_STACK_FIRST
#define ABI_MMAP_TAKES_STRUCTURE

/* arch/s390/kernel/syscalls/syscall.tbl, v6.1 */
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_openat 288
#define SYS_ioctl 54
#define SYS_getdents64 220
#define SYS_pipe2 325
#define SYS_ppoll 302
#define SYS_clone 120
#define SYS_execve 11
#define SYS_exit 1
#define SYS_waitid 281
#define SYS_kill 37
#define SYS_getpid 20
#define SYS_uname 122
#define SYS_syslog 103
#define SYS_mount 21
#define SYS_reboot 88
#define SYS_gettimeofday 78
#define SYS_clock_settime 259
#define SYS_clock_gettime 260
#define SYS_clock_getres 261
#define SYS_getcpu 311
#define SYS_sched_setaffinity 239
#define SYS_sched_getaffinity 240
#define SYS_sched_setscheduler 156
#define SYS_prctl 172
#define SYS_ptrace 26
#define SYS_rt_sigaction 174
#define SYS_setitimer 104
#define SYS_mmap 90
#define SYS_getrandom 349
#define SYS_ppoll_time64 SYS_ABSENT
#define SYS_clock_gettime64 SYS_ABSENT
#define SYS_clock_getres_time64 SYS_ABSENT

#endif
