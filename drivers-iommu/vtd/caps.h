/*
 * What a unit offers: CAP and ECAP decoded (VT-d 11.4.2, 11.4.3).
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_VTD_CAPS_H
#define PORTCULLIS_DRIVERS_IOMMU_VTD_CAPS_H

#include "drivers-iommu/vtd/regs.h"

struct vtd_caps {
	uint32_t ver;
	uint64_t cap, ecap;         /* as read */
	unsigned major, minor;

	/* CAP */
	unsigned did_bits;          /* width of a domain id: 4 + 2 * ND */
	uint32_t domains_n;         /* 2^did_bits */
	unsigned sagaw;             /* bit n: (n + 2)-level walks, so 1, 2, 3 = 39, 48, 57 bits */
	unsigned mgaw_bits;         /* CAP.MGAW + 1 */
	uint32_t fro_bytes;         /* offset of fault record 0 */
	unsigned fault_records_n;   /* CAP.NFR + 1 */
	unsigned mamv;
	bool afl, rwbf, plmr, phmr, cm, zlr;
	bool ss_2m, ss_1g;          /* SSLPS */
	bool psi, dwd, drd, fs1gp, pi, fs5lp, ecmds, esirtps, esrtps;

	/* ECAP */
	uint32_t iro_bytes;         /* offset of IVA; IOTLB lies 8 bytes on */
	unsigned mhmv;
	unsigned pasid_bits;        /* PSS + 1; 0 where requests with PASID are not supported */
	bool c, qi, dt, ir, eim, pt, sc, mts, nest, prs, ers, srs, nwfs, eafs, pasid, dit, pds, smts, vcs, ssads, ssts,
	     fsts, smpwcs, rps, pms, adms, rprivs, sms;

	bool rbi;                   /* register-based invalidation exists: major below 6 (VT-d 11.4.1) */
	unsigned levels_max;        /* deepest second-stage walk in SAGAW: 3, 4, 5; 0 where there is none */
};

/* Decodes the three values; pure. */
struct vtd_caps vtd_caps_decode(uint32_t ver, uint64_t cap, uint64_t ecap);

/* Names of the one-bit capabilities that are 1, in register order ("CM", "QI", ...). Returns how many were stored. */
unsigned vtd_caps_features(const struct vtd_caps *c, const char **names, unsigned max);

/* True where second-stage walks of that many levels (3, 4, 5) are in SAGAW. */
bool vtd_caps_levels(const struct vtd_caps *c, unsigned levels);

#endif
