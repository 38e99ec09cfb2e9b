/* riscv64. */
#ifndef ABI_RISCV64_H
#define ABI_RISCV64_H

#include "generic64.h"

#endif
