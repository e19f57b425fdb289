/*
 * Attaching by guest tables (AMD IOMMU 2.2.6): each function has a GCR3 table, and each PASID of it an entry there.
 * Requests without PASID use PASID 0 (DTE.GIoV).
 */
#include "drivers-iommu/amdvi/internal.h"

static enum status fn_open(struct amdvi_iommu *a, struct amdvi_fn *f)
{
	uint32_t id;
	enum status s = id_take(&a->core.ids, a->core.id_first, &id);

	if (s != OK)
		return s;
	f->domain_id = (uint16_t)id;
	s = amdvi_gcr3_create(&f->gcr3, (unsigned)min_u64(a->u->caps.glx_max, a->u->caps.pasid_bits > 9 ? 1 : 0));
	if (s == OK)
		s = amdvi_fn_entry(a, f, amdvi_dte_guest(f->gcr3.root, f->gcr3.glx, a->core.pgt.levels, f->domain_id),
				   NULL);
	if (s != OK) {
		amdvi_gcr3_destroy(&f->gcr3);
		id_give(&a->core.ids, id);
	}
	return s;
}

static enum status fn_close(struct amdvi_iommu *a, struct amdvi_fn *f)
{
	enum status s = amdvi_fn_entry(a, f, a->blocked, &f->domain_id);

	if (s != OK)
		return s;
	amdvi_gcr3_destroy(&f->gcr3);
	id_give(&a->core.ids, f->domain_id);
	return OK;
}

static enum status pasid_drop(struct amdvi_iommu *a, const struct amdvi_fn *f, uint32_t pasid)
{
	struct amdvi_cmd cmd = amdvi_cmd_guest_pages(f->domain_id, pasid, amdvi_span_all(), true);

	return amdvi_execute(a->u, &cmd, 1);
}

static enum status v2_clear(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct amdvi_iommu *a = amdvi_iommu_of(c);
	struct amdvi_fn *f = amdvi_fn_find(a, r);
	uint64_t *entry;
	enum status s;

	(void)d;
	if (!f || !f->attached_n)
		return ERR_NOT_FOUND;
	s = amdvi_gcr3_entry(&f->gcr3, r->pasid, &entry);
	if (s != OK)
		return s;
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	s = pasid_drop(a, f, r->pasid);
	if (s == OK && f->attached_n == 1)
		s = fn_close(a, f);
	if (s == OK)
		f->attached_n--;
	return s;
}

static enum status v2_set(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct amdvi_iommu *a = amdvi_iommu_of(c);
	struct amdvi_fn *f = amdvi_fn_find(a, r);
	uint64_t *entry;
	enum status s = OK;

	if (!f)
		return ERR_NOT_FOUND;
	if (r->has_pasid && (!r->pasid || r->pasid >= pow2(a->u->caps.pasid_bits)))
		return ERR_INVALID;
	if (!f->attached_n)
		s = fn_open(a, f);
	if (s != OK)
		return s;
	s = amdvi_gcr3_entry(&f->gcr3, r->pasid, &entry);
	if (s == OK) {
		f->attached_n++;
		__atomic_store_n(entry, amdvi_gcr3(d->pt.root).w[0], __ATOMIC_RELEASE);
		if (a->u->caps.np_cache)
			s = pasid_drop(a, f, r->pasid);
		if (s != OK)
			v2_clear(c, d, r);
	} else if (!f->attached_n) {
		fn_close(a, f);
	}
	return s;
}

static enum status v2_flush(struct iommu_core *c, struct core_domain *d, iova_t iova, uint64_t bytes, bool leaf_only)
{
	struct amdvi_iommu *a = amdvi_iommu_of(c);
	enum status s = OK;

	for (unsigned i = 0; i < c->attached.n && s == OK; i++) {
		const struct requester *r = &c->attached.list[i].requester;
		struct amdvi_cmd cmd;

		if (c->attached.list[i].domain != &d->base)
			continue;
		cmd = amdvi_cmd_guest_pages(amdvi_fn_find(a, r)->domain_id, r->pasid, amdvi_span_of(iova, bytes),
					    !leaf_only);
		s = amdvi_execute(a->u, &cmd, 1);
	}
	return s;
}

const struct core_ops amdvi_v2_ops = {
	.set = v2_set,
	.clear = v2_clear,
	.flush = v2_flush,
	.fault_pop = amdvi_fault_pop,
};
