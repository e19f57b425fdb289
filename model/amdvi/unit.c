/*
 * A unit as a whole: power-on, reset, what register writes set off, and transactions of devices through the caches.
 */
#include "model/amdvi/internal.h"

#define CACHE_ENTRIES 4096u
#define CACHES        6u
#define RETRIES       4u

static uint32_t cache_entries(const struct mdl_amd_config *c)
{
	return c->cache_entries == 0 ? CACHE_ENTRIES : c->cache_entries;
}

size_t mdl_amd_cache_bytes(const struct mdl_amd_config *c)
{
	return CACHES * mdl_cache_bytes(cache_entries(c));
}

/* Fields of absent features count as reserved (fact sheet 3.1). */
static void derive(struct mdl_amd_state *st)
{
	uint64_t efr = st->cfg->efr;
	uint64_t *r = st->d.dte_rsvd;
	bool gt = (efr & EFR_GT) != 0;

	r[0] = DTE0_RSVD | ((efr & EFR_HA) != 0 ? 0 : DTE0_HAD) | ((efr & EFR_HD) != 0 ? 0 : BIT(8)) |
	       ((efr & EFR_PPR) != 0 ? 0 : DTE0_PPR | DTE0_GPRP) | ((efr & EFR_GIO) != 0 ? 0 : DTE0_GIOV) |
	       (gt ? 0 : DTE0_GV | DTE0_GLX | DTE0_GCR3_LOW);
	r[1] = DTE1_RSVD | (gt ? 0 : DTE1_GCR3_MIDDLE | DTE1_GCR3_HIGH) |
	       ((st->cfg->header & CAPH_IOTLB) != 0 ? 0 : DTE1_I);
	r[2] = DTE2_RSVD | (gt ? 0 : DTE2_GUEST_MODE);
	r[3] = DTE3_RSVD | DTE3_VIOMMU | ((efr & EFR_ATTR_FW) != 0 ? 0 : DTE3_ATTR);
	st->d.host_levels = fld_get(EFR_HATS, efr) == HATS_NONE ? 0 : (uint8_t)(4 + fld_get(EFR_HATS, efr));
	st->d.guest_levels = gt ? (uint8_t)(4 + fld_get(EFR_GATS, efr)) : 0;
}

void mdl_amd_state_translating(struct mdl_amd_state *st, const struct mdl_amd_config *c, uint64_t devtab, uint64_t ctl)
{
	*st = (struct mdl_amd_state){ .cfg = c };
	derive(st);
	st->r[AR_DEVTAB] = devtab;
	st->r[AR_CTL] = ctl | CTL_IOMMU;
}

void mdl_amd_reset(struct mdl_amd *u)
{
	mdl_amd_regs_reset(u);
	mdl_amd_config_reset(u);
	u->cmd_stopped = u->cmd_running = u->evt_stopped = u->ppr_stopped = u->ga_stopped = u->wait_held = false;
	u->unanswered_n = u->deferred_n = 0;
	u->unanswered_reads = 0;
	mdl_amd_caches_clear(&u->cache);
}

enum status mdl_amd_init(struct mdl_amd *u, const struct mdl_amd_config *c, const struct mdl_mem *mem,
			 const struct mdl_env *env, void *cache_memory)
{
	enum status s = mdl_amd_config_check(c, NULL);

	if (s != OK)
		return s;
	*u = (struct mdl_amd){ .mem = *mem, .env = *env };
	u->st.cfg = c;
	derive(&u->st);
	mdl_amd_caches_init(&u->cache, cache_entries(c), cache_memory);
	mdl_amd_reset(u);
	return OK;
}

void mdl_amd_place(struct mdl_amd *u, uint16_t devid, uint64_t base)
{
	u->devid = devid;
	u->base = base;
	mdl_amd_config_reset(u);
}

uint32_t mdl_amd_cached(const struct mdl_amd *u)
{
	return u->cache.dte.n + u->cache.paging.n + u->cache.iotlb.n + u->cache.gcr3.n + u->cache.irt.n;
}

void mdl_amd_reg_effect(struct mdl_amd *u, enum mdl_amd_reg r, uint64_t before)
{
	switch (r) {
	case AR_DEVTAB:
		mdl_amd_revoke(u);
		break;
	case AR_CTL:
		mdl_amd_revoke(u);
		mdl_amd_log_control(u);
		if (((before ^ u->st.r[AR_CTL]) & (CTL_CMD | CTL_IOMMU)) != 0)
			mdl_amd_commands_control(u);
		break;
	case AR_STATUS:
		mdl_amd_log_control(u); /* a cleared overflow lets a log run that was switched on again */
		break;
	case AR_CMD_TAIL:
		mdl_amd_commands_run(u);
		break;
	default:
		break;
	}
}

/* Carries out the A/D updates of a walk. False: memory is no more what the walk saw; *failed: it rejects one. */
static bool apply_updates(struct mdl_amd *u, const struct mdl_amd_result *out, uint64_t *failed)
{
	for (unsigned i = 0; i < out->updates_n; i++) {
		const struct mdl_update *up = &out->updates[i];
		uint64_t seen;

		if (!u->mem.cas64(u->mem.ctx, up->pa, up->old, up->old | up->set, &seen)) {
			*failed = up->pa;
			return true;
		}
		if (seen != up->old)
			return false;
	}
	return true;
}

