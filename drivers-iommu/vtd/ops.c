/*
 * VT-d as struct iommu_ops: domains, mappings, attachments, flushes, faults.
 */
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/internal.h"
#include "drivers-iommu/vtd/invalidate.h"

/* Domain id 0 stands for cached not-present entries where CM = 1 (VT-d 6.1); nobody gets it. */
#define DID_FIRST 1

enum status vtd_domain_new(struct vtd_iommu *v, enum domain_kind kind, struct vtd_domain **out)
{
	struct vtd_domain *d;
	uint32_t did;
	enum status s;

	if (kind == DOMAIN_PASSTHROUGH && !v->u->caps.pt)
		return ERR_UNSUPPORTED;
	d = object_alloc(sizeof(*d));
	if (!d)
		return ERR_NO_MEMORY;
	d->base = (struct domain){ .iommu = &v->io, .kind = kind };
	s = id_take(&v->dids, DID_FIRST, &did);
	if (s != OK)
		goto no_id;
	d->did = (uint16_t)did;
	if (kind == DOMAIN_PAGED)
		s = pgt_create(&d->pt, &v->pgt);
	if (s != OK)
		goto no_table;
	d->next = v->domains;
	v->domains = d;
	*out = d;
	return OK;
no_table:
	id_give(&v->dids, did);
no_id:
	object_free(d, sizeof(*d));
	return s;
}

void vtd_domain_free(struct vtd_iommu *v, struct vtd_domain *d)
{
	struct vtd_domain **link = &v->domains;

	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	if (d->base.kind == DOMAIN_PAGED)
		pgt_destroy(&d->pt);
	id_give(&v->dids, d->did);
	object_free(d, sizeof(*d));
}

static enum status op_domain_create(struct iommu *io, enum domain_kind kind, struct domain **out)
{
	struct vtd_domain *d = NULL;
	enum status s = vtd_domain_new(vtd_iommu_of(io), kind, &d);

	if (s == OK)
		*out = &d->base;
	return s;
}

static enum status op_domain_destroy(struct domain *base)
{
	struct vtd_domain *d = vtd_domain_of(base);

	if (d->attached_n)
		return ERR_BUSY;
	vtd_domain_free(vtd_iommu_of(base->iommu), d);
	return OK;
}

enum status vtd_attach(struct vtd_iommu *v, struct vtd_domain *d, const struct requester *r)
{
	enum status s;

	if (v->attached.n == v->attached.max)
		return ERR_FULL;
	s = v->entry->set(v, d, r);
	if (s == OK)
		s = attachments_add(&v->attached, *r, &d->base);
	if (s == OK)
		d->attached_n++;
	return s;
}

static enum status detach(struct vtd_iommu *v, struct attachment *at)
{
	struct vtd_domain *d = vtd_domain_of(at->domain);
	enum status s = v->entry->clear(v, d, &at->requester);

	if (s == OK) {
		attachments_remove(&v->attached, at);
		d->attached_n--;
	}
	return s;
}

/* The domain with the reserved memory of a function, NULL if it has none. */
static struct vtd_domain *held_domain(struct vtd_iommu *v, const struct requester *r)
{
	struct vtd_domain *d = v->domains;

	if (r->has_pasid)
		return NULL;
	while (d && !(d->held && d->held_for.segment == r->addr.segment && d->held_for.sid == r->addr.sid))
		d = d->next;
	return d;
}

static enum status op_attach(struct domain *base, struct requester r)
{
	struct vtd_iommu *v = vtd_iommu_of(base->iommu);
	struct vtd_domain *held = held_domain(v, &r);
	struct attachment *at = attachments_find(&v->attached, &r);
	enum status s;

	if (r.addr.segment != v->u->segment)
		return ERR_INVALID;
	if (!r.has_pasid)
		r.pasid = 0; /* RID_PASID */
	if (at && at->domain != (held ? &held->base : NULL))
		return ERR_EXISTS;
	s = at ? detach(v, at) : OK;
	if (s != OK)
		return s;
	s = vtd_attach(v, vtd_domain_of(base), &r);
	if (s != OK && at) {
		enum status back = vtd_attach(v, held, &r);

		if (back != OK)
			log_line("reserved memory of %04x is not mapped any more: %s", r.addr.sid, status_text(back));
	}
	return s;
}

static enum status op_detach(struct domain *base, struct requester r)
{
	struct vtd_iommu *v = vtd_iommu_of(base->iommu);
	struct vtd_domain *held = held_domain(v, &r);
	struct attachment *at = attachments_find(&v->attached, &r);
	enum status s;

	if (!at || at->domain != base)
		return ERR_NOT_FOUND;
	s = detach(v, at);
	if (s == OK && held)
		s = vtd_attach(v, held, &r);
	return s;
}

