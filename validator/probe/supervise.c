/* The probe as PID 1: runs every probe of the initramfs and then powers the machine off. */
#include "supervise.h"

#include "child.h"
#include "cost.h"
#include "system.h"

#define PROBE_SECONDS 40
#define PROBE_DIRECTORY "/probes/"
#define LONGEST_NAME 64

/* include/uapi/linux/reboot.h */
#define LINUX_REBOOT_MAGIC1 0xfee1dead
#define LINUX_REBOOT_MAGIC2 672274793
#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedc

/* include/linux/syslog.h */
#define SYSLOG_ACTION_CONSOLE_OFF 6

#ifndef TCSBRK
#define TCSBRK 0x5409
#endif

/* Finds the first name of the directory that sorts after `last`. Directory order is no order: it differs by kernel. */
static bool next_probe(const char *last, char *next)
{
	u64 room[128];
	word got, fd = open_for_reading(PROBE_DIRECTORY);
	bool found = 0;

	if (fd < 0)
		return 0;
	while ((got = system_call(SYS_getdents64, fd, WORD(room), sizeof(room), 0, 0)) > 0) {
		const u8 *at = (const u8 *)room;
		const u8 *end = at + got;

		while (at < end) {
			const struct linux_dirent64 *entry = (const struct linux_dirent64 *)at;
			const char *name = entry->name;

			at += entry->length;
			if (name[0] == '.' || string_length(name) >= LONGEST_NAME)
				continue;
			if (compare_strings(name, last) > 0 && (!found || compare_strings(name, next) < 0)) {
				memcpy(next, name, string_length(name) + 1);
				found = 1;
			}
		}
	}
	close_file((s32)fd);
	return found;
}

struct program {
	const char *name;
	const char *option;
};

/* Turns the child into the probe; only a failure is reported. */
static void execute_probe(const void *argument, s32 report_fd)
{
	const struct program *program = argument;
	char path[sizeof(PROBE_DIRECTORY) + LONGEST_NAME] = PROBE_DIRECTORY;
	s32 error;

	memcpy(path + sizeof(PROBE_DIRECTORY) - 1, program->name, string_length(program->name) + 1);
	error = (s32)-execute(path, program->option);
	write_bytes(report_fd, &error, sizeof(error));
}

/* Names the child as it names itself in its frames. */
static void begin_child(struct speaker *speaker, const struct program *program, const char *event)
{
	frame_begin(speaker, "child");
	put_text(speaker, program->name);
	if (program->option)
		add_text(speaker, COST_SPEAKER);
	put_text(speaker, event);
}

static void run_probe(struct speaker *speaker, const struct program *program)
{
	struct ending ending;
	s32 error;

	begin_child(speaker, program, "started");
	frame_end(speaker);
	ending = run_in_child(execute_probe, program, PROBE_SECONDS, &error, sizeof(error));
	/* A probe that was stopped may have left half a line. */
	if (ending.how == ENDED_SIGNAL || ending.how == ENDED_HANG)
		break_line(speaker);
	if (ending.how == ENDED_UNSTARTED || ending.reported == sizeof(error)) {
		begin_child(speaker, program, "exec-failed");
		put_signed(speaker, ending.how == ENDED_UNSTARTED ? ending.status : error);
	} else if (ending.how == ENDED_HANG) {
		begin_child(speaker, program, "hang");
	} else {
		begin_child(speaker, program, ending.how == ENDED_EXIT ? "exit" : "signal");
		put_signed(speaker, ending.status);
	}
	frame_end(speaker);
}

static void run_probes(struct speaker *speaker, const char *option)
{
	char last[LONGEST_NAME] = "", next[LONGEST_NAME];
	struct program program = { next, option };

	while (next_probe(last, next)) {
		run_probe(speaker, &program);
		memcpy(last, next, sizeof(last));
	}
}

static void power_off(void)
{
	struct wide_time forever;

	/* tcdrain: the last frames leave the buffers first. */
	system_call(SYS_ioctl, 1, TCSBRK, 1, 0, 0);
	system_call(SYS_reboot, (s32)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
	/* A machine without power-off, or a kernel without reboot: the host stops it. */
	for (;;) {
		forever = (struct wide_time){ 3600, 0 };
		poll_readable(-1, &forever);
	}
}

/* A kernel that was told maxcpus=1 leaves it for later: two CPUs make all of a boot slower, and only a few cases need
 * them (Documentation/admin-guide/kernel-parameters.rst). */
static void start_second_cpu(void)
{
	word fd = open_for_writing("/sys/devices/system/cpu/cpu1/online");

	if (fd < 0)
		return;
	write_bytes((s32)fd, "1", 1);
	close_file((s32)fd);
}

void supervise(struct speaker *speaker, const struct auxv_entry *auxv, bool costs)
{
	system_call(SYS_syslog, SYSLOG_ACTION_CONSOLE_OFF, 0, 0, 0, 0);
	system_call(SYS_mount, WORD("proc"), WORD("/proc"), WORD("proc"), 0, 0);
	system_call(SYS_mount, WORD("sysfs"), WORD("/sys"), WORD("sysfs"), 0, 0);
	/* Firmware and printk may have left half a line. */
	break_line(speaker);
	say_hello(speaker, auxv);
	/* Instructions are counted on one CPU, and before anything else has happened that could move a cost. */
	if (costs)
		run_probes(speaker, COST_OPTION);
	start_second_cpu();
	run_probes(speaker, NULL);
	say_end(speaker);
	power_off();
	__builtin_unreachable();
}
