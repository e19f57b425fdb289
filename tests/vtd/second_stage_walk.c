/*
 * Second-stage walks in legacy mode (VT-d 3.7, 9.8): page sizes, permissions on the way, index bits, ends of the
 * address space, tables that cannot be read. Bits of entries: second_stage_bits.c.
 */
#include "tests/vtd/judge.h"

#define BASE_NEEDS (NEED_VTD | NEED_LEGACY_SS)
#define NEEDS      (BASE_NEEDS | NEED_ENGINE_WRITE)
#define NEEDS_R    (BASE_NEEDS | NEED_ENGINE_READ)
#define NEEDS_RW   (NEEDS | NEED_ENGINE_READ)

#define SIZE_2M BIT(21)
#define SIZE_1G BIT(30)

/* Input addresses end here: 2^min(MGAW, AGAW). */
static uint64_t input_limit(struct test *t)
{
	const struct vtd_caps *c = &t->bench->vtd->caps;

	return pow2((unsigned)min_u64(c->mgaw_bits, 9 * c->levels_max + 12));
}

/* ---- page sizes ---- */

/*
 * A large page over the RAM that p lies in, placed at an input address whose bits inside the large page are those of p,
 * so that only the bits above differ.
 */
static void large(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	uint64_t size = level == 2 ? SIZE_2M : SIZE_1G;
	const struct vtd_caps *c = &t->bench->vtd->caps;
	struct page *p = page_filled(t, 0xa5);
	iova_t base = IOVA(align_down(IOVA_A.v, size));

	if (!(level == 2 ? c->ss_2m : c->ss_1g))
		skip(t, "CAP.SSLPS lacks this size");
	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), base, PA(align_down(p->pa.v, size)), level, PERM_RW, 0);
	fx_sync(t);
	expect_allowed(t, iova_add(base, p->pa.v % size), p);
	expect_blocked_as(t, iova_add(base, size), p, FR_LGN_3, FR_LGN_2);
}

/* The same entry where the unit does not have the size. */
static void large_absent(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg;
	uint64_t size = level == 2 ? SIZE_2M : SIZE_1G;
	const struct vtd_caps *c = &t->bench->vtd->caps;
	iova_t base = IOVA(align_down(IOVA_B.v, size));
	struct page *p;

	if (level == 2 ? c->ss_2m : c->ss_1g)
		skip(t, "CAP.SSLPS has this size");
	p = fx_start_mapped(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), base, PA(align_down(p->pa.v, size)), level, PERM_RW, 0);
	fx_sync(t);
	expect_blocked(t, iova_add(base, p->pa.v % size), p, FR_LSS_2);
}

TEST_TABLE(ss_large,
	{ .id = "vtd.ss.large.2m", .checks = "VTD-SS-003", .arg = 2, .needs = NEEDS, .body = large,
	  .given = "a 2 MiB leaf", .expects = "the 21 low bits of the input are kept" },
	{ .id = "vtd.ss.large.1g", .checks = "VTD-SS-004", .arg = 3, .needs = NEEDS, .body = large,
	  .given = "a 1 GiB leaf", .expects = "the 30 low bits of the input are kept" },
	{ .id = "vtd.ss.large.2m_absent", .checks = "VTD-SS-005", .arg = 2, .needs = NEEDS, .body = large_absent,
	  .given = "a 2 MiB leaf on a unit with SSLPS bit 0 clear", .expects = "refused, reason 0Ch" },
	{ .id = "vtd.ss.large.1g_absent", .checks = "VTD-SS-006", .arg = 3, .needs = NEEDS, .body = large_absent,
	  .given = "a 1 GiB leaf on a unit with SSLPS bit 1 clear", .expects = "refused, reason 0Ch" });

/* ---- two pages in one transfer ---- */

