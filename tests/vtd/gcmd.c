/*
 * Global commands and their status bits (VT-d 11.4.4, 11.4.5): each command on its own. What commands do to caches is
 * in gcmd_caches.c, interrupt remapping in gcmd_ir.c.
 */
#include "tests/vtd/judge.h"

#define NEEDS_DMA (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static struct vtd_unit *unit(struct test *t)
{
	return t->bench->vtd;
}

static uint32_t gsts(struct test *t)
{
	return mmio_rd(&unit(t)->regs, VTD_GSTS);
}

/* What may be written back: status without the one-shot positions. */
static uint32_t levels(struct test *t)
{
	return gsts(t) & (uint32_t)~GCMD_ONE_SHOT;
}

static bool expect_set(struct test *t, enum status s, uint64_t bit, const char *what)
{
	expect_true(t, s == OK, "the command completes");
	return expect_eq(t, what, gsts(t) & bit, bit);
}

static bool expect_clear(struct test *t, enum status s, uint64_t bit, const char *what)
{
	expect_true(t, s == OK, "the command completes");
	return expect_eq(t, what, gsts(t) & bit, 0);
}

/* ---- root table pointer ---- */

TEST(gcmd_srtp,
     .id = "vtd.gcmd.srtp.sets_rtps",
     .checks = "VTD-GCMD-001 VTD-GCMD-002",
     .given = "SRTP with one pointer, then with another",
     .expects = "RTPS = 1 after each",
     .needs = NEED_VTD)
{
	struct page *a = page_alloc(t, PAGE_BYTES, 0), *b = page_alloc(t, PAGE_BYTES, 0);

	expect_set(t, vtd_srtp(unit(t), a->pa, TTM_LEGACY), GSTS_RTPS, "RTPS after the first");
	expect_set(t, vtd_srtp(unit(t), b->pa, TTM_LEGACY), GSTS_RTPS, "RTPS after the second");
}

TEST(gcmd_srtp_zero,
     .id = "vtd.gcmd.srtp.writing_0",
     .checks = "VTD-GCMD-005",
     .given = "RTPS = 1, then GCMD written with SRTP = 0",
     .expects = "RTPS stays 1",
     .needs = NEED_VTD)
{
	struct page *a = page_alloc(t, PAGE_BYTES, 0);

	must(t, vtd_srtp(unit(t), a->pa, TTM_LEGACY), "setting the root table");
	mmio_wr(&unit(t)->regs, VTD_GCMD, levels(t));
	expect_eq(t, "RTPS", gsts(t) & GSTS_RTPS, GSTS_RTPS);
}

TEST(gcmd_rtaddr_staged,
     .id = "vtd.gcmd.srtp.rtaddr_alone_does_nothing",
     .checks = "VTD-GCMD-003",
     .given = "TES = 1; RTADDR written with an empty table and all caches dropped; then SRTP",
     .expects = "the old tables hold until SRTP",
     .needs = NEEDS_DMA)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY), *empty = page_alloc(t, PAGE_BYTES, 0);

	mmio_wr(&unit(t)->regs, VTD_RTADDR, empty->pa.v);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	must(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_SRTP), "setting the root table");
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_LRT_2);
}

/* A legacy root table whose entry for t->engine leads to a space that has q at IOVA_A. */
static pa_t legacy_tables(struct test *t, struct page *q)
{
	struct fx_req *r = fx_req(t, t->engine);
	struct page *root = page_alloc(t, PAGE_BYTES, 0), *contexts = page_alloc(t, PAGE_BYTES, 0);
	struct page *space = page_alloc(t, PAGE_BYTES, 0);
	vtd_ctx_t ctx = vtd_ctx(TT_UNTRANSLATED, space->pa, r->levels, (uint16_t)(r->did + 8));
	uint64_t *at = (uint64_t *)(void *)contexts->p + 2 * fld_get(SID_DEVFN, r->sid);

	fx_set(t, &at[1], ctx.w[1]);
	fx_set(t, &at[0], ctx.w[0]);
	fx_set(t, (uint64_t *)(void *)root->p + 2 * fld_get(SID_BUS, r->sid), vtd_root(contexts->pa).w[0]);
	r->space = (uint64_t *)(void *)space->p; /* page-aligned */
	r->space_pa = space->pa;
	fx_map(t, r, IOVA_A, q->pa, 1, PERM_RW, 0);
	return root->pa;
}

