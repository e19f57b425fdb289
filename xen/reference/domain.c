/*
 * Domains: what memory and which functions they have, and how both come and go.
 */
#include "drivers-iommu/domain.h"
#include "xen/reference/internal.h"

#define GFN_LAST BITS(51, 0)

static bool same(struct pci_addr a, struct pci_addr b)
{
	return a.segment == b.segment && a.sid == b.sid;
}

struct pvref_domain *pvref_domain_of(const struct pvref *r, uint16_t domid)
{
	for (unsigned i = 0; i != PVREF_DOMAINS_MAX; i++)
		if (r->domains[i].used && r->domains[i].domid == domid)
			return (struct pvref_domain *)&r->domains[i]; /* the caller's to change */
	return NULL;
}

const struct pvref_memory *pvref_memory_at(const struct pvref_domain *d, uint64_t gfn)
{
	for (unsigned i = 0; i != d->memory_n; i++)
		if (gfn >= d->memory[i].gfn && gfn - d->memory[i].gfn < d->memory[i].pages)
			return &d->memory[i];
	return NULL;
}

static bool overlap(uint64_t a, uint64_t b, uint64_t a_n, uint64_t b_n)
{
	return a < b + b_n && b < a + a_n;
}

/* A range that the domain can get: whole pages, at frames where nothing is yet. One page may be at several frames. */
static enum status range_fits(const struct pvref_domain *d, const struct pvref_memory *m)
{
	if (!m->pages || !is_aligned(m->pa.v, PAGE_BYTES) || m->gfn > GFN_LAST || m->pages - 1 > GFN_LAST - m->gfn)
		return ERR_INVALID;
	for (unsigned i = 0; i != d->memory_n; i++)
		if (overlap(m->gfn, d->memory[i].gfn, m->pages, d->memory[i].pages))
			return ERR_EXISTS;
	return d->memory_n == PVREF_RANGES_MAX ? ERR_FULL : OK;
}

static enum status device_add(struct pvref_domain *d, const struct pvref_device *at)
{
	struct pvref_dev *dev = &d->devices[d->devices_n];
	int64_t r;

	if (d->devices_n == PVREF_DEVICES_MAX)
		return ERR_FULL;
	*dev = (struct pvref_dev){ .at = *at };
	r = pvref_enter(d, dev, PVIO_DEFAULT_CONTEXT);
	if (r)
		return r == -(int64_t)XEN_ENOMEM ? ERR_NO_MEMORY : r == -(int64_t)XEN_EINVAL ? ERR_INVALID : ERR_IO;
	d->devices_n++;
	return OK;
}

static enum status populate(struct pvref_domain *d, const struct pvref_domain_config *c)
{
	bool later = d->r->rules->has_init;
	enum status s = OK;

	for (unsigned i = 0; i != c->memory_n && s == OK; i++) {
		s = range_fits(d, &c->memory[i]);
		if (s == OK)
			d->memory[d->memory_n++] = c->memory[i];
	}
	if (s == OK)
		s = pvref_contexts_create(d, later ? 0 : c->max_ctx_no);
	for (unsigned i = 0; i != c->devices_n && s == OK; i++)
		s = device_add(d, &c->devices[i]);
	return s;
}

enum status pvref_domain_end(struct pvref_domain *d)
{
	enum status s = OK, now;

	while (d->pasids_n && s == OK)
		s = pvref_pasid_drop(d, &d->pasids[d->pasids_n - 1]) ? ERR_IO : OK;
	while (d->devices_n) {
		now = pvref_leave(d, &d->devices[--d->devices_n]);
		s = s == OK ? now : s;
	}
	now = d->contexts ? pvref_contexts_destroy(d) : OK;
	s = s == OK ? now : s;
	now = pvref_below_drop(d);
	s = s == OK ? now : s;
	d->used = false;
	return s;
}

enum status pvref_domain_create(struct pvref *r, const struct pvref_domain_config *c)
{
	struct pvref_domain *d = NULL;
	enum status s;

