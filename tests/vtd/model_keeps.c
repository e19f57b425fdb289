/*
 * What the model's caches keep: everything that the specification lets hardware keep, until a command names it
 * (VT-d 6.2, 6.5). Hardware may forget at any time, so these run on the model alone: a model that forgets would hide a
 * missing invalidation of a driver.
 */
#include "tests/vtd/stale.h"
#include "tests/vtd/sm.h"
#include <string.h>

#define NEEDS    (NEED_VTD | NEED_QI | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)
#define SIZE_2M  BIT(21)
#define SIZE_1G  BIT(30)
#define DID_ELSE 12 /* of nobody */

/* Units that keep nothing have nothing to show. */
static void need_caches(struct test *t)
{
	if (!strcmp(t->bench->machine->name, "model.lazy"))
		skip(t, "this unit keeps nothing");
}

/* Writes to IOVA_A land in old, although the tables say fresh. */
static bool kept(struct test *t, struct page *old, struct page *fresh, const char *after)
{
	bool good = expect_fresh(t, t->engine, IOVA_A, fresh, old);

	if (!good)
		note(t, "after %s", after);
	return good;
}

static struct page *start(struct test *t, enum fx_mode mode, struct fx_req **r)
{
	struct page *p;

	need_caches(t);
	p = fx_start_mapped(t, mode);
	*r = fx_req(t, t->engine);
	return p;
}

/* ---- leaves and tables ---- */

struct narrow {
	struct vtd_desc d;
	const char *what;
};

/* Invalidations that do not name the second-stage leaf of IOVA_A. */
static bool second_stage_survives(struct test *t, const struct fx_req *r, struct page *old, struct page *fresh, bool ih)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	iova_t next = iova_add(IOVA_A, PAGE_BYTES), before = IOVA(IOVA_A.v - PAGE_BYTES);
	uint32_t pasid = r->rid_pasid;
	const struct narrow any[] = {
		{ vtd_desc_cc_global(), "a context-cache invalidation" },
		{ vtd_desc_iotlb_domain(DID_ELSE, vtd_drains(fx_of(t)->u)), "another domain" },
	};
	const struct narrow pages[] = {
		{ vtd_desc_iotlb_page(r->did, next, 0, ih, vtd_drains(fx_of(t)->u)), "the next page" },
		{ vtd_desc_iotlb_page(r->did, before, 0, ih, vtd_drains(fx_of(t)->u)), "the page before" },
		{ vtd_desc_iotlb_page(DID_ELSE, IOVA_A, 0, false, vtd_drains(fx_of(t)->u)), "another domain's page" },
	};
	const struct narrow scalable[] = {
		{ vtd_desc_pc_global(), "a PASID-cache invalidation" },
		{ vtd_desc_piotlb_pasid(r->did, pasid), "a PASID-based invalidation" },
		{ vtd_desc_piotlb_page(r->did, pasid, IOVA_A, 0, false), "a PASID-based invalidation of the page" },
	};
	bool good = kept(t, old, fresh, "no invalidation");

	for (unsigned i = 0; i < ARRAY_LEN(any) && good; i++) {
		fx_inv(t, any[i].d);
		good = kept(t, old, fresh, any[i].what);
	}
	for (unsigned i = 0; i < ARRAY_LEN(pages) && good && c->psi; i++) {
		fx_inv(t, pages[i].d);
		good = kept(t, old, fresh, pages[i].what);
	}
	for (unsigned i = 0; i < ARRAY_LEN(scalable) && good && fx_of(t)->scalable; i++) {
		fx_inv(t, scalable[i].d);
		good = kept(t, old, fresh, scalable[i].what);
	}
	return good;
}

static bool first_stage_survives(struct test *t, const struct fx_req *r, struct page *old, struct page *fresh, bool ih)
{
	iova_t next = iova_add(IOVA_A, PAGE_BYTES), before = IOVA(IOVA_A.v - PAGE_BYTES);
	uint32_t pasid = r->rid_pasid;
	const struct narrow all[] = {
		{ vtd_desc_cc_global(), "a context-cache invalidation" },
		{ vtd_desc_pc_global(), "a PASID-cache invalidation" },
		{ vtd_desc_iotlb_domain(DID_ELSE, true), "another domain" },
		{ vtd_desc_piotlb_pasid(DID_ELSE, pasid), "the same PASID in another domain" },
		{ vtd_desc_piotlb_pasid(r->did, pasid + 1), "another PASID" },
		{ vtd_desc_piotlb_page(r->did, pasid + 1, IOVA_A, 0, false), "the page of another PASID" },
		{ vtd_desc_piotlb_page(DID_ELSE, pasid, IOVA_A, 0, false), "the page of another domain" },
		{ vtd_desc_piotlb_page(r->did, pasid, next, 0, ih), "the next page" },
		{ vtd_desc_piotlb_page(r->did, pasid, before, 0, ih), "the page before" },
	};
	bool good = kept(t, old, fresh, "no invalidation");

	for (unsigned i = 0; i < ARRAY_LEN(all) && good; i++) {
		fx_inv(t, all[i].d);
		good = kept(t, old, fresh, all[i].what);
	}
	if (good && t->bench->vtd->caps.psi) {
		fx_inv(t, vtd_desc_iotlb_page(DID_ELSE, IOVA_A, 0, false, true));
		good = kept(t, old, fresh, "a page of another domain");
	}
	return good;
}

