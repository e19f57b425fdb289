/*
 * The page-request queue (VT-d 7.4, 7.5, 11.4.11): descriptors, wrap, overflow, refused requests.
 */
#include "tests/vtd/page_request.h"

TEST(prq_append,
     .id = "vtd.prq.append",
     .checks = "VTD-PRQ-001 VTD-PRQ-002",
     .given = "an empty queue, two page requests",
     .expects = "each is a descriptor of type 01h at the tail, which moves by 32",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(5);
	struct prq q;

	prq_start(t, 0, &q);
	for (uint64_t slot = 0; slot < 2; slot++) {
		expect_eq(t, "PQT before", prq_tail(t), slot * PRD_BYTES);
		prq_send_queued(t, &q, &pr);
		expect_eq(t, "type", fld_get(PRD_TYPE, prq_desc(&q, slot)[0]), 1);
		expect_eq(t, "the slot behind", prq_desc(&q, slot + 1)[0], UINT64_MAX);
	}
	expect_no_fault(t);
}

/* One request, and the two quadwords of its descriptor under masks. */
static void descriptor(struct test *t, const struct page_request *pr, uint64_t mask0, uint64_t expected0, uint64_t mask1,
		       uint64_t expected1)
{
	struct prq q;

	prq_start(t, 0, &q);
	if (!prq_send_queued(t, &q, pr))
		return;
	/* The type as well: a slot that nobody wrote is all ones. */
	expect_eq(t, "descriptor 63:0, the fields of this test", prq_desc(&q, 0)[0] & (mask0 | PRD_TYPE),
		  expected0 | FLD(PRD_TYPE, 1));
	expect_eq(t, "descriptor 127:64, the fields of this test", prq_desc(&q, 0)[1] & mask1, expected1);
}

TEST(prq_rid,
     .id = "vtd.prq.rid_pasid",
     .checks = "VTD-PRQ-003",
     .given = "a request with PASID 12345h",
     .expects = "RID, PP = 1 and PASID in the descriptor",
     .needs = NEEDS_PRQ | NEED_PASID | NEED_ENGINE_PASID)
{
	struct page_request pr = prq_plain(5);

	/* As large as the smallest directory and the unit take. */
	pr.has_pasid = true;
	pr.pasid = (uint32_t)(0x12345 % min_u64(pow2(13), pow2(t->bench->vtd->caps.pasid_bits)));
	descriptor(t, &pr, PRD_PP | PRD_RID | PRD_PASID,
		   PRD_PP | FLD(PRD_RID, t->engine->dev->addr.sid) | FLD(PRD_PASID, pr.pasid), 0, 0);
}

TEST(prq_rid_without,
     .id = "vtd.prq.rid_without_pasid",
     .checks = "VTD-PRQ-003",
     .given = "a request without PASID",
     .expects = "RID and PP = 0 in the descriptor",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(5);

	descriptor(t, &pr, PRD_PP | PRD_RID, FLD(PRD_RID, t->engine->dev->addr.sid), 0, 0);
}

/* arg: bit 0 read, bit 1 write. */
static void direction(struct test *t)
{
	struct page_request pr = prq_plain(5);

	pr.r = t->desc->arg & BIT(0);
	pr.w = t->desc->arg & BIT(1);
	descriptor(t, &pr, 0, 0, PRD1_RDR | PRD1_WRR, FLD(PRD1_RDR, pr.r) | FLD(PRD1_WRR, pr.w));
}

#define DIRECTION(n, id_) \
	{ .id = "vtd.prq.direction_" id_, .checks = "VTD-PRQ-004", .given = "a request for " id_, .needs = NEEDS_PRQ, \
	  .expects = "RDR and WRR say so", .arg = (n), .body = direction }

TEST_TABLE(prq_direction, DIRECTION(1, "read"), DIRECTION(2, "write"), DIRECTION(3, "both"));

/* arg: privileged mode requested. */
static void privilege(struct test *t)
{
	struct page_request pr = prq_plain(5);

	pr.has_pasid = true;
	pr.pasid = 1;
	pr.priv = t->desc->arg;
	descriptor(t, &pr, PRD_PMR, FLD(PRD_PMR, pr.priv), 0, 0);
}

#define NEEDS_PMR (NEEDS_PRQ | NEED_SRS | NEED_PASID | NEED_ENGINE_PASID | NEED_ENGINE_PRIV)

