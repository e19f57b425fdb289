/*
 * First-stage walks (VT-d 3.6, 7.1.3: PGTT = 001): page sizes, canonical addresses, permissions, tables that cannot be
 * read. Bits of entries: sm_first_stage_bits.c; Accessed and Dirty: sm_first_stage_ad.c.
 */
#include "tests/vtd/sm.h"

#define NEEDS (NEEDS_SM | NEED_FSTS)

/* IOVA_A in the upper half: canonical with 48 bits. */
#define IOVA_UPPER IOVA(BITS(63, 47) | IOVA_A.v)

static struct page *fs_start(struct test *t, struct fx_req **r)
{
	struct page *p = fx_start_mapped(t, FX_SM_FS);

	*r = fx_req(t, t->engine);
	return p;
}

TEST(fs_4k,
     .id = "vtd.sm.fs.page_4k",
     .checks = "VTD-SM-FS-001 VTD-SM-FS-005",
     .given = "FSPM = 00, two pages that differ in every index, each mapped by a 4 KiB leaf",
     .expects = "reads and writes reach each at its own address",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r), *q = page_filled(t, 0x5a);

	fx_map_page(t, IOVA_B, q);
	fx_sync(t);
	expect_allowed(t, IOVA_B, q);
	expect_allowed(t, IOVA_A, p);
}

TEST(fs_aw_unused,
     .id = "vtd.sm.fs.aw_unused",
     .checks = "VTD-SM-FS-005",
     .given = "FSPM = 00, each value of AW, which is a field of second stage",
     .expects = "DMA works",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	for (unsigned aw = 0; aw < 8; aw++) {
		sm_change(t, r->pasid, PASID_AW, FLD(PASID_AW, aw));
		if (!expect_allowed(t, IOVA_A, p)) {
			note(t, "AW = %u", aw);
			return;
		}
	}
}

/* arg: level of the leaf. */
static void large(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5), *q = page_filled(t, 0x5a);
	struct fx_req *r;
	iova_t iova;

	if (level == 3 && !t->bench->vtd->caps.fs1gp)
		skip(t, "CAP.FS1GP = 0");
	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	iova = sm_large(t, r, level, p);
	expect_allowed(t, iova, p);
	iova = sm_large(t, r, level, q);
	expect_allowed(t, iova, q);
}

TEST_TABLE(fs_large,
	{ .id = "vtd.sm.fs.page_2m", .checks = "VTD-SM-FS-002", .given = "a 2 MiB leaf", .expects = "the mapped address",
	  .needs = NEEDS, .arg = 2, .body = large },
	{ .id = "vtd.sm.fs.page_1g", .checks = "VTD-SM-FS-003", .given = "a 1 GiB leaf", .expects = "the mapped address",
	  .needs = NEEDS, .arg = 3, .body = large });

TEST(fs_1g_absent,
     .id = "vtd.sm.fs.page_1g_absent",
     .checks = "VTD-SM-FS-004",
     .given = "a 1 GiB leaf on a unit without FS1GP",
     .expects = "refused with reason 72h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p;

	if (t->bench->vtd->caps.fs1gp)
		skip(t, "CAP.FS1GP = 1");
	p = fs_start(t, &r);
	sm_word_blocks(t, fx_entry(t, r, IOVA_A, 3),
		       align_down(p->pa.v, BIT(30)) | FS_P | FS_RW | FS_US | FS_A | FS_D | FS_PS, p, FR_SFS_3, FR_SFS_3);
}

TEST(fs_5_levels,
     .id = "vtd.sm.fs.five_levels",
     .checks = "VTD-SM-FS-006",
     .given = "FSPM = 01, pages at IOVA_A and at the ends of both halves of 57 bits",
     .expects = "each is reached",
     .needs = NEEDS)
{
	const iova_t ends[] = { IOVA(BITS(55, 12)), IOVA(BITS(63, 56)), IOVA(BITS(63, 12)) };
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;

	if (!t->bench->vtd->caps.fs5lp)
		skip(t, "CAP.FS5LP = 0");
	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	sm_set_levels(t, r, 5);
	fx_map_page(t, IOVA_A, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
		struct page *q = page_filled(t, 0x5a);

		fx_map_page(t, ends[i], q);
		fx_sync(t);
		expect_allowed(t, ends[i], q);
	}
}

TEST(fs_upper_half,
     .id = "vtd.sm.fs.upper_half",
     .checks = "VTD-SM-FS-007 VTD-SM-FS-010",
     .given = "a page whose address has bits 63:47 set, and the last page of all",
     .expects = "DMA works: neither the sign nor MGAW stands in the way",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r), *q = page_filled(t, 0x5a), *last = page_filled(t, 0x33);

	fx_map_page(t, IOVA_UPPER, q);
	fx_map_page(t, IOVA(BITS(63, 12)), last);
	fx_sync(t);
	expect_allowed(t, IOVA_UPPER, q);
	expect_allowed(t, IOVA(BITS(63, 12)), last);
	expect_allowed(t, IOVA_A, p);
}

