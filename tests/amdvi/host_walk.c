/*
 * Host page tables (AMD IOMMU 2.2.3): depths, page sizes, level skipping. Only data are judged here.
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT | NEED_ENGINE)

/* ---- depths ---- */

static iova_t address_for(unsigned levels)
{
	static const uint64_t at[] = {
		0, 0x1ab000, UINT64_C(0x2bc5a000), UINT64_C(0x5468ac3000), UINT64_C(0x9468ac3000),
		UINT64_C(0x1239468ac3000), UINT64_C(0x4239468ac3000) | BIT(58),
	};

	return IOVA(at[levels]);
}

static void needs_levels(struct test *t, unsigned levels)
{
	if (t->bench->amdvi->caps.levels_max < levels)
		skip(t, "EFR.HATS: at most %u levels", t->bench->amdvi->caps.levels_max);
}

static void depth(struct test *t)
{
	unsigned levels = (unsigned)t->desc->arg;
	iova_t at = address_for(levels);
	struct page *p;

	needs_levels(t, levels);
	p = ax_start_mapped(t, &(struct ax_options){ .levels = levels }, at);
	ax_blocked(t, iova_add(at, PAGE_BYTES), p);
}

/* The first address bit behind the reach of the top table. */
static void out_of_reach(struct test *t)
{
	unsigned levels = (unsigned)t->desc->arg;
	iova_t at = address_for(levels);
	struct page *p;

	needs_levels(t, levels);
	p = ax_start_mapped(t, &(struct ax_options){ .levels = levels }, at);
	ax_blocked(t, IOVA(at.v | BIT(12 + 9 * levels)), p);
}

#define DEPTH(n_, row_) \
	{ .id = "amdvi.pt.mode" #n_, .checks = row_, .given = "Mode = " #n_ ", one 4 KiB page", \
	  .expects = "it is reached, the next one is not", .needs = NEEDS, .arg = n_, .body = depth }
#define REACH(n_, row_) \
	{ .id = "amdvi.pt.reach.mode" #n_, .checks = row_, .given = "Mode = " #n_ ", an address above its reach", \
	  .expects = "DMA is blocked", .needs = NEEDS, .arg = n_, .body = out_of_reach }

TEST_TABLE(pt_depths, DEPTH(1, "AMD-PT-001"), DEPTH(2, "AMD-PT-002"), DEPTH(3, "AMD-PT-003"), DEPTH(4, "AMD-PT-004"),
	   DEPTH(5, "AMD-PT-005"), DEPTH(6, "AMD-PT-006"));
TEST_TABLE(pt_reach, REACH(1, "AMD-PT-067"), REACH(2, "AMD-PT-068"), REACH(3, "AMD-PT-069"), REACH(4, "AMD-PT-070"),
	   REACH(5, "AMD-PT-071"));

/* ---- page sizes ---- */

/*
 * A page of 2^bits that holds p: frame and address are aligned to it, so p lies at the same offset in both. Sizes above
 * the memory of the machine are no trouble, since only p is ever touched.
 */
static void sized(struct test *t)
{
	unsigned bits = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5);
	uint64_t off = p->pa.v % pow2(bits);
	iova_t base = IOVA(align_down(UINT64_C(0x6468ac3000), pow2(bits)));

	ax_start(t, NULL);
	ax_map_sized(t, ax_req(t, t->engine), base, PA(align_down(p->pa.v, pow2(bits))), bits, PERM_RW);
	ax_sync(t);
	ax_allowed(t, iova_add(base, off), p);
	ax_blocked(t, IOVA(base.v + pow2(bits) + off % PAGE_BYTES), p);
}

/* First, middle and last page of one that the machine has memory for. */
static void sized_throughout(struct test *t)
{
	unsigned bits = (unsigned)t->desc->arg;
	struct page *p = page_alloc(t, pow2(bits), pow2(bits));
	iova_t base = IOVA(align_down(AX_A.v, pow2(bits)));
	const uint64_t at[] = { 0, pow2(bits) / 2, pow2(bits) / 2 - PAGE_BYTES, pow2(bits) - PAGE_BYTES };

	ax_start(t, NULL);
	ax_map_sized(t, ax_req(t, t->engine), base, p->pa, bits, PERM_RW);
	ax_sync(t);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		expect_write(t, iova_add(base, at[i]), p, at[i], DMA_DONE);
		expect_read(t, iova_add(base, at[i]), p, at[i], DMA_DONE);
	}
	expect_write(t, iova_add(base, pow2(bits)), p, 0, DMA_REFUSED);
}

