/* What calls cost, in units of the kernel's monotonic clock: instructions, where the machine's time counts them. */
#ifndef COST_H
#define COST_H

#include "describe.h"

/* The word that tells /init to have each probe do this first, and a probe to do this and nothing else. */
#define COST_OPTION "--cost"
/* Behind the name of a probe that does. */
#define COST_SPEAKER "/cost"

/* All frames of a single probe, hello to end: `cost-loop`, and a `cost` for each function and clock of the image. */
void say_costs(struct speaker *speaker, const struct auxv_entry *auxv);

/* Lets the seconds of all clocks begin at nearly the same moment. For /init of a guest alone: it sets the real-time clock. */
void align_clocks(void);

#endif
