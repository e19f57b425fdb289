/*
 * The page-table engine: trees, walks, pages for tables.
 */
#include "drivers-iommu/pgtable/internal.h"

static uint64_t *table_ptr(pa_t pa)
{
	uint64_t *p = mem_ptr(pa, PAGE_BYTES);

	ASSERT(p); /* only we write tables */
	return p;
}

static uint64_t load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED); /* the unit sets accessed and dirty bits */
}

void pgt_store(const struct pgt *pt, uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	if (!pt->cfg.snooped)
		cache_write_back(entry, sizeof(*entry));
}

/* Lists of pages are linked by their first quadword: page-aligned addresses, which read as absent entries. */
static void list_push(pa_t *head, pa_t page)
{
	__atomic_store_n(table_ptr(page), head->v, __ATOMIC_RELAXED);
	*head = page;
}

static pa_t list_pop(pa_t *head)
{
	pa_t page = *head;

	*head = PA(*table_ptr(page));
	return page;
}

static void list_free(pa_t *head)
{
	while (head->v)
		mem_free(list_pop(head), PAGE_BYTES);
}

enum status pgt_reserve(struct pgt *pt, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		pa_t page;
		enum status s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &page);

		if (s != OK) {
			pgt_unreserve(pt);
			return s;
		}
		list_push(&pt->reserve, page);
	}
	return OK;
}

uint64_t *pgt_take(struct pgt *pt)
{
	uint64_t *table;

	ASSERT(pt->reserve.v);
	table = table_ptr(list_pop(&pt->reserve));
	table[0] = 0;
	return table;
}

void pgt_unreserve(struct pgt *pt)
{
	list_free(&pt->reserve);
}

static void nonleaf_changed(struct pgt *pt, uint64_t lo, uint64_t hi)
{
	bool none = pt->nonleaf_lo == pt->nonleaf_hi;

	pt->nonleaf_lo = none ? lo : min_u64(pt->nonleaf_lo, lo);
	pt->nonleaf_hi = none ? hi : max_u64(pt->nonleaf_hi, hi);
}

void pgt_link(struct pgt *pt, const struct pgt_spot *s, uint64_t iova, uint64_t *table)
{
	if (!pt->cfg.snooped)
		cache_write_back(table, PAGE_BYTES);
	pgt_store(pt, s->table + s->index, pt->cfg.format->table(s->level, mem_pa(table)));
	if (s->e.kind != PGT_ABSENT || pt->cfg.caches_absent)
		nonleaf_changed(pt, align_down(iova, level_bytes(s->level)), spot_end(s, iova));
	pt->tables_n++;
}

struct pgt_spot pgt_descend(const struct pgt *pt, uint64_t iova, unsigned stop)
{
	struct pgt_spot s = { .table = table_ptr(pt->root), .level = pt->cfg.levels, .perm = PERM_RW };

	for (;;) {
		s.index = (unsigned)(shr(iova, level_shift(s.level)) % PGT_ENTRIES);
		s.e = pt->cfg.format->decode(s.level, load(s.table + s.index));
		s.perm &= s.e.perm;
		if (s.e.kind != PGT_TABLE || s.level <= stop)
			return s;
		ASSERT(s.e.next_level < s.level); /* so the walk ends */
		s.table = table_ptr(s.e.pa);
		s.level = s.e.next_level;
	}
}

bool pgt_range_valid(const struct pgt *pt, uint64_t iova, uint64_t bytes)
{
	uint64_t limit = pow2(pt->cfg.input_bits);

	return bytes && is_aligned(iova | bytes, PAGE_BYTES) && iova < limit && bytes <= limit - iova;
}

static bool config_valid(const struct pgt_config *c)
{
	return c->levels >= c->format->levels_min && c->levels <= c->format->levels_max &&
	       c->levels <= PGT_LEVELS_MAX && c->input_bits > 12 &&
	       c->input_bits <= level_shift(c->levels) + INDEX_BITS && c->input_bits < 64 && c->pa_bits > 12 &&
	       c->pa_bits <= 52 && (c->page_sizes & BIT(12));
}

