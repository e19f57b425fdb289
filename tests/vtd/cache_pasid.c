/*
 * PASID entries and first-stage translations that were dropped are not used any more (VT-d 6.5.2.4, 6.5.2.5, 6.6).
 */
#include "tests/vtd/queue_words.h"
#include "tests/vtd/sm.h"
#include "tests/vtd/stale.h"

#define NEEDS (NEED_VTD | NEED_SM | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

/* ---- entries cleared ---- */

enum pc { BY_PASID, BY_DOMAIN, BY_ALL };

static void drop_pasid(struct test *t, const struct fx_req *r, enum pc how)
{
	fx_inv(t, how == BY_PASID ? vtd_desc_pc_pasid(r->did, r->rid_pasid) :
		  how == BY_DOMAIN ? vtd_desc_pc_domain(r->did) : vtd_desc_pc_global());
}

/* kept: of the entry's first word, what stays when it is cleared. */
static const struct { enum fx_mode mode; enum pc pc; enum stale_inv inv; uint64_t kept; } clears[] = {
	{ FX_SM_SS, BY_PASID, INV_DOMAIN, 0 }, { FX_SM_FS, BY_PASID, INV_PASID, 0 }, { FX_SM_SS, BY_DOMAIN, INV_DOMAIN, 0 },
	{ FX_SM_SS, BY_ALL, INV_GLOBAL, 0 }, { FX_SM_SS, BY_ALL, INV_GLOBAL, ~PASID_P },
};

static void entry_cleared(struct test *t)
{
	struct page *p = fx_start_mapped(t, clears[t->desc->arg].mode);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, &r->pasid[0], r->pasid[0] & clears[t->desc->arg].kept);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	drop_pasid(t, r, clears[t->desc->arg].pc);
	fx_drop(t, r, clears[t->desc->arg].inv, IOVA_A, 0, false);
	expect_blocked(t, IOVA_A, p, FR_SPT_2);
}

#define CLEARED_ROW(name_, row_, arg_, needs_, given_) \
	{ .id = "vtd.cache.pasid.cleared." name_, .checks = row_, .given = "a PASID entry in use is cleared; " given_, \
	  .expects = "refused with reason 59h", .needs = NEEDS | (needs_), .arg = (arg_), .body = entry_cleared }

TEST_TABLE(pasid_cleared,
	   CLEARED_ROW("second_stage", "VTD-CACHE-031", 0, NEED_SSTS, "PASID-cache PASID, IOTLB domain"),
	   CLEARED_ROW("first_stage", "VTD-CACHE-032", 1, NEED_FSTS, "PASID-cache PASID, PASID-based IOTLB"),
	   CLEARED_ROW("domain", "VTD-CACHE-033", 2, NEED_SSTS, "PASID-cache domain, IOTLB domain"),
	   CLEARED_ROW("global", "VTD-CACHE-034", 3, NEED_SSTS, "PASID-cache global, IOTLB global"),
	   CLEARED_ROW("p_alone", "VTD-CACHE-034", 4, NEED_SSTS, "P alone; PASID-cache global, IOTLB global"));

/* Two PASIDs, so that a domain is told from a PASID. */
TEST(pasids_of_domain_cleared,
     .id = "vtd.cache.pasid.cleared.domain_of_two", .checks = "VTD-CACHE-033",
     .given = "two PASID entries in use, of one domain, are cleared; PASID-cache domain, IOTLB domain",
     .expects = "both are refused with reason 59h", .needs = NEEDS_SM_PASID | NEED_SSTS)
{
	static const uint32_t pasids[] = { 0x41, 0x155 };
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);
	struct dma_request rq;

	sm_enable_pasid(t, r);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
		sm_put(t, sm_pasid_at(t, r, pasids[i]), fx_pasid_value(fx_of(t), r).w, 8);
	fx_sync(t);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++) {
		rq = sm_rq(t, pasids[i]);
		expect_allowed_rq(t, &rq, p);
	}
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++)
		fx_set(t, sm_pasid_at(t, r, pasids[i]), 0);
	drop_pasid(t, r, BY_DOMAIN);
	fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
	for (unsigned i = 0; i < ARRAY_LEN(pasids); i++) {
		rq = sm_rq(t, pasids[i]);
		expect_blocked_rq(t, &rq, p, FR_SPT_2);
	}
}

