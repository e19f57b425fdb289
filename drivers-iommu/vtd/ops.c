/*
 * What both modes of VT-d share as backends: flushes, write buffers, faults. Domains and mappings are in core.c.
 */
#include "drivers-iommu/vtd/fault.h"
#include "drivers-iommu/vtd/internal.h"
#include "drivers-iommu/vtd/invalidate.h"

enum status vtd_core_mapped(struct iommu_core *c)
{
	return vtd_write_buffer_flush(vtd_iommu_of(c)->u);
}

static enum status range_flush(struct vtd_iommu *v, const struct vtd_inv_range *r)
{
	struct vtd_desc descs[VTD_RANGE_DESCS_MAX];
	unsigned n = vtd_inv_range_descs(v->u, r, descs, VTD_RANGE_DESCS_MAX);

	return vtd_invalidate(v->u, descs, n);
}

/* True where an earlier attachment of the same domain has the same PASID, so that its turn was already. */
static bool pasid_done(const struct vtd_iommu *v, const struct core_domain *d, unsigned i)
{
	const struct attachment *list = v->core.attached.list;

	for (unsigned j = 0; j < i; j++)
		if (list[j].domain == &d->base && list[j].requester.pasid == list[i].requester.pasid)
			return true;
	return false;
}

/* First-stage translations are tagged by PASID, too: each PASID of the domain gets its own invalidation. */
static enum status first_stage_flush(struct vtd_iommu *v, struct core_domain *d, struct vtd_inv_range r)
{
	enum status s = OK;

	r.first_stage = true;
	for (unsigned i = 0; i < v->core.attached.n && s == OK; i++) {
		if (v->core.attached.list[i].domain != &d->base || pasid_done(v, d, i))
			continue;
		r.pasid = v->core.attached.list[i].requester.pasid;
		s = range_flush(v, &r);
	}
	return s;
}

/* The caller's own table may have changed anywhere. */
static enum status nested_flush(struct vtd_iommu *v, struct core_domain *d)
{
	enum status s = OK;

	for (unsigned i = 0; i < v->core.attached.n && s == OK; i++)
		if (v->core.attached.list[i].domain == &d->base && !pasid_done(v, d, i)) {
			struct vtd_desc desc = vtd_desc_piotlb_pasid(d->id, v->core.attached.list[i].requester.pasid);

			s = vtd_invalidate(v->u, &desc, 1);
		}
	return s;
}

enum status vtd_core_flush(struct iommu_core *c, struct core_domain *d, iova_t iova, uint64_t bytes, bool leaf_only)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
	struct vtd_inv_range r = { .did = d->id, .iova = iova, .bytes = bytes, .ih = leaf_only };

	if (d->base.kind == DOMAIN_NESTED)
		return nested_flush(v, d);
	return v->mode == VTD_MODE_FS ? first_stage_flush(v, d, r) : range_flush(v, &r);
}

enum status vtd_core_fault_pop(struct iommu_core *c, struct iommu_fault *out)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
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