	if (pvref_domain_of(r, c->domid))
		return ERR_EXISTS;
	for (unsigned i = 0; i < PVREF_DOMAINS_MAX && !d; i++)
		if (!r->domains[i].used)
			d = &r->domains[i];
	if (!d)
		return ERR_FULL;
	*d = (struct pvref_domain){
		.used = true,
		.r = r,
		.domid = c->domid,
		.hardware = c->hardware,
		.no_iommu = c->no_iommu,
		.default_blocking = c->default_blocking,
		.arena_pages = r->rules->has_init ? 0 : c->arena_pages,
	};
	s = c->no_iommu && c->devices_n ? ERR_INVALID : populate(d, c);
	if (s != OK)
		pvref_domain_end(d);
	return s;
}

enum status pvref_domain_destroy(struct pvref *r, uint16_t domid)
{
	struct pvref_domain *d = pvref_domain_of(r, domid);

	if (!d)
		return ERR_NOT_FOUND;
	return d->hardware ? ERR_INVALID : pvref_domain_end(d);
}

static bool has_pasids(const struct pvref_domain *d, struct pci_addr addr)
{
	for (unsigned i = 0; i != d->pasids_n; i++)
		if (same(d->pasids[i].addr, addr))
			return true;
	return false;
}

enum status pvref_assign(struct pvref *r, struct pci_addr addr, uint16_t from, uint16_t to)
{
	struct pvref_domain *d = pvref_domain_of(r, from), *heir = pvref_domain_of(r, to);
	struct pvref_device at;
	enum status s;

	for (unsigned i = 0; d && heir && i != d->devices_n; i++) {
		if (!same(d->devices[i].at.addr, addr))
			continue;
		if (has_pasids(d, addr))
			return ERR_BUSY;
		at = d->devices[i].at;
		s = heir->devices_n == PVREF_DEVICES_MAX ? ERR_FULL : pvref_leave(d, &d->devices[i]);
		if (s != OK)
			return s;
		d->devices[i] = d->devices[--d->devices_n];
		s = device_add(heir, &at);
		if (s != OK && device_add(d, &at) != OK)
			r->lost = "a function belongs to nobody any more";
		return s;
	}
	return ERR_NOT_FOUND;
}

/* ---- memory that comes and goes ---- */

/* A part of an identity that goes with the memory, not a mapping that holds it. */
static bool is_identity(const struct pvref_context *c, const struct pvref_extent *e)
{
	return c->identity && e->dfn == e->gfn;
}

static enum status page_out(const struct pvref *r, struct domain *host, uint64_t dfn, uint64_t pages)
{
	uint64_t gone;
	enum status s = r->host->ops->unmap(host, IOVA(dfn * PAGE_BYTES), pages * PAGE_BYTES, &gone);

	return s == OK ? r->host->ops->flush(host, IOVA(dfn * PAGE_BYTES), pages * PAGE_BYTES) : s;
}

/* An identity context loses what it maps of these pages. */
static enum status identity_shrink(struct pvref_domain *d, struct pvref_context *c, uint64_t gfn, uint64_t pages)
{
	bool counted = c != d->contexts[PVIO_DEFAULT_CONTEXT];
	enum status s = OK;

	for (uint64_t n = 0, gap; n < pages && s == OK;) {
		const struct pvref_extent *e = pvref_extent_at(c, gfn + n, &gap);
		uint64_t piece = min_u64(pages - n, e ? e->dfn + e->pages - (gfn + n) : gap);
		bool goes = e && is_identity(c, e);
		size_t begun;

		s = goes ? pvref_extents_reserve(c) : OK;
		begun = pvref_arena_begin();
		if (goes && s == OK)
			s = page_out(d->r, c->host, gfn + n, piece);
		pvref_arena_end(d, counted, begun);
		if (goes && s == OK)
			pvref_extent_remove(c, gfn + n, piece);
		n += piece;
	}
	return s;
}

/* So does the second stage of nested contexts. */
static enum status below_shrink(struct pvref_domain *d, const struct pvref_memory *m, uint64_t gfn, uint64_t pages)
{
	struct pvref_memory part = { gfn, m->pa, pages, m->kind };
	uint64_t n = pvref_identity_pages(d, &part);

	return n ? page_out(d->r, d->below, gfn, n) : OK;
}

/* Whether a context holds some of these pages: maps them, or needs them for a function. */
static bool held(const struct pvref_domain *d, const struct pvref_context *c, uint16_t ctx_no, uint64_t gfn,
		 uint64_t pages)
{
	for (unsigned i = 0; i != c->extents_n; i++) {
		const struct pvref_extent *e = &c->extents[i];

		if (!is_identity(c, e) && overlap(e->gfn, gfn, e->pages, pages))
			return true;
	}
	return c->identity && pvref_unreserved(d, ctx_no, gfn, pages) < pages;
}