static void walk_init(struct mdl_amd *u, struct mdl_amd_walk *w, const struct mdl_request *rq,
		      struct mdl_amd_result *out)
{
	w->st = &u->st;
	w->mem = &u->mem;
	w->cache = u->st.cfg->lazy ? NULL : &u->cache;
	w->rq = rq;
	w->out = out;
}

static void block(struct mdl_amd_walk *w, uint64_t failed)
{
	w->fault_pa = failed;
	w->out->kind = MDL_BLOCKED;
	w->out->fault = FR_PT_FETCH;
	w->out->once = false;
	w->out->recorded = mdl_amd_event(w, FR_PT_FETCH, w->out->event);
}

void mdl_amd_lookup(struct mdl_amd *u, const struct mdl_request *rq, struct mdl_amd_result *out)
{
	uint64_t failed = UINT64_MAX;
	struct mdl_amd_walk w;

	walk_init(u, &w, rq, out);
	for (unsigned i = 0; i < RETRIES; i++) {
		mdl_amd_walk_run(&w);
		if (apply_updates(u, out, &failed))
			break;
	}
	if (failed != UINT64_MAX)
		block(&w, failed);
	else
		mdl_amd_walk_keep(&w);
	if (out->kind == MDL_BLOCKED)
		mdl_amd_target_abort(u);
	mdl_amd_event_of(u, out, rq->sid);
}

uint8_t mdl_amd_entry(struct mdl_amd *u, struct mdl_amd_walk *w, const struct mdl_request *rq,
		      struct mdl_amd_result *out)
{
	uint8_t fault;

	walk_init(u, w, rq, out);
	mdl_amd_walk_begin(w);
	fault = mdl_amd_dte_fetch(w);
	if (fault == FR_NONE)
		mdl_amd_walk_keep(w);
	return fault;
}

void mdl_amd_entry_fault(struct mdl_amd *u, struct mdl_amd_walk *w, uint8_t fault)
{
	uint64_t event[2];

	if (mdl_amd_event(w, fault, event))
		mdl_amd_event_log(u, event);
}

static bool access(struct mdl_amd *u, const struct mdl_request *rq, uint64_t pa, void *data)
{
	switch (rq->access) {
	case MDL_WRITE:
		return u->mem.wr(u->mem.ctx, pa, data, rq->bytes);
	case MDL_READ:
		return u->mem.rd(u->mem.ctx, pa, data, rq->bytes);
	case MDL_ATOMIC:
		return (rq->bytes == 4 || rq->bytes == 8) && is_aligned(pa, rq->bytes) &&
		       mdl_fetch_add(&u->mem, pa, rq->bytes, data);
	default:
		return true; /* zero-length read: the translation was all */
	}
}

enum mdl_completion mdl_amd_dma(struct mdl_amd *u, const struct mdl_request *rq, void *data)
{
	struct mdl_amd_result out;
	uint32_t word = 0;

	mdl_amd_lookup(u, rq, &out);
	if (out.kind == MDL_INTERRUPT) {
		for (unsigned i = 0; i < 4; i++)
			word |= (uint32_t)shl(((const uint8_t *)data)[i], 8 * i);
		return mdl_amd_interrupt(u, rq->sid, rq->address, word);
	}
	if (out.kind != MDL_OK)
		return MDL_UR;
	return access(u, rq, out.address, data) ? MDL_DONE : MDL_UR;
}

/* ---- as the fabric takes it ---- */

static enum mdl_completion ops_dma(void *unit, const struct mdl_request *rq, void *data)
{
	return mdl_amd_dma(unit, rq, data);
}

static void ops_ats(void *unit, const struct mdl_request *rq, struct mdl_ats_completion *out)
{
	mdl_amd_ats(unit, rq, out);
}

static enum mdl_completion ops_page_request(void *unit, const struct mdl_page_request *pr)
{
	return mdl_amd_page_request(unit, pr);
}

static void ops_devtlb_answer(void *unit, uint16_t sid)
{
	mdl_amd_devtlb_answer(unit, sid);
}

static bool ops_direct(void *unit, const struct mdl_request *rq, struct mdl_direct *out)
{
	struct mdl_amd_result r;

	mdl_amd_lookup(unit, rq, &r);
	if (r.kind != MDL_OK)
		return false;
	out->bytes = pow2(r.page_bits);
	out->address = align_down(r.address, out->bytes);
	return true;
}

static const struct mmio_ops *ops_window(void *unit, uint64_t *base, uint32_t *bytes)
{
	const struct mdl_amd *u = unit;

	*base = u->base;
	*bytes = mdl_amd_window_bytes(u->st.cfg);
	return (mdl_amd_cfg_rd(u, MDL_AMD_CAPABILITY + 4, 4) & CAP_BASE_ENABLE) != 0 ? &mdl_amd_mmio : NULL;
}

static uint32_t ops_cfg_rd(void *unit, uint32_t off, unsigned bytes)
{
	return mdl_amd_cfg_rd(unit, off, bytes);
}

static void ops_cfg_wr(void *unit, uint32_t off, uint32_t v, unsigned bytes)
{
	mdl_amd_cfg_wr(unit, off, v, bytes);
}

const struct mdl_unit_ops mdl_amd_ops = {
	.dma = ops_dma, .ats = ops_ats, .page_request = ops_page_request, .devtlb_answer = ops_devtlb_answer,
	.direct = ops_direct, .window = ops_window, .cfg_rd = ops_cfg_rd, .cfg_wr = ops_cfg_wr,
};
