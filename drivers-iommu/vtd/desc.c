/*
 * Invalidation descriptors built (VT-d 6.5.2.1 to 6.5.2.9, 7.7).
 */
#include "drivers-iommu/vtd/desc.h"

struct vtd_desc vtd_desc_cc_global(void)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_CC) | FLD(CC_G, CC_GLOBAL) } };
}

struct vtd_desc vtd_desc_cc_domain(uint16_t did)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_CC) | FLD(CC_G, CC_DOMAIN) | FLD(CC_DID, did) } };
}

struct vtd_desc vtd_desc_cc_device(uint16_t did, uint16_t sid, unsigned fm)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_CC) | FLD(CC_G, CC_DEVICE) | FLD(CC_DID, did) |
					 FLD(CC_SID, sid) | FLD(CC_FM, fm) } };
}

static uint64_t drain_bits(bool drain)
{
	return drain ? IOTLBD_DW | IOTLBD_DR : 0;
}

struct vtd_desc vtd_desc_iotlb_global(bool drain)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_IOTLB) | FLD(IOTLBD_G, IOTLB_GLOBAL) |
					 drain_bits(drain) } };
}

struct vtd_desc vtd_desc_iotlb_domain(uint16_t did, bool drain)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_IOTLB) | FLD(IOTLBD_G, IOTLB_DOMAIN) | drain_bits(drain) |
					 FLD(IOTLBD_DID, did) } };
}

struct vtd_desc vtd_desc_iotlb_page(uint16_t did, iova_t iova, unsigned am, bool ih, bool drain)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_IOTLB) | FLD(IOTLBD_G, IOTLB_PAGE) | drain_bits(drain) | FLD(IOTLBD_DID, did),
		FLD(IOTLBD1_AM, am) | FLD(IOTLBD1_IH, ih) | (iova.v & IOTLBD1_ADDR),
	} };
}

struct vtd_desc vtd_desc_piotlb_pasid(uint16_t did, uint32_t pasid)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_PIOTLB) | FLD(PIOTLB_G, PIOTLB_ALL_OF_PASID) |
					 FLD(PIOTLB_DID, did) | FLD(PIOTLB_PASID, pasid) } };
}

struct vtd_desc vtd_desc_piotlb_page(uint16_t did, uint32_t pasid, iova_t iova, unsigned am, bool ih)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_PIOTLB) | FLD(PIOTLB_G, PIOTLB_PAGE) | FLD(PIOTLB_DID, did) |
			FLD(PIOTLB_PASID, pasid),
		FLD(PIOTLB1_AM, am) | FLD(PIOTLB1_IH, ih) | (iova.v & PIOTLB1_ADDR),
	} };
}

struct vtd_desc vtd_desc_pc_global(void)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_PC) | FLD(PC_G, PC_GLOBAL) } };
}

struct vtd_desc vtd_desc_pc_domain(uint16_t did)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_PC) | FLD(PC_G, PC_DOMAIN) | FLD(PC_DID, did) } };
}

struct vtd_desc vtd_desc_pc_pasid(uint16_t did, uint32_t pasid)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_PC) | FLD(PC_G, PC_PASID_IN_DOMAIN) | FLD(PC_DID, did) |
					 FLD(PC_PASID, pasid) } };
}

struct vtd_desc vtd_desc_iec_global(void)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_IEC) } };
}

struct vtd_desc vtd_desc_iec_index(uint16_t iidx, unsigned im)
{
	return (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_IEC) | IEC_G | FLD(IEC_IM, im) | FLD(IEC_IIDX, iidx) } };
}

/*
 * The range as ATS encodes it: S=0 one page; else the run of ones from bit 12 up says 2^(run + 1) pages. Everything:
 * bits 62:12 all ones, bit 63 zero.
 */
static uint64_t dev_tlb_range(const struct vtd_dev_tlb *d, uint64_t s_bit)
{
	uint64_t size;

	if (d->log2_pages == 0)
		return d->iova.v & DTLB1_ADDR;
	if (d->log2_pages >= 52)
		return BITS(62, 12) | s_bit;
	size = pow2(12 + d->log2_pages);
	return align_down(d->iova.v, size) | (size / 2 - PAGE_BYTES) | s_bit;
}

struct vtd_desc vtd_desc_dev_tlb(const struct vtd_dev_tlb *d)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_DEV_TLB) | FLD(DTLB_PFSID_LO, d->pfsid) | FLD(DTLB_MIP, d->mip) |
			FLD(DTLB_SID, d->sid) | FLD(DTLB_PFSID_HI, shr(d->pfsid, 4)),
		dev_tlb_range(d, DTLB1_S),
	} };
}

struct vtd_desc vtd_desc_pdev_tlb(const struct vtd_dev_tlb *d, uint32_t pasid, bool all_pasids)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_PDEV_TLB) | FLD(PDTLB_MIP, d->mip) | FLD(PDTLB_PFSID_LO, d->pfsid) |
			FLD(PDTLB_SID, d->sid) | FLD(PDTLB_PASID, pasid) | FLD(PDTLB_PFSID_HI, shr(d->pfsid, 4)),
		FLD(PDTLB1_G, all_pasids) | dev_tlb_range(d, PDTLB1_S),
	} };
}

struct vtd_desc vtd_desc_wait(uint64_t flags, uint32_t data, pa_t status)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_WAIT) | (flags & (WAIT_IF | WAIT_SW | WAIT_FN | WAIT_PD)) | FLD(WAIT_DATA, data),
		status.v & WAIT1_ADDR,
	} };
}

struct vtd_desc vtd_desc_page_response(uint16_t rid, bool has_pasid, uint32_t pasid, uint16_t prgi,
				       enum vtd_page_response code)
{
	return (struct vtd_desc){ .q = {
		FLD(DESC_TYPE, DESC_PAGE_RESPONSE) | FLD(PGR_PP, has_pasid) | FLD(PGR_RC, code) | FLD(PGR_RID, rid) |
			FLD(PGR_PASID, pasid),
		PGR1_LPIG | FLD(PGR1_PRGI, prgi),
	} };
}
