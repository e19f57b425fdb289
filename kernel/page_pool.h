/*
 * Physical page allocator: first fit over a few ranges of RAM, one bit a page.
 *
 * Ranges come from the memory map; what firmware, RMRRs or the kernel own is reserved before the first allocation and
 * never handed out. Both worlds use it: metal over real RAM, hosted over an arena.
 */
#ifndef PORTCULLIS_KERNEL_PAGE_POOL_H
#define PORTCULLIS_KERNEL_PAGE_POOL_H

#include "kernel/hal.h"

#define POOL_RANGES_MAX 64 /* firmware leaves RAM in many pieces */
#define POOL_PAGES_MAX  (UINT64_C(1) << 17) /* 512 MiB: tests need no more */

struct pool_range {
	uint64_t first, n; /* page numbers */
	uint64_t bit;      /* index of its first page in used[] */
	uint64_t low;      /* no page of the range before this one is free */
};

struct page_pool {
	struct pool_range ranges[POOL_RANGES_MAX];
	unsigned ranges_n;
	uint64_t pages_n, free_n;
	uint64_t left;     /* allocations that may still succeed */
	uint64_t used[POOL_PAGES_MAX / 64];
};

void pool_init(struct page_pool *pool);
/* Adds whole pages inside [base, base + bytes); what exceeds the pool's room is left out. Ranges must not overlap. */
void pool_add(struct page_pool *pool, uint64_t base, uint64_t bytes);
/* Takes every page that [base, base + bytes) touches out of the pool for ever. False: one of them was taken already. */
bool pool_reserve(struct page_pool *pool, uint64_t base, uint64_t bytes);
/* After n more allocations there is no memory; UINT64_MAX: only when there really is none. */
void pool_limit(struct page_pool *pool, uint64_t n);
/* Contiguous pages at a physical address that is a multiple of align (power of two). ERR_NO_MEMORY, ERR_INVALID. */
enum status must_use pool_alloc(struct page_pool *pool, uint64_t bytes, uint64_t align, uint64_t *pa);
/* Gives back what pool_alloc() gave; anything else is a mistake of ours. */
void pool_free(struct page_pool *pool, uint64_t pa, uint64_t bytes);
/* True where all of [pa, pa + bytes) lies in ranges of the pool. */
bool pool_holds(const struct page_pool *pool, uint64_t pa, uint64_t bytes);

#endif
