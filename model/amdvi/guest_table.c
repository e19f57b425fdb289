/*
 * Guest translation: GCR3 tables, v2 page tables, and both through the host tables (AMD IOMMU 2.2.6, 2.2.7; fact sheet
 * 3.3, 3.4, 4.4, 4.5).
 */
#include "model/amdvi/internal.h"

struct guest_walk {
	struct mdl_amd_walk *w;
	uint64_t table;      /* GPA */
	unsigned level, levels;
	uint16_t flags;      /* permissions so far */
	bool set_a, set_d;
};

static inline unsigned low_bit(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static uint8_t host_fault(struct mdl_amd_walk *w, uint8_t fault, uint64_t gpa)
{
	w->fault_host = true;
	w->fault_address = gpa;
	return fault;
}

/* 4.5: where a GPA lies. With Mode=0 it is the SPA. */
static uint8_t locate(struct mdl_amd_walk *w, uint64_t gpa, unsigned need, uint64_t *spa)
{
	struct mdl_amd_leaf leaf;
	uint8_t fault = mdl_amd_host(w, gpa, need, &leaf);

	if (fault != FR_NONE)
		return host_fault(w, fault, gpa);
	*spa = leaf.base | (gpa & (pow2(leaf.bits) - 1));
	return FR_NONE;
}

static uint8_t fetch(struct mdl_amd_walk *w, uint64_t gpa, bool is_spa, uint64_t *spa, uint64_t *q)
{
	uint8_t fault = FR_NONE;

	*spa = gpa;
	if (!is_spa)
		fault = locate(w, gpa, NEED_R, spa);
	if (fault != FR_NONE)
		return fault;
	w->fault_pa = *spa;
	return mdl_fetch(w->mem, (w->dte[1] & DTE1_SD) == 0, *spa, q, 1) ? FR_NONE : FR_GT_FETCH;
}

/* 4.4 steps 2 and 3: the root of the PASID's table. */
static uint8_t gcr3(struct mdl_amd_walk *w, uint64_t *root)
{
	const struct mdl_key key = { .kind = K_GCR3, .did = w->domain, .pasid = w->pasid };
	const struct mdl_cached *hit = w->cache == NULL ? NULL : mdl_cache_find(&w->cache->gcr3, &key);
	uint64_t glx = fld_get(DTE0_GLX, w->dte[0]);
	uint64_t table = FLD(BITS(14, 12), fld_get(DTE0_GCR3_LOW, w->dte[0])) |
			 FLD(BITS(30, 15), fld_get(DTE1_GCR3_MIDDLE, w->dte[1])) |
			 FLD(BITS(51, 31), fld_get(DTE1_GCR3_HIGH, w->dte[1]));
	bool is_spa = !mdl_amd_ctl(w->st, CTL_GCR3_GPA);
	struct mdl_cached *e;
	uint64_t spa, q = 0;

	if (w->pasid >= pow2((unsigned)fld_get(EFR_PASMAX, w->st->cfg->efr) + 1) ||
	    !mdl_amd_below(w->pasid, (unsigned)(9 + 9 * glx)))
		return FR_GT_PASID;
	if (hit != NULL) {
		*root = hit->w[0];
		return FR_NONE;
	}
	for (unsigned level = (unsigned)glx + 1; level >= 1; level--) {
		uint64_t index = shr(w->pasid, 9 * (level - 1)) % 512;
		uint8_t fault = fetch(w, table + 8 * index, is_spa, &spa, &q);

		if (fault != FR_NONE)
			return fault;
		if ((q & GCR3_V) == 0)
			return FR_GT_GCR3_ABSENT;
		if ((q & GCR3_RSVD) != 0)
			return FR_GT_GCR3_RESERVED;
		table = q & GCR3_ADDR;
		is_spa = false;
	}
	*root = table;
	e = mdl_amd_fill(w, &key);
	if (e != NULL)
		e->w[0] = table;
	return FR_NONE;
}

static bool canonical(uint64_t address, unsigned levels)
{
	uint64_t high = BITS(63, 0) & ~(pow2(11 + 9 * levels) - 1);

	return (address & high) == 0 || (address & high) == high;
}

/* Step 5: what the permissions in flags allow this request. */
static bool permitted(const struct mdl_amd_walk *w, unsigned flags)
{
	unsigned need = mdl_amd_need(w);

	if (!(w->rq->has_pasid && w->rq->priv) && (flags & LEAF_GU) == 0)
		return false;
	if ((need & NEED_W) != 0 && (flags & LEAF_GW) == 0)
		return false;
	return (need & NEED_X) == 0 || (flags & LEAF_GX) != 0;
}

static bool host_permitted(const struct mdl_amd_walk *w, unsigned flags)
{
	unsigned need = mdl_amd_need(w);

	return ((need & NEED_R) == 0 || (flags & LEAF_IR) != 0) && ((need & NEED_W) == 0 || (flags & LEAF_IW) != 0);
}

static bool dirties(const struct guest_walk *g, unsigned flags)
{
	return g->set_d && mdl_amd_wants_write(g->w) && (flags & LEAF_GW) != 0;
}

static bool hit(const struct guest_walk *g, struct mdl_amd_leaf *leaf, uint8_t *fault)
{
	const struct mdl_amd_walk *w = g->w;
	const struct mdl_key key = { .kind = K_GUEST_LEAF, .did = w->domain, .pasid = w->pasid };
	const struct mdl_cached *e = w->cache == NULL ? NULL : mdl_cache_cover(&w->cache->iotlb, key, w->rq->address);
	uint64_t had = fld_get(DTE0_HAD, w->dte[0]);
	bool nested = (w->dte[0] & DTE0_MODE) != 0;

	if (e == NULL || (dirties(g, e->flags) && (e->flags & LEAF_GD) == 0))
		return false;
	if (nested &&
	    ((had != HAD_NONE && (e->flags & LEAF_A) == 0) ||
	     (had == HAD_AD && mdl_amd_wants_write(w) && (e->flags & LEAF_IW) != 0 && (e->flags & LEAF_D) == 0)))
		return false;
	*leaf = (struct mdl_amd_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits };
	*fault = permitted(w, e->flags) ? FR_NONE : FR_GT_PERMISSION;
	if (*fault == FR_NONE && !host_permitted(w, e->flags))
		*fault = host_fault(g->w, FR_PT_PERMISSION, e->w[1] | (w->rq->address & (pow2(e->key.bits) - 1)));
	return true;
}

static void start(struct guest_walk *g)
{
	struct mdl_key key = { .kind = K_GUEST_TABLE, .did = g->w->domain, .pasid = g->w->pasid };

	for (unsigned level = 1; g->w->cache != NULL && level < g->levels; level++) {
		const struct mdl_cached *e;

		key.bits = (uint8_t)(12 + 9 * level);
		key.address = align_down(g->w->rq->address, pow2(key.bits));
		e = mdl_cache_find(&g->w->cache->paging, &key);
		if (e != NULL) {
			g->level = level;
			g->table = e->w[0];
			g->flags = e->flags;
			return;
		}
	}
}

static uint64_t reserved_bits(const struct guest_walk *g, bool leaf)
{
	uint64_t r = mdl_amd_efr(g->w->st, EFR_NX) ? 0 : GT_NX;

	if (g->level >= 4)
		r |= GT_PS;
	if (leaf && g->level == 2)
		r |= BITS(20, 13);
	if (leaf && g->level == 3)
		r |= BITS(29, 13);
	return r;
}

/* Steps 6: A on every entry used, D on the leaf; under nesting the host must allow the write. */
static uint8_t touch(struct guest_walk *g, uint64_t gpa, uint64_t spa, uint64_t q, bool dirty)
{
	uint64_t set = (g->set_a ? GT_A : 0) | (dirty ? GT_D : 0);
	uint64_t again;
	uint8_t fault;

	if ((q & set) == set)
		return FR_NONE;
	fault = locate(g->w, gpa, NEED_R | NEED_W, &again);
	if (fault == FR_NONE)
		mdl_amd_update(g->w, spa, q, set & ~q);
	return fault;
}

/* Step 7: the leaf of the guest, then that of the host. */
static uint8_t finish(struct guest_walk *g, uint64_t q, struct mdl_amd_leaf *leaf)
{
	struct mdl_amd_walk *w = g->w;
	unsigned bits = low_bit(g->level);
	uint64_t page = align_down(q & GT_ADDR, pow2(bits));
	uint64_t gpa = page | (w->rq->address & (pow2(bits) - 1));
	struct mdl_amd_leaf host;
	uint8_t fault = mdl_amd_host(w, gpa, mdl_amd_need(w) & ~(unsigned)NEED_X, &host);
	struct mdl_key key = { .kind = K_GUEST_LEAF, .did = w->domain, .pasid = w->pasid };
	struct mdl_cached *e;

	if (fault != FR_NONE)
		return host_fault(w, fault, gpa);
	if (fld_get(DTE0_MODE, w->dte[0]) == 0)
		host.bits = (uint8_t)bits;
	leaf->bits = (uint8_t)min_u64(bits, host.bits);
	leaf->base = align_down(host.base | (gpa & (pow2(host.bits) - 1)), pow2(leaf->bits));
	leaf->flags = (uint16_t)(g->flags | host.flags | ((q & GT_G) != 0 ? LEAF_GG : 0) |
				 (!g->set_d || (q & GT_D) != 0 || dirties(g, g->flags) ? LEAF_GD : 0));
	key.bits = leaf->bits;
	key.address = align_down(w->rq->address, pow2(leaf->bits));
	e = mdl_amd_fill(w, &key);
	if (e != NULL) {
		e->w[0] = leaf->base;
		e->w[1] = align_down(gpa, pow2(leaf->bits));
		e->flags = leaf->flags;
	}
	return FR_NONE;
}

static void keep_table(struct guest_walk *g)
{
	struct mdl_key key = { .kind = K_GUEST_TABLE, .did = g->w->domain, .pasid = g->w->pasid,
			       .bits = (uint8_t)low_bit(g->level + 1) };
	struct mdl_cached *e;

	key.address = align_down(g->w->rq->address, pow2(key.bits));
	e = mdl_amd_fill(g->w, &key);
	if (e != NULL) {
		e->w[0] = g->table;
		e->flags = g->flags;
	}
}

/* One entry. *done: it was the leaf. */
static uint8_t step(struct guest_walk *g, struct mdl_amd_leaf *leaf, bool *done)
{
	uint64_t gpa = g->table + 8 * (shr(g->w->rq->address, low_bit(g->level)) % 512), spa, q;
	uint8_t fault = fetch(g->w, gpa, false, &spa, &q);

	if (fault != FR_NONE)
		return fault;
	*done = g->level == 1 || ((q & GT_PS) != 0 && g->level <= 3);
	if ((q & GT_P) == 0)
		return FR_GT_ABSENT;
	if ((q & reserved_bits(g, *done)) != 0)
		return FR_GT_RESERVED;
	g->flags &= (uint16_t)~(((q & GT_W) == 0 ? LEAF_GW : 0) | ((q & GT_U) == 0 ? LEAF_GU : 0) |
				((q & GT_NX) != 0 ? LEAF_GX : 0));
	if (*done && !permitted(g->w, g->flags))
		return FR_GT_PERMISSION;
	fault = touch(g, gpa, spa, q, *done && dirties(g, g->flags));
	if (fault != FR_NONE || *done)
		return fault != FR_NONE ? fault : finish(g, q, leaf);
	g->table = q & GT_ADDR;
	g->level--;
	keep_table(g);
	return FR_NONE;
}

uint8_t mdl_amd_guest(struct mdl_amd_walk *w, struct mdl_amd_leaf *leaf)
{
	uint64_t paging = fld_get(DTE2_GUEST_MODE, w->dte[2]);
	struct guest_walk g = { .w = w, .flags = LEAF_GUEST_ALL };
	bool done = false;
	uint8_t fault;

	if (4 + paging > w->st->d.guest_levels || paging > 1)                /* U-16 */
		return w->st->cfg->choices.u32_page_fault ? FR_DTE_ENCODING_PAGE : FR_DTE_ENCODING;
	g.level = g.levels = (unsigned)(4 + paging);
	g.set_a = !mdl_amd_ctl(w->st, CTL_GA_DISABLE);
	g.set_d = !mdl_amd_ctl(w->st, CTL_GD_DISABLE);
	fault = gcr3(w, &g.table);                                           /* 2. and 3. */
	if (fault == FR_NONE && !canonical(w->rq->address, g.levels))
		fault = FR_GT_CANONICAL;                                     /* 4. */
	if (fault != FR_NONE || hit(&g, leaf, &fault))
		return fault;
	start(&g);
	while (fault == FR_NONE && !done)
		fault = step(&g, leaf, &done);                               /* 5. to 7. */
	return fault;
}