TEST(gcmd_srtp_ttm,
     .id = "vtd.gcmd.srtp.latches_ttm",
     .checks = "VTD-GCMD-004",
     .given = "scalable tables in use; RTADDR written with legacy tables and TTM = 00; then SRTP",
     .expects = "the scalable tables hold until SRTP, the legacy ones from then on",
     .needs = NEEDS_DMA | NEED_SM | NEED_SSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS), *q = page_filled(t, 0x5a);
	pa_t root = legacy_tables(t, q);

	mmio_wr(&unit(t)->regs, VTD_RTADDR, root.v | FLD(RTADDR_TTM, TTM_LEGACY));
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	must(t, vtd_set_root(unit(t), root, TTM_LEGACY), "setting the root table");
	fx_sync(t);
	expect_allowed(t, IOVA_A, q);
}

/* ---- translation ---- */

TEST(gcmd_te,
     .id = "vtd.gcmd.te.follows",
     .checks = "VTD-GCMD-006 VTD-GCMD-007",
     .given = "TE = 1, then TE = 0",
     .expects = "TES = 1, then TES = 0",
     .needs = NEED_VTD | NEED_LEGACY_SS)
{
	fx_prepare(t, FX_LEGACY);
	expect_eq(t, "TES before", gsts(t) & GSTS_TES, 0);
	expect_set(t, vtd_translation_on(unit(t)), GSTS_TES, "TES after TE = 1");
	expect_clear(t, vtd_translation_off(unit(t)), GSTS_TES, "TES after TE = 0");
}

TEST(gcmd_te_dma,
     .id = "vtd.gcmd.te.decides_over_dma",
     .checks = "VTD-GCMD-008 VTD-GCMD-009",
     .given = "tables in which nothing is mapped, TES = 0, then TES = 1",
     .expects = "DMA reaches the physical address, then it is refused",
     .needs = NEEDS_DMA)
{
	struct page *p = page_filled(t, 0xa5);

	fx_prepare(t, FX_LEGACY);
	expect_allowed(t, IOVA(p->pa.v), p);
	must(t, vtd_translation_on(unit(t)), "turning translation on");
	expect_blocked_as(t, IOVA(p->pa.v), p, FR_LGN_3, FR_LGN_2);
}

TEST(gcmd_te_others,
     .id = "vtd.gcmd.te.leaves_others",
     .checks = "VTD-GCMD-010",
     .given = "QIES = IRES = 1, TE set and cleared",
     .expects = "QIES and IRES stay 1",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_QI | NEED_IR)
{
	struct page *irt = page_alloc(t, PAGE_BYTES, 0);

	fx_prepare(t, FX_LEGACY);
	must(t, vtd_set_irt(unit(t), irt->pa, 8, false), "setting the interrupt table");
	must(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_IRE), "turning interrupt remapping on");
	must(t, vtd_translation_on(unit(t)), "turning translation on");
	expect_eq(t, "QIES and IRES with TES = 1", gsts(t) & (GSTS_QIES | GSTS_IRES), GSTS_QIES | GSTS_IRES);
	must(t, vtd_translation_off(unit(t)), "turning translation off");
	expect_eq(t, "QIES and IRES with TES = 0", gsts(t) & (GSTS_QIES | GSTS_IRES), GSTS_QIES | GSTS_IRES);
}

TEST(gcmd_te_pasid,
     .id = "vtd.gcmd.te.off_request_with_pasid",
     .checks = "VTD-GCMD-031",
     .given = "TES = 0, a request with PASID",
     .expects = "refused, no record",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_PASID | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT | NEED_ENGINE_PASID)
{
	struct page *p = page_filled(t, 0xa5);
	struct dma_request rq = { .iova = IOVA(p->pa.v), .len_bytes = dma_small_bytes(t, t->engine), .has_pasid = true,
				  .pasid = 1 };

	fx_prepare(t, FX_LEGACY);
	expect_allowed(t, IOVA(p->pa.v), p);
	observe(t, "%s", try_dma(t, t->engine, &rq, true, p, 0) == DMA_DONE ? "done" : "refused");
	expect_no_fault(t);
}

TEST(gcmd_te_under_load,
     .id = "vtd.gcmd.te.under_load",
     .checks = "VTD-GCMD-032",
     .given = "TE set and cleared while requests are in flight",
     .expects = "each request is translated or not, none is lost",
     .needs = NEED_VTD | NEED_ENGINE_WRITE)
{
	skip_unreached(t, "no engine here goes on by itself while the processor commands the unit");
}