static bool survives(struct test *t, const struct fx_req *r, struct page *old, struct page *fresh, bool ih)
{
	return fx_of(t)->first_stage ? first_stage_survives(t, r, old, fresh, ih) :
				       second_stage_survives(t, r, old, fresh, ih);
}

static enum stale_inv page_of(const struct test *t, const struct fx *fx)
{
	return fx->first_stage ? INV_PASID_PAGE : t->bench->vtd->caps.psi ? INV_PAGE : INV_DOMAIN;
}

static void leaf_kept(struct test *t)
{
	struct fx_req *r;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r), *q = page_filled(t, 0);

	/* A translation that has its D bit serves whoever comes. */
	if (t->desc->arg == FX_SM_SS && t->bench->vtd->caps.ssads && t->bench->vtd->caps.smpwcs) {
		sm_change(t, r->pasid, 0, PASID_SSADE);
		expect_allowed(t, IOVA_A, p);
	}
	fx_map_page(t, IOVA_A, q);
	if (!survives(t, r, p, q, false))
		return;
	fx_drop(t, r, page_of(t, fx_of(t)), IOVA_A, 0, true);
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

/* A permission that was missing is missing until it is named. */
static void permission_kept(struct test *t)
{
	struct fx_req *r;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r);

	fx_map(t, r, IOVA_A, p->pa, 1, PERM_R, 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	fx_map(t, r, IOVA_A, p->pa, 1, PERM_RW, 0);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	if (page_of(t, fx_of(t)) != INV_DOMAIN) {
		fx_drop(t, r, page_of(t, fx_of(t)), iova_add(IOVA_A, PAGE_BYTES), 0, true);
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	}
	fx_faults_drop(t);
	fx_drop(t, r, page_of(t, fx_of(t)), IOVA_A, 0, true);
	expect_allowed(t, IOVA_A, p);
}

/* A copy of the lowest table that leads to q takes the place of the table: who has kept the table still finds p. */
static void table_kept(struct test *t)
{
	struct fx_req *r;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r), *q = page_filled(t, 0), *low = page_alloc(t, PAGE_BYTES, 0);
	uint64_t *table = (uint64_t *)(void *)low->p, *above = fx_entry(t, r, IOVA_A, 2); /* page-aligned */
	uint64_t leaf = *fx_entry(t, r, IOVA_A, 1);
	enum stale_inv page = page_of(t, fx_of(t));

	fx_set(t, &table[shr(IOVA_A.v, 12) % 512], (leaf & ~SS_ADDR) | q->pa.v);
	fx_set(t, above, (*above & ~SS_ADDR) | low->pa.v);
	if (!survives(t, r, p, q, true) || page == INV_DOMAIN)
		return;
	fx_drop(t, r, page, IOVA_A, 0, true);
	if (!kept(t, p, q, "the page with IH = 1"))
		return;
	fx_drop(t, r, page, IOVA(IOVA_A.v ^ SIZE_2M), 0, false);
	fx_drop(t, r, page, IOVA_A, 0, true);
	if (!kept(t, p, q, "a page 2 MiB away with IH = 0"))
		return;
	fx_drop(t, r, page, IOVA_A, 0, false);
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

#define KEPT_ROW(name_, what_, mode_, needs_, body_) \
	{ .id = "vtd.cache.model." name_, .given = what_, .expects = "the old one is used until it is named", \
	  .needs = NEEDS | (needs_), .flags = TEST_MODEL, .arg = (mode_), .body = body_ }

TEST_TABLE(model_keeps_paging,
	   KEPT_ROW("leaf.legacy", "a leaf changed, invalidations of others", FX_LEGACY, NEED_LEGACY_SS, leaf_kept),
	   KEPT_ROW("leaf.second_stage", "a leaf changed, invalidations of others", FX_SM_SS, NEED_SSTS, leaf_kept),
	   KEPT_ROW("leaf.first_stage", "a leaf changed, invalidations of others", FX_SM_FS, NEED_FSTS, leaf_kept),
	   KEPT_ROW("permission.legacy", "W set in a read-only leaf", FX_LEGACY, NEED_LEGACY_SS, permission_kept),
	   KEPT_ROW("permission.second_stage", "W set in a read-only leaf", FX_SM_SS, NEED_SSTS, permission_kept),
	   KEPT_ROW("permission.first_stage", "R/W set in a read-only leaf", FX_SM_FS, NEED_FSTS, permission_kept),
	   KEPT_ROW("table.legacy", "a table changed, invalidations of others", FX_LEGACY, NEED_LEGACY_SS, table_kept),
	   KEPT_ROW("table.second_stage", "a table changed, invalidations of others", FX_SM_SS, NEED_SSTS, table_kept),
	   KEPT_ROW("table.first_stage", "a table changed, invalidations of others", FX_SM_FS, NEED_FSTS, table_kept));

