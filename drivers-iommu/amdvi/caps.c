/*
 * The PCI capability, EFR and EFR2 decoded (AMD IOMMU 3.2, 3.4).
 */
#include "drivers-iommu/amdvi/caps.h"

#define PA_BITS_MIN 12u
#define PA_BITS_MAX 52u

/* A unit without CapExt has no MISC0, and neither limit is told. */
static unsigned pa_bits(uint32_t header, uint32_t misc0)
{
	uint64_t bits = header & CAPH_CAP_EXT ? fld_get(MISC0_PA_SIZE, misc0) : PA_BITS_MAX;

	return (unsigned)min_u64(max_u64(bits, PA_BITS_MIN), PA_BITS_MAX);
}

static unsigned smi_filters(uint64_t efr)
{
	return fld_get(EFR_SMIF_SUP, efr) == 1 ? (unsigned)pow2((unsigned)fld_get(EFR_SMIF_RC, efr)) : 0;
}

struct amdvi_caps amdvi_caps_decode(uint32_t header, uint32_t misc0, uint64_t efr, uint64_t efr2)
{
	unsigned hats = (unsigned)fld_get(EFR_HATS, efr), gats = (unsigned)fld_get(EFR_GATS, efr);
	bool gt = efr & EFR_GT_SUP;

	return (struct amdvi_caps){
		.header = header, .misc0 = misc0, .efr = efr, .efr2 = efr2,
		.iotlb = header & CAPH_IOTLB_SUP,
		.ht_tunnel = header & CAPH_HT_TUNNEL,
		.np_cache = header & CAPH_NP_CACHE,
		.efr_sup = header & CAPH_EFR_SUP,
		.cap_ext = header & CAPH_CAP_EXT,
		.pa_bits = pa_bits(header, misc0),
		.pref = efr & EFR_PREF_SUP,
		.ppr = efr & EFR_PPR_SUP,
		.xt = efr & EFR_XT_SUP,
		.nx = efr & EFR_NX_SUP,
		.gt = gt,
		.ia = efr & EFR_IA_SUP,
		.ga = efr & EFR_GA_SUP,
		.he = efr & EFR_HE_SUP,
		.pc = efr & EFR_PC_SUP,
		.us = efr & EFR_US_SUP,
		.ppr_early = efr & EFR_PPR_OVF_EARLY,
		.ppr_auto = efr & EFR_PPR_AUTO_RSP,
		.msi_mmio = efr & EFR_MSI_CAP_MMIO,
		.gio = efr & EFR_GIO_SUP,
		.ha = efr & EFR_HA_SUP,
		.eph = efr & EFR_EPH_SUP,
		.hd = efr & EFR_HD_SUP,
		.ga_update_dis = efr & EFR_GA_UPDATE_DIS,
		.levels_max = hats == HATS_NONE ? 0 : hats + 4,
		.guest_levels_max = gt && gats != 3 ? gats + 4 : 0,
		.glx_max = (unsigned)min_u64(fld_get(EFR_GLX_SUP, efr), 2),
		.pasid_bits = gt ? (unsigned)min_u64(fld_get(EFR_PAS_MAX, efr) + 1, 20) : 0,
		.segments_log2 = (unsigned)fld_get(EFR_DEVTAB_SEG_SUP, efr),
		.smi_filters_n = smi_filters(efr),
		.gam = fld_get(EFR_GAM_SUP, efr) == 1,
		.dual_event = efr & EFR_DUAL_EVENT_SUP,
		.dual_ppr = efr & EFR_DUAL_PPR_SUP,
		.gcr3_trp_mode = efr2 & EFR2_GCR3_TRP_MODE,
		.int_2k = fld_get(EFR2_NUM_INT_REMAP, efr2) == 1,
		.ht_range_ignore = efr2 & EFR2_HT_RANGE_IGN,
	};
}

unsigned amdvi_caps_features(const struct amdvi_caps *c, const char **names, unsigned max)
{
	const struct { bool there; const char *name; } all[] = {
		{ c->iotlb, "IotlbSup" }, { c->ht_tunnel, "HtTunnel" }, { c->np_cache, "NpCache" },
		{ c->efr_sup, "EFRSup" }, { c->cap_ext, "CapExt" }, { c->pref, "PreF" }, { c->ppr, "PPR" },
		{ c->xt, "XT" }, { c->nx, "NX" }, { c->gt, "GT" }, { c->ia, "IA" }, { c->ga, "GA" }, { c->he, "HE" },
		{ c->pc, "PC" }, { c->gam, "GAM" }, { c->dual_ppr, "DualPprLog" }, { c->dual_event, "DualEventLog" },
		{ c->us, "US" }, { c->segments_log2, "DevTblSeg" }, { c->ppr_early, "PprOvrflwEarly" },
		{ c->ppr_auto, "PPRAutoRsp" }, { c->msi_mmio, "MsiCapMmio" }, { c->gio, "GIo" }, { c->ha, "HA" },
		{ c->eph, "EPH" }, { c->hd, "HD" }, { c->ga_update_dis, "GAUpdateDis" },
		{ c->gcr3_trp_mode, "GCR3TRPMode" }, { c->int_2k, "NumIntRemap2K" },
		{ c->ht_range_ignore, "HtRangeIgnore" },
	};
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(all) && n < max; i++)
		if (all[i].there)
			names[n++] = all[i].name;
	return n;
}
