/* What hosted programs may do beyond the seam: size the arena, see what was logged. */
#ifndef PORTCULLIS_TESTS_HOST_HAL_HOSTED_H
#define PORTCULLIS_TESTS_HOST_HAL_HOSTED_H

#include "kernel/hal.h"

/* Makes the arena of physical memory; call first. base is its lowest physical address. */
void hosted_init(uint64_t base, uint64_t bytes);
/* Every n-th mem_alloc() from now on fails, 0: none. */
void hosted_fail_alloc_every(unsigned n);
/* Keeps console output in a buffer instead of printing it; hosted_log() gives it. */
void hosted_capture(bool on);
const char *hosted_log(void);

#endif
