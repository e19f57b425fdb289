/*
 * Nested translation as tests use it (VT-d 3.8): both stages for one page, and a way to each of their entries.
 */
#ifndef PORTCULLIS_TESTS_VTD_NEST_H
#define PORTCULLIS_TESTS_VTD_NEST_H

#include "tests/vtd/sm.h"

#define FS_LEVELS  4
#define FS_ENTRY   (FS_P | FS_RW | FS_US | FS_A)
/* Guest addresses are physical ones plus this, so that one taken for the other leads nowhere. */
#define GPA_OFFSET BIT(37)

struct nest {
	struct fx_req *r;                 /* its space is the second stage */
	struct page *page;                /* where IOVA_A leads */
	struct page *table[FS_LEVELS + 1]; /* first-stage tables by level, 1..4, for IOVA_A */
};

/* Both stages for IOVA_A, seen to work. The second stage has the fewest levels that the unit knows. */
void nest_start(struct test *t, struct nest *n);

/* The guest address of a page. */
uint64_t gpa(const struct page *p);
/* The first-stage entry of IOVA_A at a level. */
uint64_t *fs(const struct nest *n, unsigned level);
/* The second-stage leaf of a page. */
uint64_t *ss(struct test *t, const struct nest *n, const struct page *p);
/* Input addresses of the second stage end here. */
unsigned limit_bits(const struct test *t, const struct nest *n);

#endif