/* arg: levels. One bit of the upper ones differs from the others, in both halves. */
static void not_canonical(struct test *t)
{
	unsigned levels = (unsigned)t->desc->arg, top = 11 + 9 * levels; /* the bit that the upper ones repeat */
	iova_t upper = IOVA(BITS(63, top) | IOVA_A.v);
	struct page *p = page_filled(t, 0xa5);
	struct fx_req *r;

	if (levels == 5 && !t->bench->vtd->caps.fs5lp)
		skip(t, "CAP.FS5LP = 0");
	fx_start(t, FX_SM_FS);
	r = fx_req(t, t->engine);
	sm_set_levels(t, r, levels);
	fx_map_page(t, IOVA_A, p);
	fx_map_page(t, upper, p);
	fx_sync(t);
	expect_allowed(t, IOVA_A, p);
	expect_allowed(t, upper, p);
	for (unsigned bit = top; bit < 64; bit++)
		if (!expect_blocked(t, IOVA(IOVA_A.v | pow2(bit)), p, FR_SGN_1) ||
		    !expect_blocked(t, IOVA(upper.v & ~pow2(bit)), p, FR_SGN_1)) {
			note(t, "bit %u", bit);
			return;
		}
}

TEST_TABLE(fs_canonical,
	{ .id = "vtd.sm.fs.not_canonical_48", .checks = "VTD-SM-FS-008", .given = "FSPM = 00, one of bits 63:47 unlike the others",
	  .expects = "refused with reason 80h", .needs = NEEDS, .arg = 4, .body = not_canonical },
	{ .id = "vtd.sm.fs.not_canonical_57", .checks = "VTD-SM-FS-009", .given = "FSPM = 01, one of bits 63:56 unlike the others",
	  .expects = "refused with reason 80h", .needs = NEEDS, .arg = 5, .body = not_canonical });

/* An entry of each level from first to last (0: the deepest) gets bits cleared and set. */
static void each_level(struct test *t, unsigned first, unsigned last, uint64_t clear, uint64_t set, unsigned reason)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	for (unsigned level = first; level <= (last ? last : r->levels); level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		if (!sm_word_blocks(t, e, (*e & ~clear) | set, p, reason, reason)) {
			note(t, "level %u", level);
			return;
		}
	}
}

TEST(fs_leaf_absent,
     .id = "vtd.sm.fs.leaf_absent",
     .checks = "VTD-SM-FS-011",
     .given = "P = 0 in the leaf, other bits left",
     .expects = "refused with reason 71h",
     .needs = NEEDS)
{
	each_level(t, 1, 1, FS_P, 0, FR_SFS_2);
}

TEST(fs_above_absent,
     .id = "vtd.sm.fs.above_absent",
     .checks = "VTD-SM-FS-012",
     .given = "P = 0 at each level above the leaf, other bits left",
     .expects = "refused with reason 71h",
     .needs = NEEDS)
{
	each_level(t, 2, 0, FS_P, 0, FR_SFS_2);
}

TEST(fs_unbacked_top,
     .id = "vtd.sm.fs.unbacked_top",
     .checks = "VTD-SM-FS-020",
     .given = "FSPTPTR leads to where no memory is",
     .expects = "refused with reason 73h",
     .needs = NEEDS)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	sm_word_blocks(t, r->pasid + 2, (r->pasid[2] & ~PASID2_FSPTPTR) | page_unbacked(t).v, p, FR_SFS_4, FR_SFS_4);
}

TEST(fs_unbacked,
     .id = "vtd.sm.fs.unbacked_below",
     .checks = "VTD-SM-FS-021",
     .given = "an entry leads to a table where no memory is, at each level",
     .expects = "refused with reason 70h",
     .needs = NEEDS)
{
	each_level(t, 2, 0, UINT64_MAX, page_unbacked(t).v | FS_P | FS_RW | FS_US | FS_A, FR_SFS_1);
}

TEST(fs_user_leaf,
     .id = "vtd.sm.fs.user_needs_us",
     .checks = "VTD-SM-FS-022 VTD-SM-FS-024",
     .given = "U/S = 0 in the leaf, a request without PASID",
     .expects = "it is a user request: refused with reason 81h",
     .needs = NEEDS)
{
	each_level(t, 1, 1, FS_US, 0, FR_SGN_2);
}

TEST(fs_user_above,
     .id = "vtd.sm.fs.user_needs_us_above",
     .checks = "VTD-SM-FS-023",
     .given = "U/S = 0 in one entry above the leaf, at each level",
     .expects = "refused with reason 81h",
     .needs = NEEDS)
{
	each_level(t, 2, 0, FS_US, 0, FR_SGN_2);
}

