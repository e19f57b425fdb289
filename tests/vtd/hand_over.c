/* The driver takes over a unit that somebody else, such as firmware, left on. */
#include "tests/vtd/fixture.h"

TEST(hand_over,
     .id = "vtd.gcmd.hand_over",
     .checks = "VTD-GCMD-007 VTD-GCMD-013 VTD-GCMD-014",
     .given = "translation and queue left on, a fault pending; a second driver opens the unit",
     .expects = "TES and QIES go, IQH reads 0, no fault is pending, DMA is not translated",
     .needs = NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
{
	struct fx *fx = fx_start(t, FX_LEGACY);
	struct vtd_unit *old = fx->u;
	struct vtd_unit *u = (struct vtd_unit *)(void *)page_alloc(t, sizeof(*u), 0)->p;
	struct page *p = page_filled(t, 0xa5);

	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	must(t, vtd_inv_global(old), "work in the queue");
	must(t, vtd_unit_open(old->machine, old->base, old->haw_bits, old->segment, u), "take the unit over");
	expect_eq(t, "GSTS.TES and QIES", mmio_rd(&u->regs, VTD_GSTS) & (GSTS_TES | GSTS_QIES), 0);
	expect_eq(t, "IQH", mmio_rd(&u->regs, VTD_IQH), 0);
	expect_eq(t, "FSTS.PPF", mmio_rd(&u->regs, VTD_FSTS) & FSTS_PPF, 0);
	expect_write(t, IOVA(p->pa.v), p, 0, DMA_DONE);
}
