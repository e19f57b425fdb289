/*
 * The fuzzer's AMD-Vi side: pages of its arena, modes, and what its files share. Nothing outside tests/fuzz/amdvi/ uses
 * it.
 */
#ifndef PORTCULLIS_TESTS_FUZZ_AMDVI_AMDVI_H
#define PORTCULLIS_TESTS_FUZZ_AMDVI_AMDVI_H

#include "tests/fuzz/bench.h"

#define FA_DEVTAB_N 16 /* pages of the device table: ids below 2048 */
#define FA_DOMAIN   7  /* of the legal entry */

/* Pages of the arena. */
enum fa_page {
	FA_DEVTAB, FA_H1 = FA_DEVTAB_N, FA_H2, FA_H3, FA_H4, FA_H5, FA_H6, /* host tables by level */
	FA_G1, FA_G2, FA_G3, FA_G4, FA_G5,                                 /* guest tables */
	FA_GCR3, FA_GCR3_LOW, /* with GLX = 1 the second is below the first */
	FA_DATA, FA_N = FA_DATA + FUZZ_DATA_N
};

/* Mode = 0; host tables; guest tables alone; guest tables through host tables. */
enum fa_mode { FAM_PASS, FAM_HOST, FAM_GUEST, FAM_NESTED, FAM_N };
/* Host tables: each level; levels between the top and the lowest left out; a leaf whose size is coded. */
enum fa_shape { FAS_PLAIN, FAS_SKIP, FAS_SIZED };

#define FA_SIZED_BITS   15u /* of the page of FAS_SIZED: eight entries at level 1 */
#define FA_ALTERNATIVES 256
#define FA_DEVIATIONS   9

/* Readings of some emulator, see pretend.c. */
enum fa_pretence {
	FA_AS_IT_IS = 0,
	FA_WALKS = 1,            /* host tables by the permissions of the last entry; reserved and skipped bits are 0 */
	FA_FOLLOWS = 2,          /* host tables by NextLevel; reserved bits are 0, PR of a leaf 1, no end of reach */
	FA_ENTRY_OTHERWISE = 4,  /* other bits of an entry are reserved, and other conditions count */
	FA_TV_UNHEEDED = 8,      /* TV = 0 is Mode = 0 */
	FA_MODE_0_FREE = 16,     /* Mode = 0 permits everything */
	FA_KEEPS_LEAF = 32,      /* FA_FOLLOWS, and permissions of a page that was kept are those of its leaf alone */
};

static inline bool fa_guest(const struct fuzz_case *c)
{
	return c->mode == FAM_GUEST || c->mode == FAM_NESTED;
}

/* GCR3 tables of a case: PASIDs above 511 take two levels. */
static inline unsigned fa_glx(const struct fuzz_case *c)
{
	return c->pasid > 511 ? 1 : 0;
}

/* Bits of control that the unit is driven with, on top of IommuEn and rings; the oracle gets the same. */
uint64_t fa_ctl(const struct fuzz_unit *u);

/* The members of fuzz_amdvi, see struct fuzz_vendor. */
void fa_generate(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c);
void fa_build(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c);
const char *fa_mode_name(unsigned mode);
const char *fa_page_name(unsigned page);
size_t fa_oracle_bytes(void);
void fa_oracle_init(struct fuzz_oracle *o, const struct fuzz_unit *u);
void fa_ask(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
	    struct fuzz_outcome *out);
void fa_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c,
		unsigned readings, unsigned alternative, struct fuzz_outcome *out);
const char *fa_compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf, size_t len);
extern const struct fuzz_deviation fa_deviations[FA_DEVIATIONS];

#endif
