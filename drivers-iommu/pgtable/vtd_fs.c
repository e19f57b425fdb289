/*
 * VT-d first-stage paging (VT-d 3.6, 9.7): the format of x86-64.
 *
 * Requests without PASID are user requests, so U/S is 1 everywhere. A and D are preset: a unit that does not snoop its
 * walks must never need to update them (reason 90h). XD, G and the memory type bits stay 0. There is no write-only
 * page.
 */
#include "drivers-iommu/pgtable/internal.h"
#include "drivers-iommu/vtd/entry.h"

static uint64_t fs_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm)
{
	(void)bits;
	return pa.v | FS_P | FS_US | FS_A | FS_D | (perm & PERM_W ? FS_RW : 0) | (level > 1 ? FS_PS : 0);
}

static uint64_t fs_table(unsigned level, pa_t next)
{
	(void)level;
	return next.v | FS_P | FS_RW | FS_US | FS_A;
}

static struct pgt_entry fs_decode(unsigned level, uint64_t raw)
{
	struct pgt_entry e = { .pa = PA(raw & FS_ADDR) };

	if (!(raw & FS_P))
		return e;
	e.perm = raw & FS_RW ? PERM_RW : PERM_R;
	if (level > 1 && !(raw & FS_PS)) {
		e.kind = PGT_TABLE;
		e.next_level = level - 1;
		return e;
	}
	e.kind = PGT_LEAF;
	e.bits = level_shift(level);
	return e;
}

const struct pgt_format pgt_vtd_fs = {
	.name = "VT-d first stage",
	.levels_min = 4,
	.levels_max = 5,
	.write_only = false,
	.leaf = fs_leaf,
	.table = fs_table,
	.decode = fs_decode,
};
