/*
 * AMD host page tables, version 1 (AMD IOMMU 2.2.3): the level is in the entry, and any power of two can be a page.
 *
 * A page of its level's size has NextLevel 0. Other sizes have NextLevel 7 and the size in the address: 2^(k + 1)
 * bytes, k the lowest address bit from 12 on that is 0; each entry that the page covers holds the same value. A and D
 * are preset, U and FC stay 0.
 */
#include "drivers-iommu/amdvi/entry.h"
#include "drivers-iommu/pgtable/internal.h"

static uint64_t v1_perm(unsigned perm)
{
	return (perm & PERM_R ? V1_IR : 0) | (perm & PERM_W ? V1_IW : 0);
}

static uint64_t v1_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm)
{
	uint64_t e = V1_PR | V1_A | V1_D | v1_perm(perm) | pa.v;

	if (bits == level_shift(level))
		return e | FLD(V1_NEXT_LEVEL, NEXT_LEVEL_LEAF);
	return e | FLD(V1_NEXT_LEVEL, NEXT_LEVEL_SIZED) | (BITS(bits - 1, 12) & ~pow2(bits - 1));
}

static uint64_t v1_table(unsigned level, pa_t next)
{
	return V1_PR | V1_A | v1_perm(PERM_RW) | FLD(V1_NEXT_LEVEL, level - 1) | next.v;
}

/* The size that is coded in an address, as a power of two. */
static unsigned sized_bits(uint64_t raw)
{
	uint64_t zeroes = ~raw & V1_ADDR;
	unsigned bits = 12;

	while (bits < 52 && !(zeroes & pow2(bits)))
		bits++;
	return bits + 1;
}

static struct pgt_entry v1_decode(unsigned level, uint64_t raw)
{
	struct pgt_entry e = {
		.perm = (raw & V1_IR ? PERM_R : 0u) | (raw & V1_IW ? PERM_W : 0u),
		.pa = PA(raw & V1_ADDR),
	};
	unsigned next = (unsigned)fld_get(V1_NEXT_LEVEL, raw);

	if (!(raw & V1_PR))
		return e;
	e.kind = PGT_LEAF;
	if (next == NEXT_LEVEL_LEAF) {
		e.bits = level_shift(level);
	} else if (next == NEXT_LEVEL_SIZED) {
		e.bits = sized_bits(raw);
		e.pa = PA(align_down(e.pa.v, pow2(e.bits)));
	} else {
		e.kind = PGT_TABLE;
		e.next_level = next;
	}
	return e;
}

const struct pgt_format pgt_amd_v1 = {
	.name = "AMD version 1",
	.levels_min = 1,
	.levels_max = 6,
	.write_only = true,
	.leaf = v1_leaf,
	.table = v1_table,
	.decode = v1_decode,
};
