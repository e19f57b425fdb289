/*
 * What stops the invalidation queue besides a bad descriptor, and what a stopped queue does (VT-d 6.5.2, 7.3.1).
 */
#include "tests/vtd/queue_words.h"

static const struct vtd_desc bad = { .q = { 0 } }; /* type 0 */

static uint32_t load(const struct page *p)
{
	return *(volatile uint32_t *)(void *)p->p; /* page-aligned */
}

/*
 * Stopped at what was written to registers, not at a descriptor. tells: queue_tells_causes() before that. done, if not
 * NULL: becomes 1 when the queue goes on instead.
 */
static bool expect_stopped(struct test *t, bool tells, enum vtd_iqei a, enum vtd_iqei b, const volatile uint32_t *done)
{
	deadline_t d = deadline_in_us(1000000);
	struct vtd_unit *u = fx_of(t)->u;
	uint64_t seen;

	while (!(mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE) && !(done && *done) && !deadline_over(&d))
		;
	if (!(mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE)) {
		fail(t, "the queue stops with FSTS.IQE", "it does not");
		return false;
	}
	seen = fld_get(IQERCD_IQEI, mmio_rd(&u->regs, VTD_IQERCD));
	if (seen == a || seen == b || (seen == IQEI_NONE && !tells))
		return true;
	return expect_eq(t, "IQERCD.IQEI", seen, a);
}

/* ---- the tail ---- */

TEST(tail_range,
     .id = "vtd.qi.error.tail_range", .checks = "VTD-QI-060", .given = "QS = 0, IQT at the end of the queue",
     .expects = "IQE, IQEI 1", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u;
	bool tells;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	tells = queue_tells_causes(t);
	expect_accepted(t, vtd_desc_iotlb_global(false));
	mmio_wr(&u->regs, VTD_IQT, (uint64_t)PAGE_BYTES);
	expect_stopped(t, tells, IQEI_TAIL_RANGE, IQEI_TAIL_RANGE, NULL);
	must(t, vtd_queue_recover(u), "restarting the queue");
}

TEST(tail_align,
     .id = "vtd.qi.error.tail_align", .checks = "VTD-QI-061", .given = "DW = 1, IQT with bit 4 set",
     .expects = "IQE, IQEI 6", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI | NEED_SM)
{
	struct vtd_unit *u;
	bool tells;

	fx_start(t, FX_SM_SS);
	u = fx_of(t)->u;
	tells = queue_tells_causes(t);
	expect_accepted(t, vtd_desc_iotlb_global(false));
	mmio_wr(&u->regs, VTD_IQT, u->queue.tail + 16);
	expect_stopped(t, tells, IQEI_TAIL_ALIGN, IQEI_TAIL_ALIGN, NULL);
	must(t, vtd_queue_recover(u), "restarting the queue");
}

/* ---- the queue itself ---- */

/* An emulator does not let go of a queue that it could never process: last. */
TEST(queue_unbacked,
     .id = "vtd.qi.error.unbacked", .checks = "VTD-QI-062", .given = "IQA where no memory answers, then one descriptor",
     .expects = "IQE, IQEI 2", .flags = TEST_LAST, .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	struct vtd_unit *u;
	uint64_t patience_us;
	bool tells;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	tells = queue_tells_causes(t);
	expect_accepted(t, vtd_desc_iotlb_global(false));
	must(t, vtd_queue_disable(u), "disabling the queue");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	mmio_wr(&u->regs, VTD_IQA, page_unbacked(t).v);
	must(t, vtd_gcmd_set(u, GCMD_QIE), "enabling the queue");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(16));
	expect_stopped(t, tells, IQEI_FETCH, IQEI_FETCH, NULL);
	expect_eq(t, "IQH", mmio_rd(&u->regs, VTD_IQH), 0);
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	mmio_ack(&u->regs, VTD_FSTS, FSTS_IQE);
	patience_us = u->wait_us;
	u->wait_us = 20000; /* no verdict rests on it */
	if (vtd_gcmd_clear(u, GCMD_QIE) != OK)
		log_line("the unit keeps a queue on that it cannot read");
	u->wait_us = patience_us;
}

/* A wait submitted while the root table has another mode than the queue is made for; the mode is set right again. */
static void in_mode(struct test *t, enum vtd_ttm ttm, enum vtd_iqei a, enum vtd_iqei b)
{
	struct vtd_unit *u = fx_of(t)->u;
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	struct vtd_desc w = vtd_desc_wait(WAIT_SW, 1, status->pa);
	bool tells = queue_tells_causes(t);

	expect_accepted(t, w);
	*(volatile uint32_t *)(void *)status->p = 0; /* page-aligned */
	must(t, vtd_srtp(u, fx_of(t)->root_pa, ttm), "setting the root table");
	must(t, vtd_queue_submit(u, &w, 1), "submitting a wait");
	if (expect_stopped(t, tells, a, b, (volatile uint32_t *)(void *)status->p))
		expect_eq(t, "status of a wait that was not processed", load(status), 0);
	must(t, vtd_srtp(u, fx_of(t)->root_pa, TTM_LEGACY), "setting the root table");
	must(t, vtd_queue_recover(u), "restarting the queue");
}

