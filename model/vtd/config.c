/*
 * Configurations: units as they were and are made, and odd ones that the specification allows (VT-d rev 4.1, 11.4.2,
 * 11.4.3).
 */
#include "model/vtd/internal.h"

/* MGAW, NFR and FRO as the manual counts them: FRCD at 0x600, except where there are many records. */
#define CAP_BASE(mgaw, records, nd) \
	(FLD(CAP_MGAW, (mgaw) - 1) | FLD(CAP_NFR, (records) - 1) | FLD(CAP_ND, nd) | FLD(CAP_FRO, 0x60))
#define PSI(mamv)       (CAP_PSI | FLD(CAP_MAMV, mamv))
#define DRAIN           (CAP_DWD | CAP_DRD)
#define LARGE_PAGES     (CAP_SSLPS_2M | CAP_SSLPS_1G)
#define IRO             FLD(ECAP_IRO, 0x50) /* 0x500 */
#define QI_IR           (ECAP_QI | ECAP_IR | FLD(ECAP_MHMV, 15))

/* A desktop of 2010: no queue, no interrupt remapping, no large pages, one fault record. */
static const struct mdl_vtd_config unit2010 = {
	.name = "unit2010", .ver = 0x10, .haw = 36, .pmr_granule_bits = 21,
	.cap = CAP_BASE(39, 1, 2) | CAP_SAGAW_39 | CAP_PLMR | CAP_PHMR | CAP_RWBF | PSI(9),
	.ecap = IRO,
	.choices = { .u06_pmr_with_te = 1, .u23_reserved_first = 1, .u22_width_is_address = 1 },
};

/* A server of 2016: legacy mode, queue, interrupt remapping and posting, ATS, 48 bits. */
static const struct mdl_vtd_config unit2016 = {
	.name = "unit2016", .ver = 0x10, .haw = 46, .pmr_granule_bits = 20,
	.cap = CAP_BASE(48, 8, 6) | CAP_SAGAW_39 | CAP_SAGAW_48 | CAP_PLMR | CAP_PHMR | CAP_ZLR | LARGE_PAGES |
	       PSI(18) | DRAIN | CAP_PI,
	.ecap = IRO | QI_IR | ECAP_C | ECAP_DT | ECAP_EIM | ECAP_PT | ECAP_SC,
	.fault_collapse = true,
};

#define SCALABLE_CAP \
	(CAP_BASE(48, 8, 6) | CAP_SAGAW_39 | CAP_SAGAW_48 | CAP_ZLR | LARGE_PAGES | PSI(18) | DRAIN | CAP_FS1GP | \
	 CAP_PI)
#define SCALABLE_ECAP \
	(IRO | QI_IR | ECAP_C | ECAP_DT | ECAP_EIM | ECAP_PT | ECAP_SC | ECAP_SMTS | ECAP_SSTS | ECAP_FSTS | \
	 ECAP_SMPWCS | ECAP_RPS | ECAP_PASID | FLD(ECAP_PSS, 19))

/* A server of today: scalable mode, both stages, requests with PASID. */
static const struct mdl_vtd_config scalable = {
	.name = "scalable", .ver = 0x40, .haw = 46, .pmr_granule_bits = 20,
	.cap = SCALABLE_CAP | CAP_PLMR | CAP_PHMR | CAP_ESRTPS | CAP_ESIRTPS,
	.ecap = SCALABLE_ECAP,
	.choices = { .u23_reserved_first = 1 },
};

#define EVERYTHING_CAP \
	(SCALABLE_CAP | CAP_SAGAW_57 | CAP_PLMR | CAP_PHMR | CAP_FS5LP | CAP_ESRTPS | CAP_ESIRTPS)
#define EVERYTHING_ECAP \
	(SCALABLE_ECAP | ECAP_MTS | ECAP_NEST | ECAP_PRS | ECAP_ERS | ECAP_SRS | ECAP_NWFS | ECAP_EAFS | ECAP_DIT | \
	 ECAP_PDS | ECAP_VCS | ECAP_SSADS | ECAP_ADMS | ECAP_RPRIVS | ECAP_SMS)

/* All that the specification has: 52 bits of address, 57 of input. */
static const struct mdl_vtd_config everything = {
	.name = "everything", .ver = 0x40, .haw = 52, .pmr_granule_bits = 12,
	.cap = (EVERYTHING_CAP & ~CAP_MGAW) | FLD(CAP_MGAW, 56),
	.ecap = EVERYTHING_ECAP,
	.vccap = VCCAP_PAS, .mtrrcap = 10 | BIT(8) | BIT(10),
	.choices = { .u18_record = 1, .u23_reserved_first = 1 },
};

