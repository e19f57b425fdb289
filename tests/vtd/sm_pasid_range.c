/*
 * The range of PASIDs that a directory of 2^(PDTS + 7) entries serves (VT-d 3.4.3, 9.4, 9.5), for requests with PASID
 * and for RID_PASID.
 */
#include "tests/vtd/sm.h"

/* A directory of its own for the requester, nothing in it but one entry that leads to one table. */
struct range {
	struct fx_req *r;
	struct page *page;
	struct page *dir, *table;
};

static uint64_t *words(const struct page *p)
{
	return (uint64_t *)(void *)p->p; /* page-aligned */
}

static void range_start(struct test *t, unsigned pdts, bool pasid_enable, struct range *g)
{
	g->page = sm_start(t, &g->r);
	g->dir = page_alloc(t, pow2(pdts + 7) * sizeof(vtd_pasid_dir_t), 0);
	g->table = page_alloc(t, PAGE_BYTES, 0);
	sm_put(t, g->r->ctx, vtd_sm_ctx(g->dir->pa, pdts, 0, pasid_enable).w, 4);
}

/* Only this PASID has an entry from now on: the space of the requester. PASIDs beyond the directory get none. */
static void range_serve(struct test *t, struct range *g, uint32_t pasid)
{
	uint64_t *entry = words(g->table) + 8 * fld_get(PASID_TABLE_INDEX, pasid);
	uint64_t index = fld_get(PASID_DIR_INDEX, pasid);

	sm_put(t, entry, fx_pasid_value(fx_of(t), g->r).w, 8);
	if (index < g->dir->len_bytes / sizeof(uint64_t))
		fx_set(t, words(g->dir) + index, vtd_pasid_dir(g->table->pa).w[0]);
	fx_sync(t);
}

static void range_forget(struct test *t, struct range *g, uint32_t pasid)
{
	uint64_t index = fld_get(PASID_DIR_INDEX, pasid);

	fx_set(t, words(g->table) + 8 * fld_get(PASID_TABLE_INDEX, pasid), 0);
	if (index < g->dir->len_bytes / sizeof(uint64_t))
		fx_set(t, words(g->dir) + index, 0);
	fx_sync(t);
}

static bool served(struct test *t, struct range *g, uint32_t pasid)
{
	struct dma_request rq = sm_rq(t, pasid);
	bool good;

	range_serve(t, g, pasid);
	good = expect_allowed_rq(t, &rq, g->page);
	range_forget(t, g, pasid);
	if (!good)
		note(t, "PASID 0x%05x", pasid);
	return good;
}

/* The largest PASID that the unit itself takes. */
static uint64_t pasid_limit(const struct test *t)
{
	return pow2(t->bench->vtd->caps.pasid_bits);
}

TEST(ctx_pdts_last,
     .id = "vtd.sm.ctx.pdts_last",
     .checks = "VTD-SM-CTX-020",
     .given = "the smallest directory, PASID = 2^13 - 1",
     .expects = "allowed",
     .needs = NEEDS_SM_PASID)
{
	struct range g;

	if (pasid_limit(t) < pow2(13))
		skip(t, "ECAP.PSS is below 12");
	range_start(t, 0, true, &g);
	served(t, &g, (uint32_t)pow2(13) - 1);
}

TEST(ctx_pdts_beyond,
     .id = "vtd.sm.ctx.pdts_beyond",
     .checks = "VTD-SM-CTX-021",
     .given = "the smallest directory, PASID = 2^13 - 1, then 2^13",
     .expects = "allowed, then refused with reason 46h",
     .needs = NEEDS_SM_PASID)
{
	struct dma_request rq;
	struct range g;

	if (pasid_limit(t) <= pow2(13))
		skip(t, "ECAP.PSS is below 13");
	range_start(t, 0, true, &g);
	served(t, &g, (uint32_t)pow2(13) - 1);
	rq = sm_rq(t, (uint32_t)pow2(13));
	range_serve(t, &g, rq.pasid);
	expect_blocked_rq(t, &rq, g.page, FR_SCT_7);
}

/* One size of directory: its last PASID is allowed, the next one is not. */
static bool boundary(struct test *t, unsigned pdts)
{
	uint64_t n = pow2(pdts + 13);
	struct range g;
	bool good;

	range_start(t, pdts, true, &g);
	good = served(t, &g, (uint32_t)min_u64(n, pasid_limit(t)) - 1);
	if (n < pasid_limit(t)) {
		struct dma_request rq = sm_rq(t, (uint32_t)n);

		range_serve(t, &g, rq.pasid);
		good = expect_blocked_rq(t, &rq, g.page, FR_SCT_7) && good;
	}
	if (!good)
		note(t, "PDTS = %u", pdts);
	return good;
}

/* arg: PDTS. */
static void each_size(struct test *t)
{
	boundary(t, (unsigned)t->desc->arg);
}

