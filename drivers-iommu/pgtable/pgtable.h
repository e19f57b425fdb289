/*
 * Page tables of any format: one engine, and a record of a few functions for each format.
 *
 * Tables have 512 entries of 8 bytes. Level 1 maps 4 KiB pages; an entry of level n covers 2^(12 + 9 (n - 1)) bytes.
 *
 *     level 4      level 3      level 2      level 1
 *     +------+     +------+     +------+     +------+
 *     | next |---->| next |---->| next |---->| leaf |----> 4 KiB
 *     +------+     | leaf |     | leaf |---> 2 MiB
 *                  +------+---> 1 GiB
 *
 * The unit may be walking the tables at any time. So an entry changes by one 64-bit store, a table is complete before
 * it is linked, and an unlinked table is freed only after the caller has invalidated what may point to it:
 *
 *     leaf_only = pgt_prune(pt, iova, bytes);   unlinks tables that have become empty
 *     ... invalidate the range ...
 *     pgt_reclaim(pt);                          frees them
 *
 * A call that fails has changed nothing: memory that it will need is taken first.
 */
#ifndef PORTCULLIS_DRIVERS_IOMMU_PGTABLE_PGTABLE_H
#define PORTCULLIS_DRIVERS_IOMMU_PGTABLE_PGTABLE_H

#include "drivers-iommu/iommu.h"

#define PGT_ENTRIES    512u
#define PGT_LEVELS_MAX 6u

enum pgt_kind { PGT_ABSENT, PGT_TABLE, PGT_LEAF };

/* An entry, decoded. */
struct pgt_entry {
	enum pgt_kind kind;
	unsigned next_level; /* PGT_TABLE: level of the table that it points to */
	unsigned bits;       /* PGT_LEAF: the page has 2^bits bytes */
	unsigned perm;       /* PERM_*: what this entry allows */
	pa_t pa;             /* of the table or page */
};

/*
 * A format. The engine has checked all arguments. A page may be larger than what one entry of its level covers (such as
 * 64 KiB at level 1): leaf() then gives the value that all its entries hold, and decode() tells the size and the start
 * of the whole page. An absent entry is written as 0, and a quadword whose bits 11:0 are 0 must decode as absent.
 */
struct pgt_format {
	const char *name;
	unsigned levels_min, levels_max;
	bool write_only;     /* PERM_W alone can be expressed */
	uint64_t (*leaf)(unsigned level, unsigned bits, pa_t pa, unsigned perm);
	uint64_t (*table)(unsigned level, pa_t next);
	struct pgt_entry (*decode)(unsigned level, uint64_t raw);
};

extern const struct pgt_format pgt_vtd_ss; /* VT-d second stage: 3, 4, 5 levels */
extern const struct pgt_format pgt_vtd_fs; /* VT-d first stage: 4, 5 levels */
extern const struct pgt_format pgt_amd_v1; /* AMD host tables: 1 to 6 levels */
extern const struct pgt_format pgt_amd_v2; /* AMD guest tables: 4, 5 levels */

struct pgt_config {
	const struct pgt_format *format;
	unsigned levels;
	unsigned input_bits; /* addresses are below 2^input_bits */
	unsigned pa_bits;    /* so are the pages, below 2^pa_bits */
	uint64_t page_sizes; /* bit n: pages of 2^n bytes; bit 12 is set, and a larger size implies the smaller */
	bool snooped;        /* the unit's walks snoop the caches: nothing to write back */
	bool caches_absent;  /* the unit may cache absent entries, so that filling one counts as a change */
};

struct pgt {
	struct pgt_config cfg;
	pa_t root;
	size_t tables_n;          /* linked, the root included */
	pa_t reserve;             /* list of pages for the call in progress */
	pa_t retired;             /* list of unlinked tables, until pgt_reclaim() */
	uint64_t nonleaf_lo, nonleaf_hi; /* [lo, hi): where non-leaf entries changed since they were flushed */
};

/* An empty tree. ERR_INVALID (levels or widths that the format does not have), ERR_NO_MEMORY. */
enum status must_use pgt_create(struct pgt *pt, const struct pgt_config *cfg);
/* Frees all tables; the unit must not use them any more. */
void pgt_destroy(struct pgt *pt);

/*
 * Maps [iova, iova + bytes) to pa by the largest pages that fit, none larger than 2^max_page_bits (0: no bound).
 * ERR_EXISTS (any page is mapped), ERR_INVALID (misaligned, empty, too wide, no permission), ERR_UNSUPPORTED
 * (write-only where the format has none), ERR_NO_MEMORY.
 */
enum status must_use pgt_map(struct pgt *pt, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm,
			     unsigned max_page_bits);
/*
 * Unmaps exactly this range; pages that reach out of it are split first, holes are skipped. *unmapped: how many bytes
 * went. Tables that become empty stay until pgt_prune(). ERR_INVALID, ERR_NO_MEMORY (for a split).
 */
enum status must_use pgt_unmap(struct pgt *pt, iova_t iova, uint64_t bytes, uint64_t *unmapped);
/* The page that holds iova: its address there, what all levels together allow, its size (2^bits). ERR_NOT_FOUND. */
enum status must_use pgt_lookup(const struct pgt *pt, iova_t iova, pa_t *pa, unsigned *perm, unsigned *bits);

/*
 * Unlinks the empty tables of the range. True where no non-leaf entry of the range has changed since it was last
 * flushed, by this call or before: then only leaves need to be invalidated.
 */
bool pgt_prune(struct pgt *pt, iova_t iova, uint64_t bytes);
/* Frees what pgt_prune() unlinked; call when the unit has forgotten it. */
void pgt_reclaim(struct pgt *pt);

#endif