TEST(directory_cleared,
     .id = "vtd.cache.pasid.directory_cleared", .checks = "VTD-CACHE-036",
     .given = "a PASID directory entry in use is cleared; PASID-cache domain, IOTLB domain",
     .expects = "refused with reason 51h", .needs = NEEDS | NEED_SSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, r->dir, 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	drop_pasid(t, r, BY_DOMAIN);
	fx_drop(t, r, INV_DOMAIN, IOVA_A, 0, false);
	expect_blocked(t, IOVA_A, p, FR_SPD_2);
}

/* The same input address, which is its own output first, then mapped elsewhere. P stays 1; word 0 changes last. */
TEST(pass_to_first_stage,
     .id = "vtd.cache.pasid.pass_to_first_stage", .checks = "VTD-CACHE-035",
     .given = "a PASID entry in use changes from pass-through to first stage; PASID-cache PASID, PASID-based IOTLB",
     .expects = "the first-stage mapping is used", .needs = NEEDS | NEED_FSTS | NEED_PT)
{
	struct page *p = page_filled(t, 0), *q = page_filled(t, 0);
	iova_t same = IOVA(p->pa.v);
	struct fx_req *r;
	vtd_pasid_t e;

	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	fx_map(t, r, same, q->pa, 1, PERM_RW, 0);
	e = vtd_pasid_passthrough(fx_of(t)->u->caps.levels_max, r->did);
	fx_set(t, &r->pasid[0], 0);
	for (unsigned i = 8; i > 0; i--)
		fx_set(t, &r->pasid[i - 1], e.w[i - 1]);
	fx_sync(t);
	expect_fresh(t, t->engine, same, q, p);
	e = fx_pasid_value(fx_of(t), r);
	for (unsigned i = 8; i > 0; i--)
		fx_set(t, &r->pasid[i - 1], e.w[i - 1]);
	expect_either(t, t->engine, same, p, q);
	drop_pasid(t, r, BY_PASID);
	fx_drop(t, r, INV_PASID, same, 0, false);
	expect_fresh(t, t->engine, same, p, q);
}

/* ---- first-stage leaves ---- */

static void leaf_removed(struct test *t)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, fx_entry(t, r, IOVA_A, 1), 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_drop(t, r, (enum stale_inv)t->desc->arg, IOVA_A, 0, true);
	expect_blocked(t, IOVA_A, p, FR_SFS_2);
}

#define LEAF_ROW(name_, row_, arg_) \
	{ .id = "vtd.cache.first_stage.removed." name_, .checks = row_, \
	  .given = "a first-stage leaf in use is removed; " name_, \
	  .expects = "refused with reason 71h", .needs = NEEDS | NEED_FSTS, .arg = (arg_), .body = leaf_removed }

TEST_TABLE(first_stage_removed,
	   LEAF_ROW("piotlb_page", "VTD-CACHE-037", INV_PASID_PAGE),
	   LEAF_ROW("piotlb_pasid", "VTD-CACHE-039", INV_PASID),
	   LEAF_ROW("iotlb_domain", "VTD-CACHE-041", INV_DOMAIN), LEAF_ROW("iotlb_page", "VTD-CACHE-042", INV_PAGE),
	   LEAF_ROW("iotlb_global", "VTD-CACHE-043", INV_GLOBAL));

#define AM_BASE IOVA(UINT64_C(0x4000000000)) /* aligned to 2^26 pages */
#define AM_MAX  26u

TEST(first_stage_am,
     .id = "vtd.cache.first_stage.am", .checks = "VTD-CACHE-038",
     .given = "first and last of 2^n first-stage pages removed, n = 0 to 26, PASID-based IOTLB page with AM = n",
     .expects = "all are refused; with AM above MAMV the queue may stop instead", .budget_us = 3000000, .needs = NEEDS | NEED_FSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);
	struct fx_req *r = fx_req(t, t->engine);

	for (unsigned am = 0; am <= AM_MAX; am++) {
		iova_t last = iova_add(AM_BASE, (pow2(am) - 1) * PAGE_BYTES);
		bool good;

		fx_map(t, r, AM_BASE, p->pa, 1, PERM_RW, 0);
		fx_map(t, r, last, p->pa, 1, PERM_RW, 0);
		fx_sync(t);
		good = expect_allowed(t, AM_BASE, p) && expect_allowed(t, last, p);
		fx_set(t, fx_entry(t, r, AM_BASE, 1), 0);
		fx_set(t, fx_entry(t, r, last, 1), 0);
		if (am > t->bench->vtd->caps.mamv) {
			/* MAMV is not said to limit these descriptors, nor not to. */
			if (queue_stops(t, vtd_desc_piotlb_page(r->did, r->rid_pasid, AM_BASE, am, true), NULL)) {
				observe(t, "AM = %u, above MAMV, stops the queue", am);
				return;
			}
		} else {
			fx_drop(t, r, INV_PASID_PAGE, AM_BASE, am, true);
		}
		if (!good || !expect_blocked(t, AM_BASE, p, FR_SFS_2) || !expect_blocked(t, last, p, FR_SFS_2)) {
			note(t, "with AM = %u", am);
			return;
		}
	}
}

