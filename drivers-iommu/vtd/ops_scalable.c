/*
 * Attaching in scalable mode (VT-d 3.4.3, 6.2.2, 6.5.3.3): one PASID entry for each requester. Requests without PASID
 * use RID_PASID, which is 0 everywhere, so a requester with PASID 0 does not exist.
 */
#include "drivers-iommu/vtd/internal.h"
#include "drivers-iommu/vtd/invalidate.h"

static uint32_t pasid_of(const struct requester *r)
{
	return r->has_pasid ? r->pasid : 0;
}

static vtd_pasid_t entry_value(const struct vtd_iommu *v, const struct core_domain *d)
{
	bool snoop = v->u->caps.smpwcs;

	if (d->base.kind == DOMAIN_PASSTHROUGH)
		return vtd_pasid_passthrough(v->u->caps.levels_max ? v->u->caps.levels_max : 4, d->id);
	if (d->base.kind == DOMAIN_NESTED)
		return vtd_pasid_nested(d->root, d->below->pt.root, d->below->pt.cfg.levels, d->id, snoop);
	if (v->mode == VTD_MODE_FS)
		return vtd_pasid_fs(d->pt.root, d->pt.cfg.levels, d->id, snoop);
	return vtd_pasid_ss(d->pt.root, d->pt.cfg.levels, d->id, snoop);
}

/*
 * Translations of one PASID entry: tagged by domain for second stage, else by domain and PASID (VT-d 6.2.4). Of a nested
 * one there are both kinds: what was read of the second stage alone is tagged by domain.
 */
static struct vtd_desc iotlb_desc(const struct vtd_iommu *v, const struct core_domain *d, uint32_t pasid)
{
	if (d->base.kind != DOMAIN_PASSTHROUGH && v->mode == VTD_MODE_SS)
		return vtd_desc_iotlb_domain(d->id, vtd_drains(v->u));
	return vtd_desc_piotlb_pasid(d->id, pasid);
}

/* An absent entry became present: only a unit that caches absent ones has anything to forget. */
static enum status made_present(struct vtd_iommu *v, const struct core_domain *d, const struct requester *r,
				const struct vtd_path *p)
{
	struct vtd_desc descs[3];
	unsigned n = 0;

	if (!v->u->caps.cm)
		return vtd_write_buffer_flush(v->u);
	if (p->new_context_table) {
		descs[n++] = vtd_desc_cc_global();
		descs[n++] = vtd_desc_pc_global();
		descs[n++] = vtd_desc_iotlb_global(vtd_drains(v->u));
	} else if (p->new_directory) {
		descs[n++] = vtd_desc_cc_device(d->id, r->addr.sid, 0);
		descs[n++] = vtd_desc_pc_domain(d->id);
		descs[n++] = vtd_desc_iotlb_domain(d->id, vtd_drains(v->u));
	} else {
		descs[n++] = vtd_desc_pc_pasid(d->id, pasid_of(r));
		descs[n++] = vtd_desc_piotlb_pasid(d->id, pasid_of(r));
	}
	return vtd_invalidate(v->u, descs, n);
}

/* The unit forgets the context entry of a function, and all that it has read through it for a domain. */
static enum status context_forget(struct vtd_iommu *v, const struct core_domain *d, uint16_t sid)
{
	struct vtd_desc descs[3] = {
		vtd_desc_cc_device(d->id, sid, 0),
		vtd_desc_pc_domain(d->id),
		vtd_desc_iotlb_domain(d->id, vtd_drains(v->u)),
	};

	return vtd_invalidate(v->u, descs, ARRAY_LEN(descs));
}

/* The last requester of a function takes its context entry and PASID directory with it. */
static enum status context_clear(struct vtd_iommu *v, const struct core_domain *d, uint16_t sid,
				 const struct vtd_path *p)
{
	enum status s;

	vtd_retire_entry(v->u, p->sm_ctx);
	s = context_forget(v, d, sid);
	if (s == OK)
		vtd_directory_free(&v->dirs, p->directory); /* else it is lost: the unit may still read it */
	return s;
}

/* True where another requester of the same function is attached, with another PASID or without. */
static bool function_still_used(const struct vtd_iommu *v, const struct requester *r)
{
	for (unsigned i = 0; i < v->core.attached.n; i++) {
		const struct requester *other = &v->core.attached.list[i].requester;

		if (other->addr.sid == r->addr.sid && !requester_same(other, r))
			return true;
	}
	return false;
}

static enum status scalable_clear(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
	struct vtd_desc descs[2] = { vtd_desc_pc_pasid(d->id, pasid_of(r)), iotlb_desc(v, d, pasid_of(r)) };
	struct vtd_path p;
	enum status s = vtd_path_find(&v->dirs, r->addr.sid, pasid_of(r), &p);

	if (s == ERR_NOT_FOUND) /* an earlier try has cleared the context entry, but the unit did not forget it */
		return context_forget(v, d, r->addr.sid);
	if (s != OK)
		return s;
	vtd_retire_entry(v->u, p.pasid);
	if (!function_still_used(v, r))
		return context_clear(v, d, r->addr.sid, &p);
	return vtd_invalidate(v->u, descs, ARRAY_LEN(descs));
}

static enum status scalable_set(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct vtd_iommu *v = vtd_iommu_of(c);
	struct vtd_path p;
	enum status s;

	if (r->has_pasid && !v->u->caps.pasid)
		return ERR_UNSUPPORTED;
	if (r->has_pasid && (!r->pasid || r->pasid >= pow2(v->u->caps.pasid_bits)))
		return ERR_INVALID;
	s = vtd_path_make(&v->dirs, r->addr.sid, pasid_of(r), &p);
	if (s != OK)
		return s;
	vtd_publish_entry(v->u, p.pasid, entry_value(v, d));
	vtd_path_link(&v->dirs, &p, v->u->caps.pasid);
	s = made_present(v, d, r, &p);
	if (s != OK)
		scalable_clear(c, d, r);
	return s;
}

const struct core_ops vtd_scalable_ops = {
	.set = scalable_set,
	.clear = scalable_clear,
	.flush = vtd_core_flush,
	.mapped = vtd_core_mapped,
	.fault_pop = vtd_core_fault_pop,
};