#define SIZED(bits_, text_, row_, body_) \
	{ .id = "amdvi.pt.size." text_, .checks = row_, .given = "one page of " text_, \
	  .expects = "every part of it is reached, nothing behind it", .needs = NEEDS, .arg = bits_, .body = body_ }

TEST_TABLE(pt_sizes, SIZED(13, "8k", "AMD-PT-010 AMD-PT-022", sized_throughout),
	   SIZED(14, "16k", "AMD-PT-011 AMD-PT-022", sized_throughout),
	   SIZED(15, "32k", "AMD-PT-012 AMD-PT-022", sized_throughout),
	   SIZED(16, "64k", "AMD-PT-013 AMD-PT-022", sized_throughout),
	   SIZED(17, "128k", "AMD-PT-014 AMD-PT-022", sized_throughout),
	   SIZED(18, "256k", "AMD-PT-015 AMD-PT-022", sized_throughout),
	   SIZED(19, "512k", "AMD-PT-016 AMD-PT-022", sized_throughout),
	   SIZED(20, "1m", "AMD-PT-017 AMD-PT-022", sized_throughout),
	   SIZED(21, "2m", "AMD-PT-007", sized_throughout), SIZED(22, "4m", "AMD-PT-018", sized_throughout),
	   SIZED(24, "16m", "AMD-PT-019", sized), SIZED(29, "512m", "AMD-PT-020", sized), SIZED(30, "1g", "AMD-PT-008",
	   	sized),
	   SIZED(31, "2g", "AMD-PT-021", sized), SIZED(39, "512g", "AMD-PT-009", sized));

TEST(pt_mixed,
     .id = "amdvi.pt.size.mixed", .checks = "AMD-PT-075", .given = "4 KiB, 16 KiB and 2 MiB pages side by side",
     .expects = "each leads to its own frames", .needs = NEEDS)
{
	struct page *small = page_filled(t, 1), *middle = page_alloc(t, 4 * PAGE_BYTES, 4 * PAGE_BYTES);
	struct page *large = page_alloc(t, BIT(21), BIT(21));
	iova_t base = IOVA(align_down(AX_A.v, BIT(22)));
	struct ax_req *r;

	ax_start(t, NULL);
	r = ax_req(t, t->engine);
	ax_map_sized(t, r, base, small->pa, 12, PERM_RW);
	ax_map_sized(t, r, iova_add(base, BIT(14)), middle->pa, 14, PERM_RW);
	ax_map_sized(t, r, iova_add(base, BIT(21)), large->pa, 21, PERM_RW);
	ax_sync(t);
	expect_write(t, base, small, 0, DMA_DONE);
	expect_write(t, iova_add(base, PAGE_BYTES), small, 0, DMA_REFUSED);
	expect_write(t, iova_add(base, BIT(14) + 3 * PAGE_BYTES), middle, 3 * PAGE_BYTES, DMA_DONE);
	expect_write(t, iova_add(base, BIT(21) + BIT(20)), large, BIT(20), DMA_DONE);
	expect_read(t, iova_add(base, BIT(22) - PAGE_BYTES), large, BIT(21) - PAGE_BYTES, DMA_DONE);
}

TEST(pt_two_addresses,
     .id = "amdvi.pt.alias", .checks = "AMD-PT-076", .given = "one frame at two addresses", .expects = "both reach it",
     .needs = NEEDS)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	ax_map_page(t, AX_B, p);
	ax_sync(t);
	ax_allowed(t, AX_B, p);
	ax_allowed(t, AX_A, p);
}

TEST(pt_shared_space,
     .id = "amdvi.pt.shared", .checks = "AMD-PT-093", .given = "two functions, one root and one DomainID",
     .expects = "both reach the page", .needs = NEEDS | NEED_ENGINE_2)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct ax_req *r = ax_req(t, t->engine), *other = ax_req(t, t->engine2);

	ax_set_dte(t, other, amdvi_dte_host(r->space_pa, r->levels, r->domain_id, PERM_RW));
	ax_sync(t);
	expect_write_by(t, t->engine2, AX_A, dma_small_bytes(t, t->engine2), p, 0, DMA_DONE);
	expect_read_by(t, t->engine2, AX_A, dma_small_bytes(t, t->engine2), p, 0, DMA_DONE);
	ax_allowed(t, AX_A, p);
}

/* ---- transfers over a page boundary ---- */

static uint32_t two_steps(struct test *t)
{
	uint32_t n = 2 * dma_small_bytes(t, t->engine);

	if (n > t->engine->caps.max_bytes || (PAGE_BYTES - n / 2) % max_u64(t->engine->caps.align_bytes, 1))
		skip_unreached(t, "the engine cannot cross a page boundary");
	return n;
}

