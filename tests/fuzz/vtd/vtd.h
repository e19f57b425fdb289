/*
 * The fuzzer's VT-d side: pages of its arena, modes, and what its files share. Nothing outside tests/fuzz/vtd/ uses it.
 */
#ifndef PORTCULLIS_TESTS_FUZZ_VTD_VTD_H
#define PORTCULLIS_TESTS_FUZZ_VTD_VTD_H

#include "tests/fuzz/bench.h"

/* Pages of the arena. */
enum fuzz_page {
	FP_ROOT, FP_CONTEXT, FP_DIRECTORY, FP_PASID, FP_L1, FP_L2, FP_L3, FP_L4, FP_L5,
	FP_G1, FP_G2, FP_G3, FP_G4, FP_G5, /* nested: first-stage tables */
	FP_DATA, FP_N = FP_DATA + FUZZ_DATA_N
};

enum fuzz_mode { FM_LEGACY, FM_LEGACY_PT, FM_SS, FM_FS, FM_NESTED, FM_PT, FM_N };

#define FV_ALTERNATIVES 256
#define FV_DEVIATIONS   15

/* Readings of some emulator. */
enum fuzz_pretence {
	FUZZ_AS_IT_IS = 0,
	/* Reserved bits of PASID structures are 0; an address beyond the host's width is one that nothing backs. */
	FUZZ_PASID_UNCHECKED = 1,
	FUZZ_PGTT_SECOND = 2,     /* first-stage and nested entries are second-stage ones */
	FUZZ_RID_PASID = 4,       /* ECAP.RPS = 1, and RID_PASID fits the directory whatever PDTS says */
};

/* The members of fuzz_vtd, see struct fuzz_vendor. */
void fv_generate(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c);
void fv_build(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c);
const char *fv_mode_name(unsigned mode);
const char *fv_page_name(unsigned page);
size_t fv_oracle_bytes(void);
void fv_oracle_init(struct fuzz_oracle *o, const struct fuzz_unit *u);
void fv_ask(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
	    struct fuzz_outcome *out);
/* The unit of the oracle gets these ECAP bits instead of its own. */
void fv_oracle_set_ecap(struct fuzz_oracle *o, uint64_t ecap);
void fv_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c,
		unsigned readings, unsigned alternative, struct fuzz_outcome *out);
const char *fv_compare_records(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf, size_t len);
extern const struct fuzz_deviation fv_deviations[FV_DEVIATIONS];

#endif
