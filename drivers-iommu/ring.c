/*
 * Rings in memory.
 */
#include "drivers-iommu/ring.h"

enum status ring_create(struct ring *r, size_t bytes, unsigned stride)
{
	enum status s;

	*r = (struct ring){ .bytes = bytes, .stride = stride };
	s = mem_alloc(bytes, bytes, &r->pa);
	if (s == OK)
		r->words = mem_ptr(r->pa, bytes);
	return s;
}

void ring_destroy(struct ring *r)
{
	if (r->words)
		mem_free(r->pa, r->bytes);
	*r = (struct ring){ 0 };
}

void ring_put(const struct ring *r, uint64_t at, const uint64_t *slot)
{
	uint64_t *to = ring_slot(r, at);

	for (unsigned i = 0; i < r->stride / sizeof(*to); i++)
		__atomic_store_n(to + i, slot[i], __ATOMIC_RELAXED);
}

void ring_get(const struct ring *r, uint64_t at, uint64_t *slot)
{
	const uint64_t *from = ring_slot(r, at);

	for (unsigned i = 0; i < r->stride / sizeof(*from); i++)
		slot[i] = __atomic_load_n(from + i, __ATOMIC_ACQUIRE);
}