static enum status op_map(struct domain *base, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm,
			  unsigned max_page_bits)
{
	struct vtd_domain *d = vtd_domain_of(base);
	enum status s;

	if (base->kind != DOMAIN_PAGED)
		return ERR_UNSUPPORTED;
	s = pgt_map(&d->pt, iova, pa, bytes, perm, max_page_bits);
	if (s == OK)
		s = vtd_write_buffer_flush(vtd_iommu_of(base->iommu)->u);
	return s;
}

static enum status op_unmap(struct domain *base, iova_t iova, uint64_t bytes, uint64_t *unmapped)
{
	*unmapped = 0;
	return base->kind == DOMAIN_PAGED ? pgt_unmap(&vtd_domain_of(base)->pt, iova, bytes, unmapped)
					  : ERR_UNSUPPORTED;
}

static enum status op_lookup(struct domain *base, iova_t iova, pa_t *pa, unsigned *perm)
{
	if (base->kind == DOMAIN_PAGED)
		return pgt_lookup(&vtd_domain_of(base)->pt, iova, pa, perm, NULL);
	*pa = PA(iova.v);
	*perm = PERM_RW;
	return OK;
}

static enum status range_flush(struct vtd_iommu *v, const struct vtd_inv_range *r)
{
	struct vtd_desc descs[VTD_RANGE_DESCS_MAX];
	unsigned n = vtd_inv_range_descs(v->u, r, descs, VTD_RANGE_DESCS_MAX);

	return vtd_invalidate(v->u, descs, n);
}

/* True where an earlier attachment of the same domain has the same PASID, so that its turn was already. */
static bool pasid_done(const struct vtd_iommu *v, const struct vtd_domain *d, unsigned i)
{
	const struct attachment *list = v->attached.list;

	for (unsigned j = 0; j < i; j++)
		if (list[j].domain == &d->base && list[j].requester.pasid == list[i].requester.pasid)
			return true;
	return false;
}

/* First-stage translations are tagged by PASID, too: each PASID of the domain gets its own invalidation. */
static enum status first_stage_flush(struct vtd_iommu *v, struct vtd_domain *d, struct vtd_inv_range r)
{
	enum status s = OK;

	r.first_stage = true;
	for (unsigned i = 0; i < v->attached.n && s == OK; i++) {
		if (v->attached.list[i].domain != &d->base || pasid_done(v, d, i))
			continue;
		r.pasid = v->attached.list[i].requester.pasid;
		s = range_flush(v, &r);
	}
	return s;
}

static enum status op_flush(struct domain *base, iova_t iova, uint64_t bytes)
{
	struct vtd_iommu *v = vtd_iommu_of(base->iommu);
	struct vtd_domain *d = vtd_domain_of(base);
	struct vtd_inv_range r = { .did = d->did, .iova = iova, .bytes = bytes };
	enum status s = OK;

	if (base->kind != DOMAIN_PAGED)
		return OK;
	if (!bytes || !is_aligned(iova.v | bytes, PAGE_BYTES) || iova.v >= pow2(v->io.caps.input_bits) ||
	    bytes > pow2(v->io.caps.input_bits) - iova.v)
		return ERR_INVALID;
	r.ih = pgt_prune(&d->pt, iova, bytes) && !d->stale;
	if (d->stale) { /* what a flush that failed has left is not known: all of it */
		r.iova = IOVA(0);
		r.bytes = pow2(v->io.caps.input_bits);
	}
	if (d->attached_n) /* a domain that nobody uses is in no cache: detaching saw to that */
		s = v->mode == VTD_MODE_FS ? first_stage_flush(v, d, r) : range_flush(v, &r);
	d->stale = s != OK;
	if (s == OK)
		pgt_reclaim(&d->pt);
	return s;
}

static enum status op_fault_pop(struct iommu *io, struct iommu_fault *out)
{
	struct vtd_iommu *v = vtd_iommu_of(io);
	struct vtd_fault f;
	enum status s = vtd_fault_pop(v->u, &f);

	if (s != OK)
		return s;
	*out = (struct iommu_fault){
		.requester = { .addr = { v->u->segment, f.sid }, .has_pasid = f.pp, .pasid = f.pp ? f.pv : 0 },
		.iova = IOVA(f.fi),
		.write = !f.t1,
		.write_known = true,
		.reason = f.fr,
		.text = vtd_reason_text(f.fr),
	};
	return OK;
}

const struct iommu_ops vtd_iommu_ops = {
	.domain_create = op_domain_create,
	.domain_destroy = op_domain_destroy,
	.attach = op_attach,
	.detach = op_detach,
	.map = op_map,
	.unmap = op_unmap,
	.lookup = op_lookup,
	.flush = op_flush,
	.fault_pop = op_fault_pop,
};