enum status pgt_create(struct pgt *pt, const struct pgt_config *cfg)
{
	enum status s;

	if (!config_valid(cfg))
		return ERR_INVALID;
	*pt = (struct pgt){ .cfg = *cfg };
	s = mem_alloc(PAGE_BYTES, PAGE_BYTES, &pt->root);
	if (s != OK)
		return s;
	if (!cfg->snooped)
		cache_write_back(table_ptr(pt->root), PAGE_BYTES);
	pt->tables_n = 1;
	return OK;
}

/* Depth first, with the way back on a stack of our own. */
void pgt_destroy(struct pgt *pt)
{
	struct { pa_t pa; unsigned level, index; } way[PGT_LEVELS_MAX];
	unsigned depth = 0;

	way[0].pa = pt->root;
	way[0].level = pt->cfg.levels;
	way[0].index = 0;
	for (;;) {
		struct pgt_entry e;

		if (way[depth].index == PGT_ENTRIES) {
			mem_free(way[depth].pa, PAGE_BYTES);
			if (depth-- == 0)
				break;
			continue;
		}
		e = pt->cfg.format->decode(way[depth].level, load(table_ptr(way[depth].pa) + way[depth].index++));
		if (e.kind != PGT_TABLE)
			continue;
		ASSERT(e.next_level < way[depth].level);
		depth++;
		way[depth].pa = e.pa;
		way[depth].level = e.next_level;
		way[depth].index = 0;
	}
	pgt_reclaim(pt);
	*pt = (struct pgt){ .cfg = pt->cfg };
}

enum status pgt_lookup(const struct pgt *pt, iova_t iova, pa_t *pa, unsigned *perm, unsigned *bits)
{
	struct pgt_spot s;

	if (iova.v >= pow2(pt->cfg.input_bits))
		return ERR_NOT_FOUND;
	s = pgt_descend(pt, iova.v, 1);
	if (s.e.kind != PGT_LEAF)
		return ERR_NOT_FOUND;
	*pa = pa_add(s.e.pa, iova.v % pow2(s.e.bits));
	*perm = s.perm;
	if (bits)
		*bits = s.e.bits;
	return OK;
}

void pgt_reclaim(struct pgt *pt)
{
	list_free(&pt->retired);
}

static bool table_empty(const uint64_t *table)
{
	for (unsigned i = 0; i < PGT_ENTRIES; i++)
		if (load(table + i))
			return false;
	return true;
}

/* Unlinks the empty tables of one level that the range touches; true where there was one. */
static bool prune_level(struct pgt *pt, uint64_t iova, uint64_t end, unsigned level)
{
	bool pruned = false;

	while (iova < end) {
		struct pgt_spot s = pgt_descend(pt, iova, level + 1);

		if (s.e.kind == PGT_TABLE && s.e.next_level == level && table_empty(table_ptr(s.e.pa))) {
			pgt_store(pt, s.table + s.index, 0);
			list_push(&pt->retired, s.e.pa);
			pt->tables_n--;
			pruned = true;
		}
		iova = spot_end(&s, iova);
	}
	return pruned;
}

bool pgt_prune(struct pgt *pt, iova_t iova, uint64_t bytes)
{
	uint64_t end = iova.v + bytes;
	bool leaf_only = true;

	if (!pgt_range_valid(pt, iova.v, bytes))
		return true;
	for (unsigned level = 1; level < pt->cfg.levels; level++)
		if (prune_level(pt, iova.v, end, level))
			leaf_only = false;
	if (pt->nonleaf_hi > iova.v && pt->nonleaf_lo < end)
		leaf_only = false;
	/* Flushing a page below a non-leaf entry flushes that entry, and none covers less than one of level 2 does. */
	if (align_down(iova.v, level_bytes(2)) <= pt->nonleaf_lo && align_up(end, level_bytes(2)) >= pt->nonleaf_hi)
		pt->nonleaf_lo = pt->nonleaf_hi = 0;
	return leaf_only;
}
