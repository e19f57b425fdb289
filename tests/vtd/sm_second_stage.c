/*
 * Second-stage walks in scalable mode (VT-d 3.7, 7.1.3: PGTT = 010): page sizes, widths, permissions, ends. Bits of
 * entries: sm_second_stage_bits.c.
 */
#include "tests/vtd/sm.h"

#define NEEDS (NEEDS_SM | NEED_SSTS)

static struct page *ss_start(struct test *t, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, FX_SM_SS);

	*r = fx_req(t, t->engine);
	return p;
}

/* Input addresses of a walk end here: 2^min(MGAW, AGAW). */
static unsigned limit_bits(const struct test *t, unsigned levels)
{
	return (unsigned)min_u64(t->bench->vtd->caps.mgaw_bits, 12 + 9 * levels);
}

TEST(sm_ss_4k,
     .id = "vtd.sm.ss.page_4k",
     .checks = "VTD-SM-SS-001",
     .given = "two pages, each mapped by a 4 KiB leaf",
     .expects = "reads and writes reach each at its own address",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r), *q = page_filled(t, 0x5a);

	fx_map_page(t, IOVA_B, q);
	fx_sync(t);
	expect_allowed(t, IOVA_B, q);
	expect_allowed(t, IOVA_A, p);
}

/* arg: level of the leaf. */
static void large(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;
	unsigned level = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);
	struct fx_req *r;
	iova_t iova;

	if (level == 2 ? !c->ss_2m : !c->ss_1g)
		skip(t, "CAP.SSLPS lacks this size");
	fx_start(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	iova = sm_large(t, r, level, p);
	expect_allowed(t, iova, p);
	/* Another page at its own offset: the low bits are those of the input. */
	iova = sm_large(t, r, level, q);
	expect_allowed(t, iova, q);
}

TEST_TABLE(sm_ss_large,
	{ .id = "vtd.sm.ss.page_2m", .checks = "VTD-SM-SS-002", .given = "a 2 MiB leaf", .expects = "the mapped address",
	  .needs = NEEDS, .arg = 2, .body = large },
	{ .id = "vtd.sm.ss.page_1g", .checks = "VTD-SM-SS-003", .given = "a 1 GiB leaf", .expects = "the mapped address",
	  .needs = NEEDS, .arg = 3, .body = large });

/* arg: levels. Two pages that differ in every index, and one at the highest address. */
static void width(struct test *t)
{
	unsigned levels = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);
	iova_t last = IOVA(pow2(limit_bits(t, levels)) - PAGE_BYTES);
	struct fx_req *r;

	if (!vtd_caps_levels(&t->bench->vtd->caps, levels))
		skip(t, "CAP.SAGAW lacks this width");
	fx_start(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	sm_set_levels(t, r, levels);
	fx_map_page(t, IOVA_A, p);
	fx_map_page(t, last, q);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	expect_allowed(t, last, q);
}

#define WIDTH(levels, id_, row) \
	{ .id = "vtd.sm.ss.width_" id_, .checks = row, .given = "AW for " #levels " levels", .needs = NEEDS, \
	  .expects = "pages in the middle and at the end of the address space are reached", .arg = (levels), .body = width }

TEST_TABLE(sm_ss_width,
	WIDTH(3, "39", "VTD-SM-SS-004"), WIDTH(4, "48", "VTD-SM-SS-005"), WIDTH(5, "57", "VTD-SM-SS-006"));

TEST(sm_ss_absent,
     .id = "vtd.sm.ss.absent",
     .checks = "VTD-SM-SS-007",
     .given = "R = W = 0 at each level, other bits left",
     .expects = "refused with reason 79h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		if (!sm_word_blocks(t, e, *e & ~(SS_R | SS_W), p, FR_SSS_2, FR_SSS_2))
			return;
	}
}

TEST(sm_ss_write,
     .id = "vtd.sm.ss.write_needs_w",
     .checks = "VTD-SM-SS-008",
     .given = "a leaf with R = 1, W = 0",
     .expects = "the write is refused with reason 85h, the read is allowed",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	sm_change(t, fx_entry(t, r, IOVA_A, 1), SS_W, 0);
	expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}

