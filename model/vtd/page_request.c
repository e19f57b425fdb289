/*
 * Page requests and their responses (VT-d rev 4.1, 7.4 to 7.6).
 */
#include "model/vtd/internal.h"

static void event(struct mdl_vtd *u, uint64_t bit)
{
	bool was_quiet = (u->st.r[R_PRS] & (PRS_PPR | PRS_PRO)) == 0;

	u->st.r[R_PRS] |= bit;
	if (was_quiet)
		mdl_event_raise(u, R_PECTL);
}

static void build(const struct mdl_page_request *pr, uint64_t q[4])
{
	q[0] = FLD(PRQ0_TYPE, 1) | FLD(PRQ0_RID, pr->sid) | (pr->has_pasid ? PRQ0_PP | FLD(PRQ0_PASID, pr->pasid) : 0) |
	       (pr->has_pasid && pr->exec ? PRQ0_EXR : 0) | (pr->has_pasid && pr->priv ? PRQ0_PMR : 0);
	q[1] = (pr->address & PRQ1_ADDR) | FLD(PRQ1_PRGI, pr->prgi) | (pr->last ? PRQ1_LPIG : 0) |
	       (pr->r ? PRQ1_RDR : 0) | (pr->w ? PRQ1_WRR : 0);
	q[2] = q[3] = 0;
}

/* A request that finds no room is discarded; the last of a group is answered, or the device would wait (U-31). */
static enum mdl_completion discard(struct mdl_vtd *u, const struct mdl_page_request *pr)
{
	struct mdl_page_response rsp = { .sid = pr->sid, .has_pasid = pr->has_pasid, .pasid = pr->pasid,
					 .prgi = pr->prgi };

	if (pr->last && (pr->r || pr->w))
		u->env.page_response(u->env.ctx, &rsp);
	return MDL_UR;
}

static enum mdl_completion enqueue(struct mdl_vtd *u, const struct mdl_page_request *pr)
{
	uint64_t size = pow2(12 + (unsigned)fld_get(PQA_PQS, u->st.r[R_PQA]));
	uint64_t tail = u->st.r[R_PQT] % size, next = (tail + 32) % size;
	uint64_t q[4];

	if ((u->st.r[R_PRS] & PRS_PRO) != 0)
		return discard(u, pr);
	if (next == u->st.r[R_PQH] % size) {
		event(u, PRS_PRO);
		return discard(u, pr);
	}
	build(pr, q);
	if (!u->mem.wr(u->mem.ctx, (u->st.r[R_PQA] & PQA_PQA) + tail, q, sizeof(q)))
		return discard(u, pr);
	u->st.r[R_PQT] = next;
	if (pr->last || !u->st.cfg->choices.u31_ppr_last_only)
		event(u, PRS_PPR);
	return MDL_DONE;
}

enum mdl_completion mdl_vtd_page_request(struct mdl_vtd *u, const struct mdl_page_request *pr)
{
	struct mdl_request rq = { .sid = pr->sid, .at = MDL_PAGE_REQUEST, .address = pr->address, .bytes = 1,
				  .has_pasid = pr->has_pasid, .priv = pr->priv, .exec = pr->exec, .pasid = pr->pasid };
	struct mdl_inv drop = { .scope = SCOPE_ADDRESS };
	struct mdl_result out;

	rq.access = pr->w ? MDL_WRITE : MDL_READ;
	/* Steps 1 to 11 of chapter 3; faults are recorded as of a page request. */
	mdl_vtd_lookup(u, &rq, &out);
	if (out.kind != MDL_OK || !mdl_ecap(&u->st, ECAP_PRS))
		return MDL_UR;
	/* Cached translations of the page go before the request is queued (U-27: whatever their tags). */
	mdl_inv_range(&drop, pr->address, 0);
	mdl_inv_iotlb(&u->cache, &drop);
	mdl_revoke(u);
	return enqueue(u, pr);
}

enum mdl_iqei mdl_inv_response(struct mdl_vtd *u, const uint64_t q[2])
{
	struct mdl_page_response rsp = {
		.sid = (uint16_t)fld_get(INV_RSP_RID, q[0]),
		.has_pasid = (q[0] & INV_RSP_PP) != 0,
		.pasid = (uint32_t)fld_get(INV_PASID, q[0]),
		.prgi = (uint16_t)fld_get(INV1_RSP_PRGI, q[1]),
		.code = (uint8_t)fld_get(INV_RSP_CODE, q[0]),
	};

	u->env.page_response(u->env.ctx, &rsp);
	return IQEI_NONE;
}
