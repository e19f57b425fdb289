/* The page allocator: bounds, alignment, reservation, and a random run against a shadow. */
#include "kernel/page_pool.h"
#include "tests/host/tap.h"

#define MIB BIT(20)

static struct page_pool pool;

static void basics(void)
{
	uint64_t a, b;

	pool_init(&pool);
	pool_add(&pool, 0x100800, 64 * PAGE_BYTES); /* not aligned: 63 whole pages from 0x101000 */
	is_u64(pool.free_n, 63, "only whole pages are added");
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &a), OK, "a byte");
	is_u64(a, 0x101000, "is the first page");
	is_u64((uint64_t)pool_alloc(&pool, 2 * PAGE_BYTES, 8 * PAGE_BYTES, &b), OK, "two pages aligned to eight");
	is_u64(b % (8 * PAGE_BYTES), 0, "are aligned");
	is_u64(pool.free_n, 60, "three pages are gone");
	pool_free(&pool, b, 2 * PAGE_BYTES);
	pool_free(&pool, a, 1);
	is_u64(pool.free_n, 63, "all are back");
	is_u64((uint64_t)pool_alloc(&pool, 64 * PAGE_BYTES, PAGE_BYTES, &a), (uint64_t)ERR_NO_MEMORY, "more than there is");
	is_u64((uint64_t)pool_alloc(&pool, 0, PAGE_BYTES, &a), (uint64_t)ERR_INVALID, "nothing asked for");
	is_u64((uint64_t)pool_alloc(&pool, 1, 3 * PAGE_BYTES, &a), (uint64_t)ERR_INVALID, "an odd alignment");
}

static void limit(void)
{
	uint64_t a, b;

	pool_init(&pool);
	pool_add(&pool, MIB, 16 * PAGE_BYTES);
	pool_limit(&pool, 1);
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &a), OK, "one allocation is left");
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &b), (uint64_t)ERR_NO_MEMORY, "then none");
	pool_free(&pool, a, 1);
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &a), (uint64_t)ERR_NO_MEMORY, "giving back changes nothing");
	pool_limit(&pool, UINT64_MAX);
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &a), OK, "without a limit there is memory again");
	is_u64((uint64_t)pool_alloc(&pool, 2 * PAGE_BYTES, PAGE_BYTES, &b), OK, "two pages");
	pool_free(&pool, a, 1);
	is_u64((uint64_t)pool_alloc(&pool, 1, PAGE_BYTES, &a), OK, "a page that came back");
	is_u64(a, MIB, "is the first one again");
}

static void reservation(void)
{
	uint64_t a;
	bool hit = false;

	pool_init(&pool);
	pool_add(&pool, MIB, 16 * PAGE_BYTES);
	ok(pool_reserve(&pool, MIB + 3 * PAGE_BYTES + 1, PAGE_BYTES), "pages that are free can be reserved");
	is_u64(pool.free_n, 14, "both pages that the range touches are gone");
	ok(!pool_reserve(&pool, MIB + 3 * PAGE_BYTES, 1), "reserving again is told");
	ok(pool_reserve(&pool, 0, 0), "an empty range reserves nothing");
	ok(pool_reserve(&pool, UINT64_MAX - 10, UINT64_MAX), "a range to the end of the world wraps nowhere");
	while (pool_alloc(&pool, 1, PAGE_BYTES, &a) == OK)
		hit |= a == MIB + 3 * PAGE_BYTES || a == MIB + 4 * PAGE_BYTES;
	ok(!hit, "reserved pages are never handed out");
	is_u64(pool.free_n, 0, "all others are");
}

static void ranges(void)
{
	uint64_t a;

	pool_init(&pool);
	pool_add(&pool, MIB, 2 * PAGE_BYTES);
	pool_add(&pool, 16 * MIB, 4 * PAGE_BYTES);
	is_u64((uint64_t)pool_alloc(&pool, 3 * PAGE_BYTES, PAGE_BYTES, &a), OK, "three pages");
	is_u64(a, 16 * MIB, "come from the range that has them");
	ok(pool_holds(&pool, MIB + PAGE_BYTES, PAGE_BYTES), "the last page of a range is held");
	ok(!pool_holds(&pool, MIB + PAGE_BYTES, PAGE_BYTES + 1), "a byte more is not");
	ok(!pool_holds(&pool, 0, 1), "what is below is not");
	ok(!pool_holds(&pool, UINT64_MAX, UINT64_MAX), "no wrap at the end of the world");
	pool_add(&pool, BIT(32), BIT(40));
	is_u64(pool.pages_n, POOL_PAGES_MAX, "a huge range is cut to the room");
}

/* Random allocations: none overlaps another, all come back. */
static void random_run(void)
{
	static struct { uint64_t pa, n; } live[64];
	unsigned live_n = 0, clashes = 0;
	struct prng prng;

	prng_seed(&prng, 7);
	pool_init(&pool);
	pool_add(&pool, MIB, 256 * PAGE_BYTES);
	for (unsigned step = 0; step < 20000; step++) {
		uint64_t n = 1 + prng_below(&prng, 9), align = pow2((unsigned)prng_below(&prng, 4)), pa;

		if (live_n < ARRAY_LEN(live) && prng_below(&prng, 2) &&
		    pool_alloc(&pool, n * PAGE_BYTES, align * PAGE_BYTES, &pa) == OK) {
			clashes += !is_aligned(pa, align * PAGE_BYTES);
			for (unsigned i = 0; i < live_n; i++)
				clashes += pa < live[i].pa + live[i].n * PAGE_BYTES && live[i].pa < pa + n * PAGE_BYTES;
			live[live_n].pa = pa;
			live[live_n++].n = n;
		} else if (live_n) {
			unsigned i = (unsigned)prng_below(&prng, live_n);

			pool_free(&pool, live[i].pa, live[i].n * PAGE_BYTES);
			live[i] = live[--live_n];
		}
	}
	is_u64(clashes, 0, "random run: no overlap, all aligned");
	while (live_n--)
		pool_free(&pool, live[live_n].pa, live[live_n].n * PAGE_BYTES);
	is_u64(pool.free_n, 256, "random run: all pages are back");
}

int main(void)
{
	basics();
	limit();
	reservation();
	ranges();
	random_run();
	return done();
}