TEST_TABLE(prq_privilege,
	{ .id = "vtd.prq.user", .checks = "VTD-PRQ-005", .given = "a user request with PASID", .expects = "PMR = 0",
	  .needs = NEEDS_PMR, .arg = 0, .body = privilege },
	{ .id = "vtd.prq.supervisor", .checks = "VTD-PRQ-005", .given = "a supervisor request with PASID",
	  .expects = "PMR = 1", .needs = NEEDS_PMR, .arg = 1, .body = privilege });

TEST(prq_group,
     .id = "vtd.prq.group",
     .checks = "VTD-PRQ-006",
     .given = "requests of several groups, the last of its group and not",
     .expects = "LPIG and PRGI say so",
     .needs = NEEDS_PRQ)
{
	static const uint16_t groups[] = { 0, 1, 0x155, 0x0aa, 0x1ff };
	struct prq q;

	prq_start(t, 0, &q);
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++)
		for (unsigned last = 0; last < 2; last++) {
			uint64_t slot = prq_tail(t) / PRD_BYTES;
			struct page_request pr = prq_plain(groups[i]);

			pr.last = last;
			if (!prq_send_queued(t, &q, &pr))
				return;
			expect_eq(t, "PRGI", fld_get(PRD1_PRGI, prq_desc(&q, slot)[1]), groups[i]);
			expect_eq(t, "LPIG", fld_get(PRD1_LPIG, prq_desc(&q, slot)[1]), last);
		}
}

TEST(prq_address,
     .id = "vtd.prq.address",
     .checks = "VTD-PRQ-007",
     .given = "requests for several pages, mapped or not",
     .expects = "ADDR is the page of the request",
     .needs = NEEDS_PRQ)
{
	const iova_t pages[] = { IOVA_A, IOVA_B, IOVA(0), IOVA(BITS(47, 12)) };
	struct prq q;

	prq_start(t, 0, &q);
	for (uint64_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct page_request pr = prq_plain(1);

		pr.iova = pages[i];
		if (!prq_send_queued(t, &q, &pr))
			return;
		expect_eq(t, "ADDR", prq_desc(&q, i)[1] & PRD1_ADDR, pages[i].v);
	}
}

TEST(prq_reserved,
     .id = "vtd.prq.reserved",
     .checks = "VTD-PRQ-008",
     .given = "a request into a queue whose bytes are all FFh",
     .expects = "reserved fields are written as 0",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(5);
	struct prq q;

	prq_start(t, 0, &q);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "reserved bits of 63:0", prq_desc(&q, 0)[0] & PRD_RSVD, 0);
	expect_eq(t, "bits 191:128", prq_desc(&q, 0)[2], 0);
	expect_eq(t, "bits 255:192", prq_desc(&q, 0)[3], 0);
}

/* arg: LPIG. */
static void pending(struct test *t)
{
	struct page_request pr = prq_plain(5);
	struct prq q;

	pr.last = t->desc->arg;
	prq_start(t, 0, &q);
	expect_eq(t, "PRS before", prq_status(t), 0);
	prq_send_queued(t, &q, &pr);
	if (pr.last)
		expect_eq(t, "PRS", prq_status(t), PRS_PPR);
	else
		observe(t, "PRS.PPR = %u", (unsigned)fld_get(PRS_PPR, prq_status(t)));
}

TEST_TABLE(prq_pending,
	{ .id = "vtd.prq.pending", .checks = "VTD-PRQ-009", .given = "a request with LPIG = 1", .needs = NEEDS_PRQ,
	  .expects = "PRS.PPR is set", .arg = 1, .body = pending },
	{ .id = "vtd.prq.pending_not_last", .checks = "VTD-PRQ-009", .given = "a request with LPIG = 0", .needs = NEEDS_PRQ,
	  .expects = "PRS.PPR is set, or not", .arg = 0, .body = pending });

TEST(prq_wrap,
     .id = "vtd.prq.wrap",
     .checks = "VTD-PRQ-010",
     .given = "as many requests as the queue has slots, software keeping up",
     .expects = "the tail is 0 after the last slot, and the next request goes to slot 0",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(0x1fe);
	struct prq q;

	prq_start(t, 0, &q);
	if (!prq_fill(t, &q, q.slots, true))
		return;
	expect_eq(t, "PQT", prq_tail(t), 0);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "PRGI in slot 0", fld_get(PRD1_PRGI, prq_desc(&q, 0)[1]), 0x1fe);
}

/* arg: PQS. */
static void size(struct test *t)
{
	struct prq q;

	prq_start(t, (unsigned)t->desc->arg, &q);
	if (!prq_fill(t, &q, q.slots - 1, true))
		return;
	expect_eq(t, "PQT in the last slot", prq_tail(t), (q.slots - 1) * PRD_BYTES);
	prq_fill(t, &q, 1, true);
	expect_eq(t, "PQT behind it", prq_tail(t), 0);
}

