/*
 * Protected memory regions (VT-d rev 4.1, 11.4.9): one low, one high.
 *
 * The low bits of base registers are hardwired to 0, those of limits count as ones; software finds how many by writing
 * all ones. A block leaves no record.
 */
#include "model/vtd/internal.h"

uint64_t mdl_pmr_mask(const struct mdl_vtd_config *c, enum mdl_reg r)
{
	bool low = r == R_PLMBASE || r == R_PLMLIMIT;
	unsigned top = low ? 31 : c->haw - 1u;

	return (pow2(top + 1) - 1) & ~(pow2(c->pmr_granule_bits) - 1);
}

static bool contains(const struct mdl_vtd_state *st, enum mdl_reg base, uint64_t address)
{
	uint64_t b = st->r[base];
	uint64_t l = st->r[base + 1] | (pow2(st->cfg->pmr_granule_bits) - 1);

	/* base > limit closes nothing; base = limit is one granule. */
	return b <= st->r[base + 1] && address >= b && address <= l;
}

/* A request never crosses a page, nor a region's edge therefore: its first byte decides. */
bool mdl_pmr_blocks(const struct mdl_vtd_state *st, uint64_t address)
{
	if ((st->r[R_PMEN] & PMEN_PRS) == 0)
		return false;
	if (mdl_cap(st, CAP_PLMR) && contains(st, R_PLMBASE, address))
		return true;
	return mdl_cap(st, CAP_PHMR) && contains(st, R_PHMBASE, address);
}
