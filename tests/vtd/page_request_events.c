/*
 * Page requests and the rest of the world (VT-d 7.4 to 7.8, 11.4.11): the event, responses, refused requests, drain.
 */
#include "tests/vtd/page_request.h"

#define WAIT_US 1000000u

static const mmio_t *regs(struct test *t)
{
	return &t->bench->vtd->regs;
}

/* ---- the event ---- */

/* Programs the event, masked or not; returns its vector. */
static unsigned event_start(struct test *t, bool masked)
{
	uint64_t address;
	uint32_t data;
	unsigned vector = irq_for(t, &address, &data);

	mmio_wr(regs(t), VTD_PEDATA, data);
	mmio_wr(regs(t), VTD_PEADDR, (uint32_t)address); /* 0xfee..... */
	if (t->bench->vtd->caps.eim)
		mmio_wr(regs(t), VTD_PEUADDR, (uint32_t)shr(address, 32));
	mmio_wr(regs(t), VTD_PECTL, masked ? (uint32_t)PECTL_IM : 0u);
	return vector;
}

/* Messages so far, waiting for the first; a read of a register of the unit pushes those under way. */
static unsigned messages(struct test *t, unsigned vector)
{
	deadline_t d = deadline_in_us(WAIT_US);
	unsigned n;

	do {
		(void)mmio_rd(regs(t), VTD_PECTL);
		n = irq_take(vector);
	} while (!n && !deadline_over(&d));
	return n;
}

/* Messages so far where none is expected. */
static unsigned messages_now(struct test *t, unsigned vector)
{
	(void)mmio_rd(regs(t), VTD_PECTL);
	time_sleep_us(1000);
	return irq_take(vector);
}

TEST(prq_event,
     .id = "vtd.prq.event",
     .checks = "VTD-PRQ-015",
     .given = "IM = 0, PPR = 0, a page request",
     .expects = "one message",
     .needs = NEEDS_PRQ,
     .budget_us = 5000000)
{
	struct page_request pr = prq_plain(1);
	struct prq q;
	unsigned vector;

	prq_start(t, 0, &q);
	vector = event_start(t, false);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "messages", messages(t, vector), 1);
	expect_eq(t, "PECTL.IP", fld_get(PECTL_IP, mmio_rd(regs(t), VTD_PECTL)), 0);
}

TEST(prq_event_once,
     .id = "vtd.prq.event_while_pending",
     .checks = "VTD-PRQ-016",
     .given = "IM = 0, a second request while PPR = 1; then PPR is cleared and a third one comes",
     .expects = "no message for the second, one for the third",
     .needs = NEEDS_PRQ,
     .budget_us = 5000000)
{
	struct page_request pr = prq_plain(1);
	struct prq q;
	unsigned vector;

	prq_start(t, 0, &q);
	vector = event_start(t, false);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "messages for the first", messages(t, vector), 1);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "messages for the second", messages_now(t, vector), 0);
	prq_ack(t, PRS_PPR);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "messages for the third", messages(t, vector), 1);
}

TEST(prq_event_overflow,
     .id = "vtd.prq.event_overflow",
     .checks = "VTD-PRQ-017",
     .given = "a full queue, PPR cleared, IM = 0, one request more",
     .expects = "one message",
     .needs = NEEDS_PRQ,
     .budget_us = 5000000)
{
	struct page_request pr = prq_plain(1);
	struct prq q;
	unsigned vector;

	prq_start(t, 0, &q);
	if (!prq_fill(t, &q, q.slots - 1, false))
		return;
	prq_ack(t, PRS_PPR);
	vector = event_start(t, false);
	expect_eq(t, "messages before", messages_now(t, vector), 0);
	prq_send(t, &pr);
	expect_eq(t, "messages", messages(t, vector), 1);
	expect_eq(t, "PRS", prq_status(t), PRS_PRO);
}

TEST(prq_event_masked,
     .id = "vtd.prq.event_masked",
     .checks = "VTD-PRQ-018 VTD-PRQ-019",
     .given = "IM = 1, a page request; then IM = 0",
     .expects = "no message and IP = 1; then the message, and IP = 0",
     .needs = NEEDS_PRQ,
     .budget_us = 5000000)
{
	struct page_request pr = prq_plain(1);
	struct prq q;
	unsigned vector;

	prq_start(t, 0, &q);
	vector = event_start(t, true);
	prq_send_queued(t, &q, &pr);
	expect_eq(t, "messages while masked", messages_now(t, vector), 0);
	expect_eq(t, "PECTL.IP while masked", fld_get(PECTL_IP, mmio_rd(regs(t), VTD_PECTL)), 1);
	mmio_wr(regs(t), VTD_PECTL, 0u);
	expect_eq(t, "messages", messages(t, vector), 1);
	expect_eq(t, "PECTL.IP", fld_get(PECTL_IP, mmio_rd(regs(t), VTD_PECTL)), 0);
}

