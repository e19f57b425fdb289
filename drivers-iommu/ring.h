/*
 * A ring in memory that one side fills and the other drains: command queues and logs of every vendor.
 *
 * Positions are byte offsets from the ring's start, as head and tail registers hold them. One slot always stays free,
 * so that a full ring can be told from an empty one.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_RING_H
#define PORTCULLIS_DRIVERS_IOMMU_RING_H

#include "kernel/hal.h"

struct ring {
	pa_t pa;
	uint64_t *words;        /* NULL: no memory */
	size_t bytes;           /* a power of two */
	unsigned stride;        /* bytes of a slot, a multiple of 8 */
};

/* Zeroed memory for bytes, aligned to its size. ERR_NO_MEMORY. */
enum status must_use ring_create(struct ring *r, size_t bytes, unsigned stride);
/* Frees it; also one that was never created. */
void ring_destroy(struct ring *r);

static inline uint64_t *ring_slot(const struct ring *r, uint64_t at)
{
	return r->words + at / sizeof(uint64_t);
}

/* The position n slots behind at. */
static inline uint64_t ring_after(const struct ring *r, uint64_t at, uint64_t n)
{
	return (at + n * r->stride) % r->bytes;
}

/* How many slots hold entries, and how many more fit. */
static inline uint64_t ring_used(const struct ring *r, uint64_t head, uint64_t tail)
{
	return (tail + r->bytes - head % r->bytes) % r->bytes / r->stride;
}

static inline uint64_t ring_room(const struct ring *r, uint64_t head, uint64_t tail)
{
	return r->bytes / r->stride - ring_used(r, head, tail) - 1;
}

/* Stores a slot's words, each by one store, since the other side may be reading. A fence goes before the doorbell. */
void ring_put(const struct ring *r, uint64_t at, const uint64_t *slot);
/* Loads a slot's words. */
void ring_get(const struct ring *r, uint64_t at, uint64_t *slot);

#endif
