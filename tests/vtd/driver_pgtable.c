/*
 * The page-table engine as VT-d uses it: what it refuses, which sizes it takes, what splitting and pruning leave.
 * Entries are compared with the manual's bits (VT-d 9.7, 9.8).
 */
#include "drivers-iommu/pgtable/pgtable.h"
#include "tests/test.h"

#define MIB2 BIT(21)
#define GIB1 BIT(30)
#define PA_BITS 40

static void cleanup(struct test *t)
{
	pgt_destroy(t->fixture);
}

static struct pgt_config config(const struct pgt_format *f)
{
	return (struct pgt_config){ .format = f, .levels = 4, .input_bits = 48, .pa_bits = PA_BITS,
				    .page_sizes = PAGE_BYTES | MIB2 | GIB1, .snooped = true };
}

/* An empty tree of the format that arg names: 0 second stage, 1 first stage. */
static struct pgt *start(struct test *t)
{
	struct pgt_config c = config(t->desc->arg ? &pgt_vtd_fs : &pgt_vtd_ss);
	struct pgt *pt = (struct pgt *)(void *)page_alloc(t, sizeof(*pt), 0)->p; /* page-aligned */

	if (t->desc->arg)
		c.input_bits = 47;
	must(t, pgt_create(pt, &c), "creating a tree");
	t->fixture = pt;
	t->cleanup = cleanup;
	return pt;
}

static bool status_is(struct test *t, const char *call, enum status seen, enum status expected)
{
	if (seen == expected)
		return true;
	fail(t, status_text(expected), "%s: %s", call, status_text(seen));
	return false;
}

/* iova leads to pa by a page of 2^bits; bits 0: nowhere. */
static bool leads(struct test *t, const struct pgt *pt, uint64_t iova, uint64_t pa, unsigned bits)
{
	unsigned perm = 0, seen = 0;
	pa_t at = PA(0);
	enum status s = pgt_lookup(pt, IOVA(iova), &at, &perm, &seen);
	bool good = bits ? s == OK && at.v == pa && perm == PERM_RW && seen == bits : s == ERR_NOT_FOUND;

	if (!good) {
		fail(t, "the page and its size as mapped", "status %s, size 2^%u", status_text(s), seen);
		note(t, "iova 0x%llx: pa 0x%llx, expected 0x%llx, 2^%u", (unsigned long long)iova,
		     (unsigned long long)at.v, (unsigned long long)pa, bits);
	}
	return good;
}

static void refusals(struct test *t)
{
	struct pgt *pt = start(t);
	uint64_t top = pow2(pt->cfg.input_bits), limit = pow2(PA_BITS);
	uint64_t bytes;

	status_is(t, "memory at the limit", pgt_map(pt, IOVA(0), PA(limit), PAGE_BYTES, PERM_RW, 0), ERR_INVALID);
	status_is(t, "memory across the limit", pgt_map(pt, IOVA(0), PA(limit - PAGE_BYTES), 2 * PAGE_BYTES, PERM_RW, 0),
		  ERR_INVALID);
	status_is(t, "memory up to the limit", pgt_map(pt, IOVA(0), PA(limit - PAGE_BYTES), PAGE_BYTES, PERM_RW, 0), OK);
	status_is(t, "input at the width", pgt_map(pt, IOVA(top), PA(0), PAGE_BYTES, PERM_RW, 0), ERR_INVALID);
	status_is(t, "unmap at the width", pgt_unmap(pt, IOVA(top), PAGE_BYTES, &bytes), ERR_INVALID);
	status_is(t, "unmap of nothing", pgt_unmap(pt, IOVA(0), 0, &bytes), ERR_INVALID);
	status_is(t, "lookup at the width", pgt_lookup(pt, IOVA(top), &(pa_t){ 0 }, &(unsigned){ 0 }, NULL), ERR_NOT_FOUND);
	expect_true(t, pgt_prune(pt, IOVA(top), PAGE_BYTES), "nothing to prune above the width");
	status_is(t, "unmap up to the width", pgt_unmap(pt, IOVA(0), top, &bytes), OK);
	expect_eq(t, "bytes unmapped", bytes, PAGE_BYTES);
}

