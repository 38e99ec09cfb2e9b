/* Code that a program writes and then runs: what the functions that make caches agree are for. */
#include "special_cases.h"
#include "system.h"

#if defined(__powerpc__) || defined(__riscv)
/* Code that is written twice at one place does each time what was written last. */
void run_written_code(const struct subject *subject, s32 argument, struct speaker *said)
{
	word code = map_memory(4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)argument;
	if (is_error(code)) {
		put_lacking(said, "memory");
		return;
	}
	put_text(said, "11,22");
	hand_over(subject, said);
	put_signed(said, call_written(subject, (u32 *)(unsigned long)code, 11));
	add_text(said, ",");
	add_signed(said, call_written(subject, (u32 *)(unsigned long)code, 22));
}
#endif
