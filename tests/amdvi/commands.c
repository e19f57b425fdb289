/*
 * The command buffer (AMD IOMMU 2.4, 2.4.1): COMPLETION_WAIT, the ring and its pointers.
 */
#include "tests/amdvi/fixture.h"
#include <string.h>

#define PATTERN UINT64_C(0x0123456789abcdef)

/* A page to store into, filled with something else. */
static struct page *target(struct test *t)
{
	return page_filled(t, 0xa5);
}

static uint64_t *word_at(struct page *p, uint64_t off)
{
	return (uint64_t *)(void *)(p->p + off); /* 8-byte aligned */
}

static uint64_t stored(struct page *p, uint64_t off)
{
	return __atomic_load_n(word_at(p, off), __ATOMIC_ACQUIRE);
}

static struct amdvi_cmd store_cmd(struct page *p, uint64_t off, uint64_t data)
{
	return amdvi_cmd_completion_wait(CW_S, pa_add(p->pa, off), data);
}

/* Until the unit has fetched all, at most a wait's time. */
static bool drained(struct test *t)
{
	struct amdvi_unit *u = ax_of(t)->u;
	deadline_t d = deadline_in_us(u->wait_us);

	while ((mmio_rd(&u->regs, AMDVI_CMD_HEAD) & RING_PTR) != (mmio_rd(&u->regs, AMDVI_CMD_TAIL) & RING_PTR))
		if (deadline_over(&d))
			return false;
	return true;
}

/* ---- COMPLETION_WAIT ---- */

TEST(cw_eight_bytes, .id = "amdvi.cmd.cw.eight_bytes", .checks = "AMD-CMD-001 AMD-CMD-002",
     .given = "COMPLETION_WAIT with S = 1", .expects = "the data are stored, the words beside them stay",
     .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	uint64_t before = stored(p, 0);

	ax_start(t, NULL);
	ax_cmd(t, store_cmd(p, 64, PATTERN));
	expect_eq(t, "the word stored", stored(p, 64), PATTERN);
	expect_eq(t, "the word before", stored(p, 56), before);
	expect_eq(t, "the word behind", stored(p, 72), before);
}

TEST(cw_no_store, .id = "amdvi.cmd.cw.no_store", .checks = "AMD-CMD-003", .given = "COMPLETION_WAIT with S = 0",
     .expects = "nothing is stored, the head advances", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	uint64_t before = stored(p, 64);
	struct amdvi_cmd c = store_cmd(p, 64, PATTERN);

	ax_start(t, NULL);
	c.q[0] &= ~CW_S;
	ax_cmd(t, c);
	expect_eq(t, "the word", stored(p, 64), before);
	expect_true(t, drained(t), "head = tail");
	c.q[0] |= CW_S; /* the same command does store */
	ax_cmd(t, c);
	expect_eq(t, "the word stored", stored(p, 64), PATTERN);
}

TEST(cw_everywhere, .id = "amdvi.cmd.cw.every_word", .checks = "AMD-CMD-005",
     .given = "COMPLETION_WAIT to each word of a page", .expects = "each is stored", .needs = NEED_AMDVI)
{
	struct page *p = target(t);

	ax_start(t, NULL);
	for (uint64_t off = 0; off < PAGE_BYTES; off += 8) {
		struct amdvi_cmd c = store_cmd(p, off, PATTERN + off);

		must(t, amdvi_submit(ax_of(t)->u, &c, 1), "a command");
		if (off % 1024 == 1016)
			must(t, amdvi_wait(ax_of(t)->u), "a wait");
	}
	for (uint64_t off = 0; off < PAGE_BYTES; off += 8)
		if (!expect_eq(t, "the word stored", stored(p, off), PATTERN + off))
			return;
}

