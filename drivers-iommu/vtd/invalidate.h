/*
 * Invalidation by whichever interface is on: the queue, else the registers (VT-d 6.5). Each call returns when it is
 * done; when a call fails, stale translations may still be in use.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_INVALIDATE_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_INVALIDATE_H

#include "drivers-iommu/vtd/desc.h"
#include "drivers-iommu/vtd/unit.h"

/*
 * Carries out n descriptors, then waits; a write buffer flush goes first where CAP.RWBF asks for it. All the calls
 * below are this one. ERR_IO: the unit refused one (after a queue error the queue has been made usable again);
 * ERR_UNSUPPORTED: the registers do not offer it, and there is no queue; ERR_TIMEOUT.
 */
enum status must_use vtd_invalidate(struct vtd_unit *u, const struct vtd_desc *descs, unsigned n);

/* Context-cache, PASID-cache (in scalable mode), IOTLB, all of them, in this order (VT-d 6.6). */
enum status must_use vtd_inv_global(struct vtd_unit *u);

/* Context-cache of one function; did: the domain id of the old entry. */
enum status must_use vtd_inv_context(struct vtd_unit *u, uint16_t did, uint16_t sid);
/* PASID-cache of one PASID in one domain (scalable mode). */
enum status must_use vtd_inv_pasid(struct vtd_unit *u, uint16_t did, uint32_t pasid);
/* IOTLB of a domain, or 2^am pages of it at iova (am at most caps.mamv; a unit without PSI does the domain). */
enum status must_use vtd_inv_iotlb_domain(struct vtd_unit *u, uint16_t did);
enum status must_use vtd_inv_iotlb_page(struct vtd_unit *u, uint16_t did, iova_t iova, unsigned am, bool ih);
/* First-stage and pass-through translations of a PASID, or 2^am pages of it (scalable mode). */
enum status must_use vtd_inv_piotlb_pasid(struct vtd_unit *u, uint16_t did, uint32_t pasid);
enum status must_use vtd_inv_piotlb_page(struct vtd_unit *u, uint16_t did, uint32_t pasid, iova_t iova, unsigned am,
					 bool ih);
/* Interrupt entry cache, whole, or 2^im entries at iidx. */
enum status must_use vtd_inv_iec_global(struct vtd_unit *u);
enum status must_use vtd_inv_iec_index(struct vtd_unit *u, uint16_t iidx, unsigned im);

/* Whose pages a range invalidation is about. */
struct vtd_inv_range {
	uint16_t did;
	bool first_stage;      /* PASID-based, else by domain */
	uint32_t pasid;
	iova_t iova;
	uint64_t bytes;        /* whole pages, not 0 */
	bool ih;               /* only leaf entries changed */
};

#define VTD_RANGE_DESCS_MAX 16

/*
 * The fewest descriptors that cover a range exactly; where it takes more than max (at least 1), or the unit has no page
 * granularity, one for the whole domain or PASID. Returns how many.
 */
unsigned vtd_inv_range_descs(const struct vtd_unit *u, const struct vtd_inv_range *r, struct vtd_desc *out,
			     unsigned max);

/* True where IOTLB invalidations should drain requests in flight (CAP.DRD, CAP.DWD). */
static inline bool vtd_drains(const struct vtd_unit *u)
{
	return u->caps.drd && u->caps.dwd;
}

#endif
