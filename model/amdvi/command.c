/*
 * The command buffer (AMD IOMMU 2.4): fetching, and what each command asks for. Commands run as soon as the tail moves;
 * where the configuration says so, invalidations wait for the next COMPLETION_WAIT.
 */
#include "model/amdvi/internal.h"

#define PATIENCE      256u
#define PREFETCH_MAX  8u

enum outcome { CARRIED_OUT, HELD, ILLEGAL, STORE_FAILED };

/* ---- stopping and going on (fact sheet 5.5) ---- */

static void stop(struct mdl_amd *u, uint8_t code, uint64_t type, uint64_t pa)
{
	const uint64_t event[2] = { FLD(EVT_CODE, code) | FLD(EVT_TYPE, type), pa };
	uint64_t size = pow2(4 + (unsigned)fld_get(RING_LEN, u->st.r[AR_CMD_BASE]));

	u->cmd_stopped = true;
	u->st.r[AR_STATUS] &= ~ST_CMD_RUN;
	if (u->st.cfg->choices.u44_head_after)
		u->st.r[AR_CMD_HEAD] = (u->st.r[AR_CMD_HEAD] + 16) % size;
	mdl_amd_event_log(u, event);
}

void mdl_amd_commands_control(struct mdl_amd *u)
{
	bool on = mdl_amd_ctl(&u->st, CTL_CMD | CTL_IOMMU);

	if (!on) {
		u->cmd_stopped = u->wait_held = false;
		u->unanswered_n = 0;
	}
	if (on && !u->cmd_stopped)
		u->st.r[AR_STATUS] |= ST_CMD_RUN;
	else
		u->st.r[AR_STATUS] &= ~ST_CMD_RUN;
	mdl_amd_commands_run(u);
}

/* ---- invalidations ---- */

static void carry_out(struct mdl_amd *u, const uint64_t q[2])
{
	struct mdl_amd_inv inv = {
		.id = (uint16_t)fld_get(CMD0_DOMAIN, q[0]),
		.pde = (q[1] & CMD1_PDE) != 0,
		.guest = (q[1] & CMD1_GN) != 0,
		.pasid = (uint32_t)fld_get(CMD0_PAGES_PASID, q[0]),
	};

	switch (fld_get(CMD_OP, q[0])) {
	case CMD_INV_DEVTAB:
		mdl_amd_inv_devtab(u, (uint16_t)fld_get(CMD0_DEVICE, q[0]));
		break;
	case CMD_INV_PAGES:
		mdl_amd_range(q[1] & CMD1_ADDR, (q[1] & CMD1_S) != 0, &inv.first, &inv.last);
		mdl_amd_inv_pages(u, &inv);
		break;
	case CMD_INV_INT:
		mdl_amd_inv_interrupts(u, (uint16_t)fld_get(CMD0_DEVICE, q[0]));
		break;
	default:
		mdl_amd_caches_clear(&u->cache);
		break;
	}
}

static void carry_out_deferred(struct mdl_amd *u)
{
	for (unsigned i = 0; i < u->deferred_n; i++)
		carry_out(u, u->deferred[i]);
	u->deferred_n = 0;
}

static void invalidate(struct mdl_amd *u, const uint64_t q[2])
{
	if (!u->st.cfg->defer) {
		carry_out(u, q);
		return;
	}
	if (u->deferred_n == MDL_AMD_PENDING_MAX)
		carry_out_deferred(u);
	u->deferred[u->deferred_n][0] = q[0];
	u->deferred[u->deferred_n++][1] = q[1];
}

/* 4h: U-23 chooses where the pieces of the PASID are. */
static uint32_t tlb_pasid(const struct mdl_amd *u, uint64_t q)
{
	if (u->st.cfg->choices.u23_pasid_low_first)
		return (uint32_t)(fld_get(BITS(23, 16), q) | FLD(BITS(19, 8), fld_get(BITS(59, 48), q)));
	return (uint32_t)(fld_get(CMD0_TLB_PASID_7, q) | FLD(BITS(15, 8), fld_get(CMD0_TLB_PASID_15, q)) |
			  FLD(BITS(19, 16), fld_get(CMD0_TLB_PASID_19, q)));
}

/* True where the entry of the device lets it have translations: else there is nobody whose answer would matter. */
static bool may_have_translations(struct mdl_amd *u, uint16_t sid)
{
	const struct mdl_request rq = { .sid = sid };
	struct mdl_amd_result out;
	struct mdl_amd_walk w;

	return mdl_amd_entry(u, &w, &rq, &out) == FR_NONE && (w.dte[0] & DTE0_V) != 0 && (w.dte[1] & DTE1_I) != 0;
}

