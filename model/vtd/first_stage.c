/*
 * First-stage translation (VT-d rev 4.1, 3.6, 9.7): PGTT=001, and the first stage of PGTT=011. Pass-through (PGTT=100),
 * which shares its place in the caches, is here, too.
 */
#include "model/vtd/internal.h"

#define LEVELS_MAX 5

struct fs_entry {
	uint64_t gpa, pa, old, set;
};

/* One walk in progress. */
struct fs_walk {
	struct mdl_walk *w;
	const struct mdl_ss *ss;   /* NULL: not nested */
	unsigned levels, level;    /* level: of the table at hand */
	uint64_t table;            /* as the first stage names it */
	uint64_t table_pa;         /* of the same, where known (from the cache); else UINT64_MAX */
	uint16_t flags;
	unsigned entries_n;
	struct fs_entry entries[LEVELS_MAX];
	bool unset;                /* one of them lacks a bit that it is to get */
};

static bool pe2(const struct fs_walk *s, uint64_t f)
{
	return (s->w->pe[2] & f) != 0;
}

/* Page walks snoop the caches (PWSNP). */
static bool snooped(const struct fs_walk *s)
{
	return (s->w->pe[1] & PE1_PWSNP) != 0 && mdl_ecap(s->w->st, ECAP_SMPWCS);
}

static bool writable(const struct fs_walk *s, unsigned flags)
{
	/* WPE=0: a supervisor may write where R/W=0. */
	return (flags & LEAF_FW) != 0 || (s->w->priv && !pe2(s, PE2_WPE));
}

static uint8_t permission(const struct fs_walk *s, unsigned flags)
{
	const struct mdl_request *rq = s->w->rq;
	bool write = rq->access == MDL_WRITE || rq->access == MDL_ATOMIC;

	if (!s->w->priv && (flags & LEAF_FU) == 0)
		return FR_SGN_2_USER;                              /* SGN.2 */
	if (rq->has_pasid && rq->exec) {
		bool smep = s->w->priv && (flags & LEAF_FU) != 0 && pe2(s, PE2_SMEP);

		if ((flags & LEAF_FX) == 0 || smep)
			return FR_SGN_3_EXECUTE;                   /* SGN.3 (U-11) */
	}
	if (rq->at != MDL_TRANSLATION && write && !writable(s, flags))
		return FR_SGN_6_WRITE;                             /* SGN.6 */
	return FR_NONE;
}

/* U-23 */
static bool permission_last(const struct fs_walk *s)
{
	return s->w->st->cfg->choices.u23_reserved_first;
}

static bool sets_dirty(const struct fs_walk *s, unsigned flags)
{
	return mdl_wants_write(s->w) && writable(s, flags);
}

/* What the output of the first stage needs of the second one. */
static unsigned second_need(const struct fs_walk *s, unsigned flags)
{
	if (s->w->rq->at == MDL_TRANSLATION && !writable(s, flags))
		return NEED_R;
	return mdl_need(s->w);
}

static uint8_t second_permission(const struct fs_walk *s, unsigned flags)
{
	unsigned need = second_need(s, flags);

	if ((need & NEED_W) != 0 && (flags & LEAF_W) == 0)
		return FR_SGN_6_WRITE;
	if ((need & NEED_R) != 0 && (flags & LEAF_R) == 0)
		return FR_SGN_7_READ;
	if ((need & NEED_X) != 0 && (flags & LEAF_X) == 0)
		return FR_SGN_3_EXECUTE;
	return FR_NONE;
}

/* IOTLB (6.2.5): tagged by DID, PASID and address. True: *fault and *leaf are the answer. */
static bool iotlb_hit(const struct fs_walk *s, struct mdl_leaf *leaf, uint8_t *fault)
{
	struct mdl_key key = { .kind = K_FS_LEAF, .did = s->w->did, .pasid = s->w->pasid };
	const struct mdl_cached *e;

	if (s->w->cache == NULL || s->w->cache->iotlb.n == 0)
		return false;
	e = mdl_cache_cover(&s->w->cache->iotlb, key, s->w->rq->address);
	if (e == NULL) {
		/* A translation of the time when this PASID entry said pass-through. */
		key.kind = K_PASS;
		e = mdl_cache_cover(&s->w->cache->iotlb, key, s->w->rq->address);
		if (e == NULL || e->sid != s->w->rq->sid)
			return false;
	}
	*fault = e->fault;
	if (e->fault != FR_NONE)
		return true;
	/* A translation cached while clean does not serve a write: the walk must set D. */
	if ((e->flags & (LEAF_FD | LEAF_SD)) != (LEAF_FD | LEAF_SD) && sets_dirty(s, e->flags))
		return false;
	*leaf = (struct mdl_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits, .attr = e->attr };
	*fault = permission(s, e->flags);
	if (*fault == FR_NONE)
		*fault = second_permission(s, e->flags);
	return true;
}

static bool canonical(uint64_t address, unsigned levels)
{
	uint64_t upper = address & BITS(63, levels == 5 ? 56 : 47);

	return upper == 0 || upper == BITS(63, levels == 5 ? 56 : 47);
}

