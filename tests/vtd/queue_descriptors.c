/*
 * Which invalidation descriptors are accepted and which stop the queue (VT-d 6.5.2): types, widths, granularities and
 * reserved fields, each bit alone. 128-bit queues are tested in legacy mode, 256-bit ones in scalable mode.
 */
#include "tests/vtd/queue_words.h"

enum gate {
	GATE_NONE = 0, GATE_DT = 1, GATE_IR = 2, GATE_PSI = 4, GATE_PRS = 8, GATE_PDS = 16,
	GATE_NO_PDS = 32, GATE_NO_DIT = 64,
};

static void start(struct test *t, bool wide, unsigned gates)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	const struct { unsigned gate; bool pass; const char *absent; } all[] = {
		{ GATE_DT, c->dt, "ECAP.DT = 0" }, { GATE_IR, c->ir, "ECAP.IR = 0" },
		{ GATE_PSI, c->psi, "CAP.PSI = 0" },
		{ GATE_PRS, c->prs, "ECAP.PRS = 0" }, { GATE_PDS, c->pds, "ECAP.PDS = 0" },
		{ GATE_NO_PDS, !c->pds, "ECAP.PDS = 1" }, { GATE_NO_DIT, !c->dit, "ECAP.DIT = 1" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if ((gates & all[i].gate) && !all[i].pass)
			skip(t, "%s", all[i].absent);
	fx_start(t, wide ? FX_SM_SS : FX_LEGACY);
}

/* ---- accepted ---- */

static void accept_cc(struct test *t)
{
	expect_accepted(t, vtd_desc_cc_global());
	expect_accepted(t, vtd_desc_cc_domain(1));
	for (unsigned fm = 0; fm < 4; fm++)
		expect_accepted(t, vtd_desc_cc_device(1, 8, fm));
}

static void accept_iotlb(struct test *t)
{
	for (unsigned drain = 0; drain < 2; drain++) {
		expect_accepted(t, vtd_desc_iotlb_global(drain));
		expect_accepted(t, vtd_desc_iotlb_domain(1, drain));
		if (t->bench->vtd->caps.psi)
			expect_accepted(t, vtd_desc_iotlb_page(1, IOVA_A, 0, drain, drain));
	}
}

static void accept_dev_tlb(struct test *t)
{
	struct vtd_dev_tlb d = { .sid = t->engine->dev->addr.sid, .iova = IOVA_A };

	if (t->bench->vtd->caps.dit)
		d.pfsid = d.sid;
	expect_accepted(t, vtd_desc_dev_tlb(&d));
	d.log2_pages = 52;
	expect_accepted(t, vtd_desc_dev_tlb(&d));
}

static void accept_pdev_tlb(struct test *t)
{
	struct vtd_dev_tlb d = { .sid = t->engine->dev->addr.sid, .iova = IOVA_A };

	if (t->bench->vtd->caps.dit)
		d.pfsid = d.sid;
	expect_accepted(t, vtd_desc_pdev_tlb(&d, 1, false));
	d.log2_pages = 52;
	expect_accepted(t, vtd_desc_pdev_tlb(&d, 0, true));
}

static void accept_iec(struct test *t)
{
	expect_accepted(t, vtd_desc_iec_global());
	expect_accepted(t, vtd_desc_iec_index(0, 0));
	expect_accepted(t, vtd_desc_iec_index(0, t->bench->vtd->caps.mhmv));
}

static void accept_wait(struct test *t)
{
	struct page *p = page_filled(t, 0);

	expect_accepted(t, vtd_desc_wait(WAIT_SW, 0x12345678, p->pa));
	expect_accepted(t, vtd_desc_wait(WAIT_SW | WAIT_FN, 0x12345678, p->pa));
	expect_accepted(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
}

static void accept_piotlb(struct test *t)
{
	expect_accepted(t, vtd_desc_piotlb_pasid(1, 1));
	expect_accepted(t, vtd_desc_piotlb_page(1, 1, IOVA_A, 0, false));
	expect_accepted(t, vtd_desc_piotlb_page(1, 1, IOVA_A, 0, true));
}

static void accept_pc(struct test *t)
{
	expect_accepted(t, vtd_desc_pc_global());
	expect_accepted(t, vtd_desc_pc_domain(1));
	expect_accepted(t, vtd_desc_pc_pasid(1, 1));
}

static const struct { bool wide; unsigned gates; void (*fn)(struct test *t); } accepts[] = {
	{ false, 0, accept_cc }, { false, 0, accept_iotlb }, { false, GATE_DT, accept_dev_tlb },
	{ false, GATE_IR, accept_iec },
	{ false, 0, accept_wait }, { true, 0, accept_cc }, { true, 0, accept_iotlb }, { true, GATE_DT, accept_dev_tlb },
	{ true, GATE_IR, accept_iec }, { true, 0, accept_wait }, { true, 0, accept_piotlb }, { true, 0, accept_pc },
	{ true, GATE_DT, accept_pdev_tlb },
};

static void accepted(struct test *t)
{
	start(t, accepts[t->desc->arg].wide, accepts[t->desc->arg].gates);
	accepts[t->desc->arg].fn(t);
}

#define ACCEPT_ROW(name_, row_, arg_, needs_) \
	{ .id = "vtd.qi.accepted." name_, .checks = row_, .given = "legal descriptors of that type and queue width", \
	  .expects = "accepted", .needs = NEED_VTD | NEED_QI | (needs_), .arg = (arg_), .body = accepted }

TEST_TABLE(descriptors_accepted,
	   ACCEPT_ROW("128.context_cache", "VTD-QI-015", 0, 0), ACCEPT_ROW("128.iotlb", "VTD-QI-016", 1, 0),
	   ACCEPT_ROW("128.device_tlb", "VTD-QI-017", 2, NEED_DT | NEED_ENGINE_ATS),
	   ACCEPT_ROW("128.iec", "VTD-QI-018", 3, 0), ACCEPT_ROW("128.wait", "VTD-QI-019", 4, 0),
	   ACCEPT_ROW("256.context_cache", "VTD-QI-020", 5, NEED_SM), ACCEPT_ROW("256.iotlb", "VTD-QI-021", 6, NEED_SM),
	   ACCEPT_ROW("256.device_tlb", "VTD-QI-022", 7, NEED_SM | NEED_DT | NEED_ENGINE_ATS),
	   ACCEPT_ROW("256.iec", "VTD-QI-023", 8, NEED_SM), ACCEPT_ROW("256.wait", "VTD-QI-024", 9, NEED_SM),
	   ACCEPT_ROW("256.piotlb", "VTD-QI-025", 10, NEED_SM),
	   ACCEPT_ROW("256.pasid_cache", "VTD-QI-026", 11, NEED_SM),
	   ACCEPT_ROW("256.pasid_device_tlb", "VTD-QI-027", 12, NEED_SM | NEED_DT | NEED_ENGINE_ATS));

TEST(fence_only,
     .id = "vtd.qi.accepted.fence_only", .checks = "VTD-QI-005", .given = "a wait with FN=1, IF=SW=0",
     .expects = "accepted, and what follows is processed", .needs = NEED_VTD | NEED_QI)
{
	start(t, false, 0);
	expect_accepted(t, vtd_desc_wait(WAIT_FN, 0, PA(0)));
}

TEST(am_is_mamv,
     .id = "vtd.qi.accepted.am_is_mamv", .checks = "VTD-QI-043", .given = "IOTLB page invalidation with AM = MAMV",
     .expects = "accepted", .needs = NEED_VTD | NEED_QI)
{
	start(t, false, GATE_PSI);
	for (unsigned am = 0; am <= t->bench->vtd->caps.mamv; am++)
		expect_accepted(t, vtd_desc_iotlb_page(1, IOVA(0), am, false, false));
}

TEST(wait_pd,
     .id = "vtd.qi.accepted.wait_pd", .checks = "VTD-QI-049", .given = "a wait with PD=1, and SW=1 for its status",
     .expects = "accepted", .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_filled(t, 0);

	start(t, false, GATE_PDS);
	expect_accepted(t, vtd_desc_wait(WAIT_SW | WAIT_PD, 1, p->pa));
}

/* ---- refused ---- */

#define BAD_MAX 5

/* bad: descriptors that stop the queue as they are, or with each bit of q alone added to bad[0]. */
struct refusal {
	bool wide;
	unsigned gates;
	enum vtd_iqei iqei;
	unsigned n;
	uint64_t bad[BAD_MAX];
	uint64_t bad_q1;
	uint64_t q[4];
};

#define CC_ANY     (FLD(DESC_TYPE, DESC_CC) | FLD(CC_G, CC_GLOBAL))
#define IOTLB_ANY  (FLD(DESC_TYPE, DESC_IOTLB) | FLD(IOTLBD_G, IOTLB_GLOBAL))
#define IOTLB_PAGE_ANY (FLD(DESC_TYPE, DESC_IOTLB) | FLD(IOTLBD_G, IOTLB_PAGE) | FLD(IOTLBD_DID, 1))
#define IEC_ANY    FLD(DESC_TYPE, DESC_IEC)
#define PC_ANY     (FLD(DESC_TYPE, DESC_PC) | FLD(PC_G, PC_GLOBAL))
#define PIOTLB_ANY (FLD(DESC_TYPE, DESC_PIOTLB) | FLD(PIOTLB_G, PIOTLB_ALL_OF_PASID) | FLD(PIOTLB_DID, 1))
#define PIOTLB_PAGE_ANY (FLD(DESC_TYPE, DESC_PIOTLB) | FLD(PIOTLB_G, PIOTLB_PAGE) | FLD(PIOTLB_DID, 1))
#define WAIT_ANY   (FLD(DESC_TYPE, DESC_WAIT) | WAIT_SW)

static const struct refusal refusals[] = {
	/* 0: types */
	{ false, 0, IQEI_NONE, 1, { PIOTLB_ANY }, 0, { 0 } },
	{ false, 0, IQEI_NONE, 1, { PC_ANY }, 0, { 0 } },
	{ false, 0, IQEI_NONE, 1, { FLD(DESC_TYPE, DESC_PDEV_TLB) }, 0, { 0 } },
	{ false, 0, IQEI_TYPE, 1, { 0 }, 0, { 0 } },
	{ false, 0, IQEI_TYPE, 5, { 0xb, 0xc, 0xd, 0xe, 0xf }, 0, { 0 } },
	{ false, 0, IQEI_TYPE, 1, { CC_ANY }, 0, { DESC_TYPE_HIGH } },
	/* 6: context-cache */
	{ false, 0, IQEI_RESERVED, 1, { CC_ANY }, 0, { BITS(8, 6) | BITS(15, 12) | BITS(63, 50) } },
	{ false, 0, IQEI_RESERVED, 1, { CC_ANY }, 0, { 0, UINT64_MAX } },
	{ false, 0, IQEI_NONE, 1, { FLD(DESC_TYPE, DESC_CC) }, 0, { 0 } },
	/* 9: IOTLB */
	{ false, 0, IQEI_RESERVED, 1, { IOTLB_ANY }, 0, { BIT(8) | BITS(15, 12) | BITS(63, 32) } },
	{ false, GATE_PSI, IQEI_RESERVED, 1, { IOTLB_PAGE_ANY }, 0, { 0, BITS(11, 7) } },
	{ false, 0, IQEI_NONE, 1, { FLD(DESC_TYPE, DESC_IOTLB) }, 0, { 0 } },
	/* 12: interrupt entry cache */
	{ false, GATE_IR, IQEI_RESERVED, 1, { IEC_ANY }, 0, { BITS(8, 5) | BITS(26, 12) | BITS(63, 48), UINT64_MAX } },
	/* 13: wait; its status address is the test's page */
	{ false, 0, IQEI_RESERVED, 1, { WAIT_ANY }, 0, { BITS(31, 12) } },
	{ false, 0, IQEI_RESERVED, 1, { WAIT_ANY }, 0, { BIT(8) } },
	{ false, 0, IQEI_RESERVED, 1, { WAIT_ANY }, 0, { 0, BITS(1, 0) } },
	{ false, GATE_NO_PDS, IQEI_RESERVED, 1, { WAIT_ANY | WAIT_PD }, 0, { 0 } },
	/* 17: PASID-cache */
	{ true, 0, IQEI_NONE, 1, { FLD(DESC_TYPE, DESC_PC) | FLD(PC_G, 2) }, 0, { 0 } },
	{ true, 0, IQEI_RESERVED, 1, { PC_ANY }, 0, { BITS(8, 6) | BITS(15, 12) | BITS(63, 52), UINT64_MAX } },
	/* 19: PASID-based IOTLB */
	{ true, 0, IQEI_NONE, 2, { FLD(DESC_TYPE, DESC_PIOTLB), FLD(DESC_TYPE, DESC_PIOTLB) | FLD(PIOTLB_G, 1) },
	  0, { 0 } },
	{ true, 0, IQEI_RESERVED, 1, { PIOTLB_PAGE_ANY }, 0,
	  { BITS(8, 6) | BITS(15, 12) | BITS(63, 52), BITS(11, 7) } },
	/* 21: Device-TLB */
	{ false, GATE_DT, IQEI_RESERVED, 1, { FLD(DESC_TYPE, DESC_DEV_TLB) }, 0,
	  { BITS(8, 4) | BITS(31, 21) | BITS(51, 48), BITS(11, 1) } },
	{ false, GATE_DT | GATE_NO_DIT, IQEI_RESERVED, 1, { FLD(DESC_TYPE, DESC_DEV_TLB) }, 0,
	  { DTLB_PFSID_LO | DTLB_PFSID_HI } },
	{ true, GATE_DT, IQEI_RESERVED, 1, { FLD(DESC_TYPE, DESC_PDEV_TLB) }, 0, { 0, BITS(10, 1) } },
	/* 24: page-group response */
	{ true, GATE_PRS, IQEI_RESERVED, 1, { FLD(DESC_TYPE, DESC_PAGE_RESPONSE) }, PGR1_LPIG,
	  { BITS(8, 5) | BITS(63, 52), BITS(1, 0) | BITS(63, 12) } },
	/* 25: the upper half of 256-bit descriptors */
	{ true, 0, IQEI_RESERVED, 1, { CC_ANY }, 0, { 0, 0, UINT64_MAX, UINT64_MAX } },
};

static struct vtd_desc refusal_base(const struct refusal *r, unsigned i, pa_t status)
{
	struct vtd_desc d = { .q = { r->bad[i], r->bad_q1 } };

	if (fld_get(DESC_TYPE, d.q[0]) == DESC_WAIT)
		d.q[1] = status.v;
	return d;
}

static void refused(struct test *t)
{
	const struct refusal *r = &refusals[t->desc->arg];
	struct page *status = page_filled(t, 0);
	bool bits = r->q[0] || r->q[1] || r->q[2] || r->q[3], good = true;

	start(t, r->wide, r->gates);
	/* Positive control: the queue works; and the descriptor without the defect, where it needs no device. */
	expect_accepted(t, vtd_desc_wait(WAIT_SW, 1, status->pa));
	if (bits && !(r->gates & (GATE_DT | GATE_PRS)))
		good = expect_accepted(t, refusal_base(r, 0, status->pa));
	for (unsigned i = 0; i < r->n && !bits && good; i++)
		good = expect_refused(t, refusal_base(r, i, status->pa), r->iqei);
	for (unsigned w = 0; w < 4 && good; w++)
		for (uint64_t left = r->q[w]; left && good; left &= left - 1) {
			struct vtd_desc d = refusal_base(r, 0, status->pa);

			d.q[w] |= LOWBIT(left);
			good = expect_refused(t, d, r->iqei);
		}
	expect_accepted(t, vtd_desc_wait(WAIT_SW, 2, status->pa));
}

#define REFUSE_ROW(name_, row_, arg_, needs_) \
	{ .id = "vtd.qi.refused." name_, .checks = row_, \
	  .given = "the defect in an otherwise legal descriptor, each bit alone", \
	  .expects = "the queue stops with IQE", \
	  .needs = NEED_VTD | NEED_QI | (needs_), .arg = (arg_), .budget_us = 3000000, .body = refused }

TEST_TABLE(descriptors_refused,
	   REFUSE_ROW("128.piotlb", "VTD-QI-028", 0, 0), REFUSE_ROW("128.pasid_cache", "VTD-QI-029", 1, 0),
	   REFUSE_ROW("128.pasid_device_tlb", "VTD-QI-030", 2, 0), REFUSE_ROW("type_0", "VTD-QI-031", 3, 0),
	   REFUSE_ROW("type_11_to_15", "VTD-QI-032", 4, 0), REFUSE_ROW("type_high_bits", "VTD-QI-033", 5, 0),
	   REFUSE_ROW("context_cache.q0", "VTD-QI-036", 6, 0), REFUSE_ROW("context_cache.q1", "VTD-QI-037", 7, 0),
	   REFUSE_ROW("context_cache.granularity", "VTD-QI-038", 8, 0), REFUSE_ROW("iotlb.q0", "VTD-QI-039", 9, 0),
	   REFUSE_ROW("iotlb.q1", "VTD-QI-040", 10, 0), REFUSE_ROW("iotlb.granularity", "VTD-QI-041", 11, 0),
	   REFUSE_ROW("iec", "VTD-QI-044", 12, 0), REFUSE_ROW("wait.high", "VTD-QI-045", 13, 0),
	   REFUSE_ROW("wait.bit_8", "VTD-QI-046", 14, 0), REFUSE_ROW("wait.q1", "VTD-QI-047", 15, 0),
	   REFUSE_ROW("wait.pd_absent", "VTD-QI-048", 16, 0),
	   REFUSE_ROW("pasid_cache.granularity", "VTD-QI-051", 17, NEED_SM),
	   REFUSE_ROW("pasid_cache.reserved", "VTD-QI-052", 18, NEED_SM),
	   REFUSE_ROW("piotlb.granularity", "VTD-QI-053", 19, NEED_SM),
	   REFUSE_ROW("piotlb.reserved", "VTD-QI-054", 20, NEED_SM),
	   REFUSE_ROW("device_tlb.reserved", "VTD-QI-055", 21, 0),
	   REFUSE_ROW("device_tlb.pfsid", "VTD-QI-056", 22, 0),
	   REFUSE_ROW("pasid_device_tlb.reserved", "VTD-QI-057", 23, NEED_SM),
	   REFUSE_ROW("page_response.reserved", "VTD-QI-058", 24, NEED_SM),
	   REFUSE_ROW("256.upper_half", "VTD-QI-059", 25, NEED_SM));
