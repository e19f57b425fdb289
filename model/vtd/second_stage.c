/*
 * Second-stage translation (VT-d rev 4.1, 3.7, 9.8): legacy mode, PGTT=010, and the second stage of PGTT=011.
 */
#include "model/vtd/internal.h"

/* Fault reasons differ between legacy and scalable mode. */
struct ss_codes {
	uint8_t top_fetch, fetch, reserved;
};

static const struct ss_codes codes_of[2] = {
	{ FR_LCT_4_INVALID, FR_LSS_1_FETCH, FR_LSS_2_RESERVED },    /* LCT.4.3, LSS.1, LSS.2 */
	{ FR_SSS_4_TOP_FETCH, FR_SSS_1_FETCH, FR_SSS_3_RESERVED },
};

/* One walk in progress. */
struct ss_walk {
	struct mdl_walk *w;
	const struct mdl_ss *ss;
	uint64_t address;
	unsigned need;
	unsigned level;      /* of the table at pa */
	uint64_t table;
	uint16_t flags;      /* permissions so far */
	bool reserved;       /* the entry at hand has reserved bits set */
};

void mdl_ss_of_context(const struct mdl_walk *w, struct mdl_ss *ss)
{
	*ss = (struct mdl_ss){
		.root = w->ctx[0] & w->st->d.addr,
		.did = w->did,
		.levels = (uint8_t)(fld_get(LCTX1_AW, w->ctx[1]) + 2),
		.snooped = mdl_ecap(w->st, ECAP_C),
	};
}

void mdl_ss_of_pasid(const struct mdl_walk *w, struct mdl_ss *ss)
{
	*ss = (struct mdl_ss){
		.root = w->pe[0] & w->st->d.addr,
		.did = w->did,
		.levels = (uint8_t)(fld_get(PE0_AW, w->pe[0]) + 2),
		.scalable = true,
		.ade = (w->pe[0] & PE0_SSADE) != 0 && mdl_ecap(w->st, ECAP_SSADS),
		.snooped = (w->pe[1] & PE1_PWSNP) != 0 && mdl_ecap(w->st, ECAP_SMPWCS),
		.exec = (w->pe[0] & PE0_SSEE) != 0 && mdl_ecap(w->st, ECAP_ERS), /* U-11 */
	};
}

unsigned mdl_ss_limit(const struct mdl_vtd_state *st, const struct mdl_ss *ss)
{
	return (unsigned)min_u64(st->d.mgaw, 12 + 9u * ss->levels);
}

/* Which fault the permissions in flags give for a need, if any. */
static inline uint8_t permission(const struct mdl_ss *ss, unsigned need, unsigned flags)
{
	if (ss->scalable && (flags & (LEAF_R | LEAF_W)) == 0 && !(ss->exec && (flags & LEAF_X) != 0))
		return FR_SSS_2_ABSENT;                                 /* SSS.2 */
	if ((need & NEED_W) != 0 && (flags & LEAF_W) == 0)
		return ss->scalable ? FR_SGN_6_WRITE : FR_LGN_2_WRITE;  /* SGN.6, LGN.2 */
	if ((need & NEED_R) != 0 && (flags & LEAF_R) == 0)
		return ss->scalable ? FR_SGN_7_READ : FR_LGN_3_READ;    /* SGN.7, LGN.3 */
	if ((flags & (LEAF_R | LEAF_W)) == 0) /* NEED_ANY is left */
		return ss->scalable ? FR_SGN_7_READ : FR_LGN_3_READ;
	if ((need & NEED_X) != 0 && (flags & LEAF_X) == 0)
		return FR_SGN_3_EXECUTE;                                /* SGN.3 */
	return FR_NONE;
}

/* Scalable mode accumulates permissions; in legacy mode it is U-23. */
static inline bool permission_last(const struct ss_walk *s)
{
	return s->ss->scalable || s->w->st->cfg->choices.u23_reserved_first;
}

/* The walk sets D in the leaf: the request writes, or may write by the translation that it asks for. */
static inline bool sets_dirty(const struct mdl_walk *w, unsigned need, unsigned flags)
{
	bool write = (need & NEED_W) != 0 || ((need & NEED_ANY) != 0 && mdl_wants_write(w));

	return write && (flags & LEAF_W) != 0;
}

/* IOTLB (6.2.5). True: *fault and *leaf are the answer. */
static bool iotlb_hit(const struct ss_walk *s, struct mdl_leaf *leaf, uint8_t *fault)
{
	const struct mdl_cached *e;

	if (s->w->cache == NULL)
		return false;
	e = mdl_cache_cover(&s->w->cache->iotlb, (struct mdl_key){ .kind = K_SS_LEAF, .did = s->ss->did }, s->address);
	if (e == NULL)
		return false;
	*fault = e->fault;
	if (e->fault != FR_NONE)
		return true;
	/* A translation cached while clean does not serve a write: the walk must set D. */
	if (s->ss->ade && (e->flags & LEAF_SD) == 0 && sets_dirty(s->w, s->need, e->flags))
		return false;
	*leaf = (struct mdl_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits, .attr = e->attr };
	*fault = permission(s->ss, s->need, e->flags);
	return true;
}

