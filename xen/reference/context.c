/*
 * Contexts: made and freed, filled with the domain's own memory, numbered. Their memory is the domain's arena.
 */
#include "drivers-iommu/domain.h"
#include "xen/reference/internal.h"
#include <string.h>

int64_t pvref_error(enum status s)
{
	switch (s) {
	case OK: return 0;
	case ERR_NO_MEMORY: return -(int64_t)XEN_ENOMEM;
	case ERR_FULL: return -(int64_t)XEN_ENOSPC;
	case ERR_INVALID: return -(int64_t)XEN_EINVAL;
	case ERR_UNSUPPORTED: return -(int64_t)XEN_EOPNOTSUPP;
	case ERR_NOT_FOUND: return -(int64_t)XEN_ENOENT;
	default: return -(int64_t)XEN_EIO;
	}
}

size_t pvref_arena_begin(void)
{
	return mem_free_pages();
}

bool pvref_arena_end(struct pvref_domain *d, bool counted, size_t begun)
{
	if (!counted)
		return true;
	d->arena_used += begun - mem_free_pages(); /* may be negative: the sum is not */
	return !d->arena_pages || d->arena_used <= d->arena_pages;
}

struct pvref_context *pvref_context(const struct pvref_domain *d, uint32_t ctx_no)
{
	return ctx_no <= d->max_ctx_no ? d->contexts[ctx_no] : NULL;
}

enum status pvref_context_make(struct pvref_domain *d, bool counted, struct pvref_context **out)
{
	struct iommu *host = d->r->host;
	struct pvref_context *c = object_alloc(sizeof(*c));
	size_t begun = pvref_arena_begin();
	enum status s;

	if (!c)
		return ERR_NO_MEMORY;
	s = host->ops->domain_create(host, DOMAIN_PAGED, &c->host);
	if (!pvref_arena_end(d, counted, begun) && s == OK) {
		pvref_context_drop(d, counted, c);
		return ERR_NO_MEMORY;
	}
	if (s != OK) {
		object_free(c, sizeof(*c));
		return s;
	}
	*out = c;
	return OK;
}

static void context_free(struct pvref_context *c)
{
	pvref_extents_free(c);
	object_free(c, sizeof(*c));
}

enum status pvref_context_unmake(struct pvref_domain *d, bool counted, struct pvref_context *c)
{
	size_t begun = pvref_arena_begin();
	enum status s = d->r->host->ops->domain_destroy(c->host);

	if (s != OK)
		return s;
	pvref_arena_end(d, counted, begun);
	context_free(c);
	return OK;
}

void pvref_context_drop(struct pvref_domain *d, bool counted, struct pvref_context *c)
{
	if (pvref_context_unmake(d, counted, c) != OK)
		d->r->lost = "a context stays in the host";
}

enum status pvref_context_fill(struct pvref_domain *d, struct pvref_context *c)
{
	enum status s = OK;

	c->identity = true;
	for (unsigned i = 0; i != d->memory_n && s == OK; i++)
		s = pvref_fill_range(d, c, &d->memory[i]);
	return s;
}

uint64_t pvref_identity_pages(const struct pvref_domain *d, const struct pvref_memory *m)
{
	uint64_t limit = d->r->max_iova / PAGE_BYTES + 1;

	return m->kind == PVREF_FOREIGN ? 0 : min_u64(m->pages, limit - min_u64(m->gfn, limit));
}