#define SIZE(n) \
	{ .id = "vtd.sm.ctx.pdts_" #n, .checks = "VTD-SM-CTX-022", .given = "PDTS = " #n ", the last PASID and the next", \
	  .expects = "allowed; refused with reason 46h", .needs = NEEDS_SM_PASID, .arg = (n), .body = each_size }

TEST_TABLE(ctx_pdts, SIZE(0), SIZE(1), SIZE(2), SIZE(3), SIZE(4), SIZE(5), SIZE(6), SIZE(7));

TEST(pd_contiguous,
     .id = "vtd.sm.pd.contiguous",
     .checks = "VTD-SM-PD-009",
     .given = "PDTS = 3 to 7, PASIDs on both sides of each page of the directory",
     .expects = "each uses its own entry",
     .needs = NEEDS_SM_PASID,
     .budget_us = 3000000)
{
	struct range g;

	if (pasid_limit(t) <= pow2(15))
		skip(t, "ECAP.PSS is below 15");
	range_start(t, 7, true, &g);
	for (uint64_t at = pow2(15); at < pasid_limit(t); at += pow2(15))
		if (!served(t, &g, (uint32_t)at - 1) || !served(t, &g, (uint32_t)at))
			return;
}

TEST(ctx_pasid_too_wide,
     .id = "vtd.sm.ctx.pasid_too_wide",
     .checks = "VTD-SM-CTX-018",
     .given = "the largest directory, a PASID with one bit more than PSS says",
     .expects = "refused and recorded",
     .needs = NEEDS_SM_PASID)
{
	struct vtd_fault f;
	struct range g;
	struct dma_request rq;

	if (t->bench->vtd->caps.pasid_bits >= 20)
		skip(t, "ECAP.PSS = 19");
	range_start(t, 7, true, &g);
	served(t, &g, (uint32_t)pasid_limit(t) - 1);
	rq = sm_rq(t, (uint32_t)pasid_limit(t));
	range_serve(t, &g, rq.pasid);
	expect_dma(t, t->engine, &rq, true, g.page, 0, DMA_REFUSED);
	if (expect_true(t, vtd_fault_pop(fx_of(t)->u, &f) == OK, "a fault record"))
		observe(t, "refused, fault 0x%02x", f.fr);
	fx_faults_drop(t);
}

/* RID_PASID set, and only this PASID has an entry. */
static bool rid_pasid_served(struct test *t, struct range *g, uint32_t pasid)
{
	bool good;

	fx_set(t, g->r->ctx + 1, pasid);
	range_serve(t, g, pasid);
	good = expect_allowed(t, IOVA_A, g->page);
	range_forget(t, g, pasid);
	/* Its entry gone, nothing else serves the request. */
	good = good && expect_blocked(t, IOVA_A, g->page, FR_SPD_2);
	if (!good)
		note(t, "RID_PASID = 0x%05x", pasid);
	return good;
}

TEST(ctx_rid_pasid,
     .id = "vtd.sm.ctx.rid_pasid",
     .checks = "VTD-SM-CTX-013",
     .given = "RPS = 1, the largest directory; RID_PASID at 0, each bit of 20 alone, each bit missing, and at random",
     .expects = "requests without PASID use the mapping of RID_PASID, and no other",
     .needs = NEEDS_SM,
     .budget_us = 3000000)
{
	struct range g;

	if (!t->bench->vtd->caps.rps)
		skip(t, "ECAP.RPS = 0");
	range_start(t, 7, false, &g);
	if (!rid_pasid_served(t, &g, 0))
		return;
	for (unsigned i = 0; i < 20; i++)
		if (!rid_pasid_served(t, &g, (uint32_t)pow2(i)) ||
		    !rid_pasid_served(t, &g, PASID_MAX & ~(uint32_t)pow2(i)) ||
		    !rid_pasid_served(t, &g, (uint32_t)prng_below(&t->prng, PASID_MAX + 1ull)))
			return;
	rid_pasid_served(t, &g, PASID_MAX);
}

TEST(ctx_rid_pasid_beyond,
     .id = "vtd.sm.ctx.rid_pasid_beyond",
     .checks = "VTD-SM-CTX-015",
     .given = "RPS = 1, the smallest directory, RID_PASID = 2^13 - 1, then 2^13",
     .expects = "allowed, then refused with reason 43h or 48h",
     .needs = NEEDS_SM)
{
	static const uint8_t reasons[] = { FR_SCT_4, FR_SCT_9 };
	struct range g;

	if (!t->bench->vtd->caps.rps)
		skip(t, "ECAP.RPS = 0");
	range_start(t, 0, false, &g);
	rid_pasid_served(t, &g, (uint32_t)pow2(13) - 1);
	range_serve(t, &g, (uint32_t)pow2(13));
	sm_change(t, g.r->ctx + 1, SM_CTX1_RID_PASID, pow2(13));
	observe_dma(t, g.page, reasons, ARRAY_LEN(reasons), false);
}