/* As an emulator shows it to a guest: not-present entries are cached. PASIDs of 16 bits. */
static const struct mdl_vtd_config caching = {
	.name = "caching", .ver = 0x40, .haw = 39, .pmr_granule_bits = 12,
	.cap = SCALABLE_CAP | CAP_CM,
	.ecap = (SCALABLE_ECAP & ~ECAP_PSS) | FLD(ECAP_PSS, 15) | ECAP_NEST | ECAP_SRS | ECAP_SSADS,
	.choices = { .u08_cap_rsvd = CAP_RSVD_IGNORED, .u20_programming = 1, .u21_qualified = 1, .u23_reserved_first = 1,
		     .u34_svt_reserved = 1, .u36_sre_stage1_only = 1 },
};

/* The same in legacy mode alone, 39 bits, small domain count. */
static const struct mdl_vtd_config caching_legacy = {
	.name = "caching-legacy", .ver = 0x10, .haw = 39, .pmr_granule_bits = 12,
	.cap = CAP_BASE(39, 1, 6) | CAP_SAGAW_39 | CAP_ZLR | LARGE_PAGES | PSI(18) | CAP_CM,
	.ecap = IRO | QI_IR | ECAP_C | ECAP_PT | ECAP_DT,
};

/*
 * No page-selective invalidation, 16 domains, tables not snooped, write buffer, input narrower than its tables: every
 * duty is the driver's.
 */
static const struct mdl_vtd_config strict = {
	.name = "strict", .ver = 0x10, .haw = 40, .pmr_granule_bits = 24,
	.cap = CAP_BASE(44, 2, 0) | CAP_SAGAW_48 | CAP_SSLPS_2M | CAP_RWBF | CAP_PLMR,
	.ecap = IRO | QI_IR | ECAP_PT,
	.choices = { .u05_qie_off_refused = 1, .u23_reserved_first = 1, .u29_empty_wait_error = 1,
		     .u32_data_checked = 1 },
	.handshake_polls = 3,
};

/* Five levels only, many fault records far from the other registers, no register-based invalidation. */
static const struct mdl_vtd_config wide = {
	.name = "wide", .ver = 0x60, .haw = 52, .pmr_granule_bits = 12,
	.cap = (SCALABLE_CAP & ~(CAP_SAGAW | CAP_MGAW | CAP_FRO | CAP_NFR)) | CAP_SAGAW_57 | FLD(CAP_MGAW, 56) |
	       FLD(CAP_FRO, 0x100) | FLD(CAP_NFR, 255) | CAP_FS5LP,
	.ecap = SCALABLE_ECAP & ~ECAP_RPS,
	.choices = { .u08_cap_rsvd = CAP_RSVD_INVALID, .u23_reserved_first = 1, .u30_width_is_type = 1 },
	.handshake_polls = 1,
};

/* Scalable mode with the second stage alone and the least of everything else. */
static const struct mdl_vtd_config second_only = {
	.name = "second-only", .ver = 0x30, .haw = 39, .pmr_granule_bits = 12,
	.cap = CAP_BASE(39, 1, 1) | CAP_SAGAW_39 | PSI(0) | DRAIN,
	.ecap = IRO | ECAP_QI | ECAP_SMTS | ECAP_SSTS,
	.choices = { .u10_did_unchecked = 1, .u13_rid_pasid_ignored = 1, .u23_reserved_first = 1 },
};

/* Keeps nothing: what fails here fails for another reason than a stale cache. */
static const struct mdl_vtd_config lazy = {
	.name = "lazy", .ver = 0x40, .haw = 46, .pmr_granule_bits = 20,
	.cap = EVERYTHING_CAP, .ecap = EVERYTHING_ECAP, .vccap = VCCAP_PAS, .mtrrcap = 10,
	.choices = { .u07_old_vcmd = 1, .u19_record = 1, .u24_no_u = 1, .u31_ppr_last_only = 1 },
	.lazy = true,
};

const struct mdl_vtd_config *const mdl_vtd_configs[] = {
	&unit2010, &unit2016, &scalable, &everything, &caching, &caching_legacy, &strict, &wide, &second_only, &lazy,
	NULL,
};

