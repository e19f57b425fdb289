/*
 * The page-table engine, case by case: every page size at every width, every split of a large page, errors, pruning.
 */
#include "drivers-iommu/pgtable/pgtable.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pgtable/toy_format.h"
#include "tests/host/tap.h"

#define NATURAL (BIT(12) | BIT(21) | BIT(30))

static struct pgt pt;

static const struct pgt_config configs[] = {
	{ &pgt_vtd_ss, 3, 39, 39, NATURAL, true, false },
	{ &pgt_vtd_ss, 4, 48, 46, NATURAL, false, true },
	{ &pgt_vtd_ss, 5, 57, 52, NATURAL, true, false },
	{ &pgt_vtd_fs, 4, 47, 46, NATURAL, false, false },
	{ &pgt_vtd_fs, 5, 56, 52, NATURAL, true, true },
	{ &toy_format, 4, 48, 46, NATURAL | BIT(16) | BIT(25), true, false },
	{ &toy_format, 6, 63, 52, NATURAL | BIT(16) | BIT(25) | BIT(39), true, false },
};

/* True where iova is mapped to pa by a page of bits (0: any). */
static bool maps(uint64_t iova, uint64_t pa, unsigned bits)
{
	unsigned perm, seen_bits;
	pa_t seen;

	return pgt_lookup(&pt, IOVA(iova), &seen, &perm, &seen_bits) == OK && seen.v == pa && perm == PERM_RW &&
	       (!bits || bits == seen_bits);
}

static bool absent(uint64_t iova)
{
	unsigned perm;
	pa_t seen;

	return pgt_lookup(&pt, IOVA(iova), &seen, &perm, NULL) == ERR_NOT_FOUND;
}

static uint64_t unmap(uint64_t iova, uint64_t bytes)
{
	uint64_t gone = 0;

	return pgt_unmap(&pt, IOVA(iova), bytes, &gone) == OK ? gone : UINT64_MAX;
}

static void prune_all(void)
{
	pgt_prune(&pt, IOVA(0), pow2(pt.cfg.input_bits));
	pgt_reclaim(&pt);
}

/* One page of one size, at the lowest and the highest place where it goes. */
static void one_page(unsigned bits)
{
	uint64_t size = pow2(bits), places[] = { 0, pow2(pt.cfg.input_bits) - size };

	for (unsigned i = 0; i < 2; i++) {
		uint64_t at = places[i];
		bool good = pgt_map(&pt, IOVA(at), PA(size), size, PERM_RW, 0) == OK;

		good &= maps(at, size, bits) && maps(at + size - 1, 2 * size - 1, bits);
		good &= i == 1 || absent(size);
		good &= i == 0 || absent(at - 1);
		good &= pgt_map(&pt, IOVA(at), PA(size), PAGE_BYTES, PERM_RW, 0) == ERR_EXISTS;
		good &= pgt_map(&pt, IOVA(at + size - PAGE_BYTES), PA(size), PAGE_BYTES, PERM_R, 0) == ERR_EXISTS;
		good &= unmap(at, size) == size && absent(at) && absent(at + size - 1);
		prune_all();
		ok(good && pt.tables_n == 1, "%s, %u levels: a page of 2^%u bytes at 0x%" PRIx64, pt.cfg.format->name,
		   pt.cfg.levels, bits, at);
	}
}

static void every_size(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(configs); i++) {
		size_t before = mem_free_pages();

		if (!ok(pgt_create(&pt, &configs[i]) == OK, "create"))
			continue;
		for (unsigned bits = 12; bits < 64; bits++)
			if (configs[i].page_sizes & pow2(bits))
				one_page(bits);
		pgt_destroy(&pt);
		is_u64(mem_free_pages(), before, "nothing leaked");
	}
}

/* A range that starts and ends on odd pages uses small pages at its ends and the largest in between. */
static void largest_that_fit(const struct pgt_config *c)
{
	uint64_t lo = BIT(30) - 3 * PAGE_BYTES, hi = 2 * BIT(30) + BIT(21) + PAGE_BYTES;

	ok(pgt_create(&pt, c) == OK && pgt_map(&pt, IOVA(lo), PA(lo), hi - lo, PERM_RW, 0) == OK, "map an odd range");
	ok(maps(lo, lo, 12) && maps(BIT(30) - 1, BIT(30) - 1, 12), "4 KiB before the first gigabyte");
	ok(maps(BIT(30), BIT(30), 30) && maps(2 * BIT(30) - 1, 2 * BIT(30) - 1, 30), "1 GiB in the middle");
	ok(maps(2 * BIT(30), 2 * BIT(30), 21), "2 MiB behind it");
	ok(maps(hi - 1, hi - 1, 12) && absent(hi) && absent(lo - 1), "4 KiB at the end, nothing beyond");
	is_u64(unmap(0, 4 * BIT(30)), hi - lo, "all of it goes, holes are skipped");
	ok(pgt_map(&pt, IOVA(0), PA(0), BIT(30), PERM_RW, 21) == OK && maps(0, 0, 21), "bounded to 2 MiB");
	is_u64(unmap(0, BIT(30)), BIT(30), "unmap");
	ok(pgt_map(&pt, IOVA(BIT(30)), PA(PAGE_BYTES), BIT(30), PERM_RW, 0) == OK && maps(BIT(30), PAGE_BYTES, 12),
	   "addresses that are not aligned alike: 4 KiB");
	pgt_destroy(&pt);
}

