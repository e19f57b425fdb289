/*
 * The PASID directory and the index into the PASID table (VT-d 7.1.3, 9.5, 9.6): VTD-SM-PD, but for FPD.
 */
#include "tests/vtd/sm.h"

TEST(pd_index,
     .id = "vtd.sm.pd.index",
     .checks = "VTD-SM-PD-001",
     .given = "the 127 other directory entries lead to another space; then the right one does, too",
     .expects = "the entry at PASID[19:6] is used",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct sm_space other;

	sm_space(t, r, 0, &other);
	for (unsigned i = 0; i < 128; i++)
		if (r->dir_table + i != r->dir)
			fx_set(t, r->dir_table + i, other.dir.w[0]);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	sm_change(t, r->dir, UINT64_MAX, other.dir.w[0]);
	expect_allowed(t, IOVA_A, other.page);
}

TEST(pt_index,
     .id = "vtd.sm.pt.index",
     .checks = "VTD-SM-PT-001",
     .given = "the 63 other entries of the PASID table lead to another space; then the right one does, too",
     .expects = "the entry at PASID[5:0] is used",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	struct sm_space other;

	sm_space(t, r, 0, &other);
	for (unsigned i = 0; i < 64; i++)
		if (r->pasid_table + 8 * i != r->pasid)
			sm_put(t, r->pasid_table + 8 * i, other.entry.w, 8);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	sm_put(t, r->pasid, other.entry.w, 8);
	fx_sync(t);
	expect_allowed(t, IOVA_A, other.page);
}

TEST(pd_unbacked,
     .id = "vtd.sm.pd.unbacked",
     .checks = "VTD-SM-PD-002",
     .given = "the PASID directory where no memory is",
     .expects = "refused with reason 50h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t good = *r->ctx;

	sm_change(t, r->ctx, SM_CTX_PASIDDIRPTR, page_unbacked(t).v);
	expect_blocked(t, IOVA_A, p, FR_SPD_1);
	sm_change(t, r->ctx, UINT64_MAX, good);
	expect_allowed(t, IOVA_A, p);
}

TEST(pt_unbacked,
     .id = "vtd.sm.pt.unbacked",
     .checks = "VTD-SM-PT-002",
     .given = "the PASID table where no memory is",
     .expects = "refused with reason 58h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);
	uint64_t good = *r->dir;

	sm_change(t, r->dir, PDE_SMPTBLPTR, page_unbacked(t).v);
	expect_blocked(t, IOVA_A, p, FR_SPT_1);
	sm_change(t, r->dir, UINT64_MAX, good);
	expect_allowed(t, IOVA_A, p);
}

TEST(pd_absent,
     .id = "vtd.sm.pd.absent",
     .checks = "VTD-SM-PD-003",
     .given = "P = 0 in the directory entry",
     .expects = "refused with reason 51h",
     .needs = NEEDS_SM)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	sm_change(t, r->dir, PDE_P, 0);
	expect_blocked(t, IOVA_A, p, FR_SPD_2);
	sm_change(t, r->dir, 0, PDE_P);
	expect_allowed(t, IOVA_A, p);
}

static void reserved(struct test *t)
{
	struct fx_req *r;
	struct page *p = sm_start(t, &r);

	expect_each_bit_blocks(t, r->dir, t->desc->arg ? t->desc->arg : fx_bits_above_haw(t), p, FR_SPD_3);
}

TEST_TABLE(pd_reserved,
	{ .id = "vtd.sm.pd.reserved_low", .checks = "VTD-SM-PD-005", .given = "each of bits 11:2 alone",
	  .expects = "refused with reason 52h", .needs = NEEDS_SM, .arg = PDE_RSVD, .body = reserved },
	{ .id = "vtd.sm.pd.reserved_high", .checks = "VTD-SM-PD-006", .given = "each address bit above HAW alone",
	  .expects = "refused with reason 52h", .needs = NEEDS_SM, .arg = 0, .body = reserved });

TEST(pt_shared_directory,
     .id = "vtd.sm.pt.shared_directory",
     .checks = "VTD-SM-PT-043",
     .given = "the context entries of two requesters lead to one PASID directory",
     .expects = "both use the same mapping",
     .needs = NEEDS_SM | NEED_ENGINE_2)
{
	struct fx_req *r, *r2;
	struct page *p = sm_start(t, &r);
	uint32_t bytes = dma_small_bytes(t, t->engine2);

	r2 = fx_req(t, t->engine2);
	expect_write_by(t, t->engine2, IOVA_A, bytes, p, 0, DMA_REFUSED);
	expect_true(t, fx_faults_drop(t) != 0, "a fault record");
	sm_put(t, r2->ctx, r->ctx, 4);
	fx_sync(t);
	expect_write_by(t, t->engine2, IOVA_A, bytes, p, 0, DMA_DONE);
	expect_read_by(t, t->engine2, IOVA_A, bytes, p, 0, DMA_DONE);
	expect_allowed(t, IOVA_A, p);
}
