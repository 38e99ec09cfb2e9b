/* Cases of what few ABIs have, or of what is no function of an image. A file is empty for the ABIs it is not for. */
#ifndef SPECIAL_CASES_H
#define SPECIAL_CASES_H

#include "cases.h"

/* Calls all functions that the image exports, and runs the cases and paths of them, and all cases of this header but those
 * of say_kuser_helpers. */
void say_behaviour(struct speaker *speaker, const struct vdso_image *image);

/* Where signal handlers return to (trampolines.c); the functions of x86's page at a fixed address (vsyscall.c); the entries
 * of PA-RISC's gateway page (gateway.c). */
extern const struct tried signal_entries[], vsyscall_entries[], gateway_entries[];
extern const u32 signal_entry_count, vsyscall_entry_count, gateway_entry_count;

/* Calls arm's helpers, of a page with this helper version (kuser.c). */
void say_kuser_helpers(struct speaker *speaker, u32 version);

/* Tables like those of cases.h: random.c, and of one architecture powerpc.c, riscv.c, superh.c, x86.c. */
extern const struct function random_functions[];
extern const u32 random_function_count;
extern const struct function arch_functions[];
extern const u32 arch_function_count;

/* The case of a function after which written code can be run (written_code.c): `call_written` writes code that returns the
 * number, calls the function for it, and says what the code returns, or the function, if not 0 (powerpc.c, riscv.c). */
void run_written_code(const struct subject *subject, s32 argument, struct speaker *said);
word call_written(const struct subject *subject, u32 *code, s32 number);

/* A state of the getrandom at `code` that has been filled (random.c); false where there are no random numbers yet, or no
 * state. It is the calling process's alone: a child finds it empty. */
bool fill_random_state(unsigned long code, word *state, word *size);

/* Memory of its own (mapping.c): its address or -errno, and whether it is the latter. */
word map_memory(unsigned long size, s32 protection, s32 flags);
bool is_error(word returned);
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20

#endif
