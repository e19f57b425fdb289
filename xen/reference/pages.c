/*
 * Pages of a context: mapped, unmapped, looked up, flushed. Long operations are done in steps, and what a step has done
 * is flushed before the call is interrupted.
 */
#include "xen/reference/internal.h"

/* A map or unmap on its way. */
struct work {
	struct pvref_request *q;
	struct pvref_domain *d;
	struct pvref_context *c;
	uint64_t unit;       /* pages of 4 KiB in one of the request's */
	uint64_t left;       /* pages that this pass may still do, at least one unit */
	uint64_t first, end; /* dfns that this pass has changed: to be flushed */
};

static uint64_t dfn_of(const struct work *w)
{
	return w->q->dfn + w->q->done * w->unit;
}

/* Pages that the request has left, no more than this pass may do. */
static uint64_t wanted(const struct work *w)
{
	return min_u64(((uint64_t)w->q->nr - w->q->done) * w->unit, w->left / w->unit * w->unit);
}

static void progress(struct work *w, uint64_t pages)
{
	w->first = w->end ? w->first : dfn_of(w);
	w->end = dfn_of(w) + pages;
	w->q->done += (uint32_t)(pages / w->unit); /* at most nr */
	w->left -= pages;
}

/* The context that a map or unmap may change, NULL: none such. */
static struct pvref_context *editable(struct pvref_request *q)
{
	struct pvref_context *c = pvref_context(q->d, q->ctx_no);

	if (!c || c->nested || (q->ctx_no == PVIO_DEFAULT_CONTEXT && !q->r->rules->default_editable))
		return NULL;
	return c;
}

/* What both commands ask for before the first page. 0: w is ready. */
static int64_t begin(struct pvref_request *q, struct work *w)
{
	const struct pvref_rules *rules = q->r->rules;
	uint64_t limit = q->r->max_iova / PAGE_BYTES + 1;
	uint32_t pgsize = rules->strict ? q->pgsize : PAGE_BYTES;

	*w = (struct work){ .q = q, .d = q->d, .c = editable(q) };
	if (rules->pages_max && q->nr > rules->pages_max)
		return -(int64_t)XEN_E2BIG;
	if (!w->c)
		return -(int64_t)XEN_EINVAL;
	if (!(pgsize & q->r->pgsize_mask) || (pgsize & (pgsize - 1)))
		return -(int64_t)XEN_EINVAL;
	w->unit = pgsize / PAGE_BYTES;
	w->left = max_u64(q->r->step_pages, w->unit);
	if (!is_aligned(q->dfn, w->unit))
		return -(int64_t)XEN_EINVAL;
	if (q->nr && (q->dfn > limit || q->nr * w->unit > limit - q->dfn))
		return -(int64_t)XEN_EINVAL;
	return 0;
}

static int64_t flush(const struct work *w)
{
	uint64_t bytes = (w->end - w->first) * PAGE_BYTES;

	if (!w->end)
		return 0;
	return pvref_error(w->q->r->host->ops->flush(w->c->host, IOVA(w->first * PAGE_BYTES), bytes));
}

/* ---- map ---- */

/* Pages of the guest from gfn on that lie in one piece; they may be mapped. *r: why not, and 0 pages then. */
static uint64_t guest_pages(const struct work *w, uint64_t gfn, pa_t *pa, int64_t *r)
{
	const struct pvref_rules *rules = w->q->r->rules;
	const struct pvref_memory *m = pvref_memory_at(w->d, gfn);
	bool allowed = m && (m->kind == PVREF_RAM || (m->kind == PVREF_MMIO && rules->mmio) ||
			     (m->kind == PVREF_FOREIGN && rules->foreign && w->d->hardware));

	*r = m ? -(int64_t)rules->denied_page : -(int64_t)rules->hole;
	if (!allowed)
		return 0;
	*pa = pa_add(m->pa, (gfn - m->gfn) * PAGE_BYTES);
	return m->gfn + m->pages - gfn;
}

