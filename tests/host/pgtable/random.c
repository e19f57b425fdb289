/*
 * The page-table engine against a shadow map: random calls, and calls whose allocations fail. The seed is an argument.
 */
#include <stdlib.h>
#include "drivers-iommu/pgtable/pgtable.h"
#include "tests/host/hal_hosted.h"
#include "tests/host/pgtable/toy_format.h"
#include "tests/host/tap.h"

#define NATURAL  (BIT(12) | BIT(21) | BIT(30))
#define WINDOW_N 4096u              /* pages: 16 MiB around a boundary of 512 GiB */
#define BASE     (BIT(39) - BIT(23))

static struct pgt pt;
static struct prng prng;
static struct { uint64_t pa; unsigned perm; } shadow[WINDOW_N];

static const struct pgt_config configs[] = {
	{ &pgt_vtd_ss, 4, 48, 46, NATURAL, true, false },
	{ &pgt_vtd_ss, 5, 57, 46, BIT(12) | BIT(21), false, true },
	{ &pgt_vtd_fs, 4, 47, 46, NATURAL, true, false },
	{ &toy_format, 4, 48, 46, NATURAL | BIT(16) | BIT(25), true, false },
};

static bool cell_right(unsigned i)
{
	unsigned perm = 0;
	pa_t pa = PA(0);
	enum status s = pgt_lookup(&pt, IOVA(BASE + (uint64_t)i * PAGE_BYTES), &pa, &perm, NULL);

	if (!shadow[i].perm)
		return s == ERR_NOT_FOUND;
	return s == OK && pa.v == shadow[i].pa && perm == shadow[i].perm;
}

static bool all_right(void)
{
	for (unsigned i = 0; i < WINDOW_N; i++)
		if (!cell_right(i)) {
			tap_diag("page %u differs", i);
			return false;
		}
	return true;
}

struct range { unsigned first, n; };

/* Often whole 64 KiB or 2 MiB blocks, so that large pages come up; sometimes anything, so that their ends are cut. */
static struct range range_random(void)
{
	static const unsigned grains[] = { 1, 1, 16, 512 };
	unsigned grain = grains[prng_below(&prng, 4)];
	unsigned first = (unsigned)prng_below(&prng, WINDOW_N / grain) * grain;
	unsigned n = prng_below(&prng, 3) ? (1 + (unsigned)prng_below(&prng, 4)) * grain
					  : 1 + (unsigned)prng_below(&prng, 1500);

	return (struct range){ first, first + n > WINDOW_N ? WINDOW_N - first : n };
}

static bool shadow_free(struct range r)
{
	for (unsigned i = r.first; i < r.first + r.n; i++)
		if (shadow[i].perm)
			return false;
	return true;
}

static bool map_random(void)
{
	static const unsigned bounds[] = { 0, 0, 12, 21 };
	struct range r = range_random();
	unsigned perm =
		pt.cfg.format->write_only ? 1 + (unsigned)prng_below(&prng, 3) : 1 + 2 * (unsigned)prng_below(&prng, 2);
	uint64_t pa = (prng_below(&prng, 2) ? BIT(33) + (uint64_t)r.first * PAGE_BYTES
					    : BIT(35) + prng_below(&prng, 4096) * PAGE_BYTES);
	enum status s = pgt_map(&pt, IOVA(BASE + (uint64_t)r.first * PAGE_BYTES), PA(pa), (uint64_t)r.n * PAGE_BYTES,
				perm, bounds[prng_below(&prng, 4)]);

	if (s == ERR_NO_MEMORY)
		return true;
	if (!shadow_free(r))
		return s == ERR_EXISTS;
	for (unsigned i = 0; i < r.n && s == OK; i++) {
		shadow[r.first + i].pa = pa + (uint64_t)i * PAGE_BYTES;
		shadow[r.first + i].perm = perm;
	}
	return s == OK;
}

static bool unmap_random(void)
{
	struct range r = range_random();
	uint64_t gone, expected = 0;
	enum status s = pgt_unmap(&pt, IOVA(BASE + (uint64_t)r.first * PAGE_BYTES), (uint64_t)r.n * PAGE_BYTES, &gone);

	if (s == ERR_NO_MEMORY)
		return gone == 0;
	for (unsigned i = r.first; i < r.first + r.n; i++) {
		expected += shadow[i].perm ? PAGE_BYTES : 0;
		shadow[i].perm = 0;
	}
	return s == OK && gone == expected;
}

static void prune_random(void)
{
	struct range r = range_random();

	pgt_prune(&pt, IOVA(BASE + (uint64_t)r.first * PAGE_BYTES), (uint64_t)r.n * PAGE_BYTES);
	pgt_reclaim(&pt);
}

static bool step(void)
{
	uint64_t dice = prng_below(&prng, 10);

	if (dice < 4)
		return map_random();
	if (dice < 9)
		return unmap_random();
	prune_random();
	return true;
}

static void finish(size_t before, const char *what)
{
	uint64_t gone;

	ok(pgt_unmap(&pt, IOVA(BASE), (uint64_t)WINDOW_N * PAGE_BYTES, &gone) == OK, "unmap everything");
	memset(shadow, 0, sizeof(shadow));
	pgt_prune(&pt, IOVA(BASE), (uint64_t)WINDOW_N * PAGE_BYTES);
	pgt_reclaim(&pt);
	is_u64(pt.tables_n, 1, "%s: only the root is left", what);
	pgt_destroy(&pt);
	is_u64(mem_free_pages(), before, "%s: nothing leaked", what);
}

static void against_shadow(const struct pgt_config *c, unsigned steps)
{
	size_t before = mem_free_pages();
	bool good = pgt_create(&pt, c) == OK;

	for (unsigned i = 0; i < steps && good; i++) {
		good &= step();
		if (i % 64 == 0)
			good &= all_right();
	}
	ok(good && all_right(), "%s, %u levels: %u random calls agree with the shadow", c->format->name, c->levels,
	   steps);
	finish(before, c->format->name);
}

/*
 * Every n-th allocation fails. A call that fails has left every page as it was (the shadow), the number of tables, and
 * the number of free pages.
 */
static void failing(const struct pgt_config *c, unsigned n, unsigned steps)
{
	size_t before = mem_free_pages();
	bool good = pgt_create(&pt, c) == OK;

	hosted_fail_alloc_every(n);
	for (unsigned i = 0; i < steps && good; i++) {
		size_t tables = pt.tables_n, pages = mem_free_pages();

		good &= step();
		good &= pages + tables == mem_free_pages() + pt.tables_n; /* every page is a linked table, or free */
		if (i % 32 == 0)
			good &= all_right();
	}
	hosted_fail_alloc_every(0);
	ok(good && all_right(), "%s: every allocation number %u fails, nothing leaks or changes", c->format->name, n);
	finish(before, c->format->name);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned steps = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 3000;

	hosted_init(BIT(20), BIT(26));
	prng_seed(&prng, seed);
	tap_diag("seed %" PRIu64 ", %u steps", seed, steps);
	for (unsigned i = 0; i < ARRAY_LEN(configs); i++) {
		against_shadow(&configs[i], steps);
		for (unsigned n = 1; n <= 5; n++)
			failing(&configs[i], n, steps / 8);
	}
	return done();
}
