/*
 * Second-stage translation in both modes: permissions and presence (VT-d 3.6, 3.7, 7.1.3). The catalogue has them
 * twice, with other fault reasons: VTD-SS in legacy mode, VTD-SM-SS in scalable mode.
 */
#include "tests/vtd/fixture.h"

TEST(ss_write_needs_w,
     .id = "vtd.ss.leaf.write_needs_w",
     .checks = "VTD-SS-002 VTD-SS-009 VTD-FLT-001 VTD-FLT-003 VTD-FLT-004 VTD-FLT-005 VTD-FLT-039",
     .given = "legacy mode, one 4 KiB page, first R=1 W=1, then R=1 W=0",
     .expects = "the write lands; then it is refused with reason 05h and memory stays unchanged",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);

	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_R, 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_LGN_2, t->engine, IOVA_A, true);
	expect_no_fault(t);
}

TEST(ss_read_needs_r,
     .id = "vtd.ss.leaf.read_needs_r",
     .checks = "VTD-SS-001 VTD-SS-010 VTD-FLT-006 VTD-FLT-040",
     .given = "legacy mode, one 4 KiB page, first R=1 W=1, then R=0 W=1",
     .expects = "the read succeeds; then it is refused with reason 06h",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_READ)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);

	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_W, 0);
	fx_sync(t);
	expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_LGN_3, t->engine, IOVA_A, false);
	expect_no_fault(t);
}

TEST(sm_ss_write,
     .id = "vtd.sm.ss.leaf.write",
     .checks = "VTD-SM-SS-001",
     .given = "scalable mode, second stage, one 4 KiB page",
     .expects = "the write lands",
     .needs = NEED_VTD | NEED_SSTS | NEED_ENGINE_WRITE)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_SM_SS);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}
