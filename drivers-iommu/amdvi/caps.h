/*
 * What a unit offers: its PCI capability, EFR and EFR2 decoded (AMD IOMMU 3.2, 3.4).
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_AMDVI_CAPS_H
#define PORTCULLIS_DRIVERS_IOMMU_AMDVI_CAPS_H

#include "drivers-iommu/amdvi/regs.h"

struct amdvi_caps {
	uint32_t header, misc0;     /* of the PCI capability, as read */
	uint64_t efr, efr2;         /* as read; 0 where the unit has none */

	/* PCI capability */
	bool iotlb, ht_tunnel, np_cache, efr_sup, cap_ext;
	unsigned pa_bits;           /* MISC0.PAsize, 12..52 */

	/* EFR */
	bool pref, ppr, xt, nx, gt, ia, ga, he, pc, us, ppr_early, ppr_auto, msi_mmio, gio, ha, eph, hd, ga_update_dis;
	unsigned levels_max;        /* deepest host table: 4, 5, 6; 0 where there is no host translation */
	unsigned guest_levels_max;  /* deepest guest table: 4, 5, 6; 0 without GT */
	unsigned glx_max;           /* largest DTE.GLX; meaningless without GT */
	unsigned pasid_bits;        /* 0 without GT */
	unsigned segments_log2;     /* DevTblSegSup: up to 2^n device table segments */
	unsigned smi_filters_n;
	bool gam, dual_event, dual_ppr;

	/* EFR2 */
	bool gcr3_trp_mode, int_2k, ht_range_ignore;
};

/* Decodes the values; pure. */
struct amdvi_caps amdvi_caps_decode(uint32_t header, uint32_t misc0, uint64_t efr, uint64_t efr2);

/* Names of the one-bit features that are 1, in register order ("PPR", "XT", ...). Returns how many were stored. */
unsigned amdvi_caps_features(const struct amdvi_caps *c, const char **names, unsigned max);

#endif
