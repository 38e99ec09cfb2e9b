/* i386 under User Mode Linux. */
#ifndef ABI_UM_I386_H
#define ABI_UM_I386_H

#include "i386.h"

#endif
