/* What the files of the AMD-Vi backend share. */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_INTERNAL_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_INTERNAL_H

#include "drivers-iommu/amdvi/cmdbuf.h"
#include "drivers-iommu/amdvi/gcr3.h"
#include "drivers-iommu/amdvi/log.h"
#include "drivers-iommu/amdvi/ops.h"

/* A function of the IVRS, and with guest tables its GCR3 tree while anything of it is attached. */
struct amdvi_fn {
	struct amdvi_function id;
	uint16_t domain_id;      /* of its own: tags of guest translations are (domain id, PASID) */
	unsigned attached_n;
	struct amdvi_gcr3_tree gcr3;
};

struct amdvi_iommu {
	struct iommu_core core;
	struct amdvi_unit *u;
	struct amdvi_devtab devtab;
	pa_t empty;              /* a page table in which nothing is present */
	amdvi_dte_t blocked;     /* what an entry holds that nobody is attached to */
	struct amdvi_fn *fns;
	unsigned fns_n;
};

extern const struct core_ops amdvi_v1_ops, amdvi_v2_ops;

static inline struct amdvi_iommu *amdvi_iommu_of(struct iommu_core *c)
{
	return (struct amdvi_iommu *)c; /* its first member */
}

/* The function of a requester, NULL if the IVRS names none. */
struct amdvi_fn *amdvi_fn_find(struct amdvi_iommu *a, const struct requester *r);
/* The entries of a function and of its alias become value, with the IVRS's setting; see amdvi_dte_replace(). */
enum status must_use amdvi_fn_entry(struct amdvi_iommu *a, const struct amdvi_fn *f, amdvi_dte_t value,
				    const uint16_t *old_domain_id);
/* As core_ops.fault_pop. */
enum status amdvi_fault_pop(struct iommu_core *c, struct iommu_fault *out);

#endif
