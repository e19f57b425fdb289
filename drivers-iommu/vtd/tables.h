/*
 * Values of table entries, and how they get into memory that the unit may be reading (VT-d chapter 9, 6.5.3.3).
 *
 * Builders give legal values for legal arguments and are the only place where fields meet; table tests take such a
 * value and change the bits that they are about.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_TABLES_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_TABLES_H

#include "drivers-iommu/vtd/entry.h"
#include "drivers-iommu/vtd/unit.h"

vtd_root_t vtd_root(pa_t context_table);

/* levels: 3, 4, 5. */
vtd_ctx_t vtd_ctx(enum vtd_tt tt, pa_t page_table, unsigned levels, uint16_t did);

/* One half of a scalable root entry. */
uint64_t vtd_sm_root_half(pa_t context_table);

/* A directory of 2^(pdts + 7) entries, pdts 0..7. pasid_enable: requests with PASID are allowed. */
vtd_sm_ctx_t vtd_sm_ctx(pa_t pasid_directory, unsigned pdts, uint32_t rid_pasid, bool pasid_enable);

vtd_pasid_dir_t vtd_pasid_dir(pa_t pasid_table);

/* snoop: PWSNP, page walks through this entry snoop the caches (needs ECAP.SMPWCS). levels of first stage: 4, 5. */
vtd_pasid_t vtd_pasid_ss(pa_t page_table, unsigned levels, uint16_t did, bool snoop);
vtd_pasid_t vtd_pasid_fs(pa_t page_table, unsigned levels, uint16_t did, bool snoop);
/* levels: the deepest of the unit. */
/* Both: fs_table is an address that the second stage translates. */
vtd_pasid_t vtd_pasid_nested(iova_t fs_table, pa_t ss_table, unsigned ss_levels, uint16_t did, bool snoop);
vtd_pasid_t vtd_pasid_passthrough(unsigned levels, uint16_t did);

/* One edge-triggered, physical, fixed interrupt for requester sid only. eime: 32-bit destination, else 8-bit. */
vtd_irte_t vtd_irte(uint8_t vector, uint32_t dest, bool eime, uint16_t sid);

/*
 * Makes an entry of words quadwords present: the upper words first, then the one that holds P, then written back where
 * the unit does not snoop (ECAP.C = 0). The entry was not present before.
 */
void vtd_publish(const struct vtd_unit *u, uint64_t *entry, const uint64_t *value, unsigned words);
/* Makes an entry not present; the rest of it stays what it is. Invalidate, then reuse. */
void vtd_retire(const struct vtd_unit *u, uint64_t *entry);

/* vtd_publish_entry(u, vtd_ctx_t *slot, vtd_ctx_t value): the same, typed; slot and value must be of one type. */
#define vtd_publish_entry(u, slot, value) \
	((void)sizeof(1 ? *(slot) : (value)), vtd_publish((u), (slot)->w, (value).w, ARRAY_LEN((slot)->w)))
#define vtd_retire_entry(u, slot) vtd_retire((u), (slot)->w)

#endif
