/*
 * Device TLBs in legacy mode (VT-d 4, 3.4.3, 7.1.3): translation requests, translated requests, and the invalidations
 * that a device has to answer.
 */
#include "tests/vtd/judge.h"

#define NEEDS     (NEED_VTD | NEED_LEGACY_SS | NEED_DT | NEED_ENGINE_ATS)

#define SIZE_2M BIT(21)

static struct fx_req *req(struct test *t)
{
	return fx_req(t, t->engine);
}

static void set_tt(struct test *t, enum vtd_tt tt)
{
	uint64_t w1 = req(t)->ctx[1];

	fx_set(t, &req(t)->ctx[0], fld_set(CTX_TT, req(t)->ctx[0], tt));
	fx_set(t, &req(t)->ctx[1], w1);
	fx_sync(t);
}

/* A page at IOVA_A, TT = 01. */
static struct page *start(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	set_tt(t, TT_ATS);
	return p;
}

static struct ats_answer translate(struct test *t, iova_t iova, bool no_write)
{
	struct dma_request rq = { .iova = iova, .len_bytes = PAGE_BYTES };
	struct ats_answer a = { .outcome = DMA_UNKNOWN };

	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->ats(t->engine, &rq, no_write, &a), "a translation request");
	return a;
}

/* Success with just these permissions and nothing recorded. */
static void expect_answer(struct test *t, iova_t iova, bool no_write, bool r, bool w)
{
	struct ats_answer a = translate(t, iova, no_write);

	expect_true(t, a.outcome == DMA_DONE, "the translation request succeeds");
	expect_eq(t, "R", a.r, r);
	expect_eq(t, "W", a.w, w);
	expect_no_fault(t);
}

/* UR or CA, recorded with this reason and AT = 01. */
static void expect_refused(struct test *t, iova_t iova, unsigned reason)
{
	struct vtd_fault f;

	expect_true(t, translate(t, iova, false).outcome == DMA_REFUSED, "the translation request is refused");
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		fail(t, "a fault record with AT = 01", "no fault record");
		return;
	}
	expect_eq(t, "FR", f.fr, reason);
	expect_eq(t, "AT", f.at, 1);
	expect_eq(t, "SID", f.sid, t->engine->dev->addr.sid);
	expect_eq(t, "FI", f.fi, align_down(iova.v, PAGE_BYTES));
	expect_no_fault(t);
}

/* ---- answers ---- */

TEST(ats_answer,
     .id = "vtd.ats.legacy.answer",
     .checks = "VTD-ATS-001 VTD-ATS-002",
     .given = "TT = 01, a 4 KiB page, a translation request",
     .expects = "the page's address, S = 0, R = W = 1",
     .needs = NEEDS)
{
	struct page *p = start(t);
	struct ats_answer a = translate(t, IOVA_A, false);

	expect_answer(t, IOVA_A, false, true, true);
	expect_true(t, a.address == p->pa.v, "the translation is the mapped address");
	expect_eq(t, "size", a.size_bytes, PAGE_BYTES);
}

TEST(ats_large,
     .id = "vtd.ats.legacy.answer_2m",
     .checks = "VTD-ATS-003",
     .given = "TT = 01, a 2 MiB page, a translation request inside it",
     .expects = "more than 4 KiB and at most 2 MiB, aligned to its size, at the right address",
     .needs = NEEDS)
{
	struct page *p = page_filled(t, 0xa5);
	iova_t base = IOVA(align_down(IOVA_A.v, SIZE_2M));
	struct ats_answer a;

	if (!t->bench->vtd->caps.ss_2m)
		skip(t, "CAP.SSLPS = 0");
	fx_start(t, FX_LEGACY);
	fx_map(t, req(t), base, PA(align_down(p->pa.v, SIZE_2M)), 2, PERM_RW, 0);
	set_tt(t, TT_ATS);
	expect_answer(t, iova_add(base, p->pa.v % SIZE_2M), false, true, true);
	a = translate(t, iova_add(base, p->pa.v % SIZE_2M), false);
	expect_true(t, a.size_bytes > PAGE_BYTES && a.size_bytes <= SIZE_2M && LOWBIT(a.size_bytes) == a.size_bytes,
		    "the size is a power of two above 4 KiB and at most 2 MiB");
	expect_true(t, a.size_bytes && a.address == align_down(p->pa.v, a.size_bytes),
		    "the address is that of the block around the request");
}

