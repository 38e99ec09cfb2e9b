/* loongarch64. */
#ifndef ABI_LOONGARCH64_H
#define ABI_LOONGARCH64_H

#include "generic64.h"

#endif
