/*
 * The scalable context entry (VT-d 7.1.3, 9.4): VTD-SM-CTX, but for FPD, unsure fields, the range of PASIDs and what
 * needs first-stage tables.
 */
#include "tests/vtd/sm.h"

static uint64_t *context_table(const struct fx_req *r)
{
	return r->ctx - 4 * (fld_get(SID_DEVFN, r->sid) % 0x80);
}

TEST(ctx_index,
     .id = "vtd.sm.ctx.index",
     .checks = "VTD-SM-CTX-001",
     .given = "the 127 other entries of the context table lead to another space; then the right one does, too",
     .expects = "the entry at devfn & 7Fh is used",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct sm_space other;
	uint64_t *table = context_table(r);

	sm_space(t, r, 0, &other);
	for (unsigned i = 0; i < 128; i++)
		if (table + 4 * i != r->ctx)
			sm_put(t, table + 4 * i, other.ctx.w, 4);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	sm_put(t, r->ctx, other.ctx.w, 4);
	fx_sync(t);
	expect_allowed(t, IOVA_A, other.page);
}

TEST(ctx_unbacked,
     .id = "vtd.sm.ctx.unbacked",
     .checks = "VTD-SM-CTX-002",
     .given = "the context table where no memory is",
     .expects = "refused with reason 40h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t good = *r->root_half;

	sm_change(t, r->root_half, UINT64_MAX, vtd_sm_root_half(page_unbacked(t)));
	expect_blocked(t, IOVA_A, p, FR_SCT_1);
	sm_change(t, r->root_half, UINT64_MAX, good);
	expect_allowed(t, IOVA_A, p);
}

TEST(ctx_unbacked_not_qualified,
     .id = "vtd.sm.ctx.unbacked_not_suppressed",
     .checks = "VTD-SM-CTX-030",
     .given = "the context table where no memory is, FPD = 1 in all entries that were in use before",
     .expects = "the fault is recorded",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	fx_set(t, r->dir, *r->dir | PDE_FPD);
	fx_set(t, r->pasid, *r->pasid | PASID_FPD);
	sm_change(t, r->ctx, 0, SM_CTX_FPD);
	expect_allowed(t, IOVA_A, p);
	sm_change(t, r->root_half, UINT64_MAX, vtd_sm_root_half(page_unbacked(t)));
	expect_blocked_recorded(t, IOVA_A, p);
}

TEST(ctx_absent,
     .id = "vtd.sm.ctx.absent",
     .checks = "VTD-SM-CTX-003",
     .given = "P = 0 in the context entry",
     .expects = "refused with reason 41h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, r->ctx, SM_CTX_P, 0);
	expect_blocked(t, IOVA_A, p, FR_SCT_2);
	sm_change(t, r->ctx, 0, SM_CTX_P);
	expect_allowed(t, IOVA_A, p);
}

/* arg: which case of reserved bits. */
static void reserved(struct test *t)
{
	const struct { unsigned first, last; uint64_t bits; } cases[] = {
		{ 0, 0, SM_CTX_RSVD }, { 0, 0, fx_bits_above_haw(t) }, { 1, 1, SM_CTX1_RSVD }, { 2, 3, UINT64_MAX },
	};
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	for (unsigned w = cases[t->desc->arg].first; w <= cases[t->desc->arg].last; w++)
		if (!expect_each_bit_blocks(t, r->ctx + w, cases[t->desc->arg].bits, p, FR_SCT_3))
			return;
}

#define RESERVED(n, id_, row, given_) \
	{ .id = "vtd.sm.ctx.reserved_" id_, .checks = row, .given = given_, .expects = "refused with reason 42h", \
	  .needs = NEEDS_SM, .arg = (n), .body = reserved }

TEST_TABLE(ctx_reserved,
	RESERVED(0, "low", "VTD-SM-CTX-005", "each of bits 8:5 alone"),
	RESERVED(1, "high", "VTD-SM-CTX-006", "each address bit above HAW alone"),
	RESERVED(2, "127_85", "VTD-SM-CTX-007", "each of bits 127:85 alone"),
	RESERVED(3, "255_128", "VTD-SM-CTX-008", "each of bits 255:128 alone"));

TEST(ctx_pasid_0,
     .id = "vtd.sm.ctx.without_pasid_uses_0",
     .checks = "VTD-SM-CTX-014",
     .given = "RPS = 0, PASID 0 mapped; then PASID 0 absent and all other PASIDs mapped",
     .expects = "requests without PASID use PASID 0",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p;
	struct sm_space other;

	if (t->bench->vtd->caps.rps)
		skip(t, "ECAP.RPS = 1");
	p = sm_start(t, &r);
	sm_space(t, r, 0, &other);
	for (uint32_t pasid = 1; pasid < 128; pasid++)
		sm_put(t, sm_pasid_at(t, r, pasid), other.entry.w, 8);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	sm_change(t, r->pasid, PASID_P, 0);
	expect_blocked_recorded(t, IOVA_A, p);
}

