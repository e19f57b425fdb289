/*
 * The invalidation queue at work: waits, their status and their event, order, wrap-around (VT-d 6.5.2, 11.4.9).
 */
#include "tests/vtd/queue_words.h"
#include <string.h>

#define FILL 0xa5

static uint32_t load(const struct page *p, uint64_t off)
{
	return *(volatile uint32_t *)(void *)(p->p + off); /* page-aligned, off of a doubleword */
}

static uint64_t head(struct test *t)
{
	return mmio_rd(&fx_of(t)->u->regs, VTD_IQH);
}

TEST(wait_status,
     .id = "vtd.qi.wait.status", .checks = "VTD-QI-001 VTD-QI-002",
     .given = "waits with SW=1 to first, middle and last doublewords of a page",
     .expects = "the data are written there, and nothing else changes", .needs = NEED_VTD | NEED_QI)
{
	static const uint64_t offs[] = { 0, 4, 0x104, 0x7f8, 0xffc };
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	fx_start(t, FX_LEGACY);
	for (unsigned i = 0; i < ARRAY_LEN(offs); i++) {
		uint32_t data = 0x12345600 + i;
		unsigned other = 0;

		memset(p->p, FILL, PAGE_BYTES);
		fx_inv(t, vtd_desc_wait(WAIT_SW, data, pa_add(p->pa, offs[i])));
		expect_eq(t, "status", load(p, offs[i]), data);
		for (unsigned k = 0; k < PAGE_BYTES; k++)
			other += (k < offs[i] || k >= offs[i] + 4) && p->p[k] != FILL;
		expect_eq(t, "other bytes that changed", other, 0);
	}
}

TEST(wait_order,
     .id = "vtd.qi.wait.order", .checks = "VTD-QI-075", .given = "a wait, then one with FN=1, each with its status",
     .expects = "once the second status is there, the first is", .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	fx_start(t, FX_LEGACY);
	for (uint32_t i = 1; i <= 64; i++) {
		struct vtd_desc two[] = {
			vtd_desc_wait(WAIT_SW | WAIT_FN, i, p->pa),
			vtd_desc_wait(WAIT_SW | WAIT_FN, i, pa_add(p->pa, 0x100)),
		};

		must(t, vtd_queue_submit(fx_of(t)->u, two, 2), "submitting two waits");
		if (!expect_true(t, becomes((volatile uint32_t *)(void *)(p->p + 0x100), i),
				 "the second status is written") ||
		    !expect_eq(t, "first status when the second is there", load(p, 0), i))
			return;
	}
	/* Two writes to one place: the later one stays. */
	fx_inv(t, vtd_desc_wait(WAIT_SW | WAIT_FN, 1, p->pa));
	fx_inv(t, vtd_desc_wait(WAIT_SW | WAIT_FN, 2, p->pa));
	expect_eq(t, "status of the later wait", load(p, 0), 2);
}

/* ---- completion event ---- */

/* Events to a vector of ours; masked: IM stays 1. */
static unsigned event_vector(struct test *t, bool masked)
{
	const mmio_t *m = &fx_of(t)->u->regs;
	uint64_t address;
	uint32_t data;
	unsigned v = irq_for(t, &address, &data);

	mmio_wr(m, VTD_IEDATA, data);
	mmio_wr(m, VTD_IEADDR, (uint32_t)fld_get(BITS(31, 0), address));
	if (fx_of(t)->u->caps.eim)
		mmio_wr(m, VTD_IEUADDR, (uint32_t)fld_get(BITS(63, 32), address));
	mmio_wr(m, VTD_IECTL, masked ? (uint32_t)IECTL_IM : 0u);
	return v;
}

static uint32_t iwc(struct test *t)
{
	return mmio_rd(&fx_of(t)->u->regs, VTD_ICS) & ICS_IWC;
}