/* How many pages go at once, all in order as far as we know; 0: the next one does not go, and *r is why. */
static uint64_t mappable(const struct work *w, uint64_t gfn, pa_t *pa, int64_t *r)
{
	uint64_t n = min_u64(wanted(w), guest_pages(w, gfn, pa, r)), gap;

	if (n < w->unit)
		return 0;
	*r = -(int64_t)w->q->r->rules->reserved_map;
	n = pvref_unreserved(w->d, w->q->ctx_no, dfn_of(w), n);
	if (n < w->unit)
		return 0;
	*r = -(int64_t)w->q->r->rules->mapped;
	pvref_extent_at(w->c, dfn_of(w), &gap);
	n = align_down(min_u64(n, gap), w->unit);
	return n;
}

/* The host maps pages, all or none of them. */
static enum status host_map(struct work *w, pa_t pa, uint64_t pages, unsigned perm)
{
	const struct iommu_ops *ops = w->q->r->host->ops;
	iova_t iova = IOVA(dfn_of(w) * PAGE_BYTES);
	bool counted = w->q->ctx_no != PVIO_DEFAULT_CONTEXT;
	size_t begun = pvref_arena_begin();
	unsigned bits = 12;
	uint64_t gone;
	enum status s;

	while (pow2(bits - 12) != w->unit) /* a power of two */
		bits++;
	s = ops->map(w->c->host, iova, pa, pages * PAGE_BYTES, perm, bits);
	if (pvref_arena_end(w->d, counted, begun) || s != OK)
		return s;
	begun = pvref_arena_begin();
	if (ops->unmap(w->c->host, iova, pages * PAGE_BYTES, &gone) != OK ||
	    ops->flush(w->c->host, iova, pages * PAGE_BYTES) != OK)
		w->d->r->lost = "pages beyond the arena stay mapped";
	pvref_arena_end(w->d, counted, begun);
	return ERR_NO_MEMORY;
}

static int64_t map_some(struct work *w, unsigned perm)
{
	uint64_t gfn = w->q->gfn + w->q->done * w->unit, n;
	enum status s;
	int64_t r;
	pa_t pa;

	n = mappable(w, gfn, &pa, &r);
	if (!n)
		return r;
	if (!perm) { /* counted, but there is no access to give */
		w->q->done += (uint32_t)(n / w->unit);
		w->left -= n;
		return 0;
	}
	s = pvref_extents_reserve(w->c);
	if (s == OK)
		s = host_map(w, pa, n, perm);
	while (s == ERR_NO_MEMORY && n > w->unit) { /* as far as it goes */
		n = align_down(n / 2, w->unit);
		n = max_u64(n, w->unit);
		s = host_map(w, pa, n, perm);
	}
	if (s != OK)
		return pvref_error(s);
	pvref_extent_add(w->c, (struct pvref_extent){ dfn_of(w), gfn, n, perm });
	progress(w, n);
	return 0;
}

static int64_t map_flags(const struct pvref_request *q, const struct work *w)
{
	const uint32_t access = PVIO_MAP_READABLE | PVIO_MAP_WRITEABLE;

	if (!q->r->rules->strict)
		return 0;
	if ((q->flags & ~(access | PVIO_MAP_CACHE)) || !(q->flags & access) || !is_aligned(q->gfn, w->unit))
		return -(int64_t)XEN_EINVAL;
	if ((q->flags & PVIO_MAP_CACHE) && !(q->r->caps & PVIO_CAP_CACHE))
		return -(int64_t)XEN_EOPNOTSUPP;
	return 0;
}

/*
 * map_pages: nr_pages pages of pgsize bytes from gfn on become reachable from dfn on. It stops at the first page that
 * does not go; the pages before it stay mapped, and mapped is how many. -EINVAL: no such context (nested ones and,
 * but for T, context 0 among them), addresses beyond max_iova_addr, a page size that is not in pgsize_mask or not
 * aligned to; a page that is mapped already, reserved, a hole, or not the caller's to give has the revision's own
 * error; -ENOMEM.
 */
int64_t pvref_map_pages(struct pvref_request *q)
{
	unsigned perm = (q->flags & PVIO_MAP_READABLE ? PERM_R : 0u) | (q->flags & PVIO_MAP_WRITEABLE ? PERM_W : 0u);
	bool later = (q->r->caps & PVIO_CAP_DEFERRED_FLUSH) && (q->flags & PVIO_MAP_NO_FLUSH);
	struct work w;
	int64_t r = begin(q, &w), flushed = 0;

	if (!r)
		r = map_flags(q, &w);
	while (!r && q->done < q->nr)
		r = w.left < w.unit ? PVREF_AGAIN : map_some(&w, perm);
	if (!later)
		flushed = flush(&w);
	return flushed ? flushed : r;
}

