/* What a process can say about itself: its ABI, its kernel, auxv, mappings and the vDSO's bytes. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "frames.h"

/* An entry of the auxiliary vector as it lies on the initial stack. */
struct auxv_entry {
	unsigned long type;
	unsigned long value;
};

/* 0 when there is no such entry. */
unsigned long auxv_value(const struct auxv_entry *auxv, unsigned long type);

void say_hello(struct speaker *speaker, const struct auxv_entry *auxv);
void say_end(struct speaker *speaker);

/* All frames of a single probe, hello to end. */
void describe_process(struct speaker *speaker, const struct auxv_entry *auxv);

#endif
