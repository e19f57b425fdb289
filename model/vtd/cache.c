/*
 * The unit's caches (VT-d rev 4.1, 6.2) and which command drops what (6.5, fact table "invalidation matrix").
 *
 * Hardware may drop more than a command asks for; the model drops exactly what it must, so that a missing or too narrow
 * invalidation shows.
 */
#include "model/vtd/internal.h"

void mdl_caches_init(struct mdl_caches *c, uint32_t entries, void *memory)
{
	struct mdl_cache *all[] = { &c->context, &c->pasid, &c->paging, &c->iotlb, &c->iec };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		mdl_cache_init(all[i], entries, (uint8_t *)memory + i * mdl_cache_bytes(entries));
}

/* FM masks low function bits of the SID (6.5.2.1). */
static uint16_t fm_mask(uint8_t fm)
{
	static const uint16_t ignored[4] = { 0, 4, 6, 7 };

	return (uint16_t)~ignored[fm & 3];
}

static bool match_context(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_inv *inv = arg;

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
		mdl_cache_drop(&c->context, match_context, inv);
}

static bool match_pasid(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_inv *inv = arg;

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
		mdl_cache_drop(&c->pasid, match_pasid, inv);
}

/* IOTLB page: second stage by range, everything of the first stage in that domain (and PGTT=100: U-26). */
static bool match_pages(const struct mdl_cached *e, const struct mdl_inv *inv)
{
	if (e->key.did != inv->did)
		return false;
	if (e->key.kind == K_SS_TABLE)
		return !inv->leaf_only && mdl_cached_meets(e, inv->first, inv->last);
	if (e->key.kind == K_SS_LEAF)
		return mdl_cached_meets(e, inv->first, inv->last);
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
	return first_stage && mdl_cached_meets(e, inv->first, inv->last);
}

static bool match_iotlb(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_inv *inv = arg;

	switch (inv->scope) {
	case SCOPE_DOMAIN:
		return e->key.did == inv->did;
	case SCOPE_PAGES:
		return match_pages(e, inv);
	case SCOPE_ADDRESS:
		return (e->key.kind == K_SS_LEAF || e->key.kind == K_FS_LEAF) && mdl_cached_meets(e, inv->first, inv->last);
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
	mdl_cache_drop(&c->iotlb, match_iotlb, inv);
	mdl_cache_drop(&c->paging, match_iotlb, inv);
}

static bool match_index(const struct mdl_cached *e, const void *arg)
{
	const struct mdl_inv *inv = arg;

	return e->key.address >= inv->first && e->key.address <= inv->last;
}

void mdl_inv_iec(struct mdl_caches *c, const struct mdl_inv *inv)
{
	if (inv->scope == SCOPE_ALL)
		mdl_cache_clear(&c->iec);
	else
		mdl_cache_drop(&c->iec, match_index, inv);
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