/* ---- responses ---- */

struct answer { unsigned code; uint16_t prgi; bool has_pasid; uint32_t pasid; };

static bool answered(struct test *t, struct answer *a)
{
	deadline_t d = deadline_in_us(WAIT_US);
	enum status s;

	do
		s = t->engine->ops->page_response(t->engine, &a->code, &a->prgi, &a->has_pasid, &a->pasid);
	while (s == ERR_NOT_FOUND && !deadline_over(&d));
	return expect_true(t, s == OK, "a response at the device");
}

/* A request, and a response to its group with this code. */
static void respond(struct test *t, struct page_request pr, enum vtd_page_response code)
{
	struct answer a;
	struct prq q;

	prq_start(t, 0, &q);
	/* What may be left of another test. */
	(void)t->engine->ops->page_response(t->engine, &a.code, &a.prgi, &a.has_pasid, &a.pasid);
	if (!prq_send_queued(t, &q, &pr))
		return;
	fx_inv(t, vtd_desc_page_response(q.r->sid, pr.has_pasid, pr.pasid, pr.prgi, code));
	if (!answered(t, &a))
		return;
	expect_eq(t, "response code", a.code, code);
	expect_eq(t, "PRGI", a.prgi, pr.prgi);
	expect_eq(t, "response with PASID", a.has_pasid, pr.has_pasid);
	if (pr.has_pasid)
		expect_eq(t, "PASID", a.pasid, pr.pasid);
}

/* arg: response code. */
static void response_code(struct test *t)
{
	respond(t, prq_plain(0x1a5), (enum vtd_page_response)t->desc->arg);
}

#define RESPONSE(code, id_, row) \
	{ .id = "vtd.prq.response_" id_, .checks = row, .given = "a response with code " #code, .needs = NEEDS_PRQ, \
	  .expects = "it reaches the device with the group's number", .budget_us = 5000000, .arg = (code), \
	  .body = response_code }

TEST_TABLE(prq_response,
	RESPONSE(PGR_SUCCESS, "success", "VTD-PRQ-020"), RESPONSE(PGR_INVALID, "invalid", "VTD-PRQ-021"),
	RESPONSE(PGR_FAILURE, "failure", "VTD-PRQ-022"));

TEST(prq_response_plain,
     .id = "vtd.prq.response_without_pasid",
     .checks = "VTD-PRQ-023",
     .given = "a response with PP = 0",
     .expects = "it reaches the device without PASID",
     .needs = NEEDS_PRQ,
     .budget_us = 5000000)
{
	respond(t, prq_plain(0x0f0), PGR_SUCCESS);
}

TEST(prq_response_pasid,
     .id = "vtd.prq.response_with_pasid",
     .checks = "VTD-PRQ-024",
     .given = "a request with PASID, a response with PP = 1",
     .expects = "it reaches the device with that PASID",
     .needs = NEEDS_PRQ | NEED_PASID | NEED_ENGINE_PASID,
     .budget_us = 5000000)
{
	struct page_request pr = prq_plain(0x0f1);

	pr.has_pasid = true;
	pr.pasid = 0x5a;
	respond(t, pr, PGR_SUCCESS);
}

/* ---- special and refused requests ---- */

TEST(prq_stop_marker,
     .id = "vtd.prq.stop_marker",
     .checks = "VTD-PRQ-025",
     .given = "a stop marker: LPIG = 1, neither read nor write",
     .expects = "a descriptor with LPIG = 1, RDR = WRR = 0",
     .needs = NEEDS_PRQ | NEED_PASID | NEED_ENGINE_PASID)
{
	struct page_request pr = { .iova = IOVA_A, .has_pasid = true, .pasid = 3, .last = true, .prgi = 0 };
	struct prq q;

	if (!(t->bench->vtd->caps.sms))
		skip(t, "ECAP.SMS = 0");
	prq_start(t, 0, &q);
	if (!prq_send_queued(t, &q, &pr))
		return;
	expect_eq(t, "LPIG, RDR, WRR", prq_desc(&q, 0)[1] & (PRD1_LPIG | PRD1_RDR | PRD1_WRR), PRD1_LPIG);
	expect_eq(t, "PASID", fld_get(PRD_PASID, prq_desc(&q, 0)[0]), 3);
}