static void invalidate_device(struct mdl_amd *u, const uint64_t q[2], uint64_t pa)
{
	struct mdl_devtlb_inv inv = { .sid = (uint16_t)fld_get(CMD0_DEVICE, q[0]), .has_pasid = (q[1] & CMD1_GN) != 0 };
	uint64_t last;

	inv.pasid = inv.has_pasid ? tlb_pasid(u, q[0]) : 0;
	mdl_amd_range(q[1] & CMD1_ADDR, (q[1] & CMD1_S) != 0, &inv.address, &last);
	inv.bytes = last - inv.address + 1; /* everything: 0 */
	if (!u->env.devtlb_invalidate(u->env.ctx, &inv) && may_have_translations(u, inv.sid) &&
	    u->unanswered_n < MDL_AMD_PENDING_MAX)
		u->unanswered[u->unanswered_n++] = (struct mdl_amd_unanswered){ inv.sid, pa };
}

/* ---- the other commands ---- */

static enum outcome completion_wait(struct mdl_amd *u, const uint64_t q[2], uint64_t *failed)
{
	uint8_t bytes[8];

	if (u->unanswered_n != 0)
		return HELD;
	carry_out_deferred(u);
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)shr(q[1], 8 * i);
	*failed = q[0] & CMD0_STORE;
	if ((q[0] & CMD0_S) != 0 && !u->mem.wr(u->mem.ctx, *failed, bytes, 8))
		return STORE_FAILED;
	if ((q[0] & CMD0_I) != 0)
		mdl_amd_raise(u, ST_WAIT_INT, CTL_WAIT_INT, LOG_EVENT);
	return CARRIED_OUT;
}

/* A hint: the model takes it, so that what is stale afterwards is stale by somebody's mistake. */
static void prefetch(struct mdl_amd *u, const uint64_t q[2])
{
	struct mdl_request rq = { .sid = (uint16_t)fld_get(CMD0_DEVICE, q[0]), .access = MDL_READ, .bytes = 1,
				  .has_pasid = (q[1] & CMD1_GN) != 0 };
	unsigned pages = (unsigned)min_u64(fld_get(BITS(31, 24), q[0]) + 1, PREFETCH_MAX);
	struct mdl_amd_result out;
	struct mdl_amd_walk w = { .st = &u->st, .mem = &u->mem, .rq = &rq, .out = &out,
				  .cache = u->st.cfg->lazy ? NULL : &u->cache };
	struct mdl_amd_inv inv = { .guest = rq.has_pasid };
	uint64_t last;

	rq.pasid = rq.has_pasid ? (uint32_t)fld_get(CMD0_PASID, q[0]) : 0;
	inv.pasid = rq.pasid;
	mdl_amd_range(q[1] & CMD1_ADDR, (q[1] & CMD1_S) != 0, &rq.address, &last);
	if ((q[1] & CMD1_INVAL) != 0) {
		mdl_amd_walk_run(&w);
		inv.id = w.domain;
		inv.first = rq.address;
		inv.last = last;
		mdl_amd_inv_pages(u, &inv);
	}
	for (unsigned i = 0; i < pages; i++, rq.address += PAGE_BYTES) {
		mdl_amd_walk_run(&w);
		if (out.kind == MDL_OK && out.updates_n == 0)
			mdl_amd_walk_keep(&w);
	}
}

static void complete_ppr(struct mdl_amd *u, const uint64_t q[2])
{
	const struct mdl_page_response rsp = {
		.sid = (uint16_t)fld_get(CMD0_DEVICE, q[0]),
		.has_pasid = (q[1] & CMD1_GN) != 0,
		.pasid = (uint32_t)fld_get(CMD0_PASID, q[0]),
		.prgi = (uint16_t)fld_get(CMD1_TAG, q[1]),
		.code = (uint8_t)fld_get(CMD1_CODE, q[1]),
	};

	u->env.page_response(u->env.ctx, &rsp);
}

/* ---- one command ---- */

struct command_desc {
	uint64_t rsvd0, rsvd1;
	uint64_t efr, header;    /* what the unit must have */
};

static const struct command_desc commands[] = {
	[CMD_COMPLETION_WAIT] = { BITS(59, 52), 0, 0, 0 },
	[CMD_INV_DEVTAB] = { BITS(59, 16), BITS(63, 0), 0, 0 },
	[CMD_INV_PAGES] = { BITS(31, 20) | BITS(59, 48), BITS(11, 3), 0, 0 },
	[CMD_INV_IOTLB] = { 0, BIT(1) | BIT(3) | BITS(11, 6), 0, CAPH_IOTLB },
	[CMD_INV_INT] = { BITS(59, 16), BITS(63, 0), 0, 0 },
	[CMD_PREFETCH] = { BITS(23, 16) | BITS(59, 52), BIT(1) | BIT(3) | BITS(11, 5), EFR_PREF, 0 },
	[CMD_COMPLETE_PPR] = { BITS(31, 16) | BITS(59, 52), BITS(1, 0) | BITS(31, 3) | BITS(63, 48), EFR_PPR, 0 },
	[CMD_INV_ALL] = { BITS(59, 0), BITS(63, 0), EFR_IA, 0 },
};

