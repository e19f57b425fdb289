/* What the files of the page-table engine share. */
#ifndef PORTCULLIS_DRIVERS_IOMMU_PGTABLE_INTERNAL_H
#define PORTCULLIS_DRIVERS_IOMMU_PGTABLE_INTERNAL_H

#include "drivers-iommu/pgtable/pgtable.h"

#define INDEX_BITS 9u

/* Where a walk ended. */
struct pgt_spot {
	uint64_t *table;
	unsigned index, level;
	struct pgt_entry e;  /* table[index], decoded */
	unsigned perm;       /* of all levels so far */
};

/* Bytes that one entry of a level covers, as a power of two. */
static inline unsigned level_shift(unsigned level)
{
	return 12 + INDEX_BITS * (level - 1);
}

static inline uint64_t level_bytes(unsigned level)
{
	return pow2(level_shift(level));
}

/* The level whose entries hold pages of 2^bits. */
static inline unsigned level_of_page(unsigned bits)
{
	return (bits - 12) / INDEX_BITS + 1;
}

/* First address behind the entry at a spot that a walk for iova reached. */
static inline uint64_t spot_end(const struct pgt_spot *s, uint64_t iova)
{
	return align_down(iova, level_bytes(s->level)) + level_bytes(s->level);
}

/* The functions of the x86-64 format. */
uint64_t pgt_x86_leaf(unsigned level, unsigned bits, pa_t pa, unsigned perm);
uint64_t pgt_x86_table(unsigned level, pa_t next);
struct pgt_entry pgt_x86_decode(unsigned level, uint64_t raw);

/* Walks for iova until an entry that is no table, or to level stop. */
struct pgt_spot pgt_descend(const struct pgt *pt, uint64_t iova, unsigned stop);

/* Whole pages, not empty, inside the input width. */
bool pgt_range_valid(const struct pgt *pt, uint64_t iova, uint64_t bytes);

/* One entry changed, seen by the unit when this returns. */
void pgt_store(const struct pgt *pt, uint64_t *entry, uint64_t value);
/* The entry at a spot, absent or a leaf, becomes a pointer to a table that is complete. */
void pgt_link(struct pgt *pt, const struct pgt_spot *s, uint64_t iova, uint64_t *table);

/* Makes sure that n pages are in the reserve. ERR_NO_MEMORY: it is empty again. */
enum status must_use pgt_reserve(struct pgt *pt, uint64_t n);
/* A zeroed page of the reserve, which has one. */
uint64_t *pgt_take(struct pgt *pt);
/* Gives back what was not needed. */
void pgt_unreserve(struct pgt *pt);

#endif