TEST(mode_reserved,
     .id = "vtd.qi.error.mode_reserved", .checks = "VTD-QI-064", .given = "TTM = 10, then a descriptor",
     .expects = "IQE, IQEI 7", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	fx_prepare(t, FX_LEGACY);
	in_mode(t, TTM_RESERVED, IQEI_TTM, IQEI_TTM);
}

TEST(mode_scalable_narrow,
     .id = "vtd.qi.error.narrow_in_scalable", .checks = "VTD-QI-063",
     .given = "TTM = 01, a 128-bit queue, a descriptor",
     .expects = "IQE, IQEI 5 or 3", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI | NEED_SM)
{
	fx_prepare(t, FX_LEGACY);
	in_mode(t, TTM_SCALABLE, IQEI_WIDTH, IQEI_TYPE);
}

/* ---- a stopped queue ---- */

/* Good, bad, good, each good one with a status of its own; the queue is stopped at the bad one. */
static struct page *stop_between(struct test *t)
{
	struct page *p = page_filled(t, 0);
	struct vtd_desc d[] = { vtd_desc_wait(WAIT_SW, 1, p->pa), bad, vtd_desc_wait(WAIT_SW, 2, pa_add(p->pa, 4)) };

	fx_start(t, FX_LEGACY);
	must(t, vtd_queue_submit(fx_of(t)->u, d, 3), "submitting three descriptors");
	if (!reg_becomes(t, (reg32_t){ VTD_FSTS.off }, FSTS_IQE, true)) {
		fail(t, "the queue stops with FSTS.IQE", "it does not");
		skip(t, "the queue does not stop");
	}
	return p;
}

static uint32_t later(const struct page *p)
{
	return ((volatile uint32_t *)(void *)p->p)[1]; /* page-aligned */
}

TEST(stopped,
     .id = "vtd.qi.stopped.order", .checks = "VTD-QI-065 VTD-QI-066 VTD-QI-068",
     .given = "a wait, a descriptor of type 0, another wait, submitted at once",
     .expects = "the first wait is done, IQH stays at the second descriptor, the third is not processed",
     .needs = NEED_VTD | NEED_QI)
{
	struct page *p = stop_between(t);
	uint64_t at;

	at = mmio_rd(&fx_of(t)->u->regs, VTD_IQT) - 32;
	expect_eq(t, "IQH, relative to the bad descriptor", mmio_rd(&fx_of(t)->u->regs, VTD_IQH) - at, 0);
	expect_eq(t, "status of the wait before it", load(p), 1);
	time_sleep_us(2000);
	expect_eq(t, "status of the wait behind it", later(p), 0);
	must(t, vtd_queue_recover(fx_of(t)->u), "restarting the queue");
}

TEST(resumed,
     .id = "vtd.qi.stopped.resumes", .checks = "VTD-QI-067",
     .given = "stopped at a bad descriptor, which is then replaced by a good one; IQE is cleared",
     .expects = "fetching resumes: the wait behind it is processed", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	struct page *p = stop_between(t);
	struct vtd_unit *u = fx_of(t)->u;
	struct vtd_desc good = vtd_desc_wait(WAIT_SW, 3, pa_add(p->pa, 8));
	uint64_t *slot = ring_slot(&u->queue.ring, u->queue.tail - 32);

	slot[0] = good.q[0];
	slot[1] = good.q[1];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_ack(&u->regs, VTD_FSTS, FSTS_IQE);
	expect_true(t, becomes((volatile uint32_t *)(void *)(p->p + 4), 2), "the wait behind it is processed");
	must(t, vtd_queue_recover(u), "restarting the queue");
}

TEST(cause,
     .id = "vtd.qi.stopped.cause", .checks = "VTD-QI-069", .given = "stopped at type 0, then at a reserved bit",
     .expects = "IQERCD.IQEI is 3, then 4", .needs = NEED_VTD | NEED_QI)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct vtd_desc reserved = vtd_desc_iotlb_global(false);
	enum vtd_iqei first = IQEI_NONE, second = IQEI_NONE;

	fx_start(t, FX_LEGACY);
	reserved.q[0] |= BIT(8);
	expect_true(t, queue_stops(t, bad, &first), "the queue stops at type 0");
	expect_true(t, queue_stops(t, reserved, &second), "the queue stops at a reserved bit");
	/* Cause 0 is that of hardware older than IQERCD, which certainly no unit with these capabilities is. */
	if (first == IQEI_NONE && second == IQEI_NONE && !c->pms && !c->ecmds)
		skip(t, "IQERCD gives no causes (a unit older than it)");
	expect_eq(t, "IQERCD.IQEI at type 0", first, IQEI_TYPE);
	expect_eq(t, "IQERCD.IQEI at a reserved bit", second, IQEI_RESERVED);
}

