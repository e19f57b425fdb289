/*
 * Mapping: the range is checked, the pages for new tables are taken, and only then is anything written.
 */
#include "drivers-iommu/pgtable/internal.h"

/* What is left to map. */
struct work {
	uint64_t iova, pa, left;
	uint64_t sizes;          /* bit n: pages of 2^n may be used */
	unsigned perm;
};

/* n entries, one behind the other in one table, that hold pages of 2^bits. */
struct run {
	unsigned bits, level;
	uint64_t entries;
	struct pgt_spot spot;    /* of the first one, or where the walk to it ended above */
};

/* True where any page of the range is mapped. */
static bool any_mapped(const struct pgt *pt, uint64_t iova, uint64_t bytes)
{
	uint64_t end = iova + bytes;

	while (iova < end) {
		struct pgt_spot s = pgt_descend(pt, iova, 1);

		if (s.e.kind == PGT_LEAF)
			return true;
		iova = spot_end(&s, iova);
	}
	return false;
}

/* How many entries from the spot on, at most n, are absent; the table may not exist yet. */
static uint64_t absent_run(const struct pgt *pt, const struct run *r, unsigned index, uint64_t n)
{
	uint64_t i = 0;

	if (r->spot.level != r->level)
		return n;
	while (i < n && pt->cfg.format->decode(r->level, r->spot.table[index + i]).kind == PGT_ABSENT)
		i++;
	return i;
}

/*
 * As many pages of one size as go into one table before a larger size could start. 0: the place holds tables that are
 * empty but may still be known to the unit, so that only smaller pages can go there.
 */
static uint64_t run_entries(const struct pgt *pt, const struct work *w, const struct run *r)
{
	unsigned index = (unsigned)(shr(w->iova, level_shift(r->level)) % PGT_ENTRIES);
	uint64_t n = min_u64(PGT_ENTRIES - index, align_down(w->left, pow2(r->bits)) / level_bytes(r->level));
	uint64_t larger = w->sizes & ~BITS(r->bits, 0); /* its lowest bit is the next size, in bytes */

	if (larger)
		n = min_u64(n, (LOWBIT(larger) - w->iova % LOWBIT(larger)) / level_bytes(r->level));
	return align_down(absent_run(pt, r, index, n), pow2(r->bits) / level_bytes(r->level));
}

/* The next run: the largest size that is allowed, aligned, and fits. At level 1 one always does. */
static struct run run_next(const struct pgt *pt, const struct work *w)
{
	for (unsigned bits = 63;; bits--) {
		struct run r = { .bits = bits, .level = level_of_page(bits) };

		if (!(w->sizes & pow2(bits)) || r.level > pt->cfg.levels || w->left < pow2(bits) ||
		    !is_aligned(w->iova | w->pa, pow2(bits)))
			continue;
		r.spot = pgt_descend(pt, w->iova, r.level);
		r.entries = run_entries(pt, w, &r);
		if (r.entries)
			return r;
		ASSERT(bits > 12);
	}
}

static void work_advance(struct work *w, const struct run *r)
{
	uint64_t bytes = r->entries * level_bytes(r->level);

	w->iova += bytes;
	w->pa += bytes;
	w->left -= bytes;
}

/* How many tables the whole range needs that do not exist. w is a copy. */
static uint64_t tables_needed(const struct pgt *pt, struct work w)
{
	uint64_t counted[PGT_LEVELS_MAX + 1]; /* region of the last table of each level that was counted */
	uint64_t n = 0;

	for (unsigned i = 0; i <= PGT_LEVELS_MAX; i++)
		counted[i] = UINT64_MAX;
	while (w.left) {
		struct run r = run_next(pt, &w);

		for (unsigned level = r.level; level < r.spot.level; level++) {
			uint64_t region = shr(w.iova, level_shift(level + 1));

			n += counted[level] != region;
			counted[level] = region;
		}
		work_advance(&w, &r);
	}
	return n;
}

/* Links new tables from where the walk ended down to the level of the run. */
static struct pgt_spot tables_make(struct pgt *pt, uint64_t iova, unsigned level)
{
	struct pgt_spot s = pgt_descend(pt, iova, level);

	while (s.level > level) {
		pgt_link(pt, &s, iova, pgt_take(pt));
		s = pgt_descend(pt, iova, level);
	}
	return s;
}

static void run_write(struct pgt *pt, const struct work *w, const struct run *r)
{
	struct pgt_spot s = tables_make(pt, w->iova, r->level);
	uint64_t *first = s.table + s.index;

	for (uint64_t i = 0; i < r->entries; i++) {
		pa_t page = PA(align_down(w->pa + i * level_bytes(r->level), pow2(r->bits)));

		__atomic_store_n(first + i, pt->cfg.format->leaf(r->level, r->bits, page, w->perm), __ATOMIC_RELEASE);
	}
	if (!pt->cfg.snooped)
		cache_write_back(first, r->entries * sizeof(*first));
}

static enum status check(const struct pgt *pt, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm)
{
	uint64_t limit = pow2(pt->cfg.pa_bits);

	if (!pgt_range_valid(pt, iova.v, bytes) || !is_aligned(pa.v, PAGE_BYTES) || pa.v >= limit ||
	    bytes > limit - pa.v)
		return ERR_INVALID;
	if (!perm || (perm & ~(unsigned)PERM_RW))
		return ERR_INVALID;
	if (perm == PERM_W && !pt->cfg.format->write_only)
		return ERR_UNSUPPORTED;
	return any_mapped(pt, iova.v, bytes) ? ERR_EXISTS : OK;
}

enum status pgt_map(struct pgt *pt, iova_t iova, pa_t pa, uint64_t bytes, unsigned perm, unsigned max_page_bits)
{
	struct work w = { .iova = iova.v, .pa = pa.v, .left = bytes, .sizes = pt->cfg.page_sizes, .perm = perm };
	enum status s;

	if (max_page_bits && (max_page_bits < 12 || max_page_bits > 63))
		return ERR_INVALID;
	if (max_page_bits)
		w.sizes &= BITS(max_page_bits, 0);
	s = check(pt, iova, pa, bytes, perm);
	if (s != OK)
		return s;
	s = pgt_reserve(pt, tables_needed(pt, w));
	if (s != OK)
		return s;
	while (w.left) {
		struct run r = run_next(pt, &w);

		run_write(pt, &w, &r);
		work_advance(&w, &r);
	}
	pgt_unreserve(pt);
	return OK;
}