TEST(ss_crossing,
     .id = "vtd.ss.cross.two_pages",
     .checks = "VTD-SS-007",
     .given = "two input pages side by side, mapped to pages in the opposite order, one transfer over the border",
     .expects = "each part arrives at its own page",
     .needs = NEEDS)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t bytes = dma_small_bytes(t, t->engine), half = (uint32_t)align_down(bytes / 2, 4);
	uint8_t *data = page_alloc(t, bytes, 0)->p;
	struct dma_request rq = { .iova = IOVA(IOVA_A.v + PAGE_BYTES - half), .len_bytes = bytes, .data = data };
	enum dma_outcome said;

	if (bytes > PAGE_BYTES || (PAGE_BYTES - half) % t->engine->caps.align_bytes)
		skip_unreached(t, "no transfer over the border of two pages");
	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), IOVA_A, pa_add(p->pa, PAGE_BYTES), 1, PERM_RW, 0);
	fx_map(t, fx_req(t, t->engine), iova_add(IOVA_A, PAGE_BYTES), p->pa, 1, PERM_RW, 0);
	fx_sync(t);
	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(i % 251 + 1);
	run_extend_us(t->engine->caps.usual_us);
	must(t, t->engine->ops->write(t->engine, &rq, &said), "a write over a page border");
	(void)pci_rd(t->engine->dev, 0, 4); /* completions push posted writes */
	expect_true(t, !__builtin_memcmp(p->p + 2 * PAGE_BYTES - half, data, half),
		    "the first part is in the first page");
	expect_true(t, !__builtin_memcmp(p->p, data + half, bytes - half), "the second part is in the second page");
	expect_no_fault(t);
}

TEST(ss_crossing_into_nothing,
     .id = "vtd.ss.cross.into_unmapped",
     .checks = "VTD-SS-008",
     .given = "a transfer over the border from a mapped page into an unmapped one",
     .expects = "one reason, 05h, for the second page alone",
     .needs = NEEDS)
{
	struct page *p = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t bytes = dma_small_bytes(t, t->engine), half = (uint32_t)align_down(bytes / 2, 4);
	iova_t second = iova_add(IOVA_A, PAGE_BYTES), at = IOVA(second.v - half);

	if (bytes > PAGE_BYTES)
		skip_unreached(t, "no transfer of a page or less");
	fx_start(t, FX_LEGACY);
	fx_map_page(t, IOVA_A, p); /* both pages */
	fx_sync(t);
	expect_write_by(t, t->engine, at, bytes, p, PAGE_BYTES - half, DMA_DONE);
	fx_set(t, fx_entry(t, fx_req(t, t->engine), second, 1), 0);
	fx_sync(t);
	(void)try_write(t, t->engine, at, bytes, NULL, 0); /* the first part may arrive */
	expect_fault(t, FR_LGN_2, t->engine, second, true);
	expect_no_fault(t);
}

/* ---- permissions ---- */

/* One permission taken away at each level above the leaf in turn. */
static void perm_above(struct test *t)
{
	bool write = t->desc->arg == SS_W;
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	struct fx_req *r = fx_req(t, t->engine);

	for (unsigned level = 2; level <= r->levels; level++) {
		uint64_t *e = fx_entry(t, r, IOVA_A, level), before = *e;

		fx_set(t, e, before & ~t->desc->arg);
		fx_sync(t);
		if (write) {
			expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
			expect_fault(t, FR_LGN_2, t->engine, IOVA_A, true);
		} else {
			expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
			expect_fault(t, FR_LGN_3, t->engine, IOVA_A, false);
		}
		fx_set(t, e, before);
		fx_sync(t);
		expect_allowed(t, IOVA_A, p);
	}
}

TEST_TABLE(ss_perm_above,
	{ .id = "vtd.ss.above.write_needs_w", .checks = "VTD-SS-011", .arg = SS_W, .needs = NEEDS, .body = perm_above,
	  .given = "W=0 at each level above the leaf in turn", .expects = "writes are refused, reason 05h" },
	{ .id = "vtd.ss.above.read_needs_r", .checks = "VTD-SS-012", .arg = SS_R, .needs = NEEDS_R, .body = perm_above,
	  .given = "R=0 at each level above the leaf in turn", .expects = "reads are refused, reason 06h" });

