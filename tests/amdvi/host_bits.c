/*
 * Host page tables (AMD IOMMU 2.2.3): presence, permissions, reserved and ignored bits,
 	NextLevel. Only data are judged.
 */
#include "tests/amdvi/fixture.h"

#define NEEDS (NEED_AMDVI | NEED_AMD_HOST | NEED_ENGINE_DIRECT)

static uint64_t *entry_at(struct test *t, unsigned level)
{
	return ax_entry(t, ax_req(t, t->engine), AX_A, level);
}

static void change(struct test *t, unsigned level, uint64_t clear, uint64_t set)
{
	uint64_t *e = entry_at(t, level);

	ax_set(e, (*e & ~clear) | set);
	ax_sync(t);
}

/* ---- presence and permissions ---- */

static void not_present(struct test *t)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	change(t, (unsigned)t->desc->arg, V1_PR, 0);
	ax_blocked(t, AX_A, p);
	ax_events_drop(t);
	change(t, (unsigned)t->desc->arg, 0, V1_PR);
	ax_allowed(t, AX_A, p);
}

#define ABSENT(level_, row_) \
	{ .id = "amdvi.pt.absent.level" #level_, .checks = row_, .given = "PR = 0 in the entry of level " #level_, \
	  .expects = "DMA is blocked; with PR = 1 it works again", .needs = NEEDS | NEED_ENGINE, .arg = level_, \
	  .body = not_present }

TEST_TABLE(pt_absent, ABSENT(1, "AMD-PT-025"), ABSENT(2, "AMD-PT-025"), ABSENT(3, "AMD-PT-025"), ABSENT(4,
	"AMD-PT-025"));

enum { WRITE = 16, STOPS = 32, LEVEL = 15 };

/* IR or IW taken away at a level (5: in the device table entry), then one direction tried. */
static void permission(struct test *t)
{
	bool write = t->desc->arg & WRITE, stops = t->desc->arg & STOPS;
	uint64_t gone = write == stops ? V1_IW : V1_IR; /* a write stops without IW, and does not mind IR */
	unsigned level = (unsigned)(t->desc->arg & LEVEL);
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	uint64_t *word = level == 5 ? ax_req(t, t->engine)->dte : entry_at(t, level);

	ax_set(word, *word & ~gone);
	ax_sync(t);
	ax_dma(t, AX_A, p, write, stops ? DMA_REFUSED : DMA_DONE);
}

#define PERM(id_, row_, arg_, text_) \
	{ .id = "amdvi.pt.perm." id_, .checks = row_, .given = text_, \
	  .expects = (arg_) & STOPS ? "DMA is blocked" : "DMA works", \
	  .needs = NEEDS | ((arg_) & WRITE ? NEED_ENGINE_WRITE : NEED_ENGINE_READ), .arg = arg_, .body = permission }

TEST_TABLE(pt_perm, PERM("leaf.read_needs_ir", "AMD-PT-031", 1 | STOPS, "IR = 0 in the leaf, a read"),
	   PERM("leaf.write_needs_iw", "AMD-PT-032", 1 | STOPS | WRITE, "IW = 0 in the leaf, a write"),
	   PERM("leaf.write_without_ir", "AMD-PT-033", 1 | WRITE, "IR = 0 in the leaf, a write"),
	   PERM("leaf.read_without_iw", "AMD-PT-034", 1, "IW = 0 in the leaf, a read"),
	   PERM("level2.read_needs_ir", "AMD-PT-035", 2 | STOPS, "IR = 0 at level 2, a read"),
	   PERM("level2.write_needs_iw", "AMD-PT-036", 2 | STOPS | WRITE, "IW = 0 at level 2, a write"),
	   PERM("level3.read_needs_ir", "AMD-PT-035", 3 | STOPS, "IR = 0 at level 3, a read"),
	   PERM("level3.write_needs_iw", "AMD-PT-036", 3 | STOPS | WRITE, "IW = 0 at level 3, a write"),
	   PERM("level4.read_needs_ir", "AMD-PT-035", 4 | STOPS, "IR = 0 at level 4, a read"),
	   PERM("level4.write_needs_iw", "AMD-PT-036", 4 | STOPS | WRITE, "IW = 0 at level 4, a write"),
	   PERM("dte.read_needs_ir", "AMD-PT-038", 5 | STOPS, "DTE.IR = 0, a read"),
	   PERM("dte.write_needs_iw", "AMD-PT-039", 5 | STOPS | WRITE, "DTE.IW = 0, a write"));

