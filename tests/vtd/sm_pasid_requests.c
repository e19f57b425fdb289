/*
 * Requests with PASID and their attributes at the PASID entry (VT-d 3.4.4, 7.1.3): independence of PASIDs, supervisor
 * and execute requests.
 */
#include "tests/vtd/sm.h"

TEST(pt_independent,
     .id = "vtd.sm.pt.independent",
     .checks = "VTD-SM-PT-042",
     .given = "one requester, two PASIDs of one table and one of another, a space for each",
     .expects = "each reaches its own page, in any order",
     .needs = NEEDS_SM_PASID)
{
	static const uint32_t pasids[] = { 5, 6, 200 };
	struct sm_space spaces[ARRAY_LEN(pasids)];
	struct fx_req *r;

	sm_start(t, &r);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++) {
		sm_space(t, r, i, &spaces[i]);
		sm_put(t, sm_pasid_at(t, r, pasids[i]), spaces[i].entry.w, 8);
	}
	sm_enable_pasid(t, r);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < ARRAY_LEN(pasids); i++) {
			struct dma_request rq = sm_rq(t, pasids[i]);

			expect_allowed_rq(t, &rq, spaces[i].page);
		}
}

TEST(pt_fpd_alone,
     .id = "vtd.sm.pt.fpd.alone",
     .checks = "VTD-SM-PT-041",
     .given = "two PASIDs of one requester, both entries with P = 0, FPD = 1 in the first",
     .expects = "the fault of the second is recorded, that of the first is not",
     .needs = NEEDS_SM_PASID)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct dma_request first = sm_rq(t, 5), second = sm_rq(t, 6);

	sm_put(t, sm_pasid_at(t, r, 5), fx_pasid_value(fx_of(t), r).w, 8);
	sm_put(t, sm_pasid_at(t, r, 6), fx_pasid_value(fx_of(t), r).w, 8);
	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &first, p);
	expect_allowed_rq(t, &second, p);
	fx_set(t, sm_pasid_at(t, r, 5), (*sm_pasid_at(t, r, 5) & ~PASID_P) | PASID_FPD);
	sm_change(t, sm_pasid_at(t, r, 6), PASID_P, 0);
	expect_dma(t, t->engine, &first, true, p, 0, DMA_REFUSED);
	expect_no_fault(t);
	expect_blocked_rq(t, &second, p, FR_SPT_2);
}

/* arg: SRE. A supervisor request to a page of a supervisor-enabled or -disabled PASID. */
static void supervisor(struct test *t)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);
	struct fx_req *r = fx_req(t, t->engine);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	rq.priv = true;
	fx_set(t, r->pasid + 2, r->pasid[2] | PASID2_SRE);
	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &rq, p);
	if (t->desc->arg)
		return;
	sm_change(t, r->pasid + 2, PASID2_SRE, 0);
	expect_blocked_rq(t, &rq, p, FR_SPT_6);
	rq.priv = false;
	expect_allowed_rq(t, &rq, p);
}

TEST_TABLE(pt_supervisor,
	{ .id = "vtd.sm.pt.supervisor_without_sre", .checks = "VTD-SM-PT-035", .given = "SRE = 1, then SRE = 0",
	  .expects = "supervisor requests are allowed, then refused with reason 5Dh; user requests are not",
	  .needs = NEEDS_SM_PASID | NEED_FSTS | NEED_SRS | NEED_ENGINE_PRIV, .arg = 0, .body = supervisor },
	{ .id = "vtd.sm.pt.supervisor", .checks = "VTD-SM-PT-036", .given = "SRE = 1",
	  .expects = "supervisor requests are allowed",
	  .needs = NEEDS_SM_PASID | NEED_FSTS | NEED_SRS | NEED_ENGINE_PRIV, .arg = 1, .body = supervisor });

TEST(pt_supervisor_second_stage,
     .id = "vtd.sm.pt.unsure.supervisor_second_stage",
     .given = "second stage alone, SRE = 0, a supervisor request",
     .expects = "refused with reason 5Dh, or allowed",
     .needs = NEEDS_SM_PASID | NEED_SSTS | NEED_SRS | NEED_ENGINE_PRIV)
{
	static const uint8_t reasons[] = { FR_SPT_6 };
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &rq, p);
	rq.priv = true;
	if (try_dma(t, t->engine, &rq, true, p, 0) == DMA_DONE)
		observe(t, "allowed");
	else if (expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, IOVA_A, true, NULL))
		observe(t, "refused, fault 0x5d");
	expect_no_fault(t);
}

TEST(pt_execute,
     .id = "vtd.sm.pt.execute_without_ere",
     .checks = "VTD-SM-PT-037",
     .given = "a request to execute, ERE = 0",
     .expects = "refused with reason 5Ch",
     .needs = NEEDS_SM_PASID)
{
	static const uint8_t reasons[] = { FR_SPT_5 };
	struct fx_req *r;
	struct page *p;
	struct dma_request rq;
	unsigned seen = 0;

	if (!t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 0");
	if (!(t->engine->caps.flags & DMA_CAN_EXEC))
		skip_unreached(t, "no engine that sends requests to execute");
	p = sm_start(t, &r);
	sm_enable_pasid(t, r);
	rq = sm_rq(t, r->rid_pasid);
	expect_allowed_rq(t, &rq, p);
	rq.exec = true;
	if (try_dma(t, t->engine, &rq, false, p, 0) == DMA_DONE)
		observe(t, "allowed");
	else if (expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, IOVA_A, false, &seen))
		observe(t, "refused, fault 0x%02x", seen);
}