/* R/W = 0 at each level from first to last (0: the deepest): reads go on. */
static void read_only(struct test *t, unsigned first, unsigned last)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);

	for (unsigned level = first; level <= (last ? last : r->levels); level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level);

		sm_change(t, e, FS_RW, 0);
		if (!expect_write(t, IOVA_A, p, 0, DMA_REFUSED) ||
		    !expect_fault(t, FR_SGN_6, t->engine, IOVA_A, true) || !expect_read(t, IOVA_A, p, 0, DMA_DONE))
			return;
		sm_change(t, e, 0, FS_RW);
		expect_allowed(t, IOVA_A, p);
	}
}

TEST(fs_write_leaf,
     .id = "vtd.sm.fs.write_needs_rw",
     .checks = "VTD-SM-FS-025 VTD-SM-FS-027",
     .given = "R/W = 0 in the leaf",
     .expects = "the write is refused with reason 85h, the read is allowed",
     .needs = NEEDS)
{
	read_only(t, 1, 1);
}

TEST(fs_write_above,
     .id = "vtd.sm.fs.write_needs_rw_above",
     .checks = "VTD-SM-FS-026 VTD-SM-FS-027",
     .given = "R/W = 0 in one entry above the leaf, at each level",
     .expects = "the write is refused with reason 85h, the read is allowed",
     .needs = NEEDS)
{
	read_only(t, 2, 0);
}

TEST(fs_atomic,
     .id = "vtd.sm.fs.atomic_needs_rw",
     .checks = "VTD-SM-FS-032",
     .given = "an AtomicOp to a leaf with R/W = 1, then R/W = 0",
     .expects = "done, then refused with reason 85h",
     .needs = NEEDS | NEED_ENGINE_ATOMIC)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);
	uint64_t old = 0, *word = (uint64_t *)(void *)p->p; /* page-aligned */
	struct dma_request rq = { .iova = IOVA_A, .len_bytes = sizeof(old), .data = &old };
	enum dma_outcome o = DMA_UNKNOWN;
	struct vtd_fault f;

	*word = 40;
	must(t, t->engine->ops->atomic_add(t->engine, &rq, 2, &o), "an AtomicOp");
	expect_eq(t, "the word", *(volatile uint64_t *)word, 42);
	sm_change(t, fx_entry(t, r, IOVA_A, 1), FS_RW, 0);
	must(t, t->engine->ops->atomic_add(t->engine, &rq, 2, &o), "an AtomicOp");
	expect_eq(t, "the word", *(volatile uint64_t *)word, 42);
	if (!expect_true(t, vtd_fault_pop(fx_of(t)->u, &f) == OK, "a fault record"))
		return;
	expect_eq(t, "reason", f.fr, FR_SGN_6);
	expect_eq(t, "page of the request", f.fi, IOVA_A.v);
	expect_no_fault(t);
}

TEST(fs_interrupt_range,
     .id = "vtd.sm.fs.output_in_interrupt_range",
     .checks = "VTD-SM-FS-043",
     .given = "leaves that lead to FEE00000h and FEEFF000h; reads, and writes once reads are seen to be refused",
     .expects = "refused with reason 87h",
     .needs = NEEDS)
{
	static const uint64_t outputs[] = { 0xfee00000, 0xfeeff000 };
	struct fx_req *r;
	struct page *p = fs_start(t, &r);
	uint64_t *leaf = fx_entry(t, r, IOVA_A, 1), before = *leaf;

	for (unsigned i = 0; i < ARRAY_LEN(outputs); i++) {
		sm_change(t, leaf, FS_ADDR, outputs[i]);
		if (!expect_read(t, IOVA_A, p, 0, DMA_REFUSED) || !expect_fault(t, FR_SGN_8, t->engine, IOVA_A, false))
			return;
		expect_blocked(t, IOVA_A, p, FR_SGN_8);
	}
	sm_change(t, leaf, UINT64_MAX, before);
	expect_allowed(t, IOVA_A, p);
}

TEST(fs_input_interrupt_range,
     .id = "vtd.sm.fs.input_in_interrupt_range",
     .checks = "VTD-SM-FS-044",
     .given = "a request with PASID to a page mapped at FEE00000h",
     .expects = "it is translated like any other",
     .needs = NEEDS | NEED_PASID | NEED_ENGINE_PASID)
{
	struct fx_req *r;
	struct page *p = fs_start(t, &r);
	struct dma_request rq = sm_rq(t, r->rid_pasid);

	sm_enable_pasid(t, r);
	rq.iova = IOVA(0xfee00000);
	fx_map_page(t, rq.iova, p);
	fx_sync(t);
	expect_allowed_rq(t, &rq, p);
}