TEST(pt_crossing,
     .id = "amdvi.pt.crossing", .checks = "AMD-PT-073", .given = "a transfer over two pages whose frames are scattered",
     .expects = "each part goes to its own frame", .needs = NEEDS)
{
	struct page *frames = page_alloc(t, 2 * PAGE_BYTES, 0), *window = page_alloc(t, 2 * PAGE_BYTES, 0);
	uint32_t n = two_steps(t);
	uint64_t off = PAGE_BYTES - n / 2;

	/* First the frames in order, so that the transfer is known to work; then exchanged. */
	ax_start(t, NULL);
	ax_map_page(t, AX_A, window);
	ax_sync(t);
	if (!expect_write_by(t, t->engine, iova_add(AX_A, off), n, window, off, DMA_DONE))
		return;
	ax_map_sized(t, ax_req(t, t->engine), AX_A, pa_add(frames->pa, PAGE_BYTES), 12, PERM_RW);
	ax_map_sized(t, ax_req(t, t->engine), iova_add(AX_A, PAGE_BYTES), frames->pa, 12, PERM_RW);
	ax_sync(t);
	for (uint32_t i = 0; i < n / 2; i++) {
		frames->p[PAGE_BYTES + off + i] = 0x11;
		frames->p[i] = 0x22;
	}
	(void)try_write(t, t->engine, iova_add(AX_A, off), n, NULL, 0); /* the data tell */
	expect_true(t, frames->p[PAGE_BYTES + off] != 0x11 || frames->p[PAGE_BYTES + off + 1] != 0x11,
		    "the first part is in the frame of the first page");
	expect_true(t, frames->p[0] != 0x22 || frames->p[1] != 0x22,
		"the second part is in the frame of the second page");
}

/* ---- level skipping ---- */

/* An entry of one level that leads to a table several levels below; the address bits between are 0. */
static void skipping(struct test *t)
{
	unsigned from = (unsigned)(t->desc->arg / 100), to = (unsigned)(t->desc->arg / 10 % 10),
		leaf = (unsigned)(t->desc->arg % 10);
	struct page *p = leaf == 1 ? page_filled(t, 0xa5) : page_alloc(t, BIT(21), BIT(21));
	iova_t at = IOVA(5 * pow2(12 + 9 * (from - 1)) + (to == 1 ? 7 * PAGE_BYTES : 7 * BIT(21)));
	struct ax_req *r;
	uint64_t *below;
	pa_t below_pa;

	ax_start(t, &(struct ax_options){ .levels = from });
	r = ax_req(t, t->engine);
	below = ax_table(t, &below_pa);
	ax_set(below + 7, ax_leaf(p->pa, PERM_RW));
	ax_set(ax_entry(t, r, at, from), below_pa.v | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, to));
	ax_sync(t);
	ax_allowed(t, at, p);
}

/* The same, and then an address with a skipped bit set. */
static void skipped_bit(struct test *t)
{
	struct page *p = page_filled(t, 0xa5);
	iova_t at = IOVA(5 * pow2(39) + 7 * PAGE_BYTES);
	uint64_t *below;
	pa_t below_pa;

	ax_start(t, &(struct ax_options){ .levels = 4 });
	below = ax_table(t, &below_pa);
	ax_set(below + 7, ax_leaf(p->pa, PERM_RW));
	ax_set(ax_entry(t, ax_req(t, t->engine), at, 4), below_pa.v | V1_PR | V1_IR | V1_IW | FLD(V1_NEXT_LEVEL, 1));
	ax_sync(t);
	if (ax_allowed(t, at, p))
		ax_blocked(t, iova_add(at, BIT(30)), p);
}

#define SKIPPING(id_, row_, arg_) \
	{ .id = "amdvi.pt.skip." id_, .checks = row_, .given = "an entry that skips levels", \
	  .expects = "the page is reached", \
	  .needs = NEEDS, .arg = arg_, .body = skipping }

TEST_TABLE(pt_skipping, SKIPPING("4_to_2", "AMD-PT-062 AMD-PT-066", 422), SKIPPING("4_to_1", "AMD-PT-063", 411),
	   SKIPPING("3_to_1", "AMD-PT-064", 311),
	   { .id = "amdvi.pt.skip.bit_set", .checks = "AMD-PT-065", .given = "a skipped address bit is 1",
	     .expects = "DMA is blocked", .needs = NEEDS, .body = skipped_bit });