TEST(pt_perm_each,
     .id = "amdvi.pt.perm.each_level", .checks = "AMD-PT-037",
     .given = "four levels, IR or IW = 0 at one directory level at a time",
     .expects = "that direction is blocked each time",
     .needs = NEEDS | NEED_ENGINE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);

	for (unsigned level = 2; level <= ax_of(t)->o.levels; level++) {
		change(t, level, V1_IR, 0);
		ax_dma(t, AX_A, p, false, DMA_REFUSED);
		change(t, level, V1_IW, V1_IR);
		ax_dma(t, AX_A, p, true, DMA_REFUSED);
		change(t, level, 0, V1_IW);
		ax_events_drop(t);
		ax_allowed(t, AX_A, p);
	}
}

/* ---- bits ---- */

enum { LEAF = 1, DIRECTORY = 2, BLOCKS = 4 };

static void bits(struct test *t)
{
	static const struct { uint64_t bits; unsigned level; bool blocks; } cases[] = {
		{ BIT(52), LEAF, true }, { BIT(58), LEAF, true }, { V1_RSVD_LEAF, LEAF, true },
		{ BIT(52), DIRECTORY, true }, { BIT(59), DIRECTORY, true }, { BIT(60), DIRECTORY, true },
		{ V1_IGNORED_1, LEAF, false }, { V1_IGNORED_7, LEAF, false }, { V1_IGNORED_63, LEAF, false },
		{ V1_IGNORED_1 | V1_D | V1_IGNORED_7, DIRECTORY, false }, { V1_FC, LEAF, false }, { V1_U, LEAF, false },
		{ V1_A | V1_D, LEAF, false },
	};
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	uint64_t *e = entry_at(t, cases[t->desc->arg].level);

	if (cases[t->desc->arg].blocks)
		ax_each_bit_blocks(t, e, cases[t->desc->arg].bits, AX_A, p);
	else
		ax_each_bit_harmless(t, e, cases[t->desc->arg].bits, AX_A, p);
}

#define BITS_ROW(id_, row_, given_, expects_, arg_) \
	{ .id = "amdvi.pt.bits." id_, .checks = row_, .given = given_, .expects = expects_, \
	  .needs = NEEDS | NEED_ENGINE, \
	  .arg = arg_, .body = bits }

TEST_TABLE(pt_bits, BITS_ROW("leaf52", "AMD-PT-047", "reserved bit 52 set in a leaf", "DMA is blocked", 0),
	   BITS_ROW("leaf58", "AMD-PT-048", "reserved bit 58 set in a leaf", "DMA is blocked", 1),
	   BITS_ROW("leaf_all", "AMD-PT-047 AMD-PT-048", "each of bits 58:52 alone set in a leaf", "DMA is blocked", 2),
	   BITS_ROW("dir52", "AMD-PT-049", "reserved bit 52 set in a directory", "DMA is blocked", 3),
	   BITS_ROW("dir59", "AMD-PT-050", "bit 59 set in a directory", "DMA is blocked", 4),
	   BITS_ROW("dir60", "AMD-PT-051", "bit 60 set in a directory", "DMA is blocked", 5),
	   BITS_ROW("leaf_ignored_4_1", "AMD-PT-052", "each of bits 4:1 alone set in a leaf", "DMA works", 6),
	   BITS_ROW("leaf_ignored_8_7", "AMD-PT-053", "each of bits 8:7 alone set in a leaf", "DMA works", 7),
	   BITS_ROW("leaf_ignored_63", "AMD-PT-054", "bit 63 set in a leaf", "DMA works", 8),
	   BITS_ROW("dir_ignored", "AMD-PT-055", "each of bits 8:6 and 4:1 alone set in a directory", "DMA works", 9),
	   BITS_ROW("leaf_fc", "AMD-PT-056", "FC = 1", "DMA works", 10),
	   BITS_ROW("leaf_u", "AMD-PT-057", "U = 1, untranslated requests", "DMA works", 11));

