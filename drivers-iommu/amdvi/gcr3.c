/*
 * GCR3 tables (AMD IOMMU 2.2.6).
 */
#include "drivers-iommu/amdvi/gcr3.h"

#define ENTRIES 512u
#define GLX_MAX 2u

/* Index bits of the PASID at each level, the deepest first. */
static const uint64_t index_bits[] = { GCR3_INDEX_1, GCR3_INDEX_2, GCR3_INDEX_3 };

enum status amdvi_gcr3_create(struct amdvi_gcr3_tree *t, unsigned glx)
{
	*t = (struct amdvi_gcr3_tree){ .glx = glx };
	return glx > GLX_MAX ? ERR_INVALID : mem_alloc(PAGE_BYTES, PAGE_BYTES, &t->root);
}

static uint64_t *table_ptr(pa_t pa)
{
	uint64_t *p = mem_ptr(pa, PAGE_BYTES);

	ASSERT(p); /* only we write tables */
	return p;
}

/* The tables below an upper table; those of the last level hold page-table roots, which are not ours. */
static void free_below(pa_t pa, unsigned glx)
{
	const uint64_t *upper = table_ptr(pa);

	for (unsigned i = 0; glx && i < ENTRIES; i++)
		if (upper[i] & GCR3_V)
			mem_free(PA(upper[i] & GCR3_ADDR), PAGE_BYTES);
}

void amdvi_gcr3_destroy(struct amdvi_gcr3_tree *t)
{
	const uint64_t *top;

	if (!t->root.v)
		return;
	top = table_ptr(t->root);
	for (unsigned i = 0; t->glx == GLX_MAX && i < ENTRIES; i++)
		if (top[i] & GCR3_V)
			free_below(PA(top[i] & GCR3_ADDR), 1);
	free_below(t->root, t->glx);
	mem_free(t->root, PAGE_BYTES);
	*t = (struct amdvi_gcr3_tree){ 0 };
}

enum status amdvi_gcr3_entry(const struct amdvi_gcr3_tree *t, uint32_t pasid, uint64_t **entry)
{
	uint64_t *at = table_ptr(t->root);
	uint64_t reach = 0;

	for (unsigned level = 0; level <= t->glx; level++)
		reach |= index_bits[level];
	if (pasid & ~reach)
		return ERR_INVALID;
	for (unsigned level = t->glx; level > 0; level--) {
		uint64_t *e = &at[fld_get(index_bits[level], pasid)];

		if (!(*e & GCR3_V)) {
			pa_t next;
			enum status s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &next);

			if (s != OK)
				return s;
			__atomic_store_n(e, amdvi_gcr3(next).w[0], __ATOMIC_RELEASE);
		}
		at = table_ptr(PA(*e & GCR3_ADDR));
	}
	*entry = &at[fld_get(index_bits[0], pasid)];
	return OK;
}