TEST(cw_order, .id = "amdvi.cmd.cw.order", .checks = "AMD-CMD-006",
     .given = "a hundred stores of rising data to one word",
     .expects = "the word never falls, and ends with the last", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;
	deadline_t d = deadline_in_us(u->wait_us);
	uint64_t last = 0;

	*word_at(p, 0) = 0;
	for (uint64_t i = 1; i <= 100; i++) {
		struct amdvi_cmd c = store_cmd(p, 0, i);

		must(t, amdvi_submit(u, &c, 1), "a command");
	}
	while (last != 100 && !deadline_over(&d)) {
		uint64_t now = stored(p, 0);

		if (now < last)
			fail(t, "rising data", "a smaller value after a larger one");
		last = now;
	}
	expect_eq(t, "the last store", last, 100);
}

static void com_wait_int(struct test *t)
{
	struct amdvi_unit *u = ax_start(t, NULL)->u;

	mmio_ack(&u->regs, AMDVI_STATUS, ST_COM_WAIT_INT);
	ax_cmd(t, amdvi_cmd_completion_wait(t->desc->arg ? CW_I : 0, PA(0), 0));
	expect_eq(t, "ComWaitInt", !!(amdvi_status(u) & ST_COM_WAIT_INT), t->desc->arg);
}

TEST_TABLE(cw_int,
	{ .id = "amdvi.cmd.cw.i1_status", .checks = "AMD-CMD-007", .given = "COMPLETION_WAIT with I = 1",
	  .expects = "ComWaitInt is set", .needs = NEED_AMDVI, .arg = 1, .body = com_wait_int },
	{ .id = "amdvi.cmd.cw.i0_status", .checks = "AMD-CMD-008", .given = "COMPLETION_WAIT with I = 0",
	  .expects = "ComWaitInt stays 0", .needs = NEED_AMDVI, .arg = 0, .body = com_wait_int });

TEST(cw_both, .id = "amdvi.cmd.cw.s_and_i", .checks = "AMD-CMD-012", .given = "COMPLETION_WAIT with S = 1 and I = 1",
     .expects = "the store, and ComWaitInt", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;

	mmio_ack(&u->regs, AMDVI_STATUS, ST_COM_WAIT_INT);
	ax_cmd(t, amdvi_cmd_completion_wait(CW_S | CW_I, p->pa, PATTERN));
	expect_eq(t, "the word stored", stored(p, 0), PATTERN);
	expect_eq(t, "ComWaitInt", !!(amdvi_status(u) & ST_COM_WAIT_INT), 1);
}

TEST(cw_flush, .id = "amdvi.cmd.cw.f", .checks = "AMD-CMD-013", .given = "COMPLETION_WAIT with F = 1, others behind it",
     .expects = "all complete", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_cmd cmds[2];

	ax_start(t, NULL);
	cmds[0] = store_cmd(p, 0, 1);
	cmds[0].q[0] |= CW_F;
	cmds[1] = store_cmd(p, 8, 2);
	must(t, amdvi_execute(ax_of(t)->u, cmds, 2), "commands");
	expect_eq(t, "the first store", stored(p, 0), 1);
	expect_eq(t, "the second store", stored(p, 8), 2);
}

/* ---- the ring ---- */

TEST(ring_disabled, .id = "amdvi.cmd.ring.disabled", .checks = "AMD-CMD-039 AMD-REG-040",
     .given = "a command put in while CmdBufEn = 0", .expects = "it is not executed", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;
	struct amdvi_cmd c = store_cmd(p, 0, PATTERN);
	uint64_t before = stored(p, 0);

	ax_cmd(t, store_cmd(p, 8, PATTERN)); /* it runs, now it stops */
	amdvi_ctl_clear(u, CTL_CMD_BUF_EN);
	if (amdvi_status_wait(u, ST_CMD_BUF_RUN, false) != OK)
		fail(t, "CmdBufRun = 0", "CmdBufRun = 1");
	must(t, amdvi_submit(u, &c, 1), "a command");
	time_sleep_us(1000);
	expect_eq(t, "the word", stored(p, 0), before);
}

