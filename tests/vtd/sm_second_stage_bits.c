/*
 * Bits of second-stage entries in scalable mode (VT-d 3.7, 9.8): reserved ones, Accessed and Dirty.
 */
#include "tests/vtd/sm.h"

#define NEEDS (NEEDS_SM | NEED_SSTS)

/* Reserved bits at every level from first to last (0: the deepest). */
static void reserved(struct test *t, unsigned first, unsigned last, uint64_t bits)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);
	struct fx_req *r = fx_req(t, t->engine);

	for (unsigned level = first; level <= (last ? last : r->levels); level++)
		if (!sm_bits_block(t, fx_entry(t, r, IOVA_A, level), bits, IOVA_A, p, FR_SSS_3)) {
			note(t, "level %u", level);
			return;
		}
}

TEST(sm_ss_above_haw,
     .id = "vtd.sm.ss.reserved_above_haw",
     .checks = "VTD-SM-SS-012",
     .given = "each of bits 51:HAW alone, at each level",
     .expects = "refused with reason 7Ah",
     .needs = NEEDS,
     .budget_us = 3000000)
{
	if (t->bench->vtd->haw_bits >= 52)
		skip(t, "the host address width is 52 bits or more");
	reserved(t, 1, 0, BITS(51, t->bench->vtd->haw_bits));
}

TEST(sm_ss_bit_7,
     .id = "vtd.sm.ss.reserved_ps_at_top",
     .checks = "VTD-SM-SS-013",
     .given = "bit 7 set in the PML4E, and in the PML5E where there is one",
     .expects = "refused with reason 7Ah",
     .needs = NEEDS)
{
	if (t->bench->vtd->caps.levels_max < 4)
		skip(t, "CAP.SAGAW has no 48 bits");
	reserved(t, 4, 0, SS_PS);
}

TEST(sm_ss_bit_62,
     .id = "vtd.sm.ss.reserved_62",
     .checks = "VTD-SM-SS-016",
     .given = "bit 62 set in a present entry, at each level",
     .expects = "refused with reason 7Ah",
     .needs = NEEDS)
{
	reserved(t, 1, 0, SS_RSVD_62);
}

/* Reads alone: where a unit ignores such a bit, the address may be that of somebody else's memory. */
static bool reads_refused(struct test *t, uint64_t *word, uint64_t bits, iova_t iova, struct page *p)
{
	uint64_t before = *word;
	bool good = true;

	for (uint64_t left = bits; left && good; left &= left - 1) {
		sm_change(t, word, 0, LOWBIT(left));
		good = expect_read(t, iova, p, 0, DMA_REFUSED);
		fx_faults_drop(t);
		sm_change(t, word, UINT64_MAX, before);
	}
	return good;
}

/* arg: level of a large leaf, whose address bits below its size are reserved. */
static void large_offset(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	uint64_t bits = level == 2 ? BITS(20, 12) : BITS(29, 12);
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;
	iova_t iova;

	if (level == 2 ? !c->ss_2m : !c->ss_1g)
		skip(t, "CAP.SSLPS lacks this size");
	fx_start(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	iova = sm_large(t, r, level, p);
	expect_allowed(t, iova, p);
	if (reads_refused(t, fx_entry(t, r, iova, level), bits, iova, p))
		sm_bits_block(t, fx_entry(t, r, iova, level), bits, iova, p, FR_SSS_3);
}

TEST_TABLE(sm_ss_large_offset,
	{ .id = "vtd.sm.ss.reserved_2m", .checks = "VTD-SM-SS-014", .given = "each of bits 20:12 of a 2 MiB leaf alone",
	  .expects = "refused with reason 7Ah", .needs = NEEDS, .arg = 2, .body = large_offset },
	{ .id = "vtd.sm.ss.reserved_1g", .checks = "VTD-SM-SS-015", .given = "each of bits 29:12 of a 1 GiB leaf alone",
	  .expects = "refused with reason 7Ah", .needs = NEEDS, .arg = 3, .body = large_offset });

TEST(sm_ss_2m_absent,
     .id = "vtd.sm.ss.large_absent",
     .checks = "VTD-SM-SS-017",
     .given = "a 2 MiB leaf on a unit without SSLPS",
     .expects = "refused with reason 7Ah",
     .needs = NEEDS)
{
	struct page *p;

	if (t->bench->vtd->caps.ss_2m)
		skip(t, "CAP.SSLPS has 2 MiB");
	p = fx_start_mapped(t, FX_SM_SS);
	sm_word_blocks(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, 2),
		       align_down(p->pa.v, BIT(21)) | SS_PS | SS_R | SS_W, p, FR_SSS_3, FR_SSS_3);
}

