/*
 * Translated requests in legacy mode, and invalidation of device TLBs (VT-d 4.1.3, 6.5.2.5).
 */
#include "tests/vtd/judge.h"

#define NEEDS     (NEED_VTD | NEED_LEGACY_SS | NEED_QI | NEED_DT | NEED_ENGINE_ATS)
#define NEEDS_XLT (NEED_VTD | NEED_LEGACY_SS | NEED_DT | NEED_ENGINE_WRITE | NEED_ENGINE_XLT | NEED_ENGINE_DIRECT)

#define RUN_PAGES 8u
#define ANSWERED  0x5a5au /* status of the wait behind an invalidation */
#define QUIET_US  2000
#define ANSWER_US 1000000

static struct fx_req *req(struct test *t)
{
	return fx_req(t, t->engine);
}

static void set_tt(struct test *t, enum vtd_tt tt)
{
	fx_set(t, req(t)->ctx, fld_set(CTX_TT, *req(t)->ctx, tt));
	fx_sync(t);
}

/* ---- translated requests ---- */

static struct dma_request translated(struct test *t, uint64_t address)
{
	return (struct dma_request){ .iova = IOVA(address), .len_bytes = dma_small_bytes(t, t->engine),
				     .at = DMA_AT_TRANSLATED };
}

/* Refused, recorded with this reason and AT = 10. */
static void expect_refused(struct test *t, uint64_t address, struct page *p, unsigned reason)
{
	struct dma_request rq = translated(t, address);
	struct vtd_fault f;

	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		fail(t, "a fault record with AT = 10", "no fault record");
		return;
	}
	expect_eq(t, "FR", f.fr, reason);
	expect_eq(t, "AT", f.at, 2);
	expect_eq(t, "SID", f.sid, t->engine->dev->addr.sid);
	expect_eq(t, "FI", f.fi, align_down(address, PAGE_BYTES));
	fx_faults_drop(t); /* a transfer may be several requests */
}

/* TT = 01 and an empty space: a translated request to p works. */
static struct page *start_translated(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	struct dma_request rq;

	fx_start(t, FX_LEGACY);
	set_tt(t, TT_ATS);
	rq = translated(t, p->pa.v);
	expect_dma(t, t->engine, &rq, true, p, 0, DMA_DONE);
	expect_no_fault(t);
	return p;
}

TEST(ats_translated,
     .id = "vtd.ats.translated.address_as_is",
     .checks = "VTD-ATS-012",
     .given = "TT = 01, an address that is not mapped, a translated request to it",
     .expects = "the physical address is accessed",
     .needs = NEEDS_XLT)
{
	(void)start_translated(t);
}

TEST(ats_translated_tt,
     .id = "vtd.ats.translated.tt_untranslated",
     .checks = "VTD-ATS-011",
     .given = "TT = 00, a translated request",
     .expects = "refused, reason 0Dh, AT = 10",
     .needs = NEEDS_XLT)
{
	struct page *p = start_translated(t);

	set_tt(t, TT_UNTRANSLATED);
	expect_refused(t, p->pa.v, p, FR_LCT_5);
}

TEST(ats_translated_interrupt,
     .id = "vtd.ats.translated.interrupt_range",
     .checks = "VTD-ATS-013",
     .given = "TT = 01, a translated request to FEE00000h",
     .expects = "refused, reason 0Eh",
     .needs = NEEDS_XLT)
{
	struct page *p = start_translated(t);

	expect_refused(t, UINT64_C(0xfee00000), p, FR_LGN_4);
}

TEST(ats_translated_haw,
     .id = "vtd.ats.translated.above_haw",
     .checks = "VTD-ATS-015",
     .given = "TT = 01, a translated request with one address bit above the host address width",
     .expects = "refused, reason 04h",
     .needs = NEEDS_XLT)
{
	struct page *p = start_translated(t);

	if (t->bench->vtd->haw_bits > 63)
		skip(t, "the host address width is 64");
	expect_refused(t, p->pa.v | pow2(t->bench->vtd->haw_bits), p, FR_LGN_1);
}

TEST(ats_translated_off,
     .id = "vtd.ats.translated.translation_off",
     .checks = "VTD-ATS-034",
     .given = "TES = 0, a translated request",
     .expects = "refused, no record",
     .needs = NEEDS_XLT)
{
	struct page *p = start_translated(t);
	struct dma_request rq = translated(t, p->pa.v);

	must(t, vtd_translation_off(fx_of(t)->u), "turning translation off");
	observe(t, "%s", try_dma(t, t->engine, &rq, true, p, 0) == DMA_DONE ? "done" : "refused");
	expect_no_fault(t);
}

/* ---- invalidation ---- */

