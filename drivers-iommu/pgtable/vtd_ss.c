/*
 * VT-d second-stage paging (VT-d 3.7, 9.8), used by legacy mode and by PGTT 010 and 011.
 *
 * Presence is R or W. X needs execute support, SNP, EMT and IPAT their capabilities: they stay 0. A and D stay 0, too,
 * since SSADE does.
 */
#include "drivers-iommu/pgtable/internal.h"
#include "drivers-iommu/vtd/entry.h"

_Static_assert(PERM_R == SS_R && PERM_W == SS_W, "permissions are the entry's own bits");

static uint64_t ss_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm)
{
	(void)bits;
	return pa.v | perm | (level > 1 ? SS_PS : 0);
}

static uint64_t ss_table(unsigned level, pa_t next)
{
	(void)level;
	return next.v | SS_R | SS_W;
}

static struct pgt_entry ss_decode(unsigned level, uint64_t raw)
{
	struct pgt_entry e = { .perm = (unsigned)(raw & (SS_R | SS_W)), .pa = PA(raw & SS_ADDR) };

	if (!e.perm)
		return e;
	if (level > 1 && !(raw & SS_PS)) {
		e.kind = PGT_TABLE;
		e.next_level = level - 1;
		return e;
	}
	e.kind = PGT_LEAF;
	e.bits = level_shift(level);
	return e;
}

const struct pgt_format pgt_vtd_ss = {
	.name = "VT-d second stage",
	.levels_min = 3,
	.levels_max = 5,
	.write_only = true,
	.leaf = ss_leaf,
	.table = ss_table,
	.decode = ss_decode,
};
