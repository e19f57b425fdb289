/* What the files of the VT-d backend share. */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_INTERNAL_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_INTERNAL_H

#include "drivers-iommu/core.h"
#include "drivers-iommu/vtd/dirs.h"
#include "drivers-iommu/vtd/ops.h"

/* What differs between legacy and scalable mode: where an entry lives and what must be invalidated with it. */
extern const struct core_ops vtd_legacy_ops, vtd_scalable_ops;

struct vtd_iommu {
	struct iommu_core core;
	struct vtd_unit *u;
	enum vtd_mode mode;
	struct vtd_dirs dirs;
	bool queue_ours;
	bool found_on;             /* translation was on, with these tables: */
	pa_t found_root;
	enum vtd_ttm found_ttm;
};

static inline struct vtd_iommu *vtd_iommu_of(struct iommu_core *c)
{
	return (struct vtd_iommu *)c; /* its first member */
}

/* As core_ops.flush, mapped and fault_pop, for both modes. */
enum status vtd_core_flush(struct iommu_core *c, struct core_domain *d, iova_t iova, uint64_t bytes, bool leaf_only);
enum status vtd_core_mapped(struct iommu_core *c);
enum status vtd_core_fault_pop(struct iommu_core *c, struct iommu_fault *out);

#endif