/* The lowest cached table on the way, or FSPTPTR (6.2.4). */
static void start(struct fs_walk *s)
{
	struct mdl_key key = { .kind = K_FS_TABLE, .did = s->w->did, .pasid = s->w->pasid };
	const struct mdl_cached *e;

	s->level = s->levels;
	s->table = s->w->pe[2] & s->w->st->d.addr;
	s->table_pa = UINT64_MAX;
	s->flags = LEAF_FS_ALL;
	if (s->w->cache == NULL || s->w->cache->paging.n == 0)
		return;
	for (unsigned level = 1; level < s->levels; level++) {
		key.bits = (uint8_t)(12 + 9 * level);
		key.address = align_down(s->w->rq->address, pow2(key.bits));
		e = mdl_cache_find(&s->w->cache->paging, &key);
		if (e != NULL) {
			s->level = level;
			s->table = e->w[0];
			s->table_pa = e->w[1];
			s->flags = e->flags;
			return;
		}
	}
}

static void keep_table(const struct fs_walk *s)
{
	struct mdl_key key = { .kind = K_FS_TABLE, .did = s->w->did, .pasid = s->w->pasid };
	struct mdl_cached *e;

	if (s->level == s->levels)
		return;
	key.bits = (uint8_t)(12 + 9 * s->level);
	key.address = align_down(s->w->rq->address, pow2(key.bits));
	e = mdl_fill_add(s->w, &key);
	if (e != NULL) {
		e->w[0] = s->table;
		e->w[1] = s->table_pa;
		e->flags = s->flags;
	}
}

static void keep_leaf(struct mdl_walk *w, uint8_t kind, const struct mdl_leaf *leaf)
{
	struct mdl_key key = { .kind = kind, .did = w->did, .pasid = w->pasid, .bits = leaf->bits };
	struct mdl_cached *e;

	key.address = align_down(w->rq->address, pow2(leaf->bits));
	e = mdl_fill_add(w, &key);
	if (e != NULL) {
		e->w[0] = leaf->base;
		e->flags = leaf->flags;
		e->attr = leaf->attr;
	}
}

static uint8_t error(const struct fs_walk *s, uint8_t fault)
{
	struct mdl_key key = { .kind = K_FS_LEAF, .did = s->w->did, .pasid = s->w->pasid, .bits = 12 };

	key.address = align_down(s->w->rq->address, PAGE_BYTES);
	mdl_fill_fault(s->w, &key, fault);
	return fault;
}

static bool is_leaf(unsigned level, uint64_t q)
{
	return level == 1 || ((level == 2 || level == 3) && (q & FS_PS) != 0);
}

/* Fetches the entry of the table at hand: *pa is where it is, *gpa what the first stage calls it. */
static uint8_t fetch(struct fs_walk *s, struct fs_entry *at)
{
	uint64_t index = fld_get(BITS(8, 0), shr(s->w->rq->address, 12 + 9 * (s->level - 1)));
	bool top = s->level == s->levels;
	uint8_t fault;

	if (s->table_pa == UINT64_MAX) {
		s->table_pa = s->table;
		if (s->ss != NULL) {
			fault = mdl_nested_table(s->w, s->ss, s->table, top, &s->table_pa);
			if (fault != FR_NONE)
				return fault;
		}
		keep_table(s);
	}
	at->gpa = s->table + 8 * index;
	at->pa = s->table_pa + 8 * index;
	if (!mdl_fetch(s->w->mem, snooped(s), at->pa, &at->old, 1))
		return top ? FR_SFS_4_TOP_FETCH : FR_SFS_1_FETCH;  /* SFS.4, SFS.1 */
	return FR_NONE;
}

static uint8_t check_entry(struct fs_walk *s, uint64_t q)
{
	unsigned own = ((q & FS_RW) != 0 ? LEAF_FW : 0u) | ((q & FS_US) != 0 ? LEAF_FU : 0u);
	bool executable = (q & FS_XD) == 0 || !pe2(s, PE2_NXE) || !mdl_ecap(s->w->st, ECAP_ERS); /* U-11 */
	bool leaf = is_leaf(s->level, q), reserved = (q & s->w->st->d.fs_rsvd[s->level][leaf]) != 0;
	uint8_t fault;

	if ((q & FS_P) == 0)
		return error(s, FR_SFS_2_ABSENT);                  /* SFS.2; reserved bits are not looked at */
	s->flags = (uint16_t)(s->flags & (own | (executable ? LEAF_FX : 0u)));
	/* Whether a page is a user's, which SMEP forbids to supervisors, is known at the leaf alone. */
	fault = permission(s, !leaf && s->w->priv ? s->flags & ~(unsigned)LEAF_FU : s->flags);
	if (reserved && (fault == FR_NONE || permission_last(s)))
		return error(s, FR_SFS_3_RESERVED);                /* SFS.3 */
	return permission_last(s) ? FR_NONE : fault;
}

