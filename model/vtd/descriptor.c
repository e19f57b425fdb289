/*
 * Invalidation descriptors, one function for each type (VT-d rev 4.1, 6.5.2).
 */
#include "model/vtd/internal.h"

/* Bits that must be 0; bits 11:9 belong to the type. */
static const uint64_t reserved_of[INV_TYPES_N][2] = {
	[INV_CONTEXT]     = { BITS(8, 6) | BITS(15, 12) | BITS(63, 50), UINT64_MAX },
	[INV_IOTLB]       = { BIT(8) | BITS(15, 12) | BITS(63, 32), BITS(11, 7) },
	[INV_DEVTLB]      = { BITS(8, 4) | BITS(31, 21) | BITS(51, 48), BITS(11, 1) },
	[INV_IEC]         = { BITS(8, 5) | BITS(26, 12) | BITS(63, 48), UINT64_MAX },
	[INV_WAIT]        = { BIT(8) | BITS(31, 12), BITS(1, 0) },
	[INV_PIOTLB]      = { BITS(8, 6) | BITS(15, 12) | BITS(63, 52), BITS(11, 7) },
	[INV_PASID_CACHE] = { BITS(8, 6) | BITS(15, 12) | BITS(63, 52), UINT64_MAX },
	[INV_PDEVTLB]     = { 0, BITS(10, 1) },
	[INV_RESPONSE]    = { BITS(8, 5) | BITS(63, 52), BITS(1, 0) | BITS(63, 12) },
};

/* Types that this unit, with a queue of this width, does not know. */
static bool unknown(const struct mdl_vtd *u, uint64_t type, bool wide)
{
	switch (type) {
	case INV_CONTEXT: case INV_IOTLB: case INV_WAIT:
		return false;
	case INV_DEVTLB:
		return !mdl_ecap(&u->st, ECAP_DT);
	case INV_IEC:
		return !mdl_ecap(&u->st, ECAP_IR);
	case INV_PIOTLB: case INV_PASID_CACHE:
		return !wide || !mdl_ecap(&u->st, ECAP_SMTS);
	case INV_PDEVTLB:
		return !wide || !mdl_ecap(&u->st, ECAP_SMTS) || !mdl_ecap(&u->st, ECAP_DT);
	case INV_RESPONSE:
		return !wide || !mdl_ecap(&u->st, ECAP_PRS);
	default:
		return true; /* 0xA, too (U-16) */
	}
}

static enum mdl_iqei context_cache(struct mdl_vtd *u, const uint64_t q[4])
{
	static const uint8_t scopes[4] = { 0, SCOPE_ALL, SCOPE_DOMAIN, SCOPE_DEVICE };
	uint64_t g = fld_get(INV_G, q[0]);
	struct mdl_inv inv = { .scope = scopes[g], .did = (uint16_t)fld_get(INV_DID, q[0]),
			       .sid = (uint16_t)fld_get(INV_SID, q[0]), .fm = (uint8_t)fld_get(INV_FM, q[0]) };

	if (g == 0)
		return IQEI_RESERVED;
	mdl_inv_context(&u->cache, &inv);
	return IQEI_NONE;
}

static enum mdl_iqei iotlb(struct mdl_vtd *u, const uint64_t q[4])
{
	uint64_t g = fld_get(INV_G, q[0]), am = fld_get(INV1_AM, q[1]);
	struct mdl_inv inv = { .did = (uint16_t)fld_get(INV_DID, q[0]), .leaf_only = (q[1] & INV1_IH) != 0 };

	if (g == 0)
		return IQEI_RESERVED;
	if (g == 3 && !mdl_cap(&u->st, CAP_PSI))
		g = 2; /* performed as domain-selective */
	if (g == 3 && am > fld_get(CAP_MAMV, u->st.cfg->cap))
		return u->st.cfg->choices.u29_am_invalid == 0 ? IQEI_RESERVED :
								(enum mdl_iqei)u->st.cfg->choices.u29_am_invalid;
	inv.scope = g == 1 ? SCOPE_ALL : g == 2 ? SCOPE_DOMAIN : SCOPE_PAGES;
	mdl_inv_range(&inv, q[1] & INV1_ADDR, (unsigned)am);
	mdl_inv_iotlb(&u->cache, &inv);
	return IQEI_NONE;
}

static enum mdl_iqei interrupt_entries(struct mdl_vtd *u, const uint64_t q[4])
{
	uint64_t im = fld_get(INV_IM, q[0]), size = pow2((unsigned)im);
	struct mdl_inv inv = { .scope = SCOPE_INDEX };

