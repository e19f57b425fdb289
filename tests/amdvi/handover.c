/* A unit that firmware left on is taken over, and in the end put back as it was. */
#include "tests/amdvi/fixture.h"

static struct amdvi_unit *take_over(struct test *t)
{
	struct amdvi_unit *u = (struct amdvi_unit *)(void *)page_alloc(t, sizeof(*u), 0)->p;
	struct ivrs_block at;
	uint32_t pos = 0;

	while (ivrs_next_unit(t->bench->ivrs, &pos, &at))
		if (at.base == t->bench->amdvi->base.v) {
			must(t, amdvi_unit_open(t->bench->machine, &at, u), "taking the unit over");
			return u;
		}
	give_up(t, "the IVRS does not name the unit under test");
}

TEST(handover, .id = "amdvi.driver.handover",
     .given = "a unit that somebody left on; taken over, used with another device table, then given back",
     .expects = "off, then on again with the same tables and rings, and nothing of the other table",
     .needs = NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	const mmio_t *regs = ax_regs(t);
	uint64_t ctl = mmio_rd(regs, AMDVI_CTL), devtab = mmio_rd(regs, AMDVI_DEVTAB_BASE);
	uint64_t cmd = mmio_rd(regs, AMDVI_CMD_BASE), evt = mmio_rd(regs, AMDVI_EVT_BASE);
	struct amdvi_unit *u = take_over(t);

	expect_eq(t, "IommuEn once it is taken over", mmio_rd(regs, AMDVI_CTL) & CTL_IOMMU_EN, 0);
	ax_allowed(t, IOVA(p->pa.v), p);
	mmio_wr(&u->regs, AMDVI_DEVTAB_BASE, page_alloc(t, PAGE_BYTES, 0)->pa.v);
	mmio_wr(&u->regs, AMDVI_CMD_BASE, UINT64_C(0));
	must(t, amdvi_give_back(u), "giving the unit back");
	expect_eq(t, "control register", mmio_rd(regs, AMDVI_CTL), ctl);
	expect_eq(t, "device table", mmio_rd(regs, AMDVI_DEVTAB_BASE), devtab);
	expect_eq(t, "command buffer", mmio_rd(regs, AMDVI_CMD_BASE), cmd);
	expect_eq(t, "event log", mmio_rd(regs, AMDVI_EVT_BASE), evt);
	expect_write(t, AX_A, p, AX_A.v % PAGE_BYTES, DMA_DONE);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_REFUSED);
	must(t, amdvi_unit_quiesce(u), "taking it once more");
}