TEST(sm_ss_read,
     .id = "vtd.sm.ss.read_needs_r",
     .checks = "VTD-SM-SS-009",
     .given = "a leaf with R = 0, W = 1",
     .expects = "the read is refused with reason 86h, the write is allowed",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	sm_change(t, fx_entry(t, r, IOVA_A, 1), SS_R, 0);
	expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
	expect_fault(t, FR_SGN_7, t->engine, IOVA_A, false);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}

TEST(sm_ss_write_non_leaf,
     .id = "vtd.sm.ss.write_needs_w_above",
     .checks = "VTD-SM-SS-010",
     .given = "W = 0 in one entry above the leaf, at each level",
     .expects = "the write is refused with reason 85h, the read is allowed",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	for (unsigned level = 2; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		sm_change(t, e, SS_W, 0);
		if (!expect_write(t, IOVA_A, p, 0, DMA_REFUSED) ||
		    !expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true) || !expect_read(t, IOVA_A, p, 0, DMA_DONE))
			return;
		sm_change(t, e, 0, SS_W);
		expect_allowed(t, IOVA_A, p);
	}
}

TEST(sm_ss_accumulated,
     .id = "vtd.sm.ss.accumulated_nothing",
     .checks = "VTD-SM-SS-011",
     .given = "R alone in the leaf, W alone in the entry above it",
     .expects = "refused with reason 79h, or 85h (write), 86h (read)",
     .needs = NEEDS)
{
	static const uint8_t reasons[] = { FR_SSS_2, FR_SGN_6 };
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	fx_set(t, fx_entry(t, r, IOVA_A, 1), *fx_entry(t, r, IOVA_A, 1) & ~SS_W);
	sm_change(t, fx_entry(t, r, IOVA_A, 2), SS_R, 0);
	observe_dma(t, p, reasons, ARRAY_LEN(reasons), false);
}

TEST(sm_ss_unbacked_top,
     .id = "vtd.sm.ss.unbacked_top",
     .checks = "VTD-SM-SS-018",
     .given = "SSPTPTR leads to where no memory is",
     .expects = "refused with reason 7Bh",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	sm_word_blocks(t, r->pasid, (*r->pasid & ~PASID_SSPTPTR) | page_unbacked(t).v, p, FR_SSS_4, FR_SSS_4);
}

TEST(sm_ss_unbacked,
     .id = "vtd.sm.ss.unbacked_below",
     .checks = "VTD-SM-SS-019",
     .given = "an entry leads to a table where no memory is, at each level",
     .expects = "refused with reason 78h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	for (unsigned level = 2; level <= r->levels; level++)
		if (!sm_word_blocks(t, fx_entry(t, r, IOVA_A, level), page_unbacked(t).v | SS_R | SS_W, p, FR_SSS_1,
				    FR_SSS_1))
			return;
}

TEST(sm_ss_limit,
     .id = "vtd.sm.ss.above_limit",
     .checks = "VTD-SM-SS-020",
     .given = "every width of SAGAW, each address bit from min(MGAW, AGAW) on alone",
     .expects = "refused with reason 84h",
     .needs = NEEDS)
{
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;

	fx_start(t, FX_SM_SS);
	r = fx_req(t, t->engine);
	for (unsigned levels = 3; levels <= 5; levels++) {
		if (!vtd_caps_levels(&t->bench->vtd->caps, levels))
			continue;
		sm_set_levels(t, r, levels);
		fx_map_page(t, IOVA_A, p);
		fx_sync(t);
		expect_allowed(t, IOVA_A, p);
		for (unsigned bit = limit_bits(t, levels); bit < 64; bit++)
			if (!expect_blocked(t, IOVA(IOVA_A.v | pow2(bit)), p, FR_SGN_5)) {
				note(t, "%u levels, bit %u", levels, bit);
				return;
			}
	}
}