TEST(stop_event,
     .id = "vtd.qi.stopped.event", .checks = "VTD-QI-070 VTD-QI-071", .given = "FECTL.IM = 0, then a bad descriptor",
     .expects = "one fault event message; PPF = 0", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	deadline_t d = deadline_in_us(1000000);
	struct vtd_unit *u;
	uint64_t address;
	unsigned v, n = 0;
	uint32_t data;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	v = irq_for(t, &address, &data);
	mmio_wr(&u->regs, VTD_FEDATA, data);
	mmio_wr(&u->regs, VTD_FEADDR, (uint32_t)fld_get(BITS(31, 0), address));
	if (u->caps.eim)
		mmio_wr(&u->regs, VTD_FEUADDR, (uint32_t)fld_get(BITS(63, 32), address));
	mmio_wr(&u->regs, VTD_FECTL, 0u);
	expect_accepted(t, vtd_desc_iotlb_global(false));
	expect_eq(t, "fault events before", irq_take(v), 0);
	must(t, vtd_queue_submit(u, &bad, 1), "submitting a descriptor");
	while (!n && !deadline_over(&d))
		n += irq_take(v);
	expect_eq(t, "fault events", n, 1);
	expect_eq(t, "FSTS.IQE", mmio_rd(&u->regs, VTD_FSTS) & FSTS_IQE, FSTS_IQE);
	expect_eq(t, "FSTS.PPF", mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF, 0);
	must(t, vtd_queue_recover(u), "restarting the queue");
}

/* ---- where the sheet allows several outcomes ---- */

static void either_way(struct test *t, struct vtd_desc d)
{
	enum vtd_iqei iqei;

	fx_start(t, FX_LEGACY);
	expect_accepted(t, vtd_desc_iotlb_global(false));
	if (queue_stops(t, d, &iqei))
		observe(t, "IQE, IQEI %u", iqei);
	else
		observe(t, "accepted");
	expect_accepted(t, vtd_desc_iotlb_global(false));
}

TEST(device_tlb_absent,
     .id = "vtd.qi.unsure.device_tlb_absent", .checks = "VTD-QI-034", .given = "a Device-TLB descriptor with DT = 0",
     .expects = "IQE, or ignored", .needs = NEED_VTD | NEED_QI)
{
	if (t->bench->vtd->caps.dt)
		skip(t, "ECAP.DT = 1");
	either_way(t, (struct vtd_desc){ .q = { FLD(DESC_TYPE, DESC_DEV_TLB) } });
}

TEST(response_absent,
     .id = "vtd.qi.unsure.page_response_absent",
     .given = "a page-group response in a 256-bit queue with PRS = 0", .expects = "IQE, or ignored",
     .needs = NEED_VTD | NEED_QI | NEED_SM)
{
	enum vtd_iqei iqei = IQEI_NONE;

	if (t->bench->vtd->caps.prs)
		skip(t, "ECAP.PRS = 1");
	if (!t->bench->vtd->caps.ssts && !t->bench->vtd->caps.fsts)
		skip(t, "ECAP.SSTS = FSTS = 0");
	fx_start(t, t->bench->vtd->caps.ssts ? FX_SM_SS : FX_SM_FS);
	if (queue_stops(t, vtd_desc_page_response(t->bench->engines[0].dev->addr.sid, false, 0, 0, PGR_SUCCESS), &iqei))
		observe(t, "IQE, IQEI %u", iqei);
	else
		observe(t, "accepted");
}

TEST(iec_absent,
     .id = "vtd.qi.unsure.iec_absent", .checks = "VTD-QI-035", .given = "an interrupt-entry descriptor with IR = 0",
     .expects = "IQE, or ignored", .needs = NEED_VTD | NEED_QI)
{
	if (t->bench->vtd->caps.ir)
		skip(t, "ECAP.IR = 1");
	either_way(t, vtd_desc_iec_global());
}

TEST(wait_for_nothing,
     .id = "vtd.qi.unsure.wait_for_nothing", .checks = "VTD-QI-050", .given = "a wait with IF = SW = FN = 0",
     .expects = "accepted, or IQE", .needs = NEED_VTD | NEED_QI)
{
	either_way(t, vtd_desc_wait(0, 0, PA(0)));
}

TEST(am_above_mamv,
     .id = "vtd.qi.unsure.am_above_mamv", .checks = "VTD-QI-042", .given = "IOTLB page invalidation, AM above MAMV",
     .expects = "IQE", .needs = NEED_VTD | NEED_QI)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	enum vtd_iqei iqei = IQEI_NONE;

	if (!c->psi)
		skip(t, "CAP.PSI = 0");
	if (c->mamv == 63)
		skip(t, "CAP.MAMV = 63");
	fx_start(t, FX_LEGACY);
	expect_accepted(t, vtd_desc_iotlb_page(1, IOVA(0), c->mamv, false, false));
	for (unsigned am = c->mamv + 1; am < 64; am++)
		if (!expect_true(t, queue_stops(t, vtd_desc_iotlb_page(1, IOVA(0), am, false, false), &iqei),
				 "FSTS.IQE = 1 with AM above MAMV"))
			return;
	observe(t, "IQE, IQEI %u", iqei);
}
