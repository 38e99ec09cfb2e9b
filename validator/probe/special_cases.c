/* Which cases this ABI has: every ABI may have the functions of time and CPU, few have the others. */
#include "special_cases.h"
#include "system.h"

void say_functions(struct speaker *speaker, const struct vdso_image *image)
{
	static const struct table tables[] = {
		{ time_functions, &time_function_count },
		{ cpu_functions, &cpu_function_count },
#ifdef SYS_getrandom
		{ random_functions, &random_function_count },
#endif
#if defined(__powerpc__) || defined(__riscv) || defined(__i386__) || defined(__x86_64__) || defined(__sh__)
		{ arch_functions, &arch_function_count },
#endif
	};

	say_tables(speaker, image, tables, COUNT(tables));
}

void say_special_cases(struct speaker *speaker)
{
#if defined(SYS_rt_sigaction) && !defined(ABI_SA_RESTORER)
	say_signals(speaker);
#endif
#if defined(__x86_64__) && !defined(__ILP32__) && !defined(ABI_USER_MODE)
	say_vsyscall(speaker);
#endif
#ifdef ABI_GATEWAY_PAGE
	say_gateway(speaker);
#endif
	(void)speaker;
}