TEST(sm_ss_interrupt_range,
     .id = "vtd.sm.ss.output_in_interrupt_range",
     .checks = "VTD-SM-SS-021",
     .given = "leaves that lead to FEE00000h and FEEFF000h; reads, and writes once reads are seen to be refused",
     .expects = "refused with reason 87h",
     .needs = NEEDS)
{
	static const uint64_t outputs[] = { 0xfee00000, 0xfeeff000 };
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	for (unsigned i = 0; i < ARRAY_LEN(outputs); i++) {
		sm_change(t, fx_entry(t, r, IOVA_A, 1), UINT64_MAX, outputs[i] | SS_R | SS_W);
		if (!expect_read(t, IOVA_A, p, 0, DMA_REFUSED) ||
		    !expect_fault(t, FR_SGN_8, t->engine, IOVA_A, false))
			return;
		expect_blocked(t, IOVA_A, p, FR_SGN_8);
	}
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST(sm_ss_legacy_codes,
     .id = "vtd.sm.ss.no_legacy_reasons",
     .checks = "VTD-SM-SS-029",
     .given = "an address above the limit, R = W = 0, W = 0, an unbacked table, a reserved bit",
     .expects = "none is recorded with reason 04h to 07h or 0Ch",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);
	uint64_t *leaf = fx_entry(t, r, IOVA_A, 1), *above = fx_entry(t, r, IOVA_A, 2);
	const struct { uint64_t *word, value; iova_t iova; } cases[] = {
		{ leaf, *leaf, IOVA(IOVA_A.v | BIT(63)) }, { leaf, *leaf & ~(SS_R | SS_W), IOVA_A },
		{ leaf, *leaf & ~SS_W, IOVA_A }, { above, page_unbacked(t).v | SS_R | SS_W, IOVA_A },
		{ leaf, *leaf | SS_RSVD_62, IOVA_A },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before = *cases[i].word;
		struct vtd_fault f;

		sm_change(t, cases[i].word, UINT64_MAX, cases[i].value);
		expect_write(t, cases[i].iova, p, 0, DMA_REFUSED);
		if (!expect_true(t, vtd_fault_pop(fx_of(t)->u, &f) == OK, "a fault record"))
			return;
		if ((f.fr >= FR_LGN_1 && f.fr <= FR_LSS_1) || f.fr == FR_LSS_2) {
			fail(t, "a reason of scalable mode", "fault 0x%02x (%s)", f.fr, vtd_reason_text(f.fr));
			return;
		}
		fx_faults_drop(t);
		sm_change(t, cases[i].word, UINT64_MAX, before);
	}
}

TEST(sm_ss_two_pasids,
     .id = "vtd.sm.ss.two_pasids",
     .checks = "VTD-SM-SS-030",
     .given = "two PASIDs whose entries lead to the same second-stage tables, with one DID",
     .expects = "both reach the same page",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	static const uint32_t pasids[] = { 3, 130 };
	struct fx_req *r;
	struct page *p = ss_start(t, &r);

	sm_enable_pasid(t, r);
	for (unsigned i = 0; i < 2; i++) {
		struct dma_request rq = sm_rq(t, pasids[i]);

		sm_put(t, sm_pasid_at(t, r, pasids[i]), fx_pasid_value(fx_of(t), r).w, 8);
		fx_sync(t);
		expect_allowed_rq(t, &rq, p);
	}
	expect_allowed(t, IOVA_A, p);
}

TEST(sm_ss_supervisor,
     .id = "vtd.sm.ss.supervisor",
     .checks = "VTD-SM-SS-028",
     .given = "SRE = 1, a supervisor and a user request",
     .expects = "both are allowed: second stage knows no privilege",
     .needs = NEEDS | NEED_PASID | NEED_SRS | NEED_ENGINE_PASID | NEED_ENGINE_PRIV)
{
	struct fx_req *r;
	struct page *p = ss_start(t, &r);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	fx_set(t, r->pasid + 2, PASID2_SRE);
	sm_enable_pasid(t, r);
	expect_allowed_rq(t, &rq, p);
	rq.priv = true;
	expect_allowed_rq(t, &rq, p);
}
