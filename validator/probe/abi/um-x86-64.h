/* x86-64 under User Mode Linux. */
#ifndef ABI_UM_X86_64_H
#define ABI_UM_X86_64_H

#include "x86-64.h"

/* The page at a fixed address is that of the kernel below. */
#define ABI_USER_MODE 1

#endif