/* ---- unmap ---- */

/* Pages in a row from dfn on that are mapped. */
static uint64_t mapped_pages(const struct pvref_context *c, uint64_t dfn, uint64_t pages)
{
	uint64_t n = 0, gap;

	while (n < pages) {
		const struct pvref_extent *e = pvref_extent_at(c, dfn + n, &gap);

		if (!e)
			break;
		n = e->dfn + e->pages - dfn;
	}
	return min_u64(n, pages);
}

static int64_t extents_remove(struct pvref_context *c, uint64_t dfn, uint64_t pages)
{
	uint64_t gap;

	for (uint64_t n = 0; n < pages;) {
		const struct pvref_extent *e = pvref_extent_at(c, dfn + n, &gap);
		uint64_t piece = min_u64(pages - n, e->dfn + e->pages - (dfn + n));

		pvref_extent_remove(c, dfn + n, piece);
		n += piece;
	}
	return 0;
}

static int64_t unmap_some(struct work *w)
{
	uint64_t dfn = dfn_of(w), n = pvref_unreserved(w->d, w->q->ctx_no, dfn, wanted(w)), gone;
	size_t begun;
	enum status s;

	if (n < w->unit)
		return -(int64_t)w->q->r->rules->reserved_unmap;
	n = align_down(mapped_pages(w->c, dfn, n), w->unit);
	if (!n)
		return -(int64_t)XEN_ENOENT;
	s = pvref_extents_reserve(w->c);
	begun = pvref_arena_begin();
	if (s == OK)
		s = w->q->r->host->ops->unmap(w->c->host, IOVA(dfn * PAGE_BYTES), n * PAGE_BYTES, &gone);
	pvref_arena_end(w->d, w->q->ctx_no != PVIO_DEFAULT_CONTEXT, begun);
	if (s != OK)
		return pvref_error(s);
	progress(w, n);
	return extents_remove(w->c, dfn, n);
}

/*
 * unmap_pages: nr_pages pages from dfn on are unreachable when it returns. It stops at the first that is not mapped,
 * with -ENOENT; unmapped is how many pages before it are gone. -EINVAL as map_pages; reserved pages stay.
 */
int64_t pvref_unmap_pages(struct pvref_request *q)
{
	struct work w;
	int64_t r = begin(q, &w), flushed;
	size_t begun;

	while (!r && q->done < q->nr)
		r = w.left < w.unit ? PVREF_AGAIN : unmap_some(&w);
	begun = pvref_arena_begin();
	flushed = flush(&w);
	pvref_arena_end(q->d, q->ctx_no != PVIO_DEFAULT_CONTEXT, begun);
	return flushed ? flushed : r;
}

/* ---- lookup, flush ---- */

/* lookup_page: the gfn that a dfn leads to, context 0 included. -ENOENT: none; -EINVAL: no such context. */
int64_t pvref_lookup_page(struct pvref_request *q)
{
	const struct pvref_context *c = pvref_context(q->d, q->ctx_no);
	const struct pvref_extent *e;
	uint64_t gap;

	if (!c || c->nested)
		return -(int64_t)XEN_EINVAL;
	e = pvref_extent_at(c, q->dfn, &gap);
	if (!e)
		return -(int64_t)XEN_ENOENT;
	q->gfn = e->gfn + (q->dfn - e->dfn);
	return 0;
}

/*
 * flush_pages: what map_pages left unflushed in a range is in force when it returns. -EINVAL: no such context, or
 * context 0, of which no page is mapped that way.
 */
int64_t pvref_flush_pages(struct pvref_request *q)
{
	struct pvref_context *c = pvref_context(q->d, q->ctx_no);
	uint64_t limit = q->r->max_iova / PAGE_BYTES + 1, pages;

	if (!c || q->ctx_no == PVIO_DEFAULT_CONTEXT)
		return -(int64_t)XEN_EINVAL;
	if (!q->nr || q->dfn >= limit)
		return 0;
	pages = min_u64(q->nr, limit - q->dfn);
	return pvref_error(q->r->host->ops->flush(c->host, IOVA(q->dfn * PAGE_BYTES), pages * PAGE_BYTES));
}
