/*
 * Configurations: units as they were and are made, and odd ones that the specification allows (AMD IOMMU 3.2, 3.4.6).
 */
#include "model/amdvi/internal.h"

#define LEVELS(h, g, glx) (FLD(EFR_HATS, h) | FLD(EFR_GATS, g) | FLD(EFR_GLX, glx))

/* An early part: no feature register, so host tables of four levels, 32-bit interrupt entries and the plain commands. */
static const struct mdl_amd_config small = {
	.name = "amd-small", .header = 0, .pa_bits = 40, .va_bits = 64,
};

/* A server of 2015: guest tables of four levels, page requests, prefetching, no guest interrupts. */
static const struct mdl_amd_config unit2015 = {
	.name = "amd-2015", .header = CAPH_IOTLB | CAPH_EFR, .pa_bits = 48, .va_bits = 64,
	.efr = EFR_PREF | EFR_PPR | EFR_NX | EFR_GT | EFR_IA | EFR_PC | LEVELS(HATS_6, 0, 1) | FLD(EFR_PASMAX, 15) |
	       FLD(EFR_SMIF, 1) | FLD(EFR_SMIFRC, 1),
	.choices = { .u32_page_fault = 1, .u45_last_kept = 1 },
};

#define EVERYTHING \
	(EFR_PREF | EFR_PPR | EFR_XT | EFR_NX | EFR_GT | EFR_GAPPI | EFR_IA | EFR_GA | EFR_HE | EFR_PC | \
	 LEVELS(HATS_6, 1, 2) | FLD(EFR_SMIF, 1) | FLD(EFR_SMIFRC, 4) | FLD(EFR_GAM, 1) | FLD(EFR_DUAL_PPR, 2) | \
	 FLD(EFR_DUAL_EVT, 2) | FLD(EFR_PASMAX, 19) | EFR_US | FLD(EFR_SEGMENTS, 3) | EFR_PPR_EARLY | EFR_PPR_AUTO | \
	 EFR_BLOCK_STOP | EFR_PERF_OPT | EFR_MSI_MMIO | EFR_GIO | EFR_HA | EFR_EPH | EFR_ATTR_FW | EFR_HD | \
	 EFR_GD_DISABLE | EFR_INV_TYPE | EFR_GA_DISABLE)

/* All that the model has. */
static const struct mdl_amd_config everything = {
	.name = "amd-everything", .header = CAPH_IOTLB | CAPH_EFR | CAPH_EXT, .pa_bits = 52, .va_bits = 64,
	.efr = EVERYTHING, .efr2 = EFR2_GCR3_GPA | FLD(EFR2_INT_2K, 1) | EFR2_HT_IGNORE,
};

/* As an emulator shows it to a guest: not-present entries are cached. */
static const struct mdl_amd_config caching = {
	.name = "amd-caching", .header = CAPH_IOTLB | CAPH_NP_CACHE | CAPH_EFR | CAPH_EXT, .pa_bits = 48, .va_bits = 64,
	.efr = EFR_PREF | EFR_IA | EFR_GA | EFR_XT | EFR_HE | LEVELS(HATS_6, 0, 0),
	.choices = { .u13_length_zero = 1, .u33_silent = 1, .u44_head_after = 1 },
};

/* Nothing is dropped before a COMPLETION_WAIT: every duty is the driver's. */
static const struct mdl_amd_config strict = {
	.name = "amd-strict", .header = CAPH_IOTLB | CAPH_EFR | CAPH_EXT, .pa_bits = 44, .va_bits = 64,
	.efr = EFR_NX | EFR_GT | EFR_IA | EFR_GA | EFR_GIO | EFR_HA | EFR_HD | LEVELS(HATS_5, 1, 0) | FLD(EFR_PASMAX, 8) |
	       FLD(EFR_SEGMENTS, 1),
	.choices = { .u19_pasid_aborted = 1, .u34_present = 1, .u37_host_fault_gpa = 1 },
	.defer = true,
};