static bool legal(const struct mdl_amd *u, const uint64_t q[2])
{
	uint64_t op = fld_get(CMD_OP, q[0]);
	const struct command_desc *d;

	if (op == 0 || op >= ARRAY_LEN(commands))
		return false;
	d = &commands[op];
	if ((u->st.cfg->efr & d->efr) != d->efr || (u->st.cfg->header & d->header) != d->header)
		return false;
	if ((q[0] & d->rsvd0) != 0 || (q[1] & d->rsvd1) != 0)
		return false;
	/* Guest addresses only where there are guests; the type of 4h only where it exists. */
	if ((op == CMD_INV_PAGES || op == CMD_INV_IOTLB || op == CMD_PREFETCH) && (q[1] & CMD1_GN) != 0 &&
	    !mdl_amd_efr(&u->st, EFR_GT))
		return false;
	return op != CMD_INV_IOTLB || (q[1] & CMD1_TYPE) == 0 || mdl_amd_efr(&u->st, EFR_INV_TYPE);
}

static enum outcome one(struct mdl_amd *u, const uint64_t q[2], uint64_t pa, uint64_t *failed)
{
	if (!legal(u, q))
		return ILLEGAL;
	if (fld_get(CMD_OP, q[0]) != CMD_COMPLETION_WAIT)
		mdl_amd_revoke(u);
	switch (fld_get(CMD_OP, q[0])) {
	case CMD_COMPLETION_WAIT:
		return completion_wait(u, q, failed);
	case CMD_INV_IOTLB:
		invalidate_device(u, q, pa);
		break;
	case CMD_PREFETCH:
		prefetch(u, q);
		break;
	case CMD_COMPLETE_PPR:
		complete_ppr(u, q);
		break;
	default:
		invalidate(u, q);
		break;
	}
	return CARRIED_OUT;
}

void mdl_amd_commands_run(struct mdl_amd *u)
{
	uint64_t size = pow2(4 + (unsigned)fld_get(RING_LEN, u->st.r[AR_CMD_BASE]));

	if (u->cmd_running)
		return;
	u->cmd_running = true;
	while ((u->st.r[AR_STATUS] & ST_CMD_RUN) != 0 && u->st.r[AR_CMD_HEAD] != u->st.r[AR_CMD_TAIL]) {
		uint64_t pa = (u->st.r[AR_CMD_BASE] & BASE_ADDR) + u->st.r[AR_CMD_HEAD], failed = 0, q[2];
		enum outcome o;

		if (!mdl_fetch(&u->mem, mdl_amd_ctl(&u->st, CTL_COHERENT), pa, q, 2)) {
			stop(u, EVT_COMMAND_HW, EVT_MASTER_ABORT, pa);
			break;
		}
		o = one(u, q, pa, &failed);
		u->wait_held = o == HELD;
		if (o == ILLEGAL)
			stop(u, EVT_ILLEGAL_COMMAND, 0, pa);
		else if (o == STORE_FAILED)
			stop(u, EVT_COMMAND_HW, EVT_MASTER_ABORT, failed);
		if (o != CARRIED_OUT)
			break;
		u->st.r[AR_CMD_HEAD] = (u->st.r[AR_CMD_HEAD] + 16) % size;
	}
	u->cmd_running = false;
}

/* ---- devices that do not answer (2.5.8) ---- */

void mdl_amd_devtlb_answer(struct mdl_amd *u, uint16_t sid)
{
	for (unsigned i = 0; i < u->unanswered_n; i++) {
		if (u->unanswered[i].sid != sid)
			continue;
		u->unanswered[i] = u->unanswered[--u->unanswered_n];
		break;
	}
	if (u->unanswered_n == 0) {
		u->unanswered_reads = 0;
		mdl_amd_commands_run(u);
	}
}

void mdl_amd_commands_poll(struct mdl_amd *u)
{
	uint32_t patience = u->st.cfg->patience == 0 ? PATIENCE : u->st.cfg->patience;

	if (u->unanswered_n == 0 || fld_get(CTL_INV_TIMEOUT, u->st.r[AR_CTL]) == 0 || ++u->unanswered_reads < patience)
		return;
	u->unanswered_reads = 0;
	while (u->unanswered_n != 0) {
		const struct mdl_amd_unanswered *n = &u->unanswered[--u->unanswered_n];
		const uint64_t event[2] = { FLD(EVT_CODE, EVT_IOTLB_TIMEOUT) | FLD(EVT_DEVICE, n->sid), n->pa };

		mdl_amd_event_log(u, event);
	}
	if (u->st.cfg->choices.u44_timeout_stops) {
		u->cmd_stopped = true;
		u->st.r[AR_STATUS] &= ~ST_CMD_RUN;
	}
	mdl_amd_commands_run(u);
}
