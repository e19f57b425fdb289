/*
 * Attaching by host tables (AMD IOMMU 2.2.2, 2.2.3): one device table entry for each function.
 */
#include "drivers-iommu/amdvi/internal.h"

static enum status v1_set(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct amdvi_iommu *a = amdvi_iommu_of(c);
	struct amdvi_fn *f = amdvi_fn_find(a, r);
	amdvi_dte_t value = amdvi_dte_host(PA(0), 0, d->id, PERM_RW);

	if (r->has_pasid)
		return ERR_UNSUPPORTED;
	if (!f)
		return ERR_NOT_FOUND;
	if (d->base.kind == DOMAIN_PAGED)
		value = amdvi_dte_host(d->pt.root, d->pt.cfg.levels, d->id, PERM_RW);
	return amdvi_fn_entry(a, f, value, NULL);
}

static enum status v1_clear(struct iommu_core *c, struct core_domain *d, const struct requester *r)
{
	struct amdvi_iommu *a = amdvi_iommu_of(c);
	struct amdvi_fn *f = amdvi_fn_find(a, r);

	return f ? amdvi_fn_entry(a, f, a->blocked, &d->id) : ERR_NOT_FOUND;
}

static enum status v1_flush(struct iommu_core *c, struct core_domain *d, iova_t iova, uint64_t bytes, bool leaf_only)
{
	struct amdvi_cmd cmd = amdvi_cmd_pages(d->id, amdvi_span_of(iova, bytes), !leaf_only);

	return amdvi_execute(amdvi_iommu_of(c)->u, &cmd, 1);
}

const struct core_ops amdvi_v1_ops = {
	.set = v1_set,
	.clear = v1_clear,
	.flush = v1_flush,
	.fault_pop = amdvi_fault_pop,
};
