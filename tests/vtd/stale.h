/*
 * Stale entries: what the unit may still use before an invalidation, and what it must use after it (VT-d chapter 6).
 *
 * Hardware may always drop more than it was asked to, and may drop at any time, so before an invalidation both outcomes
 * are right; only afterwards a test can fail.
 */
#ifndef PORTCULLIS_TESTS_VTD_STALE_H
#define PORTCULLIS_TESTS_VTD_STALE_H

#include "tests/vtd/judge.h"

/*
 * A write by e before the invalidation: it lands in old or in fresh and nowhere else; where one of them is NULL
 * (nothing is or was mapped) it may be refused, too, and its records are dropped. Fills the caches as DMA does.
 */
bool expect_either(struct test *t, struct engine *e, iova_t iova, struct page *old, struct page *fresh);
/* After it: the write lands in fresh, old stays unchanged. */
bool expect_fresh(struct test *t, struct engine *e, iova_t iova, struct page *old, struct page *fresh);

/* A second, empty address space for a requester (its engine's own memory mapped), to switch to. */
struct fx_req fx_other_space(struct test *t, const struct fx_req *r);
/* Makes r's context entry (legacy) or PASID entry (scalable) point to alt's space by one store; nothing is dropped. */
void fx_switch_space(struct test *t, struct fx_req *r, const struct fx_req *alt);

/* Ways to drop translations. */
enum stale_inv { INV_GLOBAL, INV_DOMAIN, INV_PAGE, INV_PASID, INV_PASID_PAGE };

/* One of them for 2^am pages at iova in r's domain and PASID; ends the test where the unit has no such way. */
void fx_drop(struct test *t, const struct fx_req *r, enum stale_inv how, iova_t iova, unsigned am, bool ih);

#endif