TEST(wait_if,
     .id = "vtd.qi.wait.iwc", .checks = "VTD-QI-003", .given = "a wait with IF=1", .expects = "IWC = 1",
     .needs = NEED_VTD | NEED_QI)
{
	fx_start(t, FX_LEGACY);
	fx_inv(t, vtd_desc_wait(WAIT_SW, 0, page_alloc(t, PAGE_BYTES, 0)->pa));
	expect_eq(t, "ICS.IWC after a wait without IF", iwc(t), 0);
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	expect_eq(t, "ICS.IWC after a wait with IF", iwc(t), ICS_IWC);
}

/* An emulator is known to abort here. */
TEST(wait_if_and_sw,
     .id = "vtd.qi.wait.status_and_iwc", .checks = "VTD-QI-004",
     .given = "waits with IF=1 and SW=1, IWC cleared before",
     .expects = "both happen, and the status is there when IWC is", .flags = TEST_LAST, .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	const mmio_t *m;

	fx_start(t, FX_LEGACY);
	m = &fx_of(t)->u->regs;
	for (uint32_t i = 1; i <= 16; i++) {
		struct vtd_desc d = vtd_desc_wait(WAIT_IF | WAIT_SW, i, p->pa);

		mmio_ack(m, VTD_ICS, ICS_IWC);
		must(t, vtd_queue_submit(fx_of(t)->u, &d, 1), "submitting a wait");
		if (!expect_true(t, reg_becomes(t, (reg32_t){ VTD_ICS.off }, ICS_IWC, true),
				 "ICS.IWC = 1 after IF and SW") ||
		    !expect_eq(t, "status when IWC = 1", load(p, 0), i))
			return;
	}
	expect_true(t, vtd_queue_wait(fx_of(t)->u) == OK, "the queue goes on");
}

/* Messages of the vector until one has come or a second has passed. */
static unsigned messages(unsigned vector)
{
	deadline_t d = deadline_in_us(1000000);
	unsigned n = 0;

	while (!n && !deadline_over(&d))
		n += irq_take(vector);
	return n;
}

/* After a read of a register, which messages do not overtake (VT-d 11.4.9.5), and some time. */
static unsigned messages_late(struct test *t, unsigned vector)
{
	(void)mmio_rd(&fx_of(t)->u->regs, VTD_IECTL);
	time_sleep_us(2000);
	return irq_take(vector);
}

TEST(wait_event_once,
     .id = "vtd.qi.event.once", .checks = "VTD-QI-006",
     .given = "IM=0; two waits with IF=1, IWC not cleared between them",
     .expects = "one message; another after IWC is cleared", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	unsigned v;

	fx_start(t, FX_LEGACY);
	v = event_vector(t, false);
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	if (!expect_eq(t, "messages of the first wait", messages(v), 1))
		return;
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	expect_eq(t, "messages of a wait while IWC = 1", messages_late(t, v), 0);
	mmio_ack(&fx_of(t)->u->regs, VTD_ICS, ICS_IWC);
	expect_eq(t, "messages when IWC is cleared", messages_late(t, v), 0);
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	expect_eq(t, "messages of a wait after IWC was cleared", messages(v), 1);
}

TEST(wait_event_masked,
     .id = "vtd.qi.event.masked", .checks = "VTD-QI-007 VTD-QI-008", .given = "IM=1, a wait with IF=1, then IM=0",
     .expects = "IP=1 and no message; then the message, and IP=0", .budget_us = 3000000, .needs = NEED_VTD | NEED_QI)
{
	const mmio_t *m;
	unsigned v;

	fx_start(t, FX_LEGACY);
	m = &fx_of(t)->u->regs;
	v = event_vector(t, true);
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	expect_eq(t, "IECTL.IP while masked", mmio_rd(m, VTD_IECTL) & IECTL_IP, IECTL_IP);
	expect_eq(t, "messages while masked", messages_late(t, v), 0);
	mmio_wr(m, VTD_IECTL, 0u);
	expect_eq(t, "messages after unmasking", messages(v), 1);
	expect_eq(t, "IECTL.IP after unmasking", mmio_rd(m, VTD_IECTL) & IECTL_IP, 0);
}

