/*
 * Accessed, Dirty and Extended-Accessed of first-stage entries (VT-d 3.6.2, 9.7).
 */
#include "tests/vtd/sm.h"

#define NEEDS (NEEDS_SM | NEED_FSTS)

/* A page whose entries have A = D = 0, PWSNP as told. */
static struct page *ad_start(struct test *t, bool snoop, struct fx_req **r)
{
	struct page *p;

	if (snoop && !t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
	p = fx_start_mapped(t, FX_SM_FS);
	*r = fx_req(t, t->engine);
	sm_change(t, (*r)->pasid + 1, PASID1_PWSNP, FLD(PASID1_PWSNP, snoop));
	for (unsigned level = 1; level <= (*r)->levels; level++)
		sm_change(t, fx_entry(t, *r, IOVA_A, level), level == 1 ? FS_A | FS_D : FS_A, 0);
	return p;
}

static uint64_t now(struct test *t, struct fx_req *r, unsigned level)
{
	return *(volatile uint64_t *)fx_entry(t, r, IOVA_A, level);
}

static void expect_a(struct test *t, struct fx_req *r, bool a)
{
	for (unsigned level = 1; level <= r->levels; level++)
		if (!expect_eq(t, level == 1 ? "A of the leaf" : "A above the leaf", fld_get(FS_A, now(t, r, level)), a))
			return;
}

TEST(fs_accessed,
     .id = "vtd.sm.fs.accessed",
     .checks = "VTD-SM-FS-033 VTD-SM-FS-035",
     .given = "A = D = 0 in all entries, snooped walk, a read",
     .expects = "A is set in every entry that was used, D stays 0",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, true, &r);

	expect_a(t, r, false);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
	expect_a(t, r, true);
	expect_eq(t, "D of the leaf", fld_get(FS_D, now(t, r, 1)), 0);
}

TEST(fs_dirty,
     .id = "vtd.sm.fs.dirty",
     .checks = "VTD-SM-FS-034",
     .given = "A = D = 0 in all entries, snooped walk, a write",
     .expects = "D is set in the leaf",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, true, &r);

	expect_a(t, r, false);
	expect_eq(t, "D of the leaf", fld_get(FS_D, now(t, r, 1)), 0);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
	expect_a(t, r, true);
	expect_eq(t, "D of the leaf", fld_get(FS_D, now(t, r, 1)), 1);
}

TEST(fs_accessed_later,
     .id = "vtd.sm.fs.accessed_after_refusal",
     .checks = "VTD-SM-FS-033",
     .given = "R/W = 0 in the leaf, A = 0 in one entry, at each level, snooped walk; a write, then a read",
     .expects = "the write is refused with reason 85h; the read sets A in every entry, D stays 0",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, true, &r);

	fx_set(t, fx_entry(t, r, IOVA_A, 1), *fx_entry(t, r, IOVA_A, 1) & ~FS_RW);
	for (unsigned clear = 1; clear <= r->levels; clear++) {
		for (unsigned level = 1; level <= r->levels; level++)
			sm_change(t, fx_entry(t, r, IOVA_A, level), FS_A, level == clear ? 0 : FS_A);
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true);
		expect_read(t, IOVA_A, p, 0, DMA_DONE);
		expect_no_fault(t);
		expect_a(t, r, true);
	}
	expect_eq(t, "D of the leaf", fld_get(FS_D, now(t, r, 1)), 0);
}

TEST(fs_absent_untouched,
     .id = "vtd.sm.fs.absent_untouched",
     .checks = "VTD-SM-FS-036",
     .given = "P = 0 in an entry, at each level, all other bits but A and D set; a read and a write",
     .expects = "the entry keeps its value",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, true, &r);

	expect_allowed(t, IOVA_A, p);
	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level), before = *e;
		uint64_t absent = UINT64_MAX & ~(FS_P | FS_A | FS_D);

		sm_change(t, e, UINT64_MAX, absent);
		expect_blocked_recorded(t, IOVA_A, p);
		expect_eq(t, "the entry", *(volatile uint64_t *)e, absent);
		sm_change(t, e, UINT64_MAX, before);
	}
}

TEST(fs_accessed_not_snooped,
     .id = "vtd.sm.fs.accessed_not_snooped",
     .checks = "VTD-SM-FS-037",
     .given = "PWSNP = 0, all A and D preset but A of one entry, at each level",
     .expects = "refused with reason 90h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, false, &r);

	for (unsigned level = 1; level <= r->levels; level++)
		sm_change(t, fx_entry(t, r, IOVA_A, level), 0, level == 1 ? FS_A | FS_D : FS_A);
	expect_allowed(t, IOVA_A, p);
	for (unsigned level = 1; level <= r->levels; level++)
		if (!sm_word_blocks_fresh(t, fx_entry(t, r, IOVA_A, level), now(t, r, level) & ~FS_A, p, FR_SFS_9))
			return;
}

TEST(fs_dirty_not_snooped,
     .id = "vtd.sm.fs.dirty_not_snooped",
     .checks = "VTD-SM-FS-038",
     .given = "PWSNP = 0, all A preset, D = 0; a read and a write",
     .expects = "the read is allowed, the write refused with reason 90h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, false, &r);

	for (unsigned level = 1; level <= r->levels; level++)
		sm_change(t, fx_entry(t, r, IOVA_A, level), 0, FS_A);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_SFS_9, t->engine, IOVA_A, true);
	expect_no_fault(t);
}

TEST(fs_preset_not_snooped,
     .id = "vtd.sm.fs.preset_not_snooped",
     .checks = "VTD-SM-FS-039",
     .given = "PWSNP = 0, A and D preset in all entries",
     .expects = "DMA works",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, false, &r);

	for (unsigned level = 1; level <= r->levels; level++)
		sm_change(t, fx_entry(t, r, IOVA_A, level), 0, level == 1 ? FS_A | FS_D : FS_A);
	expect_allowed(t, IOVA_A, p);
}

/* arg: EAFE. */
static void extended(struct test *t)
{
	bool on = t->desc->arg;
	struct fx_req *r;
	struct page *p;

	if (on && !t->bench->vtd->caps.eafs)
		skip(t, "ECAP.EAFS = 0");
	p = ad_start(t, t->bench->vtd->caps.smpwcs, &r);
	for (unsigned level = 1; level <= r->levels; level++)
		sm_change(t, fx_entry(t, r, IOVA_A, level), on ? FS_A | FS_D : 0, on ? 0 : level == 1 ? FS_A | FS_D : FS_A);
	sm_change(t, r->pasid + 2, PASID2_EAFE, FLD(PASID2_EAFE, on));
	expect_allowed(t, IOVA_A, p);
	for (unsigned level = 1; level <= r->levels; level++) {
		expect_eq(t, "EA", fld_get(FS_EA, now(t, r, level)), on);
		expect_eq(t, "A", fld_get(FS_A, now(t, r, level)), 1);
	}
}

TEST_TABLE(fs_extended,
	{ .id = "vtd.sm.fs.extended_accessed", .checks = "VTD-SM-FS-040", .given = "EAFE = 1, snooped walk", .needs = NEEDS,
	  .expects = "EA is set in every entry that was used", .arg = 1, .body = extended },
	{ .id = "vtd.sm.fs.extended_accessed_off", .checks = "VTD-SM-FS-041", .given = "EAFE = 0", .needs = NEEDS,
	  .expects = "EA stays 0", .arg = 0, .body = extended });
