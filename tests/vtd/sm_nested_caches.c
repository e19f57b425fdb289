/*
 * Nested translation and what is kept of it (VT-d 3.8, 6.5): dropped entries, translation requests, execute permission.
 */
#include "tests/vtd/model_ask.h"
#include "tests/vtd/nest.h"
#include "tests/vtd/stale.h"
#include <string.h>

#define NEEDS (NEEDS_SM | NEED_NEST)

/* ---- dropped ---- */

TEST(nested_ss_leaf_dropped,
     .id = "vtd.cache.nested.second_stage", .checks = "VTD-CACHE-044",
     .given = "nested, the second-stage leaf of the page in use is removed, IOTLB page of its guest address",
     .expects = "refused with reason 79h", .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	fx_set(t, ss(t, &n, n.page), 0);
	expect_either(t, t->engine, IOVA_A, n.page, NULL);
	fx_drop(t, n.r, INV_PAGE, IOVA(gpa(n.page)), 0, true);
	expect_blocked(t, IOVA_A, n.page, FR_SSS_2);
}

TEST(nested_fs_leaf_dropped,
     .id = "vtd.cache.nested.first_stage", .checks = "VTD-CACHE-045",
     .given = "nested, the first-stage leaf in use is removed, PASID-based IOTLB page",
     .expects = "refused with reason 71h", .needs = NEEDS)
{
	struct nest n;

	nest_start(t, &n);
	fx_set(t, fs(&n, 1), 0);
	expect_either(t, t->engine, IOVA_A, n.page, NULL);
	fx_drop(t, n.r, INV_PASID_PAGE, IOVA_A, 0, true);
	expect_blocked(t, IOVA_A, n.page, FR_SFS_2);
}

/* ---- translation requests ---- */

/* Success with these permissions; nothing recorded. */
static void expect_answer(struct test *t, bool r, bool w)
{
	struct dma_request rq = { .iova = IOVA_A, .len_bytes = PAGE_BYTES };
	struct ats_answer a = { .outcome = DMA_UNKNOWN };

	fx_sync(t);
	must(t, t->engine->ops->ats(t->engine, &rq, false, &a), "a translation request");
	expect_true(t, a.outcome == DMA_DONE, "the translation request succeeds");
	expect_eq(t, "R", a.r, r);
	expect_eq(t, "W", a.w, w);
	expect_no_fault(t);
}

TEST(nested_ats,
     .id = "vtd.sm.nest.ats.permissions", .checks = "VTD-ATS-006",
     .given = "nested, R and W of the second stage, R/W of the first stage, a translation request",
     .expects = "what both stages grant", .needs = NEEDS | NEED_DT | NEED_ENGINE_ATS)
{
	struct nest n;

	nest_start(t, &n);
	fx_set(t, n.r->ctx, n.r->ctx[0] | SM_CTX_DTE);
	expect_answer(t, true, true);
	fx_set(t, ss(t, &n, n.page), *ss(t, &n, n.page) & ~SS_W);
	expect_answer(t, true, false);
	fx_set(t, ss(t, &n, n.page), (*ss(t, &n, n.page) & ~SS_R) | SS_W);
	expect_answer(t, false, true);
	fx_set(t, fs(&n, 1), *fs(&n, 1) & ~FS_RW);
	expect_answer(t, false, false);
	fx_set(t, ss(t, &n, n.page), *ss(t, &n, n.page) | SS_R);
	expect_answer(t, true, false);
}