/* Pages of a range 1:1, as many from dfn on as nothing is in the way of. *n: how many were gone over. */
static enum status fill_piece(struct pvref_domain *d, struct pvref_context *c, struct pvref_extent e, pa_t pa,
			      uint64_t *n)
{
	bool counted = c != d->contexts[PVIO_DEFAULT_CONTEXT];
	const struct pvref_extent *there;
	size_t begun;
	uint64_t gap;
	enum status s;

	there = pvref_extent_at(c, e.dfn, &gap);
	*n = min_u64(e.pages, there ? there->dfn + there->pages - e.dfn : gap);
	if (there)
		return OK;
	s = pvref_extents_reserve(c);
	e.pages = *n;
	begun = pvref_arena_begin();
	if (s == OK)
		s = d->r->host->ops->map(c->host, IOVA(e.dfn * PAGE_BYTES), pa, e.pages * PAGE_BYTES, PERM_RW, 0);
	if (s == OK)
		pvref_extent_add(c, e); /* there is room: nothing is taken here */
	return pvref_arena_end(d, counted, begun) || s != OK ? s : ERR_NO_MEMORY;
}

enum status pvref_fill_range(struct pvref_domain *d, struct pvref_context *c, const struct pvref_memory *m)
{
	uint64_t pages = pvref_identity_pages(d, m), done = 0, n;
	enum status s = OK;

	while (s == OK && done != pages) {
		struct pvref_extent e = { m->gfn + done, m->gfn + done, pages - done, PERM_RW };

		s = fill_piece(d, c, e, pa_add(m->pa, done * PAGE_BYTES), &n);
		done += n;
	}
	return s;
}

static size_t table_bytes(uint32_t max_ctx_no)
{
	return ((size_t)max_ctx_no + 1) * sizeof(struct pvref_context *);
}

enum status pvref_contexts_create(struct pvref_domain *d, uint32_t max_ctx_no)
{
	enum status s;

	d->contexts = object_alloc(table_bytes(max_ctx_no));
	if (!d->contexts)
		return ERR_NO_MEMORY;
	d->max_ctx_no = max_ctx_no;
	s = pvref_context_make(d, false, &d->contexts[PVIO_DEFAULT_CONTEXT]);
	if (s == OK && !d->default_blocking)
		s = pvref_context_fill(d, d->contexts[PVIO_DEFAULT_CONTEXT]);
	return s;
}

enum status pvref_contexts_grow(struct pvref_domain *d, uint32_t max_ctx_no)
{
	struct pvref_context **table = object_alloc(table_bytes(max_ctx_no));

	if (!table)
		return ERR_NO_MEMORY;
	memcpy(table, d->contexts, table_bytes(d->max_ctx_no));
	object_free(d->contexts, table_bytes(d->max_ctx_no));
	d->contexts = table;
	d->max_ctx_no = max_ctx_no;
	return OK;
}

enum status pvref_contexts_destroy(struct pvref_domain *d)
{
	enum status s = OK;

	for (uint32_t i = d->max_ctx_no + 1; d->contexts && i--;) {
		bool nested = d->contexts[i] && d->contexts[i]->nested;
		enum status now = d->contexts[i] ? pvref_context_unmake(d, i != PVIO_DEFAULT_CONTEXT, d->contexts[i]) : OK;

		if (now != OK) {
			d->r->lost = "a context stays in the host";
			context_free(d->contexts[i]);
		} else if (nested) {
			pvref_nested_gone(d);
		}
		s = s == OK ? now : s;
	}
	object_free(d->contexts, table_bytes(d->max_ctx_no));
	d->contexts = NULL;
	return s;
}

/* ---- commands ---- */

/*
 * init: once for each domain. max_ctx_no is how many contexts there may be beside 0, arena_order how much memory, in
 * pages as a power of two, they may take for their tables. -EACCES: done already; -E2BIG: numbers of more than 16 bits,
 * or the one that stands for none; -ENOMEM: there is not so much. A failure leaves the domain as it was.
 */
int64_t pvref_init(struct pvref_request *q)
{
	uint64_t pages = pow2((unsigned)min_u64(q->arena_order, 63));
	enum status s;

	if (q->d->initialised)
		return -(int64_t)XEN_EACCES;
	if (q->max_ctx_no >= UINT16_MAX)
		return -(int64_t)XEN_E2BIG;
	if (min_u64(pages, mem_free_pages()) != pages)
		return -(int64_t)XEN_ENOMEM;
	s = pvref_contexts_grow(q->d, q->max_ctx_no);
	if (s != OK)
		return pvref_error(s);
	q->d->arena_pages = pages;
	q->d->initialised = true;
	return 0;
}

