/*
 * Events: what a refusal is called in the event log (AMD IOMMU 2.5), who suppresses it, hardware errors.
 */
#include "model/amdvi/internal.h"

/* kind of what an entry carries besides code and flags */
enum { HAS_NOTHING, HAS_PASID, HAS_DOMAIN };

struct event_desc {
	uint8_t code, type, has;
	uint64_t flags;
};

#define PAGE_FAULT(flags)   { EVT_PAGE_FAULT, 0, HAS_DOMAIN, flags }
#define ILLEGAL_DTE(flags)  { EVT_ILLEGAL_DTE, 0, HAS_PASID, flags }
#define INVALID(type)       { EVT_INVALID_REQUEST, type, HAS_PASID, 0 }

static const struct event_desc events[FR_N] = {
	[FR_ID_OUTSIDE] = PAGE_FAULT(0),                         /* U-31 */
	[FR_DTE_FETCH] = { EVT_DEVTAB_HW, EVT_MASTER_ABORT, HAS_NOTHING, 0 },
	[FR_DTE_RESERVED] = ILLEGAL_DTE(EVT_RZ),
	[FR_DTE_ENCODING] = ILLEGAL_DTE(0),
	[FR_DTE_ENCODING_PAGE] = PAGE_FAULT(EVT_PR),             /* U-32 */
	[FR_DTE_NO_TV] = PAGE_FAULT(0),                          /* U-33 */
	[FR_DTE_PERMISSION] = PAGE_FAULT(EVT_PR | EVT_PE),
	[FR_NO_GUEST] = PAGE_FAULT(0),                           /* U-19 */
	[FR_REACH] = PAGE_FAULT(0),                              /* U-34 */
	[FR_REACH_PRESENT] = PAGE_FAULT(EVT_PR),
	[FR_PT_FETCH] = { EVT_PAGETAB_HW, EVT_MASTER_ABORT, HAS_DOMAIN, 0 },
	[FR_PT_ABSENT] = PAGE_FAULT(0),
	[FR_PT_LEVEL] = PAGE_FAULT(EVT_PR),
	[FR_PT_RESERVED] = PAGE_FAULT(EVT_PR | EVT_RZ),
	[FR_PT_PERMISSION] = PAGE_FAULT(EVT_PR | EVT_PE),
	[FR_PT_SIZE] = PAGE_FAULT(EVT_PR),
	[FR_PT_SKIP] = PAGE_FAULT(EVT_PR),                       /* U-34 */
	[FR_PT_SKIP_ABSENT] = PAGE_FAULT(0),
	[FR_GT_PASID] = PAGE_FAULT(0),
	[FR_GT_FETCH] = { EVT_PAGETAB_HW, EVT_MASTER_ABORT, HAS_DOMAIN, 0 },
	[FR_GT_GCR3_ABSENT] = PAGE_FAULT(0),
	[FR_GT_GCR3_RESERVED] = PAGE_FAULT(EVT_PR | EVT_RZ),
	[FR_GT_CANONICAL] = PAGE_FAULT(0),                       /* U-37 */
	[FR_GT_ABSENT] = PAGE_FAULT(0),
	[FR_GT_RESERVED] = PAGE_FAULT(EVT_PR | EVT_RZ),
	[FR_GT_PERMISSION] = PAGE_FAULT(EVT_PR | EVT_PE),
	[FR_INV_INT_READ] = INVALID(0),
	[FR_INV_TRANSLATED] = INVALID(1),
	[FR_INV_PORT] = INVALID(2),
	[FR_INV_SYSMGT_POSTED] = INVALID(3),
	[FR_INV_SYSMGT_READ] = INVALID(4),
	[FR_INV_INTCTL] = INVALID(5),
	[FR_INV_INT_WRITE] = INVALID(6),
	[FR_INV_SPECIAL] = INVALID(7),
	[FR_IR_DTE_RESERVED] = ILLEGAL_DTE(EVT_I | EVT_RZ),
	[FR_IR_INTCTL] = ILLEGAL_DTE(EVT_I | EVT_RZ),
	[FR_IR_LENGTH] = ILLEGAL_DTE(EVT_I),
	[FR_IR_PASID] = PAGE_FAULT(EVT_I),
	[FR_IR_INDEX] = PAGE_FAULT(EVT_I),
	[FR_IR_FETCH] = { EVT_PAGETAB_HW, EVT_MASTER_ABORT, HAS_DOMAIN, EVT_I }, /* U-39 */
	[FR_IR_ABSENT] = PAGE_FAULT(EVT_I),
	[FR_IR_RESERVED] = PAGE_FAULT(EVT_I | EVT_PR | EVT_RZ),
	[FR_IR_BLOCKED] = INVALID(5),                            /* U-39 */
};

