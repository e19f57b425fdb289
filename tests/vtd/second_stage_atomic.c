/*
 * AtomicOps and zero-length reads through second-stage tables in legacy mode (VT-d 3.7.1, 11.4.2 ZLR).
 */
#include "tests/vtd/judge.h"

#define NEEDS_ATOMIC (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_ATOMIC)
#define NEEDS_ZLR    (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_ZLR)

static enum dma_outcome atomic_of(struct test *t, iova_t iova, uint32_t bytes)
{
	enum dma_outcome outcome = DMA_UNKNOWN;
	uint64_t old = 0;
	struct dma_request rq = { .iova = iova, .len_bytes = bytes, .data = &old };

	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->atomic_add(t->engine, &rq, 7, &outcome), "an atomic operation");
	return outcome;
}

static enum dma_outcome atomic(struct test *t, iova_t iova)
{
	return atomic_of(t, iova, 8);
}

/* arg: permissions. */
static void atomic_perm(struct test *t)
{
	unsigned perm = (unsigned)t->desc->arg;
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	volatile uint64_t *value = (volatile uint64_t *)(void *)p->p; /* page-aligned */

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_true(t, atomic(t, IOVA_A) != DMA_REFUSED, "an AtomicOp to a page with R=W=1 is not refused");
	expect_eq(t, "memory after the AtomicOp", *value, 7);
	expect_true(t, atomic_of(t, iova_add(IOVA_A, 12), 4) != DMA_REFUSED, "an AtomicOp of 4 bytes is not refused");
	expect_eq(t, "memory after the AtomicOp of 4 bytes", value[1], 7 * BIT(32));
	expect_no_fault(t);
	if (perm == PERM_RW)
		return;
	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, perm, 0);
	fx_sync(t);
	(void)atomic(t, IOVA_A);
	expect_eq(t, "memory after the refused AtomicOp", *value, 7);
	expect_fault(t, perm == PERM_R ? FR_LGN_2 : FR_LGN_3, t->engine, IOVA_A, false); /* T1 is 1 for AtomicOps */
	expect_no_fault(t);
}

TEST_TABLE(ss_atomic,
	{ .id = "vtd.ss.atomic.needs_w", .checks = "VTD-SS-019", .arg = PERM_R, .needs = NEEDS_ATOMIC,
	  .body = atomic_perm, .given = "an AtomicOp to a page with R=1 W=0", .expects = "refused, reason 05h" },
	{ .id = "vtd.ss.atomic.needs_r", .checks = "VTD-SS-020", .arg = PERM_W, .needs = NEEDS_ATOMIC,
	  .body = atomic_perm, .given = "an AtomicOp to a page with R=0 W=1", .expects = "refused, reason 06h" },
	{ .id = "vtd.ss.atomic.read_write", .checks = "VTD-SS-021", .arg = PERM_RW, .needs = NEEDS_ATOMIC,
	  .body = atomic_perm, .given = "an AtomicOp to a page with R=W=1", .expects = "done" });

static enum dma_outcome zero_length_read(struct test *t, iova_t iova)
{
	enum dma_outcome outcome = DMA_UNKNOWN;
	uint8_t nothing;
	struct dma_request rq = { .iova = iova, .len_bytes = 0, .data = &nothing };

	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->read(t->engine, &rq, &outcome), "a zero-length read");
	return outcome;
}

TEST(ss_zlr_write_only,
     .id = "vtd.ss.zlr.write_only",
     .checks = "VTD-SS-022",
     .given = "CAP.ZLR = 1, a zero-length read of a page with R=0 W=1",
     .expects = "no fault",
     .needs = NEEDS_ZLR)
{
	struct page *p = page_filled(t, 0xa5);

	if (!t->bench->vtd->caps.zlr)
		skip(t, "CAP.ZLR = 0");
	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_W, 0);
	fx_sync(t);
	expect_true(t, zero_length_read(t, IOVA_A) != DMA_REFUSED, "the zero-length read is not refused");
	expect_no_fault(t);
}

TEST(ss_zlr_write_only_refused,
     .id = "vtd.ss.zlr.write_only_without_zlr",
     .checks = "VTD-SS-023",
     .given = "CAP.ZLR = 0, a zero-length read of a page with R=0 W=1",
     .expects = "refused, reason 06h",
     .needs = NEEDS_ZLR)
{
	struct page *p = page_filled(t, 0xa5);
	struct vtd_fault f;

	if (t->bench->vtd->caps.zlr)
		skip(t, "CAP.ZLR = 1");
	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_true(t, zero_length_read(t, IOVA_A) != DMA_REFUSED,
		    "a zero-length read of a readable page is not refused");
	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_W, 0);
	fx_sync(t);
	(void)zero_length_read(t, IOVA_A);
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK)
		fail(t, "fault 0x06", "no fault record");
	else
		observe(t, "fault 0x%02x", f.fr);
	fx_faults_drop(t);
}

TEST(ss_zlr_absent,
     .id = "vtd.ss.zlr.absent",
     .checks = "VTD-SS-024",
     .given = "a zero-length read of a mapped page, then of one that is not present",
     .expects = "the second is refused with reason 06h",
     .needs = NEEDS_ZLR)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_true(t, zero_length_read(t, IOVA_A) != DMA_REFUSED,
		    "a zero-length read of a readable page is not refused");
	expect_no_fault(t);
	(void)zero_length_read(t, IOVA_B);
	expect_fault(t, FR_LGN_3, t->engine, IOVA_B, false);
	expect_no_fault(t);
}
