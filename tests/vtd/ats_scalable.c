/*
 * Device TLBs in scalable mode (VT-d 3.4.5, 4, 7.1.3): translation requests with and without PASID, translated
 * requests, and PASID-based invalidation. Legacy mode: ats_legacy.c.
 */
#include "tests/vtd/sm.h"

#define NEEDS     (NEEDS_SM | NEED_DT | NEED_ENGINE_ATS)
#define NEEDS_XLT (NEEDS_SM | NEED_DT | NEED_ENGINE_XLT)

/* sm_start() in a mode, with translation and translated requests allowed. */
static struct page *ats_start(struct test *t, enum fx_mode mode, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, mode);

	*r = fx_req(t, t->engine);
	sm_change(t, (*r)->ctx, 0, SM_CTX_DTE);
	return p;
}

static struct dma_request plain(iova_t iova)
{
	return (struct dma_request){ .iova = iova, .len_bytes = PAGE_BYTES };
}

static struct ats_answer translate(struct test *t, const struct dma_request *rq)
{
	struct ats_answer a = { .outcome = DMA_UNKNOWN };

	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->ats(t->engine, rq, false, &a), "a translation request");
	return a;
}

/* Success with both permissions, at p. */
static bool expect_translated(struct test *t, const struct dma_request *rq, const struct page *p)
{
	struct ats_answer a = translate(t, rq);
	bool good = expect_true(t, a.outcome == DMA_DONE && a.r && a.w, "a translation request succeeds with R = W = 1");

	good = expect_eq(t, "offset of the translation from the page", a.address - p->pa.v, 0) && good;
	return expect_no_fault(t) && good;
}

/* Success with R = W = 0, and nothing recorded. */
static bool expect_nothing(struct test *t, const struct dma_request *rq)
{
	struct ats_answer a = translate(t, rq);
	bool good = expect_true(t, a.outcome == DMA_DONE, "a translation request succeeds");

	good = expect_eq(t, "R", a.r, 0) && good;
	good = expect_eq(t, "W", a.w, 0) && good;
	return expect_no_fault(t) && good;
}

/* One record, of a request with this AT (1 translation, 2 translated). */
static void expect_record(struct test *t, unsigned reason, iova_t iova, unsigned at)
{
	struct vtd_fault f;

	if (!expect_true(t, vtd_fault_pop(fx_of(t)->u, &f) == OK, "a fault record"))
		return;
	expect_eq(t, "reason", f.fr, reason);
	expect_eq(t, "AT", f.at, at);
	expect_eq(t, "requester", f.sid, t->engine->dev->addr.sid);
	expect_eq(t, "page", f.fi, align_down(iova.v, PAGE_BYTES));
	expect_no_fault(t);
}

TEST(ats_sm_answer,
     .id = "vtd.ats.scalable.answer",
     .checks = "VTD-ATS-002 VTD-ATS-004",
     .given = "DTE = 1, a page, a translation request without PASID; then a read-only page",
     .expects = "the page with S = 0 and R = W = 1; then W = 0",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ats_start(t, sm_mode(t), &r);
	struct dma_request rq = plain(IOVA_A);
	struct ats_answer a;

	expect_translated(t, &rq, p);
	expect_eq(t, "size", translate(t, &rq).size_bytes, PAGE_BYTES);
	fx_map(t, r, IOVA_A, p->pa, 1, PERM_R, 0);
	fx_sync(t);
	a = translate(t, &rq);
	expect_true(t, a.outcome == DMA_DONE, "a translation request succeeds");
	expect_eq(t, "R", a.r, 1);
	expect_eq(t, "W", a.w, 0);
	expect_no_fault(t);
}