TEST(nested_ats_dirty,
     .id = "vtd.sm.nest.ats.dirty", .checks = "VTD-SM-SS-024",
     .given = "nested, SSADE = 1, snooped walks, a translation request; R/W = 0, then 1 in the first-stage leaf",
     .expects = "D of the second-stage leaf stays 0, then is set", .needs = NEEDS | NEED_DT | NEED_ENGINE_ATS)
{
	struct nest n;

	if (!t->bench->vtd->caps.ssads || !t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SSADS = 0 or ECAP.SMPWCS = 0");
	nest_start(t, &n);
	fx_set(t, n.r->ctx, n.r->ctx[0] | SM_CTX_DTE);
	fx_set(t, n.r->pasid, n.r->pasid[0] | PASID_SSADE);
	fx_set(t, fs(&n, 1), *fs(&n, 1) & ~(FS_RW | FS_D));
	fx_set(t, ss(t, &n, n.page), *ss(t, &n, n.page) & ~(SS_A | SS_D));
	expect_answer(t, true, false);
	expect_eq(t, "A and D of a page that is not to be written", *ss(t, &n, n.page) & (SS_A | SS_D), SS_A);
	fx_set(t, fs(&n, 1), *fs(&n, 1) | FS_RW);
	expect_answer(t, true, true);
	expect_eq(t, "A and D of a page that may be written", *ss(t, &n, n.page) & (SS_A | SS_D), SS_A | SS_D);
	expect_eq(t, "D of the first-stage leaf", *fs(&n, 1) & FS_D, FS_D);
}

/* A page that only lacks a permission of the second stage is kept as such, like any other. */
TEST(nested_refused_kept,
     .id = "vtd.cache.model.nested_refused",
     .given = "nested, the second-stage leaf of the page without W, then without R, and put right with no invalidation",
     .expects = "refused with reason 85h or 86h until it is invalidated",
     .needs = NEEDS | NEED_ENGINE_WRITE, .flags = TEST_MODEL)
{
	struct nest n;

	if (!strcmp(t->bench->machine->name, "model.lazy"))
		skip(t, "this unit keeps nothing");
	nest_start(t, &n);
	for (unsigned write = 0; write < 2; write++) {
		uint64_t *e = ss(t, &n, n.page), good = *e;

		fx_set(t, e, good & ~(write ? SS_W : SS_R));
		fx_sync(t);
		for (unsigned i = 0; i < 2; i++) {
			struct model_answer a = model_ask(t, &(struct model_request){ .iova = IOVA_A, .write = write });

			expect_eq(t, "reason", a.fault, write ? FR_SGN_6 : FR_SGN_7);
			fx_set(t, e, good);
		}
		fx_faults_drop(t);
		fx_sync(t);
		expect_allowed(t, IOVA_A, n.page);
	}
}

/* Execute permission comes from both stages (U-11: as the model has chosen it). */
TEST(nested_execute,
     .id = "vtd.model.execute.nested",
     .given = "nested, ERE = SSEE = 1, X of the second-stage leaf of the page set, then clear",
     .expects = "allowed, then refused with reason 82h, also as cached", .needs = NEEDS | NEED_PASID,
     .flags = TEST_MODEL)
{
	struct model_request rq = { .iova = IOVA_A, .has_pasid = true };
	struct nest n;

	if (!t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 0");
	nest_start(t, &n);
	sm_enable_pasid(t, n.r);
	rq.pasid = n.r->rid_pasid;
	fx_set(t, n.r->pasid + 2, n.r->pasid[2] | PASID2_ERE);
	sm_change(t, n.r->pasid, 0, PASID_SSEE);
	for (unsigned level = 2; level <= n.r->levels; level++)
		fx_set(t, fx_entry(t, n.r, IOVA(gpa(n.page)), level), *fx_entry(t, n.r, IOVA(gpa(n.page)), level) | SS_X);
	for (unsigned x = 0; x < 2; x++) {
		sm_change(t, ss(t, &n, n.page), SS_X, x ? 0 : SS_X);
		for (unsigned exec = 0; exec < 4; exec++) { /* data first: what they leave in the caches serves all */
			rq.exec = exec & 1;
			expect_eq(t, "reason", model_ask(t, &rq).fault, x && rq.exec ? FR_SGN_3 : 0);
		}
	}
	fx_faults_drop(t);
}

TEST(nested_table_absent,
     .id = "vtd.sm.nest.unsure.table_absent",
     .given = "R = W = 0 in the second stage for the top first-stage table, then for a lower one",
     .expects = "refused with reason 75h, then 76h; or 79h", .needs = NEEDS)
{
	static const uint8_t reasons[2][2] = { { FR_SFS_6, FR_SSS_2 }, { FR_SFS_7, FR_SSS_2 } };
	unsigned seen[2] = { 0, 0 };
	struct nest n;

	nest_start(t, &n);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *leaf = ss(t, &n, n.table[FS_LEVELS - i]), value = *leaf;

		sm_change(t, leaf, SS_R | SS_W, 0);
		expect_write(t, IOVA_A, n.page, 0, DMA_REFUSED);
		expect_fault_of(t, reasons[i], 2, t->engine, IOVA_A, true, &seen[i]);
		sm_change(t, leaf, UINT64_MAX, value);
	}
	observe(t, "faults 0x%02x, 0x%02x", seen[0], seen[1]);
}
