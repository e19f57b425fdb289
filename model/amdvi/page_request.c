/*
 * Page requests (AMD IOMMU 2.6; fact sheet 3.8, 6.3) and translation requests (4.6).
 */
#include "model/amdvi/internal.h"

enum { RSP_SUCCESS, RSP_INVALID, RSP_FAILURE = 15 };

static enum mdl_completion answer(struct mdl_amd *u, const struct mdl_page_request *pr, uint8_t code)
{
	const struct mdl_page_response rsp = { .sid = pr->sid, .has_pasid = pr->has_pasid, .pasid = pr->pasid,
					       .prgi = pr->prgi, .code = code };

	if (pr->last)
		u->env.page_response(u->env.ctx, &rsp);
	return MDL_UR;
}

/* Code, device, PASID and tag lie alike in the PPR log entry and in INVALID_PPR_REQUEST. */
static uint64_t common(const struct mdl_page_request *pr, uint64_t code)
{
	uint64_t pasid = pr->has_pasid ? pr->pasid : 0;

	return FLD(EVT_CODE, code) | FLD(EVT_DEVICE, pr->sid) | FLD(EVTP_PASID, fld_get(BITS(15, 0), pasid)) |
	       FLD(EVTP_PASID_HIGH, fld_get(BITS(19, 16), pasid)) | FLD(EVTP_TAG, pr->prgi) | (pr->last ? PPR_LAST : 0);
}

/* U-46: "invalid request", and the event. */
static enum mdl_completion refuse(struct mdl_amd *u, const struct mdl_page_request *pr)
{
	const uint64_t event[2] = { common(pr, EVT_INVALID_PPR) | (pr->has_pasid ? EVTP_GN : 0), pr->address & PPR_ADDR };

	mdl_amd_event_log(u, event);
	return answer(u, pr, RSP_INVALID);
}

static enum mdl_completion enter(struct mdl_amd *u, const struct mdl_page_request *pr)
{
	const uint64_t entry[2] = {
		common(pr, 1) | (pr->has_pasid && pr->exec ? PPR_X : 0) | (pr->r ? PPR_R : 0) | (pr->w ? PPR_W : 0) |
			(pr->has_pasid && pr->priv ? 0 : PPR_US) | (pr->has_pasid ? PPR_GN : 0),
		pr->address & PPR_ADDR,
	};
	uint8_t code = (uint8_t)fld_get(PPR_AUTO_CODE, u->st.r[AR_PPR_AUTO]);

	if (mdl_amd_ctl(&u->st, CTL_AUTO_ALWAYS))
		return answer(u, pr, code);
	if (mdl_amd_log_put(u, LOG_PPR, entry))
		return MDL_DONE;
	/* Lost: the device has to time out, unless the unit answers by itself. */
	return mdl_amd_ctl(&u->st, CTL_AUTO_RSP) ? answer(u, pr, code) : MDL_UR;
}

enum mdl_completion mdl_amd_page_request(struct mdl_amd *u, const struct mdl_page_request *pr)
{
	const struct mdl_request rq = { .sid = pr->sid, .at = MDL_PAGE_REQUEST, .bytes = 1, .address = pr->address,
					.access = pr->w ? MDL_WRITE : MDL_READ, .has_pasid = pr->has_pasid,
					.priv = pr->priv, .exec = pr->exec, .pasid = pr->pasid };
	struct mdl_amd_result out;
	struct mdl_amd_walk w;
	uint8_t fault;

	if (!mdl_amd_ctl(&u->st, CTL_IOMMU | CTL_PPR))
		return answer(u, pr, RSP_FAILURE);
	fault = mdl_amd_entry(u, &w, &rq, &out);
	if (fault == FR_NONE && (w.dte[0] & DTE0_V) != 0)
		fault = mdl_amd_dte_check(&w);
	if (fault != FR_NONE) {
		mdl_amd_entry_fault(u, &w, fault);
		return answer(u, pr, RSP_FAILURE);
	}
	if ((w.dte[0] & (DTE0_V | DTE0_PPR)) != (DTE0_V | DTE0_PPR) || (pr->has_pasid && (w.dte[0] & DTE0_GV) == 0))
		return refuse(u, pr);
	return enter(u, pr);
}

void mdl_amd_ats(struct mdl_amd *u, const struct mdl_request *rq, struct mdl_ats_completion *c)
{
	struct mdl_amd_result out;

	mdl_amd_lookup(u, rq, &out);
	*c = (struct mdl_ats_completion){ .status = MDL_DONE };
	if (out.kind == MDL_BLOCKED || out.kind == MDL_INTERRUPT)
		c->status = out.fault == FR_INV_TRANSLATED || out.fault == FR_NONE ? MDL_UR : MDL_CA;
	if (out.kind != MDL_OK || (!out.r && !out.w))
		return; /* success without permissions: the device may ask for the page */
	c->bytes = pow2(out.page_bits);
	c->address = align_down(out.address, c->bytes);
	c->r = out.r;
	c->w = out.w;
	c->x = out.x;
	c->u = out.u;
	c->n = out.fc;
	c->priv = out.priv;
	c->global = out.global;
}
