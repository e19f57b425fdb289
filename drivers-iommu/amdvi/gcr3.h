/*
 * GCR3 tables (AMD IOMMU 2.2.6): the address space of each PASID of one device, 1 to 3 levels.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_GCR3_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_GCR3_H

#include "drivers-iommu/amdvi/tables.h"

struct amdvi_gcr3_tree {
	pa_t root;
	unsigned glx;            /* levels - 1 */
};

/* An empty tree. ERR_INVALID (glx above 2), ERR_NO_MEMORY. */
enum status must_use amdvi_gcr3_create(struct amdvi_gcr3_tree *t, unsigned glx);
/* Frees all tables of the tree; also one that was never created. */
void amdvi_gcr3_destroy(struct amdvi_gcr3_tree *t);
/* The entry of a PASID; missing tables above it are made and linked. ERR_INVALID (out of reach), ERR_NO_MEMORY. */
enum status must_use amdvi_gcr3_entry(const struct amdvi_gcr3_tree *t, uint32_t pasid, uint64_t **entry);

#endif
