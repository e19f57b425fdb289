/*
 * Commands put together (AMD IOMMU 2.4).
 */
#include "drivers-iommu/amdvi/cmd.h"

#define SPAN_BITS_MAX 51u /* bits 63:52 of an address are an extension of bit 51 */

struct amdvi_span amdvi_span_all(void)
{
	return (struct amdvi_span){ .address = CMD_ALL_PAGES, .s = true };
}

struct amdvi_span amdvi_span_of(iova_t iova, uint64_t bytes)
{
	uint64_t last = iova.v + (bytes - 1);
	uint64_t differ = (iova.v ^ last) & CMD1_ADDR;
	unsigned bits = 12;

	if (last < iova.v)
		return amdvi_span_all();
	if (!differ)
		return (struct amdvi_span){ .address = iova.v & CMD1_ADDR, .s = false };
	/* The size is 2^(k + 1), k the lowest 0 bit from 12 on; every lower bit is 1 (AMD IOMMU 2.4.3). */
	while (differ >= pow2(bits) && bits <= SPAN_BITS_MAX)
		bits++;
	if (bits > SPAN_BITS_MAX)
		return amdvi_span_all();
	return (struct amdvi_span){
		.address = (align_down(iova.v, pow2(bits)) | (pow2(bits - 1) - 1)) & CMD1_ADDR,
		.s = true,
	};
}

static uint64_t opcode(enum amdvi_opcode op)
{
	return FLD(CMD_OPCODE, op);
}

struct amdvi_cmd amdvi_cmd_completion_wait(uint64_t flags, pa_t address, uint64_t data)
{
	return (struct amdvi_cmd){ .q = { opcode(CMD_COMPLETION_WAIT) | flags | (address.v & CW_ADDR), data } };
}

struct amdvi_cmd amdvi_cmd_devtab_entry(uint16_t device_id)
{
	return (struct amdvi_cmd){ .q = { opcode(CMD_INV_DEVTAB_ENTRY) | device_id, 0 } };
}

struct amdvi_cmd amdvi_cmd_pages(uint16_t domain_id, struct amdvi_span span, bool pde)
{
	return (struct amdvi_cmd){ .q = {
		opcode(CMD_INV_IOMMU_PAGES) | FLD(IP_DOMAIN_ID, domain_id),
		span.address | FLD(IP1_S, span.s) | FLD(IP1_PDE, pde),
	} };
}

struct amdvi_cmd amdvi_cmd_guest_pages(uint16_t domain_id, uint32_t pasid, struct amdvi_span span, bool pde)
{
	struct amdvi_cmd c = amdvi_cmd_pages(domain_id, span, pde);

	c.q[0] |= FLD(IP_PASID, pasid);
	c.q[1] |= IP1_GN;
	return c;
}

struct amdvi_cmd amdvi_cmd_iotlb(const struct amdvi_iotlb *r)
{
	uint64_t pasid = r->has_pasid ? r->pasid : 0;

	/* The PASID lies in three pieces (AMD IOMMU 2.4.4). */
	return (struct amdvi_cmd){ .q = {
		opcode(CMD_INV_IOTLB_PAGES) | r->device_id | FLD(IT_MAXPEND, r->maxpend) |
			FLD(IT_QUEUE_ID, r->queue_id) | FLD(IT_PASID_LO, fld_get(BITS(7, 0), pasid)) |
			FLD(IT_PASID_MID, fld_get(BITS(15, 8), pasid)) | FLD(IT_PASID_HI, fld_get(BITS(19, 16), pasid)),
		r->span.address | FLD(IT1_S, r->span.s) | FLD(IT1_GN, r->has_pasid),
	} };
}

struct amdvi_cmd amdvi_cmd_int_table(uint16_t device_id)
{
	return (struct amdvi_cmd){ .q = { opcode(CMD_INV_INT_TABLE) | device_id, 0 } };
}

struct amdvi_cmd amdvi_cmd_prefetch(uint16_t device_id, struct amdvi_span span, unsigned count, bool inval)
{
	return (struct amdvi_cmd){ .q = {
		opcode(CMD_PREFETCH_PAGES) | device_id | FLD(PF_COUNT, count),
		span.address | FLD(PF1_S, span.s) | FLD(PF1_INVAL, inval),
	} };
}

struct amdvi_cmd amdvi_cmd_complete_ppr(uint16_t device_id, bool has_pasid, uint32_t pasid, uint16_t tag,
					enum amdvi_ppr_code code)
{
	return (struct amdvi_cmd){ .q = {
		opcode(CMD_COMPLETE_PPR) | device_id | (has_pasid ? FLD(CP_PASID, pasid) : 0),
		FLD(CP1_GN, has_pasid) | FLD(CP1_TAG, tag) | FLD(CP1_CODE, code),
	} };
}

struct amdvi_cmd amdvi_cmd_all(void)
{
	return (struct amdvi_cmd){ .q = { opcode(CMD_INV_IOMMU_ALL), 0 } };
}
