/*
 * Unmapping: pages that reach out of the range are split at its ends, then every leaf inside goes.
 */
#include "drivers-iommu/pgtable/internal.h"

/* True where a page lies on both sides of an address. */
static bool straddles(const struct pgt_spot *s, uint64_t at)
{
	return s->e.kind == PGT_LEAF && !is_aligned(at, pow2(s->e.bits));
}

/* How many tables it takes to have a page boundary at an address. */
static uint64_t split_tables(const struct pgt *pt, uint64_t at)
{
	struct pgt_spot s = pgt_descend(pt, at, 1); /* at the end of the width: some page, but none straddles it */
	uint64_t n = 0;

	if (straddles(&s, at))
		for (unsigned level = s.level; level > 1 && !is_aligned(at, level_bytes(level)); level--)
			n++;
	return n;
}

/* A page of several entries becomes one page for each entry: the same translations throughout. */
static void split_group(struct pgt *pt, const struct pgt_spot *s)
{
	unsigned n = (unsigned)(pow2(s->e.bits) / level_bytes(s->level));
	uint64_t *first = s->table + align_down(s->index, n);

	for (unsigned i = 0; i < n; i++)
		pgt_store(pt, first + i, pt->cfg.format->leaf(s->level, level_shift(s->level),
							      pa_add(s->e.pa, i * level_bytes(s->level)), s->e.perm));
}

/* A page of one entry becomes a table of 512 smaller ones: the same translations throughout. */
static void split_entry(struct pgt *pt, const struct pgt_spot *s, uint64_t at)
{
	uint64_t *table = pgt_take(pt);
	unsigned below = s->level - 1;

	for (unsigned i = 0; i < PGT_ENTRIES; i++)
		table[i] = pt->cfg.format->leaf(below, level_shift(below), pa_add(s->e.pa, i * level_bytes(below)),
						s->e.perm);
	pgt_link(pt, s, at, table);
}

/* Splits until a page boundary is at the address. */
static void split_at(struct pgt *pt, uint64_t at)
{
	for (unsigned i = 0; i < 2 * PGT_LEVELS_MAX; i++) { /* each level: at most a group and an entry */
		struct pgt_spot s = pgt_descend(pt, at, 1);

		if (!straddles(&s, at))
			return;
		if (s.e.bits > level_shift(s.level))
			split_group(pt, &s);
		else
			split_entry(pt, &s, at);
	}
}

/* Clears the leaves of one table from a spot to the end of the range; returns how many bytes went. */
static uint64_t clear_run(struct pgt *pt, const struct pgt_spot *s, uint64_t at, uint64_t end)
{
	uint64_t n = min_u64(PGT_ENTRIES - s->index, (end - at) / level_bytes(s->level));
	uint64_t *first = s->table + s->index;
	uint64_t i;

	for (i = 0; i < n; i++) {
		if (pt->cfg.format->decode(s->level, first[i]).kind != PGT_LEAF)
			break;
		__atomic_store_n(first + i, 0, __ATOMIC_RELEASE);
	}
	if (!pt->cfg.snooped)
		cache_write_back(first, i * sizeof(*first));
	return i * level_bytes(s->level);
}

enum status pgt_unmap(struct pgt *pt, iova_t iova, uint64_t bytes, uint64_t *unmapped)
{
	uint64_t at = iova.v, end = iova.v + bytes;
	enum status s;

	*unmapped = 0;
	if (!pgt_range_valid(pt, iova.v, bytes))
		return ERR_INVALID;
	s = pgt_reserve(pt, split_tables(pt, at) + split_tables(pt, end));
	if (s != OK)
		return s;
	split_at(pt, at);
	split_at(pt, end);
	while (at < end) {
		struct pgt_spot spot = pgt_descend(pt, at, 1);

		if (spot.e.kind == PGT_LEAF) {
			uint64_t gone = clear_run(pt, &spot, at, end);

			ASSERT(gone); /* no page reaches out of the range any more */
			*unmapped += gone;
			at += gone;
		} else {
			at = spot_end(&spot, at);
		}
	}
	pgt_unreserve(pt);
	return OK;
}