/* ---- the invalidation queue ---- */

TEST(gcmd_qie,
     .id = "vtd.gcmd.qie.follows",
     .checks = "VTD-GCMD-012 VTD-GCMD-013 VTD-GCMD-014",
     .given = "QIE = 1; waits until IQH is not 0; QIE = 0 with the queue empty after a wait",
     .expects = "QIES = 1, then QIES = 0 and IQH = 0",
     .needs = NEED_VTD | NEED_QI)
{
	expect_eq(t, "QIES before", gsts(t) & GSTS_QIES, 0);
	if (!expect_set(t, vtd_queue_enable(unit(t), 0, false), GSTS_QIES, "QIES after QIE = 1"))
		return;
	for (unsigned i = 0; i < 5; i++)
		must(t, vtd_queue_wait(unit(t)), "a wait descriptor");
	expect_eq(t, "IQH after five waits", mmio_rd(&unit(t)->regs, VTD_IQH), 5 * vtd_queue_stride(unit(t)));
	expect_clear(t, vtd_queue_disable(unit(t)), GSTS_QIES, "QIES after QIE = 0");
	expect_eq(t, "IQH after QIE = 0", mmio_rd(&unit(t)->regs, VTD_IQH), 0);
}

TEST(gcmd_qie_again,
     .id = "vtd.gcmd.qie.starts_at_base",
     .checks = "VTD-GCMD-015",
     .given = "a queue that was used and disabled, then a fresh one, whose first slot alone holds a valid descriptor",
     .expects = "that descriptor is carried out, IQH is one slot behind the base",
     .needs = NEED_VTD | NEED_QI)
{
	must(t, vtd_queue_enable(unit(t), 0, false), "enabling the queue");
	for (unsigned i = 0; i < 3; i++)
		must(t, vtd_queue_wait(unit(t)), "a wait descriptor");
	must(t, vtd_queue_disable(unit(t)), "disabling the queue");
	must(t, vtd_queue_enable(unit(t), 0, false), "enabling the queue again");
	expect_true(t, vtd_queue_wait(unit(t)) == OK, "the first wait is carried out");
	expect_eq(t, "IQH", mmio_rd(&unit(t)->regs, VTD_IQH), vtd_queue_stride(unit(t)));
}

/* ---- write buffer, advanced fault log ---- */

static void wbf(struct test *t)
{
	uint32_t before = gsts(t);

	if (unit(t)->caps.rwbf != !!t->desc->arg)
		skip(t, "CAP.RWBF = %u", unit(t)->caps.rwbf);
	expect_clear(t, vtd_gcmd_set(unit(t), (uint32_t)GCMD_WBF), GSTS_WBFS, "WBFS");
	expect_eq(t, "GSTS after the flush", gsts(t), before);
}

TEST_TABLE(gcmd_wbf,
	{ .id = "vtd.gcmd.wbf.not_required", .checks = "VTD-GCMD-022", .arg = 0, .needs = NEED_VTD, .body = wbf,
	  .given = "CAP.RWBF = 0, WBF = 1", .expects = "WBFS = 0 at once" },
	{ .id = "vtd.gcmd.wbf.required", .checks = "VTD-GCMD-023", .arg = 1, .needs = NEED_VTD, .body = wbf,
	  .given = "CAP.RWBF = 1, WBF = 1", .expects = "WBFS returns to 0" });

TEST(gcmd_afl,
     .id = "vtd.gcmd.afl.absent",
     .checks = "VTD-GCMD-024",
     .given = "CAP.AFL = 0; SFL = 1, then EAFL = 1",
     .expects = "FLS = AFLS = 0",
     .needs = NEED_VTD)
{
	if (unit(t)->caps.afl)
		skip(t, "CAP.AFL = 1");
	mmio_wr(&unit(t)->regs, VTD_GCMD, levels(t) | (uint32_t)GCMD_SFL);
	expect_eq(t, "FLS and AFLS after SFL", gsts(t) & (GSTS_FLS | GSTS_AFLS), 0);
	mmio_wr(&unit(t)->regs, VTD_GCMD, levels(t) | (uint32_t)GCMD_EAFL);
	expect_eq(t, "FLS and AFLS after EAFL", gsts(t) & (GSTS_FLS | GSTS_AFLS), 0);
}
