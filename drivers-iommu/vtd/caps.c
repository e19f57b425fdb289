/*
 * Decoding of CAP and ECAP (VT-d 11.4.2, 11.4.3). Deprecated and reserved bits stay in the raw values only.
 */
#include "drivers-iommu/vtd/caps.h"

/* One-bit capabilities, in register order, as reports name them. */
static const struct {
	const char *name;
	uint64_t cap, ecap; /* exactly one is not 0 */
} features[] = {
	{ "AFL", CAP_AFL, 0 },       { "RWBF", CAP_RWBF, 0 },       { "PLMR", CAP_PLMR, 0 },
	{ "PHMR", CAP_PHMR, 0 },     { "CM", CAP_CM, 0 },           { "SAGAW39", CAP_SAGAW_39, 0 },
	{ "SAGAW48", CAP_SAGAW_48, 0 }, { "SAGAW57", CAP_SAGAW_57, 0 }, { "ZLR", CAP_ZLR, 0 },
	{ "SSLPS2M", CAP_SSLPS_2M, 0 }, { "SSLPS1G", CAP_SSLPS_1G, 0 }, { "PSI", CAP_PSI, 0 },
	{ "DWD", CAP_DWD, 0 },       { "DRD", CAP_DRD, 0 },         { "FS1GP", CAP_FS1GP, 0 },
	{ "PI", CAP_PI, 0 },         { "FS5LP", CAP_FS5LP, 0 },     { "ECMDS", CAP_ECMDS, 0 },
	{ "ESIRTPS", CAP_ESIRTPS, 0 }, { "ESRTPS", CAP_ESRTPS, 0 },
	{ "C", 0, ECAP_C },          { "QI", 0, ECAP_QI },          { "DT", 0, ECAP_DT },
	{ "IR", 0, ECAP_IR },        { "EIM", 0, ECAP_EIM },        { "PT", 0, ECAP_PT },
	{ "SC", 0, ECAP_SC },        { "MTS", 0, ECAP_MTS },        { "NEST", 0, ECAP_NEST },
	{ "PRS", 0, ECAP_PRS },      { "ERS", 0, ECAP_ERS },        { "SRS", 0, ECAP_SRS },
	{ "NWFS", 0, ECAP_NWFS },    { "EAFS", 0, ECAP_EAFS },      { "PASID", 0, ECAP_PASID },
	{ "DIT", 0, ECAP_DIT },      { "PDS", 0, ECAP_PDS },        { "SMTS", 0, ECAP_SMTS },
	{ "VCS", 0, ECAP_VCS },      { "SSADS", 0, ECAP_SSADS },    { "SSTS", 0, ECAP_SSTS },
	{ "FSTS", 0, ECAP_FSTS },    { "SMPWCS", 0, ECAP_SMPWCS },  { "RPS", 0, ECAP_RPS },
	{ "PMS", 0, ECAP_PMS },      { "ADMS", 0, ECAP_ADMS },      { "RPRIVS", 0, ECAP_RPRIVS },
	{ "SMS", 0, ECAP_SMS },
};

static void decode_cap(struct vtd_caps *c)
{
	uint64_t cap = c->cap;

	c->did_bits = (unsigned)min_u64(4 + 2 * fld_get(CAP_ND, cap), 16); /* ND = 7 is reserved */
	c->domains_n = (uint32_t)pow2(c->did_bits);
	c->sagaw = (unsigned)fld_get(CAP_SAGAW, cap);
	c->mgaw_bits = (unsigned)fld_get(CAP_MGAW, cap) + 1;
	c->fro_bytes = 16 * (uint32_t)fld_get(CAP_FRO, cap);
	c->fault_records_n = (unsigned)fld_get(CAP_NFR, cap) + 1;
	c->mamv = (unsigned)fld_get(CAP_MAMV, cap);
	c->afl = cap & CAP_AFL;
	c->rwbf = cap & CAP_RWBF;
	c->plmr = cap & CAP_PLMR;
	c->phmr = cap & CAP_PHMR;
	c->cm = cap & CAP_CM;
	c->zlr = cap & CAP_ZLR;
	c->ss_2m = cap & CAP_SSLPS_2M;
	c->ss_1g = cap & CAP_SSLPS_1G;
	c->psi = cap & CAP_PSI;
	c->dwd = cap & CAP_DWD;
	c->drd = cap & CAP_DRD;
	c->fs1gp = cap & CAP_FS1GP;
	c->pi = cap & CAP_PI;
	c->fs5lp = cap & CAP_FS5LP;
	c->ecmds = cap & CAP_ECMDS;
	c->esirtps = cap & CAP_ESIRTPS;
	c->esrtps = cap & CAP_ESRTPS;
}

static void decode_ecap(struct vtd_caps *c)
{
	uint64_t ecap = c->ecap;

	c->iro_bytes = 16 * (uint32_t)fld_get(ECAP_IRO, ecap);
	c->mhmv = (unsigned)fld_get(ECAP_MHMV, ecap);
	c->pasid_bits = ecap & ECAP_PASID ? (unsigned)min_u64(fld_get(ECAP_PSS, ecap) + 1, 20) : 0;
	c->c = ecap & ECAP_C;
	c->qi = ecap & ECAP_QI;
	c->dt = ecap & ECAP_DT;
	c->ir = ecap & ECAP_IR;
	c->eim = ecap & ECAP_EIM;
	c->pt = ecap & ECAP_PT;
	c->sc = ecap & ECAP_SC;
	c->mts = ecap & ECAP_MTS;
	c->nest = ecap & ECAP_NEST;
	c->prs = ecap & ECAP_PRS;
	c->ers = ecap & ECAP_ERS;
	c->srs = ecap & ECAP_SRS;
	c->nwfs = ecap & ECAP_NWFS;
	c->eafs = ecap & ECAP_EAFS;
	c->pasid = ecap & ECAP_PASID;
	c->dit = ecap & ECAP_DIT;
	c->pds = ecap & ECAP_PDS;
	c->smts = ecap & ECAP_SMTS;
	c->vcs = ecap & ECAP_VCS;
	c->ssads = ecap & ECAP_SSADS;
	c->ssts = ecap & ECAP_SSTS;
	c->fsts = ecap & ECAP_FSTS;
	c->smpwcs = ecap & ECAP_SMPWCS;
	c->rps = ecap & ECAP_RPS;
	c->pms = ecap & ECAP_PMS;
	c->adms = ecap & ECAP_ADMS;
	c->rprivs = ecap & ECAP_RPRIVS;
	c->sms = ecap & ECAP_SMS;
}

bool vtd_caps_levels(const struct vtd_caps *c, unsigned levels)
{
	return levels >= 3 && levels <= 5 && (c->sagaw & pow2(levels - 2));
}

struct vtd_caps vtd_caps_decode(uint32_t ver, uint64_t cap, uint64_t ecap)
{
	struct vtd_caps c = { .ver = ver, .cap = cap, .ecap = ecap };

	c.major = (unsigned)fld_get(VER_MAJOR, ver);
	c.minor = (unsigned)fld_get(VER_MINOR, ver);
	c.rbi = c.major < 6;
	decode_cap(&c);
	decode_ecap(&c);
	for (unsigned levels = 3; levels <= 5; levels++)
		if (vtd_caps_levels(&c, levels))
			c.levels_max = levels;
	return c;
}

unsigned vtd_caps_features(const struct vtd_caps *c, const char **names, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(features) && n < max; i++)
		if ((c->cap & features[i].cap) || (c->ecap & features[i].ecap))
			names[n++] = features[i].name;
	return n;
}
