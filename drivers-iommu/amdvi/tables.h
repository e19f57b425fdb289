/*
 * Values of table entries (AMD IOMMU 2.2).
 *
 * Builders give legal values for legal arguments and are the only place where fields meet; table tests take such a
 * value and change the bits that they are about. How a value gets into a device table that the unit may be reading is
 * in devtab.h.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_TABLES_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_TABLES_H

#include "drivers-iommu/amdvi/entry.h"

/*
 * Host translation by a table of mode levels (1..6), or with mode 0 none: the address counts as it is. perm: PERM_R,
 * PERM_W of iommu.h; 0 refuses everything. Interrupts pass (IV = 0).
 */
amdvi_dte_t amdvi_dte_host(pa_t root, unsigned mode, uint16_t domain_id, unsigned perm);
/*
 * Guest translation: a GCR3 table of glx + 1 levels, guest tables of guest_levels (4, 5). Requests without PASID use
 * PASID 0 (GIoV). Not nested.
 */
amdvi_dte_t amdvi_dte_guest(pa_t gcr3, unsigned glx, unsigned guest_levels, uint16_t domain_id);
/* The same entry with fixed and arbitrated interrupts aborted, forwarded, or remapped by 2^log2_n entries. */
amdvi_dte_t amdvi_dte_int_ctl(amdvi_dte_t d, enum amdvi_int_ctl ctl);
amdvi_dte_t amdvi_dte_int_table(amdvi_dte_t d, pa_t table, unsigned log2_n);
/* The same entry with what the IVRS asks for: the setting byte of a device entry (AMD IOMMU 5.2.2). */
amdvi_dte_t amdvi_dte_setting(amdvi_dte_t d, uint8_t setting);

/* The GCR3 table root in its three pieces. */
amdvi_dte_t amdvi_dte_gcr3(amdvi_dte_t d, pa_t gcr3);

amdvi_gcr3_t amdvi_gcr3(pa_t table);

/* One fixed interrupt; logical: destination mode 1. Of dest, the 128-bit form takes 32 bits where xt, else 8. */
amdvi_irte32_t amdvi_irte32(uint8_t vector, uint8_t dest, bool logical);
amdvi_irte128_t amdvi_irte128(uint8_t vector, uint32_t dest, bool logical, bool xt);

#endif
