/* Finds symbols in the vDSO as mapped, whatever state it is in. */
#ifndef VDSO_H
#define VDSO_H

#include "types.h"

struct vdso_image {
	const u8 *base;
	unsigned long length;
};

/* The image's length by its program headers: from the ELF header to the end of the last segment; 0 if damaged. */
unsigned long length_by_segments(unsigned long base);

/* The address of a defined symbol, versions ignored; 0 if there is none. Reads nothing outside the image. */
unsigned long find_symbol(const struct vdso_image *image, const char *name);

/* Calls a function of the vDSO as C does; -errno is an error, whatever the ABI's own convention. abi/<assembly>.S has
 * its own where the C convention of the probe is not the vDSO's. */
#ifdef ABI_CALLS_IN_ASSEMBLY
word call_vdso(unsigned long code, word first, word second, word third, word fourth, word fifth);
#else
static inline word call_vdso(unsigned long code, word first, word second, word third, word fourth, word fifth)
{
	return ((word(*)(word, word, word, word, word))code)(first, second, third, fourth, fifth);
}
#endif

#endif
