/*
 * What a context maps: extents in order of their dfn, in an array that grows by doubling.
 */
#include "drivers-iommu/domain.h"
#include "xen/reference/internal.h"
#include <string.h>

#define EXTENTS_FIRST (PAGE_BYTES / sizeof(struct pvref_extent))

/* Index of the first extent that ends behind dfn. */
static unsigned index_of(const struct pvref_context *c, uint64_t dfn)
{
	unsigned lo = 0, hi = c->extents_n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (c->extents[mid].dfn + c->extents[mid].pages <= dfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct pvref_extent *pvref_extent_at(const struct pvref_context *c, uint64_t dfn, uint64_t *gap)
{
	unsigned i = index_of(c, dfn);

	*gap = 0;
	if (i < c->extents_n && c->extents[i].dfn <= dfn)
		return &c->extents[i];
	*gap = i < c->extents_n ? c->extents[i].dfn - dfn : UINT64_MAX;
	return NULL;
}

enum status pvref_extents_reserve(struct pvref_context *c)
{
	unsigned max = c->extents_max ? 2 * c->extents_max : EXTENTS_FIRST;
	struct pvref_extent *list;

	if (c->extents_n < c->extents_max)
		return OK;
	list = object_alloc(max * sizeof(*list));
	if (!list)
		return ERR_NO_MEMORY;
	if (c->extents_n)
		memcpy(list, c->extents, c->extents_n * sizeof(*list));
	object_free(c->extents, c->extents_max * sizeof(*list));
	c->extents = list;
	c->extents_max = max;
	return OK;
}

static void insert(struct pvref_context *c, unsigned i, struct pvref_extent e)
{
	ASSERT(c->extents_n < c->extents_max);
	memmove(&c->extents[i + 1], &c->extents[i], (c->extents_n - i) * sizeof(e));
	c->extents[i] = e;
	c->extents_n++;
}

/* The last one takes the array with it. */
static void take_out(struct pvref_context *c, unsigned i)
{
	c->extents_n--;
	memmove(&c->extents[i], &c->extents[i + 1], (c->extents_n - i) * sizeof(*c->extents));
	if (!c->extents_n)
		pvref_extents_free(c);
}

/* True where b goes on where a ends. */
static bool goes_on(const struct pvref_extent *a, const struct pvref_extent *b)
{
	return a->dfn + a->pages == b->dfn && a->gfn + a->pages == b->gfn && a->perm == b->perm;
}

void pvref_extent_add(struct pvref_context *c, struct pvref_extent e)
{
	unsigned i = index_of(c, e.dfn);

	if (i && goes_on(&c->extents[i - 1], &e)) {
		i--;
		c->extents[i].pages += e.pages;
	} else {
		insert(c, i, e);
	}
	if (i + 1 < c->extents_n && goes_on(&c->extents[i], &c->extents[i + 1])) {
		c->extents[i].pages += c->extents[i + 1].pages;
		take_out(c, i + 1);
	}
}

void pvref_extent_remove(struct pvref_context *c, uint64_t dfn, uint64_t pages)
{
	unsigned i = index_of(c, dfn);
	struct pvref_extent *e = &c->extents[i], tail = *e;
	uint64_t before = dfn - e->dfn, after = e->pages - before - pages;

	tail.dfn += before + pages;
	tail.gfn += before + pages;
	tail.pages = after;
	e->pages = before;
	if (before && after)
		insert(c, i + 1, tail);
	else if (after)
		*e = tail;
	else if (!before)
		take_out(c, i);
}

void pvref_extents_free(struct pvref_context *c)
{
	object_free(c->extents, c->extents_max * sizeof(*c->extents));
	c->extents = NULL;
	c->extents_n = c->extents_max = 0;
}
