/*
 * Host (v1) page tables: modes, level skipping, every page size (AMD IOMMU 2.2.3; fact sheet 3.2, and steps 9 to 11 of
 * 4.2 with 4.3).
 */
#include "model/amdvi/internal.h"

/* One walk in progress. */
struct host_walk {
	struct mdl_amd_walk *w;
	uint64_t address;
	unsigned need;
	unsigned level;      /* of the table at hand */
	uint64_t table;
	uint16_t flags;      /* permissions so far, and LEAF_A while every entry has it */
	bool set_a, set_d;
};

/* Lowest address bit that an entry of this level translates: 12, 21, 30, ... */
static inline unsigned low_bit(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static inline bool permitted(unsigned need, unsigned flags)
{
	return ((need & NEED_R) == 0 || (flags & LEAF_IR) != 0) && ((need & NEED_W) == 0 || (flags & LEAF_IW) != 0);
}

/* Fetches of this device's tables leave the processor's caches aside with SD=1. */
static bool fetch(const struct host_walk *h, uint64_t pa, uint64_t *q)
{
	return mdl_fetch(h->w->mem, (h->w->dte[1] & DTE1_SD) == 0, pa, q, 1);
}

static bool dirties(const struct host_walk *h, unsigned flags)
{
	bool write = (h->need & NEED_W) != 0 || ((h->need & NEED_ANY) != 0 && mdl_amd_wants_write(h->w));

	return h->set_d && write && (flags & LEAF_IW) != 0;
}

/* True: *leaf and *fault are the answer of the cache. */
static bool hit(const struct host_walk *h, struct mdl_amd_leaf *leaf, uint8_t *fault)
{
	const struct mdl_key key = { .kind = K_HOST_LEAF, .did = h->w->domain };
	const struct mdl_cached *e;

	if (h->w->cache == NULL)
		return false;
	e = mdl_cache_cover(&h->w->cache->iotlb, key, h->address);
	if (e == NULL)
		return false;
	if (e->fault != FR_NONE) {
		/* What is above the bad entry was judged first. */
		*fault = permitted(h->need, e->flags) ? e->fault : FR_PT_PERMISSION;
		return true;
	}
	/* What was kept without its A or D bit set does not serve a request that has to set it. */
	if ((h->set_a && (e->flags & LEAF_A) == 0) || (dirties(h, e->flags) && (e->flags & LEAF_D) == 0))
		return false;
	*leaf = (struct mdl_amd_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits };
	*fault = permitted(h->need, e->flags) ? FR_NONE : FR_PT_PERMISSION;
	return true;
}

/* The lowest kept table on the way to the address, or the root. */
static void start(struct host_walk *h)
{
	struct mdl_key key = { .kind = K_HOST_TABLE, .did = h->w->domain };
	unsigned top = h->level;

	for (unsigned level = 1; h->w->cache != NULL && h->w->cache->paging.n != 0 && level < top; level++) {
		const struct mdl_cached *e;

		key.bits = (uint8_t)(12 + 9 * level);
		key.address = align_down(h->address, pow2(key.bits));
		e = mdl_cache_find(&h->w->cache->paging, &key);
		if (e != NULL && (!h->set_a || (e->flags & LEAF_A) != 0)) {
			h->level = level;
			h->table = e->w[0];
			h->flags = e->flags;
			return;
		}
	}
}

static void keep(const struct host_walk *h, uint8_t kind, unsigned bits, uint64_t value, unsigned flags)
{
	const struct mdl_key key = { .kind = kind, .did = h->w->domain, .bits = (uint8_t)bits,
				     .address = align_down(h->address, pow2(bits)) };
	struct mdl_cached *e = mdl_amd_fill(h->w, &key);

	if (e != NULL) {
		e->w[0] = value;
		e->flags = (uint16_t)flags;
	}
}

/* NpCache=1: the page as an error. */
static uint8_t keep_fault(const struct host_walk *h, uint8_t fault)
{
	const struct mdl_key key = { .kind = K_HOST_LEAF, .did = h->w->domain, .bits = 12,
				     .address = align_down(h->address, PAGE_BYTES) };
	struct mdl_cached *e;

	if ((h->w->st->cfg->header & CAPH_NP_CACHE) == 0)
		return fault;
	e = mdl_amd_fill(h->w, &key);
	if (e != NULL) {
		e->fault = fault;
		e->flags = h->flags;
	}
	return fault;
}

/* Step c. */
static bool level_legal(unsigned level, unsigned next)
{
	if (next == 0 || next == 7)
		return level != 6;
	return next < level;
}

/* Steps b to e of one entry. */
static uint8_t check(struct host_walk *h, uint64_t q)
{
	unsigned next = (unsigned)fld_get(PT_NEXT, q);
	bool leaf = next == 0 || next == 7;

	if ((q & PT_PR) == 0)
		return keep_fault(h, FR_PT_ABSENT);
	if (!level_legal(h->level, next))
		return keep_fault(h, FR_PT_LEVEL);
	if ((q & (leaf ? PT_LEAF_RSVD : PT_TABLE_RSVD)) != 0)
		return keep_fault(h, FR_PT_RESERVED);
	h->flags &= (uint16_t)~(((q & PT_IR) == 0 ? LEAF_IR : 0) | ((q & PT_IW) == 0 ? LEAF_IW : 0));
	if (!h->set_a && (q & PT_A) == 0)
		h->flags &= (uint16_t)~LEAF_A;
	return permitted(h->need, h->flags) ? FR_NONE : FR_PT_PERMISSION;
}

/* Step g: log2 of the size that the lowest 0 bit of 51:12 encodes; 0: not legal at this level. */
static unsigned coded_size(const struct host_walk *h, uint64_t q)
{
	unsigned bits = 12, least = low_bit(h->level), limit = h->level == 5 ? 52 : low_bit(h->level + 1);

	while (bits < 52 && (q & pow2(bits)) != 0)
		bits++;
	bits++;
	if (bits >= limit || bits < least || (bits == least && !h->w->st->cfg->choices.u36_default_legal))
		return 0;
	return bits;
}

/* Steps f and g. */
static uint8_t finish(struct host_walk *h, uint64_t pa, uint64_t q, struct mdl_amd_leaf *leaf)
{
	unsigned bits = fld_get(PT_NEXT, q) == 0 ? low_bit(h->level) : coded_size(h, q);
	bool dirty = dirties(h, h->flags);
	uint64_t set = (h->set_a ? PT_A : 0) | (dirty ? PT_D : 0);

	if (bits == 0)
		return keep_fault(h, FR_PT_SIZE);
	if ((q & set) != set)
		mdl_amd_update(h->w, pa, q, set & ~q);
	if ((q & PT_D) != 0 || dirty)
		h->flags |= LEAF_D;
	h->flags |= (uint16_t)(((q & PT_U) != 0 ? LEAF_U : 0) | ((q & PT_FC) != 0 ? LEAF_FC : 0));
	*leaf = (struct mdl_amd_leaf){
		.base = align_down(q & PT_ADDR, pow2(bits)), .flags = h->flags, .bits = (uint8_t)bits };
	keep(h, K_HOST_LEAF, bits, leaf->base, h->flags);
	return FR_NONE;
}

/* Steps h and i. */
static uint8_t descend(struct host_walk *h, uint64_t pa, uint64_t q)
{
	unsigned next = (unsigned)fld_get(PT_NEXT, q);
	uint64_t skipped = pow2(low_bit(h->level)) - pow2(low_bit(next + 1));

	if ((h->address & skipped) != 0)
		return keep_fault(h, h->w->st->cfg->choices.u34_skip_absent ? FR_PT_SKIP_ABSENT : FR_PT_SKIP);
	if (h->set_a && (q & PT_A) == 0)
		mdl_amd_update(h->w, pa, q, PT_A);
	h->table = q & PT_ADDR;
	h->level = next;
	keep(h, K_HOST_TABLE, low_bit(next + 1), h->table, h->flags);
	return FR_NONE;
}

static uint8_t walk(struct host_walk *h, struct mdl_amd_leaf *leaf)
{
	/* A table that was kept brings the permissions of what is above it. */
	if (!permitted(h->need, h->flags))
		return FR_PT_PERMISSION;
	for (unsigned steps = 0; steps < 6; steps++) {
		uint64_t pa = h->table + 8 * (shr(h->address, low_bit(h->level)) % 512);
		uint8_t fault;
		uint64_t q;

		if (!fetch(h, pa, &q)) {
			h->w->fault_pa = pa;
			return FR_PT_FETCH;                                  /* a. */
		}
		fault = check(h, q);
		if (fault != FR_NONE)
			return fault;
		if (fld_get(PT_NEXT, q) == 0 || fld_get(PT_NEXT, q) == 7)
			return finish(h, pa, q, leaf);
		fault = descend(h, pa, q);
		if (fault != FR_NONE)
			return fault;
	}
	return FR_PT_LEVEL; /* not reached: the level falls with each step, and at 1 there are only leaves */
}

uint8_t mdl_amd_host(struct mdl_amd_walk *w, uint64_t address, unsigned need, struct mdl_amd_leaf *leaf)
{
	unsigned mode = (unsigned)fld_get(DTE0_MODE, w->dte[0]);
	uint64_t had = fld_get(DTE0_HAD, w->dte[0]);
	struct host_walk h = { .w = w, .address = address, .need = need, .level = mode, .table = w->dte[0] & DTE0_ROOT,
			       .flags = LEAF_HOST_ALL | LEAF_A };
	uint8_t fault;

	if (mode == 0) {                                                     /* 9. */
		*leaf = (struct mdl_amd_leaf){ .base = align_down(address, PAGE_BYTES), .bits = 12,
					       .flags = LEAF_HOST_ALL | LEAF_A | LEAF_D };
		return FR_NONE;
	}
	h.set_a = had != HAD_NONE;
	h.set_d = had == HAD_AD;
	if (!mdl_amd_below(address, mode == 6 ? 64 : low_bit(mode + 1)))
		return w->st->cfg->choices.u34_present ? FR_REACH_PRESENT : FR_REACH; /* 10. */
	if (hit(&h, leaf, &fault))
		return fault;
	start(&h);
	return walk(&h, leaf);                                               /* 11. */
}