static enum status range_cut(struct pvref_domain *d, struct pvref_memory *m, uint64_t gfn, uint64_t pages)
{
	uint64_t before = gfn - m->gfn, after = m->pages - before - pages;
	struct pvref_memory tail = { gfn + pages, pa_add(m->pa, (before + pages) * PAGE_BYTES), after, m->kind };

	if (before && after && d->memory_n == PVREF_RANGES_MAX)
		return ERR_FULL;
	m->pages = before;
	if (before && after)
		d->memory[d->memory_n++] = tail;
	else if (after)
		*m = tail;
	else if (!before)
		*m = d->memory[--d->memory_n];
	return OK;
}

enum status pvref_memory_remove(struct pvref *r, uint16_t domid, uint64_t gfn, uint64_t pages)
{
	struct pvref_domain *d = pvref_domain_of(r, domid);
	struct pvref_memory *m = d ? (struct pvref_memory *)pvref_memory_at(d, gfn) : NULL;
	enum status s = OK;

	if (!m || !pages || pages > m->gfn + m->pages - gfn)
		return ERR_NOT_FOUND;
	for (uint32_t i = 0; i <= d->max_ctx_no; i++)
		if (d->contexts[i] && held(d, d->contexts[i], (uint16_t)i, gfn, pages))
			return ERR_BUSY;
	for (uint32_t i = 0; i <= d->max_ctx_no && s == OK; i++)
		if (d->contexts[i] && d->contexts[i]->identity)
			s = identity_shrink(d, d->contexts[i], gfn, pages);
	if (s == OK && d->below)
		s = below_shrink(d, m, gfn, pages);
	return s == OK ? range_cut(d, m, gfn, pages) : s;
}

/* Ranges that go on where another one ends become one. */
static void ranges_join(struct pvref_domain *d)
{
	for (unsigned i = 0; i != d->memory_n; i++)
		for (unsigned k = 0; k != d->memory_n; k++) {
			struct pvref_memory *a = &d->memory[i], *b = &d->memory[k];

			if (a->kind != b->kind || a->gfn + a->pages != b->gfn || a->pa.v + a->pages * PAGE_BYTES != b->pa.v)
				continue;
			a->pages += b->pages;
			*b = d->memory[--d->memory_n];
			i = k = 0; /* from the start: one less each time */
		}
}

enum status pvref_memory_add(struct pvref *r, uint16_t domid, const struct pvref_memory *m)
{
	struct pvref_domain *d = pvref_domain_of(r, domid);
	enum status s;

	if (!d)
		return ERR_NOT_FOUND;
	s = range_fits(d, m);
	if (s != OK)
		return s;
	d->memory[d->memory_n++] = *m;
	ranges_join(d);
	for (uint32_t i = 0; i <= d->max_ctx_no && s == OK; i++)
		if (d->contexts[i] && d->contexts[i]->identity)
			s = pvref_fill_range(d, d->contexts[i], m);
	if (s == OK && d->below)
		s = pvref_below_fill(d, m);
	if (s != OK && pvref_memory_remove(r, domid, m->gfn, m->pages) != OK)
		r->lost = "memory that did not come stays";
	return s;
}

enum status pvref_translate(const struct pvref *r, uint16_t domid, uint64_t gfn, pa_t *pa)
{
	const struct pvref_domain *d = pvref_domain_of(r, domid);
	const struct pvref_memory *m = d ? pvref_memory_at(d, gfn) : NULL;

	if (!m)
		return ERR_NOT_FOUND;
	*pa = pa_add(m->pa, (gfn - m->gfn) * PAGE_BYTES);
	return OK;
}

enum status pvref_context_of(const struct pvref *r, struct pci_addr addr, uint16_t *ctx_no)
{
	for (unsigned i = 0; i != PVREF_DOMAINS_MAX; i++)
		for (unsigned k = 0; r->domains[i].used && k != r->domains[i].devices_n; k++)
			if (same(r->domains[i].devices[k].at.addr, addr)) {
				*ctx_no = r->domains[i].devices[k].ctx_no;
				return OK;
			}
	return ERR_NOT_FOUND;
}