/* The leaf becomes an entry with R=W=0; extra bits beside the address. */
static void absent(struct test *t)
{
	bool write = t->desc->needs & NEED_ENGINE_WRITE;
	struct page *p = fx_start_mapped(t, FX_LEGACY);
	uint64_t *leaf = fx_entry(t, fx_req(t, t->engine), IOVA_A, 1);

	fx_set(t, leaf, p->pa.v | t->desc->arg);
	fx_sync(t);
	if (write) {
		expect_write(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_fault(t, FR_LGN_2, t->engine, IOVA_A, true);
	} else {
		expect_read(t, IOVA_A, p, 0, DMA_REFUSED);
		expect_fault(t, FR_LGN_3, t->engine, IOVA_A, false);
	}
	expect_no_fault(t);
}

static void absent_x(struct test *t)
{
	if (t->bench->vtd->caps.ers)
		skip(t, "ECAP.ERS = 1: X counts");
	absent(t);
}

TEST_TABLE(ss_absent,
	{ .id = "vtd.ss.absent.write", .checks = "VTD-SS-013", .arg = 0, .needs = NEEDS, .body = absent,
	  .given = "a leaf with R=W=0", .expects = "a write is refused, reason 05h" },
	{ .id = "vtd.ss.absent.read", .checks = "VTD-SS-014", .arg = 0, .needs = NEEDS_R, .body = absent,
	  .given = "a leaf with R=W=0", .expects = "a read is refused, reason 06h" },
	{ .id = "vtd.ss.absent.reserved_not_checked", .checks = "VTD-SS-015",
	  .arg = UINT64_MAX & ~(SS_R | SS_W | SS_X), .needs = NEEDS_R, .body = absent,
	  .given = "a leaf with R=W=0 and every other bit but X set",
	  .expects = "a read is refused with reason 06h: reserved bits of an absent entry are not checked" },
	{ .id = "vtd.ss.absent.x_alone", .checks = "VTD-SS-016", .arg = SS_X, .needs = NEEDS_R, .body = absent_x,
	  .given = "a leaf with X=1, R=W=0, on a unit without execute support",
	  .expects = "a read is refused, reason 06h" });

TEST(ss_write_only,
     .id = "vtd.ss.leaf.write_only",
     .checks = "VTD-SS-017",
     .given = "a leaf with R=0 W=1",
     .expects = "writes land",
     .needs = NEEDS)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_W, 0);
	fx_sync(t);
	expect_write(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}

TEST(ss_read_only,
     .id = "vtd.ss.leaf.read_only",
     .checks = "VTD-SS-018",
     .given = "a leaf with R=1 W=0",
     .expects = "reads succeed",
     .needs = NEEDS_R)
{
	struct page *p = page_filled(t, 0xa5);

	fx_start(t, FX_LEGACY);
	fx_map(t, fx_req(t, t->engine), IOVA_A, p->pa, 1, PERM_R, 0);
	fx_sync(t);
	expect_read(t, IOVA_A, p, 0, DMA_DONE);
	expect_no_fault(t);
}

/* ---- index bits and the ends ---- */

/* Input addresses that differ from IOVA_A in one bit of the index of a level, each with a page of its own. */
static void index_bits(struct test *t)
{
	unsigned level = (unsigned)t->desc->arg, n = 0;
	iova_t at[9];
	struct page *pages[9];
	struct fx_req *r;

	if (level > t->bench->vtd->caps.levels_max)
		skip(t, "CAP.SAGAW has no %u levels", level);
	(void)fx_start_mapped(t, FX_LEGACY);
	r = fx_req(t, t->engine);
	for (unsigned bit = 12 + 9 * (level - 1); bit < 12 + 9 * level && pow2(bit) < input_limit(t); bit++, n++) {
		at[n] = IOVA(IOVA_A.v ^ pow2(bit));
		pages[n] = page_filled(t, (uint8_t)n);
		fx_map(t, r, at[n], pages[n]->pa, 1, PERM_RW, 0);
	}
	fx_sync(t);
	for (unsigned i = 0; i < n; i++)
		if (!expect_allowed(t, at[i], pages[i]))
			return;
}

TEST_TABLE(ss_index,
	{ .id = "vtd.ss.index.level_1", .checks = "VTD-SS-051", .arg = 1, .needs = NEEDS, .body = index_bits,
	  .given = "addresses that differ in one of bits 20:12", .expects = "each reaches its own page" },
	{ .id = "vtd.ss.index.level_2", .checks = "VTD-SS-051", .arg = 2, .needs = NEEDS, .body = index_bits,
	  .given = "addresses that differ in one of bits 29:21", .expects = "each reaches its own page" },
	{ .id = "vtd.ss.index.level_3", .checks = "VTD-SS-051", .arg = 3, .needs = NEEDS, .body = index_bits,
	  .given = "addresses that differ in one of bits 38:30", .expects = "each reaches its own page" },
	{ .id = "vtd.ss.index.level_4", .checks = "VTD-SS-051", .arg = 4, .needs = NEEDS, .body = index_bits,
	  .given = "addresses that differ in one of bits 47:39", .expects = "each reaches its own page" },
	{ .id = "vtd.ss.index.level_5", .checks = "VTD-SS-051", .arg = 5, .needs = NEEDS, .body = index_bits,
	  .given = "addresses that differ in one of bits 56:48", .expects = "each reaches its own page" });