/* Every single page taken out of a 2 MiB page, then ranges; each time all 512 pages are looked at. */
static void split_2m(const struct pgt_config *c)
{
	bool good = pgt_create(&pt, c) == OK;

	for (unsigned first = 0; first < 512 && good; first++) {
		unsigned n = first % 7 == 0 ? 512 - first : 1 + (first * 37) % (512 - first);

		good &= pgt_map(&pt, IOVA(BIT(30)), PA(BIT(31)), BIT(21), PERM_RW, 0) == OK &&
			maps(BIT(30), BIT(31), 21);
		good &= unmap(BIT(30) + first * PAGE_BYTES, n * PAGE_BYTES) == n * PAGE_BYTES;
		for (unsigned i = 0; i < 512; i++) {
			uint64_t off = (uint64_t)i * PAGE_BYTES;

			good &= i >= first && i < first + n ? absent(BIT(30) + off)
							    : maps(BIT(30) + off, BIT(31) + off, 0);
		}
		unmap(BIT(30), BIT(21));
		prune_all();
		good &= pt.tables_n == 1;
		if (!good)
			tap_diag("pages %u to %u", first, first + n);
	}
	ok(good, "%s: every part of a 2 MiB page can be taken out", c->format->name);
	pgt_destroy(&pt);
}

static void split_1g(const struct pgt_config *c)
{
	uint64_t hole = BIT(30) + 5 * BIT(21) + 7 * PAGE_BYTES;

	ok(pgt_create(&pt, c) == OK && pgt_map(&pt, IOVA(BIT(30)), PA(BIT(32)), BIT(30), PERM_RW, 0) == OK,
	   "map 1 GiB");
	is_u64(pt.tables_n, c->levels - 2, "no table below it");
	is_u64(unmap(hole, PAGE_BYTES), PAGE_BYTES, "take one page out");
	is_u64(pt.tables_n, c->levels, "two tables more");
	ok(absent(hole) && maps(hole - 1, BIT(32) + hole - BIT(30) - 1, 0) &&
	   maps(hole + PAGE_BYTES, BIT(32) + hole - BIT(30) + PAGE_BYTES, 0), "its neighbours stay");
	ok(maps(BIT(30), BIT(32), 21) && maps(2 * BIT(30) - 1, BIT(32) + BIT(30) - 1, 21), "2 MiB pages elsewhere");
	is_u64(unmap(BIT(30), BIT(30)), BIT(30) - PAGE_BYTES, "the rest goes");
	prune_all();
	is_u64(pt.tables_n, 1, "only the root is left");
	pgt_destroy(&pt);
}

/* Pages of several entries come apart into their entries. */
static void split_groups(void)
{
	ok(pgt_create(&pt, &configs[5]) == OK && pgt_map(&pt, IOVA(BIT(16)), PA(BIT(20)), BIT(16), PERM_RW, 0) == OK &&
	   maps(BIT(16), BIT(20), 16) && maps(BIT(17) - 1, BIT(20) + BIT(16) - 1, 16), "a 64 KiB page of 16 entries");
	ok(unmap(BIT(16) + 3 * PAGE_BYTES, PAGE_BYTES) == PAGE_BYTES && absent(BIT(16) + 3 * PAGE_BYTES) &&
	   maps(BIT(16), BIT(20), 12) && maps(BIT(17) - 1, BIT(20) + BIT(16) - 1, 12), "take one page out");
	ok(pgt_map(&pt, IOVA(BIT(25)), PA(BIT(27)), BIT(25), PERM_RW, 0) == OK &&
		   maps(BIT(25) + BIT(22), BIT(27) + BIT(22), 25),
	   "a 32 MiB page of 16 entries");
	ok(unmap(BIT(25) + 3 * BIT(21) + PAGE_BYTES, PAGE_BYTES) == PAGE_BYTES &&
		   absent(BIT(25) + 3 * BIT(21) + PAGE_BYTES) && maps(BIT(25), BIT(27), 21) &&
		   maps(BIT(25) + 3 * BIT(21), BIT(27) + 3 * BIT(21), 12),
	   "take 4 KiB out");
	pgt_destroy(&pt);
}

static enum status map(uint64_t iova, uint64_t pa, uint64_t bytes, unsigned perm, unsigned max_bits)
{
	return pgt_map(&pt, IOVA(iova), PA(pa), bytes, perm, max_bits);
}