static bool same_name(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

const struct mdl_vtd_config *mdl_vtd_config_find(const char *name)
{
	for (unsigned i = 0; mdl_vtd_configs[i] != NULL; i++)
		if (same_name(mdl_vtd_configs[i]->name, name))
			return mdl_vtd_configs[i];
	return NULL;
}

/* needs: all of these where any of has is claimed. */
struct rule {
	uint64_t cap_has, ecap_has, cap_needs, ecap_needs;
	const char *why;
};

static const struct rule rules[] = {
	{ .ecap_has = ECAP_DT | ECAP_IR | ECAP_SMTS, .ecap_needs = ECAP_QI, .why = "DT, IR and SMTS need QI" },
	{ .ecap_has = ECAP_EIM, .ecap_needs = ECAP_IR, .why = "EIM needs IR" },
	{ .cap_has = CAP_PI, .ecap_needs = ECAP_IR, .why = "PI needs IR" },
	{ .ecap_has = ECAP_PRS, .ecap_needs = ECAP_DT, .why = "PRS needs DT" },
	{ .ecap_has = ECAP_SMTS, .cap_needs = CAP_DWD | CAP_DRD, .why = "SMTS needs DWD and DRD" },
	{ .ecap_has = ECAP_SSTS | ECAP_FSTS | ECAP_SMPWCS | ECAP_RPS, .ecap_needs = ECAP_SMTS,
	  .why = "SSTS, FSTS, SMPWCS and RPS need SMTS" },
	{ .ecap_has = ECAP_NEST, .ecap_needs = ECAP_SSTS | ECAP_FSTS, .why = "NEST needs SSTS and FSTS" },
	{ .ecap_has = ECAP_SSADS, .ecap_needs = ECAP_SSTS, .why = "SSADS needs SSTS" },
	{ .cap_has = CAP_FS1GP | CAP_FS5LP, .ecap_needs = ECAP_FSTS, .why = "FS1GP and FS5LP need FSTS" },
	{ .cap_has = CAP_SSLPS_1G, .cap_needs = CAP_SSLPS_2M, .why = "1-GiB pages imply 2-MiB pages" },
};

/* Registers that move (IVA, IOTLB, FRCD) must not lie over others. */
static bool registers_overlap(const struct mdl_vtd_config *c)
{
	uint64_t frcd = 16 * fld_get(CAP_FRO, c->cap), frcd_end = frcd + 16 * (fld_get(CAP_NFR, c->cap) + 1);
	uint64_t iva = 16 * fld_get(ECAP_IRO, c->ecap);
	bool frcd_in_fixed = (frcd < 0x220) && frcd_end > 0x0F0 && (c->ecap & ECAP_MTS) != 0;

	if (frcd < 0x0F0 || frcd_in_fixed || (iva < frcd_end && frcd < iva + 16) || iva < 0x0F0)
		return true;
	return (c->ecap & ECAP_VCS) != 0 && frcd < 0xE40 && frcd_end > 0xE00;
}

enum status mdl_vtd_config_check(const struct mdl_vtd_config *c, const char **why)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if (((c->cap & rules[i].cap_has) != 0 || (c->ecap & rules[i].ecap_has) != 0) &&
		    ((c->cap & rules[i].cap_needs) != rules[i].cap_needs ||
		     (c->ecap & rules[i].ecap_needs) != rules[i].ecap_needs))
			wrong = rules[i].why;
	if ((c->cap & CAP_RESERVED) != 0 || (c->ecap & ECAP_RESERVED) != 0 || fld_get(CAP_ND, c->cap) == 7 ||
	    (c->cap & (CAP_AFL | CAP_ECMDS)) != 0 || (c->ecap & ECAP_PMS) != 0)
		wrong = "a reserved bit is set, or something that the model leaves out (AFL, ECMDS, PMS)";
	if (c->haw < 32 || c->haw > 52)
		wrong = "HAW is not in 32..52";
	if (c->pmr_granule_bits < 12 || c->pmr_granule_bits > 31)
		wrong = "protected regions are multiples of 4 KiB to 2 GiB";
	if (registers_overlap(c))
		wrong = "FRCD or IVA lie over other registers";
	if (c->cache_entries != 0 && (c->cache_entries & (c->cache_entries - 1)) != 0)
		wrong = "cache_entries is no power of two";
	if (why != NULL)
		*why = wrong;
	return wrong == NULL ? OK : ERR_INVALID;
}
