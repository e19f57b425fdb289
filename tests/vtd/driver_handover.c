/* A unit that firmware left on is taken over, and in the end put back as it was. */
#include "drivers-iommu/vtd/handover.h"
#include "tests/vtd/judge.h"

/* A second look at the unit of the fixture, as the driver has when it comes after firmware. */
static struct vtd_unit *take_over(struct test *t)
{
	struct vtd_unit *old = t->bench->vtd;
	struct vtd_unit *u = (struct vtd_unit *)(void *)page_alloc(t, sizeof(*u), 0)->p;

	must(t, vtd_unit_open(old->machine, old->base, old->haw_bits, old->segment, u), "taking the unit over");
	return u;
}

static void translation(struct test *t)
{
	enum fx_mode mode = (enum fx_mode)t->desc->arg;
	struct page *p = fx_start_mapped(t, mode);
	uint32_t before = mmio_rd(&t->bench->vtd->regs, VTD_GSTS) & (uint32_t)(GSTS_TES | GSTS_IRES | GSTS_CFIS);
	uint64_t root = mmio_rd(&t->bench->vtd->regs, VTD_RTADDR);
	struct vtd_unit *u;

	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	u = take_over(t);
	expect_true(t, vtd_found_on(u), "it was found on");
	expect_eq(t, "TES once it is taken over", mmio_rd(&u->regs, VTD_GSTS) & GSTS_TES, 0);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
	must(t, vtd_srtp(u, page_alloc(t, PAGE_BYTES, 0)->pa, TTM_LEGACY), "another root table");
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "TES, IRES and CFIS once it is given back",
		  mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_IRES | GSTS_CFIS), before);
	expect_eq(t, "root table", mmio_rd(&u->regs, VTD_RTADDR), root);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_write(t, IOVA_B, p, 0, DMA_REFUSED);
	must(t, vtd_unit_quiesce(u), "taking it once more");
}

TEST_TABLE(handover_translation,
	{ .id = "vtd.driver.handover.translation", .body = translation, .arg = FX_LEGACY,
	  .given = "translation left on by somebody, in legacy mode; taken over, then given back",
	  .expects = "off, then on again with the same tables",
	  .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT },
	{ .id = "vtd.driver.handover.scalable", .body = translation, .arg = FX_SM_SS,
	  .given = "translation left on by somebody, in scalable mode; taken over, then given back",
	  .expects = "off, then on again with the same tables",
	  .needs = NEED_VTD | NEED_SM | NEED_SSTS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT });

TEST(handover_interrupts,
     .id = "vtd.driver.handover.interrupts",
     .given = "interrupt remapping and the queue left on; taken over, then given back",
     .expects = "both off, then on again with the same table and the same queue, which is empty",
     .needs = NEED_VTD | NEED_IR | NEED_QI)
{
	struct vtd_unit *old = t->bench->vtd, *u;
	struct page *table = page_alloc(t, PAGE_BYTES, 0), *queue = page_alloc(t, PAGE_BYTES, 0);

	must(t, vtd_unit_quiesce(old), "a quiet unit");
	must(t, vtd_sirtp(old, table->pa, 8, false), "an interrupt table");
	mmio_wr(&old->regs, VTD_IQT, UINT64_C(0));
	mmio_wr(&old->regs, VTD_IQA, queue->pa.v);
	must(t, vtd_gcmd_set(old, GCMD_QIE), "a queue");
	must(t, vtd_gcmd_set(old, GCMD_IRE), "interrupt remapping");
	u = take_over(t);
	expect_eq(t, "IRES and QIES once it is taken over", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_IRES | GSTS_QIES), 0);
	mmio_wr(&u->regs, VTD_IQA, table->pa.v);
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "IRES and QIES once it is given back", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_IRES | GSTS_QIES),
		  GSTS_IRES | GSTS_QIES);
	expect_eq(t, "interrupt table", mmio_rd(&u->regs, VTD_IRTA) & IRTA_IRTA, table->pa.v);
	expect_eq(t, "queue", mmio_rd(&u->regs, VTD_IQA) & IQA_IQA, queue->pa.v);
	expect_eq(t, "head of the queue", mmio_rd(&u->regs, VTD_IQH), 0);
	must(t, vtd_unit_quiesce(u), "taking it once more");
}

TEST(handover_quiet,
     .id = "vtd.driver.handover.quiet",
     .given = "a unit with everything off; looked at, taken over, given back",
     .expects = "looking writes nothing, and it stays off",
     .needs = NEED_VTD)
{
	struct vtd_unit *old = t->bench->vtd, *u;

	must(t, vtd_unit_quiesce(old), "a quiet unit");
	u = take_over(t);
	expect_true(t, !vtd_found_on(u), "nothing was found on");
	must(t, vtd_give_back(u), "giving the unit back");
	expect_eq(t, "GSTS", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_IRES | GSTS_QIES | GSTS_CFIS), 0);
}
