/*
 * What tests of scalable-mode structures share (VT-d 3.4, 9.2 to 9.6): one requester, its chain of root half, context,
 * directory and PASID entry, and a second address space to tell which entry the unit has really used.
 */
#ifndef PORTCULLIS_TESTS_VTD_SM_H
#define PORTCULLIS_TESTS_VTD_SM_H

#include "tests/vtd/judge.h"

/* Tests that break structures need engines that keep nothing in memory: else their own queues fault as well. */
#define NEEDS_SM       (NEED_VTD | NEED_SM | NEED_ENGINE | NEED_ENGINE_DIRECT)
#define NEEDS_SM_PASID (NEEDS_SM | NEED_PASID | NEED_ENGINE_PASID)

/* An address space beside that of the fixture, with all structures that lead to it. IOVA_A is mapped to page. */
struct sm_space {
	struct fx_req req;    /* a copy: same engine, own space and DID */
	struct page *page;
	vtd_pasid_t entry;    /* PASID entry that leads to the space */
	vtd_pasid_dir_t dir;  /* directory entry: a table that holds nothing but entry, at rid_pasid */
	vtd_sm_ctx_t ctx;     /* context entry: a directory that holds nothing but dir */
};

/* Second stage where the unit has it, else first stage; skips where it has neither. */
enum fx_mode sm_mode(struct test *t);
/* fx_start_mapped() in that mode. */
struct page *sm_start(struct test *t, struct fx_req **r);
/* Makes a second space of the fixture's mode; n (0..7) numbers it. Not linked to anything that the unit reads. */
void sm_space(struct test *t, const struct fx_req *r, unsigned n, struct sm_space *out);

/* Copies an entry of n words, the one that holds P last. */
void sm_put(struct test *t, uint64_t *to, const uint64_t *from, unsigned n);
/* Entry of a PASID below 2^13 in r's directory; a missing table is made. */
uint64_t *sm_pasid_at(struct test *t, struct fx_req *r, uint32_t pasid);
/* Allows requests with PASID for r. */
void sm_enable_pasid(struct test *t, struct fx_req *r);

/* word with some bits cleared, then some set; all caches dropped. */
void sm_change(struct test *t, uint64_t *word, uint64_t clear, uint64_t set);

/* DMA to IOVA_A refused, and recorded for whatever reason. */
bool expect_blocked_recorded(struct test *t, iova_t iova, struct page *p);
/*
 * An unsure row: DMA to IOVA_A ends in one of n reasons or, where may_pass, works. What was seen is told by observe().
 */
void observe_dma(struct test *t, struct page *p, const uint8_t *reasons, unsigned n, bool may_pass);

/* A write (and read) with all attributes, refused with a reason, or done, and nothing else recorded. */
bool expect_allowed_rq(struct test *t, const struct dma_request *rq, struct page *p);
bool expect_blocked_rq(struct test *t, const struct dma_request *rq, struct page *p, unsigned reason);

/*
 * A leaf of level 2 (2 MiB) or 3 (1 GiB) in r's space over the memory that p lies in; the input address of p, whose
 * offset in the large page is that of p. Caches dropped.
 */
iova_t sm_large(struct test *t, struct fx_req *r, unsigned level, const struct page *p);
/* Each bit of a mask alone in a word blocks DMA at iova with this reason; ends at the first surprise. */
bool sm_bits_block(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p, unsigned reason);
/* One other value of a word blocks DMA at iova with these reasons; then, with its old value, DMA works again. */
bool sm_word_blocks(struct test *t, uint64_t *word, uint64_t value, struct page *p, unsigned reason_read,
		    unsigned reason_write);
/* The same, with caches dropped between write and read: what the refused write has seen may be cached. */
bool sm_word_blocks_fresh(struct test *t, uint64_t *word, uint64_t value, struct page *p, unsigned reason);
/* Gives r's space another depth (and an empty top table), and its PASID entry the value that says so. */
void sm_set_levels(struct test *t, struct fx_req *r, unsigned levels);

/* A request of t->engine with PASID to IOVA_A. */
struct dma_request sm_rq(struct test *t, uint32_t pasid);

#endif
