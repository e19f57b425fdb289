/*
 * A unit as a whole: power-on, reset, what register writes set off, and transactions of devices through the caches.
 */
#include "model/vtd/internal.h"

#define CACHE_ENTRIES 4096u
#define CACHES        5u
#define RETRIES       4u

static uint32_t cache_entries(const struct mdl_vtd_config *c)
{
	return c->cache_entries == 0 ? CACHE_ENTRIES : c->cache_entries;
}

size_t mdl_vtd_cache_bytes(const struct mdl_vtd_config *c)
{
	return CACHES * mdl_cache_bytes(cache_entries(c));
}

static void derive(struct mdl_vtd_state *st)
{
	uint64_t above = ~(pow2(st->cfg->haw) - 1);
	uint64_t hole = BITS(51, 0) & above;
	uint64_t snp = mdl_ecap(st, ECAP_SC) || st->cfg->choices.u12_snp_ignored ? 0 : SS_SNP;
	uint64_t no_2m = mdl_cap(st, CAP_SSLPS_2M) ? 0 : SS_PS, no_1g = mdl_cap(st, CAP_SSLPS_1G) ? 0 : SS_PS;

	st->d.above_haw = above;
	st->d.addr = BITS(63, 12) & ~above;
	st->d.mgaw = (unsigned)fld_get(CAP_MGAW, st->cfg->cap) + 1;
	for (unsigned level = 1; level <= 5; level++) {
		/* 9.8: bit 11 and 62 reserved, bits 51:HAW, bit 7 above the directories. */
		st->d.ss_rsvd[level][0] = hole | SS_BIT62 | SS_SNP | (level >= 4 ? SS_PS : 0);
		st->d.ss_rsvd[level][1] = hole | SS_BIT62 | snp;
		/* 9.7 */
		st->d.fs_rsvd[level][0] = hole | (level >= 4 ? FS_PS : 0);
		st->d.fs_rsvd[level][1] = hole;
	}
	st->d.ss_rsvd[2][1] |= BITS(20, 12) | no_2m;
	st->d.ss_rsvd[3][1] |= BITS(29, 12) | no_1g;
	st->d.fs_rsvd[2][1] |= BITS(20, 13);
	st->d.fs_rsvd[3][1] |= BITS(29, 13) | (mdl_cap(st, CAP_FS1GP) ? 0 : FS_PS);
}

static void power_on(struct mdl_vtd *u, bool warm)
{
	mdl_regs_reset(u, warm);
	u->st.root = u->st.irt = 0;
	u->frcd_index = 0;
	u->gcmd = u->gcmd_polls = 0;
	u->devtlb_n = 0;
	u->devtlb_reads = 0;
	u->wait_held = u->iq_running = false;
	mdl_inv_dma_all(&u->cache);
	mdl_cache_clear(&u->cache.iec);
}

void mdl_vtd_state_translating(struct mdl_vtd_state *st, const struct mdl_vtd_config *c, uint64_t root, unsigned ttm)
{
	st->cfg = c;
	derive(st);
	st->r[R_GSTS] = G_TE;
	st->root = root | FLD(RTADDR_TTM, ttm);
}

enum status mdl_vtd_init(struct mdl_vtd *u, const struct mdl_vtd_config *c, const struct mdl_mem *mem,
			 const struct mdl_env *env, void *cache_memory)
{
	enum status s = mdl_vtd_config_check(c, NULL);

	if (s != OK)
		return s;
	*u = (struct mdl_vtd){ .mem = *mem, .env = *env };
	u->st.cfg = c;
	derive(&u->st);
	mdl_caches_init(&u->cache, cache_entries(c), cache_memory);
	power_on(u, false);
	return OK;
}

void mdl_vtd_reset_warm(struct mdl_vtd *u)
{
	power_on(u, true);
}

uint32_t mdl_vtd_cached(const struct mdl_vtd *u)
{
	return u->cache.context.n + u->cache.pasid.n + u->cache.paging.n + u->cache.iotlb.n + u->cache.iec.n;
}

static void clear_ip_when_quiet(struct mdl_vtd *u, enum mdl_reg status, enum mdl_reg ectl)
{
	if (u->st.r[status] == 0)
		mdl_event_clear(u, ectl);
}

void mdl_reg_effect(struct mdl_vtd *u, enum mdl_reg r, uint64_t value, uint64_t mask)
{
	switch (r) {
	case R_GCMD:
		mdl_gcmd_write(u, (uint32_t)(value & mask));
		break;
	case R_CCMD:
		if ((value & mask & CCMD_ICC) != 0)
			mdl_ccmd_run(u);
		break;
	case R_IOTLB:
		if ((value & mask & IOTLB_IVT) != 0)
			mdl_iotlb_run(u);
		break;
	case R_FSTS:
		mdl_fsts_serviced(u);
		mdl_iq_run(u); /* clearing IQE or ITE lets the queue go on */
		break;
	case R_FECTL: case R_IECTL: case R_PECTL:
		mdl_event_unmasked(u, r);
		break;
	case R_ICS:
		clear_ip_when_quiet(u, R_ICS, R_IECTL);
		break;
	case R_PRS:
		clear_ip_when_quiet(u, R_PRS, R_PECTL);
		break;
	case R_IQT:
		mdl_iq_run(u);
		break;
	case R_PMEN:
		mdl_revoke(u);
		u->st.r[R_PMEN] = fld_set(PMEN_PRS, u->st.r[R_PMEN], (u->st.r[R_PMEN] & PMEN_EPM) != 0);
		break;
	case R_VCMD:
		mdl_vcmd_run(u);
		break;
	default:
		break;
	}
}

