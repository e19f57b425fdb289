/*
 * For tests of what the model's caches keep: something that was changed in memory, and whether the unit has seen it.
 */
#ifndef PORTCULLIS_TESTS_AMDVI_MODEL_KEEPER_H
#define PORTCULLIS_TESTS_AMDVI_MODEL_KEEPER_H

#include "tests/amdvi/model_rig.h"

#define OTHER   0x1235u   /* a domain of nobody */
#define PASID   0x5u
#define PDE     BIT(1)
#define GN      BIT(2)
#define PAGES(domain, pasid) (AM_OP(3) | FLD(BITS(47, 32), domain) | (pasid))

/* A request of AM_SID at AM_IOVA goes to old while that is kept, then to fresh. */
struct keeper {
	struct am *a;
	unsigned levels;           /* of host tables */
	uint64_t root, pte, old, fresh;
	uint64_t gcr3, guest;      /* guest: the root of the guest's tables */
	bool with_pasid;
};

/* Skips on units that keep nothing. */
void ak_need_caches(struct test *t);
/* Where a read goes; 0: it is refused. */
uint64_t ak_goes(struct keeper *b);
void ak_is_old(struct keeper *b, const char *after);
void ak_is_fresh(struct keeper *b, const char *after);
/* What was fresh is old now. */
void ak_swap(struct keeper *b);
/* A unit with a host page that was used once. Skips without host translation. */
void ak_host_open(struct test *t, struct keeper *b);

#endif