static void configs(struct test *t)
{
	const struct pgt_format *f = t->desc->arg ? &pgt_vtd_fs : &pgt_vtd_ss;
	struct pgt_config good = config(f), bad[9];
	struct pgt_format tall = *f;
	struct pgt pt;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[0].levels = t->desc->arg ? 3 : 2;
	bad[1].levels = 6;
	bad[2].input_bits = 12;
	bad[3].input_bits = 49;
	bad[4].pa_bits = 12;
	bad[5].pa_bits = 53;
	bad[6].page_sizes = MIB2;
	bad[7].levels = 5;
	bad[7].input_bits = 58;
	bad[8].input_bits = 64;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		if (!status_is(t, "create", pgt_create(&pt, &bad[i]), ERR_INVALID)) {
			note(t, "configuration %u", i);
			return;
		}
	/* Six levels would reach 66 bits, which no address has. */
	tall.levels_max = PGT_LEVELS_MAX;
	bad[8].format = &tall;
	bad[8].levels = PGT_LEVELS_MAX;
	status_is(t, "create, 64 bits of a taller format", pgt_create(&pt, &bad[8]), ERR_INVALID);
	must(t, pgt_create(&pt, &good), "creating a tree");
	pgt_destroy(&pt);
}

/* From 3 pages below 1 GiB - 2 MiB to 5 pages above 2 GiB + 4 MiB: each part by the largest page that fits. */
static void sizes(struct test *t)
{
	struct pgt *pt = start(t);
	uint64_t first = GIB1 - MIB2 - 3 * PAGE_BYTES, end = 2 * GIB1 + 2 * MIB2 + 5 * PAGE_BYTES, pa = BIT(38);
	size_t before = mem_free_pages();
	uint64_t bytes;

	must(t, pgt_map(pt, IOVA(first), PA(pa + first), end - first, PERM_RW, 0), "mapping");
	leads(t, pt, first - PAGE_BYTES, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		leads(t, pt, first + i * PAGE_BYTES, pa + first + i * PAGE_BYTES, 12);
	leads(t, pt, GIB1 - MIB2, pa + GIB1 - MIB2, 21);
	leads(t, pt, GIB1 - 8, pa + GIB1 - 8, 21);
	leads(t, pt, GIB1, pa + GIB1, 30);
	leads(t, pt, 2 * GIB1 - 1, pa + 2 * GIB1 - 1, 30);
	leads(t, pt, 2 * GIB1, pa + 2 * GIB1, 21);
	leads(t, pt, 2 * GIB1 + MIB2, pa + 2 * GIB1 + MIB2, 21);
	for (unsigned i = 0; i < 5; i++)
		leads(t, pt, 2 * GIB1 + 2 * MIB2 + i * PAGE_BYTES, pa + 2 * GIB1 + 2 * MIB2 + i * PAGE_BYTES, 12);
	leads(t, pt, end, 0, 0);
	/* The root, one table below it, those of the first and third GiB, those of their pages of 4 KiB. */
	expect_eq(t, "tables", pt->tables_n, 6);
	expect_eq(t, "pages taken", before - mem_free_pages(), 5);
	/* One page out of the middle of the GiB: it falls into 2 MiB, one of which falls into 4 KiB. */
	must(t, pgt_unmap(pt, IOVA(GIB1 + 5 * MIB2 + 7 * PAGE_BYTES), PAGE_BYTES, &bytes), "unmapping a page");
	expect_eq(t, "bytes unmapped", bytes, PAGE_BYTES);
	leads(t, pt, GIB1 + 5 * MIB2 + 7 * PAGE_BYTES, 0, 0);
	leads(t, pt, GIB1 + 5 * MIB2 + 6 * PAGE_BYTES, pa + GIB1 + 5 * MIB2 + 6 * PAGE_BYTES, 12);
	leads(t, pt, GIB1 + 5 * MIB2 + 8 * PAGE_BYTES, pa + GIB1 + 5 * MIB2 + 8 * PAGE_BYTES, 12);
	leads(t, pt, GIB1 + 4 * MIB2, pa + GIB1 + 4 * MIB2, 21);
	leads(t, pt, GIB1 + 6 * MIB2, pa + GIB1 + 6 * MIB2, 21);
	expect_eq(t, "tables", pt->tables_n, 8);
	expect_true(t, !pgt_prune(pt, IOVA(GIB1 + 5 * MIB2 + 7 * PAGE_BYTES), PAGE_BYTES), "non-leaf entries have changed");
	expect_true(t, pgt_prune(pt, IOVA(first), PAGE_BYTES), "none elsewhere, or flushed since");
	must(t, pgt_unmap(pt, IOVA(0), pow2(40), &bytes), "unmapping everything");
	expect_eq(t, "bytes unmapped", bytes, end - first - PAGE_BYTES);
	expect_true(t, !pgt_prune(pt, IOVA(0), pow2(40)), "tables are unlinked");
	expect_eq(t, "tables", pt->tables_n, 1);
	pgt_reclaim(pt);
	expect_eq(t, "free pages", mem_free_pages(), before);
}

static void entries(struct test *t)
{
	const struct pgt_format *f = t->desc->arg ? &pgt_vtd_fs : &pgt_vtd_ss;
	uint64_t pa = 0x40000000;
	/* Second stage: R, W, PS in bits 0, 1, 7. First stage: P, R/W, U/S, A, D, PS in 0, 1, 2, 5, 6, 7. */
	uint64_t rw = t->desc->arg ? 0x67 : 3, ro = t->desc->arg ? 0x65 : 1, table = t->desc->arg ? 0x27 : 3;

	expect_eq(t, "leaf of 4 KiB", f->leaf(1, 12, PA(pa), PERM_RW), pa | rw);
	expect_eq(t, "read-only leaf of 4 KiB", f->leaf(1, 12, PA(pa), PERM_R), pa | ro);
	expect_eq(t, "leaf of 2 MiB", f->leaf(2, 21, PA(pa), PERM_RW), pa | rw | 0x80);
	expect_eq(t, "read-only leaf of 1 GiB", f->leaf(3, 30, PA(pa), PERM_R), pa | ro | 0x80);
	expect_eq(t, "table", f->table(2, PA(pa)), pa | table);
}

/*
 * Empty tables that were not pruned stay where they are: two pages of 2 MiB would fit, but in the place of the second
 * there is such a table.
 */
static void leftover(struct test *t)
{
	struct pgt *pt = start(t);
	size_t before = mem_free_pages();
	uint64_t base = GIB1, pa = BIT(38), bytes;

	must(t, pgt_map(pt, IOVA(base + MIB2), PA(pa), PAGE_BYTES, PERM_RW, 0), "mapping a page");
	must(t, pgt_unmap(pt, IOVA(base + MIB2), PAGE_BYTES, &bytes), "unmapping it");
	must(t, pgt_map(pt, IOVA(base), PA(pa), 3 * MIB2, PERM_RW, 0), "mapping 6 MiB");
	leads(t, pt, base, pa, 21);
	leads(t, pt, base + MIB2, pa + MIB2, 12);
	leads(t, pt, base + 2 * MIB2 - PAGE_BYTES, pa + 2 * MIB2 - PAGE_BYTES, 12);
	leads(t, pt, base + 2 * MIB2, pa + 2 * MIB2, 21);
	must(t, pgt_unmap(pt, IOVA(base), 3 * MIB2, &bytes), "unmapping all");
	expect_eq(t, "bytes unmapped", bytes, 3 * MIB2);
	(void)pgt_prune(pt, IOVA(base), 3 * MIB2);
	pgt_reclaim(pt);
	expect_eq(t, "free pages", mem_free_pages(), before);
}

/* A new table must be told to the unit by a flush that drops more than leaves, and by no other. */
static void leaf_only(struct test *t)
{
	struct pgt *pt = start(t);
	uint64_t base = GIB1, bytes;

	must(t, pgt_map(pt, IOVA(base), PA(0), 3 * MIB2, PERM_RW, 0), "mapping 6 MiB");
	(void)pgt_prune(pt, IOVA(base), 3 * MIB2);
	must(t, pgt_unmap(pt, IOVA(base + MIB2), PAGE_BYTES, &bytes), "splitting the middle page");
	expect_true(t, pgt_prune(pt, IOVA(base), MIB2), "the page before it: leaves alone");
	expect_true(t, pgt_prune(pt, IOVA(base + 2 * MIB2), MIB2), "the page behind it: leaves alone");
	expect_true(t, !pgt_prune(pt, IOVA(base + 2 * MIB2 - PAGE_BYTES), PAGE_BYTES), "its last piece: more");
	expect_true(t, pgt_prune(pt, IOVA(base + 2 * MIB2 - PAGE_BYTES), PAGE_BYTES), "the same again: leaves alone");
}

static void no_memory(struct test *t)
{
	struct pgt *pt = start(t);
	uint64_t base = GIB1, bytes = 0;

	must(t, pgt_map(pt, IOVA(base), PA(0), MIB2, PERM_RW, 0), "mapping 2 MiB");
	mem_limit(0);
	status_is(t, "splitting", pgt_unmap(pt, IOVA(base), PAGE_BYTES, &bytes), ERR_NO_MEMORY);
	status_is(t, "mapping elsewhere", pgt_map(pt, IOVA(2 * base), PA(0), PAGE_BYTES, PERM_RW, 0), ERR_NO_MEMORY);
	status_is(t, "unmapping the whole page", pgt_unmap(pt, IOVA(2 * base), MIB2, &bytes), OK);
	mem_limit(UINT64_MAX);
	leads(t, pt, base, 0, 21);
	leads(t, pt, 2 * base, 0, 0);
	status_is(t, "splitting", pgt_unmap(pt, IOVA(base), PAGE_BYTES, &bytes), OK);
	expect_eq(t, "bytes unmapped", bytes, PAGE_BYTES);
}

/* A large page, a small one on either side: a table of each level below the root, and one more for the far end. */
static void exact(struct test *t)
{
	struct pgt *pt = start(t);
	uint64_t first = GIB1 + MIB2 - PAGE_BYTES, bytes = MIB2 + 2 * PAGE_BYTES;
	size_t before = mem_free_pages();

	mem_limit(3);
	status_is(t, "mapping with a table too few", pgt_map(pt, IOVA(first), PA(first), bytes, PERM_RW, 0),
		  ERR_NO_MEMORY);
	expect_eq(t, "free pages", mem_free_pages(), before);
	mem_limit(4);
	status_is(t, "mapping with as many as it takes", pgt_map(pt, IOVA(first), PA(first), bytes, PERM_RW, 0), OK);
	mem_limit(UINT64_MAX);
	leads(t, pt, first, first, 12);
	leads(t, pt, first + PAGE_BYTES, first + PAGE_BYTES, 21);
	leads(t, pt, first + PAGE_BYTES + MIB2, first + PAGE_BYTES + MIB2, 12);
	expect_eq(t, "tables", pt->tables_n, 5);
}

#define ROWS(name_, given_, expects_, body_) \
	{ .id = "vtd.driver.pgtable." name_ ".second_stage", .given = given_, .expects = expects_, .needs = NEED_VTD, \
	  .arg = 0, .body = body_ }, \
	{ .id = "vtd.driver.pgtable." name_ ".first_stage", .given = given_, .expects = expects_, .needs = NEED_VTD, \
	  .arg = 1, .body = body_ }

TEST_TABLE(driver_pgtable,
	   ROWS("refusals", "ranges at and across the ends of input and memory", "refused, or just inside: done", refusals),
	   ROWS("configs", "levels, widths, page sizes that the format has not", "ERR_INVALID", configs),
	   ROWS("sizes", "a range that needs pages of all sizes; one page of it unmapped; all of it",
		"the largest pages that fit; split around the hole; no table is left", sizes),
	   ROWS("leftover", "a range of 6 MiB over an empty table", "large pages around it, small ones in it", leftover),
	   ROWS("leaf_only", "a page is split; its neighbours, then it are flushed",
		"only its own flush is for more than leaves, once", leaf_only),
	   ROWS("no_memory", "a large page is to be split, a page to be mapped, without memory for tables",
		"ERR_NO_MEMORY, and all as it was", no_memory),
	   ROWS("exact", "a range over pages of two sizes, with memory for a table too few, then for all that it takes",
		"ERR_NO_MEMORY, then OK", exact),
	   ROWS("entries", "leaves and tables", "the manual's bits", entries));
