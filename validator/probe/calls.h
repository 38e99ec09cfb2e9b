/* Calls the functions of the vDSO, each next to the system call, in a child. */
#ifndef CALLS_H
#define CALLS_H

#include "frames.h"
#include "vdso.h"

/* Says `call`, `crash` or `hang` for every time function that the image exports. */
void call_functions(struct speaker *speaker, const struct vdso_image *image);

#endif