/* The bits that this access must set in an entry. */
static uint64_t accessed(const struct fs_walk *s, uint64_t q, bool leaf)
{
	uint64_t set = FS_A;

	if (pe2(s, PE2_EAFE) && mdl_ecap(s->w->st, ECAP_EAFS))
		set |= FS_EA;
	if (leaf && sets_dirty(s, s->flags))
		set |= FS_D;
	return set & ~q;
}

/* A/D/EA updates of all entries used, as one step after the permissions. */
static uint8_t updates(struct fs_walk *s)
{
	uint8_t fault;

	for (unsigned i = 0; i < s->entries_n; i++) {
		const struct fs_entry *e = &s->entries[i];

		if (e->set == 0)
			continue;
		if (!snooped(s))
			return FR_SFS_9_NO_SNOOP;                  /* SFS.9 */
		if (s->ss != NULL) {
			fault = mdl_nested_update(s->w, s->ss, e->gpa);
			if (fault != FR_NONE)
				return fault;
		}
		mdl_update_add(s->w->out, e->pa, e->old, e->set, FR_SFS_10_UPDATE); /* SFS.10 */
	}
	return FR_NONE;
}

static void output(const struct fs_walk *s, uint64_t q, struct mdl_leaf *leaf)
{
	unsigned bits = 12 + 9 * (s->level - 1);
	unsigned pat = ((q & FS_PWT) != 0) + 2u * ((q & FS_PCD) != 0) +
		       4u * ((q & (s->level == 1 ? FS_PAT_4K : FS_PAT_LARGE)) != 0);
	unsigned extra = LEAF_SS_ALL | LEAF_SD;

	if (mdl_ecap(s->w->st, ECAP_MTS))
		extra |= LEAF_PAT;
	if ((q & FS_G) != 0)
		extra |= LEAF_G;
	if ((q & FS_D) != 0 || sets_dirty(s, s->flags))
		extra |= LEAF_FD;
	leaf->bits = (uint8_t)bits;
	leaf->base = align_down(q & s->w->st->d.addr, pow2(bits));
	leaf->flags = (uint16_t)(s->flags | extra);
	leaf->attr = (uint8_t)pat;
}

static uint8_t walk(struct fs_walk *s, struct mdl_leaf *leaf)
{
	for (;; s->level--) {
		struct fs_entry *at = &s->entries[s->entries_n];
		uint8_t fault = fetch(s, at);
		bool last;

		if (fault == FR_NONE)
			fault = check_entry(s, at->old);
		if (fault != FR_NONE)
			return fault;
		last = is_leaf(s->level, at->old);
		at->set = accessed(s, at->old, last);
		s->unset = s->unset || at->set != 0;
		s->entries_n++;
		if (last) {
			output(s, at->old, leaf);
			return permission(s, s->flags);
		}
		s->table = at->old & s->w->st->d.addr;
		s->table_pa = UINT64_MAX;
	}
}

uint8_t mdl_first_stage(struct mdl_walk *w, const struct mdl_ss *ss, struct mdl_leaf *leaf)
{
	struct fs_walk s = { .w = w, .ss = ss };
	uint8_t fault;

	s.levels = fld_get(PE2_FSPM, w->pe[2]) == 1 ? 5 : 4;
	*leaf = (struct mdl_leaf){ 0 };
	if (!canonical(w->rq->address, s.levels))
		return FR_SGN_1_CANONICAL;                         /* SGN.1 */
	if (iotlb_hit(&s, leaf, &fault))
		return fault;
	start(&s);
	fault = walk(&s, leaf);
	/* A leaf that only lacks a permission is still a valid translation, and is kept as such. */
	if (fault != FR_NONE) {
		w->untouched = w->untouched || s.unset;
		if (ss == NULL && leaf->bits != 0)
			keep_leaf(w, K_FS_LEAF, leaf);
		return fault;
	}
	fault = updates(&s);
	if (fault == FR_NONE && ss != NULL)
		fault = mdl_nested_output(w, ss, second_need(&s, leaf->flags), leaf);
	if (fault == FR_NONE) /* a page that the second stage refuses is kept there */
		keep_leaf(w, K_FS_LEAF, leaf);
	return fault;
}

/* PGTT=100: output = input. */
uint8_t mdl_pass_through(struct mdl_walk *w, struct mdl_leaf *leaf)
{
	struct mdl_key key = { .kind = K_FS_LEAF, .did = w->did, .pasid = w->pasid };
	const struct mdl_cached *e;

	if (!mdl_below(w->rq->address, w->st->cfg->haw))
		return FR_SGN_4_HAW;                               /* SGN.4.1 */
	*leaf = (struct mdl_leaf){ .bits = 12, .base = align_down(w->rq->address, PAGE_BYTES) };
	leaf->flags = LEAF_SS_ALL | LEAF_FS_ALL | LEAF_SD | LEAF_FD;
	if (w->cache == NULL)
		return FR_NONE;
	/* A translation of the time when this PASID entry said first stage. */
	e = mdl_cache_cover(&w->cache->iotlb, key, w->rq->address);
	if (e != NULL && e->sid == w->rq->sid && e->fault == FR_NONE) {
		*leaf = (struct mdl_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits };
		return FR_NONE;
	}
	keep_leaf(w, K_PASS, leaf);
	return FR_NONE;
}
