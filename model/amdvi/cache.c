/*
 * The unit's caches (AMD IOMMU 2.2, 2.4; fact table 5.1) and which command drops what (fact table 5.2).
 *
 * Hardware may drop more than a command asks for; the model drops exactly what it must, so that a missing or too narrow
 * invalidation shows.
 */
#include "model/amdvi/internal.h"

void mdl_amd_caches_init(struct mdl_amd_caches *c, uint32_t entries, void *memory)
{
	struct mdl_cache *all[] = { &c->dte, &c->paging, &c->iotlb, &c->gcr3, &c->irt, &c->logged };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		mdl_cache_init(all[i], entries, (uint8_t *)memory + i * mdl_cache_bytes(entries));
}

void mdl_amd_caches_clear(struct mdl_amd_caches *c)
{
	mdl_cache_clear(&c->dte);
	mdl_cache_clear(&c->paging);
	mdl_cache_clear(&c->iotlb);
	mdl_cache_clear(&c->gcr3);
	mdl_cache_clear(&c->irt);
	mdl_cache_clear(&c->logged);
}

static bool match_id(const struct mdl_cached *e, const void *arg)
{
	return e->key.did == ((const struct mdl_amd_inv *)arg)->id;
}

static const struct mdl_cached *dte_of(struct mdl_amd *u, uint16_t device)
{
	struct mdl_key key = { .kind = K_DTE, .did = device };

	return mdl_cache_find(&u->cache.dte, &key);
}

void mdl_amd_inv_devtab(struct mdl_amd *u, uint16_t device)
{
	const struct mdl_amd_inv inv = { .id = device };
	const struct mdl_cached *dte = dte_of(u, device);

	if (dte != NULL && u->st.cfg->choices.u42_drops_domain) {
		const struct mdl_amd_inv all = { .id = dte->did, .pde = true, .last = UINT64_MAX };

		mdl_amd_inv_pages(u, &all);
	}
	mdl_cache_drop(&u->cache.dte, match_id, &inv);
	mdl_cache_drop(&u->cache.logged, match_id, &inv);
}

void mdl_amd_inv_interrupts(struct mdl_amd *u, uint16_t device)
{
	const struct mdl_amd_inv inv = { .id = device };

	mdl_cache_drop(&u->cache.irt, match_id, &inv);
}

/* GN=1: what the PASID of the domain has; tables and the GCR3 entry with PDE=1 or where everything goes. */
static bool match_guest(const struct mdl_cached *e, const struct mdl_amd_inv *inv)
{
	if (e->key.pasid != inv->pasid || e->key.kind == K_HOST_LEAF || e->key.kind == K_HOST_TABLE)
		return false;
	if (e->key.kind == K_GUEST_TABLE && !inv->pde)
		return false;
	return mdl_cached_meets(e, inv->first, inv->last);
}

/* The whole address space is asked for. */
static bool whole(const struct mdl_amd_inv *inv)
{
	return inv->first == 0 && inv->last == UINT64_MAX;
}

/* GN=0: host entries by range; of guest ones those whose GPA is in it, and all where the range is everything (U-41). */
static bool match_host(const struct mdl_cached *e, const struct mdl_amd_inv *inv)
{
	struct mdl_cached gpa = { .key = { .bits = e->key.bits, .address = e->w[1] } };

	switch (e->key.kind) {
	case K_HOST_TABLE:
		return inv->pde && mdl_cached_meets(e, inv->first, inv->last);
	case K_HOST_LEAF:
		return mdl_cached_meets(e, inv->first, inv->last);
	case K_GUEST_LEAF: /* w[1] is the page of the GPA that it went through */
		return mdl_cached_meets(&gpa, inv->first, inv->last);
	default:
		return whole(inv);
	}
}

static bool match_pages(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_amd_inv *inv = arg;

	if (e->key.did != inv->id)
		return false;
	return inv->guest ? match_guest(e, inv) : match_host(e, inv);
}

static bool match_guest_kinds(const struct mdl_cached *e, const void *arg)
{
	return e->key.did == ((const struct mdl_amd_inv *)arg)->id && e->key.kind != K_HOST_LEAF &&
	       e->key.kind != K_HOST_TABLE;
}

/* A GCR3 entry covers its PASID whole: it goes with anything of that PASID. */
static bool match_gcr3(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_amd_inv *inv = arg;

	if (e->key.did != inv->id)
		return false;
	return inv->guest ? e->key.pasid == inv->pasid : whole(inv);
}

void mdl_amd_inv_pages(struct mdl_amd *u, const struct mdl_amd_inv *inv)
{
	mdl_cache_drop(&u->cache.iotlb, match_pages, inv);
	mdl_cache_drop(&u->cache.paging, match_pages, inv);
	mdl_cache_drop(&u->cache.gcr3, match_gcr3, inv);
	if (!inv->guest && u->st.cfg->choices.u41_whole_domain) {
		mdl_cache_drop(&u->cache.iotlb, match_guest_kinds, inv);
		mdl_cache_drop(&u->cache.paging, match_guest_kinds, inv);
		mdl_cache_drop(&u->cache.gcr3, match_guest_kinds, inv);
	}
}

void mdl_amd_range(uint64_t word, bool s, uint64_t *first, uint64_t *last)
{
	unsigned bits = 12;

	/* S=1: the run of ones from bit 12 up tells the size; all of 62:12 is everything. */
	if (s) {
		while (bits < 63 && (word & pow2(bits)) != 0)
			bits++;
		bits++;
	}
	if (bits >= 64) {
		*first = 0;
		*last = UINT64_MAX;
		return;
	}
	*first = align_down(word, pow2(bits));
	*last = *first | (pow2(bits) - 1);
}
