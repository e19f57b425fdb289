/*
 * The container behind every cache of the model's units: what is in it stays until it is told to go.
 *
 * Nothing leaves for lack of room before the capacity is used up; that is counted. What a key and a value mean is the
 * unit's own.
 */
#ifndef PORTCULLIS_MODEL_CACHE_H
#define PORTCULLIS_MODEL_CACHE_H

#include "kernel/bits.h"

/* Identity of a cached item. Parts that a kind does not use are 0. */
struct mdl_key {
	uint64_t address;  /* lowest address covered, or a number */
	uint32_t pasid;
	uint16_t did;      /* domain, or device */
	uint8_t kind;
	uint8_t bits;      /* covers 2^bits bytes */
};

struct mdl_cached {
	struct mdl_key key;
	uint32_t next;     /* in the hash chain */
	uint16_t did;      /* the domain that the value carries */
	uint16_t sid;      /* who brought it in */
	uint16_t flags;
	uint8_t fault;     /* a cached error */
	bool fpd;
	uint8_t mode;
	uint8_t attr;
	uint64_t w[4];
	uint64_t tags;     /* of the key, as one word; cache.c fills it in */
};

/* Dense array of entries, found by hash chains. */
struct mdl_cache {
	struct mdl_cached *e;
	uint32_t *head;
	uint32_t n, cap, victim;
	uint64_t sizes;          /* page sizes present, as bits; never shrinks before the cache is empty */
	uint64_t evicted;        /* how often the capacity was too small */
};

/* Bytes of memory for a cache of that many entries (a power of two): a multiple of 16, to be aligned to 16. */
size_t mdl_cache_bytes(uint32_t entries);
void mdl_cache_init(struct mdl_cache *c, uint32_t entries, void *memory);
const struct mdl_cached *mdl_cache_find(const struct mdl_cache *c, const struct mdl_key *key);
/* The item that covers address, of any size, the smallest first; key gives kind and tags. */
const struct mdl_cached *mdl_cache_cover(const struct mdl_cache *c, struct mdl_key key, uint64_t address);
/* Adds an item, or replaces that of the same key. */
void mdl_cache_put(struct mdl_cache *c, const struct mdl_cached *e);
void mdl_cache_clear(struct mdl_cache *c);
/* Takes out what matches. */
void mdl_cache_drop(struct mdl_cache *c, bool (*match)(const struct mdl_cached *e, const void *arg), const void *arg);
/* True where any byte that the item covers lies in [first, last]: a large page goes as a whole. */
bool mdl_cached_meets(const struct mdl_cached *e, uint64_t first, uint64_t last);

#endif
