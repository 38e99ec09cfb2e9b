/* Where the probe begins: as PID 1 it supervises, otherwise it describes its own process. */
#include "cost.h"
#include "describe.h"
#include "supervise.h"
#include "system.h"

/* Called by _start (abi/<assembly>.S) with the initial stack: argc, argv, NULL, envp, NULL, auxv. */
void probe_main(const unsigned long *stack) __attribute__((noreturn));

void probe_main(const unsigned long *stack)
{
	unsigned long count = stack[0];
	const char *const *arguments = (const char *const *)(stack + 1);
	const unsigned long *environment = stack + 1 + count + 1;
	const struct auxv_entry *auxv;
	const char *option;
	bool costs;
	struct speaker speaker = { .name = PROBE_NAME };

	while (*environment)
		environment++;
	auxv = (const struct auxv_entry *)(environment + 1);
	option = count > 1 ? arguments[1] : "";
	costs = strings_equal(option, COST_OPTION);
	if (process_id() == 1 && !strings_equal(option, "--host")) {
		speaker.name = PROBE_NAME "/init";
		if (costs)
			align_clocks();
		supervise(&speaker, auxv, costs);
	}
	if (costs) {
		speaker.name = PROBE_NAME COST_SPEAKER;
		say_costs(&speaker, auxv);
	} else {
		describe_process(&speaker, auxv);
	}
	exit_process(speaker.failed ? 1 : 0);
}
