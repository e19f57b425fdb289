/*
 * Where second-stage translation in legacy mode ends (VT-d 3.6, 3.7.1, 3.14, 7.1.3): input addresses that are too
 * large, tables that cannot be read, addresses in the interrupt range.
 */
#include "tests/vtd/judge.h"

#define BASE_NEEDS (NEED_VTD | NEED_LEGACY_SS)
#define NEEDS      (BASE_NEEDS | NEED_ENGINE_WRITE)
#define NEEDS_R    (BASE_NEEDS | NEED_ENGINE_READ)

#define INTERRUPT_RANGE UINT64_C(0xfee00000)

static unsigned agaw_bits(const struct test *t)
{
	return 9 * t->bench->vtd->caps.levels_max + 12;
}

/* ---- the input limit ---- */

TEST(ss_last_page,
     .id = "vtd.ss.limit.last_page",
     .checks = "VTD-SS-042",
     .given = "the last page below 2^min(MGAW, AGAW), mapped",
     .expects = "DMA reaches it",
     .needs = NEEDS)
{
	uint64_t limit = pow2((unsigned)min_u64(t->bench->vtd->caps.mgaw_bits, agaw_bits(t)));
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA(limit - PAGE_BYTES), p);
	fx_sync(t);
	expect_allowed(t, IOVA(limit - PAGE_BYTES), p);
}

/* One bit above the limit at a time, in an address whose bits below are mapped. */
static void above(struct test *t, unsigned from, unsigned to)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	for (unsigned bit = from; bit < to; bit++)
		if (!expect_blocked(t, IOVA(IOVA_A.v | pow2(bit)), p, FR_LGN_1))
			break;
	expect_allowed(t, IOVA_A, p);
}

TEST(ss_above_agaw,
     .id = "vtd.ss.limit.above_agaw",
     .checks = "VTD-SS-043",
     .given = "a mapped address with one bit set from AGAW on",
     .expects = "refused, reason 04h",
     .needs = NEEDS)
{
	if (agaw_bits(t) > t->bench->vtd->caps.mgaw_bits)
		skip(t, "AGAW is above MGAW");
	above(t, agaw_bits(t), 64);
}

TEST(ss_above_mgaw,
     .id = "vtd.ss.limit.above_mgaw",
     .checks = "VTD-SS-044",
     .given = "a mapped address with one bit set from MGAW up to AGAW",
     .expects = "refused, reason 04h",
     .needs = NEEDS)
{
	if (t->bench->vtd->caps.mgaw_bits >= agaw_bits(t))
		skip(t, "MGAW is not below AGAW");
	above(t, t->bench->vtd->caps.mgaw_bits, agaw_bits(t));
}

TEST(ss_no_sign,
     .id = "vtd.ss.limit.no_sign_extension",
     .checks = "VTD-SS-045",
     .given = "the highest mapped page, then the same address with all bits above the limit set",
     .expects = "the first works, the second is refused with reason 04h",
     .needs = NEEDS)
{
	unsigned bits = (unsigned)min_u64(t->bench->vtd->caps.mgaw_bits, agaw_bits(t));
	iova_t top = IOVA(pow2(bits) - PAGE_BYTES);
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map_page(t, top, p);
	fx_sync(t);
	expect_allowed(t, top, p);
	expect_blocked(t, IOVA(top.v | BITS(63, bits)), p, FR_LGN_1);
}

TEST(ss_passthrough_limit,
     .id = "vtd.ss.limit.passthrough_above_haw",
     .checks = "VTD-SS-046",
     .given = "TT = 10 and an address with one bit set from the host address width on",
     .expects = "refused, reason 04h",
     .needs = NEEDS | NEED_PT | NEED_ENGINE_DIRECT)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY_PT);
	expect_allowed(t, IOVA(p->pa.v), p);
	for (unsigned bit = t->bench->vtd->haw_bits; bit < 64; bit++)
		if (!expect_blocked(t, IOVA(p->pa.v | pow2(bit)), p, FR_LGN_1))
			break;
}

/* ---- tables that nothing answers for ---- */

TEST(ss_unbacked_top,
     .id = "vtd.ss.unbacked.top",
     .checks = "VTD-SS-040",
     .given = "SSPTPTR leads where nothing answers",
     .expects = "refused, reason 03h",
     .needs = NEEDS | NEED_ENGINE_DIRECT)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t before = r->ctx[0];

	fx_set(t, &r->ctx[0], (before & ~CTX_SSPTPTR) | page_unbacked(t).v);
	fx_sync(t);
	expect_blocked(t, IOVA_A, p, FR_LCT_4);
	fx_set(t, &r->ctx[0], before);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST(ss_unbacked_lower,
     .id = "vtd.ss.unbacked.lower",
     .checks = "VTD-SS-041",
     .given = "an entry of each level above the leaf in turn leads where nothing answers",
     .expects = "refused, reason 07h",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	for (unsigned level = 2; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level), before = *e;

		fx_set(t, e, page_unbacked(t).v | SS_R | SS_W);
		fx_sync(t);
		expect_blocked(t, IOVA_A, p, FR_LSS_1);
		fx_set(t, e, before);
		fx_sync(t);
		expect_allowed(t, IOVA_A, p);
	}
}