static void errors(void)
{
	const struct pgt_config *c = &configs[1];
	struct pgt_config bad = *c;
	uint64_t gone, top = pow2(c->input_bits);

	bad.levels = 6;
	ok(pgt_create(&pt, &bad) == ERR_INVALID, "levels that the format does not have");
	bad = *c;
	bad.input_bits = 49;
	ok(pgt_create(&pt, &bad) == ERR_INVALID, "an input wider than the walk");
	ok(pgt_create(&pt, c) == OK, "create");
	ok(map(1, 0, PAGE_BYTES, PERM_R, 0) == ERR_INVALID, "misaligned iova");
	ok(map(0, 1, PAGE_BYTES, PERM_R, 0) == ERR_INVALID, "misaligned pa");
	ok(map(0, 0, PAGE_BYTES + 1, PERM_R, 0) == ERR_INVALID, "misaligned length");
	ok(map(0, 0, 0, PERM_R, 0) == ERR_INVALID, "empty");
	ok(map(0, 0, PAGE_BYTES, 0, 0) == ERR_INVALID, "no permission");
	ok(map(0, 0, PAGE_BYTES, 4, 0) == ERR_INVALID, "an unknown permission");
	ok(map(0, 0, PAGE_BYTES, PERM_R, 11) == ERR_INVALID, "pages below 4 KiB");
	ok(map(top, 0, PAGE_BYTES, PERM_R, 0) == ERR_INVALID, "iova above the width");
	ok(map(top - PAGE_BYTES, 0, 2 * PAGE_BYTES, PERM_R, 0) == ERR_INVALID, "a range that leaves the width");
	ok(map(PAGE_BYTES, 0, UINT64_MAX - PAGE_BYTES + 1, PERM_R, 0) == ERR_INVALID, "a range that wraps");
	ok(map(0, pow2(c->pa_bits), PAGE_BYTES, PERM_R, 0) == ERR_INVALID, "pa above the width");
	ok(map(0, pow2(c->pa_bits) - PAGE_BYTES, 2 * PAGE_BYTES, PERM_R, 0) == ERR_INVALID,
	   "pages that leave the width");
	ok(pgt_unmap(&pt, IOVA(1), PAGE_BYTES, &gone) == ERR_INVALID &&
		   pgt_unmap(&pt, IOVA(0), 0, &gone) == ERR_INVALID &&
		   pgt_unmap(&pt, IOVA(top), PAGE_BYTES, &gone) == ERR_INVALID,
	   "unmap checks its range, too");
	ok(absent(top) && absent(UINT64_MAX), "addresses above the width are not mapped");
	is_u64(pt.tables_n, 1, "nothing was built");
	pgt_destroy(&pt);
}

/* What pgt_prune() promises about leaves, and that unlinked tables live until pgt_reclaim(). */
static void pruning(const struct pgt_config *c)
{
	bool links = c->caches_absent;
	size_t with_tables;

	ok(pgt_create(&pt, c) == OK && map(BIT(30), 0x1000, 4 * PAGE_BYTES, PERM_RW, 0) == OK, "map four pages");
	ok(pgt_prune(&pt, IOVA(BIT(30)), BIT(30)) == !links,
	   "new tables count only where absent entries may be cached");
	unmap(BIT(30), PAGE_BYTES);
	ok(links || pgt_prune(&pt, IOVA(BIT(30)), PAGE_BYTES), "one of four pages unmapped: only a leaf changed");
	unmap(BIT(30), BIT(21));
	with_tables = mem_free_pages();
	ok(!pgt_prune(&pt, IOVA(BIT(30) + PAGE_BYTES), PAGE_BYTES), "the last ones: tables are unlinked");
	ok(pt.tables_n == 1 && mem_free_pages() == with_tables, "but not freed yet");
	pgt_reclaim(&pt);
	is_u64(mem_free_pages(), with_tables + c->levels - 1, "reclaim frees them");
	ok(map(BIT(30), BIT(31), BIT(21), PERM_RW, 0) == OK && maps(BIT(30), BIT(31), 21), "a large page fits again");
	pgt_prune(&pt, IOVA(0), BIT(38));
	unmap(BIT(30), PAGE_BYTES);
	ok(!pgt_prune(&pt, IOVA(BIT(30)), PAGE_BYTES), "a split is a change above the leaves");
	ok(links || pgt_prune(&pt, IOVA(BIT(30)), PAGE_BYTES), "once flushed, it is not");
	unmap(BIT(30), BIT(21));
	ok(map(BIT(30), BIT(31), BIT(21), PERM_RW, 0) == OK && maps(BIT(30), BIT(31), 0) && !maps(BIT(30), BIT(31), 21),
	   "a table that was not flushed stays: small pages go into it");
	pgt_destroy(&pt);
}

int main(void)
{
	size_t before;

	hosted_init(BIT(20), BIT(26));
	before = mem_free_pages();
	every_size();
	for (unsigned i = 0; i < ARRAY_LEN(configs); i++)
		pruning(&configs[i]);
	for (unsigned i = 0; i < 5; i++) {
		largest_that_fit(&configs[i]);
		split_2m(&configs[i]);
		split_1g(&configs[i]);
	}
	split_2m(&configs[5]);
	split_groups();
	errors();
	is_u64(mem_free_pages(), before, "nothing leaked");
	return done();
}
