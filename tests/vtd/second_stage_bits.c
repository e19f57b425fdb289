/*
 * Bits of second-stage paging entries in legacy mode (VT-d 9.8, 3.7.1): reserved ones are refused, ignored ones change
 * nothing, one after the other and at each level where they mean so.
 */
#include "tests/vtd/judge.h"

#define NEEDS (NEED_VTD | NEED_LEGACY_SS | NEED_ENGINE_WRITE)

#define OFFSET_2M BITS(20, 12) /* address bits that a large leaf does not have */
#define OFFSET_1G BITS(29, 12)

/* Address bits above the host address width, below the ignored ones. */
static uint64_t address_above_haw(struct test *t)
{
	return fx_bits_above_haw(t) & SS_ADDR;
}

/* ---- reserved ---- */

/* Bit 7 where no large page exists. */
static void bit_7_above(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	struct page *p;

	if (level > t->bench->vtd->caps.levels_max)
		skip(t, "CAP.SAGAW has no %u levels", level);
	p = fx_start_mapped(t, FX_LEGACY);
	expect_each_bit_blocks(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, level), SS_PS, p, FR_LSS_2);
}

TEST_TABLE(ss_bit_7,
	{ .id = "vtd.ss.reserved.bit_7_pml4e", .checks = "VTD-SS-025", .arg = 4, .needs = NEEDS, .body = bit_7_above,
	  .given = "bit 7 set in a PML4E", .expects = "refused, reason 0Ch" },
	{ .id = "vtd.ss.reserved.bit_7_pml5e", .checks = "VTD-SS-026", .arg = 5, .needs = NEEDS, .body = bit_7_above,
	  .given = "bit 7 set in a PML5E", .expects = "refused, reason 0Ch" });

TEST(ss_above_haw,
     .id = "vtd.ss.reserved.above_haw",
     .checks = "VTD-SS-027",
     .given = "bits of a present entry from the host address width to 51, one after the other, at every level",
     .expects = "refused, reason 0Ch",
     .needs = NEEDS)
{
	struct page *p;

	if (!address_above_haw(t))
		skip(t, "the host address width is 52 or more");
	p = fx_start_mapped(t, FX_LEGACY);
	for (unsigned level = 1; level <= fx_req(t, t->engine)->levels; level++)
		expect_each_bit_blocks(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, level), address_above_haw(t), p,
				       FR_LSS_2);
}

/* Address bits inside a large page. */
static void large_offset(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	const struct vtd_caps *c = &t->bench->vtd->caps;
	uint64_t size = level == 2 ? BIT(21) : BIT(30), bits = level == 2 ? OFFSET_2M : OFFSET_1G;
	struct page *p = page_filled(t, 0xa5);
	uint64_t *e, before;
	iova_t base = IOVA(align_down(IOVA_A.v, size)), at = iova_add(base, p->pa.v % size);

	if (!(level == 2 ? c->ss_2m : c->ss_1g))
		skip(t, "CAP.SSLPS lacks this size");
	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), base, PA(align_down(p->pa.v, size)), level, PERM_RW, 0);
	fx_sync(t);
	expect_allowed(t, at, p);
	e = fx_entry(t, fx_req(t, t->engine), base, level);
	before = *e;
	for (; bits; bits &= bits - 1) {
		fx_set(t, e, before | LOWBIT(bits));
		fx_sync(t);
		if (!expect_blocked(t, at, p, FR_LSS_2))
			break;
	}
	fx_set(t, e, before);
	fx_sync(t);
	expect_allowed(t, at, p);
}

TEST_TABLE(ss_large_offset,
	{ .id = "vtd.ss.reserved.2m_offset", .checks = "VTD-SS-028", .arg = 2, .needs = NEEDS, .body = large_offset,
	  .given = "bits 20:12 of a 2 MiB leaf, one after the other", .expects = "refused, reason 0Ch" },
	{ .id = "vtd.ss.reserved.1g_offset", .checks = "VTD-SS-029", .arg = 3, .needs = NEEDS, .body = large_offset,
	  .given = "bits 29:12 of a 1 GiB leaf, one after the other", .expects = "refused, reason 0Ch" });

/* ---- reserved, but units differ ---- */

/* One bit of one entry: refused with reason 0Ch, or ignored; which is told. */
static void either(struct test *t, unsigned level, uint64_t bit)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	uint64_t *e = fx_entry(t, fx_req(t, t->engine), IOVA_A, level);

	fx_set(t, e, *e | bit);
	fx_sync(t);
	if (try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), p, 0) == DMA_DONE) {
		observe(t, "ignored");
	} else {
		expect_fault(t, FR_LSS_2, t->engine, IOVA_A, true);
		observe(t, "refused, fault 0x0c");
	}
	expect_no_fault(t);
}

TEST(ss_bit_62,
     .id = "vtd.ss.reserved.bit_62",
     .checks = "VTD-SS-030",
     .given = "bit 62 set in a present leaf",
     .expects = "refused, reason 0Ch; a unit with device TLBs may know it as TM",
     .needs = NEEDS)
{
	either(t, 1, SS_RSVD_62);
}

TEST(ss_snp_without_sc,
     .id = "vtd.ss.snoop.leaf_without_sc",
     .checks = "VTD-SS-031",
     .given = "bit 11 set in a leaf on a unit with ECAP.SC = 0",
     .expects = "refused, reason 0Ch, or ignored",
     .needs = NEEDS)
{
	if (t->bench->vtd->caps.sc)
		skip(t, "ECAP.SC = 1");
	either(t, 1, SS_SNP);
}