TEST(ctx_pasid_disabled,
     .id = "vtd.sm.ctx.pasid_disabled",
     .checks = "VTD-SM-CTX-016",
     .given = "PASIDE = 1, then PASIDE = 0; a request with PASID",
     .expects = "allowed, then refused with reason 45h",
     .needs = NEEDS_SM_PASID)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &rq, p);
	sm_change(t, r->ctx, SM_CTX_PASIDE, 0);
	expect_blocked_rq(t, &rq, p, FR_SCT_6);
}

TEST(ctx_pasid_disabled_fpd,
     .id = "vtd.sm.ctx.fpd.pasid_disabled",
     .checks = "VTD-SM-CTX-028",
     .given = "PASIDE = 0, FPD = 0, then FPD = 1; a request with PASID",
     .expects = "recorded, then not",
     .needs = NEEDS_SM_PASID)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	expect_true(t, fx_faults_drop(t) != 0, "a fault record");
	sm_change(t, r->ctx, 0, SM_CTX_FPD);
	expect_dma(t, t->engine, &rq, true, p, 0, DMA_REFUSED);
	expect_no_fault(t);
}

TEST(ctx_with_pasid,
     .id = "vtd.sm.ctx.with_pasid",
     .checks = "VTD-SM-CTX-017",
     .given = "PASIDE = 1, two PASIDs with spaces of their own beside that of requests without",
     .expects = "a request with PASID uses its own",
     .needs = NEEDS_SM_PASID)
{
	static const uint32_t pasids[] = { 1, 77 };
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct sm_space spaces[2];

	for (unsigned i = 0; i < 2; i++) {
		sm_space(t, r, i, &spaces[i]);
		sm_put(t, sm_pasid_at(t, r, pasids[i]), spaces[i].entry.w, 8);
	}
	sm_enable_pasid(t, r);
	for (unsigned i = 0; i < 2; i++)
		expect_allowed_rq(t, &(struct dma_request){ .iova = IOVA_A, .len_bytes = dma_small_bytes(t, t->engine),
							    .has_pasid = true, .pasid = pasids[i] }, spaces[i].page);
	expect_allowed(t, IOVA_A, p);
}

/* arg: the bit of the context entry that does not matter to untranslated requests without PASID. */
static void harmless(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	bool both = t->desc->arg == SM_CTX_PASIDE ? c->pasid : c->dt;
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	if (both) {
		sm_change(t, r->ctx, 0, t->desc->arg);
		expect_allowed(t, IOVA_A, p);
	}
	sm_change(t, r->ctx, t->desc->arg, 0);
	expect_allowed(t, IOVA_A, p);
}

TEST_TABLE(ctx_harmless,
	{ .id = "vtd.sm.ctx.paside_harmless", .checks = "VTD-SM-CTX-019", .given = "PASIDE = 1 where there is PASID, then 0",
	  .expects = "requests without PASID work", .needs = NEEDS_SM, .arg = SM_CTX_PASIDE, .body = harmless },
	{ .id = "vtd.sm.ctx.dte_harmless", .checks = "VTD-SM-CTX-025", .given = "DTE = 1 where there is DT, then 0",
	  .expects = "untranslated requests work", .needs = NEEDS_SM, .arg = SM_CTX_DTE, .body = harmless });

TEST(ctx_rid_priv,
     .id = "vtd.sm.ctx.rid_priv",
     .checks = "VTD-SM-CTX-031",
     .given = "first stage, a page with U/S = 0, SRE = 1; RID_PRIV = 0, then 1",
     .expects = "requests without PASID are user requests, then supervisor requests",
     .needs = NEEDS_SM | NEED_FSTS | NEED_SRS)
{
	struct fx_req *r;
	struct page *p;

	if (!t->bench->vtd->caps.rprivs)
		skip(t, "ECAP.RPRIVS = 0");
	p = fx_start_mapped(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_SRE);
	sm_change(t, fx_entry(t, r, IOVA_A, 1), FS_US, 0);
	expect_blocked(t, IOVA_A, p, FR_SGN_2);
	sm_change(t, r->ctx + 1, 0, SM_CTX1_RID_PRIV);
	expect_allowed(t, IOVA_A, p);
}

TEST(ctx_rid_priv_needs_sre,
     .id = "vtd.sm.ctx.rid_priv_needs_sre",
     .checks = "VTD-SM-CTX-032",
     .given = "RID_PRIV = 1 and SRE = 1, then SRE = 0",
     .expects = "refused with reason 5Dh",
     .needs = NEEDS_SM | NEED_SRS)
{
	static const uint8_t reasons[] = { FR_SPT_6 };
	struct fx_req *r;
	struct page *p;

	if (!t->bench->vtd->caps.rprivs)
		skip(t, "ECAP.RPRIVS = 0");
	p = sm_start(t, &r);
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_SRE);
	sm_change(t, r->ctx + 1, 0, SM_CTX1_RID_PRIV);
	expect_allowed(t, IOVA_A, p);
	sm_change(t, r->pasid + 2, PASID2_SRE, 0);
	observe_dma(t, p, reasons, ARRAY_LEN(reasons), true);
}
