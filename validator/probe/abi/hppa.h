/* PA-RISC, 32-bit and 64-bit. */
#ifndef ABI_HPPA_H
#define ABI_HPPA_H

/* Page 0 of the space in %sr2 (arch/parisc/kernel/syscall.S). */
#define ABI_GATEWAY_PAGE
/* arch/parisc/include/uapi/asm/{errno,signal,ioctls}.h */
#define ENOSYS 251
#define SIGCHLD 18
#define SA_SIGINFO 0x10
#define SA_NODEFER 0x20
#define TCSBRK 0x5405

/* arch/parisc/kernel/syscalls/syscall.tbl, v6.1 */
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_openat 275
#define SYS_ioctl 54
#define SYS_getdents64 201
#define SYS_pipe2 313
#define SYS_ppoll 274
#define SYS_clone 120
#define SYS_execve 11
#define SYS_exit 1
#define SYS_waitid 235
#define SYS_kill 37
#define SYS_getpid 20
#define SYS_uname 59
#define SYS_syslog 103
#define SYS_mount 21
#define SYS_reboot 88
#define SYS_gettimeofday 78
#define SYS_clock_gettime 256
#define SYS_clock_getres 257
#define SYS_getcpu 296
#define SYS_sched_setaffinity 211
#define SYS_sched_getaffinity 212
#define SYS_sched_setscheduler 156
#define SYS_prctl 172
#define SYS_ptrace 26
#define SYS_rt_sigaction 174
#define SYS_setitimer 104
#define SYS_time 13

#endif
