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

struct fuzz_edit {
	uint8_t page;
	uint16_t word;
	uint64_t value;
};

struct fuzz_case {
	uint64_t seed;
	uint8_t mode;        /* the vendor's own numbers */
	uint8_t levels;      /* of the tables, where the case chooses */
	uint8_t leaf_level;  /* of the stage that maps: 1, 2, 3 */
	uint8_t shape;       /* AMD-Vi: enum fa_shape */
	bool write, has_pasid, priv;
	uint32_t pasid, bytes;
	uint8_t data;        /* which data page the legal tables lead to */
	uint64_t iova;
	struct fuzz_edit edits[FUZZ_EDITS_MAX];
	unsigned edits_n;
};

/* What a generator must know of the unit, as plain facts: model and driver headers never meet in one file. */
struct fuzz_unit {
	uint32_t modes;      /* bit n: mode n is offered */
	uint16_t sid;
	uint32_t granule_bytes, align_bytes;
	bool can_pasid, can_priv;
	unsigned levels;     /* of the deepest host, or second-stage table */
	/* VT-d */
	uint32_t ver;
	uint64_t cap, ecap;
	unsigned haw_bits, mgaw_bits;
	bool sagaw[6];       /* by levels */
	bool ss_2m, ss_1g, fs_1g, pasid, srs, cm;
	/* AMD-Vi */
	uint32_t header;
	uint64_t efr, efr2;
	bool np_cache, gio;
};

#define FUZZ_TOUCHED_MAX 256

struct fuzz_arena {
	unsigned pages_n, data_page; /* of the vendor: how many, and the first of FUZZ_DATA_N that hold data */
	pa_t pa;
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

/* ---- arena.c ---- */

/* Writes a word of the arena, remembered for fuzz_clear(). */
void fuzz_put(struct fuzz_arena *a, unsigned page, uint64_t word, uint64_t value);
/* The edits of a case, on top of its legal tables. */
void fuzz_put_edits(struct fuzz_arena *a, const struct fuzz_case *c);
/* Makes what was built visible to fetches that do not snoop the caches. */
void fuzz_write_back(struct fuzz_arena *a);
/* Zeroes what was built. */
void fuzz_clear(struct fuzz_arena *a);

/* ---- a vendor ---- */

struct fuzz_bench;
struct fuzz_oracle;

/* A case on one vendor's unit, oracle and observation side by side. */
typedef struct {
	const struct fuzz_unit *u;
	const struct fuzz_case *c;
	const struct fuzz_outcome *must, *seen;
} fuzz_view_t;

/*
 * A deviation of some emulator. Entries of tests/platforms/deviations/ name it by their key `fuzz`; the clause stands
 * there. What explains says is the whole outcome; with another reading of the tables (not 0) it says where that counts,
 * and the outcome must then be what follows from this reading, or one more deviation from that.
 */
struct fuzz_deviation {
	const char *name;
	bool (*explains)(const fuzz_view_t *v);
	unsigned reading;
};

struct fuzz_vendor {
	const char *name;                 /* "vtd": part of the names of its tests */
	unsigned pages_n, data_page, alternatives;
	const struct fuzz_deviation *deviations;
	unsigned deviations_n;
	const char *(*mode_name)(unsigned mode);
	const char *(*page_name)(unsigned page);
	const char *(*fault_text)(unsigned fault);

	/* Fills in b->facts, and starts the unit's queue. */
	void (*open)(struct fuzz_bench *b);
	/* The unit looks at the arena's tables, in the mode of the case, with empty caches, translation on. */
	void (*point)(struct fuzz_bench *b, const struct fuzz_case *c);
	/* A walk of the case may leave the processor's caches aside. */
	bool (*may_not_snoop)(const struct fuzz_bench *b, const struct fuzz_case *c);
	/* Takes all records; the first one into *seen. */
	void (*observe)(struct fuzz_bench *b, struct fuzz_outcome *seen);

	void (*generate)(const struct fuzz_unit *u, struct fuzz_arena *a, uint64_t seed, struct fuzz_case *c);
	/* Writes the legal tables and the edits into the arena, which is all zero before. */
	void (*build)(const struct fuzz_unit *u, struct fuzz_arena *a, const struct fuzz_case *c);

	size_t (*oracle_bytes)(void);
	void (*oracle_init)(struct fuzz_oracle *o, const struct fuzz_unit *u);
	/* What must happen; alternative 0 is the model's own reading, others are what the fact sheet leaves open. */
	void (*ask)(struct fuzz_oracle *o, const struct fuzz_arena *a, const struct fuzz_case *c, unsigned alternative,
		    struct fuzz_outcome *out);
	/*
	 * The same by readings of some emulator that the specification does not allow; the arena is then as before.
	 * Elsewhere: also where structures are involved that are not ours to change. NULL: the vendor has none.
	 */
	void (*pretend)(struct fuzz_oracle *o, const struct fuzz_unit *u, struct fuzz_arena *a,
			const struct fuzz_case *c, unsigned readings, unsigned alternative, struct fuzz_outcome *out);
	/* NULL where two records agree, else in few words how they do not; the text lies in buf. */
	const char *(*compare_records)(const struct fuzz_outcome *must, const struct fuzz_outcome *seen, char *buf,
				       size_t len);
};

extern const struct fuzz_vendor fuzz_vtd, fuzz_amdvi;

/* ---- compare.c ---- */

/* NULL where they agree, else in few words how they do not; the text lies in buf. */
const char *fuzz_compare(const struct fuzz_vendor *v, const struct fuzz_outcome *must, const struct fuzz_outcome *seen,
			 char *buf, size_t len);
/* Whom compare.c asks, and the names of the deviations that it may explain a case by, separated by commas. */
struct fuzz_judge {
	const struct fuzz_vendor *vendor;
	const struct fuzz_unit *unit;
	struct fuzz_arena *arena;
	struct fuzz_oracle *oracle;
	const char *known;
};
/* Name of the deviation from the list that explains it, NULL: none does. The arena is empty before and after. */
const char *fuzz_known(const struct fuzz_judge *j, const struct fuzz_case *c, const struct fuzz_outcome *must,
		       const struct fuzz_outcome *seen);

#endif
