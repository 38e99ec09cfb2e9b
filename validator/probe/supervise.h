/* The probe as PID 1: runs every probe of the initramfs and then powers the machine off. */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "describe.h"

/* `option` is what each probe is started with; NULL for nothing. */
void supervise(struct speaker *speaker, const struct auxv_entry *auxv, const char *option) __attribute__((noreturn));

#endif