static bool cached(struct test *t, iova_t iova)
{
	struct dma_request rq = { .iova = iova, .len_bytes = PAGE_BYTES };
	bool yes = false;

	if (!t->engine->ops->ats_cached)
		skip_unreached(t, "the engine does not tell what its device TLB holds");
	must(t, t->engine->ops->ats_cached(t->engine, &rq, &yes), "asking the device TLB");
	return yes;
}

/* RUN_PAGES pages from an aligned address on, each of them in the device TLB. */
static iova_t start_cached(struct test *t)
{
	iova_t base = IOVA(align_down(IOVA_A.v, RUN_PAGES * PAGE_BYTES));
	struct page *p = page_alloc(t, RUN_PAGES * PAGE_BYTES, 0);
	struct ats_answer a;

	fx_start(t, FX_LEGACY);
	fx_map_page(t, base, p);
	set_tt(t, TT_ATS);
	for (unsigned i = 0; i < RUN_PAGES; i++) {
		struct dma_request rq = { .iova = iova_add(base, i * PAGE_BYTES), .len_bytes = PAGE_BYTES };

		must(t, t->engine->ops->ats(t->engine, &rq, false, &a), "a translation request");
		if (a.outcome != DMA_DONE || !a.r)
			give_up(t, "the device obtained no translation");
		if (!cached(t, rq.iova))
			skip_unreached(t, "the device keeps fewer translations than are needed");
	}
	return base;
}

/* Invalidates 2^log2_pages pages at page first; none of them may be left when the wait is done. */
static void invalidate(struct test *t, unsigned first, unsigned log2_pages)
{
	iova_t base = start_cached(t);
	struct vtd_dev_tlb d = { .sid = t->engine->dev->addr.sid, .iova = iova_add(base, first * PAGE_BYTES),
				 .log2_pages = log2_pages };
	unsigned n = (unsigned)min_u64(pow2(log2_pages), RUN_PAGES);

	if (log2_pages >= 52)
		d.iova = IOVA(0);
	fx_inv(t, vtd_desc_dev_tlb(&d));
	for (unsigned i = first; i < first + n && i < RUN_PAGES; i++)
		if (!expect_true(t, !cached(t, iova_add(base, i * PAGE_BYTES)),
				 "no invalidated page is left in the device"))
			break;
	expect_no_fault(t);
}

TEST(ats_inv_page,
     .id = "vtd.ats.invalidate.page",
     .checks = "VTD-ATS-024",
     .given = "a translation in the device TLB, a type-3 invalidation of its page, then a wait",
     .expects = "once the wait is done, the device has dropped it",
     .needs = NEEDS)
{
	invalidate(t, 3, 0);
}

TEST(ats_inv_range,
     .id = "vtd.ats.invalidate.range",
     .checks = "VTD-ATS-025",
     .given = "eight translations in the device TLB, a type-3 invalidation with S = 1 of four of them",
     .expects = "the four are gone",
     .needs = NEEDS)
{
	invalidate(t, 4, 2);
}

TEST(ats_inv_all,
     .id = "vtd.ats.invalidate.everything",
     .checks = "VTD-ATS-026",
     .given = "eight translations in the device TLB, a type-3 invalidation of the whole address space",
     .expects = "all are gone",
     .needs = NEEDS)
{
	invalidate(t, 0, 52);
}

/* ---- a device that takes its time ---- */

static void withhold(struct test *t, bool on)
{
	if (!t->engine->ops->ats_withhold)
		skip_unreached(t, "no engine here withholds the answer");
	must(t, t->engine->ops->ats_withhold(t->engine, on), "telling the device whether to answer");
}

static struct vtd_desc invalidation(struct test *t)
{
	struct vtd_dev_tlb d = { .sid = t->engine->dev->addr.sid, .iova = IOVA_A };

	return vtd_desc_dev_tlb(&d);
}

TEST(ats_inv_waits,
     .id = "vtd.ats.invalidate.wait_for_answer",
     .checks = "VTD-ATS-029",
     .given = "a type-3 invalidation that the device has not answered yet, a wait with status behind it; then the answer",
     .expects = "the status is written after the answer, not before",
     .needs = NEEDS)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	volatile uint32_t *word = (volatile uint32_t *)(void *)status->p; /* page-aligned */
	struct vtd_desc d[2];
	deadline_t end;
	enum status s;
	uint32_t before;

	withhold(t, false);
	(void)start_cached(t);
	d[0] = invalidation(t);
	d[1] = vtd_desc_wait(WAIT_SW, ANSWERED, status->pa);
	withhold(t, true);
	s = vtd_queue_submit(fx_of(t)->u, d, ARRAY_LEN(d));
	time_sleep_us(QUIET_US); /* no register is read: a model counts time by that */
	before = *word;
	withhold(t, false);
	must(t, s, "submitting an invalidation and a wait");
	end = deadline_in_us(ANSWER_US);
	run_extend_us(ANSWER_US);
	while (*word != ANSWERED && !deadline_over(&end))
		continue;
	expect_eq(t, "status before the answer", before, 0);
	expect_eq(t, "status after the answer", *word, ANSWERED);
	expect_eq(t, "FSTS.IQE, ITE, ICE", mmio_rd(&fx_of(t)->u->regs, VTD_FSTS) & (FSTS_IQE | FSTS_ITE | FSTS_ICE), 0);
	must(t, vtd_inv_global(fx_of(t)->u), "the next invalidation");
}