TEST(ring_later, .id = "amdvi.cmd.ring.later", .checks = "AMD-CMD-040",
     .given = "a command put in while CmdBufEn = 0, then 1",
     .expects = "it is executed", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;
	struct amdvi_cmd c = store_cmd(p, 0, PATTERN);

	amdvi_ctl_clear(u, CTL_CMD_BUF_EN);
	must(t, amdvi_status_wait(u, ST_CMD_BUF_RUN, false), "stopping the ring");
	must(t, amdvi_submit(u, &c, 1), "a command");
	amdvi_ctl_set(u, CTL_CMD_BUF_EN);
	must(t, amdvi_wait(u), "a wait");
	expect_eq(t, "the word stored", stored(p, 0), PATTERN);
}

TEST(ring_head, .id = "amdvi.cmd.ring.head_meets_tail", .checks = "AMD-CMD-041", .given = "some commands, and a wait",
     .expects = "head = tail", .needs = NEED_AMDVI)
{
	ax_start(t, NULL);
	ax_cmd(t, amdvi_cmd_devtab_entry(1));
	expect_true(t, drained(t), "head = tail");
}

TEST(ring_same_tail, .id = "amdvi.cmd.ring.same_tail", .checks = "AMD-CMD-042", .given = "the tail written twice",
     .expects = "no second execution", .needs = NEED_AMDVI)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;

	ax_cmd(t, store_cmd(p, 0, PATTERN));
	*word_at(p, 0) = 1;
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, mmio_rd(&u->regs, AMDVI_CMD_TAIL));
	must(t, amdvi_wait(u), "a wait");
	expect_eq(t, "the word", stored(p, 0), 1);
}

/* All slots of a ring but one at once, then round again. */
static void ring_wraps(struct test *t)
{
	unsigned log2 = (unsigned)t->desc->arg, n = (unsigned)pow2(log2) - 1;
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, &(struct ax_options){ .cmd_log2 = log2 })->u;
	uint64_t bytes = sizeof(struct amdvi_cmd) * pow2(log2);

	must(t, amdvi_wait(u), "a wait");
	/* Up to the last slot, so that the next command is the first of the ring again. */
	while (u->cmds.tail != bytes - sizeof(struct amdvi_cmd)) {
		struct amdvi_cmd c = amdvi_cmd_completion_wait(0, PA(0), 0);

		if (amdvi_submit(u, &c, 1) == ERR_FULL)
			must(t, amdvi_wait(u), "a wait");
	}
	ax_cmd(t, store_cmd(p, 0, PATTERN));
	expect_eq(t, "the store behind the wrap", stored(p, 0), PATTERN);
	expect_true(t, u->cmds.tail < 64, "the tail is at the start of the ring");
	expect_true(t, drained(t), "head = tail");
	for (unsigned i = 0; log2 == 8 && i < n; i++) {
		struct amdvi_cmd c = store_cmd(p, 8 * (i + 1), i);

		ring_put(&u->cmds.ring, ring_after(&u->cmds.ring, u->cmds.tail, i), c.q);
	}
	if (log2 != 8)
		return;
	u->cmds.tail = ring_after(&u->cmds.ring, u->cmds.tail, n);
	mmio_wr(&u->regs, AMDVI_CMD_TAIL, u->cmds.tail);
	must(t, amdvi_wait(u), "a wait");
	for (unsigned i = 0; i < n; i++)
		if (!expect_eq(t, "a store of a full ring", stored(p, 8 * (i + 1)), i))
			return;
}