TEST(ats_permissions,
     .id = "vtd.ats.legacy.permissions",
     .checks = "VTD-ATS-004 VTD-ATS-006",
     .given = "a page with R=1 W=0, with R=0 W=1, and with both, the latter below an entry with W=0",
     .expects = "R and W as accumulated, nothing recorded",
     .needs = NEEDS)
{
	struct page *p = start(t);
	uint64_t *above;

	fx_map(t, req(t), IOVA_A, p->pa, 1, PERM_R, 0);
	fx_sync(t);
	expect_answer(t, IOVA_A, false, true, false);
	fx_map(t, req(t), IOVA_A, p->pa, 1, PERM_W, 0);
	fx_sync(t);
	expect_answer(t, IOVA_A, false, false, true);
	fx_map(t, req(t), IOVA_A, p->pa, 1, PERM_RW, 0);
	above = fx_entry(t, req(t), IOVA_A, 2);
	fx_set(t, above, *above & ~SS_W);
	fx_sync(t);
	expect_answer(t, IOVA_A, false, true, false);
}

TEST(ats_unmapped,
     .id = "vtd.ats.legacy.unmapped",
     .checks = "VTD-ATS-005",
     .given = "a mapped address, then one that is not",
     .expects = "success both times, the second with R = W = 0, nothing recorded",
     .needs = NEEDS)
{
	(void)start(t);
	expect_answer(t, IOVA_A, false, true, true);
	expect_answer(t, IOVA_B, false, false, false);
}

TEST(ats_above_mgaw,
     .id = "vtd.ats.legacy.above_mgaw",
     .checks = "VTD-ATS-023",
     .given = "a mapped address, then the same with a bit above MGAW",
     .expects = "success with R = W = 0",
     .needs = NEEDS)
{
	(void)start(t);
	if (t->bench->vtd->caps.mgaw_bits > 63)
		skip(t, "MGAW has no address above it");
	expect_answer(t, IOVA_A, false, true, true);
	expect_answer(t, IOVA(IOVA_A.v | pow2(t->bench->vtd->caps.mgaw_bits)), false, false, false);
}

/* arg: NWFS. */
static void no_write(struct test *t)
{
	bool nwfs = t->desc->arg;

	if (t->bench->vtd->caps.nwfs != nwfs)
		skip(t, "ECAP.NWFS = %u", t->bench->vtd->caps.nwfs);
	(void)start(t);
	expect_answer(t, IOVA_A, false, true, true);
	expect_answer(t, IOVA_A, true, true, !nwfs);
}

TEST_TABLE(ats_no_write,
	{ .id = "vtd.ats.legacy.no_write", .checks = "VTD-ATS-007", .arg = 1, .needs = NEEDS, .body = no_write,
	  .given = "ECAP.NWFS = 1, a writable page, a request with NW = 1", .expects = "W = 0" },
	{ .id = "vtd.ats.legacy.no_write_ignored", .checks = "VTD-ATS-008", .arg = 0, .needs = NEEDS, .body = no_write,
	  .given = "ECAP.NWFS = 0, a writable page, a request with NW = 1", .expects = "W = 1" });

TEST(ats_interrupt_range,
     .id = "vtd.ats.legacy.interrupt_range",
     .checks = "VTD-ATS-031",
     .given = "a translation request to FEE00000h",
     .expects = "success with U = 1",
     .needs = NEEDS)
{
	struct ats_answer a;

	(void)start(t);
	a = translate(t, IOVA(UINT64_C(0xfee00000)), false);
	observe(t, "%s, R %u W %u U %u, %u records", a.outcome == DMA_DONE ? "success" : "refused", a.r, a.w, a.u,
		fx_faults_drop(t));
}

/* ---- refusals ---- */

static void tt_blocks(struct test *t)
{
	(void)start(t);
	expect_answer(t, IOVA_A, false, true, true);
	set_tt(t, (enum vtd_tt)t->desc->arg);
	expect_refused(t, IOVA_A, FR_LCT_5);
}

