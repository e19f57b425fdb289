/*
 * Attaching in legacy mode (VT-d 3.4.2, 6.2.2, 6.5.3.3): one context entry for each function.
 */
#include "drivers-iommu/vtd/internal.h"
#include "drivers-iommu/vtd/invalidate.h"

/* Not-present entries are cached under domain id 0 (VT-d 6.1). */
#define DID_OF_ABSENT 0

static vtd_ctx_t entry_value(const struct vtd_iommu *v, const struct core_domain *d)
{
	if (d->base.kind == DOMAIN_PASSTHROUGH)
		return vtd_ctx(TT_PASSTHROUGH, PA(0), v->u->caps.levels_max, d->id);
	return vtd_ctx(TT_UNTRANSLATED, d->pt.root, d->pt.cfg.levels, d->id);
}

/* An absent entry became present: only a unit that caches absent ones has anything to forget. */
static enum status made_present(struct vtd_iommu *v, const struct core_domain *d, uint16_t sid, bool new_root_entry)
{
	struct vtd_desc descs[2];

	if (!v->u->caps.cm)
		return vtd_write_buffer_flush(v->u);
	descs[0] = new_root_entry ? vtd_desc_cc_global() : vtd_desc_cc_device(DID_OF_ABSENT, sid, 0);
	descs[1] = new_root_entry ? vtd_desc_iotlb_global(vtd_drains(v->u))
				  : vtd_desc_iotlb_domain(d->id, vtd_drains(v->u));
	return vtd_invalidate(v->u, descs, 2);
}

static enum status legacy_clear(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
	struct vtd_desc descs[2] = {
		vtd_desc_cc_device(d->id, r->addr.sid, 0),
		vtd_desc_iotlb_domain(d->id, vtd_drains(v->u)),
	};
	struct vtd_path p;
	enum status s = vtd_path_find(&v->dirs, r->addr.sid, 0, &p);

	if (s != OK)
		return s;
	vtd_retire_entry(v->u, p.ctx);
	return vtd_invalidate(v->u, descs, ARRAY_LEN(descs));
}

static enum status legacy_set(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
	struct vtd_path p;
	enum status s;

	if (r->has_pasid)
		return ERR_UNSUPPORTED;
	s = vtd_path_make(&v->dirs, r->addr.sid, 0, &p);
	if (s != OK)
		return s;
	vtd_publish_entry(v->u, p.ctx, entry_value(v, d));
	vtd_path_link(&v->dirs, &p, false);
	s = made_present(v, d, r->addr.sid, p.new_context_table);
	if (s != OK)
		legacy_clear(c, d, r);
	return s;
}

const struct core_ops vtd_legacy_ops = {
	.set = legacy_set,
	.clear = legacy_clear,
	.flush = vtd_core_flush,
	.mapped = vtd_core_mapped,
	.fault_pop = vtd_core_fault_pop,
};
