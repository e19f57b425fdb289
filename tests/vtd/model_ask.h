/*
 * What the model's unit itself says of a request: results that no engine can show (memory types, snooping, sizes).
 *
 * For tests with TEST_MODEL only. The model's headers and the driver's name the same things, so the two meet here.
 */
#ifndef PORTCULLIS_TESTS_VTD_MODEL_ASK_H
#define PORTCULLIS_TESTS_VTD_MODEL_ASK_H

#include "tests/test.h"

struct model_request {
	iova_t iova;
	bool write, atomic, has_pasid, priv, exec;
	bool translation, no_write; /* an ATS translation request */
	uint32_t pasid;
};

struct model_answer {
	bool done;                  /* else fault tells why: 0 where it has no reason */
	bool ca;                    /* translation request: Completer Abort, not Unsupported Request */
	unsigned fault;
	bool recorded, r, w, x, u, n, priv, global, snoop, cd;
	int emt, pat;               /* -1: none */
	unsigned page_bits;
	uint64_t address;
};

/* A request of t->engine through the unit's caches, but without access to memory. Records it if it is refused. */
struct model_answer model_ask(struct test *t, const struct model_request *rq);
/*
 * What translate() says of it: registers and memory of the unit, no caches, nothing changed or recorded. The unit is
 * taken to have CAP.ND = nd, and to check domain IDs against it (U-10).
 */
struct model_answer model_oracle(struct test *t, const struct model_request *rq, unsigned nd);
/* The completion of a translation request: done, r, w, x, u, n, priv, global, address; page_bits of its size. */
struct model_answer model_ask_ats(struct test *t, const struct model_request *rq);

/* Where a write of another requester, without PASID, would go. False: it is refused, and recorded. */
bool model_reaches(struct test *t, uint16_t sid, iova_t iova, uint64_t *address);

/* A direct mapping of the fabric for a write of t->engine to iova; *address: where the page lies. */
enum status must_use model_direct(struct test *t, iova_t iova, uint64_t *address);
/* How many of them were revoked since the last call; those of the test before are not counted. */
unsigned model_revoked(struct test *t);

/* The unit's atomic updates of memory, from now to the end of the test. */
struct model_memory {
	uint64_t refuse;            /* address of a word whose update memory rejects; 0: none */
	unsigned updates;           /* how many there were, whatever came of them; the test may set it to 0 */
	unsigned repeated;          /* how many were of a word that had been updated since then */
	uint64_t of[64];            /* the first updates' addresses */
};
struct model_memory *model_memory(struct test *t);

/* What the model holds of a fault reason: an FPD bit keeps it from the log; a translation request survives it. */
bool model_qualified(struct test *t, unsigned reason);
bool model_recoverable(unsigned reason);
/* What a unit does with a field that only a missing capability reserves (U-08): checked, ignored, invalid. */
enum model_uncapable { UNCAPABLE_RESERVED, UNCAPABLE_IGNORED, UNCAPABLE_INVALID };
enum model_uncapable model_uncapable(struct test *t);
/* The unit chose that protected regions stay closed while translation is on (U-06). */
bool model_protects_translated(struct test *t);
/* The unit chose that 50h and 58h are qualified (U-21). */
bool model_qualifies_fetches(struct test *t);

#endif
