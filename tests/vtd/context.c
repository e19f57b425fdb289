/*
 * The legacy context entry (VT-d 9.3, 3.4.3): which entry serves a requester, what it says, what is wrong with it.
 *
 * Engines are direct where a defect hits all DMA of a requester.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE | NEED_ENGINE_DIRECT)

static uint64_t *ctx(struct test *t, unsigned word)
{
	return &fx_req(t, t->engine)->ctx[word];
}

/* The context entry of t->engine with other words, caches dropped. */
static void ctx_set(struct test *t, uint64_t w0, uint64_t w1)
{
	fx_set(t, ctx(t, 1), w1);
	fx_set(t, ctx(t, 0), w0);
	fx_sync(t);
}

/* Works; with these words it does not, for this reason; and with the old ones it works again. */
static void defect(struct test *t, struct page *p, uint64_t w0, uint64_t w1, unsigned reason)
{
	uint64_t before[2] = { *ctx(t, 0), *ctx(t, 1) };

	ctx_set(t, w0, w1);
	expect_blocked(t, IOVA_A, p, reason);
	ctx_set(t, before[0], before[1]);
	expect_allowed(t, IOVA_A, p);
}

/* ---- presence and reserved bits ---- */

TEST(ctx_unbacked,
     .id = "vtd.ctx.table.unbacked",
     .checks = "VTD-CTX-002",
     .given = "a root entry whose context table lies where nothing answers",
     .expects = "refused, reason 09h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	uint64_t *root = fx_req(t, t->engine)->root, before = *root;

	fx_set(t, root, vtd_root(page_unbacked(t)).w[0]);
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_LCT_1);
	fx_set(t, root, before);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST(ctx_absent,
     .id = "vtd.ctx.entry.absent",
     .checks = "VTD-CTX-003",
     .given = "a context entry that was present, P cleared, FPD=0",
     .expects = "refused, reason 02h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	defect(t, p, *ctx(t, 0) & ~CTX_P, *ctx(t, 1), FR_LCT_2);
}

TEST(ctx_absent_fpd,
     .id = "vtd.ctx.entry.absent_fpd",
     .checks = "VTD-CTX-004 VTD-CTX-037",
     .given = "a context entry with P=0, first FPD=0, then FPD=1",
     .expects = "refused with reason 02h, then refused without a record",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	uint64_t w0 = *ctx(t, 0) & ~CTX_P, w1 = *ctx(t, 1);

	ctx_set(t, w0, w1);
	expect_blocked(t, IOVA_A, p, FR_LCT_2);
	ctx_set(t, w0 | CTX_FPD, w1);
	expect_blocked_silently(t, IOVA_A, p);
}

static const struct ctx_bits {
	unsigned word;
	uint64_t bits; /* 0: above the host address width */
} ctx_bits[] = {
	{ 0, CTX_RSVD }, { 0, 0 }, { 1, CTX1_RSVD_71 }, { 1, CTX1_RSVD_88 },
};

static void ctx_reserved(struct test *t)
{
	const struct ctx_bits *b = &ctx_bits[t->desc->arg];
	uint64_t bits = b->bits ? b->bits : fx_bits_above_haw(t);
	struct page *p;

	if (!bits)
		skip(t, "the host address width is 64");
	p = fx_start_mapped(t, FX_LEGACY);
	expect_each_bit_blocks(t, ctx(t, b->word), bits, p, FR_LCT_3);
}

TEST_TABLE(ctx_reserved,
	{ .id = "vtd.ctx.reserved.low", .checks = "VTD-CTX-005", .arg = 0, .needs = NEEDS, .body = ctx_reserved,
	  .given = "bits 11:4 of a present context entry, one after the other", .expects = "refused, reason 0Bh" },
	{ .id = "vtd.ctx.reserved.above_haw", .checks = "VTD-CTX-006", .arg = 1, .needs = NEEDS, .body = ctx_reserved,
	  .given = "bits of a present context entry from the host address width to 63, one after the other",
	  .expects = "refused, reason 0Bh" },
	{ .id = "vtd.ctx.reserved.bit_71", .checks = "VTD-CTX-007", .arg = 2, .needs = NEEDS, .body = ctx_reserved,
	  .given = "bit 71 of a present context entry", .expects = "refused, reason 0Bh" },
	{ .id = "vtd.ctx.reserved.high", .checks = "VTD-CTX-008", .arg = 3, .needs = NEEDS, .body = ctx_reserved,
	  .given = "bits 127:88 of a present context entry, one after the other", .expects = "refused, reason 0Bh" });

TEST(ctx_ignored,
     .id = "vtd.ctx.ignored.bits_70_67",
     .checks = "VTD-CTX-009",
     .given = "bits 70:67 of a present context entry, one after the other",
     .expects = "translation works all the same",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	expect_each_bit_harmless(t, ctx(t, 1), CTX1_IGNORED, p);
}

TEST(ctx_did_too_wide,
     .id = "vtd.ctx.did.above_nd",
     .checks = "VTD-CTX-010",
     .given = "bits of DID above the width that CAP.ND gives, one after the other",
     .expects = "refused with reason 0Bh, or ignored",
     .needs = NEEDS)
{
	unsigned bits_n = t->bench->vtd->caps.did_bits;
	unsigned refused = 0, n = 0;
	uint64_t before;
	struct page *p;

	if (bits_n >= 16)
		skip(t, "CAP.ND = 6: all 16 bits of DID count");
	p = fx_start_mapped(t, FX_LEGACY);
	before = *ctx(t, 1);
	for (uint64_t bit = LOWBIT(CTX1_DID) * pow2(bits_n); bit & CTX1_DID; bit *= 2, n++) {
		ctx_set(t, *ctx(t, 0), before | bit);
		if (try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), p, 0) == DMA_DONE)
			continue;
		refused++;
		expect_fault(t, FR_LCT_3, t->engine, IOVA_A, true);
	}
	expect_no_fault(t);
	observe(t, "%s",
		refused == n ? "refused, fault 0x0b" : !refused ? "ignored" : "some bits refused, some ignored");
}

