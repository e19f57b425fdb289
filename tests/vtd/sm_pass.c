/*
 * Pass-through in scalable mode (VT-d 3.4.4, 7.1.3: PGTT = 100): VTD-SM-PASS.
 */
#include "tests/vtd/sm.h"

#define NEEDS_PASS (NEEDS_SM | NEED_PT)

/* Pass-through for the requester. */
static struct fx_req *pass_start(struct test *t)
{
	fx_start(t, FX_SM_PT);
	return fx_req(t, t->engine);
}

TEST(pass_identity,
     .id = "vtd.sm.pass.identity",
     .checks = "VTD-SM-PASS-001 VTD-SM-PASS-002",
     .given = "PGTT = 000, then 100; DMA to the physical address of a page",
     .expects = "refused, then reads and writes reach the page",
     .needs = NEEDS_PASS)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r = pass_start(t);
	iova_t iova = IOVA(p->pa.v);

	sm_change(t, r->pasid, PASID_PGTT, 0);
	expect_blocked_recorded(t, iova, p);
	sm_change(t, r->pasid, PASID_PGTT, FLD(PASID_PGTT, PGTT_PASSTHROUGH));
	expect_allowed(t, iova, p);
}

TEST(pass_above_haw,
     .id = "vtd.sm.pass.above_haw",
     .checks = "VTD-SM-PASS-003",
     .given = "PGTT = 100, an address whose lowest bit above HAW is set, and one with bit 63 set",
     .expects = "refused with reason 83h",
     .needs = NEEDS_PASS)
{
	struct page *p = page_filled(t, 0xa5);
	unsigned haw = t->bench->vtd->haw_bits;

	pass_start(t);
	expect_allowed(t, IOVA(p->pa.v), p);
	if (haw > 63)
		skip(t, "the host address width is 64 bits");
	expect_blocked(t, IOVA(p->pa.v | BIT(haw)), p, FR_SGN_4);
	expect_blocked(t, IOVA(p->pa.v | BIT(63)), p, FR_SGN_4);
}

TEST(pass_pointers,
     .id = "vtd.sm.pass.pointers_unused",
     .checks = "VTD-SM-PASS-004",
     .given = "PGTT = 100, SSPTPTR and FSPTPTR lead to where no memory is",
     .expects = "DMA works",
     .needs = NEEDS_PASS)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r = pass_start(t);

	expect_allowed(t, IOVA(p->pa.v), p);
	sm_change(t, r->pasid, PASID_SSPTPTR, page_unbacked(t).v);
	expect_allowed(t, IOVA(p->pa.v), p);
	sm_change(t, r->pasid + 2, PASID2_FSPTPTR, page_unbacked(t).v);
	expect_allowed(t, IOVA(p->pa.v), p);
}

TEST(pass_interrupt_range,
     .id = "vtd.sm.pass.interrupt_range",
     .checks = "VTD-SM-PASS-005",
     .given = "PGTT = 100, a read with PASID from FEE00000h",
     .expects = "refused with reason 87h",
     .needs = NEEDS_PASS | NEED_PASID | NEED_ENGINE_PASID)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r = pass_start(t);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	sm_enable_pasid(t, r);
	rq.iova = IOVA(p->pa.v);
	expect_allowed_rq(t, &rq, p);
	rq.iova = IOVA(0xfee00000);
	if (expect_dma(t, t->engine, &rq, false, p, 0, DMA_REFUSED))
		expect_fault(t, FR_SGN_8, t->engine, rq.iova, false);
	expect_no_fault(t);
}

TEST(pass_supervisor,
     .id = "vtd.sm.pass.supervisor_without_sre",
     .checks = "VTD-SM-PASS-006",
     .given = "PGTT = 100, SRE = 1, then SRE = 0; a supervisor request",
     .expects = "allowed, then refused with reason 5Dh",
     .needs = NEEDS_PASS | NEED_PASID | NEED_SRS | NEED_ENGINE_PASID | NEED_ENGINE_PRIV)
{
	static const uint8_t reasons[] = { FR_SPT_6 };
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r = pass_start(t);
	struct dma_request rq = sm_rq(t, r->rid_pasid);
	unsigned seen = 0;

	rq.iova = IOVA(p->pa.v);
	rq.priv = true;
	fx_set(t, r->pasid + 2, PASID2_SRE);
	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &rq, p);
	sm_change(t, r->pasid + 2, PASID2_SRE, 0);
	if (try_dma(t, t->engine, &rq, true, p, 0) == DMA_DONE)
		observe(t, "allowed");
	else if (expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, rq.iova, true, &seen))
		observe(t, "refused, fault 0x%02x", seen);
}