TEST(pt_absent_garbage,
     .id = "amdvi.pt.absent.garbage", .checks = "AMD-PT-030",
     .given = "PR = 0 and all other bits of the leaf set, a write",
     .expects = "the event has PR = 0 and RZ = 0", .needs = NEEDS | NEED_ENGINE_WRITE)
{
	struct page *p = ax_start_mapped(t, NULL, AX_A);
	struct amdvi_event e;

	ax_set(entry_at(t, 1), ~V1_PR);
	ax_sync(t);
	if (!ax_dma(t, AX_A, p, true, DMA_REFUSED) || !ax_expect_event(t, EV_IO_PAGE_FAULT, &e))
		return;
	expect_eq(t, "PR", e.pr, 0);
	expect_eq(t, "RZ", e.rz, 0);
}

/* ---- NextLevel ---- */

/* 100 * level of the entry + 10 * NextLevel put there + (1: only observed) */
static void next_level(struct test *t)
{
	unsigned level = (unsigned)(t->desc->arg / 100), next = (unsigned)(t->desc->arg / 10 % 10);
	struct ax_options o = { .levels = level == 6 ? 6 : 0 };
	struct page *p;

	if (level > t->bench->amdvi->caps.levels_max)
		skip(t, "EFR.HATS: at most %u levels", t->bench->amdvi->caps.levels_max);
	p = ax_start_mapped(t, &o, AX_A);
	change(t, level, V1_NEXT_LEVEL, FLD(V1_NEXT_LEVEL, next));
	ax_blocked(t, AX_A, p);
}

#define NEXT(id_, row_, given_, arg_) \
	{ .id = "amdvi.pt.next_level." id_, .checks = row_, .given = given_, .expects = "DMA is blocked", \
	  .needs = NEEDS | NEED_ENGINE, .arg = arg_, .body = next_level }

TEST_TABLE(pt_next_level, NEXT("equal", "AMD-PT-058", "NextLevel 3 at level 3", 330),
	   NEXT("above", "AMD-PT-059", "NextLevel 4 at level 3", 340), NEXT("level1", "AMD-PT-060",
	   	"NextLevel 1 at level 1", 110),
	   NEXT("level1_high", "AMD-PT-060", "NextLevel 6 at level 1", 160),
	   NEXT("level6_leaf", "AMD-PT-061", "NextLevel 0 at level 6", 600));

/* A size code that does not fit the level: 1 GiB at level 2, or 2 MiB, which is the level's own. */
static void odd_size(struct test *t)
{
	unsigned size = (unsigned)t->desc->arg;
	struct page *p = page_filled(t, 0xa5);
	uint64_t base = align_down(p->pa.v, pow2(size));
	iova_t at = IOVA(5 * BIT(30) + p->pa.v % BIT(30));
	uint64_t *e;

	ax_start(t, NULL);
	e = ax_entry(t, ax_req(t, t->engine), at, 2);
	ax_set(e, ax_leaf(PA(align_down(p->pa.v, BIT(21))), PERM_RW));
	ax_sync(t);
	if (!ax_allowed(t, at, p))
		return;
	ax_set(e, ax_leaf(PA(base | (BITS(size - 1, 12) & ~pow2(size - 1))), PERM_RW) |
			  FLD(V1_NEXT_LEVEL, NEXT_LEVEL_SIZED));
	ax_sync(t);
	if (try_write(t, t->engine, at, dma_small_bytes(t, t->engine), p, p->pa.v % PAGE_BYTES) == DMA_DONE)
		observe(t, "the page is used");
	else
		observe(t, "DMA is blocked");
	ax_events_drop(t);
}

TEST_TABLE(pt_odd_size,
	{ .id = "amdvi.pt.size_code.own", .checks = "AMD-PT-023", .given = "NextLevel 7 with the level's own size",
	  .expects = "not settled", .needs = NEEDS | NEED_ENGINE, .arg = 21, .body = odd_size },
	{ .id = "amdvi.pt.size_code.too_large", .checks = "AMD-PT-024", .given = "NextLevel 7 with 1 GiB at level 2",
	  .expects = "DMA is blocked", .needs = NEEDS | NEED_ENGINE, .arg = 30, .body = odd_size });
