/* 32-bit and 64-bit SPARC. */
#ifndef ABI_SPARC_H
#define ABI_SPARC_H

/* arch/sparc/include/uapi/asm/{errno,signal,ioctls}.h */
#define ENOSYS 90
#define SIGCHLD 20
#define TCSBRK 0x20005405

/* arch/sparc/kernel/syscalls/syscall.tbl, v6.1. Handlers of 64-bit programs need a restorer of their own; 32-bit ones are
 * returned from by code on the stack. */
#define SYS_read 3
#define SYS_write 4
#define SYS_close 6
#define SYS_openat 284
#define SYS_ioctl 54
#define SYS_getdents64 154
#define SYS_pipe2 321
#define SYS_ppoll 298
#define SYS_clone 217
#define SYS_execve 59
#define SYS_exit 1
#define SYS_waitid 279
#define SYS_kill 37
#define SYS_getpid 20
#define SYS_uname 189
#define SYS_syslog 207
#define SYS_mount 167
#define SYS_reboot 55
#define SYS_gettimeofday 116
#define SYS_clock_gettime 257
#define SYS_clock_getres 258
#define SYS_getcpu 308
#define SYS_sched_setaffinity 261
#define SYS_sched_getaffinity 260
#define SYS_sched_setscheduler 243
#define SYS_prctl 147
#define SYS_ptrace 26

#endif
