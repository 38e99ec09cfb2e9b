/* Integer types, and the kernel's structures as the kernel defines them (a libc's may differ, see struct timespec). */
#ifndef TYPES_H
#define TYPES_H

typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __INT32_TYPE__ s32;
typedef __UINT32_TYPE__ u32;
typedef __INT64_TYPE__ s64;
typedef __UINT64_TYPE__ u64;
typedef _Bool bool;

/* What a register holds: as wide as a pointer everywhere but on x32. */
#ifdef ABI_WORD
typedef ABI_WORD word;
#else
typedef long word;
#endif

#define NULL ((void *)0)
#define WORD(pointer) ((word)(unsigned long)(pointer))

/* "narrow": old_timespec32 and old_timeval32; "wide": __kernel_timespec, and timespec and timeval of 64-bit ABIs
 * (include/vdso/time32.h, include/uapi/linux/time_types.h). */
struct narrow_time {
	s32 seconds;
	s32 fraction;
};

struct wide_time {
	s64 seconds;
	s64 fraction;
};

/* include/uapi/linux/utsname.h */
struct new_utsname {
	char sysname[65];
	char nodename[65];
	char release[65];
	char version[65];
	char machine[65];
	char domainname[65];
};

/* include/linux/dirent.h; the name starts at offset 19, before the structure's end. */
struct linux_dirent64 {
	u64 inode;
	s64 offset;
	u16 length;
	u8 type;
	char name[];
};

/* include/uapi/asm-generic/poll.h */
struct pollfd {
	s32 fd;
	short events;
	short revents;
};
#define POLLIN 0x0001

#define ESRCH 3
#define EINTR 4
#define EAGAIN 11
#define EFAULT 14
#ifndef ENOSYS
#define ENOSYS 38
#endif

#define SIGKILL 9
#ifndef SIGCHLD
#define SIGCHLD 17
#endif

void *memcpy(void *to, const void *from, unsigned long size);
void *memset(void *to, int byte, unsigned long size);
u32 string_length(const char *text);
bool strings_equal(const char *one, const char *other);
int compare_strings(const char *one, const char *other);

#endif