/* ---- context and PASID entries ---- */

/* Everything that hangs below the entry at hand goes, so that only the entry itself can be old. */
static bool entry_kept(struct test *t, struct vtd_desc d, struct page *p, struct page *q, const char *what)
{
	fx_inv(t, d);
	fx_inv(t, vtd_desc_iotlb_global(vtd_drains(fx_of(t)->u)));
	return kept(t, p, q, what);
}

TEST(model_keeps_context,
     .id = "vtd.cache.model.context",
     .given = "a context entry changed to another space, invalidations of others",
     .expects = "the old one is used until it is named",
     .needs = NEEDS | NEED_LEGACY_SS, .flags = TEST_MODEL)
{
	struct page *q = page_filled(t, 0);
	struct fx_req *r, alt;
	struct page *p = start(t, FX_LEGACY, &r);
	uint16_t sid = r->sid;

	alt = fx_other_space(t, r);
	fx_map(t, &alt, IOVA_A, q->pa, 1, PERM_RW, 0);
	fx_switch_space(t, r, &alt);
	if (!entry_kept(t, vtd_desc_cc_domain(DID_ELSE), p, q, "another domain") ||
	    !entry_kept(t, vtd_desc_cc_device(r->did, sid ^ 8, 3), p, q, "another device") ||
	    !entry_kept(t, vtd_desc_cc_device(r->did, sid ^ 0x100, 3), p, q, "another bus") ||
	    !entry_kept(t, vtd_desc_cc_device(r->did, sid ^ 4, 0), p, q, "function 4 with FM = 0") ||
	    !entry_kept(t, vtd_desc_cc_device(r->did, sid ^ 2, 1), p, q, "function 2 with FM = 1") ||
	    !entry_kept(t, vtd_desc_cc_device(r->did, sid ^ 1, 2), p, q, "function 1 with FM = 2"))
		return;
	fx_inv(t, vtd_desc_cc_device(r->did, sid, 0));
	if (kept(t, p, q, "a context-cache invalidation alone: the leaf is still there")) {
		fx_inv(t, vtd_desc_iotlb_global(vtd_drains(fx_of(t)->u)));
		expect_fresh(t, t->engine, IOVA_A, p, q);
	}
}

TEST(model_keeps_scalable_context,
     .id = "vtd.cache.model.scalable_context",
     .given = "scalable mode, a context entry changed to another directory, invalidations of others",
     .expects = "the old one is used until it is named",
     .needs = NEEDS_SM | NEED_ENGINE_WRITE, .flags = TEST_MODEL)
{
	struct sm_space other;
	struct fx_req *r;
	struct page *p;

	need_caches(t);
	p = sm_start(t, &r);
	sm_space(t, r, 0, &other);
	sm_put(t, r->ctx, other.ctx.w, 4);
	fx_inv(t, vtd_desc_pc_global());
	fx_inv(t, vtd_desc_cc_device(0, r->sid ^ 8, 3));
	fx_inv(t, vtd_desc_iotlb_global(true));
	if (!kept(t, p, other.page, "all but the context entry"))
		return;
	fx_inv(t, vtd_desc_cc_device(0, r->sid, 0));
	fx_inv(t, vtd_desc_iotlb_global(true));
	if (!kept(t, p, other.page, "all but the PASID entry"))
		return;
	fx_inv(t, vtd_desc_pc_global());
	expect_fresh(t, t->engine, IOVA_A, p, other.page);
}

/* arg: the mode. */
static void pasid_kept(struct test *t)
{
	struct page *q = page_filled(t, 0);
	struct fx_req *r, alt;
	struct page *p = start(t, (enum fx_mode)t->desc->arg, &r);

	alt = fx_other_space(t, r);
	fx_map(t, &alt, IOVA_A, q->pa, 1, PERM_RW, 0);
	fx_switch_space(t, r, &alt);
	if (!entry_kept(t, vtd_desc_cc_device(0, r->sid, 0), p, q, "the context entry") ||
	    !entry_kept(t, vtd_desc_pc_domain(DID_ELSE), p, q, "another domain") ||
	    !entry_kept(t, vtd_desc_pc_pasid(DID_ELSE, r->rid_pasid), p, q, "the PASID of another domain") ||
	    !entry_kept(t, vtd_desc_pc_pasid(r->did, r->rid_pasid + 1), p, q, "another PASID"))
		return;
	fx_inv(t, vtd_desc_pc_pasid(r->did, r->rid_pasid));
	if (kept(t, p, q, "a PASID-cache invalidation alone: the leaf is still there")) {
		fx_inv(t, vtd_desc_iotlb_global(true));
		expect_fresh(t, t->engine, IOVA_A, p, q);
	}
}

TEST_TABLE(model_keeps_pasid,
	   KEPT_ROW("pasid.second_stage", "a PASID entry changed, invalidations of others", FX_SM_SS, NEED_SSTS, pasid_kept),
	   KEPT_ROW("pasid.first_stage", "a PASID entry changed, invalidations of others", FX_SM_FS, NEED_FSTS, pasid_kept));
