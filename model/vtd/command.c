/*
 * Global commands (VT-d rev 4.1, 11.4.4): GCMD in, GSTS out.
 *
 * A command may take a while: then GSTS shows the old state, and RTPS or IRTPS 0, for as many reads as the
 * configuration says, and what the command does is done at the end of that time.
 */
#include "model/vtd/internal.h"

#define LEVEL (G_TE | G_QIE | G_IRE | G_CFI)

static void set_level(struct mdl_vtd *u, uint64_t bit, bool on)
{
	u->st.r[R_GSTS] = on ? u->st.r[R_GSTS] | bit : u->st.r[R_GSTS] & ~bit;
}

static void remapping(struct mdl_vtd *u, bool on)
{
	/* SRTP must have come first; a unit without a root table stays off. */
	if (on && (u->st.r[R_GSTS] & G_SRTP) == 0)
		return;
	set_level(u, G_TE, on);
	mdl_revoke(u);
	if (!on && mdl_ecap(&u->st, ECAP_SMTS))
		mdl_inv_dma_all(&u->cache); /* 11.4.4.1: clearing TE drops all DMA-remapping caches */
	mdl_frcd_index_reset(u);
}

static void queue(struct mdl_vtd *u, bool on)
{
	if (!mdl_ecap(&u->st, ECAP_QI))
		return;
	if (!on && u->st.r[R_IQH] != u->st.r[R_IQT] && u->st.cfg->choices.u05_qie_off_refused)
		return;
	set_level(u, G_QIE, on);
	u->st.r[R_IQH] = 0;
	u->wait_held = false;
	if (on)
		mdl_iq_run(u); /* U-05: a tail that was preset counts */
}

static void interrupts(struct mdl_vtd *u, bool on)
{
	if (!mdl_ecap(&u->st, ECAP_IR) || (on && (u->st.r[R_GSTS] & G_SIRTP) == 0))
		return;
	set_level(u, G_IRE, on);
	mdl_frcd_index_reset(u);
}

void mdl_write_buffer_flush(struct mdl_vtd *u)
{
	if (u->env.write_buffer_flush != NULL)
		u->env.write_buffer_flush(u->env.ctx);
}

static void one_shots(struct mdl_vtd *u, uint32_t value)
{
	if ((value & G_SRTP) != 0) {
		u->st.root = u->st.r[R_RTADDR];
		u->st.r[R_GSTS] |= G_SRTP;
		mdl_revoke(u);
		if (mdl_cap(&u->st, CAP_ESRTPS))
			mdl_inv_dma_all(&u->cache);
	}
	if ((value & G_SIRTP) != 0 && mdl_ecap(&u->st, ECAP_IR)) {
		u->st.irt = u->st.r[R_IRTA];
		u->st.r[R_GSTS] |= G_SIRTP;
		if (mdl_cap(&u->st, CAP_ESIRTPS))
			mdl_cache_clear(&u->cache.iec);
	}
	if ((value & G_WBF) != 0)
		mdl_write_buffer_flush(u);
	u->st.r[R_GSTS] &= ~G_WBF;
}

static void complete(struct mdl_vtd *u, uint32_t value)
{
	uint64_t changed = (value ^ u->st.r[R_GSTS]) & LEVEL;

	u->gcmd_polls = 0;
	one_shots(u, value);
	if ((changed & G_QIE) != 0)
		queue(u, (value & G_QIE) != 0);
	if (mdl_ecap(&u->st, ECAP_IR))
		set_level(u, G_CFI, (value & G_CFI) != 0);
	if ((changed & G_IRE) != 0)
		interrupts(u, (value & G_IRE) != 0);
	if ((changed & G_TE) != 0)
		remapping(u, (value & G_TE) != 0);
}

void mdl_gcmd_write(struct mdl_vtd *u, uint32_t value)
{
	/* Software must not do this; the first command is then as if it had been quick. */
	if (u->gcmd_polls != 0)
		complete(u, u->gcmd);
	if (u->st.cfg->handshake_polls == 0) {
		complete(u, value);
		return;
	}
	/* Accepted: the status of a new pointer is 0 until it is in place, WBFS 1 until the buffer is empty. */
	u->gcmd = value;
	u->gcmd_polls = u->st.cfg->handshake_polls + 1;
	if ((value & G_SRTP) != 0)
		u->st.r[R_GSTS] &= ~G_SRTP;
	if ((value & G_SIRTP) != 0)
		u->st.r[R_GSTS] &= ~G_SIRTP;
	if ((value & G_WBF) != 0 && mdl_cap(&u->st, CAP_RWBF))
		u->st.r[R_GSTS] |= G_WBF;
}

void mdl_gcmd_poll(struct mdl_vtd *u)
{
	if (u->gcmd_polls == 0)
		return;
	u->gcmd_polls--;
	if (u->gcmd_polls == 0)
		complete(u, u->gcmd);
}
