/*
 * The unit's caches (VT-d rev 4.1, 6.2) and which command drops what (6.5, fact table "invalidation matrix").
 *
 * Hardware may drop more than a command asks for; the model drops exactly what it must, so that a missing or too narrow
 * invalidation shows. Nothing leaves a cache for lack of room before its capacity is used up; that is counted.
 */
#include "model/vtd/internal.h"

#define NIL UINT32_MAX

/* All of a key but the address, in one word: made from fields, since a caller has just stored them one by one. */
static inline uint64_t key_tags(const struct mdl_key *k)
{
	return k->pasid | FLD(BITS(47, 32), k->did) | FLD(BITS(55, 48), k->kind) | FLD(BITS(63, 56), k->bits);
}

/* The head of the chain that an entry of this address and these tags is in. */
static inline uint32_t *chain_of(const struct mdl_cache *c, uint64_t address, uint64_t tags)
{
	uint64_t hash = (address ^ (tags * 0x9E3779B9u)) * UINT64_C(0x9E3779B97F4A7C15);

	return &c->head[fld_get(BITS(63, 32), hash) & (c->cap - 1)];
}

static inline uint32_t *chain(const struct mdl_cache *c, const struct mdl_cached *e)
{
	return chain_of(c, e->key.address, e->tags);
}

static inline const struct mdl_cached *find(const struct mdl_cache *c, uint64_t address, uint64_t tags)
{
	for (uint32_t i = *chain_of(c, address, tags); i != NIL; i = c->e[i].next)
		if (c->e[i].key.address == address && c->e[i].tags == tags)
			return &c->e[i];
	return NULL;
}

void mdl_cache_clear(struct mdl_cache *c)
{
	uint32_t i;

	if (c->n == 0)
		return;
	if (c->n < c->cap / 8) {
		for (i = 0; i < c->n; i++)
			*chain(c, &c->e[i]) = NIL;
	} else {
		for (i = 0; i < c->cap; i++)
			c->head[i] = NIL;
	}
	c->n = 0;
	c->victim = 0;
	c->sizes = 0;
}

void mdl_caches_init(struct mdl_caches *c, uint32_t entries, void *memory)
{
	struct mdl_cache *all[] = { &c->context, &c->pasid, &c->paging, &c->iotlb, &c->iec };
	struct mdl_cached *e = memory;
	uint32_t *head = (uint32_t *)(void *)(e + ARRAY_LEN(all) * entries);

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		*all[i] = (struct mdl_cache){ .e = e + i * entries, .head = head + i * entries, .cap = entries };
		for (uint32_t k = 0; k < entries; k++)
			all[i]->head[k] = NIL;
	}
}

const struct mdl_cached *mdl_cache_find(const struct mdl_cache *c, const struct mdl_key *key)
{
	return c->n == 0 ? NULL : find(c, key->address, key_tags(key));
}

const struct mdl_cached *mdl_iotlb_find(const struct mdl_caches *c, struct mdl_key key, uint64_t address)
{
	static const uint8_t sizes[] = { 12, 21, 30 };
	const struct mdl_cached *e;

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		if ((c->iotlb.sizes & BIT(sizes[i])) == 0)
			continue;
		key.bits = sizes[i];
		e = find(&c->iotlb, align_down(address, pow2(sizes[i])), key_tags(&key));
		if (e != NULL)
			return e;
	}
	return NULL;
}

/* The link that points at entry i. */
static uint32_t *link_to(const struct mdl_cache *c, uint32_t i)
{
	uint32_t *l = chain(c, &c->e[i]);

	while (*l != i)
		l = &c->e[*l].next;
	return l;
}

/* Takes entry i out; the last one moves into its place. */
static void cache_remove(struct mdl_cache *c, uint32_t i)
{
	uint32_t last = c->n - 1;

	*link_to(c, i) = c->e[i].next;
	if (i != last) {
		*link_to(c, last) = i;
		c->e[i] = c->e[last];
	}
	c->n = last;
	if (c->n == 0) {
		c->victim = 0;
		c->sizes = 0;
	}
}

void mdl_cache_put(struct mdl_cache *c, const struct mdl_cached *e)
{
	const struct mdl_cached *old = mdl_cache_find(c, &e->key);
	struct mdl_cached *to;
	uint32_t *head;
	uint32_t next;

	if (old != NULL) {
		to = &c->e[old - c->e];
		next = to->next;
		*to = *e;
		to->next = next;
		to->tags = key_tags(&e->key);
		return;
	}
	if (c->n == c->cap) {
		cache_remove(c, c->victim);
		c->victim = (c->victim + 1) % (c->cap - 1);
		c->evicted++;
	}
	to = &c->e[c->n];
	*to = *e;
	to->tags = key_tags(&e->key);
	head = chain(c, to);
	to->next = *head;
	*head = c->n;
	c->n++;
	c->sizes |= BIT(e->key.bits);
}