TEST(ats_sm_pasid,
     .id = "vtd.ats.scalable.answer_pasid",
     .checks = "VTD-SM-CTX-017",
     .given = "two PASIDs with spaces of their own, translation requests with PASID",
     .expects = "each gets its own page",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	static const uint32_t pasids[] = { 1, 77 };
	struct sm_space spaces[2];
	struct fx_req *r;

	ats_start(t, sm_mode(t), &r);
	for (unsigned i = 0; i < 2; i++) {
		sm_space(t, r, i, &spaces[i]);
		sm_put(t, sm_pasid_at(t, r, pasids[i]), spaces[i].entry.w, 8);
	}
	sm_enable_pasid(t, r);
	for (unsigned i = 0; i < 2; i++) {
		struct dma_request rq = sm_rq(t, pasids[i]);

		expect_translated(t, &rq, spaces[i].page);
	}
}

TEST(ats_sm_dte,
     .id = "vtd.ats.scalable.dte_0",
     .checks = "VTD-SM-CTX-023",
     .given = "DTE = 1, then DTE = 0; a translation request",
     .expects = "answered, then refused with reason 44h, AT = 01",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ats_start(t, sm_mode(t), &r);
	struct dma_request rq = plain(IOVA_A);

	expect_translated(t, &rq, p);
	sm_change(t, r->ctx, SM_CTX_DTE, 0);
	expect_true(t, translate(t, &rq).outcome == DMA_REFUSED, "the translation request is refused");
	expect_record(t, FR_SCT_5, IOVA_A, 1);
}

/* A translated request to a page. */
static struct dma_request translated(struct test *t, uint64_t address)
{
	return (struct dma_request){
		.iova = IOVA(address), .len_bytes = dma_small_bytes(t, t->engine), .at = DMA_AT_TRANSLATED,
	};
}

TEST(ats_sm_translated_dte,
     .id = "vtd.ats.scalable.translated_dte_0",
     .checks = "VTD-SM-CTX-024",
     .given = "DTE = 1, then DTE = 0; a translated write",
     .expects = "it lands, then is refused with reason 44h, AT = 10",
     .needs = NEEDS_XLT)
{
	struct fx_req *r;
	struct page *p = ats_start(t, sm_mode(t), &r);
	struct dma_request rq = translated(t, p->pa.v);

	expect_dma(t, t->engine, &rq, true, p, 0, DMA_DONE);
	expect_no_fault(t);
	sm_change(t, r->ctx, SM_CTX_DTE, 0);
	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	expect_record(t, FR_SCT_5, rq.iova, 2);
}

/* arg: 1 the interrupt range, else above the host address width. Reads: nobody shall be hit. */
static void translated_refused(struct test *t)
{
	unsigned haw = t->bench->vtd->haw_bits;
	struct fx_req *r;
	struct page *p;
	struct dma_request rq;

	if (!t->desc->arg && haw > 63)
		skip(t, "the host address width is 64 bits");
	p = ats_start(t, sm_mode(t), &r);
	rq = translated(t, p->pa.v);
	expect_dma(t, t->engine, &rq, false, p, 0, DMA_DONE);
	rq = translated(t, t->desc->arg ? UINT64_C(0xfee00000) : p->pa.v | pow2(haw));
	if (expect_dma(t, t->engine, &rq, false, p, 0, DMA_REFUSED))
		expect_record(t, t->desc->arg ? FR_SGN_8 : FR_SGN_4, rq.iova, 2);
}

TEST_TABLE(ats_sm_translated,
	{ .id = "vtd.ats.scalable.translated_interrupt_range", .checks = "VTD-ATS-014", .given = "a translated read of FEE00000h",
	  .expects = "refused with reason 87h, AT = 10", .needs = NEEDS_XLT, .arg = 1, .body = translated_refused },
	{ .id = "vtd.ats.scalable.translated_above_haw", .checks = "VTD-ATS-016", .given = "a translated read above HAW",
	  .expects = "refused with reason 83h, AT = 10", .needs = NEEDS_XLT, .arg = 0, .body = translated_refused });