/* No host tables at all (HATDis): guest translation alone. */
static const struct mdl_amd_config guest_only = {
	.name = "amd-guest-only", .header = CAPH_IOTLB | CAPH_EFR | CAPH_EXT, .pa_bits = 52, .va_bits = 64,
	.efr = EFR_PPR | EFR_XT | EFR_NX | EFR_GT | EFR_IA | EFR_GA | EFR_GIO | LEVELS(HATS_NONE, 1, 1) |
	       FLD(EFR_PASMAX, 17) | EFR_PPR_AUTO | EFR_GA_DISABLE,
	.efr2 = EFR2_HT_IGNORE,
};

/* The other answer to each question that the specification leaves open. */
static const struct mdl_amd_config odd = {
	.name = "amd-odd", .header = CAPH_IOTLB | CAPH_EFR | CAPH_EXT, .pa_bits = 48, .va_bits = 64,
	.efr = EVERYTHING & ~EFR_PC, .efr2 = EFR2_GCR3_GPA,
	.choices = { .u11_hev_high = 1, .u13_length_zero = 1, .u19_pasid_aborted = 1, .u23_pasid_low_first = 1,
		     .u29_rw_always = 1, .u32_page_fault = 1, .u33_silent = 1, .u34_present = 1, .u34_skip_absent = 1,
		     .u36_default_legal = 1, .u37_host_fault_gpa = 1, .u38_identity = 1, .u39_blocked_event = 1,
		     .u41_whole_domain = 1, .u42_drops_domain = 1, .u44_timeout_stops = 1, .u44_head_after = 1,
		     .u45_last_kept = 1 },
};

/* Keeps nothing: what fails here fails for another reason than a stale cache. */
static const struct mdl_amd_config lazy = {
	.name = "amd-lazy", .header = CAPH_IOTLB | CAPH_EFR | CAPH_EXT, .pa_bits = 52, .va_bits = 64,
	.efr = EVERYTHING, .efr2 = EFR2_GCR3_GPA,
	.lazy = true,
};

const struct mdl_amd_config *const mdl_amd_configs[] = {
	&small, &unit2015, &everything, &caching, &strict, &guest_only, &odd, &lazy, NULL,
};

static bool same_name(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

const struct mdl_amd_config *mdl_amd_config_find(const char *name)
{
	for (unsigned i = 0; mdl_amd_configs[i] != NULL; i++)
		if (same_name(mdl_amd_configs[i]->name, name))
			return mdl_amd_configs[i];
	return NULL;
}

/* needs: all of these where any of has is claimed. */
static const struct { uint64_t has, needs; const char *why; } rules[] = {
	{ EFR_XT | EFR_GAM, EFR_GA, "XTSup and GAMSup need GASup" },
	{ EFR_GIO | EFR_GATS | EFR_GLX | EFR_PASMAX, EFR_GT, "GIoSup, GATS, GLXSup and PASMax need GTSup" },
	{ EFR_EPH | EFR_PPR_EARLY | EFR_PPR_AUTO | EFR_DUAL_PPR, EFR_PPR, "what PPR adds needs PPRSup" },
	{ EFR_HD, EFR_HA, "HDSup needs HASup" },
};

enum status mdl_amd_config_check(const struct mdl_amd_config *c, const char **why)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if ((c->efr & rules[i].has) != 0 && (c->efr & rules[i].needs) != rules[i].needs)
			wrong = rules[i].why;
	if ((c->efr & (EFR_RESERVED | EFR_MARC | EFR_VIOMMU | EFR_SNP)) != 0)
		wrong = "a reserved bit is set, or something that the model leaves out (MARC, vIOMMU, SNP)";
	if (fld_get(EFR_GATS, c->efr) > 1 || fld_get(EFR_GLX, c->efr) > 2 || fld_get(EFR_PASMAX, c->efr) > 19)
		wrong = "guest tables have 4 or 5 levels, GCR3 tables 1 to 3, PASIDs up to 20 bits";
	if (c->efr != 0 && (c->header & CAPH_EFR) == 0)
		wrong = "features need EFRSup";
	if ((c->efr & EFR_PPR) != 0 && (c->header & CAPH_IOTLB) == 0)
		wrong = "PPRSup needs IotlbSup";
	if (c->cache_entries != 0 && (c->cache_entries & (c->cache_entries - 1)) != 0)
		wrong = "cache_entries is no power of two";
	if (why != NULL)
		*why = wrong;
	return wrong == NULL ? OK : ERR_INVALID;
}
