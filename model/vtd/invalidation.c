/*
 * The invalidation queue (VT-d rev 4.1, 6.5.2, 7.4) and register-based invalidation (6.5.1).
 *
 * The queue runs whenever it may: on a new tail, on enabling, when an error was cleared, when a device has answered.
 */
#include "model/vtd/internal.h"

#define PATIENCE_READS 256u

void mdl_iq_error(struct mdl_vtd *u, enum mdl_iqei iqei)
{
	u->st.r[R_IQERCD] = fld_set(IQERCD_IQEI, u->st.r[R_IQERCD], iqei);
	mdl_fsts_raise(u, FSTS_IQE);
}

static bool may_fetch(const struct mdl_vtd *u)
{
	uint64_t stop = FSTS_IQE | FSTS_ITE | (u->st.cfg->choices.u28_ice_stops ? FSTS_ICE : 0);

	return (u->st.r[R_GSTS] & G_QIE) != 0 && (u->st.r[R_FSTS] & stop) == 0 && !u->wait_held;
}

/* What is wrong with the queue itself, before a descriptor is fetched. */
static enum mdl_iqei queue_check(const struct mdl_vtd *u, uint64_t size)
{
	uint64_t ttm = fld_get(RTADDR_TTM, u->st.root);
	bool wide = (u->st.r[R_IQA] & IQA_DW) != 0;

	if (u->st.r[R_IQT] >= size)
		return IQEI_TAIL_OUTSIDE;
	if (wide && (u->st.r[R_IQT] & BIT(4)) != 0)
		return IQEI_TAIL_ALIGN;
	if (u->st.r[R_IQT] == u->st.r[R_IQH])
		return IQEI_NONE;
	if (ttm == TTM_RESERVED)
		return IQEI_TTM;
	if (ttm == TTM_SCALABLE && mdl_ecap(&u->st, ECAP_SMTS) && !wide) /* U-30 */
		return u->st.cfg->choices.u30_width_is_type ? IQEI_TYPE : IQEI_WIDTH;
	return IQEI_NONE;
}

/* One descriptor. False: the queue is empty, or stopped. */
static bool iq_step(struct mdl_vtd *u)
{
	uint64_t size = pow2(12 + (unsigned)fld_get(IQA_QS, u->st.r[R_IQA]));
	bool wide = (u->st.r[R_IQA] & IQA_DW) != 0;
	uint64_t pa = (u->st.r[R_IQA] & IQA_IQA) + u->st.r[R_IQH];
	enum mdl_iqei e = queue_check(u, size);
	uint64_t q[4] = { 0, 0, 0, 0 };
	bool held = false;

	if (e == IQEI_NONE && u->st.r[R_IQT] == u->st.r[R_IQH])
		return false;
	if (e == IQEI_NONE && !u->mem.rd64(u->mem.ctx, pa, q, wide ? 4 : 2))
		e = IQEI_FETCH;
	if (e == IQEI_NONE)
		e = mdl_inv_descriptor(u, q, wide, &held);
	if (e != IQEI_NONE) {
		mdl_iq_error(u, e); /* the head stays at the offending descriptor */
		return false;
	}
	u->st.r[R_IQH] = (u->st.r[R_IQH] + (wide ? 32 : 16)) % size;
	if (held) {
		u->wait_held = true;
		u->wait[0] = q[0];
		u->wait[1] = q[1];
	}
	return true;
}

void mdl_iq_run(struct mdl_vtd *u)
{
	if (u->iq_running)
		return; /* from inside a callback */
	u->iq_running = true;
	for (uint32_t n = 0; n < pow2(15) && may_fetch(u); n++)
		if (!iq_step(u))
			break;
	u->iq_running = false;
}

/* Time passes by register accesses: a device that does not answer ends in ITE (6.5.2.10). */
void mdl_iq_poll(struct mdl_vtd *u)
{
	uint32_t patience = u->st.cfg->devtlb_patience == 0 ? PATIENCE_READS : u->st.cfg->devtlb_patience;

	if (u->devtlb_n == 0)
		return;
	u->devtlb_reads++;
	if (u->devtlb_reads < patience)
		return;
	u->st.r[R_IQERCD] = fld_set(IQERCD_ITESID, u->st.r[R_IQERCD], u->devtlb_sid[0]);
	u->devtlb_n = 0;
	u->devtlb_reads = 0;
	u->wait_held = false; /* aborted without status write */
	mdl_fsts_raise(u, FSTS_ITE);
}

void mdl_vtd_devtlb_answer(struct mdl_vtd *u, uint16_t sid)
{
	unsigned i = 0;

	while (i < u->devtlb_n && u->devtlb_sid[i] != sid)
		i++;
	if (i == u->devtlb_n) {
		u->st.r[R_IQERCD] = fld_set(IQERCD_ICESID, u->st.r[R_IQERCD], sid);
		mdl_fsts_raise(u, FSTS_ICE);
		return;
	}
	u->devtlb_sid[i] = u->devtlb_sid[--u->devtlb_n];
	if (u->devtlb_n != 0)
		return;
	u->devtlb_reads = 0;
	if (u->wait_held) {
		u->wait_held = false;
		if (mdl_inv_wait(u, u->wait) != IQEI_NONE)
			mdl_iq_error(u, IQEI_NONE);
	}
	mdl_iq_run(u);
}

void mdl_ccmd_run(struct mdl_vtd *u)
{
	uint64_t *r = &u->st.r[R_CCMD];
	uint64_t g = fld_get(CCMD_CIRG, *r);
	struct mdl_inv inv = { .did = (uint16_t)fld_get(CCMD_DID, *r), .sid = (uint16_t)fld_get(CCMD_SID, *r),
			       .fm = (uint8_t)fld_get(CCMD_FM, *r) };

	*r &= ~(CCMD_ICC | CCMD_CAIG);
	if (g == 0 || (u->st.r[R_GSTS] & G_QIE) != 0)
		return; /* CAIG 00: rejected */
	inv.scope = g == 1 ? SCOPE_ALL : g == 2 ? SCOPE_DOMAIN : SCOPE_DEVICE;
	mdl_write_buffer_flush(u);
	mdl_inv_context(&u->cache, &inv);
	mdl_revoke(u);
	*r = fld_set(CCMD_CAIG, *r, g);
}

void mdl_iotlb_run(struct mdl_vtd *u)
{
	uint64_t *r = &u->st.r[R_IOTLB];
	uint64_t iva = u->st.r[R_IVA], g = fld_get(IOTLB_IIRG, *r), am = fld_get(IVA_AM, iva);
	struct mdl_inv inv = { .did = (uint16_t)fld_get(IOTLB_DID, *r), .leaf_only = (iva & IVA_IH) != 0 };

	*r &= ~(IOTLB_IVT | IOTLB_IAIG);
	if (g == 3 && !mdl_cap(&u->st, CAP_PSI))
		g = 2;
	if (g == 0 || (u->st.r[R_GSTS] & G_QIE) != 0 || (g == 3 && am > fld_get(CAP_MAMV, u->st.cfg->cap)))
		return; /* IAIG 00: rejected */
	inv.scope = g == 1 ? SCOPE_ALL : g == 2 ? SCOPE_DOMAIN : SCOPE_PAGES;
	mdl_write_buffer_flush(u);
	mdl_inv_range(&inv, iva & IVA_ADDR, (unsigned)am);
	mdl_inv_iotlb(&u->cache, &inv);
	mdl_revoke(u);
	*r = fld_set(IOTLB_IAIG, *r, g);
}