typedef bool (*match_fn)(const struct mdl_cached *e, const struct mdl_inv *inv);

static void cache_drop(struct mdl_cache *c, match_fn match, const struct mdl_inv *inv)
{
	for (uint32_t i = 0; i < c->n;) {
		if (match(&c->e[i], inv))
			cache_remove(c, i);
		else
			i++;
	}
}

/* True where any byte that the entry covers lies in [first, last]: a large page goes as a whole. */
static bool meets_range(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	return e->key.address <= inv->last && (e->key.address | (pow2(e->key.bits) - 1)) >= inv->first;
}

/* FM masks low function bits of the SID (6.5.2.1). */
static uint16_t fm_mask(uint8_t fm)
{
	static const uint16_t ignored[4] = { 0, 4, 6, 7 };

	return (uint16_t)~ignored[fm & 3];
}

static bool match_context(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_DEVICE)
		return ((e->key.address ^ inv->sid) & fm_mask(inv->fm)) == 0;
	/* Domain: legacy entries carry a DID; for scalable ones it is a global one (U-26). */
	return e->mode != TTM_LEGACY || e->did == inv->did;
}

void mdl_inv_context(struct mdl_caches *c, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_ALL)
		mdl_cache_clear(&c->context);
	else
		cache_drop(&c->context, match_context, inv);
}

static bool match_pasid(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	/* A cached error has no DID of its own that software could know: any DID names it. */
	if (e->did != inv->did && e->fault == FR_NONE)
		return false;
	return inv->scope == SCOPE_DOMAIN || e->key.pasid == inv->pasid;
}

void mdl_inv_pasid(struct mdl_caches *c, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_ALL)
		mdl_cache_clear(&c->pasid);
	else
		cache_drop(&c->pasid, match_pasid, inv);
}

/* IOTLB page: second stage by range, everything of the first stage in that domain (and PGTT=100: U-26). */
static bool match_pages(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	if (e->key.did != inv->did)
		return false;
	if (e->key.kind == K_SS_TABLE)
		return !inv->leaf_only && meets_range(e, inv);
	if (e->key.kind == K_SS_LEAF)
		return meets_range(e, inv);
	return true;
}

/* PASID-based IOTLB: the second stage is not touched. */
static bool match_pasid_tagged(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	bool first_stage = e->key.kind == K_FS_LEAF || e->key.kind == K_FS_TABLE;

	if (e->key.did != inv->did || e->key.pasid != inv->pasid)
		return false;
	if (inv->scope == SCOPE_PASID)
		return first_stage || e->key.kind == K_PASS;
	if (e->key.kind == K_FS_TABLE && inv->leaf_only)
		return false;
	return first_stage && meets_range(e, inv);
}

static bool match_iotlb(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	switch (inv->scope) {
	case SCOPE_DOMAIN:
		return e->key.did == inv->did;
	case SCOPE_PAGES:
		return match_pages(e, inv);
	case SCOPE_ADDRESS:
		return (e->key.kind == K_SS_LEAF || e->key.kind == K_FS_LEAF) && meets_range(e, inv);
	default:
		return match_pasid_tagged(e, inv);
	}
}

void mdl_inv_iotlb(struct mdl_caches *c, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_ALL) {
		mdl_cache_clear(&c->iotlb);
		mdl_cache_clear(&c->paging);
		return;
	}
	cache_drop(&c->iotlb, match_iotlb, inv);
	cache_drop(&c->paging, match_iotlb, inv);
}

static bool match_index(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	return e->key.address >= inv->first && e->key.address <= inv->last;
}

void mdl_inv_iec(struct mdl_caches *c, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_ALL)
		mdl_cache_clear(&c->iec);
	else
		cache_drop(&c->iec, match_index, inv);
}

void mdl_inv_dma_all(struct mdl_caches *c)
{
	mdl_cache_clear(&c->context);
	mdl_cache_clear(&c->pasid);
	mdl_cache_clear(&c->iotlb);
	mdl_cache_clear(&c->paging);
}

void mdl_inv_range(struct mdl_inv *inv, uint64_t address, unsigned am)
{
	uint64_t size_mask = am + 12 >= 64 ? UINT64_MAX : pow2(am + 12) - 1;

	inv->first = address & ~size_mask;
	inv->last = address | size_mask;
}