/* Carries out the A/D updates of a walk. False: memory is no more what the walk saw; *fault: it rejects the update. */
static bool apply_updates(struct mdl_vtd *u, const struct mdl_result *out, uint8_t *fault)
{
	for (unsigned i = 0; i < out->updates_n; i++) {
		const struct mdl_update *up = &out->updates[i];
		uint64_t seen;

		if (!u->mem.cas64(u->mem.ctx, up->pa, up->old, up->old | up->set, &seen)) {
			*fault = up->fault;
			return true;
		}
		if (seen != up->old)
			return false;
	}
	return true;
}

static void block(struct mdl_vtd *u, struct mdl_walk *w, uint8_t fault)
{
	w->out->kind = MDL_BLOCKED;
	w->out->fault = fault;
	w->out->ca = true;
	w->out->recorded = !(w->fpd && mdl_fault_qualified(&u->st, fault));
	if (w->out->recorded)
		mdl_fault_record(&u->st, w->rq, fault, w->out->record);
}

void mdl_vtd_lookup(struct mdl_vtd *u, const struct mdl_request *rq, struct mdl_result *out)
{
	uint8_t fault = FR_NONE;
	struct mdl_walk w;

	w.st = &u->st;
	w.mem = &u->mem;
	w.cache = u->st.cfg->lazy ? NULL : &u->cache;
	w.rq = rq;
	w.out = out;
	for (unsigned i = 0; i < RETRIES; i++) {
		mdl_walk_run(&w);
		if (apply_updates(u, out, &fault))
			break;
	}
	if (fault != FR_NONE)
		block(u, &w, fault);
	else
		mdl_walk_keep(&w);
	if (out->recorded)
		mdl_fault_log(u, out->record);
}

static bool access(struct mdl_vtd *u, const struct mdl_request *rq, uint64_t pa, void *data)
{
	switch (rq->access) {
	case MDL_WRITE:
		return u->mem.wr(u->mem.ctx, pa, data, rq->bytes);
	case MDL_READ:
		return u->mem.rd(u->mem.ctx, pa, data, rq->bytes);
	case MDL_ATOMIC:
		return mdl_fetch_add(&u->mem, pa, rq->bytes, data);
	default:
		return true; /* zero-length read: the translation was all */
	}
}

enum mdl_completion mdl_vtd_dma(struct mdl_vtd *u, const struct mdl_request *rq, void *data)
{
	struct mdl_result out;
	uint32_t word = 0;

	mdl_vtd_lookup(u, rq, &out);
	if (out.kind == MDL_INTERRUPT) {
		for (unsigned i = 0; i < 4; i++)
			word |= (uint32_t)shl(((const uint8_t *)data)[i], 8 * i);
		return mdl_vtd_interrupt(u, rq->sid, rq->address, word);
	}
	if (out.kind != MDL_OK)
		return MDL_UR;
	return access(u, rq, out.address, data) ? MDL_DONE : MDL_UR;
}

/* ---- as the fabric takes it ---- */

static enum mdl_completion ops_dma(void *unit, const struct mdl_request *rq, void *data)
{
	return mdl_vtd_dma(unit, rq, data);
}

static void ops_ats(void *unit, const struct mdl_request *rq, struct mdl_ats_completion *out)
{
	mdl_vtd_ats(unit, rq, out);
}

static enum mdl_completion ops_page_request(void *unit, const struct mdl_page_request *pr)
{
	return mdl_vtd_page_request(unit, pr);
}

static void ops_devtlb_answer(void *unit, uint16_t sid)
{
	mdl_vtd_devtlb_answer(unit, sid);
}

static bool ops_direct(void *unit, const struct mdl_request *rq, struct mdl_direct *out)
{
	struct mdl_result r;

	mdl_vtd_lookup(unit, rq, &r);
	if (r.kind != MDL_OK)
		return false;
	out->bytes = pow2(r.page_bits);
	out->address = align_down(r.address, out->bytes);
	return true;
}

/* Where it lies is the platform's choice: base and the room there stay what they are. */
static const struct mmio_ops *ops_window(void *unit, uint64_t *base, uint32_t *bytes)
{
	(void)unit, (void)base, (void)bytes;
	return &mdl_vtd_mmio;
}

const struct mdl_unit_ops mdl_vtd_ops = {
	.dma = ops_dma, .ats = ops_ats, .page_request = ops_page_request, .devtlb_answer = ops_devtlb_answer,
	.direct = ops_direct, .window = ops_window,
};
