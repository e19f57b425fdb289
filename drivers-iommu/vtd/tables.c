/*
 * Table entries built and published (VT-d chapter 9).
 */
#include "drivers-iommu/vtd/tables.h"

vtd_root_t vtd_root(pa_t context_table)
{
	return (vtd_root_t){ .w = { ROOT_P | (context_table.v & ROOT_CTP) } };
}

vtd_ctx_t vtd_ctx(enum vtd_tt tt, pa_t page_table, unsigned levels, uint16_t did)
{
	return (vtd_ctx_t){ .w = {
		CTX_P | FLD(CTX_TT, tt) | (page_table.v & CTX_SSPTPTR),
		FLD(CTX1_AW, VTD_AW(levels)) | FLD(CTX1_DID, did),
	} };
}

uint64_t vtd_sm_root_half(pa_t context_table)
{
	return SM_ROOT_P | (context_table.v & SM_ROOT_CTP);
}

vtd_sm_ctx_t vtd_sm_ctx(pa_t pasid_directory, unsigned pdts, uint32_t rid_pasid, bool pasid_enable)
{
	return (vtd_sm_ctx_t){ .w = {
		SM_CTX_P | FLD(SM_CTX_PASIDE, pasid_enable) | FLD(SM_CTX_PDTS, pdts) |
			(pasid_directory.v & SM_CTX_PASIDDIRPTR),
		FLD(SM_CTX1_RID_PASID, rid_pasid),
	} };
}

vtd_pasid_dir_t vtd_pasid_dir(pa_t pasid_table)
{
	return (vtd_pasid_dir_t){ .w = { PDE_P | (pasid_table.v & PDE_SMPTBLPTR) } };
}

vtd_pasid_t vtd_pasid_ss(pa_t page_table, unsigned levels, uint16_t did, bool snoop)
{
	return (vtd_pasid_t){ .w = {
		PASID_P | FLD(PASID_AW, VTD_AW(levels)) | FLD(PASID_PGTT, PGTT_SS) | (page_table.v & PASID_SSPTPTR),
		FLD(PASID1_DID, did) | FLD(PASID1_PWSNP, snoop),
	} };
}

vtd_pasid_t vtd_pasid_fs(pa_t page_table, unsigned levels, uint16_t did, bool snoop)
{
	/* AW does not count here (VT-d 9.6), but an emulator takes the input limit from it. */
	return (vtd_pasid_t){ .w = {
		PASID_P | FLD(PASID_AW, VTD_AW(levels)) | FLD(PASID_PGTT, PGTT_FS),
		FLD(PASID1_DID, did) | FLD(PASID1_PWSNP, snoop),
		FLD(PASID2_FSPM, levels - 4) | (page_table.v & PASID2_FSPTPTR),
	} };
}

vtd_pasid_t vtd_pasid_nested(iova_t fs_table, pa_t ss_table, unsigned ss_levels, uint16_t did, bool snoop)
{
	return (vtd_pasid_t){ .w = {
		PASID_P | FLD(PASID_AW, VTD_AW(ss_levels)) | FLD(PASID_PGTT, PGTT_NESTED) | (ss_table.v & PASID_SSPTPTR),
		FLD(PASID1_DID, did) | FLD(PASID1_PWSNP, snoop),
		fs_table.v & PASID2_FSPTPTR, /* of four levels: FSPM 0 */
	} };
}

vtd_pasid_t vtd_pasid_passthrough(unsigned levels, uint16_t did)
{
	return (vtd_pasid_t){ .w = {
		PASID_P | FLD(PASID_AW, VTD_AW(levels)) | FLD(PASID_PGTT, PGTT_PASSTHROUGH),
		FLD(PASID1_DID, did),
	} };
}

vtd_irte_t vtd_irte(uint8_t vector, uint32_t dest, bool eime, uint16_t sid)
{
	return (vtd_irte_t){ .w = {
		IRTE_P | FLD(IRTE_DLM, DLM_FIXED) | FLD(IRTE_VECTOR, vector) |
			(eime ? FLD(IRTE_DST, dest) : FLD(IRTE_DST_XAPIC, dest)),
		FLD(IRTE1_SID, sid) | FLD(IRTE1_SVT, SVT_SID),
	} };
}

static void write_back(const struct vtd_unit *u, const void *entry, unsigned words)
{
	if (!u->caps.c)
		cache_write_back(entry, words * sizeof(uint64_t));
}

void vtd_publish(const struct vtd_unit *u, uint64_t *entry, const uint64_t *value, unsigned words)
{
	for (unsigned i = words - 1; i > 0; i--)
		__atomic_store_n(entry + i, value[i], __ATOMIC_RELAXED);
	__atomic_store_n(entry, value[0], __ATOMIC_RELEASE); /* P is in word 0 of every entry */
	write_back(u, entry, words);
}

void vtd_retire(const struct vtd_unit *u, uint64_t *entry)
{
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	write_back(u, entry, 1);
}
