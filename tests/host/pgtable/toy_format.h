/*
 * A format that is none of ours, to hold the engine to its word: the next level is a field of the entry, permissions
 * lie elsewhere, and level 1 and 2 have pages of several entries (64 KiB, 32 MiB), whose size is told by the address.
 */
#ifndef PORTCULLIS_TESTS_HOST_PGTABLE_TOY_FORMAT_H
#define PORTCULLIS_TESTS_HOST_PGTABLE_TOY_FORMAT_H

#include "drivers-iommu/pgtable/pgtable.h"

#define TOY_P     BIT(0)
#define TOY_NEXT  BITS(11, 9)
#define TOY_ADDR  BITS(51, 12)
#define TOY_R     BIT(61)
#define TOY_W     BIT(62)
#define TOY_SIZED 7u /* next level: a leaf whose size is the run of ones from address bit 12 up */

static inline uint64_t toy_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm)
{
	uint64_t rights = TOY_P | (perm & PERM_R ? TOY_R : 0) | (perm & PERM_W ? TOY_W : 0);

	if (bits == 12 + 9 * (level - 1))
		return rights | pa.v;
	return rights | FLD(TOY_NEXT, TOY_SIZED) | pa.v | (pow2(bits - 1) - PAGE_BYTES);
}

static inline uint64_t toy_table(unsigned level, pa_t next)
{
	return TOY_P | TOY_R | TOY_W | FLD(TOY_NEXT, level - 1) | next.v;
}

static inline struct pgt_entry toy_decode(unsigned level, uint64_t raw)
{
	struct pgt_entry e = { .pa = PA(raw & TOY_ADDR) };
	unsigned next = (unsigned)fld_get(TOY_NEXT, raw);

	if (!(raw & TOY_P))
		return e;
	e.perm = (raw & TOY_R ? PERM_R : 0u) | (raw & TOY_W ? PERM_W : 0u);
	e.kind = PGT_LEAF;
	if (next == 0) {
		e.bits = 12 + 9 * (level - 1);
	} else if (next == TOY_SIZED) {
		e.bits = 13;
		while (raw & pow2(e.bits - 1))
			e.bits++;
		e.pa = PA(align_down(raw & TOY_ADDR, pow2(e.bits)));
	} else {
		e.kind = PGT_TABLE;
		e.next_level = next;
	}
	return e;
}

static const struct pgt_format toy_format = {
	.name = "toy",
	.levels_min = 1,
	.levels_max = 6,
	.write_only = true,
	.leaf = toy_leaf,
	.table = toy_table,
	.decode = toy_decode,
};

#endif