TEST_TABLE(ring_sizes,
	{ .id = "amdvi.cmd.ring.len8", .checks = "AMD-CMD-043 AMD-CMD-044", .given = "256 slots, 255 commands at once",
	  .expects = "all run, over the end of the ring", .needs = NEED_AMDVI, .arg = 8, .body = ring_wraps },
	{ .id = "amdvi.cmd.ring.len9", .checks = "AMD-CMD-046", .given = "512 slots",
	  .expects = "the ring wraps at 2000h",
	  .needs = NEED_AMDVI, .arg = 9, .body = ring_wraps },
	{ .id = "amdvi.cmd.ring.len15", .checks = "AMD-CMD-045", .given = "32768 slots",
	  .expects = "the ring wraps at 80000h",
	  .needs = NEED_AMDVI, .budget_us = 3000000, .arg = 15, .body = ring_wraps });

static void tail_width(struct test *t)
{
	struct page *p = target(t);
	struct amdvi_unit *u = ax_start(t, NULL)->u;
	struct amdvi_cmd c = store_cmd(p, 0, PATTERN);

	ring_put(&u->cmds.ring, u->cmds.tail, c.q);
	u->cmds.tail = ring_after(&u->cmds.ring, u->cmds.tail, 1);
	if (t->desc->arg == 32)
		mmio_wr32(&u->regs, (reg32_t){ AMDVI_CMD_TAIL.off }, (uint32_t)u->cmds.tail); /* below 2^19 */
	else
		mmio_wr(&u->regs, AMDVI_CMD_TAIL, u->cmds.tail);
	for (deadline_t d = deadline_in_us(u->wait_us); stored(p, 0) != PATTERN && !deadline_over(&d);)
		continue;
	expect_eq(t, "the word stored", stored(p, 0), PATTERN);
}

TEST_TABLE(ring_tail,
	{ .id = "amdvi.cmd.ring.tail32", .checks = "AMD-CMD-047", .given = "the tail written by 32 bits",
	  .expects = "the command runs", .needs = NEED_AMDVI, .arg = 32, .body = tail_width },
	{ .id = "amdvi.cmd.ring.tail64", .checks = "AMD-CMD-048", .given = "the tail written by 64 bits",
	  .expects = "the command runs", .needs = NEED_AMDVI, .arg = 64, .body = tail_width });

TEST(unused_ids, .id = "amdvi.cmd.unused_ids", .checks = "AMD-CMD-050",
     .given = "invalidations of a device id and a DomainID that nobody uses", .expects = "they complete, no event",
     .needs = NEED_AMDVI)
{
	ax_start(t, NULL);
	ax_cmd(t, amdvi_cmd_devtab_entry(0x7ff8));
	ax_cmd(t, amdvi_cmd_int_table(0x7ff8));
	ax_cmd(t, amdvi_cmd_pages(0xfff0, amdvi_span_all(), true));
	ax_cmd(t, amdvi_cmd_pages(0xfff0, amdvi_span_of(AX_A, PAGE_BYTES), false));
	ax_expect_no_event(t);
}

static void prefetch(struct test *t)
{
	ax_start_mapped(t, NULL, AX_A);
	ax_cmd(t, amdvi_cmd_prefetch(ax_req(t, t->engine)->id, amdvi_span_of(t->desc->arg ? AX_B : AX_A, PAGE_BYTES), 0,
		false));
	ax_expect_no_event(t);
}

TEST_TABLE(prefetch_rows,
	{ .id = "amdvi.cmd.prefetch.mapped", .checks = "AMD-CMD-051", .given = "PREFETCH_IOMMU_PAGES of a mapped page",
	  .expects = "it completes, no event",
	  .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_PREF | NEED_ENGINE_DIRECT | NEED_ENGINE,
	  .arg = 0, .body = prefetch },
	{ .id = "amdvi.cmd.prefetch.unmapped", .checks = "AMD-CMD-052",
	  .given = "PREFETCH_IOMMU_PAGES of an unmapped page",
	  .expects = "it completes, no IO_PAGE_FAULT",
	  .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_PREF | NEED_ENGINE_DIRECT | NEED_ENGINE, .arg = 1,
	  .body = prefetch });
