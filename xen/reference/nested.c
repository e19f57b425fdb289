/*
 * Nested contexts: the guest's own page table as the first stage, its own memory as the second.
 */
#include "drivers-iommu/domain.h"
#include "xen/reference/internal.h"

enum status pvref_below_fill(struct pvref_domain *d, const struct pvref_memory *m)
{
	uint64_t bytes = pvref_identity_pages(d, m) * PAGE_BYTES;

	return bytes ? d->r->host->ops->map(d->below, IOVA(m->gfn * PAGE_BYTES), m->pa, bytes, PERM_RW, 0) : OK;
}

/* A host that refuses keeps it: then it is there for the next nested context, or for the end of the domain. */
enum status pvref_below_drop(struct pvref_domain *d)
{
	enum status s = d->below ? d->r->host->ops->domain_destroy(d->below) : OK;

	if (s == OK)
		d->below = NULL;
	return s;
}

static enum status below_make(struct pvref_domain *d)
{
	enum status s;

	if (d->below)
		return OK;
	s = d->r->host->ops->domain_create(d->r->host, DOMAIN_PAGED, &d->below);
	for (unsigned i = 0; i != d->memory_n && s == OK; i++)
		s = pvref_below_fill(d, &d->memory[i]);
	if (s != OK && pvref_below_drop(d) != OK)
		d->r->lost = "a second stage that was not filled stays";
	return s;
}

void pvref_nested_gone(struct pvref_domain *d)
{
	if (--d->nested_n == 0)
		pvref_below_drop(d);
}

static enum status nested_make(struct pvref_domain *d, uint64_t gfn, struct pvref_context **out)
{
	struct pvref_context *c = object_alloc(sizeof(*c));
	enum status s = c ? below_make(d) : ERR_NO_MEMORY;
	size_t begun = pvref_arena_begin();
	bool fits;

	if (s == OK)
		s = d->r->host->ops->domain_nest(d->below, IOVA(gfn * PAGE_BYTES), &c->host);
	fits = pvref_arena_end(d, true, begun);
	if (s == OK && fits) {
		c->nested = true;
		d->nested_n++;
		*out = c;
		return OK;
	}
	if (s == OK) {
		pvref_context_drop(d, true, c);
		s = ERR_NO_MEMORY;
	} else {
		object_free(c, sizeof(*c));
	}
	return s; /* the second stage stays for the next try */
}

/*
 * alloc_nested: a context whose page table lies in the guest's own memory, from the page pgtable_gfn on. It is used and
 * freed as any other, but map, unmap and lookup refuse it. -EINVAL: flags, of which none is defined, or a page that is
 * not RAM of the caller; -ENOSPC, -ENOMEM as alloc_context.
 */
int64_t pvref_alloc_nested(struct pvref_request *q)
{
	const struct pvref_memory *m = pvref_memory_at(q->d, q->gfn);
	uint16_t number = pvref_free_number(q->d);
	struct pvref_context *c = NULL;
	enum status s;

	if (q->nested_flags || !m || m->kind != PVREF_RAM)
		return -(int64_t)XEN_EINVAL;
	if (!number)
		return -(int64_t)XEN_ENOSPC;
	s = nested_make(q->d, q->gfn, &c);
	if (s != OK)
		return pvref_error(s);
	q->d->contexts[number] = c;
	q->ctx_no = number;
	return 0;
}

/* flush_nested: changes of the guest's tables are in force in all its nested contexts when it returns. */
int64_t pvref_flush_nested(struct pvref_request *q)
{
	enum status s = OK;

	for (uint32_t i = 1; i <= q->d->max_ctx_no && s == OK; i++) {
		const struct pvref_context *c = q->d->contexts[i];

		if (c && c->nested)
			s = q->r->host->ops->flush(c->host, IOVA(0), pow2(q->r->host->caps.input_bits));
	}
	return pvref_error(s);
}