TEST(wait_event_withdrawn,
     .id = "vtd.qi.event.withdrawn", .checks = "VTD-QI-009", .given = "IM=1, IP=1, then IWC is cleared, then IM=0",
     .expects = "IP=0, and no message", .needs = NEED_VTD | NEED_QI)
{
	const mmio_t *m;
	unsigned v;

	fx_start(t, FX_LEGACY);
	m = &fx_of(t)->u->regs;
	v = event_vector(t, true);
	fx_inv(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	if (!expect_eq(t, "IECTL.IP while masked", mmio_rd(m, VTD_IECTL) & IECTL_IP, IECTL_IP))
		return;
	mmio_ack(m, VTD_ICS, ICS_IWC);
	expect_eq(t, "IECTL.IP after IWC was cleared", mmio_rd(m, VTD_IECTL) & IECTL_IP, 0);
	mmio_wr(m, VTD_IECTL, 0u);
	expect_eq(t, "messages", messages_late(t, v), 0);
}

/* ---- head and tail ---- */

TEST(head_meets_tail,
     .id = "vtd.qi.head_meets_tail", .checks = "VTD-QI-010 VTD-QI-076",
     .given = "as many descriptors as the queue holds at once, all but one slot",
     .expects = "all are processed, IQH = IQT", .needs = NEED_VTD | NEED_QI)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	struct vtd_desc all[255];
	struct vtd_unit *u;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		all[i] = vtd_desc_wait(WAIT_SW, i + 1, pa_add(p->pa, 4 * (uint64_t)i));
	must(t, vtd_queue_submit(u, all, ARRAY_LEN(all)), "submitting as much as there is room for");
	expect_true(t, becomes((volatile uint32_t *)(void *)(p->p + 4 * 254), 255), "the last one is processed");
	expect_true(t, vtd_queue_wait(u) == OK, "a wait behind them completes");
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (!expect_eq(t, "status of each", load(p, 4 * (uint64_t)i), i + 1))
			return;
	expect_eq(t, "IQH", head(t), mmio_rd(&u->regs, VTD_IQT));
}

/* Fills the ring of a queue with waits that number their slots, and goes round once. */
static bool round_trip(struct test *t, struct page *status, unsigned log2_pages)
{
	struct vtd_unit *u = fx_of(t)->u;
	volatile uint32_t *seen = (volatile uint32_t *)(void *)status->p; /* page-aligned */
	uint32_t slots;
	bool good;

	must(t, vtd_queue_disable(u), "disabling the queue");
	must(t, vtd_queue_enable(u, log2_pages, false), "enabling the queue");
	slots = (uint32_t)(u->queue.ring.bytes / 16);
	for (uint32_t i = 0; i < slots; i++) {
		struct vtd_desc d = vtd_desc_wait(WAIT_SW | WAIT_FN, i + 1, status->pa);

		ring_put(&u->queue.ring, 16 * i, d.q);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mmio_wr(&u->regs, VTD_IQT, (uint64_t)16 * (slots - 1));
	good = expect_true(t, becomes(seen, slots - 1), "all slots but the last are processed");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	good &= expect_true(t, becomes(seen, slots), "the last slot is processed");
	good &= expect_eq(t, "IQH after the last slot", head(t), 0);
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(16));
	good &= expect_true(t, becomes(seen, 1), "the first slot is processed again");
	good &= expect_eq(t, "IQH after the first slot", head(t), 16);
	u->queue.tail = 16;
	if (!good)
		note(t, "with QS = %u", log2_pages);
	return good;
}

