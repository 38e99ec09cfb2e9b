/* Numbers of the ABIs that use the generic table: aarch64, riscv64, riscv32, loongarch64. */
#ifndef ABI_GENERIC_H
#define ABI_GENERIC_H

/* include/uapi/asm-generic/unistd.h, v6.1 */
#define SYS_read 63
#define SYS_write 64
#define SYS_close 57
#define SYS_openat 56
#define SYS_ioctl 29
#define SYS_getdents64 61
#define SYS_pipe2 59
#define SYS_clone 220
#define SYS_execve 221
#define SYS_exit 93
#define SYS_waitid 95
#define SYS_kill 129
#define SYS_getpid 172
#define SYS_uname 160
#define SYS_syslog 116
#define SYS_mount 40
#define SYS_reboot 142
#define SYS_getcpu 168
#define SYS_sched_setaffinity 122
#define SYS_sched_getaffinity 123
#define SYS_sched_setscheduler 119
#define SYS_prctl 167
#define SYS_ptrace 117
#define SYS_rt_sigaction 134
#define SYS_setitimer 103
#define SYS_mmap 222
#define SYS_getrandom 278

#endif
