/*
 * The part of a struct iommu that does not depend on the vendor.
 */
#include "drivers-iommu/core.h"

#define ATTACHMENTS_MAX 1024u

enum status core_open(struct iommu_core *c, uint32_t ids_n)
{
	enum status s = attachments_create(&c->attached, ATTACHMENTS_MAX);

	if (s == OK)
		s = id_pool_create(&c->ids, ids_n);
	return s;
}

static enum status domain_new(struct iommu_core *c, enum domain_kind kind, struct core_domain **out)
{
	struct core_domain *d;
	uint32_t id;
	enum status s;

	if (kind == DOMAIN_PASSTHROUGH && !(c->io.caps.flags & IOMMU_HAS_PASSTHROUGH))
		return ERR_UNSUPPORTED;
	d = object_alloc(sizeof(*d));
	if (!d)
		return ERR_NO_MEMORY;
	d->base = (struct domain){ .iommu = &c->io, .kind = kind };
	s = id_take(&c->ids, c->id_first, &id);
	if (s != OK)
		goto no_id;
	d->id = (uint16_t)id;
	if (kind == DOMAIN_PAGED)
		s = pgt_create(&d->pt, &c->pgt);
	if (s != OK)
		goto no_table;
	d->next = c->domains;
	c->domains = d;
	*out = d;
	return OK;
no_table:
	id_give(&c->ids, id);
no_id:
	object_free(d, sizeof(*d));
	return s;
}

static void domain_free(struct iommu_core *c, struct core_domain *d)
{
	struct core_domain **link = &c->domains;

	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	if (d->base.kind == DOMAIN_PAGED)
		pgt_destroy(&d->pt);
	if (d->base.kind == DOMAIN_NESTED)
		d->below->nested_n--;
	else
		id_give(&c->ids, d->id);
	object_free(d, sizeof(*d));
}

void core_close(struct iommu_core *c)
{
	while (c->domains) /* what is nested is younger, and so goes first */
		domain_free(c, c->domains);
	id_pool_destroy(&c->ids);
	attachments_destroy(&c->attached);
}

static struct core_domain *domain_of(struct domain *d)
{
	return (struct core_domain *)d; /* its first member */
}

static enum status op_domain_create(struct iommu *io, enum domain_kind kind, struct domain **out)
{
	struct core_domain *d = NULL;
	enum status s = domain_new(core_of(io), kind, &d);

	if (s == OK)
		*out = &d->base;
	return s;
}

/* Cached translations of both are tagged by one domain id, so that a flush of the second stage finds all. */
static enum status op_domain_nest(struct domain *below, iova_t root, struct domain **out)
{
	struct iommu_core *c = core_of(below->iommu);
	struct core_domain *d;

	if (!(c->io.caps.flags & IOMMU_HAS_NESTING))
		return ERR_UNSUPPORTED;
	if (below->kind != DOMAIN_PAGED || !is_aligned(root.v, PAGE_BYTES) || root.v >= pow2(c->io.caps.input_bits))
		return ERR_INVALID;
	d = object_alloc(sizeof(*d));
	if (!d)
		return ERR_NO_MEMORY;
	d->base = (struct domain){ .iommu = &c->io, .kind = DOMAIN_NESTED };
	d->below = domain_of(below);
	d->id = d->below->id;
	d->root = root;
	d->below->nested_n++;
	d->next = c->domains;
	c->domains = d;
	*out = &d->base;
	return OK;
}

static enum status op_domain_destroy(struct domain *base)
{
	struct core_domain *d = domain_of(base);

	if (d->attached_n || d->nested_n)
		return ERR_BUSY;
	domain_free(core_of(base->iommu), d);
	return OK;
}

static enum status attach(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	enum status s;

	if (c->attached.n == c->attached.max)
		return ERR_FULL;
	s = c->ops->set(c, d, r);
	if (s == OK)
		s = attachments_add(&c->attached, *r, &d->base);
	if (s == OK)
		d->attached_n++;
	return s;
}

static enum status detach(struct iommu_core *c, struct attachment *at)
{
	struct core_domain *d = domain_of(at->domain);
	enum status s = c->ops->clear(c, d, &at->requester);

	if (s == OK) {
		attachments_remove(&c->attached, at);
		d->attached_n--;
	}
	return s;
}

/* The domain with the reserved memory of a function, NULL if it has none. */
static struct core_domain *held_domain(struct iommu_core *c, const struct requester *r)
{
	struct core_domain *d = c->domains;

	if (r->has_pasid)
		return NULL;
	while (d && !(d->held && d->held_for.segment == r->addr.segment && d->held_for.sid == r->addr.sid))
		d = d->next;
	return d;
}

static enum status op_attach(struct domain *base, struct requester r)
{
	struct iommu_core *c = core_of(base->iommu);
	struct core_domain *held = held_domain(c, &r);
	struct attachment *at = attachments_find(&c->attached, &r);
	enum status s;

	if (r.addr.segment != c->segment)
		return ERR_INVALID;
	if (!r.has_pasid)
		r.pasid = 0;
	if (at && at->domain != (held ? &held->base : NULL))
		return ERR_EXISTS;
	s = at ? detach(c, at) : OK;
	if (s != OK)
		return s;
	s = attach(c, domain_of(base), &r);
	if (s != OK && at) {
		enum status back = attach(c, held, &r);

		if (back != OK)
			log_line("reserved memory of %04x is not mapped any more: %s", r.addr.sid, status_text(back));
	}
	return s;
}

