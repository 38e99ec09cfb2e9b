/* getcpu: the CPU that the process was pinned to, arguments that are null, and a pointer to nowhere. */
#include "affinity.h"
#include "cases.h"
#include "system.h"

#define CPU_UNWRITTEN 0x5a5a5a5a

static s32 call_getcpu(const struct subject *subject, void *cpu, void *node)
{
	return (s32)call_vdso(subject->code, WORD(cpu), WORD(node), 0, 0, 0);
}

static void put_cpu(struct speaker *said, s64 returned, u32 cpu, u32 node)
{
	if (put_failure(said, returned))
		return;
	put_unsigned(said, cpu);
	add_text(said, ",");
	add_signed(said, node);
}

/* On the lowest CPU (0) or on the highest (1). The system call tells the node, the affinity mask the CPU. */
static void run_pinned(const struct subject *subject, s32 highest, struct speaker *said)
{
	u32 kernels_cpu, kernels_node, cpu = CPU_UNWRITTEN, node = CPU_UNWRITTEN;
	s32 cpus[2], pinned;
	word returned;

	if (find_cpus(&cpus[0], &cpus[1]) != 0) {
		put_lacking(said, "affinity");
		return;
	}
	if (highest && cpus[0] == cpus[1]) {
		put_lacking(said, "second-cpu");
		return;
	}
	pinned = cpus[highest];
	if (allow_cpus(pinned, pinned) < 0) {
		put_lacking(said, "affinity");
		return;
	}
	returned = system_call(SYS_getcpu, WORD(&kernels_cpu), WORD(&kernels_node), 0, 0, 0);
	put_cpu(said, returned, (u32)pinned, kernels_node);
	returned = call_getcpu(subject, &cpu, &node);
	put_cpu(said, returned, cpu, node);
	allow_cpus(cpus[0], cpus[1]);
}

/* Without a place for the CPU (1), for the node (2), or both (3), on the lowest CPU. */
static void run_null(const struct subject *subject, s32 nulls, struct speaker *said)
{
	u32 cpu = CPU_UNWRITTEN, node = CPU_UNWRITTEN;
	void *cpu_at = nulls & 1 ? NULL : &cpu, *node_at = nulls & 2 ? NULL : &node;
	s32 cpus[2];
	word returned;

	if (find_cpus(&cpus[0], &cpus[1]) == 0)
		allow_cpus(cpus[0], cpus[0]);
	returned = system_call(SYS_getcpu, WORD(cpu_at), WORD(node_at), 0, 0, 0);
	put_cpu(said, returned, cpu, node);
	cpu = node = CPU_UNWRITTEN;
	hand_over(subject, said);
	returned = call_getcpu(subject, cpu_at, node_at);
	put_cpu(said, returned, cpu, node);
}

static void run_bad_pointer(const struct subject *subject, s32 argument, struct speaker *said)
{
	(void)argument;
	put_returned(said, system_call(SYS_getcpu, BAD_POINTER, 0, 0, 0, 0));
	hand_over(subject, said);
	put_returned(said, (s32)call_vdso(subject->code, BAD_POINTER, 0, 0, 0, 0));
}

static word call_for_path(const struct subject *subject, s32 argument)
{
	u32 cpu, node;

	(void)argument;
	return call_getcpu(subject, &cpu, &node);
}

static const struct test_case cases[] = {
	{ "pinned", 0, run_pinned },
	{ "pinned", 1, run_pinned },
	{ "null", 1, run_null },
	{ "null", 2, run_null },
	{ "null", 3, run_null },
	{ "bad-pointer", NO_ARGUMENT, run_bad_pointer },
};

static const struct path_case paths[] = { { NO_ARGUMENT, call_for_path } };

const struct function cpu_functions[] = { { "getcpu", CPU, CASES(cases), PATHS(paths) } };
const u32 cpu_function_count = COUNT(cpu_functions);