TEST(ss_snp_non_leaf,
     .id = "vtd.ss.snoop.non_leaf",
     .checks = "VTD-SS-033",
     .given = "bit 11 set in an entry that leads to a table",
     .expects = "refused, reason 0Ch, or ignored",
     .needs = NEEDS)
{
	either(t, 2, SS_SNP);
}

TEST(ss_snp,
     .id = "vtd.ss.snoop.leaf",
     .checks = "VTD-SS-032",
     .given = "bit 11 (SNP) set in a leaf on a unit with ECAP.SC = 1",
     .expects = "DMA works",
     .needs = NEEDS)
{
	struct page *p;

	if (!t->bench->vtd->caps.sc)
		skip(t, "ECAP.SC = 0");
	p = fx_start_mapped(t, FX_LEGACY);
	expect_each_bit_harmless(t, fx_entry(t, fx_req(t, t->engine), IOVA_A, 1), SS_SNP, p);
}

/* ---- ignored ---- */

static const struct ignored {
	uint64_t bits;
	bool leaf_only, without_mts;
} ignored[] = {
	{ SS_IGNORED_52, false, false },
	{ SS_IGNORED_63, false, false },
	{ SS_EMT | SS_IPAT, false, true },
	{ SS_A | SS_D, false, false },
	{ BIT(10), false, false },
	{ SS_PS, true, false },
};

static void ignored_bits(struct test *t)
{
	const struct ignored *g = &ignored[t->desc->arg];
	struct page *p;
	struct fx_req *r;

	if (g->without_mts && t->bench->vtd->caps.mts)
		skip(t, "ECAP.MTS = 1");
	p = fx_start_mapped(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	for (unsigned level = 1; level <= (g->leaf_only ? 1 : r->levels); level++)
		expect_each_bit_harmless(t, fx_entry(t, r, IOVA_A, level), g->bits, p);
}

/* Beside that: the unit leaves them as they are, 0 or 1. */
static void accessed_dirty(struct test *t)
{
	uint64_t *e, before, both = SS_A | SS_D;

	ignored_bits(t);
	for (unsigned level = 1; level <= fx_req(t, t->engine)->levels; level++) {
		e = fx_entry(t, fx_req(t, t->engine), IOVA_A, level);
		before = *e;
		expect_eq(t, "A and D after DMA through an entry with both clear", before & both, 0);
		fx_set(t, e, before | both);
		fx_sync(t);
		/* Without a target an engine that cannot tell says unknown. */
		expect_true(t, try_write(t, t->engine, IOVA_A, dma_small_bytes(t, t->engine), NULL, 0) != DMA_REFUSED,
			    "a write through it is not refused");
		expect_eq(t, "A and D after DMA through an entry with both set", *(volatile uint64_t *)e & both, both);
		fx_set(t, e, before);
	}
}

TEST_TABLE(ss_ignored,
	{ .id = "vtd.ss.ignored.bits_61_52", .checks = "VTD-SS-034", .arg = 0, .needs = NEEDS, .body = ignored_bits,
	  .given = "bits 61:52, one after the other, at every level", .expects = "DMA works all the same" },
	{ .id = "vtd.ss.ignored.bit_63", .checks = "VTD-SS-035", .arg = 1, .needs = NEEDS, .body = ignored_bits,
	  .given = "bit 63 at every level", .expects = "DMA works all the same" },
	{ .id = "vtd.ss.ignored.bits_6_3", .checks = "VTD-SS-036", .arg = 2, .needs = NEEDS, .body = ignored_bits,
	  .given = "bits 6:3, one after the other, at every level, on a unit with ECAP.MTS = 0",
	  .expects = "DMA works all the same" },
	{ .id = "vtd.ss.ignored.accessed_dirty", .checks = "VTD-SS-037", .arg = 3, .needs = NEEDS,
	  .body = accessed_dirty,
	  .given = "bits 8 and 9, at every level", .expects = "DMA works all the same, and the bits stay as they are" },
	{ .id = "vtd.ss.ignored.bit_10", .checks = "VTD-SS-038", .arg = 4, .needs = NEEDS, .body = ignored_bits,
	  .given = "bit 10 at every level", .expects = "DMA works all the same" },
	{ .id = "vtd.ss.ignored.bit_7_pte", .checks = "VTD-SS-039", .arg = 5, .needs = NEEDS, .body = ignored_bits,
	  .given = "bit 7 of a 4 KiB leaf", .expects = "DMA works all the same" });

TEST(ss_address_bits,
     .id = "vtd.ss.ignored.all_at_once",
     .checks = "VTD-SS-052",
     .given = "every ignored bit set in every entry of the walk",
     .expects = "the address comes from bits HAW-1:12 alone: DMA reaches the mapped page",
     .needs = NEEDS)
{
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);
	uint64_t bits = SS_IGNORED_52 | SS_IGNORED_63 | SS_A | SS_D | BIT(10);

	if (!t->bench->vtd->caps.mts)
		bits |= SS_EMT | SS_IPAT;
	for (unsigned level = 1; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		fx_set(t, e, *e | bits | (level == 1 ? SS_PS : 0));
	}
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
}