/* Second stage with SSADE, walks snooped or not; A and D of every entry start at 0. */
static struct page *ad_start(struct test *t, bool ssade, bool snoop, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);

	*r = fx_req(t, t->engine);
	fx_set(t, (*r)->pasid + 1, ((*r)->pasid[1] & ~PASID1_PWSNP) | FLD(PASID1_PWSNP, snoop));
	sm_change(t, (*r)->pasid, PASID_SSADE, FLD(PASID_SSADE, ssade));
	for (unsigned level = 1; level <= (*r)->levels; level++)
		sm_change(t, fx_entry(t, *r, IOVA_A, level), SS_A | SS_D, 0);
	return p;
}

static uint64_t now(struct test *t, struct fx_req *r, unsigned level)
{
	return *(volatile uint64_t *)fx_entry(t, r, IOVA_A, level);
}

static void needs_ad(struct test *t, bool snoop)
{
	if (!t->bench->vtd->caps.ssads)
		skip(t, "ECAP.SSADS = 0");
	if (snoop && !t->bench->vtd->caps.smpwcs)
		skip(t, "ECAP.SMPWCS = 0");
}

/* A of every entry, D of the leaf. */
static void expect_ad(struct test *t, struct fx_req *r, bool a, bool d)
{
	for (unsigned level = 1; level <= r->levels; level++)
		expect_eq(t, level == 1 ? "A of the leaf" : "A above the leaf", fld_get(SS_A, now(t, r, level)), a);
	expect_eq(t, "D of the leaf", fld_get(SS_D, now(t, r, 1)), d);
}

TEST(sm_ss_accessed,
     .id = "vtd.sm.ss.accessed",
     .checks = "VTD-SM-SS-022 VTD-SM-SS-024",
     .given = "SSADE = 1, a read",
     .expects = "A is set in every entry that was used, D in none",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p;

	needs_ad(t, true);
	p = ad_start(t, true, true, &r);
	expect_ad(t, r, false, false);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
	expect_ad(t, r, true, false);
}

TEST(sm_ss_dirty,
     .id = "vtd.sm.ss.dirty",
     .checks = "VTD-SM-SS-023",
     .given = "SSADE = 1, a write",
     .expects = "D is set in the leaf",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p;

	needs_ad(t, true);
	p = ad_start(t, true, true, &r);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
	expect_ad(t, r, true, true);
}

TEST(sm_ss_accessed_later,
     .id = "vtd.sm.ss.accessed_after_refusal",
     .checks = "VTD-SM-SS-022",
     .given = "SSADE = 1, W = 0 in the leaf, A = 0 in one entry, at each level; a write, then a read",
     .expects = "the write is refused with reason 85h; the read sets A in every entry, D stays 0",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p;

	needs_ad(t, true);
	p = ad_start(t, true, true, &r);
	fx_set(t, fx_entry(t, r, IOVA_A, 1), *fx_entry(t, r, IOVA_A, 1) & ~SS_W);
	for (unsigned clear = 1; clear <= r->levels; clear++) {
		for (unsigned level = 1; level <= r->levels; level++)
			sm_change(t, fx_entry(t, r, IOVA_A, level), SS_A, level == clear ? 0 : SS_A);
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true);
		expect_read(t, IOVA_A, p, 0, DMA_DONE);
		expect_no_fault(t);
		expect_ad(t, r, true, false);
	}
}

TEST(sm_ss_ad_off,
     .id = "vtd.sm.ss.accessed_dirty_off",
     .checks = "VTD-SM-SS-025",
     .given = "SSADE = 0, a write and a read",
     .expects = "A and D stay 0",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ad_start(t, false, t->bench->vtd->caps.smpwcs, &r);

	expect_allowed(t, IOVA_A, p);
	expect_ad(t, r, false, false);
}

TEST(sm_ss_ad_not_snooped,
     .id = "vtd.sm.ss.accessed_not_snooped",
     .checks = "VTD-SM-SS-026",
     .given = "SSADE = 1, PWSNP = 0; A and D preset, then A clear, then D clear and a write",
     .expects = "allowed, then refused with reason 7Ch",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p;

	needs_ad(t, false);
	p = ad_start(t, true, false, &r);
	for (unsigned level = 1; level <= r->levels; level++)
		sm_change(t, fx_entry(t, r, IOVA_A, level), 0, SS_A | SS_D);
	expect_allowed(t, IOVA_A, p);
	for (unsigned level = 1; level <= r->levels; level++)
		if (!sm_word_blocks_fresh(t, fx_entry(t, r, IOVA_A, level), now(t, r, level) & ~SS_A, p, FR_SSS_5))
			return;
	sm_change(t, fx_entry(t, r, IOVA_A, 1), SS_D, 0);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_SSS_5, t->engine, IOVA_A, true);
	expect_no_fault(t);
}
