/*
 * A reference made and taken apart.
 */
#include "xen/reference/reference.h"
#include "drivers-iommu/domain.h"
#include "xen/reference/internal.h"

#define STEP_PAGES  512u
#define CAPS_OF_OURS (PVIO_CAP_IDENTITY)

static enum status reserved_fits(const struct pvref *r, const struct pvref_reserved *a)
{
	uint64_t first = a->base.v / PAGE_BYTES;

	if (!a->pages || !is_aligned(a->base.v, PAGE_BYTES) || first + a->pages > r->max_iova / PAGE_BYTES + 1)
		return ERR_INVALID;
	for (unsigned i = 0; i != r->reserved_n; i++) {
		const struct pvref_reserved *b = &r->reserved[i];
		uint64_t other = b->base.v / PAGE_BYTES;

		if (a->addr.segment == b->addr.segment && a->addr.sid == b->addr.sid && first < other + b->pages &&
		    other < first + a->pages)
			return ERR_INVALID;
	}
	return r->reserved_n == PVREF_RESERVED_MAX ? ERR_FULL : OK;
}

/* What is offered: what was asked for and can be done. */
static void offer(struct pvref *r, const struct pvref_config *c)
{
	const struct iommu_caps *host = &r->host->caps;
	unsigned bits = host->input_bits;
	uint32_t can = CAPS_OF_OURS;

	can |= host->flags & IOMMU_HAS_PASID ? PVIO_CAP_PASID : 0u;
	can |= host->flags & IOMMU_HAS_NESTING ? PVIO_CAP_NESTED : 0u;
	r->caps = r->rules->tagged ? 0 : c->caps & can;
	if (c->revision == PVIO_F)
		r->caps |= PVIO_CAP_DEFERRED_FLUSH;
	if (r->rules->iova_bits_max)
		bits = (unsigned)min_u64(bits, r->rules->iova_bits_max);
	r->max_iova = bits < 64 ? pow2(bits) - 1 : UINT64_MAX;
	r->pgsize_mask = PAGE_BYTES;
	if (r->rules->strict)
		r->pgsize_mask |= (uint32_t)(c->pgsize_mask & host->page_sizes); /* none below 4 KiB */
	r->max_pasid = (uint32_t)min_u64(c->max_pasid ? c->max_pasid : UINT32_MAX, pow2(host->pasid_bits) - 1);
	r->step_pages = c->step_pages ? c->step_pages : STEP_PAGES;
}

enum status pvref_create(struct iommu *host, const struct pvref_config *c, struct pvref **out)
{
	struct pvref *r;
	enum status s = OK;

	if (c->revision == PVIO_NONE || c->revision >= PVIO_REVISIONS || !c->domains_n)
		return ERR_INVALID;
	r = object_alloc(sizeof(*r));
	if (!r)
		return ERR_NO_MEMORY;
	r->host = host;
	r->revision = c->revision;
	r->rules = &pvref_rules[c->revision];
	offer(r, c);
	for (unsigned i = 0; i != c->reserved_n && s == OK; i++) {
		s = reserved_fits(r, &c->reserved[i]);
		if (s == OK)
			r->reserved[r->reserved_n++] = c->reserved[i];
	}
	for (unsigned i = 0; i != c->domains_n && s == OK; i++)
		s = pvref_domain_create(r, &c->domains[i]);
	if (s != OK) {
		pvref_destroy(r);
		return s;
	}
	*out = r;
	return OK;
}

enum status pvref_destroy(struct pvref *r)
{
	enum status s = OK;

	for (unsigned i = 0; i != PVREF_DOMAINS_MAX; i++) {
		enum status now = r->domains[i].used ? pvref_domain_end(&r->domains[i]) : OK;

		s = s == OK ? now : s;
	}
	object_free(r, sizeof(*r));
	return s == OK ? OK : ERR_IO;
}

static void count_domain(const struct pvref_domain *d, struct pvref_counts *out)
{
	for (uint32_t i = 0; i <= d->max_ctx_no; i++) {
		const struct pvref_context *c = d->contexts[i];

		out->contexts_n += i != PVIO_DEFAULT_CONTEXT && c;
		out->pieces_n += c ? c->extents_n : 0;
		for (unsigned k = 0; c && k != c->extents_n; k++)
			if (!c->identity || c->extents[k].dfn != c->extents[k].gfn)
				out->pages_mapped += c->extents[k].pages;
	}
	for (unsigned i = 0; i != d->devices_n; i++)
		out->devices_away += d->devices[i].ctx_no != PVIO_DEFAULT_CONTEXT;
	out->pasids_n += d->pasids_n;
	out->arena_used += d->arena_used;
}

void pvref_count(const struct pvref *r, struct pvref_counts *out)
{
	*out = (struct pvref_counts){ .restarts = r->restarts, .calls = r->calls };
	for (unsigned i = 0; i != PVREF_DOMAINS_MAX; i++)
		if (r->domains[i].used)
			count_domain(&r->domains[i], out);
}
