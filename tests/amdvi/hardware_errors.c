/*
 * Hardware error events as registers (AMD IOMMU 3.4, 2.5): the last one stays readable whether the log took it or not.
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_HE | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE)

static uint32_t hev(const struct test *t)
{
	return mmio_rd(ax_regs(t), AMDVI_HEV_STATUS) & (uint32_t)(HEV_HEV | HEV_HEO);
}

/* A translation that works, then its root in a hole: each write is a PAGE_TAB_HARDWARE_ERROR. */
static struct page *start(struct test *t)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax_req *r = ax_req(t, t->engine);

	ax_set(r->dte, amdvi_dte_host(page_unbacked(t), r->levels, r->domain_id, PERM_RW).w[0]);
	ax_sync(t);
	mmio_ack(ax_regs(t), AMDVI_HEV_STATUS, HEV_HEV | HEV_HEO);
	return p;
}

TEST(he_reset, .id = "amdvi.he.clear", .checks = "AMD-REG-058", .given = "no hardware error",
     .expects = "HEV = HEO = 0",
     .needs = NEED_AMDVI | NEED_AMD_HE)
{
	expect_eq(t, "HEV and HEO", hev(t), 0);
}

TEST(he_latched, .id = "amdvi.he.latched", .checks = "AMD-EVT-030", .given = "a page table that nothing answers",
     .expects = "HEV = 1, and the event in 0040h and 0048h", .needs = NEEDS)
{
	struct page *p = start(t);
	struct amdvi_event e;

	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED))
		return;
	if (!ax_event_take(t, &e)) {
		fail(t, amdvi_event_text(EV_PAGETAB_HW), "no event");
		return;
	}
	expect_eq(t, "HEV", hev(t) & HEV_HEV, HEV_HEV);
	expect_true(t, mmio_rd(ax_regs(t), AMDVI_HEV_UPPER) == e.raw[0], "0040h is the first word of the event");
	expect_true(t, mmio_rd(ax_regs(t), AMDVI_HEV_LOWER) == e.raw[1], "0048h is the second word of the event");
	ax_events_drop(t);
}

TEST(he_overrun, .id = "amdvi.he.overrun", .checks = "AMD-EVT-031", .given = "a second hardware error while HEV = 1",
     .expects = "HEO = 1", .needs = NEEDS)
{
	struct page *p = start(t);

	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_events_drop(t);
	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_events_drop(t);
	expect_eq(t, "HEO", hev(t) & HEV_HEO, HEV_HEO);
}

TEST(he_w1c, .id = "amdvi.he.w1c", .checks = "AMD-EVT-032", .given = "HEV = 1, 1 written to it",
     .expects = "it is cleared",
     .needs = NEEDS)
{
	struct page *p = start(t);

	ax_dma(t, AX_A, p, true, DMA_REFUSED);
	ax_events_drop(t);
	if (!expect_eq(t, "HEV", hev(t) & HEV_HEV, HEV_HEV))
		return;
	mmio_ack(ax_regs(t), AMDVI_HEV_STATUS, HEV_HEV | HEV_HEO);
	expect_eq(t, "HEV after the acknowledgement", hev(t), 0);
}

/* ---- rules that belong to one feature each ---- */

TEST(had_reserved, .id = "amdvi.dte.had_reserved", .checks = "AMD-DTE-033", .given = "HAD = 10b",
     .expects = "DMA is refused",
     .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_AMD_HA | NEED_ENGINE_DIRECT | NEED_ENGINE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	uint64_t *dte = ax_req(t, t->engine)->dte;

	ax_set(dte, fld_set(DTE_HAD, dte[0], HAD_RESERVED));
	ax_sync(t);
	ax_blocked(t, AX_A, p);
	ax_events_drop(t);
}

TEST(hat_dis, .id = "amdvi.dte.no_host_translation", .checks = "AMD-ACPI-022",
     .given = "HATS = 11b, a host root in an entry",
     .expects = "ILLEGAL_DEV_TABLE_ENTRY", .needs = NEED_AMDVI | NEED_ENGINE_DIRECT | NEED_ENGINE_WRITE)
{
	struct page *p;
	struct ax_req *r;

	if (t->bench->amdvi->caps.levels_max)
		skip(t, "EFR.HATS is not 11b");
	p = page_filled(t, 0xa5);
	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	ax_set_dte(t, r, amdvi_dte_host(PA(0), 0, r->domain_id, PERM_RW));
	ax_sync(t);
	if (!ax_dma(t, IOVA(p->pa.v), p, true, DMA_DONE))
		return;
	ax_set_dte(t, r, amdvi_dte_host(r->space_pa, AX_LEVELS, r->domain_id, PERM_RW));
	ax_sync(t);
	if (ax_dma(t, IOVA(p->pa.v), p, true, DMA_REFUSED))
		ax_expect_event(t, EV_ILLEGAL_DTE, NULL);
}

static void counters(struct test *t)
{
	struct ivrs_block b;
	uint32_t pos = 0;
	uint64_t config;
	mmio_t far;

	if (!t->bench->amdvi->caps.pc)
		skip(t, "EFR.PCSup = 0");
	must(t, t->bench->machine->ops->mmio_map(t->bench->machine, t->bench->amdvi->base, AMDVI_REGION_PC_BYTES, &far),
	     "opening the counters");
	config = mmio_rd(&far, AMDVI_PC_CONFIG);
	if (t->desc->arg == 65) {
		expect_true(t, fld_get(PC_COUNTERS, config) && fld_get(PC_BANKS, config),
			"at least one bank and counter");
		return;
	}
	while (ivrs_next_unit(t->bench->ivrs, &pos, &b)) {
		if (b.base != t->bench->amdvi->base.v)
			continue;
		expect_eq(t, "counters", fld_get(PC_COUNTERS, config), fld_get(BITS(16, 13), b.features));
		expect_eq(t, "banks", fld_get(PC_BANKS, config), fld_get(BITS(22, 17), b.features));
	}
}

TEST_TABLE(pc_rows,
	{ .id = "amdvi.reg.pc.config", .checks = "AMD-REG-065", .given = "the counter configuration",
	  .expects = "at least one bank and counter", .needs = NEED_AMDVI, .arg = 65, .body = counters },
	{ .id = "amdvi.reg.pc.ivhd", .checks = "AMD-REG-066", .given = "the counter configuration and the IVHD",
	  .expects = "the same numbers", .needs = NEED_AMDVI, .arg = 66, .body = counters });