TEST(ats_inv_waits_for_all,
     .id = "vtd.ats.invalidate.wait_for_all",
     .checks = "VTD-ATS-029",
     .given = "type-3 invalidations of two devices that take their time, a wait with status; one answers, then the other",
     .expects = "the status is written after the second answer, not before",
     .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	volatile uint32_t *word = (volatile uint32_t *)(void *)status->p; /* page-aligned */
	struct engine *other = t->engine2;
	struct vtd_dev_tlb of_other = { .sid = other->dev->addr.sid, .iova = IOVA_A };
	struct vtd_desc d[3];
	uint32_t before, between;
	deadline_t end;

	withhold(t, false);
	(void)start_cached(t);
	d[0] = invalidation(t);
	d[1] = vtd_desc_dev_tlb(&of_other);
	d[2] = vtd_desc_wait(WAIT_SW, ANSWERED, status->pa);
	withhold(t, true);
	must(t, other->ops->ats_withhold(other, true), "telling the other device not to answer");
	must(t, vtd_queue_submit(fx_of(t)->u, d, ARRAY_LEN(d)), "submitting two invalidations and a wait");
	time_sleep_us(QUIET_US);
	before = *word;
	withhold(t, false);
	time_sleep_us(QUIET_US);
	between = *word;
	must(t, other->ops->ats_withhold(other, false), "telling the other device to answer");
	end = deadline_in_us(ANSWER_US);
	run_extend_us(ANSWER_US);
	while (*word != ANSWERED && !deadline_over(&end))
		continue;
	expect_eq(t, "status before the answers", before, 0);
	expect_eq(t, "status after one of them", between, 0);
	expect_eq(t, "status after both", *word, ANSWERED);
	must(t, vtd_inv_global(fx_of(t)->u), "the next invalidation");
}

/* More than the unit remembers: those beyond are answers that nobody waits for. */
TEST(ats_inv_many,
     .id = "vtd.model.ats.many_unanswered",
     .given = "70 type-3 invalidations that the device answers late, a wait with status behind them",
     .expects = "the status is written after the answers",
     .needs = NEEDS, .flags = TEST_MODEL)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	volatile uint32_t *word = (volatile uint32_t *)(void *)status->p; /* page-aligned */
	struct vtd_unit *u = t->bench->vtd;
	struct vtd_desc d[71];

	withhold(t, false);
	(void)start_cached(t);
	for (unsigned i = 0; i < 70; i++)
		d[i] = invalidation(t);
	d[70] = vtd_desc_wait(WAIT_SW, ANSWERED, status->pa);
	withhold(t, true);
	must(t, vtd_queue_submit(u, d, ARRAY_LEN(d)), "submitting invalidations and a wait");
	expect_eq(t, "status before the answers", *word, 0);
	withhold(t, false);
	expect_eq(t, "status after them", *word, ANSWERED);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_ICE);
}

TEST(ats_inv_unanswered,
     .id = "vtd.ats.invalidate.unanswered",
     .checks = "VTD-ATS-030",
     .given = "a device that does not answer a type-3 invalidation",
     .expects = "ITE = 1, ITESID is its requester id",
     .needs = NEEDS)
{
	struct vtd_unit *u = t->bench->vtd;
	struct vtd_desc d;
	enum status s;

	if (t->bench->hardware)
		skip_unreached(t, "the time limit of an answer is a minute and more");
	withhold(t, false);
	(void)start_cached(t);
	d = invalidation(t);
	withhold(t, true);
	s = vtd_queue_submit(u, &d, 1);
	if (s == OK)
		s = vtd_queue_wait(u);
	withhold(t, false);
	expect_true(t, s == ERR_IO, "the queue stops with an error");
	if (s != ERR_IO)
		return;
	/* The answer that nobody waits for any more (VT-d 7.3.1). */
	expect_eq(t, "FSTS.ICE after the late answer", mmio_rd(&u->regs, VTD_FSTS) & FSTS_ICE, FSTS_ICE);
	expect_eq(t, "IQERCD.ICESID", fld_get(IQERCD_ICESID, mmio_rd(&u->regs, VTD_IQERCD)), t->engine->dev->addr.sid);
	expect_eq(t, "FSTS.ITE", u->queue.error.fsts & FSTS_ITE, FSTS_ITE);
	expect_eq(t, "IQERCD.ITESID", u->queue.error.ite_sid, t->engine->dev->addr.sid);
	must(t, vtd_queue_recover(u), "making the queue usable again");
}