uint16_t pvref_free_number(const struct pvref_domain *d)
{
	for (uint32_t i = 1; i <= d->max_ctx_no; i++)
		if (!d->contexts[i])
			return (uint16_t)i; /* max_ctx_no is 16 bits wide */
	return 0;
}

/*
 * alloc_context: a new context, empty, or with the domain's own memory 1:1 where IOMMU_ALLOC_identity asks for it and
 * the capability is there. ctx_no is its number. -ENOSPC: no number is free; -ENOMEM: the arena is used up.
 */
int64_t pvref_alloc_context(struct pvref_request *q)
{
	bool identity = !q->r->rules->tagged && (q->flags & PVIO_ALLOC_IDENTITY);
	uint16_t number = pvref_free_number(q->d);
	struct pvref_context *c = NULL;
	enum status s;

	if (q->r->rules->strict && (q->flags & ~PVIO_ALLOC_IDENTITY))
		return -(int64_t)XEN_EINVAL;
	if (identity && !(q->r->caps & PVIO_CAP_IDENTITY)) {
		if (q->r->rules->strict)
			return -(int64_t)XEN_EOPNOTSUPP;
		identity = false;
	}
	if (!number)
		return -(int64_t)XEN_ENOSPC;
	s = pvref_context_make(q->d, true, &c);
	if (s == OK && identity)
		s = pvref_context_fill(q->d, c);
	if (s != OK) {
		if (c)
			pvref_context_drop(q->d, true, c);
		return pvref_error(s);
	}
	q->d->contexts[number] = c;
	q->ctx_no = number;
	return 0;
}

/* Functions go to context 0, PASIDs are detached. */
static int64_t empty(struct pvref_domain *d, uint16_t ctx_no)
{
	int64_t r = 0;

	for (unsigned i = d->pasids_n; i-- && !r;)
		if (d->pasids[i].ctx_no == ctx_no)
			r = pvref_pasid_drop(d, &d->pasids[i]);
	for (unsigned i = 0; i != d->devices_n && !r; i++)
		if (d->devices[i].ctx_no == ctx_no)
			r = pvref_move(d, &d->devices[i], PVIO_DEFAULT_CONTEXT);
	return r;
}

/*
 * free_context: the context and all that it maps is gone, nested ones alike. -EINVAL: context 0; -ENOENT: no such
 * context; -EBUSY: functions or PASIDs are in it and IOMMU_FREE_reattach_default is not set; with it they go to
 * context 0, PASIDs are detached.
 */
int64_t pvref_free_context(struct pvref_request *q)
{
	struct pvref_context *c = pvref_context(q->d, q->ctx_no);
	int64_t r = 0;
	bool nested;
	enum status s;

	if (q->r->rules->strict && (q->flags & ~PVIO_FREE_REATTACH_DEFAULT))
		return -(int64_t)XEN_EINVAL;
	if (q->ctx_no == PVIO_DEFAULT_CONTEXT)
		return -(int64_t)XEN_EINVAL;
	if (!c)
		return -(int64_t)XEN_ENOENT;
	if ((c->devices_n || c->pasids_n) && !(q->flags & PVIO_FREE_REATTACH_DEFAULT)) {
		c->dying = q->r->rules->dying;
		return -(int64_t)XEN_EBUSY;
	}
	r = empty(q->d, q->ctx_no);
	if (r)
		return r;
	nested = c->nested;
	s = pvref_context_unmake(q->d, true, c);
	if (s != OK)
		return pvref_error(s);
	q->d->contexts[q->ctx_no] = NULL;
	if (nested)
		pvref_nested_gone(q->d);
	return 0;
}