#define SIZE(n) \
	{ .id = "vtd.prq.size_" #n, .checks = "VTD-PRQ-011", .given = "PQS = " #n ", requests until the tail wraps", \
	  .expects = "it wraps after 2^(PQS + 7)", .needs = NEEDS_PRQ, .budget_us = 5000000, .arg = (n), .body = size }

TEST_TABLE(prq_size, SIZE(0), SIZE(1), SIZE(2), SIZE(3), SIZE(4), SIZE(5), SIZE(6), SIZE(7));

/* A queue with no free slot but the one that stays free, and one request more. */
static bool overflow(struct test *t, struct prq *q)
{
	struct page_request pr = prq_plain(7);

	prq_start(t, 0, q);
	if (!prq_fill(t, q, q->slots - 1, false))
		return false;
	expect_eq(t, "PRS.PRO of the full queue", fld_get(PRS_PRO, prq_status(t)), 0);
	prq_send(t, &pr);
	return expect_eq(t, "PRS.PRO", fld_get(PRS_PRO, prq_status(t)), 1);
}

TEST(prq_overflow,
     .id = "vtd.prq.overflow",
     .checks = "VTD-PRQ-012",
     .given = "a full queue, one request more",
     .expects = "PRS.PRO is set, the tail stays, nothing is written",
     .needs = NEEDS_PRQ)
{
	struct prq q;

	overflow(t, &q);
	expect_eq(t, "PRS.PPR of the requests before", fld_get(PRS_PPR, prq_status(t)), 1);
	expect_eq(t, "PQT", prq_tail(t), (q.slots - 1) * PRD_BYTES);
	expect_eq(t, "the last slot", prq_desc(&q, q.slots - 1)[0], UINT64_MAX);
}

/* U-31: a device whose group would wait for ever; as the model has chosen it. */
TEST(prq_overflow_answered,
     .id = "vtd.model.prq.overflow_answered",
     .given = "a full queue, then requests that end a group and that do not, to read, to write, for neither",
     .expects = "those that end a group and want something are answered",
     .needs = NEEDS_PRQ, .flags = TEST_MODEL)
{
	static const struct { bool r, w, last, answered; } rows[] = {
		{ true, false, true, true }, { false, true, true, true }, { true, true, true, true },
		{ true, true, false, false }, { false, false, true, false },
	};
	struct prq q;
	bool has_pasid;
	unsigned code;
	uint32_t pasid;
	uint16_t prgi;

	if (!overflow(t, &q))
		return;
	(void)t->engine->ops->page_response(t->engine, &code, &prgi, &has_pasid, &pasid);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct page_request pr = prq_plain((uint16_t)(0x10 + i));
		enum status s;

		pr.r = rows[i].r;
		pr.w = rows[i].w;
		pr.last = rows[i].last;
		prq_send(t, &pr);
		s = t->engine->ops->page_response(t->engine, &code, &prgi, &has_pasid, &pasid);
		if (!expect_eq(t, "answered", s == OK, rows[i].answered) || (s == OK && !expect_eq(t, "PRGI", prgi, pr.prgi)))
			note(t, "row %u", i);
	}
}

TEST(prq_overflow_drops,
     .id = "vtd.prq.overflow_drops",
     .checks = "VTD-PRQ-013",
     .given = "PRS.PRO = 1, software has consumed all, a request",
     .expects = "it is dropped",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(8);
	struct prq q;

	if (!overflow(t, &q))
		return;
	prq_set_head(t, prq_tail(t));
	prq_send(t, &pr);
	expect_eq(t, "PQT", prq_tail(t), (q.slots - 1) * PRD_BYTES);
	expect_eq(t, "the last slot", prq_desc(&q, q.slots - 1)[0], UINT64_MAX);
}

TEST(prq_overflow_resumes,
     .id = "vtd.prq.overflow_resumes",
     .checks = "VTD-PRQ-014",
     .given = "an overflow, software consumes all and clears PRS.PRO, a request",
     .expects = "it is queued",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(9);
	struct prq q;

	if (!overflow(t, &q))
		return;
	prq_set_head(t, prq_tail(t));
	prq_ack(t, PRS_PRO);
	if (prq_send_queued(t, &q, &pr))
		expect_eq(t, "PRGI in the last slot", fld_get(PRD1_PRGI, prq_desc(&q, q.slots - 1)[1]), 9);
}