bool mdl_amd_is_page_fault(uint8_t fault)
{
	return events[fault].code == EVT_PAGE_FAULT;
}

/* RW, NX and US: only where they mean something (fact table 3.7). */
static uint64_t request_flags(const struct mdl_amd_walk *w, const struct event_desc *d, uint64_t flags)
{
	bool write = w->rq->access == MDL_WRITE || w->rq->access == MDL_ATOMIC;
	bool present = (flags & EVT_PR) != 0 || w->st->cfg->choices.u29_rw_always;
	bool guest = (flags & (EVT_GN | EVT_PR)) == (EVT_GN | EVT_PR);
	uint64_t f = 0;

	if (w->rq->at == MDL_TRANSLATION && d->code != EVT_PAGE_FAULT)
		f |= EVT_TR;
	if ((flags & EVT_I) != 0)
		return f;
	if (write && d->code != EVT_INVALID_REQUEST && (d->code != EVT_PAGE_FAULT || present))
		f |= EVT_RW;
	if (d->code == EVT_PAGE_FAULT && guest && w->rq->exec)
		f |= EVT_NX;
	if (d->code == EVT_PAGE_FAULT && guest && !(w->rq->has_pasid && w->rq->priv))
		f |= EVT_US;
	return f;
}

bool mdl_amd_event(const struct mdl_amd_walk *w, uint8_t fault, uint64_t event[2])
{
	const struct event_desc *d = &events[fault];
	bool host_side = w->fault_host && w->st->cfg->choices.u37_host_fault_gpa;
	bool gn = d->has != HAS_NOTHING && w->gn && !host_side;
	uint64_t flags = d->flags | (gn ? EVT_GN : 0) | (w->interrupt && d->code != EVT_INVALID_REQUEST ? EVT_I : 0);
	uint64_t e = FLD(EVT_CODE, d->code) | FLD(EVT_DEVICE, w->rq->sid);

	if (d->code == 0)
		return false;
	e |= flags | request_flags(w, d, flags) |
	     FLD(d->code == EVT_INVALID_REQUEST ? EVT_INV_TYPE : EVT_TYPE, d->type);
	if (gn)
		e |= FLD(EVT_PASID_HIGH, fld_get(BITS(19, 16), w->pasid)) |
		     FLD(EVT_DOMAIN, fld_get(BITS(15, 0), w->pasid));
	else if (d->has == HAS_DOMAIN)
		e |= FLD(EVT_DOMAIN, w->domain);
	event[0] = e;
	event[1] = host_side ? w->fault_address : w->rq->address;
	if (d->code == EVT_ILLEGAL_DTE)
		event[1] &= ~BITS(1, 0);
	if (d->code == EVT_DEVTAB_HW || d->code == EVT_PAGETAB_HW)
		event[1] = w->fault_pa;
	return true;
}

/* Hardware errors are latched whether or not the log runs (fact sheet 6.2); without HESup nobody can read them. */
static void latch(struct mdl_amd *u, const uint64_t event[2])
{
	uint64_t *status = &u->st.r[AR_HEV_STATUS];
	unsigned at = u->st.cfg->choices.u11_hev_high ? 1 : 0;
	bool held = (*status & pow2(at)) != 0;

	*status |= pow2(at) | (held ? pow2(at + 1) : 0);
	if (held && !u->st.cfg->choices.u45_last_kept)
		return;
	u->st.r[AR_HEV_UPPER] = event[0];
	u->st.r[AR_HEV_LOWER] = event[1];
}

void mdl_amd_event_log(struct mdl_amd *u, const uint64_t event[2])
{
	uint64_t code = fld_get(EVT_CODE, event[0]);

	if (code == EVT_DEVTAB_HW || code == EVT_PAGETAB_HW || code == EVT_COMMAND_HW)
		latch(u, event);
	mdl_amd_log_put(u, LOG_EVENT, event);
}

void mdl_amd_event_of(struct mdl_amd *u, const struct mdl_amd_result *out, uint16_t sid)
{
	struct mdl_cached seen = { .key = { .kind = K_LOGGED, .did = sid } };

	if (!out->recorded)
		return;
	if (out->once) {
		if (mdl_cache_find(&u->cache.logged, &seen.key) != NULL)
			return;
		mdl_cache_put(&u->cache.logged, &seen);
	}
	mdl_amd_event_log(u, out->event);
}