/* ---- TT and AW ---- */

TEST(ctx_tt_reserved,
     .id = "vtd.ctx.tt.reserved",
     .checks = "VTD-CTX-011",
     .given = "TT = 11",
     .expects = "refused, reason 03h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	defect(t, p, fld_set(CTX_TT, *ctx(t, 0), TT_RESERVED), *ctx(t, 1), FR_LCT_4);
}

TEST(ctx_tt_no_dt,
     .id = "vtd.ctx.tt.ats_without_dt",
     .checks = "VTD-CTX-012",
     .given = "TT = 01 on a unit with ECAP.DT = 0",
     .expects = "refused, reason 03h",
     .needs = NEEDS)
{
	struct page *p;

	if (t->bench->vtd->caps.dt)
		skip(t, "ECAP.DT = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	defect(t, p, fld_set(CTX_TT, *ctx(t, 0), TT_ATS), *ctx(t, 1), FR_LCT_4);
}

TEST(ctx_tt_no_pt,
     .id = "vtd.ctx.tt.passthrough_without_pt",
     .checks = "VTD-CTX-013",
     .given = "TT = 10 on a unit with ECAP.PT = 0",
     .expects = "refused, reason 03h",
     .needs = NEEDS)
{
	struct page *p;

	if (t->bench->vtd->caps.pt)
		skip(t, "ECAP.PT = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	defect(t, p, fld_set(CTX_TT, *ctx(t, 0), TT_PASSTHROUGH), *ctx(t, 1), FR_LCT_4);
}

/* Each AW of a mask that SAGAW does not have. */
static void ctx_aw(struct test *t)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	unsigned n = 0;

	for (unsigned aw = 0; aw < 8; aw++) {
		if (!(t->desc->arg & BIT(aw)) || (aw > 0 && aw < 4 && vtd_caps_levels(&t->bench->vtd->caps, aw + 2)))
			continue;
		defect(t, p, *ctx(t, 0), fld_set(CTX1_AW, *ctx(t, 1), aw), FR_LCT_4);
		n++;
	}
	if (!n)
		skip(t, "CAP.SAGAW has all three widths");
}

TEST_TABLE(ctx_aw,
	{ .id = "vtd.ctx.aw.zero", .checks = "VTD-CTX-014", .arg = BIT(0), .needs = NEEDS, .body = ctx_aw,
	  .given = "AW = 000", .expects = "refused, reason 03h" },
	{ .id = "vtd.ctx.aw.not_in_sagaw", .checks = "VTD-CTX-015", .arg = BITS(3, 1), .needs = NEEDS, .body = ctx_aw,
	  .given = "an AW whose width is not in SAGAW", .expects = "refused, reason 03h" },
	{ .id = "vtd.ctx.aw.reserved", .checks = "VTD-CTX-016", .arg = BITS(7, 4), .needs = NEEDS, .body = ctx_aw,
	  .given = "AW = 100, 101, 110, 111", .expects = "refused, reason 03h" });

static void ctx_walk_levels(struct test *t)
{
	unsigned levels = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;

	if (!vtd_caps_levels(&t->bench->vtd->caps, levels))
		skip(t, "CAP.SAGAW lacks %u levels", levels);
	fx_start(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	r->levels = levels; /* a direct engine: nothing is mapped yet */
	ctx_set(t, vtd_ctx(TT_UNTRANSLATED, r->space_pa, levels, r->did).w[0],
		vtd_ctx(TT_UNTRANSLATED, r->space_pa, levels, r->did).w[1]);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST_TABLE(ctx_walk_levels,
	{ .id = "vtd.ctx.aw.three_levels", .checks = "VTD-CTX-023", .arg = 3, .needs = NEEDS, .body = ctx_walk_levels,
	  .given = "AW = 001 and tables of three levels", .expects = "DMA reaches the mapped page" },
	{ .id = "vtd.ctx.aw.four_levels", .checks = "VTD-CTX-024", .arg = 4, .needs = NEEDS, .body = ctx_walk_levels,
	  .given = "AW = 010 and tables of four levels", .expects = "DMA reaches the mapped page" },
	{ .id = "vtd.ctx.aw.five_levels", .checks = "VTD-CTX-025", .arg = 5, .needs = NEEDS, .body = ctx_walk_levels,
	  .given = "AW = 011 and tables of five levels", .expects = "DMA reaches the mapped page" });

TEST(ctx_tt_untranslated,
     .id = "vtd.ctx.tt.untranslated",
     .checks = "VTD-CTX-021",
     .given = "TT = 00, one page mapped elsewhere",
     .expects = "untranslated requests reach the mapped page",
     .needs = NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)
{
	(void)fx_start_mapped(t, FX_LEGACY);
}

TEST(ctx_tt_ats,
     .id = "vtd.ctx.tt.ats_untranslated_request",
     .checks = "VTD-CTX-022",
     .given = "TT = 01",
     .expects = "untranslated requests reach the mapped page",
     .needs = NEEDS | NEED_DT)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	ctx_set(t, fld_set(CTX_TT, *ctx(t, 0), TT_ATS), *ctx(t, 1));
	expect_allowed(t, IOVA_A, p);
}
