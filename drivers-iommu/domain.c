/*
 * Attachments and number pools.
 */
#include "drivers-iommu/domain.h"

void *object_alloc(size_t bytes)
{
	pa_t pa;

	if (mem_alloc(bytes, PAGE_BYTES, &pa) != OK)
		return NULL;
	return mem_ptr(pa, bytes);
}

void object_free(void *p, size_t bytes)
{
	if (p)
		mem_free(mem_pa(p), bytes);
}

static bool addr_same(struct pci_addr a, struct pci_addr b)
{
	return a.segment == b.segment && a.sid == b.sid;
}

bool requester_same(const struct requester *a, const struct requester *b)
{
	return addr_same(a->addr, b->addr) && a->has_pasid == b->has_pasid && (!a->has_pasid || a->pasid == b->pasid);
}

enum status attachments_create(struct attachments *a, unsigned max)
{
	*a = (struct attachments){ .list = object_alloc(max * sizeof(*a->list)), .max = max };
	return a->list ? OK : ERR_NO_MEMORY;
}

void attachments_destroy(struct attachments *a)
{
	object_free(a->list, a->max * sizeof(*a->list));
	*a = (struct attachments){ 0 };
}

struct attachment *attachments_find(const struct attachments *a, const struct requester *r)
{
	for (unsigned i = 0; i < a->n; i++)
		if (requester_same(&a->list[i].requester, r))
			return &a->list[i];
	return NULL;
}

enum status attachments_add(struct attachments *a, struct requester r, struct domain *d)
{
	if (a->n == a->max)
		return ERR_FULL;
	a->list[a->n++] = (struct attachment){ .requester = r, .domain = d };
	return OK;
}

void attachments_remove(struct attachments *a, struct attachment *at)
{
	*at = a->list[--a->n];
}

static size_t id_bytes(uint32_t n)
{
	return (size_t)align_up(n, 64) / 8;
}

enum status id_pool_create(struct id_pool *p, uint32_t n)
{
	*p = (struct id_pool){ .taken = object_alloc(id_bytes(n)), .n = n };
	return p->taken ? OK : ERR_NO_MEMORY;
}

void id_pool_destroy(struct id_pool *p)
{
	object_free(p->taken, id_bytes(p->n));
	*p = (struct id_pool){ 0 };
}

enum status id_take(struct id_pool *p, uint32_t first, uint32_t *id)
{
	for (uint32_t i = first; i < p->n; i++) {
		if (p->taken[i / 64] & BIT(i % 64))
			continue;
		p->taken[i / 64] |= BIT(i % 64);
		*id = i;
		return OK;
	}
	return ERR_FULL;
}

void id_give(struct id_pool *p, uint32_t id)
{
	p->taken[id / 64] &= ~BIT(id % 64);
}
