/* A firmware that leaves on what most of them switch off: for make firmware-check. */
#ifndef PORTCULLIS_TESTS_EFI_HOSTILE_H
#define PORTCULLIS_TESTS_EFI_HOSTILE_H

#include <stdint.h>

/* Goes over to five levels of page tables; root (below 4 GiB, a page) becomes the topmost one. */
void five_levels(uint64_t *root);

#endif
