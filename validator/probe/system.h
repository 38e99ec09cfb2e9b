/* The system calls that the probe makes. Each returns what the kernel returned, or -errno. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "types.h"

/* A number for system calls that an ABI never had; never given to the kernel. */
#define SYS_ABSENT (-1)

/* abi/<assembly>.S; one convention for errors, -errno, whatever the ABI's own is. */
word system_call(word number, word first, word second, word third, word fourth, word fifth);
/* The same with six arguments, of ABIs that pass all of them to C and to the kernel in registers, and of x86-64. */
word system_call_six(word number, word first, word second, word third, word fourth, word fifth, word sixth);

word write_bytes(s32 fd, const void *bytes, u32 size);
word read_bytes(s32 fd, void *bytes, u32 size);
word open_for_reading(const char *path);
/* A file that is there. */
word open_for_writing(const char *path);
void close_file(s32 fd);
word make_pipe(s32 ends[2]);

word fork_process(void);
/* `option` is the only argument beside the path; NULL for none. */
word execute(const char *path, const char *option);
word process_id(void);
void signal_process(s32 pid, s32 number);
void kill_process(s32 pid);
/* Waits until the process ends, or also until it stops. `code` is a CLD_ constant, `status` goes with it. */
void wait_for(s32 pid, s32 *code, s32 *status);
void wait_for_stop(s32 pid, s32 *code, s32 *status);
#define CLD_EXITED 1
#define CLD_TRAPPED 4

void exit_process(s32 status) __attribute__((noreturn));

word poll_readable(s32 fd, struct wide_time *timeout);
void sleep_milliseconds(u32 milliseconds);

#endif
