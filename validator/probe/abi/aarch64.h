/* aarch64. */
#ifndef ABI_AARCH64_H
#define ABI_AARCH64_H

#include "generic64.h"

#endif
