/*
 * Whether the reference is consistent with itself, with what was granted, and with the host's tables.
 */
#include "xen/reference/internal.h"

/* The host maps a page of a context as an extent says. */
static bool host_agrees(const struct pvref_domain *d, const struct pvref_context *c, const struct pvref_extent *e,
			uint64_t n)
{
	pa_t want, seen;
	unsigned perm;

	return pvref_translate(d->r, d->domid, e->gfn + n, &want) == OK &&
	       d->r->host->ops->lookup(c->host, IOVA((e->dfn + n) * PAGE_BYTES), &seen, &perm) == OK &&
	       seen.v == want.v && (perm & e->perm) == e->perm && (perm & PERM_RW & ~e->perm) == 0;
}

/* Behind an extent nothing is mapped that nobody asked for. */
static bool end_is_clear(const struct pvref_domain *d, const struct pvref_context *c, uint16_t ctx_no, uint64_t dfn)
{
	uint64_t gap;
	unsigned perm;
	pa_t seen;

	if (dfn > d->r->max_iova / PAGE_BYTES || pvref_extent_at(c, dfn, &gap) || !pvref_unreserved(d, ctx_no, dfn, 1))
		return true;
	return d->r->host->ops->lookup(c->host, IOVA(dfn * PAGE_BYTES), &seen, &perm) != OK;
}

/* Every page of an extent is the domain's. */
static bool all_granted(const struct pvref_domain *d, const struct pvref_extent *e)
{
	const struct pvref_memory *m;

	for (uint64_t gfn = e->gfn; gfn < e->gfn + e->pages; gfn = m->gfn + m->pages) {
		m = pvref_memory_at(d, gfn);
		if (!m)
			return false;
	}
	return true;
}

static const char *check_extents(const struct pvref_domain *d, const struct pvref_context *c, uint16_t ctx_no)
{
	for (unsigned i = 0; i != c->extents_n; i++) {
		const struct pvref_extent *e = &c->extents[i];

		if (!e->pages || (i && c->extents[i - 1].dfn + c->extents[i - 1].pages > e->dfn))
			return "extents are out of order";
		if (!all_granted(d, e))
			return "a mapped page is not the domain's";
		if (!host_agrees(d, c, e, 0) || !host_agrees(d, c, e, e->pages / 2) || !host_agrees(d, c, e, e->pages - 1))
			return "the host maps a page otherwise";
		if (!end_is_clear(d, c, ctx_no, e->dfn + e->pages))
			return "the host maps a page behind what was asked for";
	}
	return NULL;
}

static const char *check_context(const struct pvref_domain *d, uint16_t ctx_no)
{
	const struct pvref_context *c = d->contexts[ctx_no];
	unsigned devices_n = 0, pasids_n = 0;

	for (unsigned i = 0; i != d->devices_n; i++)
		devices_n += d->devices[i].ctx_no == ctx_no;
	for (unsigned i = 0; i != d->pasids_n; i++)
		pasids_n += d->pasids[i].ctx_no == ctx_no;
	if (devices_n != c->devices_n || pasids_n != c->pasids_n)
		return "a context miscounts who is in it";
	return c->nested ? NULL : check_extents(d, c, ctx_no);
}

static const char *check_domain(const struct pvref_domain *d)
{
	unsigned contexts_n = 0, devices_n = 0, pasids_n = 0;
	const char *wrong = NULL;

	for (uint32_t i = 0; i <= d->max_ctx_no && !wrong; i++) {
		if (!d->contexts[i])
			continue;
		contexts_n++;
		devices_n += d->contexts[i]->devices_n;
		pasids_n += d->contexts[i]->pasids_n;
		wrong = check_context(d, (uint16_t)i);
	}
	if (!wrong && (devices_n != d->devices_n || pasids_n != d->pasids_n))
		wrong = "a function or a PASID is in no context";
	if (!wrong && contexts_n == 1 && d->arena_used)
		wrong = "without contexts, memory is still taken";
	if (!wrong && d->arena_pages && d->arena_used > d->arena_pages)
		wrong = "more memory than the arena has is taken";
	return wrong;
}

const char *pvref_check(const struct pvref *r)
{
	const char *wrong = r->lost;

	for (unsigned i = 0; i != PVREF_DOMAINS_MAX && !wrong; i++)
		wrong = r->domains[i].used ? check_domain(&r->domains[i]) : NULL;
	return wrong;
}