/* A context entry that refuses page requests: one record of type page request, nothing queued. */
static void refused(struct test *t, uint64_t clear, unsigned reason)
{
	struct page_request pr = prq_plain(2);
	struct vtd_fault f;
	struct prq q;

	prq_start(t, 0, &q);
	if (!prq_send_queued(t, &q, &pr))
		return;
	sm_change(t, q.r->ctx, clear, 0);
	prq_send(t, &pr);
	expect_eq(t, "PQT", prq_tail(t), PRD_BYTES);
	expect_eq(t, "slot 1", prq_desc(&q, 1)[0], UINT64_MAX);
	if (!expect_true(t, vtd_fault_pop(fx_of(t)->u, &f) == OK, "a fault record"))
		return;
	expect_eq(t, "reason", f.fr, reason);
	expect_eq(t, "requester", f.sid, q.r->sid);
	expect_eq(t, "page", f.fi, IOVA_A.v);
	expect_eq(t, "T1", f.t1, 0);
	expect_eq(t, "T2", f.t2, 1);
	expect_no_fault(t);
}

TEST(prq_disabled,
     .id = "vtd.prq.disabled",
     .checks = "VTD-PRQ-026 VTD-SM-CTX-026",
     .given = "PRE = 1, then PRE = 0; a page request",
     .expects = "queued, then not; recorded with reason 47h and T1, T2 = 0, 1",
     .needs = NEEDS_PRQ)
{
	refused(t, SM_CTX_PRE, FR_SCT_8);
}

TEST(prq_context_absent,
     .id = "vtd.prq.context_absent",
     .checks = "VTD-PRQ-027",
     .given = "a page request of a requester whose context entry has P = 0",
     .expects = "recorded with reason 41h, not queued",
     .needs = NEEDS_PRQ)
{
	refused(t, SM_CTX_P, FR_SCT_2);
}

/* ---- drain, caches ---- */

TEST(prq_drain,
     .id = "vtd.prq.drain",
     .checks = "VTD-PRQ-028",
     .given = "eight requests, then a wait with PD = 1 and a status write",
     .expects = "when the status is there, all eight are in the queue",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(1);
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	volatile uint32_t *word = (volatile uint32_t *)(void *)status->p; /* page-aligned */
	deadline_t d = deadline_in_us(WAIT_US);
	struct prq q;
	struct vtd_desc wait;

	if (!t->bench->vtd->caps.pds)
		skip(t, "ECAP.PDS = 0");
	prq_start(t, 0, &q);
	for (unsigned i = 0; i < 8; i++)
		prq_send(t, &pr);
	wait = vtd_desc_wait(WAIT_SW | WAIT_PD | WAIT_FN, 0x5eed, status->pa);
	must(t, vtd_queue_submit(fx_of(t)->u, &wait, 1), "a wait descriptor");
	while (*word != 0x5eed && !deadline_over(&d))
		;
	expect_eq(t, "status", *word, 0x5eed);
	for (uint64_t slot = 0; slot < 8; slot++)
		expect_eq(t, "type of the descriptor", fld_get(PRD_TYPE, prq_desc(&q, slot)[0]), 1);
	expect_eq(t, "PQT", prq_tail(t), 8 * PRD_BYTES);
}

TEST(prq_drops_translation,
     .id = "vtd.prq.drops_translation",
     .checks = "VTD-PRQ-029",
     .given = "a page in use, its paging entry led to another page without invalidation, a page request for it, a response",
     .expects = "DMA reaches the other page",
     .needs = NEEDS_PRQ)
{
	struct page *other = page_filled(t, 0x5a);
	struct page_request pr = prq_plain(4);
	enum dma_outcome o;
	struct prq q;

	prq_start(t, 0, &q);
	expect_allowed(t, IOVA_A, q.page);
	fx_map(t, q.r, IOVA_A, other->pa, 1, PERM_RW, 0);
	if (!prq_send_queued(t, &q, &pr))
		return;
	fx_inv(t, vtd_desc_page_response(q.r->sid, false, 0, pr.prgi, PGR_SUCCESS));
	o = try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), other, 0);
	observe(t, "%s", o == DMA_DONE ? "the new page is reached" : "the old page is reached");
	fx_faults_drop(t);
}

TEST(prq_record_at,
     .id = "vtd.prq.unsure.record_at",
     .given = "PRE = 0, a page request",
     .expects = "a record; what its AT holds is open",
     .needs = NEEDS_PRQ)
{
	struct page_request pr = prq_plain(0);
	struct vtd_fault f;
	struct prq q;

	prq_start(t, 0, &q);
	sm_change(t, q.r->ctx, SM_CTX_PRE, 0);
	prq_send(t, &pr);
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		fail(t, "a fault record", "no fault record");
		return;
	}
	expect_eq(t, "reason", f.fr, FR_SCT_8);
	observe(t, "AT %u", f.at);
	fx_faults_drop(t);
}
