/*
 * The page-table format of x86-64, which VT-d's first stage and AMD's guest tables share.
 *
 * U/S is 1 everywhere and A and D are preset, so that no walk needs to update an entry. There is no write-only page.
 */
#include "drivers-iommu/pgtable/internal.h"

#define X86_P    BIT(0)
#define X86_RW   BIT(1)
#define X86_US   BIT(2)
#define X86_A    BIT(5)
#define X86_D    BIT(6)
#define X86_PS   BIT(7)
#define X86_ADDR BITS(51, 12)

uint64_t pgt_x86_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm)
{
	(void)bits;
	return pa.v | X86_P | X86_US | X86_A | X86_D | (perm & PERM_W ? X86_RW : 0) | (level > 1 ? X86_PS : 0);
}

uint64_t pgt_x86_table(unsigned level, pa_t next)
{
	(void)level;
	return next.v | X86_P | X86_RW | X86_US | X86_A;
}

struct pgt_entry pgt_x86_decode(unsigned level, uint64_t raw)
{
	struct pgt_entry e = { .pa = PA(raw & X86_ADDR) };

	if (!(raw & X86_P))
		return e;
	e.perm = raw & X86_RW ? PERM_RW : PERM_R;
	if (level > 1 && !(raw & X86_PS)) {
		e.kind = PGT_TABLE;
		e.next_level = level - 1;
		return e;
	}
	e.kind = PGT_LEAF;
	e.bits = level_shift(level);
	return e;
}