/* A change of one word by which a translation request finds nothing. */
static void nothing_there(struct test *t, uint64_t *word, uint64_t clear, const struct page *p)
{
	struct dma_request rq = plain(IOVA_A);
	uint64_t before = *word;

	expect_translated(t, &rq, p);
	sm_change(t, word, clear, 0);
	expect_nothing(t, &rq);
	sm_change(t, word, UINT64_MAX, before);
	expect_translated(t, &rq, p);
}

TEST(ats_sm_pasid_absent,
     .id = "vtd.ats.scalable.pasid_absent",
     .checks = "VTD-ATS-020",
     .given = "P = 0 in the PASID entry, a translation request",
     .expects = "success with R = W = 0, no record",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ats_start(t, sm_mode(t), &r);

	nothing_there(t, r->pasid, PASID_P, p);
}

TEST(ats_sm_dir_absent,
     .id = "vtd.ats.scalable.directory_absent",
     .checks = "VTD-ATS-021",
     .given = "P = 0 in the directory entry, a translation request",
     .expects = "success with R = W = 0, no record",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ats_start(t, sm_mode(t), &r);

	nothing_there(t, r->dir, PDE_P, p);
}

TEST(ats_sm_fs_absent,
     .id = "vtd.ats.scalable.first_stage_absent",
     .checks = "VTD-ATS-022",
     .given = "P = 0 in a first-stage leaf, and in an entry above it; a translation request",
     .expects = "success with R = W = 0, no record",
     .needs = NEEDS | NEED_FSTS)
{
	struct fx_req *r;
	struct page *p = ats_start(t, FX_SM_FS, &r);

	nothing_there(t, fx_entry(t, r, IOVA_A, 1), FS_P, p);
	nothing_there(t, fx_entry(t, r, IOVA_A, 3), FS_P, p);
}

/* ---- PASID-based invalidation of the device's TLB ---- */

static bool cached(struct test *t, uint32_t pasid)
{
	struct dma_request rq = sm_rq(t, pasid);
	bool is = false;

	must(t, t->engine->ops->ats_cached(t->engine, &rq, &is), "a look into the device's TLB");
	return is;
}

/* Two PASIDs whose translations the device has; then a type-8 invalidation. */
static void invalidate(struct test *t, bool all_pasids, uint32_t pasid)
{
	struct vtd_dev_tlb d = { .sid = t->engine->dev->addr.sid, .iova = IOVA_A };
	struct fx_req *r;

	if (!t->engine->ops->ats_cached)
		skip_unreached(t, "no engine that tells what its TLB holds");
	ats_start(t, sm_mode(t), &r);
	for (uint32_t p = 5; p < 7; p++) {
		struct dma_request rq = sm_rq(t, p);

		sm_put(t, sm_pasid_at(t, r, p), fx_pasid_value(fx_of(t), r).w, 8);
		sm_enable_pasid(t, r);
		must(t, translate(t, &rq).outcome == DMA_DONE ? OK : ERR_IO, "a translation request with PASID");
	}
	if (!cached(t, 5) || !cached(t, 6))
		give_up(t, "the device does not keep what it was told");
	if (t->bench->vtd->caps.dit)
		d.pfsid = d.sid;
	fx_inv(t, vtd_desc_pdev_tlb(&d, pasid, all_pasids));
}

TEST(ats_sm_inv_pasid,
     .id = "vtd.ats.scalable.invalidate_pasid",
     .checks = "VTD-ATS-027",
     .given = "translations of two PASIDs in the device, a type-8 invalidation for one of them",
     .expects = "its translation is gone",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	invalidate(t, false, 5);
	expect_true(t, !cached(t, 5), "the translation of the PASID is gone");
}

TEST(ats_sm_inv_all,
     .id = "vtd.ats.scalable.invalidate_all_pasids",
     .checks = "VTD-ATS-028",
     .given = "translations of two PASIDs in the device, a type-8 invalidation with G = 1",
     .expects = "both are gone",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	invalidate(t, true, 0);
	expect_true(t, !cached(t, 5), "the translation of the first PASID is gone");
	expect_true(t, !cached(t, 6), "the translation of the second PASID is gone");
}
