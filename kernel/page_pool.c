/* Physical page allocator. */
#include "kernel/page_pool.h"

static bool bit_get(const struct page_pool *pool, uint64_t i)
{
	return pool->used[i / 64] & BIT(i % 64);
}

static void bit_set(struct page_pool *pool, uint64_t i, bool on)
{
	if (on)
		pool->used[i / 64] |= BIT(i % 64);
	else
		pool->used[i / 64] &= ~BIT(i % 64);
}

void pool_init(struct page_pool *pool)
{
	*pool = (struct page_pool){ .left = UINT64_MAX };
}

void pool_add(struct page_pool *pool, uint64_t base, uint64_t bytes)
{
	uint64_t first, last;

	if (bytes > UINT64_MAX - base || pool->ranges_n == POOL_RANGES_MAX)
		return;
	first = align_up(base, PAGE_BYTES) / PAGE_BYTES;
	last = align_down(base + bytes, PAGE_BYTES) / PAGE_BYTES;
	if (last <= first)
		return;
	last = min_u64(last, first + POOL_PAGES_MAX - pool->pages_n);
	if (last <= first)
		return;
	pool->ranges[pool->ranges_n++] = (struct pool_range){ first, last - first, pool->pages_n, 0 };
	pool->pages_n += last - first;
	pool->free_n += last - first;
}

bool pool_reserve(struct page_pool *pool, uint64_t base, uint64_t bytes)
{
	uint64_t first = base / PAGE_BYTES;
	bool all_free = true;
	uint64_t end;

	if (!bytes)
		return true;
	end = (base + min_u64(bytes - 1, UINT64_MAX - base)) / PAGE_BYTES + 1;
	for (unsigned r = 0; r < pool->ranges_n; r++) {
		const struct pool_range *range = &pool->ranges[r];
		uint64_t from = max_u64(first, range->first), to = min_u64(end, range->first + range->n);

		for (uint64_t page = from; page < to; page++) {
			uint64_t i = range->bit + (page - range->first);

			if (!bit_get(pool, i)) {
				bit_set(pool, i, true);
				pool->free_n--;
			} else {
				all_free = false;
			}
		}
	}
	return all_free;
}

/* The first page at or after from where n free pages begin at a multiple of align pages; range->n if none. */
static uint64_t find_run(const struct page_pool *pool, const struct pool_range *range, uint64_t n, uint64_t align)
{
	uint64_t page = align_up(range->first + range->low, align) - range->first;

	while (page < range->n && n <= range->n - page) {
		uint64_t len = 0;

		while (len < n && !bit_get(pool, range->bit + page + len))
			len++;
		if (len == n)
			return page;
		page = align_up(range->first + page + len + 1, align) - range->first;
	}
	return range->n;
}

void pool_limit(struct page_pool *pool, uint64_t n)
{
	pool->left = n;
}

enum status pool_alloc(struct page_pool *pool, uint64_t bytes, uint64_t align, uint64_t *pa)
{
	uint64_t n = align_up(bytes, PAGE_BYTES) / PAGE_BYTES;
	uint64_t align_pages = max_u64(align, PAGE_BYTES) / PAGE_BYTES;

	if (!bytes || bytes > POOL_PAGES_MAX * PAGE_BYTES || (align_pages & (align_pages - 1)))
		return ERR_INVALID;
	if (!pool->left)
		return ERR_NO_MEMORY;
	for (unsigned r = 0; r < pool->ranges_n; r++) {
		struct pool_range *range = &pool->ranges[r];
		uint64_t page = find_run(pool, range, n, align_pages);

		if (page == range->n)
			continue;
		for (uint64_t i = 0; i < n; i++)
			bit_set(pool, range->bit + page + i, true);
		if (n == 1 && align_pages == 1) /* then it was the first free one */
			range->low = page + 1;
		pool->free_n -= n;
		pool->left -= pool->left != UINT64_MAX;
		*pa = (range->first + page) * PAGE_BYTES;
		return OK;
	}
	return ERR_NO_MEMORY;
}

/* Which range holds all of it; ranges_n: none does. */
static unsigned range_of(const struct page_pool *pool, uint64_t pa, uint64_t bytes)
{
	for (unsigned r = 0; r < pool->ranges_n; r++) {
		const struct pool_range *range = &pool->ranges[r];
		uint64_t base = range->first * PAGE_BYTES, len = range->n * PAGE_BYTES;

		if (pa >= base && pa - base < len && bytes <= len - (pa - base))
			return r;
	}
	return pool->ranges_n;
}

void pool_free(struct page_pool *pool, uint64_t pa, uint64_t bytes)
{
	unsigned r = range_of(pool, pa, bytes);
	uint64_t n = align_up(bytes, PAGE_BYTES) / PAGE_BYTES;
	struct pool_range *range = &pool->ranges[r];

	ASSERT(r < pool->ranges_n && is_aligned(pa, PAGE_BYTES));
	for (uint64_t i = 0; i < n; i++) {
		uint64_t bit = range->bit + (pa / PAGE_BYTES - range->first) + i;

		ASSERT(bit_get(pool, bit));
		bit_set(pool, bit, false);
	}
	pool->free_n += n;
	range->low = min_u64(range->low, pa / PAGE_BYTES - range->first);
}

bool pool_holds(const struct page_pool *pool, uint64_t pa, uint64_t bytes)
{
	return range_of(pool, pa, bytes) < pool->ranges_n;
}