/* ---- the interrupt range ---- */

TEST(ss_output_interrupt,
     .id = "vtd.ss.interrupt_range.output",
     .checks = "VTD-SS-047",
     .given = "a page whose output is the first, one in the middle, and the last page of FEExxxxxh",
     .expects = "refused, reason 0Eh",
     .needs = NEEDS)
{
	static const uint64_t outputs[] = { INTERRUPT_RANGE, INTERRUPT_RANGE + 0x5a000, INTERRUPT_RANGE + 0xff000 };
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	for (unsigned i = 0; i < ARRAY_LEN(outputs); i++) {
		fx_map(t, fx_req(t, t->engine), IOVA_A, PA(outputs[i]), 1, PERM_RW, 0);
		fx_sync(t);
		expect_blocked(t, IOVA_A, p, FR_LGN_4);
	}
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}

TEST(ss_output_below_interrupt,
     .id = "vtd.ss.interrupt_range.just_below",
     .checks = "VTD-SS-050",
     .given = "a page whose output is FEE00000h, then the page below it",
     .expects = "the first is recorded, the second is translated: no record",
     .needs = NEEDS_R)
{
	/* Which of the two is right is the business of vtd.ss.interrupt_range.output. */
	static const uint8_t reasons[] = { FR_LGN_4, FR_SGN_8 };
	struct fx_req *r;

	if (t->bench->hardware)
		skip_unreached(t, "what answers at FEDFF000h is not known on this machine");
	(void)fx_start_mapped(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	fx_map(t, r, IOVA_B, PA(INTERRUPT_RANGE), 1, PERM_RW, 0);
	fx_sync(t);
	(void)try_read(t, t->engine, IOVA_B, dma_small_bytes(t, t->engine), NULL, 0);
	expect_fault_of(t, reasons, ARRAY_LEN(reasons), t->engine, IOVA_B, false, NULL);
	fx_map(t, r, IOVA_B, PA(INTERRUPT_RANGE - PAGE_BYTES), 1, PERM_RW, 0);
	fx_sync(t);
	(void)try_read(t, t->engine, IOVA_B, dma_small_bytes(t, t->engine), NULL, 0);
	expect_no_fault(t);
}

TEST(ss_large_over_interrupt,
     .id = "vtd.ss.interrupt_range.large_page",
     .checks = "VTD-SS-048",
     .given = "a 2 MiB page over FEE00000h to FEFFFFFFh, read at FEF80000h",
     .expects = "translated, or refused with reason 0Eh",
     .needs = NEEDS_R)
{
	iova_t base = IOVA(align_down(IOVA_B.v, BIT(21))), at = iova_add(base, 0x180000);
	struct vtd_fault f;

	if (!t->bench->vtd->caps.ss_2m)
		skip(t, "CAP.SSLPS = 0");
	if (t->bench->hardware)
		skip_unreached(t, "what answers at FEF80000h is not known on this machine");
	(void)fx_start_mapped(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), base, PA(INTERRUPT_RANGE), 2, PERM_RW, 0);
	fx_sync(t);
	(void)try_read(t, t->engine, base, dma_small_bytes(t, t->engine), NULL, 0);
	expect_true(t, fx_faults_drop(t) > 0, "a read of the same page inside the interrupt range is recorded");
	(void)try_read(t, t->engine, at, dma_small_bytes(t, t->engine), NULL, 0);
	if (vtd_fault_pop(fx_of(t)->u, &f) != OK) {
		observe(t, "translated");
		return;
	}
	expect_eq(t, "FR", f.fr, FR_LGN_4);
	observe(t, "fault 0x%02x", f.fr);
	fx_faults_drop(t);
}

TEST(ss_input_interrupt,
     .id = "vtd.ss.interrupt_range.input_read",
     .checks = "VTD-SS-049",
     .given = "input page FEE00000h mapped to a page of memory",
     .expects = "a read without PASID does not get the page's data",
     .needs = NEEDS_R)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);

	fx_map_page(t, IOVA(INTERRUPT_RANGE), p);
	fx_map_page(t, IOVA(INTERRUPT_RANGE - PAGE_BYTES), p);
	fx_sync(t);
	expect_read(t, IOVA(INTERRUPT_RANGE - PAGE_BYTES), p, 0, DMA_DONE);
	expect_no_fault(t);
	expect_read(t, IOVA(INTERRUPT_RANGE), p, 0, DMA_REFUSED);
	fx_faults_drop(t); /* which record, or none, is not settled */
}
