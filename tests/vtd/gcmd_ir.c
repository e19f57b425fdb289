/*
 * Global commands of interrupt remapping (VT-d 11.4.4, 5.1): SIRTP, IRE, CFI, and what SIRTP does to cached entries.
 */
#include "tests/vtd/judge.h"

#define NEEDS     (NEED_VTD | NEED_QI | NEED_IR)
#define NEEDS_MSI (NEEDS | NEED_ENGINE_MSI)

#define ARRIVES_US 1000000
#define QUIET_US   2000
#define INDEX      5
/* Remappable format, no subhandle. */
#define MESSAGE    (UINT64_C(0xfee00010) | FLD(BITS(19, 5), INDEX))

static struct vtd_unit *unit(struct test *t)
{
	return t->bench->vtd;
}

static uint64_t gsts(struct test *t, uint64_t bits)
{
	return mmio_rd(&unit(t)->regs, VTD_GSTS) & bits;
}

static void queue_on(struct test *t)
{
	must(t, vtd_queue_enable(unit(t), 0, false), "enabling the invalidation queue");
}

/* A table of 256 entries in which INDEX leads to a new vector, for t->engine alone. */
static struct page *table(struct test *t, unsigned *vector)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);
	uint64_t address, *at = (uint64_t *)(void *)p->p + 2 * INDEX;
	uint32_t data;
	vtd_irte_t e;

	*vector = irq_for(t, &address, &data);
	e = vtd_irte((uint8_t)data, (uint32_t)fld_get(BITS(19, 12), address), false, t->engine->dev->addr.sid);
	vtd_publish(unit(t), at, e.w, 2);
	return p;
}

static void send(struct test *t)
{
	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->msi(t->engine, MESSAGE, 0), "sending a message");
	(void)pci_rd(t->engine->dev, 0, 4); /* completions push posted writes */
}

/* The engine's message comes by one vector and not by the other. */
static void expect_message(struct test *t, unsigned by, unsigned not_by)
{
	deadline_t d = deadline_in_us(ARRIVES_US);
	unsigned n = 0;

	send(t);
	run_extend_us(ARRIVES_US);
	while (!n && !deadline_over(&d))
		n += irq_take(by);
	time_sleep_us(QUIET_US);
	expect_eq(t, "messages by the right entry", n + irq_take(by), 1);
	expect_eq(t, "messages by the wrong entry", irq_take(not_by), 0);
}

/* Two tables; the first is in use, interrupt remapping is on, a message has come through it. */
struct two {
	struct page *b;
	unsigned vector_a, vector_b;
};

static struct two start(struct test *t)
{
	struct two w;
	struct page *a = table(t, &w.vector_a);

	w.b = table(t, &w.vector_b);
	queue_on(t);
	must(t, vtd_set_irt(unit(t), a->pa, 8, false), "setting the interrupt table");
	must(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_IRE), "turning interrupt remapping on");
	expect_message(t, w.vector_a, w.vector_b);
	return w;
}

TEST(gcmd_sirtp,
     .id = "vtd.gcmd.sirtp.sets_irtps",
     .checks = "VTD-GCMD-016",
     .given = "SIRTP with one table, then with another",
     .expects = "IRTPS = 1 after each",
     .needs = NEEDS)
{
	for (unsigned i = 0; i < 2; i++) {
		struct page *p = page_alloc(t, PAGE_BYTES, 0);

		expect_true(t, vtd_sirtp(unit(t), p->pa, 8, false) == OK, "SIRTP completes");
		expect_eq(t, "IRTPS", gsts(t, GSTS_IRTPS), GSTS_IRTPS);
	}
}

TEST(gcmd_ire,
     .id = "vtd.gcmd.ire.follows",
     .checks = "VTD-GCMD-018 VTD-GCMD-019",
     .given = "IRE = 1, then IRE = 0",
     .expects = "IRES = 1, then IRES = 0",
     .needs = NEEDS)
{
	struct page *p = page_alloc(t, PAGE_BYTES, 0);

	queue_on(t);
	must(t, vtd_set_irt(unit(t), p->pa, 8, false), "setting the interrupt table");
	expect_eq(t, "IRES before", gsts(t, GSTS_IRES), 0);
	expect_true(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_IRE) == OK, "IRE = 1 completes");
	expect_eq(t, "IRES", gsts(t, GSTS_IRES), GSTS_IRES);
	expect_true(t, vtd_gcmd_clear(unit(t), (uint32_t)GCMD_IRE) == OK, "IRE = 0 completes");
	expect_eq(t, "IRES", gsts(t, GSTS_IRES), 0);
}

TEST(gcmd_cfi,
     .id = "vtd.gcmd.cfi.follows",
     .checks = "VTD-GCMD-020 VTD-GCMD-021",
     .given = "CFI = 1, then CFI = 0",
     .expects = "CFIS = 1, then CFIS = 0",
     .needs = NEEDS)
{
	expect_eq(t, "CFIS before", gsts(t, GSTS_CFIS), 0);
	expect_true(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_CFI) == OK, "CFI = 1 completes");
	expect_eq(t, "CFIS", gsts(t, GSTS_CFIS), GSTS_CFIS);
	expect_true(t, vtd_gcmd_clear(unit(t), (uint32_t)GCMD_CFI) == OK, "CFI = 0 completes");
	expect_eq(t, "CFIS", gsts(t, GSTS_CFIS), 0);
}

TEST(gcmd_irta_staged,
     .id = "vtd.gcmd.sirtp.irta_alone_does_nothing",
     .checks = "VTD-GCMD-017",
     .given = "IRES = 1; IRTA written with another table and the entry cache dropped; then SIRTP",
     .expects = "the old table holds until SIRTP",
     .needs = NEEDS_MSI)
{
	struct two w = start(t);

	mmio_wr(&unit(t)->regs, VTD_IRTA, w.b->pa.v | FLD(IRTA_S, 7));
	must(t, vtd_inv_iec_global(unit(t)), "invalidating the interrupt entry cache");
	expect_message(t, w.vector_a, w.vector_b);
	must(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_SIRTP), "setting the interrupt table");
	must(t, vtd_inv_iec_global(unit(t)), "invalidating the interrupt entry cache");
	expect_message(t, w.vector_b, w.vector_a);
}

/* arg: CAP.ESIRTPS. */
static void sirtp_caches(struct test *t)
{
	struct two w;

	if (unit(t)->caps.esirtps != !!t->desc->arg)
		skip(t, "CAP.ESIRTPS = %u", unit(t)->caps.esirtps);
	w = start(t);
	must(t, vtd_sirtp(unit(t), w.b->pa, 8, false), "setting the interrupt table");
	if (!t->desc->arg)
		must(t, vtd_inv_iec_global(unit(t)), "invalidating the interrupt entry cache");
	expect_message(t, w.vector_b, w.vector_a);
}

TEST_TABLE(gcmd_sirtp_caches,
	{ .id = "vtd.gcmd.esirtps.sirtp_alone", .checks = "VTD-GCMD-029", .arg = 1, .needs = NEEDS_MSI,
	  .body = sirtp_caches, .given = "CAP.ESIRTPS = 1, an entry in use, SIRTP with another table",
	  .expects = "the new entry is used" },
	{ .id = "vtd.gcmd.sirtp.then_global_invalidation", .checks = "VTD-GCMD-030", .arg = 0, .needs = NEEDS_MSI,
	  .body = sirtp_caches,
	  .given = "CAP.ESIRTPS = 0, an entry in use, SIRTP with another table, global invalidation of the entry cache",
	  .expects = "the new entry is used" });
