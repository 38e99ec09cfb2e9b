/* Which of the cases that few ABIs have this ABI has. */
#include "special_cases.h"
#include "system.h"

void say_special_cases(struct speaker *speaker, const struct vdso_image *image)
{
#ifdef SYS_rt_sigaction
	say_signals(speaker);
#endif
#if defined(__x86_64__) && !defined(__ILP32__)
	say_vsyscall(speaker);
#endif
#ifdef SYS_getrandom
	say_table(speaker, image, random_functions, random_function_count);
#endif
#if defined(__powerpc__) || defined(__riscv) || defined(__i386__) || defined(__x86_64__)
	say_table(speaker, image, arch_functions, arch_function_count);
#endif
	(void)speaker;
	(void)image;
}
