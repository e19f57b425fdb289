/*
 * Linear (virtual) addresses as a hypervisor takes them from a guest: any number at all. Part of the seam.
 */
#ifndef PORTCULLIS_KERNEL_LINEAR_H
#define PORTCULLIS_KERNEL_LINEAR_H

#include "kernel/hal.h"

/* Copies from a linear address. False: some byte of it is not mapped; what to holds then is undefined. */
bool must_use linear_read(void *to, uint64_t va, size_t bytes);
/* Copies to one. False: some byte is not mapped or not writable; bytes before that one may have been written. */
bool must_use linear_write(uint64_t va, const void *from, size_t bytes);

#define LINEAR_RUN_PAGES_MAX 8

/* Fresh zeroed pages side by side at linear addresses, no two of them neighbours in memory; unmapped on both sides. */
struct linear_run {
	uint8_t *p;
	unsigned pages_n;
	pa_t pages[LINEAR_RUN_PAGES_MAX]; /* metal: where they lie */
};

/* ERR_NO_MEMORY, ERR_INVALID (more than LINEAR_RUN_PAGES_MAX pages, or none). */
enum status must_use linear_run_make(struct linear_run *r, unsigned pages_n);
/* All of its pages become read-only, or writable again. */
void linear_run_protect(struct linear_run *r, bool writable);
void linear_run_drop(struct linear_run *r);

#endif
