/*
 * Register-based invalidation (VT-d 6.5.1, 11.4.6, 11.4.8): units with VER.major below 6, and only while the queue is
 * off.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_RBI_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_RBI_H

#include "drivers-iommu/vtd/desc.h"
#include "drivers-iommu/vtd/unit.h"

/*
 * Context-cache by CCMD: writes ccmd (CCMD_ICC is added) and waits for ICC = 0. *done, if not NULL: CAIG, what the unit
 * did; 0 is a refusal and still OK. ERR_UNSUPPORTED, ERR_BUSY (queue on, or an operation is pending), ERR_TIMEOUT.
 */
enum status must_use vtd_rbi_context(struct vtd_unit *u, uint64_t ccmd, unsigned *done);
/* IOTLB: IVA first, then IOTLB (IOTLB_IVT is added). *done: IAIG. Errors as above. */
enum status must_use vtd_rbi_iotlb(struct vtd_unit *u, uint64_t iva, uint64_t iotlb, unsigned *done);

/*
 * Does by registers what a context-cache or IOTLB descriptor asks for. ERR_UNSUPPORTED for other types, ERR_IO where
 * the unit refused.
 */
enum status must_use vtd_rbi_descriptor(struct vtd_unit *u, const struct vtd_desc *d);

#endif