TEST(first_stage_table,
     .id = "vtd.cache.first_stage.table_replaced", .checks = "VTD-CACHE-040",
     .given = "a lowest first-stage table in use is replaced, PASID-based IOTLB page with IH = 0",
     .expects = "the new table is used", .needs = NEEDS | NEED_FSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS), *q = page_filled(t, 0), *low = page_alloc(t, PAGE_BYTES, 0);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t *table = (uint64_t *)(void *)low->p, *e = fx_entry(t, r, IOVA_A, 2); /* page-aligned */

	fx_set(t, &table[shr(IOVA_A.v, 12) % 512], q->pa.v | FS_P | FS_RW | FS_US | FS_A | FS_D);
	fx_set(t, e, low->pa.v | (*e & ~FS_ADDR));
	expect_either(t, t->engine, IOVA_A, p, q);
	fx_drop(t, r, INV_PASID_PAGE, IOVA_A, 0, false);
	expect_fresh(t, t->engine, IOVA_A, p, q);
}

/* ---- second-stage leaves of scalable mode, accessed and dirty ---- */

TEST(sm_leaf_removed,
     .id = "vtd.cache.iotlb.removed.page_scalable", .checks = "VTD-CACHE-046",
     .given = "scalable mode, a second-stage leaf in use is removed, IOTLB page", .expects = "refused with reason 79h",
     .needs = NEEDS | NEED_SSTS)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);

	fx_set(t, fx_entry(t, r, IOVA_A, 1), 0);
	expect_either(t, t->engine, IOVA_A, p, NULL);
	fx_drop(t, r, INV_PAGE, IOVA_A, 0, false);
	expect_blocked(t, IOVA_A, p, FR_SSS_2);
}

/* D is set, cleared by us, dropped, and the next write sets it again. */
static void dirty_again(struct test *t, struct fx_req *r, struct page *p, uint64_t d, enum stale_inv how)
{
	volatile uint64_t *e = fx_entry(t, r, IOVA_A, 1);

	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	if (!expect_eq(t, "D after the first write", *e & d, d))
		return;
	fx_set(t, fx_entry(t, r, IOVA_A, 1), *e & ~d);
	fx_drop(t, r, how, IOVA_A, 0, true);
	expect_eq(t, "D after it was cleared", *e & d, 0);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_eq(t, "D after the next write", *e & d, d);
	expect_no_fault(t);
}

TEST(ss_dirty,
     .id = "vtd.cache.dirty.second_stage", .checks = "VTD-CACHE-047",
     .given = "SSADE = 1, D of a second-stage leaf in use is cleared, IOTLB page",
     .expects = "the next write sets D again",
     .needs = NEEDS | NEED_SSTS)
{
	struct page *p;
	struct fx_req *r;

	if (!t->bench->vtd->caps.ssads)
		skip(t, "ECAP.SSADS = 0");
	if (!t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	p = page_filled(t, 0);
	fx_start(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	fx_map_page(t, IOVA_A, p);
	fx_set(t, &r->pasid[0], r->pasid[0] | PASID_SSADE);
	fx_sync(t);
	dirty_again(t, r, p, SS_D, INV_PAGE);
}

TEST(fs_dirty,
     .id = "vtd.cache.dirty.first_stage", .checks = "VTD-CACHE-048",
     .given = "snooped walks, D of a first-stage leaf in use is cleared, PASID-based IOTLB page",
     .expects = "the next write sets D again", .needs = NEEDS | NEED_FSTS)
{
	struct page *p;

	if (!t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	p = page_filled(t, 0);
	fx_start(t, FX_SM_FS);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	dirty_again(t, fx_req(t, t->engine), p, FS_D, INV_PASID_PAGE);
}
