/*
 * One requester, one page, one defect: what most table tests are about, said in a line.
 *
 * Both directions are tried, as far as the engine has them. Everything goes to one 4 KiB page of t->engine.
 */
#ifndef PORTCULLIS_TESTS_VTD_JUDGE_H
#define PORTCULLIS_TESTS_VTD_JUDGE_H

#include "tests/vtd/fixture.h"

/* fx_start(), a fresh page at IOVA_A for t->engine, and the positive control: DMA works. */
struct page *fx_start_mapped(struct test *t, enum fx_mode mode);

/* DMA at iova reaches p, and nothing is recorded. */
bool expect_allowed(struct test *t, iova_t iova, struct page *p);
/* DMA at iova is refused, p stays unchanged, each direction is recorded with this reason and nothing else is. */
bool expect_blocked(struct test *t, iova_t iova, struct page *p, unsigned reason);
/* The same where reads and writes have reasons of their own. */
bool expect_blocked_as(struct test *t, iova_t iova, struct page *p, unsigned reason_read, unsigned reason_write);
/* Refused as well, but nothing is recorded. */
bool expect_blocked_silently(struct test *t, iova_t iova, struct page *p);

/*
 * Each bit of a mask alone set in a live word (all caches dropped after each change): blocks DMA to IOVA_A with this
 * reason; or changes nothing. The word gets its value back, and DMA must then work again. Ends at the first surprise;
 * false where there was one.
 */
bool expect_each_bit_blocks(struct test *t, uint64_t *word, uint64_t bits, struct page *p, unsigned reason);
bool expect_each_bit_harmless(struct test *t, uint64_t *word, uint64_t bits, struct page *p);

/* The bits of an address field above the host address width, which are reserved in every table; 0: there are none. */
uint64_t fx_bits_above_haw(struct test *t);

#endif
