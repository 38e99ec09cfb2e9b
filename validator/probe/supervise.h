/* The probe as PID 1: runs every probe of the initramfs and then powers the machine off. */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "describe.h"

/* With `costs` each probe first measures them, in a process of its own. */
void supervise(struct speaker *speaker, const struct auxv_entry *auxv, bool costs) __attribute__((noreturn));

#endif
