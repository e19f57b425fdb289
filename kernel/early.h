/*
 * Before the kernel's own page tables: the ways in map the first 4 GiB at address 0.
 */
#ifndef PORTCULLIS_KERNEL_EARLY_H
#define PORTCULLIS_KERNEL_EARLY_H

#include <stdint.h>

static inline const void *early_ptr(uint64_t pa)
{
	return (const void *)(uintptr_t)pa;
}

#endif
