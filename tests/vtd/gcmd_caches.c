/*
 * What SRTP and TE do to cached translations (VT-d 6.6, 11.4.4): dropped by the command itself, or by the invalidations
 * that follow it. That something stale was cached before cannot be seen: the test asks for the new state only.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

#define DID_OTHER 9

/* A space that has q at IOVA_A becomes that of the fixture's requester; tables that are in use do not change. */
static struct fx_req *other_space(struct test *t, struct page *q)
{
	struct fx_req *r = fx_req(t, t->engine);
	struct page *space = page_alloc(t, PAGE_BYTES, 0);

	r->space = (uint64_t *)(void *)space->p; /* page-aligned */
	r->space_pa = space->pa;
	fx_map(t, r, IOVA_A, q->pa, 1, PERM_RW, 0);
	return r;
}

static void need_esrtps(struct test *t, bool wanted)
{
	if (t->bench->vtd->caps.esrtps != wanted)
		skip(t, "CAP.ESRTPS = %u", t->bench->vtd->caps.esrtps);
}

TEST(gcmd_esrtps_context,
     .id = "vtd.gcmd.esrtps.context",
     .checks = "VTD-GCMD-025",
     .given = "CAP.ESRTPS = 1, a context entry in use changed to another space and DID, then SRTP alone",
     .expects = "the new context entry is used",
     .needs = NEEDS)
{
	struct page *q = page_filled(t, 0x5a);
	struct fx_req *r;

	need_esrtps(t, true);
	(void)fx_start_mapped(t, FX_LEGACY);
	r = other_space(t, q);
	fx_set(t, &r->ctx[1], vtd_ctx(TT_UNTRANSLATED, r->space_pa, r->levels, DID_OTHER).w[1]);
	fx_set(t, &r->ctx[0], vtd_ctx(TT_UNTRANSLATED, r->space_pa, r->levels, DID_OTHER).w[0]);
	must(t, vtd_srtp(fx_of(t)->u, fx_of(t)->root_pa, TTM_LEGACY), "setting the root table");
	expect_allowed(t, IOVA_A, q);
}

TEST(gcmd_esrtps_iotlb,
     .id = "vtd.gcmd.esrtps.iotlb",
     .checks = "VTD-GCMD-026",
     .given = "CAP.ESRTPS = 1, a leaf in use changed to another page, then SRTP alone",
     .expects = "the new page is used",
     .needs = NEEDS)
{
	struct page *q = page_filled(t, 0x5a);

	need_esrtps(t, true);
	(void)fx_start_mapped(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, q);
	must(t, vtd_srtp(fx_of(t)->u, fx_of(t)->root_pa, TTM_LEGACY), "setting the root table");
	expect_allowed(t, IOVA_A, q);
}

TEST(gcmd_esrtps_pasid,
     .id = "vtd.gcmd.esrtps.pasid",
     .checks = "VTD-GCMD-027",
     .given = "CAP.ESRTPS = 1, a PASID entry in use changed to another space and DID, then SRTP alone",
     .expects = "the new PASID entry is used",
     .needs = NEEDS | NEED_SM | NEED_SSTS)
{
	struct page *q = page_filled(t, 0x5a);
	struct fx_req *r;
	vtd_pasid_t e;

	need_esrtps(t, true);
	(void)fx_start_mapped(t, FX_SM_SS);
	r = other_space(t, q);
	e = vtd_pasid_ss(r->space_pa, r->levels, DID_OTHER, t->bench->vtd->caps.smpwcs);
	fx_set(t, &r->pasid[1], e.w[1]);
	fx_set(t, &r->pasid[0], e.w[0]);
	must(t, vtd_srtp(fx_of(t)->u, fx_of(t)->root_pa, TTM_SCALABLE), "setting the root table");
	expect_allowed(t, IOVA_A, q);
}

/* Everything from the root on is new; the unit's global invalidations are asked for after SRTP. */
static void all_new(struct test *t)
{
	bool scalable = t->desc->arg;
	struct page *q = page_filled(t, 0x5a), *root = page_alloc(t, PAGE_BYTES, 0);
	struct page *contexts = page_alloc(t, PAGE_BYTES, 0);
	struct vtd_unit *u = t->bench->vtd;
	struct fx_req *r;
	uint64_t *old;

	need_esrtps(t, false);
	(void)fx_start_mapped(t, scalable ? FX_SM_SS : FX_LEGACY);
	r = other_space(t, q);
	__builtin_memcpy(root->p, fx_of(t)->root, PAGE_BYTES);
	old = mem_ptr(PA(*r->root_half & SM_ROOT_CTP), PAGE_BYTES);
	__builtin_memcpy(contexts->p, old, PAGE_BYTES);
	r->ctx = (uint64_t *)(void *)contexts->p + (r->ctx - old); /* page-aligned */
	r->root_half = (uint64_t *)(void *)root->p + (r->root_half - fx_of(t)->root);
	fx_set(t, r->root_half, vtd_root(contexts->pa).w[0]); /* of one form in both modes */
	if (scalable) {
		vtd_pasid_t e = vtd_pasid_ss(r->space_pa, r->levels, DID_OTHER, u->caps.smpwcs);

		fx_set(t, &r->pasid[1], e.w[1]);
		fx_set(t, &r->pasid[0], e.w[0]);
	} else {
		vtd_ctx_t c = vtd_ctx(TT_UNTRANSLATED, r->space_pa, r->levels, DID_OTHER);

		fx_set(t, &r->ctx[1], c.w[1]);
		fx_set(t, &r->ctx[0], c.w[0]);
	}
	if (!u->caps.c)
		cache_write_back(root->p, PAGE_BYTES);
	if (!u->caps.c)
		cache_write_back(contexts->p, PAGE_BYTES);
	must(t, vtd_srtp(u, root->pa, scalable ? TTM_SCALABLE : TTM_LEGACY), "setting the root table");
	must(t, vtd_inv_global(u), "invalidating all caches");
	expect_allowed(t, IOVA_A, q);
}

TEST_TABLE(gcmd_srtp_inv,
	{ .id = "vtd.gcmd.srtp.then_global_invalidation", .checks = "VTD-GCMD-028", .arg = 0, .needs = NEEDS,
	  .body = all_new,
	  .given = "CAP.ESRTPS = 0, legacy mode, new tables from the root on, SRTP, both global invalidations",
	  .expects = "the new tables are used" },
	{ .id = "vtd.gcmd.srtp.then_global_invalidation_scalable", .checks = "VTD-GCMD-028", .arg = 1,
	  .needs = NEEDS | NEED_SM | NEED_SSTS, .body = all_new,
	  .given = "CAP.ESRTPS = 0, scalable mode, new tables from the root on, SRTP, all three global invalidations",
	  .expects = "the new tables are used" });

TEST(gcmd_te_drops,
     .id = "vtd.gcmd.te.clearing_drops_caches",
     .checks = "VTD-GCMD-011",
     .given = "ECAP.SMTS = 1, a page in use; TE cleared, the page mapped elsewhere, TE set, nothing invalidated",
     .expects = "the new page is used",
     .needs = NEEDS | NEED_SM)
{
	struct page *q = page_filled(t, 0x5a);
	struct fx *fx;

	(void)fx_start_mapped(t, FX_LEGACY);
	fx = fx_of(t);
	must(t, vtd_translation_off(fx->u), "turning translation off");
	fx_map_page(t, IOVA_A, q);
	must(t, vtd_translation_on(fx->u), "turning translation on");
	expect_allowed(t, IOVA_A, q);
}
