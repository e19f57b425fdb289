/*
 * Virtual command interface: PASIDs from the hypervisor (VT-d rev 4.1, 11.4.45 and on). Commands end at once.
 */
#include "model/vtd/internal.h"

enum { VCMD_ALLOCATE = 1, VCMD_FREE = 2 };

#define SC_NEW_ERROR 16u
#define SC_OLD_ERROR 1u

/* The layout changed in 2021 (U-07). */
static void answer(struct mdl_vtd *u, unsigned status, uint64_t result)
{
	bool old = u->st.cfg->choices.u07_old_vcmd;

	u->st.r[R_VCRSP] = old ? FLD(BITS(2, 1), status) | shl(result, 8) :
				 FLD(BITS(7, 1), status) | shl(result, 16);
}

static uint64_t pasids(const struct mdl_vtd *u)
{
	return pow2((unsigned)min_u64(16, fld_get(ECAP_PSS, u->st.cfg->ecap) + 1));
}

static bool used(const struct mdl_vtd *u, uint64_t pasid)
{
	return (u->pasids_used[pasid / 64] & pow2((unsigned)(pasid % 64))) != 0;
}

void mdl_vcmd_run(struct mdl_vtd *u)
{
	bool old = u->st.cfg->choices.u07_old_vcmd;
	uint64_t cmd = fld_get(VCMD_CMD, u->st.r[R_VCMD]);
	uint64_t operand = fld_get(old ? BITS(27, 8) : BITS(35, 16), u->st.r[R_VCMD]);
	unsigned error = old ? SC_OLD_ERROR : SC_NEW_ERROR;
	uint64_t pasid = 1; /* 0 is never given out */

	if ((u->st.cfg->vccap & VCCAP_PAS) == 0 || (cmd != VCMD_ALLOCATE && cmd != VCMD_FREE)) {
		answer(u, error, 0);
		return;
	}
	if (cmd == VCMD_FREE) {
		bool known = operand < pasids(u) && used(u, operand);

		if (known)
			u->pasids_used[operand / 64] &= ~pow2((unsigned)(operand % 64));
		answer(u, known ? 0 : error, 0);
		return;
	}
	/* Whole words at a time: somebody may want them all. */
	while (pasid < pasids(u) && used(u, pasid))
		pasid += u->pasids_used[pasid / 64] == UINT64_MAX ? 64 - pasid % 64 : 1;
	if (pasid == pasids(u)) {
		answer(u, error, 0);
		return;
	}
	u->pasids_used[pasid / 64] |= pow2((unsigned)(pasid % 64));
	answer(u, 0, pasid);
}