static enum status op_detach(struct domain *base, struct requester r)
{
	struct iommu_core *c = core_of(base->iommu);
	struct core_domain *held = held_domain(c, &r);
	struct attachment *at = attachments_find(&c->attached, &r);
	enum status s;

	if (!at || at->domain != base)
		return ERR_NOT_FOUND;
	s = detach(c, at);
	if (s == OK && held)
		s = attach(c, held, &r);
	return s;
}

static enum status op_map(struct domain *base, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm,
			  unsigned max_page_bits)
{
	struct iommu_core *c = core_of(base->iommu);
	enum status s;

	if (base->kind != DOMAIN_PAGED)
		return ERR_UNSUPPORTED;
	s = pgt_map(&domain_of(base)->pt, iova, pa, bytes, perm, max_page_bits);
	return s == OK && c->ops->mapped ? c->ops->mapped(c) : s;
}

static enum status op_unmap(struct domain *base, iova_t iova, uint64_t bytes, uint64_t *unmapped)
{
	*unmapped = 0;
	return base->kind == DOMAIN_PAGED ? pgt_unmap(&domain_of(base)->pt, iova, bytes, unmapped) : ERR_UNSUPPORTED;
}

static enum status op_lookup(struct domain *base, iova_t iova, pa_t *pa, unsigned *perm)
{
	if (base->kind == DOMAIN_PAGED)
		return pgt_lookup(&domain_of(base)->pt, iova, pa, perm, NULL);
	if (base->kind == DOMAIN_NESTED)
		return ERR_UNSUPPORTED;
	*pa = PA(iova.v);
	*perm = PERM_RW;
	return OK;
}

static enum status op_flush(struct domain *base, iova_t iova, uint64_t bytes)
{
	struct iommu_core *c = core_of(base->iommu);
	struct core_domain *d = domain_of(base);
	uint64_t limit = pow2(c->io.caps.input_bits);
	bool leaf_only;
	enum status s = OK;

	if (base->kind == DOMAIN_NESTED)
		return d->attached_n ? c->ops->flush(c, d, iova, bytes, false) : OK;
	if (base->kind != DOMAIN_PAGED)
		return OK;
	if (!bytes || !is_aligned(iova.v | bytes, PAGE_BYTES) || iova.v >= limit || bytes > limit - iova.v)
		return ERR_INVALID;
	leaf_only = pgt_prune(&d->pt, iova, bytes) && !d->stale;
	if (d->stale) { /* what a flush that failed has left is not known: all of it */
		iova = IOVA(0);
		bytes = limit;
	}
	if (d->attached_n || d->nested_n) /* a domain that nobody uses is in no cache: detaching saw to that */
		s = c->ops->flush(c, d, iova, bytes, leaf_only);
	d->stale = s != OK;
	if (s == OK)
		pgt_reclaim(&d->pt);
	return s;
}

static enum status op_fault_pop(struct iommu *io, struct iommu_fault *out)
{
	return core_of(io)->ops->fault_pop(core_of(io), out);
}

const struct iommu_ops core_iommu_ops = {
	.domain_create = op_domain_create,
	.domain_nest = op_domain_nest,
	.domain_destroy = op_domain_destroy,
	.attach = op_attach,
	.detach = op_detach,
	.map = op_map,
	.unmap = op_unmap,
	.lookup = op_lookup,
	.flush = op_flush,
	.fault_pop = op_fault_pop,
};

/* ---- reserved memory ---- */

/* The held domain of a function, made and attached at its first range. */
static enum status held_find_or_make(struct iommu_core *c, struct pci_addr addr, struct core_domain **out)
{
	struct requester r = { .addr = addr };
	enum status s;

	*out = held_domain(c, &r);
	if (*out)
		return OK;
	s = domain_new(c, DOMAIN_PAGED, out);
	if (s != OK)
		return s;
	(*out)->held = true;
	(*out)->held_for = addr;
	c->io.caps.domains_max--;
	return attach(c, *out, &r);
}

/* Pages of one range that are mapped already (ranges may touch or repeat) are skipped. */
static enum status hold_range(struct core_domain *d, const struct reserved *r)
{
	for (uint64_t off = 0; off < r->bytes; off += PAGE_BYTES) {
		enum status s = pgt_map(&d->pt, IOVA(r->base.v + off), pa_add(r->base, off), PAGE_BYTES, r->perm, 0);

		if (s != OK && s != ERR_EXISTS)
			return s;
	}
	return OK;
}

enum status core_reserve(struct iommu_core *c, const struct reserved *r)
{
	struct core_domain *d;
	enum status s;

	if (r->addr.segment != c->segment || !is_aligned(r->base.v | r->bytes, PAGE_BYTES))
		return ERR_INVALID;
	s = held_find_or_make(c, r->addr, &d);
	if (s != OK)
		return s;
	/* One call where it can be: large pages, and no long loop. */
	s = pgt_map(&d->pt, IOVA(r->base.v), r->base, r->bytes, r->perm, 0);
	return s == ERR_EXISTS ? hold_range(d, r) : s;
}