TEST(queue_wraps,
     .id = "vtd.qi.wraps", .checks = "VTD-QI-011 VTD-QI-077",
     .given = "QS = 0, every slot filled, the tail moved round",
     .expects = "processing continues at offset 0", .needs = NEED_VTD | NEED_QI)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);

	fx_start(t, FX_LEGACY);
	round_trip(t, status, 0);
}

TEST(queue_sizes,
     .id = "vtd.qi.sizes", .checks = "VTD-QI-012", .given = "QS = 0 to 7, every slot filled, the tail moved round",
     .expects = "the queue has 4 KiB * 2^QS", .budget_us = 5000000, .needs = NEED_VTD | NEED_QI)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);

	fx_start(t, FX_LEGACY);
	for (unsigned qs = 0; qs < 8; qs++)
		if (!round_trip(t, status, qs))
			return;
}

TEST(queue_wide,
     .id = "vtd.qi.wide_stride", .checks = "VTD-QI-013 VTD-QI-014",
     .given = "a 256-bit queue, waits one by one, once round",
     .expects = "IQH moves by 32, bit 4 stays 0", .needs = NEED_VTD | NEED_QI | NEED_SM)
{
	struct page *status = page_alloc(t, PAGE_BYTES, 0);
	uint64_t before;
	struct vtd_unit *u;

	fx_start(t, FX_SM_SS);
	u = fx_of(t)->u;
	before = head(t);
	for (unsigned i = 1; i <= 2 * PAGE_BYTES / 32; i++) {
		struct vtd_desc d = vtd_desc_wait(WAIT_SW, i, status->pa);

		must(t, vtd_queue_submit(u, &d, 1), "submitting a wait");
		if (!expect_true(t, becomes((volatile uint32_t *)(void *)status->p, i), "the wait is processed") ||
		    !expect_eq(t, "IQH", head(t), (before + 32) % PAGE_BYTES))
			return;
		before = head(t);
	}
}

TEST(tail_while_off,
     .id = "vtd.qi.tail_while_off", .checks = "VTD-QI-072",
     .given = "QIES = 0, a wait in the ring, IQT moved behind it",
     .expects = "nothing is processed, IQH = 0; with QIES = 1 it is", .needs = NEED_VTD | NEED_QI)
{
	struct page *ring = page_alloc(t, PAGE_BYTES, 0), *status = page_filled(t, 0);
	struct vtd_desc d = vtd_desc_wait(WAIT_SW, 1, status->pa);
	struct vtd_unit *u;

	fx_start(t, FX_LEGACY);
	u = fx_of(t)->u;
	must(t, vtd_queue_disable(u), "disabling the queue");
	memcpy(ring->p, d.q, 16);
	mmio_wr(&u->regs, VTD_IQA, ring->pa.v);
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(16));
	time_sleep_us(2000);
	expect_eq(t, "IQH while QIES = 0", head(t), 0);
	expect_eq(t, "status while QIES = 0", load(status, 0), 0);
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(0));
	must(t, vtd_gcmd_set(u, GCMD_QIE), "enabling the queue");
	mmio_wr(&u->regs, VTD_IQT, UINT64_C(16));
	expect_true(t, becomes((volatile uint32_t *)(void *)status->p, 1), "the wait is processed once QIES = 1");
	must(t, vtd_gcmd_clear(u, GCMD_QIE), "disabling the queue");
}

TEST(translation_off,
     .id = "vtd.qi.translation_off", .checks = "VTD-QI-073", .given = "TES = 0, invalidations and a wait",
     .expects = "all are processed", .needs = NEED_VTD | NEED_QI)
{
	fx_prepare(t, FX_LEGACY);
	expect_accepted(t, vtd_desc_cc_global());
	expect_accepted(t, vtd_desc_iotlb_global(false));
	expect_accepted(t, vtd_desc_wait(WAIT_IF, 0, PA(0)));
	expect_true(t, !vtd_gsts(fx_of(t)->u, GSTS_TES), "GSTS.TES = 0 all the time");
}