/* The lowest cached table on the way to address, or the root (6.2.4). */
static void start(struct ss_walk *s)
{
	struct mdl_key key = { .kind = K_SS_TABLE, .did = s->ss->did };
	const struct mdl_cached *e;

	s->level = s->ss->levels;
	s->table = s->ss->root;
	s->flags = LEAF_SS_ALL;
	if (s->w->cache == NULL || s->w->cache->paging.n == 0)
		return;
	for (unsigned level = 1; level < s->ss->levels; level++) {
		key.bits = (uint8_t)(12 + 9 * level);
		key.address = align_down(s->address, pow2(key.bits));
		e = mdl_cache_find(&s->w->cache->paging, &key);
		/* Where permissions are checked at each entry, the entry that lacks one must be seen. */
		if (e != NULL && (permission_last(s) || permission(s->ss, s->need, e->flags) == FR_NONE)) {
			s->level = level;
			s->table = e->w[0];
			s->flags = e->flags;
			return;
		}
	}
}

static inline void keep_table(const struct ss_walk *s)
{
	struct mdl_key key = { .kind = K_SS_TABLE, .did = s->ss->did, .bits = (uint8_t)(12 + 9 * s->level) };
	struct mdl_cached *e;

	key.address = align_down(s->address, pow2(key.bits));
	e = mdl_fill_add(s->w, &key);
	if (e != NULL) {
		e->w[0] = s->table;
		e->flags = s->flags;
	}
}

static void keep_leaf(const struct ss_walk *s, const struct mdl_leaf *leaf)
{
	struct mdl_key key = { .kind = K_SS_LEAF, .did = s->ss->did, .bits = leaf->bits };
	struct mdl_cached *e;

	key.address = align_down(s->address, pow2(leaf->bits));
	e = mdl_fill_add(s->w, &key);
	if (e != NULL) {
		e->w[0] = leaf->base;
		e->flags = leaf->flags;
		e->attr = leaf->attr;
	}
}

/* CM=1: the page as an error; fault 0 and no flags stand for a not-present entry. */
static void keep_error(const struct ss_walk *s, uint8_t fault)
{
	struct mdl_key key = { .kind = K_SS_LEAF, .did = s->ss->did, .bits = 12 };

	key.address = align_down(s->address, PAGE_BYTES);
	mdl_fill_fault(s->w, &key, fault);
}

static inline uint16_t entry_flags(const struct mdl_ss *ss, uint64_t q)
{
	unsigned f = ((q & SS_R) != 0 ? LEAF_R : 0u) | ((q & SS_W) != 0 ? LEAF_W : 0u);

	return (uint16_t)(f | (!ss->exec || (q & SS_X) != 0 ? LEAF_X : 0u));
}

static inline bool is_leaf(unsigned level, uint64_t q)
{
	return level == 1 || ((level == 2 || level == 3) && (q & SS_PS) != 0);
}

/* Checks of one entry (legacy step 14): presence, permission and reserved bits, in the order that U-23 chooses. */
static inline uint8_t check_entry(struct ss_walk *s, uint64_t q)
{
	bool last = permission_last(s);
	unsigned own = entry_flags(s->ss, q);
	uint8_t fault;

	s->reserved = (q & s->w->st->d.ss_rsvd[s->level][is_leaf(s->level, q)]) != 0;
	/* Not present: reserved bits are not looked at. X alone counts only where execute requests exist. */
	if ((own & (LEAF_R | LEAF_W)) == 0 && !(s->ss->exec && (own & LEAF_X) != 0)) {
		keep_error(s, FR_NONE);
		return permission(s->ss, s->need, 0);
	}
	s->flags = (uint16_t)(s->flags & own);
	fault = permission(s->ss, s->need, s->flags);
	if (s->reserved && (last || fault == FR_NONE)) {
		keep_error(s, codes_of[s->ss->scalable].reserved);
		return codes_of[s->ss->scalable].reserved;
	}
	/* What is accumulated is judged at the leaf; only R=W=0 ends the walk early (SSS.2). */
	if (last)
		return fault == FR_SSS_2_ABSENT ? fault : FR_NONE;
	return fault;
}

static inline void update_entry(const struct ss_walk *s, uint64_t pa, uint64_t q, bool dirty)
{
	uint64_t set = SS_A | (dirty ? SS_D : 0);

	if (s->ss->ade && (q & set) != set)
		mdl_update_add(s->w->out, pa, q, set & ~q, FR_SSS_6_UPDATE);
}

