/*
 * Abort-DMA mode (VT-d 3.4.1: TTM = 11 with ECAP.ADMS): every DMA request is refused without a look at any table.
 */
#include "tests/vtd/sm.h"

#define NEEDS_LEGACY (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE | NEED_ENGINE_DIRECT)
#define WAIT_US      1000000u

/* Legacy translation that works, on a unit that has the mode. */
static struct page *abort_start(struct test *t)
{
	if (!t->bench->vtd->caps.adms)
		skip(t, "ECAP.ADMS = 0");
	return fx_start_mapped(t, FX_LEGACY);
}

static void abort_on(struct test *t, pa_t root)
{
	fx_sync(t);
	must(t, vtd_srtp(fx_of(t)->u, root, TTM_ABORT), "setting the abort mode");
}

TEST(abort_blocks,
     .id = "vtd.sm.root.abort_blocks",
     .checks = "VTD-SM-RT-004",
     .given = "TTM = 11, root table and all below it as they were when DMA worked",
     .expects = "memory does not change, nothing is read; a record is tolerated",
     .needs = NEEDS_LEGACY)
{
	struct page *p = abort_start(t);
	struct vtd_fault f = { 0 };

	abort_on(t, fx_of(t)->root_pa);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
	if (vtd_fault_pop(fx_of(t)->u, &f) == OK)
		observe(t, "fault 0x%02x", f.fr);
	else
		observe(t, "no fault record");
	fx_faults_drop(t);
}

TEST(abort_no_tables,
     .id = "vtd.sm.root.abort_reads_no_tables",
     .checks = "VTD-SM-RT-005",
     .given = "TTM = 11, the root table where no memory is",
     .expects = "DMA is refused, and no record tells of a root table that cannot be read; DMA works again with TTM = 00",
     .needs = NEEDS_LEGACY)
{
	struct page *p = abort_start(t);
	struct vtd_fault f;

	abort_on(t, page_unbacked(t));
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
	while (vtd_fault_pop(fx_of(t)->u, &f) == OK)
		if (f.fr == FR_LRT_1 || f.fr == FR_SRT_1)
			fail(t, "no record of a root table fetch", "fault 0x%02x (%s)", f.fr, vtd_reason_text(f.fr));
	must(t, vtd_srtp(fx_of(t)->u, fx_of(t)->root_pa, TTM_LEGACY), "setting the table mode back");
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

/* Messages that arrived, waiting for the first. */
static unsigned messages(unsigned vector)
{
	deadline_t d = deadline_in_us(WAIT_US);
	unsigned n;

	do
		n = irq_take(vector);
	while (!n && !deadline_over(&d));
	return n;
}

TEST(abort_interrupts,
     .id = "vtd.sm.root.abort_interrupts",
     .checks = "VTD-SM-RT-006",
     .given = "interrupt remapping on, one entry for the requester; a message before and after TTM = 11",
     .expects = "both messages arrive",
     .needs = NEEDS_LEGACY | NEED_IR | NEED_ENGINE_MSI,
     .budget_us = 5000000)
{
	struct page *table;
	uint64_t address;
	uint32_t data;
	unsigned vector = irq_for(t, &address, &data), n;
	vtd_irte_t irte;

	abort_start(t);
	table = page_alloc(t, PAGE_BYTES, 0);
	irte = vtd_irte((uint8_t)(data & 0xff), (uint32_t)fld_get(BITS(19, 12), address), false, t->engine->dev->addr.sid);
	sm_put(t, (uint64_t *)(void *)table->p, irte.w, 2);
	must(t, vtd_set_irt(fx_of(t)->u, table->pa, 8, false), "setting the interrupt table");
	must(t, vtd_gcmd_set(fx_of(t)->u, GCMD_IRE), "turning interrupt remapping on");
	/* Remappable format, index 0. */
	must(t, t->engine->ops->msi(t->engine, UINT64_C(0xfee00000) | BIT(4), 0), "a message");
	if (messages(vector) != 1)
		give_up(t, "no remapped message arrives even without the abort mode");
	abort_on(t, fx_of(t)->root_pa);
	must(t, t->engine->ops->msi(t->engine, UINT64_C(0xfee00000) | BIT(4), 0), "a message");
	n = messages(vector);
	observe(t, n ? "delivered" : "not delivered");
}