	/* An index mask beyond MHMV names more than the unit can select: all of it goes. */
	if ((q[0] & INV_IEC_G) == 0 || im > fld_get(ECAP_MHMV, u->st.cfg->ecap))
		inv.scope = SCOPE_ALL;
	inv.first = align_down(fld_get(INV_IIDX, q[0]), size);
	inv.last = inv.first + size - 1;
	mdl_inv_iec(&u->cache, &inv);
	return IQEI_NONE;
}

static enum mdl_iqei pasid_iotlb(struct mdl_vtd *u, const uint64_t q[4])
{
	uint64_t g = fld_get(INV_G, q[0]);
	struct mdl_inv inv = {.scope = g == 2 ? SCOPE_PASID : SCOPE_PASID_PAGES,
			      .did = (uint16_t)fld_get(INV_DID, q[0]),
			      .pasid = (uint32_t)fld_get(INV_PASID, q[0]),
			      .leaf_only = (q[1] & INV1_IH) != 0};

	if (g < 2)
		return IQEI_RESERVED;
	mdl_inv_range(&inv, q[1] & INV1_ADDR, (unsigned)fld_get(INV1_AM, q[1]));
	mdl_inv_iotlb(&u->cache, &inv);
	return IQEI_NONE;
}

static enum mdl_iqei pasid_cache(struct mdl_vtd *u, const uint64_t q[4])
{
	static const uint8_t scopes[4] = { SCOPE_DOMAIN, SCOPE_PASID, 0, SCOPE_ALL };
	uint64_t g = fld_get(INV_G, q[0]);
	struct mdl_inv inv = { .scope = scopes[g], .did = (uint16_t)fld_get(INV_DID, q[0]),
			       .pasid = (uint32_t)fld_get(INV_PASID, q[0]) };

	if (g == 2)
		return IQEI_RESERVED;
	mdl_inv_pasid(&u->cache, &inv);
	return IQEI_NONE;
}

/* 6.5.2.8. The waits behind Device-TLB invalidations that are still open stay open (*held). */
static enum mdl_iqei wait(struct mdl_vtd *u, const uint64_t q[4], bool *held)
{
	if ((q[0] & (INV_IF | INV_SW | INV_FN)) == 0 && u->st.cfg->choices.u29_empty_wait_error)
		return IQEI_RESERVED;
	if (u->devtlb_n != 0) {
		*held = true;
		return IQEI_NONE;
	}
	return mdl_inv_wait(u, q);
}

enum mdl_iqei mdl_inv_wait(struct mdl_vtd *u, const uint64_t q[2])
{
	uint32_t data = (uint32_t)fld_get(INV_DATA, q[0]); /* 32 bits wide */

	/* The status is visible before the interrupt. */
	if ((q[0] & INV_SW) != 0 && !u->mem.wr(u->mem.ctx, q[1] & INV1_STATUS, &data, sizeof(data)))
		return IQEI_FETCH;
	if ((q[0] & INV_IF) != 0 && (u->st.r[R_ICS] & ICS_IWC) == 0) {
		u->st.r[R_ICS] |= ICS_IWC;
		mdl_event_raise(u, R_IECTL);
	}
	return IQEI_NONE;
}

enum mdl_iqei mdl_inv_descriptor(struct mdl_vtd *u, const uint64_t q[4], bool wide, bool *held)
{
	uint64_t type = fld_get(INV_TYPE, q[0]);

	if (fld_get(INV_TYPE_HIGH, q[0]) != 0 || unknown(u, type, wide))
		return IQEI_TYPE;
	if ((q[0] & reserved_of[type][0]) != 0 || (q[1] & reserved_of[type][1]) != 0 || q[2] != 0 || q[3] != 0)
		return IQEI_RESERVED;
	if (type == INV_WAIT && (q[0] & INV_PD) != 0 && !mdl_ecap(&u->st, ECAP_PDS))
		return IQEI_RESERVED;
	if ((type == INV_DEVTLB || type == INV_PDEVTLB) && (q[0] & INV_PFSID) != 0 && !mdl_ecap(&u->st, ECAP_DIT))
		return IQEI_RESERVED;
	mdl_write_buffer_flush(u);
	if (type != INV_WAIT && type != INV_IEC)
		mdl_revoke(u);
	switch (type) {
	case INV_CONTEXT:     return context_cache(u, q);
	case INV_IOTLB:       return iotlb(u, q);
	case INV_DEVTLB:      return mdl_inv_devtlb(u, q);
	case INV_IEC:         return interrupt_entries(u, q);
	case INV_WAIT:        return wait(u, q, held);
	case INV_PIOTLB:      return pasid_iotlb(u, q);
	case INV_PASID_CACHE: return pasid_cache(u, q);
	case INV_PDEVTLB:     return mdl_inv_pdevtlb(u, q);
	default:              return mdl_inv_response(u, q);
	}
}