TEST_TABLE(ats_tt,
	{ .id = "vtd.ats.legacy.tt_untranslated", .checks = "VTD-ATS-009", .arg = TT_UNTRANSLATED, .needs = NEEDS,
	  .body = tt_blocks, .given = "TT = 00, a translation request", .expects = "refused, reason 0Dh, AT = 01" },
	{ .id = "vtd.ats.legacy.tt_passthrough", .checks = "VTD-ATS-010", .arg = TT_PASSTHROUGH,
	  .needs = NEEDS | NEED_PT, .body = tt_blocks, .given = "TT = 10, a translation request",
	  .expects = "refused, reason 0Dh, AT = 01" });

/* A word changed for one refused translation request. */
static void refused_with(struct test *t, uint64_t *word, uint64_t value, unsigned reason)
{
	uint64_t before = *word;

	expect_answer(t, IOVA_A, false, true, true);
	fx_set(t, word, value);
	fx_sync(t);
	expect_refused(t, IOVA_A, reason);
	fx_set(t, word, before);
	fx_sync(t);
	expect_answer(t, IOVA_A, false, true, true);
}

TEST(ats_root_absent,
     .id = "vtd.ats.legacy.root_absent",
     .checks = "VTD-ATS-017",
     .given = "a translation request with an absent root entry",
     .expects = "refused, reason 01h, AT = 01",
     .needs = NEEDS | NEED_ENGINE_DIRECT)
{
	(void)start(t);
	refused_with(t, req(t)->root, *req(t)->root & ~ROOT_P, FR_LRT_2);
}

TEST(ats_context_absent,
     .id = "vtd.ats.legacy.context_absent",
     .checks = "VTD-ATS-018",
     .given = "a translation request with an absent context entry",
     .expects = "refused, reason 02h, AT = 01",
     .needs = NEEDS | NEED_ENGINE_DIRECT)
{
	(void)start(t);
	refused_with(t, req(t)->ctx, *req(t)->ctx & ~CTX_P, FR_LCT_2);
}

TEST(ats_entry_reserved,
     .id = "vtd.ats.legacy.entry_reserved",
     .checks = "VTD-ATS-019",
     .given = "a translation request that meets a reserved bit above the host address width in the leaf",
     .expects = "refused, reason 0Ch, AT = 01",
     .needs = NEEDS)
{
	uint64_t bits = fx_bits_above_haw(t) & SS_ADDR, *leaf;

	if (!bits)
		skip(t, "the host address width is 52 or more");
	(void)start(t);
	leaf = fx_entry(t, req(t), IOVA_A, 1);
	refused_with(t, leaf, *leaf | LOWBIT(bits), FR_LSS_2);
}

TEST(ats_fpd,
     .id = "vtd.ats.legacy.fpd",
     .checks = "VTD-ATS-032 VTD-CTX-035",
     .given = "TT = 00, a translation request with FPD = 0, then with FPD = 1",
     .expects = "refused with reason 0Dh, then refused without a record",
     .needs = NEEDS)
{
	(void)start(t);
	expect_answer(t, IOVA_A, false, true, true);
	set_tt(t, TT_UNTRANSLATED);
	expect_refused(t, IOVA_A, FR_LCT_5);
	fx_set(t, req(t)->ctx, *req(t)->ctx | CTX_FPD);
	fx_sync(t);
	expect_true(t, translate(t, IOVA_A, false).outcome == DMA_REFUSED, "the translation request is refused");
	expect_no_fault(t);
}

TEST(ats_off,
     .id = "vtd.ats.legacy.translation_off",
     .checks = "VTD-ATS-033",
     .given = "TES = 0, a translation request",
     .expects = "refused, no record",
     .needs = NEEDS | NEED_ENGINE_DIRECT)
{
	(void)start(t);
	expect_answer(t, IOVA_A, false, true, true);
	must(t, vtd_translation_off(fx_of(t)->u), "turning translation off");
	observe(t, "%s", translate(t, IOVA_A, false).outcome == DMA_DONE ? "success" : "refused");
	expect_no_fault(t);
}