/* The leaf was reached with everything in order so far: what it says, final permission, A/D. */
static uint8_t finish(struct ss_walk *s, uint64_t pa, uint64_t q, struct mdl_leaf *leaf)
{
	bool dirty = sets_dirty(s->w, s->need, s->flags);
	unsigned bits = 12 + 9 * (s->level - 1);
	uint8_t fault = permission(s->ss, s->need, s->flags);
	unsigned extra = 0;

	if ((q & SS_SNP) != 0 && mdl_ecap(s->w->st, ECAP_SC))
		extra |= LEAF_SNP;
	if (s->ss->scalable && mdl_ecap(s->w->st, ECAP_MTS) && (s->w->pe[1] & PE1_EMTE) != 0) {
		extra |= LEAF_EMT;
		leaf->attr = (uint8_t)(fld_get(SS_EMT, q) | (q & SS_IPAT));
	}
	if (!s->ss->ade || dirty || (q & SS_D) != 0)
		extra |= LEAF_SD;
	leaf->bits = (uint8_t)bits;
	leaf->base = align_down(q & s->w->st->d.addr, pow2(bits));
	leaf->flags = (uint16_t)(s->flags | extra);
	if (fault == FR_NONE)
		update_entry(s, pa, q, dirty);
	else if (s->ss->ade && (q & SS_A) == 0)
		s->w->untouched = true;
	keep_leaf(s, leaf);
	return fault;
}

static uint8_t walk(struct ss_walk *s, struct mdl_leaf *leaf)
{
	for (; s->level >= 1; s->level--) {
		uint64_t index = fld_get(BITS(8, 0), shr(s->address, 12 + 9 * (s->level - 1)));
		uint64_t pa = s->table + 8 * index;
		uint64_t q;
		uint8_t fault;

		if (!mdl_fetch(s->w->mem, s->ss->snooped, pa, &q, 1))
			return s->level == s->ss->levels ? codes_of[s->ss->scalable].top_fetch :
							   codes_of[s->ss->scalable].fetch;
		fault = check_entry(s, q);
		if (is_leaf(s->level, q)) {
			/* A leaf that only lacks a permission is still a valid translation, and is kept as such. */
			if (fault == FR_NONE || ((q & (SS_R | SS_W)) != 0 && !s->reserved))
				fault = finish(s, pa, q, leaf);
			return fault;
		}
		if (fault != FR_NONE)
			return fault;
		update_entry(s, pa, q, false);
		s->table = q & s->w->st->d.addr;
		s->level--;
		keep_table(s);
		s->level++;
	}
	return codes_of[s->ss->scalable].reserved; /* not reached: level 1 is a leaf */
}

uint8_t mdl_second_stage(struct mdl_walk *w, const struct mdl_ss *ss, uint64_t address, unsigned need,
			 struct mdl_leaf *leaf)
{
	struct ss_walk s = { .w = w, .ss = ss, .address = address, .need = need };
	unsigned updates_before = w->out->updates_n;
	uint8_t fault;

	*leaf = (struct mdl_leaf){ 0 };
	if (iotlb_hit(&s, leaf, &fault))
		return fault;
	start(&s);
	fault = walk(&s, leaf);
	/* SSS.5: an update is needed but the walk does not snoop the caches. */
	if (fault == FR_NONE && w->out->updates_n != updates_before && !ss->snooped)
		return FR_SSS_5_NO_SNOOP;
	return fault;
}

/* Legacy TT=10: output = input, kept in the IOTLB under the domain like any other page. */
void mdl_legacy_pass(struct mdl_walk *w, struct mdl_leaf *leaf)
{
	struct mdl_key key = { .kind = K_SS_LEAF, .did = w->did };
	const struct mdl_cached *e;
	struct mdl_cached *fill;

	*leaf = (struct mdl_leaf){ .base = align_down(w->rq->address, PAGE_BYTES), .bits = 12 };
	leaf->flags = LEAF_SS_ALL | LEAF_SD;
	if (w->cache == NULL)
		return;
	/* A translation of the time when this context entry was not pass-through. */
	e = mdl_cache_cover(&w->cache->iotlb, key, w->rq->address);
	if (e != NULL && e->sid == w->rq->sid && (e->flags & LEAF_SS_ALL) == LEAF_SS_ALL) {
		*leaf = (struct mdl_leaf){ .base = e->w[0], .flags = e->flags, .bits = e->key.bits };
		return;
	}
	key.bits = leaf->bits;
	key.address = leaf->base;
	fill = mdl_fill_add(w, &key);
	if (fill != NULL) {
		fill->w[0] = leaf->base;
		fill->flags = leaf->flags;
	}
}
