/*
 * The differential fuzzer: random structures at every level, random requests through a real engine, and the model's
 * translate() as the oracle.
 *
 * A case is a legal set of tables for one request, then up to FUZZ_EDITS_MAX words that are changed: legally, nearly
 * legally, or into garbage. Addresses in tables only ever name pages of the fuzzer's own arena, memory that nothing
 * backs, or (with reserved bits) nothing legal, so that whatever a unit makes of them, foreign memory stays whole. A case
 * is a pure function of its seed.
 */
#ifndef PORTCULLIS_TESTS_FUZZ_FUZZ_H
#define PORTCULLIS_TESTS_FUZZ_FUZZ_H

#include "kernel/hal.h"

#define FUZZ_EDITS_MAX 8
#define FUZZ_DATA_N    4

/* Pages of the arena. */
enum fuzz_page {
	FP_ROOT, FP_CONTEXT, FP_DIRECTORY, FP_PASID, FP_L1, FP_L2, FP_L3, FP_L4, FP_L5,
	FP_G1, FP_G2, FP_G3, FP_G4, FP_G5, /* nested: first-stage tables */
	FP_DATA, FP_N = FP_DATA + FUZZ_DATA_N
};

enum fuzz_mode { FM_LEGACY, FM_LEGACY_PT, FM_SS, FM_FS, FM_NESTED, FM_PT, FM_N };

struct fuzz_edit {
	uint8_t page;
	uint16_t word;
	uint64_t value;
};

struct fuzz_case {
	uint64_t seed;
	uint8_t mode;
	uint8_t leaf_level;  /* of the stage that maps: 1, 2, 3 */
	bool write, has_pasid, priv;
	uint32_t pasid, bytes;
	uint8_t data;        /* which data page the legal tables lead to */
	uint64_t iova;
	struct fuzz_edit edits[FUZZ_EDITS_MAX];
	unsigned edits_n;
};

/* What a generator must know of the unit, as plain facts: model and driver headers never meet in one file. */
struct fuzz_unit {
	uint32_t ver;
	uint64_t cap, ecap;
	unsigned haw_bits, levels, mgaw_bits;
	uint32_t modes;      /* bit FM_x: offered */
	bool sagaw[6];       /* by levels */
	bool ss_2m, ss_1g, fs_1g, pasid, srs, cm;
	uint16_t sid;
	uint32_t granule_bytes, align_bytes;
	bool can_pasid, can_priv;
};

#define FUZZ_TOUCHED_MAX 256

struct fuzz_arena {
	pa_t pa;             /* FP_N pages */
	uint64_t *words;     /* of all pages */
	uint64_t unbacked;
	uint16_t touched[FUZZ_TOUCHED_MAX]; /* words that a case has written, zeroed by fuzz_clear() */
	unsigned touched_n;
	bool written_back;   /* the words have left the caches, so their zeroes must, too */
};

static inline uint64_t fuzz_page_pa(const struct fuzz_arena *a, unsigned page)
{
	return a->pa.v + page * PAGE_BYTES;
}

static inline uint64_t *fuzz_page(const struct fuzz_arena *a, unsigned page)
{
	return a->words + page * (PAGE_BYTES / 8);
}

/* What happened, or what the oracle says must happen. */
struct fuzz_outcome {
	bool landed;         /* the transfer was carried out */
	bool elsewhere;      /* oracle: to memory that is not ours, the case cannot be tried */
	bool interrupt;      /* oracle: an interrupt message, not DMA */
	uint8_t page;        /* landed: which data page */
	bool recorded;
	uint64_t record[2];
	uint8_t fault;       /* reason, 0: none */
	unsigned updates_n;  /* oracle: words that must have changed */
	struct { uint64_t pa, value; } updates[16];
};

/* ---- generate.c ---- */

void fuzz_generate(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c);
/* Writes the legal tables and the edits into the arena, which is all zero before. */
void fuzz_build(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c);
/* Makes what fuzz_build() wrote visible to fetches that do not snoop the caches. */
void fuzz_write_back(struct fuzz_arena *a);
/* Zeroes what fuzz_build() wrote. */
void fuzz_clear(struct fuzz_arena *a);
/* Name of a mode, of a page. */
const char *fuzz_mode_name(unsigned mode);
const char *fuzz_page_name(unsigned page);

/* ---- oracle.c ---- */

struct fuzz_oracle;
size_t fuzz_oracle_bytes(void);
void fuzz_oracle_init(struct fuzz_oracle *o, const struct fuzz_unit *u);
/* What must happen; alternative 0 is the model's own reading, others are those that the fact sheet leaves open. */
void fuzz_oracle_ask(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
		     struct fuzz_outcome *out);
#define FUZZ_ALTERNATIVES 256
/* The unit of the oracle gets these ECAP bits instead of its own. */
void fuzz_oracle_set_ecap(struct fuzz_oracle *o, uint64_t ecap);

/* ---- pretend.c ---- */

/* Readings of some emulator that the specification does not allow; the oracle is asked what would follow from one. */
enum fuzz_pretence {
	FUZZ_AS_IT_IS = 0,
	/* Reserved bits of PASID structures are 0; an address beyond the host's width is one that nothing backs. */
	FUZZ_PASID_UNCHECKED = 1,
	FUZZ_PGTT_SECOND = 2,     /* first-stage and nested entries are second-stage ones */
	FUZZ_RID_PASID = 4,       /* ECAP.RPS = 1, and RID_PASID fits the directory whatever PDTS says */
};

/*
 * As fuzz_oracle_ask(), by some of these readings, of a case whose words are in the arena; the arena is as before
 * afterwards. Elsewhere: also where structures are involved that are not ours to change.
 */
void fuzz_oracle_pretend(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a,
			 const struct fuzz_case *c, unsigned readings, unsigned alternative, struct fuzz_outcome *out);

/* ---- compare.c ---- */

/* NULL where they agree, else in few words how they do not; the text lies in buf. */
const char *fuzz_compare(const struct fuzz_arena *a, const struct fuzz_outcome *must, const struct fuzz_outcome *seen,
			 char *buf, size_t len);
/* Whom compare.c asks, and the names of the deviations that it may explain a case by, separated by commas. */
struct fuzz_judge {
	const struct fuzz_unit *unit;
	struct fuzz_arena *arena;
	struct fuzz_oracle *oracle;
	const char *known;
};
/* Name of the deviation from the list that explains it, NULL: none does. The arena is empty before and after. */
const char *fuzz_known(const struct fuzz_judge *j, const struct fuzz_case *c, const struct fuzz_outcome *must,
		       const struct fuzz_outcome *seen);

#endif
