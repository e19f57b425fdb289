/*
 * The caches' container: a dense array, hash chains through it.
 */
#include "model/cache.h"

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

size_t mdl_cache_bytes(uint32_t entries)
{
	return align_up((uint64_t)entries * (sizeof(struct mdl_cached) + sizeof(uint32_t)), 16);
}

void mdl_cache_init(struct mdl_cache *c, uint32_t entries, void *memory)
{
	struct mdl_cached *e = memory;

	*c = (struct mdl_cache){ .e = e, .head = (uint32_t *)(void *)(e + entries), .cap = entries };
	for (uint32_t i = 0; i < entries; i++)
		c->head[i] = NIL;
}

const struct mdl_cached *mdl_cache_find(const struct mdl_cache *c, const struct mdl_key *key)
{
	return c->n == 0 ? NULL : find(c, key->address, key_tags(key));
}

const struct mdl_cached *mdl_cache_cover(const struct mdl_cache *c, struct mdl_key key, uint64_t address)
{
	for (uint64_t sizes = c->n == 0 ? 0 : c->sizes; sizes != 0; sizes &= sizes - 1) {
		const struct mdl_cached *e;

		key.bits = (uint8_t)__builtin_ctzll(sizes);
		e = find(c, align_down(address, pow2(key.bits)), key_tags(&key));
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

void mdl_cache_drop(struct mdl_cache *c, bool (*match)(const struct mdl_cached *e, const void *arg), const void *arg)
{
	for (uint32_t i = 0; i < c->n;) {
		if (match(&c->e[i], arg))
			cache_remove(c, i);
		else
			i++;
	}
}

bool mdl_cached_meets(const struct mdl_cached *e, uint64_t first, uint64_t last)
{
	return e->key.address <= last && (e->key.address | (pow2(e->key.bits) - 1)) >= first;
}
